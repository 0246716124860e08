"""What an approval was given for: the moment it belongs to, and whether that is still the change.

    review ──moment_of──> head and target's tip at that time, by the forge's record of pushes
           ──seen_at (the review room renders both)──> what they saw ──is it what lands now?

An approval binds to the changed source set and to the rendered changes (design, invariant 6). A
push or rebase that leaves both equal keeps it. The commit that a forge gives for a review proves
nothing, since forges move it: it only has to agree with the record of pushes. Whatever cannot be
told, such as a push in the same second, is unknown, and then the approval does not count.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from gitops_gate.approvals.facts import ApprovalFacts, Push, Review
from gitops_gate.changes.values import ResourceChange
from gitops_gate.source.compare import changed_paths
from gitops_gate.source.values import Tree


class Code(StrEnum):
    """Why an approval does not count."""

    WITHDRAWN = "withdrawn"
    CHANGES_REQUESTED = "changes_requested"
    REVIEWS_INCOMPLETE = "reviews_incomplete"
    NO_ACCOUNT = "no_account"
    OWN_ACCOUNT = "own_account"
    BOT = "bot"
    CONTRIBUTOR = "contributor"
    CONTRIBUTORS_UNKNOWN = "contributors_unknown"
    NO_WRITE_ACCESS = "no_write_access"
    WRITE_ACCESS_UNKNOWN = "write_access_unknown"
    TIME_UNKNOWN = "time_unknown"
    RETARGETED = "retargeted"
    BEFORE_FIRST_SIGHTING = "before_first_sighting"
    MOMENT_UNKNOWN = "moment_unknown"
    COMMIT_DISAGREES = "commit_disagrees"
    SEEN_UNKNOWN = "seen_unknown"
    SOURCE_CHANGED = "source_changed"
    RESULT_CHANGED = "result_changed"
    NOT_ASKED = "not_asked"
    MEMBERSHIP_UNKNOWN = "membership_unknown"
    NO_PERMISSION = "no_permission"
    PERMISSION_UNKNOWN = "permission_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The one reason why an approval does not count."""

    code: Code
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Moment:
    """What was current at some time: the head commit and the target's tip."""

    head: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an approver saw at a moment: digests of the source set and of what it does."""

    source: str
    changes: str


SeenAt = Callable[[Moment], Seen | None]
"""Recomputes what was to be seen at a moment; None where its commits cannot be had or rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedApplication:
    """An affected application's digests, None on a side where it does not exist."""

    name: str
    base: str | None
    head: str | None


# ------------------------------------------------------------------------------- digests


def source_digest(merge_base: Tree, head: Tree) -> str:
    """`sha256:` over path, mode and blob of every file that the change touches.

    From the merge base to the head, so that what others changed on the target is not part of it.
    """
    touched = []
    for path in changed_paths(merge_base, head):
        entry = head.entries.get(path)
        touched.append([path, entry and entry.mode.value, entry and entry.oid])
    return _digest(touched)


def change_digest(
    changes: Iterable[ResourceChange],
    applications: Iterable[RenderedApplication],
    bind: Literal["change", "result"] = "change",
) -> str:
    """`sha256:` over what the change does to every affected application.

    Where a change hides values or leaves some out, the digests of its whole application stand for
    them. With `bind: result`, the head's digests of all affected applications are all there is.
    """
    rendered = sorted(applications, key=lambda application: application.name)
    if bind == "result":
        return _digest([[application.name, application.head] for application in rendered])
    known = sorted(changes, key=_change_key)
    opaque = {change.application for change in known if change.redacted or change.omitted}
    return _digest(
        {
            "changes": [_change(change) for change in known],
            "applications": [[a.name, a.base, a.head] for a in rendered if a.name in opaque],
        }
    )


def _change(change: ResourceChange) -> list[Any]:
    previous = change.previous
    return [
        *_change_key(change),
        None if previous is None else [previous.api_version, *previous.key],
        [[list(field.path), field.base, field.head] for field in change.fields],
    ]


def _change_key(change: ResourceChange) -> tuple[str, ...]:
    resource = change.resource
    return (change.application, change.operation.value, resource.api_version, *resource.key)


def _digest(content: Any) -> str:
    text = json.dumps(
        content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=_plain
    )
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a rendered value is a {type(value).__name__}")


# ------------------------------------------------------------------------------- moments


def moment_of(
    review: Review, facts: ApprovalFacts, target_moves: Sequence[Push] | None, now: Moment
) -> Moment | Refusal:
    """The head and the target's tip that were current when a review was given.

    `target_moves` are the target branch's pushes since before the change was opened, by the
    forge's record: none if it did not move, None if they cannot be read. `now` is the present.
    """
    at = review.submitted_at
    if at is None:
        return _refusal(Code.TIME_UNKNOWN, "the forge does not say when it was given")
    if facts.retargeted_at is not None and at <= facts.retargeted_at:
        return _refusal(Code.RETARGETED, "given before the change got another target branch")
    head = _head_at(review, at, facts, now.head)
    if isinstance(head, Refusal):
        return head
    if review.commit is not None and review.commit != head:
        message = (
            f"the forge says that it was given on {_short(review.commit)}, "
            f"its record of pushes says {_short(head)}"
        )
        return _refusal(Code.COMMIT_DISAGREES, message)
    if target_moves is None:
        return _moment_unknown("when the target branch moved cannot be read")
    base = _tip_at(at, target_moves, now.base, "the target branch") if target_moves else now.base
    return base if isinstance(base, Refusal) else Moment(head=head, base=base)


def why_void(moment: Moment, now: Moment, seen_now: Seen | None, seen_at: SeenAt) -> Refusal | None:
    """Why an approval of this moment is not one of what lands now; None where it is."""
    if seen_now is None:
        return _refusal(Code.SEEN_UNKNOWN, "what would land now could not be determined")
    if moment == now:
        return None
    seen = seen_at(moment)
    if seen is None:
        message = (
            f"what was to be seen of {_short(moment.head)} on {_short(moment.base)} "
            f"cannot be had any more"
        )
        return _refusal(Code.SEEN_UNKNOWN, message)
    if seen.source != seen_now.source:
        message = f"the changed files are not those of {_short(moment.head)} any more"
        return _refusal(Code.SOURCE_CHANGED, message)
    if seen.changes != seen_now.changes:
        message = f"what it does to the cluster is not what {_short(moment.head)} did any more"
        return _refusal(Code.RESULT_CHANGED, message)
    return None


def _head_at(
    review: Review, at: datetime.datetime, facts: ApprovalFacts, head: str
) -> str | Refusal:
    """Without pushes the forge has to name the head itself: a branch may have gone back to it."""
    if facts.pushes:
        return _tip_at(at, facts.pushes, head, "the change")
    if facts.head_seen_at is None or review.commit is None:
        return _moment_unknown("when the change was pushed to cannot be read")
    if at <= facts.head_seen_at:
        message = "given before the forge first saw the head, and pushes cannot be read"
        return _refusal(Code.BEFORE_FIRST_SIGHTING, message)
    return head


def _tip_at(at: datetime.datetime, moves: Sequence[Push], now: str, what: str) -> str | Refusal:
    """Where a branch was; unknown where its record has a hole at that time, or does not end now."""
    ordered = sorted(moves, key=lambda move: move.at)
    if any(move.at == at for move in ordered):
        return _moment_unknown(f"{what} was pushed to in the same second")
    before = [move for move in ordered if move.at < at]
    after = [move for move in ordered if move.at > at]
    found = before[-1].after if before else after[0].before
    next_known = after[0].before if after else now
    if found is None or (before and next_known is not None and next_known != found):
        return _moment_unknown(f"the forge's record of pushes to {what} has a hole at that time")
    return found


def _moment_unknown(message: str) -> Refusal:
    return _refusal(Code.MOMENT_UNKNOWN, message)


def _refusal(code: Code, message: str) -> Refusal:
    return Refusal(code=code, message=message)


def _short(commit: str) -> str:
    return commit[:12]
