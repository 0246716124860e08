"""The two families of checks, as the pipeline sees them: schema validators and policy engines.

Both look at one resource and return defects: a finding that does not yet know its application,
its place in the source, or whether the change introduced it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gitops_gate.findings import FieldPath, Severity
from gitops_gate.resources.values import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What a check found in one resource."""

    rule: str
    severity: Severity
    message: str
    field: FieldPath = ()
    remediation: str | None = None
    suggestion: str | None = None
    documentation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOutcome:
    """`known` is false when no schema exists for the resource's kind; it has no defects then."""

    known: bool
    defects: tuple[Defect, ...] = ()


class SchemaValidator(Protocol):
    """Validates resources against the schemas of one Kubernetes version and the CRDs given."""

    @property
    def tool(self) -> tuple[str, str]:
        """Name and version of the engine, for the report."""

    def validate(self, resources: Sequence[Resource]) -> Sequence[SchemaOutcome]:
        """One outcome a resource, in order. Raises `SchemaError` or `ToolError` when it cannot."""

    def close(self) -> None:
        """End what was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySubject:
    """One question to the policies (contract, section 4).

    `object` and `old_object` are JSON-like; `old_object` is None on CREATE. On DELETE both are the
    resource that goes, and the policy is given it as `oldObject`, with null for `object`.
    `application` has name, path, environment, renderer, kubernetes and namespace.
    `identity`, when given, is hashable and equal for subjects whose objects and operation are
    equal, so that an engine can answer a question once that many applications ask.
    """

    object: Mapping[str, Any]
    old_object: Mapping[str, Any] | None
    operation: str
    application: Mapping[str, str]
    identity: Hashable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """Defects of one subject, and the ids of the rules that looked at it."""

    defects: tuple[Defect, ...] = ()
    evaluated: frozenset[str] = frozenset()


class PolicyEngine(Protocol):
    """Evaluates every rule that applies to a subject's kind, environment and operation."""

    @property
    def tool(self) -> tuple[str, str]:
        """Name and version of the engine, for the report."""

    def evaluate(
        self, subjects: Sequence[PolicySubject], inventory: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyOutcome]:
        """One outcome a subject, in order; `inventory` is every resource of the application.

        Raises `PolicyError` when a rule fails, gives no defined result or uses what is refused.
        """

    def close(self) -> None:
        """End what was started."""
