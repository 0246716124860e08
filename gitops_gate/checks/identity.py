"""When two findings are the same one, at the base and at the head, and from run to run.

They are when rule, application, resource (without hash suffix) and field agree, the items on the
way to the field being identified by merge key or content and never by index; without a field, the
message stands for it (contract, section 4). They are compared as multisets: of three at the head
and two at the base, one is introduced.

Used after the checks of both sides and before the verdict.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from gitops_gate.resources.values import ResourceKey, ResourceReference


class Identity(NamedTuple):
    """What makes a finding the same. `resource` is None for a finding about no resource.

    `field` is an identified path (`gitops_gate.resources.paths.identified_path`); `message` is ""
    where there is a field.
    """

    rule: str
    application: str | None
    resource: ResourceKey | None
    field: tuple[str, ...]
    message: str


class Sighting(NamedTuple):
    """A finding seen at one side: its identity, and its message for telling equal ones apart."""

    identity: Identity
    message: str


def identity(
    rule: str,
    application: str | None,
    resource: ResourceReference | None,
    base_name: str | None,
    identified_field: tuple[str, ...],
    message: str,
) -> Identity:
    """The identity of a finding; `base_name` is the resource's name without hash suffix.

    The version of the resource's API is not part of it, so that moving from `v1beta1` to `v1`
    leaves its findings what they are.
    """
    key = resource.key if resource else None
    if key is not None and base_name:
        key = key._replace(name=base_name)
    return Identity(rule, application, key, identified_field, "" if identified_field else message)


def fingerprint(
    rule: str,
    application: str | None,
    resource: ResourceReference | None,
    base_name: str | None,
    identified_field: tuple[str, ...],
    message_when_no_field: str,
) -> str:
    """The identity as 64 hexadecimal digits (SHA-256), the same in every run."""
    found = identity(
        rule, application, resource, base_name, identified_field, message_when_no_field
    )
    text = json.dumps(found, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def introduced(base: Sequence[Sighting], head: Sequence[Sighting]) -> tuple[bool, ...]:
    """For each finding at the head, whether the base lacks it.

    Where a side has more of one identity than the other, those with the same message are matched
    first, and then in order, so that the new one of two at one field is the one that is named.
    """
    exact = Counter(base)
    known = Counter(sighting.identity for sighting in base)
    result = [True] * len(head)
    for index, sighting in enumerate(head):
        if exact[sighting] > 0:
            exact[sighting] -= 1
            known[sighting.identity] -= 1
            result[index] = False
    for index, sighting in enumerate(head):
        if result[index] and known[sighting.identity] > 0:
            known[sighting.identity] -= 1
            result[index] = False
    return tuple(result)
