"""What delivery works with: steps of a branch, how each landed, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gitops_gate.attestations.values import Channel, Entry
from gitops_gate.forges.values import LandedChange
from gitops_gate.verdict.values import Report, Verdict


class Method(StrEnum):
    """How a change request landed, as its commits show it."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"
    FAST_FORWARD = "fast-forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Commits that one or more change requests brought, and that Git alone gives again.

    `commits` are those on the branch's first-parent line, oldest first; `before` is the one that
    they stand on. Several `changes` are those that each account for all of it.
    """

    before: str
    commits: tuple[str, ...]
    method: Method
    changes: tuple[LandedChange, ...]

    @property
    def after(self) -> str:
        """The last of the commits."""
        return self.commits[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why delivery stops before a commit. `code` is stable, `verdict` what it leads to."""

    commit: str
    code: str
    message: str
    verdict: Verdict = Verdict.DENY
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A landing with the answer about it.

    It was compared with `since`, by the rules of that commit: the one before it, or the last
    delivered one where the change ratifies what was held in between (`ratifies`). `approvals` are
    the trees of its change requests, `testimony` what the forge said about each, as plain JSON.
    """

    landing: Landing
    since: str
    report: Report
    approvals: tuple[Mapping[str, Any], ...] = ()
    testimony: tuple[Mapping[str, Any], ...] = ()
    ratifies: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What became of a delivery ref in a run."""

    DELIVERED = "delivered"
    UP_TO_DATE = "up-to-date"
    HELD = "held"
    DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a run did for one delivery ref.

    `before` is where the ref was, None for the first delivery, and `after` what it points to now,
    or would in a dry run. `entry` and `data` are the attestation and its file, where one was
    pushed. `commit` is the branch's commit that is delivered by it. `tip` is where
    the branch is. `hold` says why the ref is not at the tip.
    """

    channel: Channel
    outcome: Outcome
    tip: str
    before: str | None
    after: str | None
    commit: str | None
    steps: tuple[Judged, ...] = ()
    hold: Hold | None = None
    entry: Entry | None = None
    data: bytes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Allow where the ref is at the branch's tip, else what holds it."""
        return Verdict.ALLOW if self.hold is None else self.hold.verdict
