"""Which merge requests brought a commit, and which project it is.

What GitLab connects with a commit, its documentation does not say; its source does
(`MergeRequest.by_related_commit_sha`): the commits of a merge request's newest version, its merge
commit, its squashed commit, and the commit that the branch was moved to. So a fast-forward merge is
found by each of its commits. But where the automatic rebase has made new ones of them
(https://docs.gitlab.com/user/project/merge_requests/methods/), all versions but the newest connect
the last one alone. The others are looked for by what a rebase keeps: the author and the message.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import (
    commit_id,
    moment,
    optional_commit,
    rest_account,
    state_of,
)
from gitops_gate.forges.identity import identify
from gitops_gate.forges.values import (
    ChangeState,
    Endpoint,
    LandedChange,
    RepositoryIdentity,
)

_SKEW = datetime.timedelta(minutes=5)
_CANDIDATES = 10
"""How many merge requests, the oldest first, are asked for their commits."""


class Landed:
    """Reads the merged merge requests of a commit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        """See `ReadsLanded.landed`: one request for each hundred, and a job token may ask it.

        https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit
        A commit that is connected with none takes up to twelve more.
        """
        connection = self._connection
        with connection.asking("the merge requests of a commit"):
            asked = connection.project.commits.get(commit_id(commit), lazy=True)
            found = self._changes(asked.merge_requests(get_all=True, state="merged"))
        return found or self._rebased(commit)

    def _changes(self, entries: Iterable[Mapping[str, Any]]) -> tuple[LandedChange, ...]:
        found: dict[int, LandedChange] = {}
        for entry in entries:
            if state_of(entry["state"]) is not ChangeState.MERGED:
                continue
            self._connection.pinned(int(entry["project_id"]))
            change = _landed(entry)
            found[change.number] = change
        return tuple(found[number] for number in sorted(found))

    def _rebased(self, commit: str) -> tuple[LandedChange, ...]:
        """Merge requests by fast-forward, merged since, of one of whose commits it is made.

        A token that may not read commits finds none. It may be made to look like somebody's, so
        that here more than elsewhere what is found is only worth a second look.
        """
        connection = self._connection
        try:
            with connection.asking("a commit"):
                about = connection.project.commits.get(commit_id(commit)).attributes
                wanted, since = _kept(about), moment(about["committed_date"]) - _SKEW
                if len(about["parent_ids"]) != 1:
                    return ()
            candidates = self._merged_since(since.astimezone(datetime.UTC))
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            return ()
        return tuple(one for one in candidates[:_CANDIDATES] if self._has(one, wanted))

    def _merged_since(self, since: datetime.datetime) -> tuple[LandedChange, ...]:
        connection = self._connection
        with connection.asking("the merge requests that were merged since a commit"):
            page = connection.project.mergerequests.list(
                state="merged",
                updated_after=since.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                order_by="updated_at",
                sort="asc",
                get_all=False,
            )
            found = self._changes(one.attributes for one in page)
        return tuple(one for one in found if one.merge_commit is None)

    def _has(self, change: LandedChange, wanted: tuple[Any, ...]) -> bool:
        connection = self._connection
        with connection.asking("the commits of a merge request"):
            merged = connection.project.mergerequests.get(change.number, lazy=True)
            return any(_kept(one.attributes) == wanted for one in merged.commits(get_all=True))


class Identity:
    """Reads which project it is: https://docs.gitlab.com/api/projects/#retrieve-a-project."""

    def __init__(self, connection: Connection, endpoint: Endpoint) -> None:
        self._connection = connection
        self._endpoint = endpoint

    def identity(self) -> RepositoryIdentity:
        """See `ReadsIdentity.identity`."""
        connection = self._connection
        with connection.asking("the project"):
            about = connection.api.projects.get(connection.target.repository).attributes
            return identify(
                self._endpoint,
                connection.target,
                number=connection.pinned(int(about["id"])),
                path=str(about["path_with_namespace"]),
                default_branch=about.get("default_branch") or None,
            )


def _kept(about: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a rebase leaves as it is."""
    written = (about["author_name"], about["author_email"], about["message"])
    return (*written, moment(about["authored_date"]))


def _landed(entry: Mapping[str, Any]) -> LandedChange:
    """A row of the list; of a fast-forward it names but the head, and that need not have landed."""
    squash = optional_commit(entry.get("squash_commit_sha") or None)
    merge = optional_commit(entry.get("merge_commit_sha") or None)
    merger = entry.get("merge_user") or entry.get("merged_by")
    return LandedChange(
        number=int(entry["iid"]),
        base_ref=f"refs/heads/{entry['target_branch']}",
        head=commit_id(entry["sha"]),
        merged_at=moment(entry["merged_at"]) if entry.get("merged_at") else None,
        merged_by=rest_account(merger) if merger else None,
        merge_commit=merge or squash,
        squash_commit=squash if merge is not None and squash != merge else None,
    )
