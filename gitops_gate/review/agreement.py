"""Base and head as Git and the forge both give them, or why nothing can be decided yet.

An event that is replayed, a checkout that is older than a push and an API that lags behind one
all look alike: the two do not agree. The forge is asked again for a moment, in case it lags; then
the result is indeterminate (design, invariant 4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitops_gate.errors import SourceError
from gitops_gate.forges.interface import ReadsChangeRequest
from gitops_gate.forges.values import Snapshot, Tips
from gitops_gate.review.pins import tip_in_git
from gitops_gate.source import Repository

_PATIENCE = (1.0, 3.0)
"""Seconds before the forge is asked once more, and once again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The reading of the forge that counts, with both commits, and why they do not agree."""

    snapshot: Snapshot
    base: str
    head: str
    disagreement: str | None = None


def agree(
    repository: Repository, reading: ReadsChangeRequest, sleep: Callable[[float], None]
) -> Agreed:
    """Read the change request, and compare its head and its target's tip with Git.

    Raises `ForgeError` when it cannot be read.
    """
    snapshot = reading.read()
    change = snapshot.change
    tips = Tips(
        state=change.state,
        head=change.head_commit,
        base_ref=change.base_ref,
        base=change.base_commit,
    )
    problem = _problem(repository, tips)
    for wait in _PATIENCE:
        if problem is None:
            break
        sleep(wait)
        tips = reading.tips()
        problem = _problem(repository, tips)
        if problem is None:
            snapshot = reading.read()
    return Agreed(
        snapshot=snapshot,
        base=_tip(repository, tips.base_ref) or tips.base or "",
        head=tips.head,
        disagreement=problem,
    )


def _problem(repository: Repository, tips: Tips) -> str | None:
    branch = tips.base_ref.removeprefix("refs/heads/")
    tip = _tip(repository, tips.base_ref)
    if tip is None:
        return f"the target branch {branch} was not fetched: git fetch origin {branch}"
    if tips.base is None:
        return f"the forge does not say where {branch} is"
    if tip != tips.base:
        return (
            f"{branch} is at {tip[:12]} in the checkout and at {tips.base[:12]} on the forge: "
            "fetch it and run again"
        )
    try:
        repository.resolve(tips.head)
    except SourceError:
        return f"the head {tips.head[:12]} that the forge names was not fetched: run again"
    return None


def _tip(repository: Repository, ref: str) -> str | None:
    try:
        return tip_in_git(repository, ref)
    except SourceError:
        return None
