"""The engines that a process keeps between applications: validators, policies, what was read.

Building a validator or a policy engine costs more than using it, so each process builds one of
each and keeps it. What is remembered is bounded and never changes a result: identical documents
give identical outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import (
    PolicyEngine,
    PolicyOutcome,
    PolicySubject,
    SchemaOutcome,
    SchemaValidator,
)
from gitops_gate.evaluation.custom_schemas import CustomSchemas
from gitops_gate.evaluation.values import Context, SideName
from gitops_gate.resources.memory import BoundedMemory
from gitops_gate.resources.read import DocumentMemo

if TYPE_CHECKING:
    from gitops_gate.render.cache import RenderCache
    from gitops_gate.resources.values import Resource


class Engines:
    """Everything that outlives one application in one process. Close it at the end."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.documents = DocumentMemo()
        """Parsed documents by their bytes, for `resources.read_resources`."""
        self.digests = BoundedMemory()
        """Digests of resources by their document, for `resources.application_digest`."""
        self._outcomes = BoundedMemory()
        self._schemas = CustomSchemas(context, self.documents)
        self._validators: dict[tuple[str, SideName], SchemaValidator] = {}
        self._policies: PolicyEngine | None = None
        self._cache: RenderCache | None = None

    @property
    def cache(self) -> RenderCache | None:
        """Where rendered manifests are kept, if anywhere."""
        if self._cache is None and self.context.cache_folder:
            from gitops_gate.render.cache import RenderCache

            self._cache = RenderCache(folder=f"{self.context.cache_folder}/rendered")
        return self._cache

    def validate(
        self, resources: Sequence[Resource], kubernetes: str, side: SideName
    ) -> tuple[Sequence[SchemaOutcome], tuple[str, str]]:
        """One outcome a resource, and the engine's name and version."""
        validator = self._validator(kubernetes, side)
        keys = [(kubernetes, side, r.text, r.origin.prefix) for r in resources]
        known = {key: self._outcomes[key] for key in keys if key in self._outcomes}
        unknown = {
            key: resource for key, resource in zip(keys, resources, strict=True) if key not in known
        }
        for key, outcome in zip(unknown, validator.validate(list(unknown.values())), strict=True):
            known[key] = self._outcomes[key] = outcome
        return [known[key] for key in keys], validator.tool

    @property
    def schema_problems(self) -> tuple[str, ...]:
        """What is wrong with custom schemas, as far as they were needed."""
        return self._schemas.problems

    def judge(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> tuple[Sequence[PolicyOutcome], tuple[str, str]]:
        """One outcome a subject, and the engine's name and version."""
        if self._policies is None:
            from gitops_gate.checks.policy import build_engine

            self._policies = build_engine(self.context.rules, self.context.settings.policies)
        return self._policies.evaluate(subjects, inventory), self._policies.tool

    def close(self) -> None:
        """End every engine that was started."""
        for validator in self._validators.values():
            validator.close()
        if self._policies is not None:
            self._policies.close()

    def _validator(self, kubernetes: str, side: SideName) -> SchemaValidator:
        if self._schemas.equal:
            side = "head"
        validator = self._validators.get((kubernetes, side))
        if validator is None:
            validator = self._schemas.validator(kubernetes, side)
            self._validators[kubernetes, side] = validator
        return validator
