"""Keeps one living comment on a change request, whoever else is writing at the same time.

A forge's comments have no precondition: two runs that find none both make one. So after each
write the comments are read again. The oldest comment of each part stays; a run removes the later
ones that it made itself or found when it began, and writes into the oldest one only what is not
older than what is there. Whatever order the runs end in, one comment is left, about the newest
head. The comment is a view: nothing is ever decided from what one says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitops_gate.errors import ForgeError
from gitops_gate.forges.interface import PublishesSummary, ReadsChangeRequest
from gitops_gate.forges.values import Comment, Tips
from gitops_gate.reports.comment import marker_of, same_comment
from gitops_gate.review.standing import Standing

ROUNDS = 6
"""Readings after a write before a run gives up: each is one that somebody else wrote between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the comment: `changed` if anything was written, `superseded` says why not."""

    changed: bool = False
    superseded: str | None = None


@dataclass(slots=True, kw_only=True)
class _Work:
    """One run's attempt: what it found when it began, and what it made since."""

    bodies: Sequence[str]
    check_name: str
    standing: Standing
    found: frozenset[str]
    made: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Actions:
    create: tuple[str, ...] = ()
    update: tuple[tuple[Comment, str], ...] = ()
    delete: tuple[Comment, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.delete)


def publish_summary(
    reading: ReadsChangeRequest,
    publishing: PublishesSummary,
    comments: Sequence[Comment],
    bodies: Sequence[str],
    *,
    check_name: str,
    standing: Standing,
    tips: Callable[[], Tips],
    sleep: Callable[[float], None],
) -> Written:
    """Make the comments on the change request say `bodies`, the parts in their order.

    `comments` are those of the reading that the run began with, and `tips` gives what was live
    just before its first write. Raises `ForgeError` when the
    forge refuses, or when others keep writing.
    """
    found = frozenset(comment.id for comment in comments)
    work = _Work(bodies=bodies, check_name=check_name, standing=standing, found=found)
    actions = _plan(comments, work)
    changed = False
    for attempt in range(ROUNDS):
        if not actions:
            return Written(changed=changed)
        now = tips() if attempt == 0 else reading.tips()
        why = standing.superseded(now)
        if why is None and standing.rank(now) < _rank_there(comments, work, now):
            why = "another run has published for a newer base"
        if why is not None:
            _remove_made(publishing, comments, work)
            return Written(changed=changed, superseded=why)
        _apply(actions, reading, publishing, work)
        changed = True
        comments = _seen(reading, work, sleep)
        actions = _plan(comments, work)
        if actions:
            sleep(float(attempt + 1))
    raise ForgeError("the summary comment changes as often as it is written")


def _own(comments: Iterable[Comment], check_name: str) -> Mapping[int, list[Comment]]:
    """The comments that are ours by author and marker, by part, the oldest first."""
    parts: defaultdict[int, list[Comment]] = defaultdict(list)
    for comment in comments:
        marker = marker_of(comment.body) if comment.ours else None
        if marker is not None and marker.check_name == check_name:
            parts[marker.part].append(comment)
    for found in parts.values():
        found.sort(key=lambda comment: (comment.created_at, len(comment.id), comment.id))
    return parts


def _plan(comments: Sequence[Comment], work: _Work) -> _Actions:
    parts = _own(comments, work.check_name)
    wanted = dict(enumerate(work.bodies, start=1))
    create = [body for part, body in wanted.items() if not parts.get(part)]
    update = [
        (parts[part][0], body)
        for part, body in wanted.items()
        if parts.get(part) and not same_comment(parts[part][0].body, body)
    ]
    ours_to_remove = work.found | work.made
    later = [comment for part in wanted for comment in parts.get(part, [])[1:]]
    spare = [comment for part, found in parts.items() if part not in wanted for comment in found]
    delete = [comment for comment in later if comment.id in ours_to_remove] + spare
    return _Actions(create=tuple(create), update=tuple(update), delete=tuple(delete))


def _rank_there(comments: Sequence[Comment], work: _Work, tips: Tips) -> int:
    ranks = [0]
    for found in _own(comments, work.check_name).values():
        marker = marker_of(found[0].body)
        if marker is not None and found[0].id not in work.made:
            ranks.append(Standing(head=marker.head, base=marker.base).rank(tips))
    return max(ranks)


def _apply(
    actions: _Actions, reading: ReadsChangeRequest, publishing: PublishesSummary, work: _Work
) -> None:
    for comment, body in actions.update:
        try:
            publishing.update_comment(comment, body)
        except ForgeError as error:
            if error.status != 404:  # somebody removed it: the next reading shows that
                raise
    for body in actions.create:
        work.made.add(_create(body, reading, publishing, work))
    for comment in actions.delete:
        publishing.delete_comment(comment)


def _create(
    body: str, reading: ReadsChangeRequest, publishing: PublishesSummary, work: _Work
) -> str:
    """Create a comment once, also when the forge made it and then failed to say so."""
    try:
        return publishing.create_comment(body).id
    except ForgeError as error:
        if not error.uncertain:
            raise
    for comment in reading.comments():
        if comment.ours and comment.id not in work.found and same_comment(comment.body, body):
            return comment.id
    return publishing.create_comment(body).id


def _seen(
    reading: ReadsChangeRequest, work: _Work, sleep: Callable[[float], None]
) -> Sequence[Comment]:
    """The comments after writing, in which those that were just made must be seen."""
    comments = reading.comments()
    for wait in (1.0, 2.0, 4.0):
        if work.made <= {comment.id for comment in comments}:
            break
        sleep(wait)
        comments = reading.comments()
    return comments


def _remove_made(publishing: PublishesSummary, comments: Sequence[Comment], work: _Work) -> None:
    """Take back what this run made beside an older comment, now that it has no say any more."""
    for found in _own(comments, work.check_name).values():
        for comment in found[1:]:
            if comment.id in work.made:
                publishing.delete_comment(comment)
