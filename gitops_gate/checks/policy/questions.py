"""A subject and the selected rules -> what an engine has to be asked.

Both engines answer the same questions: rules are filtered by kind, operation and environment
first, and those with equal parameters share one input document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.checks.interface import PolicySubject
from gitops_gate.checks.policy.library import RuleSet
from gitops_gate.checks.policy.rules import Rule
from gitops_gate.findings import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One rule as it applies to a subject."""

    rule: Rule
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules with equal parameters; `parameters` is JSON text."""

    parameters: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The rules for one kind of subject, by what they look at.

    Those `alone` look at the resource and nothing else, those `lifted` look around it only to
    lift a denial, those `around` always do.
    """

    alone: tuple[Group, ...] = ()
    lifted: tuple[Group, ...] = ()
    around: tuple[Group, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups, in the order in which they are asked."""
        return (*self.alone, *self.lifted, *self.around)


class Questions:
    """Plans which rules apply to a subject, remembering the plan of each kind of subject."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._plans: dict[tuple[str, ...], Plan] = {}

    def plan(self, subject: PolicySubject) -> Plan:
        """The rules that apply to a subject."""
        group, kind = group_and_kind(subject.object)
        environment = subject.application.get("environment", "")
        kubernetes = subject.application.get("kubernetes", "")
        key = (group, kind, subject.operation, environment, kubernetes)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(
                alone=self._groups(key, lambda rule: not rule.contextual),
                lifted=self._groups(key, lambda rule: rule.contextual and rule.lifted),
                around=self._groups(key, lambda rule: rule.contextual and not rule.lifted),
            )
        return plan

    def _groups(self, key: tuple[str, ...], wanted: Callable[[Rule], bool]) -> tuple[Group, ...]:
        group, kind, operation, environment, kubernetes = key
        grouped: dict[str, list[Asked]] = {}
        for selected in self._rules.rules:
            rule, severity = selected.rule, selected.severity(environment)
            applies = operation in rule.operations and rule.applies(group, kind)
            if severity is None or not applies or not wanted(rule):
                continue
            parameters = json.dumps(selected.parameters(environment, kubernetes), sort_keys=True)
            grouped.setdefault(parameters, []).append(Asked(rule=rule, severity=severity))
        return tuple(
            Group(parameters=parameters, asked=tuple(asked))
            for parameters, asked in sorted(grouped.items())
        )


def group_and_kind(resource: Mapping[str, Any]) -> tuple[str, str]:
    """API group ("" for core) and kind of a resource."""
    return str(resource.get("apiVersion", "")).rpartition("/")[0], str(resource.get("kind", ""))


def resource_part(subject: PolicySubject) -> str:
    """The part of `input` that only depends on the resource and the operation, as JSON text."""
    deleted = subject.operation == "DELETE"
    new = "null" if deleted else json.dumps(subject.object, ensure_ascii=False)
    old = json.dumps(subject.old_object, ensure_ascii=False)
    return f'{{"object":{new},"oldObject":{old},"operation":"{subject.operation}"'


def input_document(resource: str, subject: PolicySubject, parameters: str) -> str:
    """`input` as JSON text (contract, section 4); `resource` is its `resource_part`."""
    context = json.dumps(dict(subject.application), ensure_ascii=False)
    return f'{resource},"application":{context},"parameters":{parameters}}}'
