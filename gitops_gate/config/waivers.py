"""Accepted findings: what a repository has decided to live with, by whom and until when.

A waiver matches a finding when its rule, resources, applications and environments all do. Whether
it has expired is judged by who applies it, at the moment that the run is given.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.config.globs import matches, matches_any
from gitops_gate.config.validation import check, read_document
from gitops_gate.documents import locate
from gitops_gate.findings import Location
from gitops_gate.resources.values import ResourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivedResource:
    """Patterns of resources; what is None matches everything."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None

    def matches(self, resource: ResourceReference) -> bool:
        """Whether all the patterns match."""
        pairs = (
            (self.kind, resource.kind),
            (self.namespace, resource.namespace),
            (self.name, resource.name),
        )
        return all(pattern is None or matches(pattern, text) for pattern, text in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One entry of a waiver file. What is empty matches everything.

    `expires` is the last day on which it counts. `index` is its place in the list, from 0.
    """

    rule: str
    reason: str
    owner: str
    expires: datetime.date
    resources: tuple[WaivedResource, ...] = ()
    applications: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    index: int = 0

    def matches(
        self,
        *,
        rule: str,
        resource: ResourceReference | None,
        application: str | None,
        environment: str | None,
    ) -> bool:
        """Whether a finding is one that this waiver is about.

        A waiver that names resources, applications or environments does not match a finding that
        has none.
        """
        return (
            rule == self.rule
            and (not self.resources or self._has(resource))
            and _among(self.applications, application)
            and _among(self.environments, environment)
        )

    def expired(self, today: datetime.date) -> bool:
        """Whether the waiver no longer counts on a day (UTC)."""
        return today > self.expires

    def _has(self, resource: ResourceReference | None) -> bool:
        return resource is not None and any(each.matches(resource) for each in self.resources)


def load_waivers(data: bytes, path: str) -> tuple[Waiver, ...]:
    """The waivers of a file, in its order; none for an empty file.

    Raises `ConfigurationError` that tells everything that is wrong with the file.
    """
    document, value = read_document(data, path)
    if document is None or value is None:
        return ()
    check(value, document, path, "waivers")
    assert isinstance(value, list)
    return tuple(_waiver(index, content) for index, content in enumerate(value))


def locate_waiver(waiver: Waiver, data: bytes, path: str) -> Location:
    """Where a waiver stands in the bytes of the file that it was loaded from."""
    document, _ = read_document(data, path)
    if document is None:
        return Location(path=path)
    place = locate(document.text, (waiver.index,), first_line=document.line)
    return Location(path=path, line=place.line, column=place.column, exact=place.exact)


def _waiver(index: int, content: Mapping[str, Any]) -> Waiver:
    resources = content.get("resources", [])
    each = [resources] if isinstance(resources, dict) else resources
    return Waiver(
        rule=content["rule"],
        reason=content["reason"],
        owner=content["owner"],
        expires=datetime.date.fromisoformat(content["expires"]),
        resources=tuple(WaivedResource(**patterns) for patterns in each),
        applications=tuple(content.get("applications", ())),
        environments=tuple(content.get("environments", ())),
        index=index,
    )


def _among(patterns: Sequence[str], name: str | None) -> bool:
    return not patterns or (name is not None and matches_any(patterns, name))
