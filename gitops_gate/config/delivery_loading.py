"""`delivery` of a configuration that its schema accepted -> settings.

`delivery_problems` finds what the schema cannot say: refs that would be written by two branches, or
that a delivery would start from again. The loader expects that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gitops_gate.config.delivery_settings import DeliverySettings, DeliveryTarget, SigningSettings
from gitops_gate.config.globs import is_glob, matches
from gitops_gate.config.refs import BRANCH, HEADS, can_meet
from gitops_gate.config.wording import Field, Problem, dotted

MOST_TARGETS = 100
"""How many refs one configuration may deliver to: each is compared with every other."""


def load_delivery(content: Mapping[str, Any]) -> DeliverySettings:
    """The settings of `delivery`; what is not said has its default."""
    signing = content.get("signing")
    return DeliverySettings(
        branches={
            pattern: tuple(map(_target, _listed(entry)))
            for pattern, entry in content.get("branches", {}).items()
        },
        attestations=content.get("attestations", DeliverySettings().attestations),
        signing=None if signing is None else SigningSettings(**signing),
        addresses=tuple(content.get("addresses", ())),
    )


def delivery_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `delivery` of a whole configuration, beyond the schema."""
    content = value.get("delivery", {})
    yield from _signing(content.get("signing"))
    entries = _entries(content.get("branches", {}))
    if len(entries) > MOST_TARGETS:
        message = f"`delivery.branches`: more than {MOST_TARGETS} refs are delivered to"
        yield Problem(field=("delivery", "branches"), message=message)
        return
    attestations = content.get("attestations", DeliverySettings().attestations)
    patterns = list(content.get("branches", {}))
    yield from _attestations(attestations, patterns)
    wrong: dict[Field, str] = {}
    for entry in entries:
        said = _alone(entry, patterns, attestations)
        if said is not None:
            wrong[entry.field] = said
    for earlier, later in combinations(entries, 2):
        if not {earlier.field, later.field} & wrong.keys() and _collide(earlier, later, patterns):
            message = f"`{dotted(earlier.field)}` may give the same ref, or one that is inside it"
            wrong[later.field] = message
    for field, message in wrong.items():
        yield Problem(field=field, message=f"`{dotted(field)}`: {message}")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One ref of one pattern of branches, and where it stands."""

    field: Field
    pattern: str
    ref: str

    @property
    def refs(self) -> str:
        """A pattern of all the refs that this may give."""
        pattern = f"{self.pattern}**" if self.pattern.endswith("/") else self.pattern
        return self.ref.replace(BRANCH, pattern)

    def branch(self, ref: str) -> str | None:
        """The branch that a ref would come from, or None where it could be none."""
        before, _, after = self.ref.partition(BRANCH)
        if not ref.startswith(before) or not ref.endswith(after):
            return None
        name = ref[len(before) : len(ref) - len(after)]
        return name if name and matches(self.pattern, name) else None


def _listed(entry: Any) -> Sequence[Mapping[str, Any]]:
    return [entry] if isinstance(entry, Mapping) else entry


def _target(content: Mapping[str, Any]) -> DeliveryTarget:
    return DeliveryTarget(
        ref=content["ref"],
        environments=tuple(content.get("environments", ())),
        start=content.get("start"),
        hydrate=content.get("hydrate", False),
    )


def _entries(branches: Mapping[str, Any]) -> list[_Entry]:
    entries = []
    for pattern, content in branches.items():
        field: Field = ("delivery", "branches", pattern)
        if isinstance(content, Mapping):
            entries.append(_Entry((*field, "ref"), pattern, content["ref"]))
            continue
        for number, each in enumerate(content):
            entries.append(_Entry((*field, number, "ref"), pattern, each["ref"]))
    return entries


def _signing(content: Mapping[str, Any] | None) -> Iterator[Problem]:
    if content is None:
        return
    method = content.get("method", SigningSettings().method)
    if method == "key" and "key" not in content:
        message = "`delivery.signing`: the method `key` needs `key`"
        yield Problem(field=("delivery", "signing"), message=message)
    if method == "sigstore" and "key" in content:
        message = "`delivery.signing.key`: the method `sigstore` takes no key"
        yield Problem(field=("delivery", "signing", "key"), message=message, at_key=True)


def _attestations(ref: str, patterns: Sequence[str]) -> Iterator[Problem]:
    for pattern in patterns:
        if matches(pattern, ref.removeprefix(HEADS)):
            field: Field = ("delivery", "branches", pattern)
            message = f"`{dotted(field)}`: the attestations' branch is one of these branches"
            yield Problem(field=field, message=message, at_key=True)


def _alone(entry: _Entry, patterns: Sequence[str], attestations: str) -> str | None:
    """What is wrong with a ref whatever the others are."""
    if is_glob(entry.pattern) and BRANCH not in entry.ref:
        return "several branches would be delivered to one ref; write {branch} into it"
    if can_meet(entry.refs, attestations) or _inside(entry.ref, attestations):
        return f"attestations are kept at {attestations}, which would meet with it"
    branches = [f"{HEADS}{pattern}" for pattern in patterns]
    if any(can_meet(entry.refs, branch) for branch in branches):
        return "it is, or may be, a branch that is delivered from itself"
    plain = [f"{HEADS}{one}" for one in patterns if not is_glob(one)]
    if any(_inside(entry.ref, branch) for branch in (*plain, f"{HEADS}{BRANCH}")):
        return "Git cannot have it and a branch that is delivered from, one inside the other"
    return None


def _collide(one: _Entry, other: _Entry, patterns: Sequence[str]) -> bool:
    """Whether two entries can give one ref, or refs of which Git can have only one."""
    if one.ref == other.ref:
        return one.pattern == other.pattern or BRANCH not in one.ref
    if _inside(one.ref, other.ref):
        return True
    if not can_meet(one.refs, other.refs):
        return False
    for fixed, filled in ((one, other), (other, one)):
        if not is_glob(fixed.refs) and BRANCH in filled.ref:
            branch = filled.branch(fixed.refs)
            return branch is not None and _first(patterns, branch) == filled.pattern
    return True


def _first(patterns: Sequence[str], branch: str) -> str | None:
    return next((pattern for pattern in patterns if matches(pattern, branch)), None)


def _inside(one: str, other: str) -> bool:
    """Whether one of two refs would be a folder of the other, which Git cannot have."""
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")
