"""What a reader can filter by, and how a part of the page says which values it has.

A value is known by its number in the list of its facet, so that no name of a repository ever
stands in an attribute that a script reads: `data-environment="0 2"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gitops_gate.changes.values import Operation
from gitops_gate.findings import Severity
from gitops_gate.reports.grouping import Overview

STATES: Mapping[str, str] = {
    "blocking": "blocks",
    "introduced": "introduced",
    "older": "older",
    "waived": "waived",
    "newly-denied": "newly denied by changed rules",
    "no-longer-denied": "no longer denied by changed rules",
}
"""The states of a finding; one that blocks is also introduced or older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One list to choose from. `values` are in the order shown; a value's number is its place."""

    name: str
    label: str
    values: tuple[str, ...]
    labels: tuple[str, ...]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """All facets of a report by name, those without any value included."""

    by_name: Mapping[str, Facet]

    def offered(self) -> list[Facet]:
        """The facets that can tell something apart."""
        return [facet for facet in self.by_name.values() if len(facet.values) > 1]

    def attributes(self, **values: Iterable[str | None]) -> Markup:
        """` data-rule="4" data-application="0 7"`; values that no facet knows are left out."""
        parts = []
        for name, given in values.items():
            places = self.by_name[name].places
            numbers = " ".join(str(places[value]) for value in given if value and value in places)
            parts.append(f' data-{name}="{numbers}"')
        return Markup("".join(parts))  # noqa: S704 - facet names and numbers only

    def pick(self, **values: str) -> str:
        """`environment=0&kind=3`, for what sets the filters when it is clicked."""
        known = {name: self.by_name[name].places.get(value) for name, value in values.items()}
        return "&".join(f"{name}={place}" for name, place in known.items() if place is not None)


def facets_of(overview: Overview, states: Sequence[str]) -> Facets:
    """The facets of a report; `states` are those that its findings have."""
    report = overview.report
    effect = report.rules_effect
    found = list(report.findings)
    if effect is not None:
        found += [*effect.newly_denied, *effect.no_longer_denied]
    shown = {finding.application for finding in found if finding.application is not None}
    shown |= {change.application for change in report.changes}
    shown |= {outcome.name for outcome in overview.failed}
    kinds = {change.resource.kind for change in report.changes}
    kinds |= {finding.resource.kind for finding in found if finding.resource is not None}
    severities = {finding.severity for finding in found}
    made = [
        _facet("severity", "Severity", [s.value for s in Severity if s in severities]),
        _facet("state", "State", [state for state in STATES if state in states], STATES),
        _facet("rule", "Rule", sorted({finding.rule for finding in found})),
        _facet("environment", "Environment", sorted({o.environment for o in report.applications})),
        _facet("application", "Application", sorted(shown)),
        _facet("kind", "Kind", sorted(kinds)),
        _facet("operation", "Operation", [o.value for o in Operation if overview.operations[o]]),
        _facet("risk", "Risk", sorted({label for c in report.changes for label in c.risk})),
    ]
    return Facets(by_name={facet.name: facet for facet in made})


def _facet(
    name: str, label: str, values: Sequence[str], labels: Mapping[str, str] | None = None
) -> Facet:
    return Facet(
        name=name,
        label=label,
        values=tuple(values),
        labels=tuple(labels[value] if labels else value for value in values),
        places={value: place for place, value in enumerate(values)},
    )
