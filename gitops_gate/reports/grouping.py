"""What belongs together in a report, put together once for all formats that people read.

    Report ──group_findings──> FindingGroup …   one defect, with every application that has it
           ──group_changes───> ChangeGroup …    one change, with every application that it is in

A defect in a shared base is one thing to mend, a change in it one thing to review, in however many
applications it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gitops_gate.changes.values import Operation, ResourceChange
from gitops_gate.findings import Finding, Severity, WaiverUse
from gitops_gate.resources.plain import text_of
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status

_LABELS = frozenset({"labels", "annotations"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """One defect. `finding` stands for all `members`; `blocking` says whether it counts against."""

    finding: Finding
    members: tuple[Finding, ...]
    applications: tuple[str, ...]
    blocking: bool

    @property
    def count(self) -> int:
        """How many findings of the report this is."""
        return len(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeGroup:
    """One change of a resource, identical in all `applications`, in their order.

    `change` stands for all `members`. `one_namespace` is whether the resource has the same
    namespace everywhere.
    """

    change: ResourceChange
    members: tuple[ResourceChange, ...]
    applications: tuple[str, ...]
    one_namespace: bool

    @property
    def name(self) -> str:
        """The resource as people write it, without a namespace that is not the same for all."""
        reference = self.change.resource
        return str(reference) if self.one_namespace else f"{reference.kind} {reference.name}"

    @property
    def minor(self) -> bool:
        """Whether it is of labels and annotations only, or of a definition: shown last."""
        return is_minor(self.change)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A report with its parts grouped and counted; each is worked out when first asked for."""

    report: Report

    @property
    def scanned(self) -> bool:
        """Whether a tree was looked at as it is, rather than a change."""
        return self.report.base is None

    @property
    def advisory(self) -> bool:
        """Whether the gate only gives advice."""
        return self.report.mode == "advisory"

    @cached_property
    def groups(self) -> tuple[FindingGroup, ...]:
        """All findings, grouped, in the report's order; those that block first."""
        groups = group_findings(self.report)
        return (*(g for g in groups if g.blocking), *(g for g in groups if not g.blocking))

    @cached_property
    def blocking(self) -> tuple[FindingGroup, ...]:
        """What counts against the change."""
        return tuple(group for group in self.groups if group.blocking)

    @cached_property
    def noted(self) -> tuple[FindingGroup, ...]:
        """What the change introduces, and is neither waived nor blocking."""
        return tuple(
            group
            for group in self.groups
            if not group.blocking and group.finding.introduced and group.finding.waiver is None
        )

    @cached_property
    def older(self) -> tuple[FindingGroup, ...]:
        """What the base has too, and is neither waived nor blocking."""
        return tuple(
            group
            for group in self.groups
            if not group.blocking and not group.finding.introduced and group.finding.waiver is None
        )

    @cached_property
    def waived(self) -> tuple[FindingGroup, ...]:
        """What a waiver accepts."""
        return tuple(group for group in self.groups if group.finding.waiver is not None)

    @cached_property
    def waivers(self) -> tuple[tuple[WaiverUse, int], ...]:
        """The waivers in use, with how many findings each accepts, the first to expire first."""
        used = Counter(f.waiver for f in self.report.findings if f.waiver is not None)
        return tuple(
            sorted(
                used.items(),
                key=lambda item: (item[0].expires, item[0].rule, item[0].owner, item[0].reason),
            )
        )

    @cached_property
    def changes(self) -> tuple[ChangeGroup, ...]:
        """All changes, grouped; those of labels and of definitions last."""
        groups = group_changes(self.report.changes)
        return (*(g for g in groups if not g.minor), *(g for g in groups if g.minor))

    @cached_property
    def failed(self) -> tuple[ApplicationOutcome, ...]:
        """Applications that could not be evaluated."""
        return tuple(a for a in self.report.applications if a.status is Status.FAILED)

    @cached_property
    def environments(self) -> dict[str, str]:
        """The environment of each application."""
        return {outcome.name: outcome.environment for outcome in self.report.applications}

    @cached_property
    def operations(self) -> Counter[Operation]:
        """How many resources are added, modified and removed."""
        return Counter(change.operation for change in self.report.changes)

    @cached_property
    def introduced(self) -> Counter[Severity]:
        """How many findings the change introduces that no waiver accepts, by severity."""
        return Counter(f.severity for f in self.report.findings if f.introduced and not f.waiver)

    @cached_property
    def older_count(self) -> int:
        """How many findings the base has too, without those that a waiver accepts or that block."""
        return sum(group.count for group in self.older)


def group_findings(report: Report) -> list[FindingGroup]:
    """Findings of one rule with one message at one place as one, in the order of the first."""
    members: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in report.findings:
        members.setdefault(_defect(finding), []).append(finding)
    return [
        FindingGroup(
            finding=found[0],
            members=tuple(found),
            applications=_distinct(f.application for f in found if f.application is not None),
            blocking=blocks(found[0], report.gate),
        )
        for found in members.values()
    ]


def group_changes(changes: Sequence[ResourceChange]) -> list[ChangeGroup]:
    """Changes that say the same of the same resource as one, in the order of the first."""
    members: dict[tuple[Any, ...], list[ResourceChange]] = {}
    for change in changes:
        members.setdefault(_modification(change), []).append(change)
    return [
        ChangeGroup(
            change=same[0],
            members=tuple(same),
            applications=_distinct(change.application for change in same),
            one_namespace=len({change.resource.namespace for change in same}) == 1,
        )
        for same in members.values()
    ]


def is_minor(change: ResourceChange) -> bool:
    """Whether a change is of labels or annotations only, or of a CustomResourceDefinition.

    What a risk label marks is never minor.
    """
    if change.risk:
        return False
    if change.resource.kind == "CustomResourceDefinition":
        return True
    return bool(change.fields) and all(
        any(
            parent == "metadata" and child in _LABELS
            for parent, child in zip(field.path, field.path[1:], strict=False)
        )
        for field in change.fields
    )


def _defect(finding: Finding) -> tuple[Any, ...]:
    place = finding.location
    known = place is not None and place.line > 0
    resource = finding.resource
    return (
        finding.rule,
        finding.severity,
        finding.introduced,
        finding.waiver,
        finding.message,
        place,
        resource and (resource.kind, resource.name),
        None if known or resource else finding.application,
    )


def _modification(change: ResourceChange) -> tuple[Any, ...]:
    resource, previous = change.resource, change.previous
    return (
        change.operation,
        (resource.api_version, resource.kind, resource.name),
        previous and (previous.api_version, previous.kind, previous.name),
        previous and previous.namespace != resource.namespace,
        change.risk,
        change.diff,
        tuple((f.path, text_of(f.base), text_of(f.head)) for f in change.fields),
        change.application if change.omitted else None,
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
