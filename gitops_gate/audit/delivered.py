"""Which refs a repository delivers to, by the configuration that decides, and by who asks."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops_gate.config import delivery_targets, is_glob, matches
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.config.refs import BRANCH, HEADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Full names of refs. A name that stands for others has one of them to ask the forge about.

    `asked_as` says which, by short names of branches. `attestations` is None where nothing is
    delivered.
    """

    refs: tuple[str, ...] = ()
    attestations: str | None = None
    asked_as: Mapping[str, str]

    @property
    def branches(self) -> tuple[str, ...]:
        """Short names of those that are branches."""
        return tuple(one.removeprefix(HEADS) for one in self.refs if one.startswith(HEADS))

    @property
    def others(self) -> tuple[str, ...]:
        """Those that are not."""
        return tuple(one for one in self.refs if not one.startswith(HEADS))

    def holds(self, name: str, branches: Iterable[str]) -> bool:
        """Whether a branch, or what a pattern of GitLab's is for, is written by deliveries alone.

        A pattern that one of `branches` has too is for more than that.
        """
        own = {*self.branches, (self.attestations or "").removeprefix(HEADS)}
        if "*" not in name:
            return name in own
        for_more = any(fnmatch.fnmatchcase(one, name) for one in branches)
        return not for_more and any(fnmatch.fnmatchcase(one, name) for one in own)


def delivered(
    settings: DeliverySettings, asked: Sequence[str], branches: Iterable[str], *, everywhere: bool
) -> Delivered:
    """What is delivered from `branches`, and with `everywhere` from any branch, and what is asked.

    For a pattern of branches its refs are written as patterns too, with `*` as it stands.
    """
    refs = dict.fromkeys(asked)
    asked_as: dict[str, str] = {}
    for branch in branches:
        refs |= dict.fromkeys(target.ref for target in delivery_targets(settings, branch))
    if everywhere:
        for ref, one in _all(settings):
            refs[ref] = None
            asked_as[ref.removeprefix(HEADS)] = one.removeprefix(HEADS)
    return Delivered(
        refs=tuple(refs),
        attestations=settings.attestations if settings.branches else None,
        asked_as=asked_as,
    )


def _all(settings: DeliverySettings) -> Iterator[tuple[str, str]]:
    """Every ref as it is written, with one of those that it stands for."""
    for pattern, targets in settings.branches.items():
        example = _example(pattern) if is_glob(pattern) else pattern
        for target in targets:
            yield target.ref.replace(BRANCH, pattern), target.ref.replace(BRANCH, example)


def _example(pattern: str) -> str:
    """A name that a pattern matches, and that no branch is likely to have."""
    text = f"{pattern}**" if pattern.endswith("/") else pattern
    found = re.sub(r"\[(!?).([^\]]*)\]", _one_of, text)
    found = re.sub(r"\*+|\?", "x", found)
    return found if matches(pattern, found) else pattern


def _one_of(found: re.Match[str]) -> str:
    return "x" if found[1] else found[0][1]
