"""What stands in the discussions of a merge request: comments, threads on lines, system notes.

https://docs.gitlab.com/api/discussions/#merge-requests. System notes are written by GitLab alone;
their words are those of gitlabhq's `app/services/system_notes/`, but the titles of commits and
the names of branches in them come from whoever pushed, so they are read from a fixed place only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.forges.gitlab.facts import moment, rest_account
from gitops_gate.forges.values import Account, Comment, Thread

# commit_service.rb: the list of commits comes first, the link to what was before it last.
_PUSHED = re.compile(
    r"added \d+ commits?\n.*"
    r"\[Compare with previous version\]\([^()\s]*[?&]diff_id=(\d+)[^()\s]*\)\s*\Z",
    re.DOTALL,
)
# merge_requests_service.rb, change_branch: by a person, and after the target was deleted.
_RETARGETED = re.compile(
    r"changed target branch from `|deleted the `.*` branch\. This merge request now targets the `"
)
_APPROVED = "approved this merge request"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNote:
    """Something that GitLab wrote down, who did it and when."""

    body: str
    author: Account
    at: datetime.datetime


def comment(note: Mapping[str, Any], *, me: Account | None) -> Comment:
    """A note as a comment. GitLab does not say over REST who edited one."""
    author = rest_account(note.get("author"))
    created, updated = moment(note["created_at"]), moment(note["updated_at"])
    return Comment(
        id=str(int(note["id"])),
        author=author,
        ours=_ours(author, me),
        body=str(note["body"]),
        created_at=created,
        edited_at=updated if updated > created else None,
    )


def _ours(author: Account, me: Account | None) -> bool:
    return me is not None and me.id is not None and author.id == me.id


def comments_in(notes: Iterable[Mapping[str, Any]], *, me: Account | None) -> tuple[Comment, ...]:
    """The comments among notes, in the order of their ids, without those on lines."""
    found = {
        int(note["id"]): comment(note, me=me)
        for note in notes
        if not note["system"] and note["type"] != "DiffNote"
    }
    return tuple(found[key] for key in sorted(found))


def notes_in(discussions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The notes of all discussions that are not on a line."""
    return [
        note
        for discussion in discussions
        if not _on_a_line(discussion)
        for note in discussion["notes"]
    ]


def _on_a_line(discussion: Mapping[str, Any]) -> bool:
    return bool(discussion["notes"][0]["type"] == "DiffNote")


def threads_in(
    discussions: Iterable[Mapping[str, Any]], *, me: Account | None, may_resolve: bool
) -> tuple[Thread, ...]:
    """The discussions on lines, in the order of their first notes."""
    found: dict[int, Thread] = {}
    for discussion in discussions:
        if not _on_a_line(discussion):
            continue
        first = discussion["notes"][0]
        position = first.get("position") or {}
        line = position.get("new_line")
        written = [note for note in discussion["notes"] if not note["system"]]
        found[int(first["id"])] = Thread(
            id=str(discussion["id"]),
            comment_id=str(int(first["id"])),
            ours=_ours(rest_account(first.get("author")), me),
            body=str(first["body"]),
            path=str(position.get("new_path") or position.get("old_path") or ""),
            line=None if line is None else int(line),
            resolved=bool(first.get("resolved", False)),
            can_resolve=may_resolve and bool(first["resolvable"]),
            answered=len(written) > 1,
        )
    return tuple(found[key] for key in sorted(found))


def system_notes_in(discussions: Iterable[Mapping[str, Any]]) -> tuple[SystemNote, ...]:
    """What GitLab wrote itself, in the order of time."""
    notes = (
        SystemNote(
            body=str(note["body"]),
            author=rest_account(note.get("author")),
            at=moment(note["created_at"]),
        )
        for discussion in discussions
        for note in discussion["notes"]
        if note["system"]
    )
    return tuple(sorted(notes, key=lambda note: note.at))


def pushers(notes: Iterable[SystemNote]) -> dict[int, Account]:
    """Who pushed, by the id of the version that the push made."""
    found: dict[int, Account] = {}
    for note in notes:
        if match := _PUSHED.match(note.body):
            found[int(match[1])] = note.author
    return found


def retargeted_at(notes: Iterable[SystemNote]) -> datetime.datetime | None:
    """When the target branch was last changed."""
    times = [note.at for note in notes if _RETARGETED.match(note.body)]
    return max(times, default=None)


def approved_at(notes: Iterable[SystemNote]) -> dict[int, datetime.datetime]:
    """When each account approved last, for a GitLab whose approvals do not say so."""
    return {
        note.author.id: note.at
        for note in notes
        if note.body == _APPROVED and note.author.id is not None
    }
