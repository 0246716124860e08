"""The answer: verdict, reasons and coverage, and the report that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gitops_gate.changes.values import ResourceChange
from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding


class Verdict(StrEnum):
    """Allow is only ever the result of evaluation; everything that could not be decided is not."""

    ALLOW = "allow"
    DENY = "deny"
    PENDING = "pending"
    INDETERMINATE = "indeterminate"

    @property
    def exit_code(self) -> int:
        """0 allow, 1 deny, 2 indeterminate, 3 pending (contract, section 1)."""
        return {"allow": 0, "deny": 1, "indeterminate": 2, "pending": 3}[self.value]


class Status(StrEnum):
    """What became of an application in this run."""

    RENDERED = "rendered"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for the verdict; `verdict` is what it alone would lead to."""

    code: str
    message: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A value at the base and one at the head."""

    base: Any
    head: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationOutcome:
    """One application in a report. `digest` sides are None where it does not exist."""

    name: str
    path: str
    renderer: str
    environment: str
    status: Status
    affected: bool
    reason: str | None = None
    digest: Sides = Sides(base=None, head=None)
    resources: Sides = Sides(base=0, head=0)
    moved_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at, and what was not. `not_understood` has `{path, reason}` items."""

    applications_found: int = 0
    applications_affected: int = 0
    applications_rendered: int = 0
    applications_failed: int = 0
    resources_seen: int = 0
    schema_checked: int = 0
    schema_missing: int = 0
    policy_checked: int = 0
    rules_loaded: int = 0
    rules_evaluated: int = 0
    not_understood: tuple[Mapping[str, str], ...] = ()
    unclaimed: int = 0
    redacted: int = 0
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesEffect:
    """What a change to the rules would do to the whole repository (design, invariant 2)."""

    changed: tuple[str, ...]
    newly_denied: tuple[Finding, ...] = ()
    no_longer_denied: tuple[Finding, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run found out, in a documented order, without clocks or machine paths.

    `base` and `head` are commit ids, or None for a scan and `worktree`. `warnings` are
    statements about the run itself, such as a missing sandbox or `--config`. `gate` is what the
    verdict was decided by, so that people see which findings block. `approvals` is the tree of
    `gitops_gate.approvals.tree` as plain data, None where approvals were not evaluated.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    base: str | None
    head: str | None
    applications: tuple[ApplicationOutcome, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = Coverage()
    approvals: Mapping[str, Any] | None = None
    rules_effect: RulesEffect | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    mode: str = "enforce"
    gate: GateSettings = field(default_factory=GateSettings)
    excerpts: Mapping[str, str] = field(default_factory=dict)
    """Source lines that findings point at, keyed `path:line`, for people to read."""
