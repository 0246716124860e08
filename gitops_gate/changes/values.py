"""What a change request does to the cluster: added, removed and modified resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gitops_gate.findings import FieldPath
from gitops_gate.resources.values import Resource, ResourceReference

ABSENT: Any = None
"""The value of a side on which a field does not exist, as a report shows it."""


class Operation(StrEnum):
    """What happens to a resource when the head is applied instead of the base."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that means something else to the cluster; `None` on a side where it is absent."""

    path: FieldPath
    base: Any
    head: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One resource that the head adds, removes or modifies, already redacted.

    `previous` names the base's resource where its name differs (hash suffix, moved namespace).
    `diff` is a unified diff of canonical YAML. `risk` holds sorted labels
    (`gitops_gate.changes.risk`). `redacted` counts the fields whose values are hidden, `omitted`
    the fields and lines of the diff that were left out because there were too many.
    """

    application: str
    operation: Operation
    resource: ResourceReference
    previous: ResourceReference | None = None
    risk: tuple[str, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    diff: str = ""
    redacted: int = 0
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two sides of one resource; at least one is there."""

    base: Resource | None = field(repr=False)
    head: Resource | None = field(repr=False)
