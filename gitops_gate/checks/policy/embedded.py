"""The embedded policy engine: regorus, inside this process, with nothing to install.

An engine belongs to the thread that made it, so each worker process builds its own. Rules that
look at the resource alone are evaluated once for identical resources.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect, PolicyOutcome, PolicySubject
from gitops_gate.checks.policy.modules import engine_error
from gitops_gate.checks.policy.outcome import read_results
from gitops_gate.checks.policy.questions import (
    Asked,
    Group,
    Questions,
    input_document,
    resource_part,
)
from gitops_gate.errors import PolicyError

if TYPE_CHECKING:
    from gitops_gate.checks.policy.library import RuleSet

REMEMBERED_OUTCOMES = 20_000


class EmbeddedEngine:
    """Evaluates a rule set with regorus. See `gitops_gate.checks.interface.PolicyEngine`."""

    def __init__(self, rules: RuleSet) -> None:
        import regorus

        self._rules = rules
        self._questions = Questions(rules)
        self._engine: Any = regorus.Engine()
        self._inventory_loaded = False
        self._remembered: dict[tuple[Hashable, str, str], tuple[Defect, ...]] = {}
        for module in rules.modules:
            try:
                self._engine.add_policy(module.path, module.text)
            except RuntimeError as error:
                raise engine_error(error, module.path) from None

    @property
    def tool(self) -> tuple[str, str]:
        """`regorus`, and the version of the package that brings it."""
        return "regorus", importlib.metadata.version("gordon-to-regorus")

    def evaluate(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyOutcome]:
        """One outcome a subject. Raises `PolicyError`; see the interface."""
        self._load(inventory)
        return [self._outcome(subject) for subject in subjects]

    def close(self) -> None:
        """Nothing was started."""

    def _load(self, inventory: Sequence[Mapping[str, Any]]) -> None:
        if not self._rules.needs_inventory:
            return
        if self._inventory_loaded:
            self._engine.clear_data()
        try:
            self._engine.add_data_json(json.dumps({"inventory": list(inventory)}))
        except (RuntimeError, ValueError) as error:
            raise engine_error(error) from None
        self._inventory_loaded = True

    def _outcome(self, subject: PolicySubject) -> PolicyOutcome:
        alone, around = self._questions.plan(subject)
        if not alone and not around:
            return PolicyOutcome()
        defects = self._remembering(subject, alone)
        if around:
            defects += self._ask(subject, around)
        evaluated = frozenset(a.rule.id for group in (*alone, *around) for a in group.asked)
        return PolicyOutcome(defects=defects, evaluated=evaluated)

    def _remembering(self, subject: PolicySubject, groups: Sequence[Group]) -> tuple[Defect, ...]:
        if subject.identity is None:
            return self._ask(subject, groups)
        application = subject.application
        environment = application.get("environment", "")
        key = (subject.identity, environment, application.get("kubernetes", ""))
        known = self._remembered.get(key)
        if known is None:
            known = self._ask(subject, groups)
            if len(self._remembered) >= REMEMBERED_OUTCOMES:
                self._remembered.clear()
            self._remembered[key] = known
        return known

    def _ask(self, subject: PolicySubject, groups: Sequence[Group]) -> tuple[Defect, ...]:
        defects: list[Defect] = []
        resource = resource_part(subject) if groups else ""
        for group in groups:
            document = input_document(resource, subject, group.parameters)
            try:
                self._engine.set_input_json(document)
            except (RuntimeError, ValueError) as error:
                raise engine_error(error) from None
            for asked in group.asked:
                defects.extend(read_results(asked.rule, asked.severity, self._evaluate(asked)))
        return tuple(defects)

    def _evaluate(self, asked: Asked) -> Any:
        try:
            return json.loads(self._engine.eval_rule_as_json(asked.rule.query))
        except (RuntimeError, ValueError) as error:
            found = engine_error(error, asked.rule.path)
            raise PolicyError(
                f"{asked.rule.id}: {found.message}", path=found.path, line=found.line
            ) from None
