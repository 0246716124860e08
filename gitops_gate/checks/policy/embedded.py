"""The embedded policy engine: regorus, inside this process, with nothing to install.

An engine belongs to the thread that made it, so each worker process builds its own. Rules that
look at the resource alone are evaluated once for identical resources.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect, PolicyOutcome, PolicySubject
from gitops_gate.checks.policy.modules import engine_error
from gitops_gate.checks.policy.outcome import read_results
from gitops_gate.checks.policy.questions import (
    Asked,
    Group,
    Plan,
    Questions,
    input_document,
    resource_part,
)
from gitops_gate.errors import PolicyError
from gitops_gate.resources.memory import BoundedMemory

if TYPE_CHECKING:
    from gitops_gate.checks.policy.library import RuleSet

_NOWHERE = {"name": "", "path": "", "environment": "", "renderer": ""}


@functools.cache
def _version() -> str:
    return importlib.metadata.version("gordon-to-regorus")


class EmbeddedEngine:
    """Evaluates a rule set with regorus. See `gitops_gate.checks.interface.PolicyEngine`."""

    def __init__(self, rules: RuleSet) -> None:
        import regorus

        self._questions = Questions(rules)
        self._alone: Any = regorus.Engine()
        self._around: Any = None
        self._inventory: Sequence[Mapping[str, Any]] = ()
        self._remembered = BoundedMemory()
        for module in rules.modules:
            try:
                self._alone.add_policy(module.path, module.text)
            except RuntimeError as error:
                raise engine_error(error, module.path) from None

    @property
    def tool(self) -> tuple[str, str]:
        """`regorus`, and the version of the package that brings it."""
        return "regorus", _version()

    def evaluate(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyOutcome]:
        """One outcome a subject. Raises `PolicyError`; see the interface."""
        self._inventory = inventory
        self._around = None
        return [self._outcome(subject) for subject in subjects]

    def close(self) -> None:
        """Nothing was started."""

    def _outcome(self, subject: PolicySubject) -> PolicyOutcome:
        plan = self._questions.plan(subject)
        if not plan.groups:
            return PolicyOutcome()
        defects, suspicious = self._remembering(subject, plan)
        around = (*plan.lifted, *plan.around) if suspicious else plan.around
        if around:
            defects += self._ask(self._with_inventory(), subject, around)[0]
        evaluated = frozenset(a.rule.id for group in plan.groups for a in group.asked)
        return PolicyOutcome(defects=defects, evaluated=evaluated)

    def _remembering(self, subject: PolicySubject, plan: Plan) -> tuple[tuple[Defect, ...], bool]:
        """The defects of the resource alone, and whether it needs a look around it."""
        application = subject.application
        environment = application.get("environment", "")
        key = (subject.identity, environment, application.get("kubernetes", ""))
        known = self._remembered.get(key) if subject.identity is not None else None
        if known is None:
            bare = replace(subject, application=_NOWHERE)
            alone, suspicions = self._ask(self._alone, bare, plan.alone, plan.lifted)
            known = (alone, bool(suspicions))
            self._remembered[key] = known
        found: tuple[tuple[Defect, ...], bool] = known
        return found

    def _with_inventory(self) -> Any:
        """The engine that knows the application's other resources, made when a rule asks."""
        if self._around is None:
            self._around = self._alone.clone()
            try:
                self._around.add_data_json(json.dumps({"inventory": list(self._inventory)}))
            except (RuntimeError, ValueError) as error:
                raise engine_error(error) from None
        return self._around

    def _ask(
        self, engine: Any, subject: PolicySubject, *questions: Sequence[Group]
    ) -> list[tuple[Defect, ...]]:
        """The defects that each of several questions finds; what they share is handed over once."""
        answers = []
        resource = resource_part(subject) if any(questions) else ""
        handed_over = None
        for groups in questions:
            defects: list[Defect] = []
            for group in groups:
                document = input_document(resource, subject, group.parameters)
                if document != handed_over:
                    _hand_over(engine, document)
                    handed_over = document
                for asked in group.asked:
                    results = _evaluate(engine, asked)
                    defects.extend(read_results(asked.rule, asked.severity, results))
            answers.append(tuple(defects))
        return answers


def _hand_over(engine: Any, document: str) -> None:
    try:
        engine.set_input_json(document)
    except (RuntimeError, ValueError) as error:
        raise engine_error(error) from None


def _evaluate(engine: Any, asked: Asked) -> Any:
    try:
        return json.loads(engine.eval_rule_as_json(asked.rule.query))
    except (RuntimeError, ValueError) as error:
        found = engine_error(error, asked.rule.path)
        raise PolicyError(
            f"{asked.rule.id}: {found.message}", path=found.path, line=found.line
        ) from None
