"""What GitLab says of a project and a merge request, from GraphQL or from REST, as values."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.values import Account, ChangeRequest, ChangeState
from gitops_gate.source.objects import is_object_id

_STATES = {
    "opened": ChangeState.OPEN,
    # Locked is the short while in which it is being merged.
    "locked": ChangeState.OPEN,
    "closed": ChangeState.CLOSED,
    "merged": ChangeState.MERGED,
}
_BOT = re.compile(r"(?:project|group)_\d+_bot(?:_|\Z)|service_account_(?:group|project)_")
NOBODY = Account(id=None, login="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """One commit of the merge request; `author` is the account behind the author's e-mail."""

    commit: str
    message: str
    author: Account | None
    author_email: str | None
    committer_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people behind the commits.

    `committers` are the accounts behind the committers' e-mails, as a set; `complete`: none is
    missing. `more_after` is where further commits start.
    """

    commits: tuple[CommitFacts, ...]
    committers: tuple[Account, ...]
    complete: bool
    says_committers_email: bool
    more_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Access levels of the project's members by user id; `complete`: there are no others."""

    levels: Mapping[int, int]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPipeline:
    """The pipeline that "Pipelines must succeed" looks at for a merge request's head.

    `commit` is the one that it runs on: the head, or the merged result.
    """

    id: int
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the token may do; None where this GitLab does not say."""

    push: bool | None = None
    note: bool | None = None
    open: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One answer. `me` is the token's own account, None for a job token.

    `change` lacks `base_commit`: `tip` is a branch's tip and `tip_of` that branch's short name.
    It is None while GitLab is still making the diff, and without a merge request.
    """

    project_id: int
    me: Account | None
    change: ChangeRequest | None
    pending_diff: bool = False
    allowed: Allowed = Allowed()
    tip: str | None = None
    tip_of: str | None = None
    members: Members | None = None
    people: People | None = None
    wants_changes: tuple[Account, ...] = ()
    pipeline: HeadPipeline | None = None
    unknown: tuple[str, ...] = ()


def number_in(gid: object) -> int:
    """The number in a global id such as `gid://gitlab/User/7`. Raises `ValueError`."""
    return int(str(gid).rpartition("/")[2])


def account(node: Mapping[str, Any] | None) -> Account | None:
    """An account of GraphQL's; None for one that is gone or not mapped."""
    if node is None:
        return None
    login = str(node["username"])
    return Account(id=number_in(node["id"]), login=login, bot=bool(node["bot"]))


def rest_account(entry: Mapping[str, Any] | None) -> Account:
    """An account of REST's, which does not tell bots from people but by their names."""
    if not entry:
        return NOBODY
    login = str(entry["username"])
    return Account(id=int(entry["id"]), login=login, bot=_BOT.match(login) is not None)


def moment(text: object) -> datetime.datetime:
    """A time of GitLab's. Raises `ValueError` for one without a zone."""
    time = datetime.datetime.fromisoformat(str(text))
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time


def commit_id(value: object) -> str:
    """A commit's id in full. Raises `ValueError`."""
    if not isinstance(value, str) or not is_object_id(value):
        raise ValueError("not a commit id")
    return value


def optional_commit(value: object) -> str | None:
    """A commit's id, or None for none."""
    return None if value is None else commit_id(value)


def state_of(value: object) -> ChangeState:
    """What a merge request's state is called here. Raises `ForgeError` for an unheard-of one."""
    state = _STATES.get(str(value))
    if state is None:
        raise forge_error("GitLab gives the merge request a state that is not known")
    return state


def change_from_graphql(
    project: Mapping[str, Any], node: Mapping[str, Any], *, project_id: int
) -> ChangeRequest | None:
    """The merge request; None while its diff is still being made."""
    refs = node["diffRefs"]
    head = node["diffHeadSha"]
    if refs is None or head is None or refs["headSha"] != head:
        return None
    source = node["sourceProject"]
    return ChangeRequest(
        number=int(node["iid"]),
        url=str(node["webUrl"]),
        title=str(node["title"]),
        state=state_of(node["state"]),
        draft=bool(node["draft"]),
        repository=str(project["fullPath"]),
        repository_id=project_id,
        head_repository=None if source is None else str(source["fullPath"]),
        from_fork=node["sourceProjectId"] != project_id,
        base_ref=f"refs/heads/{node['targetBranch']}",
        base_commit=None,
        head_ref=str(node["sourceBranch"]),
        head_commit=commit_id(head),
        author=account(node["author"]) or NOBODY,
        labels=tuple(str(label["title"]) for label in node["labels"]["nodes"]),
        default_branch=(project.get("repository") or {}).get("rootRef"),
        merge_commit=optional_commit(node["mergeCommitSha"]),
        versions=(
            commit_id(refs["baseSha"]),
            commit_id(refs["startSha"]),
            commit_id(refs["headSha"]),
        ),
    )


def change_from_rest(entry: Mapping[str, Any], *, repository: str) -> ChangeRequest | None:
    """The merge request; None while its diff is still being made.

    https://docs.gitlab.com/api/merge_requests/#retrieve-a-merge-request
    """
    refs = entry.get("diff_refs")
    head = entry["sha"]
    if not refs or not head or refs.get("head_sha") != head:
        return None
    project_id = int(entry["target_project_id"])
    from_fork = entry["source_project_id"] != project_id
    return ChangeRequest(
        number=int(entry["iid"]),
        url=str(entry["web_url"]),
        title=str(entry["title"]),
        state=state_of(entry["state"]),
        draft=bool(entry["draft"]),
        repository=repository,
        repository_id=project_id,
        head_repository=None if from_fork else repository,
        from_fork=from_fork,
        base_ref=f"refs/heads/{entry['target_branch']}",
        base_commit=None,
        head_ref=str(entry["source_branch"]),
        head_commit=commit_id(head),
        author=rest_account(entry.get("author")),
        labels=tuple(str(label) for label in entry.get("labels") or ()),
        merge_commit=landed_as(entry),
        versions=(
            commit_id(refs["base_sha"]),
            commit_id(refs["start_sha"]),
            commit_id(refs["head_sha"]),
        ),
    )


def pipeline_from_graphql(
    node: Mapping[str, Any] | None, *, project_id: int
) -> HeadPipeline | None:
    """The head's pipeline; None for one of a fork's project, which takes no status from here."""
    owner = None if node is None else node["project"]
    if node is None or owner is None or number_in(owner["id"]) != project_id:
        return None
    return HeadPipeline(id=number_in(node["id"]), commit=commit_id(node["sha"]))


def pipeline_from_rest(entry: Mapping[str, Any] | None, *, project_id: int) -> HeadPipeline | None:
    """As `pipeline_from_graphql`, from the `head_pipeline` of a merge request."""
    if not entry or entry.get("project_id") != project_id:
        return None
    return HeadPipeline(id=int(entry["id"]), commit=commit_id(entry["sha"]))


def landed_as(entry: Mapping[str, Any]) -> str | None:
    """The commit that a merge request was merged as, None when it was not.

    After a merge commit it is that one, also where it was squashed first; without one it is the
    squashed commit, or the head itself after a fast-forward
    (https://docs.gitlab.com/user/project/merge_requests/methods/). That the automatic rebase made
    other commits of the head, GitLab does not say.
    """
    if entry["state"] != "merged":
        return None
    return optional_commit(
        entry.get("merge_commit_sha") or entry.get("squash_commit_sha") or entry["sha"]
    )


def members_from_graphql(connection: Mapping[str, Any] | None) -> Members | None:
    """The first hundred members; None where the token may not see them."""
    if connection is None:
        return None
    levels: dict[int, int] = {}
    for node in connection["nodes"]:
        # A membership without a user is an invitation that nobody has taken.
        if node is None or node["user"] is None or node["accessLevel"] is None:
            continue
        user = number_in(node["user"]["id"])
        levels[user] = max(levels.get(user, 0), int(node["accessLevel"]["integerValue"] or 0))
    return Members(levels=levels, complete=not connection["pageInfo"]["hasNextPage"])


def commits_from_graphql(nodes: Iterable[Mapping[str, Any]]) -> tuple[CommitFacts, ...]:
    """Commits with the accounts behind them."""
    return tuple(
        CommitFacts(
            commit=commit_id(node["sha"]),
            message=str(node["message"] or ""),
            author=account(node["author"]),
            author_email=node["authorEmail"],
            committer_email=node.get("committerEmail"),
        )
        for node in nodes
    )


def wanting_changes(node: Mapping[str, Any]) -> tuple[Account, ...]:
    """The reviewers whose last word is that changes are needed."""
    reviewers = (node.get("reviewers") or {}).get("nodes") or ()
    found = (
        account(reviewer)
        for reviewer in reviewers
        if (reviewer.get("mergeRequestInteraction") or {}).get("reviewState") == "REQUESTED_CHANGES"
    )
    return tuple(person for person in found if person is not None)
