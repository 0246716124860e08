"""What a forge says, and what it is given, as values without a forge's own words.

Texts in them (names, titles, bodies) come from strangers and are never shown unescaped. Times are
those of the forge's clock, with a time zone.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gitops_gate.approvals.facts import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
)

__all__ = [
    "Account",
    "ApprovalFacts",
    "ChangeRequest",
    "ChangeState",
    "CiVariable",
    "Comment",
    "CommitStatus",
    "Contribution",
    "Endpoint",
    "ForgeKind",
    "InlineComment",
    "InlinePlace",
    "LandedChange",
    "NewChangeRequest",
    "Protection",
    "Push",
    "RepositoryIdentity",
    "RepositoryProtection",
    "RequiredCheck",
    "Review",
    "ReviewState",
    "Snapshot",
    "StatusState",
    "Target",
    "Thread",
    "Tips",
]

ForgeKind = Literal["github", "gitlab"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a forge answers. `web_url`, `api_url` and `graphql_url` have no slash at the end.

    All three have the same origin, but for github.com and *.ghe.com, whose API has a host of its
    own. The token is sent to the origins of `api_url` and `graphql_url` and to no other.
    """

    kind: ForgeKind
    web_url: str
    api_url: str
    graphql_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is reviewed: a repository by its path (`group/project`), and a change request in it.

    `repository_id` is the pinned numeric id; a forge that answers with another one is refused.
    `number` is the pull request's number, or the merge request's iid; None for a run that has no
    change request, such as a merge queue's. Two hints, which may be wrong: `base_ref`, the target
    branch's full ref name, saves a request; `pipeline_id` is the GitLab pipeline that a commit's
    status is put into.
    """

    repository: str
    repository_id: int | None = None
    number: int | None = None
    base_ref: str | None = None
    pipeline_id: int | None = None


class ChangeState(StrEnum):
    """What has become of a change request."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """A pull request or merge request, as the forge knows it at one moment.

    `base_ref` is a full ref name (`refs/heads/main`) and `base_commit` that ref's tip as the
    forge gives it, None where it gives none. `head_ref` is a short branch name, for people.
    `default_branch` is the repository's, by its short
    name. `merge_commit` is what it was merged as; after a fast-forward on GitLab its head, though
    that may have been rebased first. `versions` are the ids (base, start, head) that
    GitLab places inline comments by.
    """

    number: int
    url: str
    title: str
    state: ChangeState
    draft: bool
    repository: str
    repository_id: int
    head_repository: str | None
    from_fork: bool
    base_ref: str
    base_commit: str | None
    head_ref: str
    head_commit: str
    author: Account
    labels: tuple[str, ...] = ()
    default_branch: str | None = None
    merge_commit: str | None = None
    versions: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on the change request as a whole. `ours`: this token's account wrote it.

    `edited_by` is who edited it last, None when nobody did or the forge does not say.
    """

    id: str
    author: Account
    ours: bool
    body: str
    created_at: datetime.datetime
    edited_at: datetime.datetime | None = None
    edited_by: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A discussion on a line. `body` is its first comment's, `comment_id` that comment's id.

    `answered`: somebody wrote into it besides. `can_resolve`: this token may resolve it.
    """

    id: str
    comment_id: str
    ours: bool
    body: str
    path: str
    line: int | None
    resolved: bool
    can_resolve: bool
    answered: bool = False


StatusState = Literal["pending", "success", "failure", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """A commit status: `context` is its name, `description` one line of at most 140 characters.

    `ours`: this token's account set it; None where the forge does not say. Anybody who may write
    can set any status, so one that is not ours is no reason to leave ours out.
    """

    context: str
    state: StatusState
    description: str
    url: str | None = None
    ours: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything about a change request that one reading gives.

    `statuses` are the newest of each context on the head commit. `own_id` is the token's account,
    None where the forge does not say. `unknown` says, a line each, what could not be read, so that
    nobody takes its absence for an answer.
    """

    change: ChangeRequest
    comments: tuple[Comment, ...] = ()
    threads: tuple[Thread, ...] = ()
    statuses: tuple[CommitStatus, ...] = ()
    own_id: int | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tips:
    """Where a change request is at one moment: its state, its head, and its target's tip."""

    state: ChangeState
    head: str
    base_ref: str
    base: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePlace:
    """Lines of the head that a comment sits on, 1-based, as the forge's own diff shows them.

    `old_line` is the last line's number in the old file where the line is not an added one, as
    GitLab wants it; `old_path` is the file's former path. A comment on several lines starts at
    `start_line` (and `old_start_line`).
    """

    path: str
    line: int
    old_path: str
    old_line: int | None = None
    start_line: int | None = None
    old_start_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineComment:
    """A comment to be put on a line, as Markdown."""

    place: InlinePlace
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChangeRequest:
    """A change request to open, from a branch that is already pushed."""

    title: str
    body: str
    head_ref: str
    base_ref: str
    labels: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedChange:
    """A change request that the forge says was merged, and what it says of the merge.

    `head` is its head when it was merged. `merge_commit` is the commit that the forge says landed
    it: the merge, the squashed commit, or the last of several; None where it gives none (GitLab's
    fast-forward). `squash_commit` is GitLab's squashed commit below a merge commit. Decides
    nothing by itself: what a merge must have given is recomputed from Git.
    """

    number: int
    base_ref: str
    head: str
    merged_at: datetime.datetime | None
    merged_by: Account | None = None
    merge_commit: str | None = None
    squash_commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryIdentity:
    """Which repository the forge was connected for, whatever path it was asked by.

    `id` is its numeric id and `path` what it is called now (`group/project`). `url` is its page and
    `clone_url` where Git reads and writes it; both are on the pinned host, whatever the forge says.
    `default_branch` is a short name, None in a repository without a branch.
    """

    id: int
    path: str
    url: str
    clone_url: str
    default_branch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCheck:
    """A check that a branch requires. `app_id`: from whom alone it counts; None for anybody."""

    context: str
    app_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a branch is protected; a None says that the token may not read it.

    `there` is false for a branch that does not exist yet. `change_request`: nobody but `bypass`
    may write without a change request. `restricted`: nobody but `writers` may write at all, by a
    push or a merge; `writers` is None too where nothing restricts them. `up_to_date`: what is
    merged was checked on the target's tip, by a strict check, a queue or a train.
    `last_push_approval`: somebody else than who pushed last approves. `bypass` names who may
    pass it by, and `mergers` who may merge, where the forge says so; `details` are further
    settings under the forge's own names.
    """

    branch: str
    protected: bool | None
    there: bool = True
    required_checks: tuple[RequiredCheck, ...] | None = None
    required_approvals: int | None = None
    dismisses_stale: bool | None = None
    code_owners: bool | None = None
    change_request: bool | None = None
    restricted: bool | None = None
    writers: tuple[str, ...] | None = None
    up_to_date: bool | None = None
    last_push_approval: bool | None = None
    force_push: bool | None = None
    deletion: bool | None = None
    admins_included: bool | None = None
    pushers: tuple[str, ...] | None = None
    mergers: tuple[str, ...] | None = None
    bypass: tuple[str, ...] | None = None
    details: tuple[tuple[str, str], ...] = field(default=())
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CiVariable:
    """A variable of CI jobs, never its value. `protected`: only protected branches get it."""

    name: str
    protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnvironment:
    """An environment of jobs on GitHub, whose secrets only jobs that name it get.

    `refs` are patterns of short names of branches, and of full names of tags, whose jobs may use
    it: None where they could not be read, and `*` where nothing but classic protection limits them.
    """

    name: str
    refs: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryProtection:
    """Settings of a repository that decide whether its branches' protection can be passed by.

    A None says that the token may not read it, or that the forge has no such setting. `branches`
    are the short names of the protected ones and the default one, `*` standing for anything in
    GitLab's. `approvals_available`: the forge can require approvals at all, as GitLab Free cannot.
    `tags` are the patterns of tags that can neither be moved nor deleted, but by `tag_bypass`.
    `idle_rulesets` are named and not enforced. `actions_app` is the app that every GitHub
    workflow acts as.
    `ci_definition` is where GitLab reads the pipeline from, as the project's setting says it.
    `job_token_writes`: a job's own token may write to the repository unless a job asks for less.
    `environments` are GitHub's alone.
    """

    repository: str
    default_branch: str
    branches: tuple[str, ...] | None
    approvals_available: bool = True
    merge_methods: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    tag_bypass: tuple[str, ...] | None = None
    idle_rulesets: tuple[str, ...] | None = None
    actions_app: int | None = None
    job_token_writes: bool | None = None
    jobs_may_approve: bool | None = None
    ci_definition: str | None = None
    pipeline_required: bool | None = None
    skipped_pipeline_passes: bool | None = None
    fork_pipelines: bool | None = None
    author_may_approve: bool | None = None
    committers_may_approve: bool | None = None
    approvers_overridable: bool | None = None
    committer_checked: bool | None = None
    variables: tuple[CiVariable, ...] | None = None
    environments: tuple[JobEnvironment, ...] | None = None
