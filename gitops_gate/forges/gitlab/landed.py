"""Which merge requests brought a commit, and which project it is.

What GitLab connects with a commit, its documentation does not say; its source does
(`MergeRequest.by_related_commit_sha`): the commits of a merge request's newest version, its merge
commit, its squashed commit, and the commit that the branch was moved to. So a fast-forward merge is
found by each of its commits. Where the automatic rebase has made new ones of them
(https://docs.gitlab.com/user/project/merge_requests/methods/), older versions connect only the
last: it is for who walks the branch to see that the commits before it are of the same merge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


class Landed:
    """Reads the merged merge requests of a commit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        """See `ReadsLanded.landed`: one request for each hundred, and a job token may ask it.

        https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit
        """
        connection = self._connection
        with connection.asking("the merge requests of a commit"):
            asked = connection.project.commits.get(commit_id(commit), lazy=True)
            found: dict[int, LandedChange] = {}
            for entry in asked.merge_requests(get_all=True, state="merged"):
                if state_of(entry["state"]) is not ChangeState.MERGED:
                    continue
                connection.pinned(int(entry["project_id"]))
                change = _landed(entry)
                found[change.number] = change
        return tuple(found[number] for number in sorted(found))


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
