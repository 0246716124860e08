"""What the server holds, and the ways in which people other than the client change it.

A test builds a `State`, or takes `scenario.shop`, and goes on with its methods: `push`, `approve`,
`comment`, `merge`. Times come from a clock of the state's own, one second an event, so that a run
is the same every time. Changes between requests are made under `Loopback.work()`.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.forges.gitlab.repository import NoCommitError, Repository

GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 15, 20, 30, 40, 50
ADMINISTRATOR = 60

Visibility = Literal["private", "internal", "public"]
TokenKind = Literal["personal", "project", "group", "job"]


def stamp(moment: datetime.datetime) -> str:
    """A time as GitLab writes it."""
    return (
        moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{moment.microsecond // 1000:03}Z"
    )


@dataclass(kw_only=True)
class User:
    """An account. `emails` are verified ones: commits are mapped to accounts by them."""

    id: int
    username: str
    name: str
    emails: list[str] = field(default_factory=list)
    bot: bool = False
    state: Literal["active", "blocked", "deactivated", "banned"] = "active"
    administrator: bool = False


@dataclass(kw_only=True)
class Invitation:
    """A group that was invited, with the most that its members get by it."""

    group: int
    level: int


@dataclass(kw_only=True)
class Group:
    """A group or subgroup by its full path. `members` are direct: user id to access level."""

    id: int
    path: str
    parent: int | None = None
    visibility: Visibility = "private"
    members: dict[int, int] = field(default_factory=dict)
    invited: list[Invitation] = field(default_factory=list)


@dataclass(kw_only=True)
class AccessEntry:
    """Who may push or merge: a level, or with Premium a user or group, or a deploy key."""

    level: int | None = None
    user: int | None = None
    group: int | None = None
    deploy_key: int | None = None


@dataclass(kw_only=True)
class ProtectedBranch:
    """A protected branch, or a wildcard."""

    name: str
    push: list[AccessEntry] = field(default_factory=lambda: [AccessEntry(level=MAINTAINER)])
    merge: list[AccessEntry] = field(default_factory=lambda: [AccessEntry(level=MAINTAINER)])
    unprotect: list[AccessEntry] = field(default_factory=list)
    force_push: bool = False
    code_owners: bool = False
    inherited: bool = False


@dataclass(kw_only=True)
class ApprovalRule:
    """A project's approval rule; `branches` None means every branch."""

    id: int
    name: str
    required: int
    users: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    kind: Literal["regular", "any_approver", "code_owner", "report_approver"] = "regular"
    branches: list[str] | None = None


@dataclass(kw_only=True)
class ApprovalSettings:
    """Premium's settings of a project; on Free they are there and say nothing."""

    reset_on_push: bool = True
    selective_code_owner_removals: bool = False
    disable_overriding: bool = False
    author_may_approve: bool = False
    committers_may_not_approve: bool = True
    reauthentication: bool = False


@dataclass(kw_only=True)
class PushEvent:
    """A push to a branch, as the project's events have it."""

    id: int
    author: int
    ref: str
    before: str | None
    after: str | None
    created_at: datetime.datetime


@dataclass(kw_only=True)
class Project:
    """A project. `members` are direct; `repository` may be None where nothing reads it."""

    id: int
    path: str
    group: int | None
    repository: Repository | None = None
    visibility: Visibility = "private"
    default_branch: str = "main"
    members: dict[int, int] = field(default_factory=dict)
    invited: list[Invitation] = field(default_factory=list)
    fork_of: int | None = None
    archived: bool = False
    merge_method: Literal["merge", "rebase_merge", "ff"] = "merge"
    squash_option: Literal["never", "always", "default_on", "default_off"] = "default_off"
    pipelines_must_succeed: bool = False
    discussions_must_be_resolved: bool = False
    skipped_pipelines_pass: bool | None = None
    ci_config_path: str = ""
    job_token_pushes: bool = False
    fork_pipelines: bool = True
    merge_trains: bool = False
    takes_atomic_pushes: bool = True
    protected_tags: list[str] = field(default_factory=list)
    variables: dict[str, bool] = field(default_factory=dict)
    """CI variables by name, and whether they are protected; all have the same secret value."""
    protected: list[ProtectedBranch] = field(default_factory=list)
    push_rule: dict[str, Any] | None = None
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    rules: list[ApprovalRule] = field(default_factory=list)
    job_token_from: list[int] = field(default_factory=list)
    events: list[PushEvent] = field(default_factory=list)

    @property
    def git(self) -> Repository:
        """The repository of a project that has one."""
        assert self.repository is not None, f"{self.path} has no repository"
        return self.repository


@dataclass(kw_only=True)
class Token:
    """A token. A project's or group's belongs to a bot; a job's to whoever started the pipeline."""

    value: str
    kind: TokenKind
    user: int
    id: int
    name: str = "token"
    scopes: list[str] = field(default_factory=lambda: ["api"])
    project: int | None = None
    group: int | None = None
    pipeline: int | None = None
    revoked: bool = False
    expired: bool = False


@dataclass(kw_only=True)
class Version:
    """One diff version of a merge request."""

    id: int
    head: str
    base: str
    start: str
    created_at: datetime.datetime
    size: int
    patch_id: str | None


@dataclass(kw_only=True)
class Approval:
    """An approval that stands."""

    user: int
    at: datetime.datetime


@dataclass(kw_only=True)
class Note:
    """A note. `discussion` groups them; `line` is a position as it is shown, for diff notes."""

    id: int
    discussion: str
    author: int
    body: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    kind: Literal[None, "DiscussionNote", "DiffNote"] = None
    system: bool = False
    action: str | None = None
    position: dict[str, Any] | None = None
    internal: bool = False
    resolved_by: int | None = None
    resolved_at: datetime.datetime | None = None
    edited_by: int | None = None
    edited_at: datetime.datetime | None = None

    @property
    def resolvable(self) -> bool:
        """Whether it belongs to a thread that can be resolved."""
        return self.kind is not None and not self.system


@dataclass(kw_only=True)
class ExecutedCommand:
    """A quick action that a note made GitLab run."""

    merge_request: int
    author: int
    name: str
    argument: str


@dataclass(kw_only=True)
class Pipeline:
    """A pipeline of a commit."""

    id: int
    iid: int
    project: int
    sha: str
    ref: str
    source: str
    user: int
    created_at: datetime.datetime
    status: str = "running"
    payload: dict[str, Any] | None = None
    """What its jobs find in the file TRIGGER_PAYLOAD."""


@dataclass(kw_only=True)
class Trigger:
    """A pipeline trigger token, which acts for whoever made it."""

    token: str
    project: int
    owner: int


@dataclass(kw_only=True)
class Status:
    """A commit status, which is a job of kind external in a pipeline."""

    id: int
    sha: str
    ref: str
    name: str
    status: str
    author: int
    pipeline: int
    created_at: datetime.datetime
    target_url: str | None = None
    description: str | None = None
    coverage: float | None = None
    started_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None


@dataclass(kw_only=True)
class MergeRequest:
    """A merge request. `diff_ready` False: its diff is still being made.

    `source_project` is None where the fork is gone. `landed` are the commits of the target that
    GitLab remembers besides the merge commit. `reviewers` are account ids with the state of their
    review, in GraphQL's words.
    """

    id: int
    iid: int
    project: int
    source_project: int | None
    source_branch: str
    target_branch: str
    title: str
    description: str
    author: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    state: Literal["opened", "closed", "locked", "merged"] = "opened"
    labels: list[str] = field(default_factory=list)
    assignees: list[int] = field(default_factory=list)
    reviewers: dict[int, str] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    merged_by: int | None = None
    merged_at: datetime.datetime | None = None
    closed_by: int | None = None
    closed_at: datetime.datetime | None = None
    merge_commit: str | None = None
    squash_commit: str | None = None
    landed: list[str] = field(default_factory=list)
    squash: bool = False
    locked_discussion: bool = False
    diff_ready: bool = True
    conflicts: bool = False

    @property
    def draft(self) -> bool:
        """Whether its title says so."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))

    @property
    def newest(self) -> Version | None:
        """The newest version."""
        return self.versions[-1] if self.versions else None


@dataclass(kw_only=True)
class Limits:
    """What GitLab takes. The rates are a minute's, None for none."""

    note_characters: int = 1_000_000
    notes: int = 5_000
    requests: int | None = None
    notes_created: int | None = None
    pipelines: int | None = None
    """Those of one commit that somebody starts."""

    @classmethod
    def gitlab_com(cls) -> Limits:
        """Those of gitlab.com: https://docs.gitlab.com/user/gitlab_com/."""
        return cls(requests=2_000, notes_created=60, pipelines=25)


@dataclass(kw_only=True)
class State:
    """A whole GitLab.

    `enterprise` False is the Community Edition, which has no route for what is licensed; `premium`
    is a licence on the Enterprise Edition, which gitlab.com runs on every tier.
    `moved` are paths that projects had before, with the projects' ids.
    `links_generated_commits`: every commit that an automatic rebase made leads back to its merge
    request, as in the newest versions, and not the last one alone.
    `approved_at`: approvals carry their time, as newer servers have it. `keyset` holds the ids of
    operations whose lists are paged by keyset; `totals` False leaves the counts out of the others.
    """

    premium: bool = False
    enterprise: bool = False
    version: str = "19.1.0"
    approved_at: bool = True
    links_generated_commits: bool = False
    keyset: set[str] = field(default_factory=set)
    totals: bool = True
    limits: Limits = field(default_factory=Limits)
    moved: dict[str, int] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    pipelines: dict[int, Pipeline] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    commands: list[ExecutedCommand] = field(default_factory=list)
    clock: datetime.datetime = datetime.datetime(2026, 11, 24, 8, tzinfo=datetime.UTC)
    next_id: int = 1000

    # ------------------------------------------------------------------ time and ids

    def now(self) -> datetime.datetime:
        """The time of an event: a second later than the last one."""
        self.clock += datetime.timedelta(seconds=1)
        return self.clock

    def new_id(self) -> int:
        """A number that was not given out yet."""
        self.next_id += 1
        return self.next_id

    @property
    def licensed_code(self) -> bool:
        """Whether it runs the Enterprise Edition, paid for or not."""
        return self.enterprise or self.premium

    def copy(self) -> State:
        """The state as it is now, for stale reads."""
        return copy.deepcopy(self)

    # ------------------------------------------------------------------ looking things up

    def user(self, name: str | int) -> User:
        """An account, by username or id."""
        if isinstance(name, int):
            return self.users[name]
        return next(user for user in self.users.values() if user.username == name)

    def user_by_email(self, email: str) -> User | None:
        """The account that an address is verified for, in any case of letters."""
        wanted = email.lower()
        return next(
            (u for u in self.users.values() if wanted in [e.lower() for e in u.emails]), None
        )

    def project(self, name: str | int) -> Project:
        """A project, by path or id."""
        if isinstance(name, int):
            return self.projects[name]
        return next(p for p in self.projects.values() if p.path.lower() == name.lower())

    def group(self, name: str | int) -> Group:
        """A group, by path or id."""
        if isinstance(name, int):
            return self.groups[name]
        return next(g for g in self.groups.values() if g.path.lower() == name.lower())

    def merge_request(self, project: str | int, iid: int) -> MergeRequest:
        """A merge request."""
        found = self.project(project).id
        return next(m for m in self.merge_requests.values() if m.project == found and m.iid == iid)

    def head(self, mr: MergeRequest) -> str | None:
        """The head of a merge request: its newest version's."""
        return mr.newest.head if mr.newest else None

    def head_pipeline(self, mr: MergeRequest) -> Pipeline | None:
        """The newest pipeline on the head, a merge request's own before others.

        One that runs on the merged result has its commit, and `refs/merge-requests/N/merge`.
        """
        merged = (mr.project, f"refs/merge-requests/{mr.iid}/merge")
        there = [
            p
            for p in self.pipelines.values()
            if p.sha == self.head(mr) or (p.project, p.ref) == merged
        ]
        own = [p for p in there if p.source == "merge_request_event"]
        return max(own or there, key=lambda p: p.id, default=None)

    # ------------------------------------------------------------------ who is there

    def add_user(self, username: str, **values: Any) -> User:
        """A new account, with the address `<username>@example.com` unless told otherwise."""
        values.setdefault("emails", [f"{username}@example.com"])
        values.setdefault("name", username.title())
        values.setdefault("id", self.new_id())
        user = User(username=username, **values)
        self.users[user.id] = user
        return user

    def add_group(self, path: str, **values: Any) -> Group:
        """A new group; its parent is the group of the path before the last slash."""
        parent = path.rpartition("/")[0]
        values.setdefault("parent", self.group(parent).id if parent else None)
        values.setdefault("id", self.new_id())
        group = Group(path=path, **values)
        self.groups[group.id] = group
        return group

    def add_project(self, path: str, **values: Any) -> Project:
        """A new project in the group that its path names, or in a user's namespace."""
        namespace = path.rpartition("/")[0]
        group = next((g.id for g in self.groups.values() if g.path == namespace), None)
        values.setdefault("group", group)
        values.setdefault("id", self.new_id())
        project = Project(path=path, **values)
        self.projects[project.id] = project
        return project

    def add_token(self, value: str, user: str | int, **values: Any) -> Token:
        """A new token of an account; personal unless told otherwise."""
        values.setdefault("kind", "personal")
        values.setdefault("id", self.new_id())
        token = Token(value=value, user=self.user(user).id, **values)
        self.tokens[value] = token
        return token

    def add_bot_token(
        self, value: str, *, project: str | None = None, group: str | None = None,
        level: int = DEVELOPER, scopes: list[str] | None = None,
    ) -> Token:  # fmt: skip
        """A project or group access token with its bot, a member of that level."""
        owner: Project | Group = self.project(project) if project else self.group(group or "")
        kind: TokenKind = "project" if project else "group"
        name = f"{kind}_{owner.id}_bot_{hashlib.sha256(value.encode()).hexdigest()[:32]}"
        bot = self.add_user(name, name="gitops-gate", bot=True, emails=[f"{name}@noreply.example"])
        owner.members[bot.id] = level
        return self.add_token(
            value, bot.id, kind=kind, name="gitops-gate", scopes=scopes or ["api"],
            project=owner.id if project else None, group=owner.id if group else None,
        )  # fmt: skip

    def add_job_token(self, value: str, pipeline: Pipeline, project: str | int) -> Token:
        """The token of a job in a pipeline, for as long as the job runs."""
        return self.add_token(
            value, pipeline.user, kind="job", project=self.project(project).id,
            pipeline=pipeline.id, scopes=[],
        )  # fmt: skip

    # ------------------------------------------------------------------ what happens

    def open_merge_request(
        self, project: str | int, source_branch: str, *, author: str | int, iid: int | None = None,
        target_branch: str | None = None, source_project: str | int | None = None,
        diff_ready: bool = True, **values: Any,
    ) -> MergeRequest:  # fmt: skip
        """Open a merge request for a branch that is in the repository already."""
        target = self.project(project)
        source = self.project(source_project) if source_project is not None else target
        moment = self.now()
        taken = [m.iid for m in self.merge_requests.values() if m.project == target.id]
        mr = MergeRequest(
            id=self.new_id(),
            iid=iid or max(taken, default=0) + 1,
            project=target.id,
            source_project=source.id,
            source_branch=source_branch,
            target_branch=target_branch or target.default_branch,
            title=values.pop("title", source_branch),
            description=values.pop("description", ""),
            author=self.user(author).id,
            created_at=moment,
            updated_at=moment,
            diff_ready=diff_ready,
            **values,
        )
        self.merge_requests[mr.id] = mr
        self._add_version(mr, moment)
        return mr

    def push(self, mr: MergeRequest, by: str | int) -> Version:
        """Take notice that the source branch has moved in Git.

        That makes a version and a system note, and with Premium takes approvals back.
        """
        before, project = self.head(mr), self.projects[mr.project]
        version = self._add_version(mr, self.now())
        added = project.git.commits(f"{before}..{version.head}") if before else ()
        count = f"added {len(added)} commit" + ("s" if len(added) != 1 else "")
        items = "".join(f"<li>{c.sha[:8]} - {c.title}</li>" for c in reversed(added))
        page = f"/{project.path}/-/merge_requests/{mr.iid}/diffs"
        link = f"[Compare with previous version]({page}?diff_id={version.id}&start_sha={before})"
        self.system_note(mr, by, f"{count}\n\n<ul>{items}</ul>\n\n{link}", action="commit")
        if self.premium and project.approvals.reset_on_push:
            mr.approvals.clear()
        return version

    def move(self, project: str | int, branch: str, before: str | None, by: str | int) -> PushEvent:
        """Take notice that another branch than a change's has moved in Git."""
        found = self.project(project)
        event = PushEvent(
            id=self.new_id(),
            author=self.user(by).id,
            ref=branch,
            before=before,
            after=found.git.tip(branch),
            created_at=self.now(),
        )
        found.events.append(event)
        return event

    def retarget(self, mr: MergeRequest, branch: str, by: str | int) -> Version:
        """Change the target branch."""
        before, mr.target_branch = mr.target_branch, branch
        self.system_note(
            mr, by, f"changed target branch from `{before}` to `{branch}`", action="branch"
        )
        return self._add_version(mr, self.now())

    def approve(self, mr: MergeRequest, by: str | int) -> Approval:
        """Approve; a second time changes nothing."""
        user = self.user(by).id
        if standing := next((a for a in mr.approvals if a.user == user), None):
            return standing
        approval = Approval(user=user, at=self.now())
        mr.approvals.append(approval)
        if user in mr.reviewers:
            mr.reviewers[user] = "APPROVED"
        self.system_note(mr, by, "approved this merge request", action="approved")
        return approval

    def request_changes(self, mr: MergeRequest, by: str | int) -> None:
        """Ask for changes, as a reviewer."""
        mr.reviewers[self.user(by).id] = "REQUESTED_CHANGES"
        self.system_note(mr, by, "requested changes", action="requested_changes")

    def unapprove(self, mr: MergeRequest, by: str | int) -> None:
        """Take an approval back."""
        user = self.user(by).id
        mr.approvals[:] = [a for a in mr.approvals if a.user != user]
        if user in mr.reviewers:
            mr.reviewers[user] = "UNAPPROVED"
        self.system_note(mr, by, "unapproved this merge request", action="unapproved")

    def comment(
        self, mr: MergeRequest, by: str | int, body: str, *, discussion: str | None = None,
        kind: Literal[None, "DiscussionNote", "DiffNote"] = None,
        position: dict[str, Any] | None = None, **values: Any,
    ) -> Note:  # fmt: skip
        """Write a note, or an answer in a discussion, without looking for quick actions."""
        moment = self.now()
        number = self.new_id()
        note = Note(
            id=number,
            discussion=discussion or hashlib.sha1(f"discussion {number}".encode()).hexdigest(),
            author=self.user(by).id,
            body=body,
            created_at=moment,
            updated_at=moment,
            kind=kind,
            position=position,
            **values,
        )
        mr.notes.append(note)
        mr.updated_at = moment
        return note

    def system_note(self, mr: MergeRequest, by: str | int, body: str, *, action: str) -> Note:
        """Write a note of GitLab's own about what somebody did."""
        return self.comment(mr, by, body, system=True, action=action)

    def edit(self, note: Note, by: str | int, body: str) -> None:
        """Change a note's text."""
        note.body = body
        note.edited_by = self.user(by).id
        note.updated_at = note.edited_at = self.now()

    def resolve(self, mr: MergeRequest, discussion: str, by: str | int | None) -> None:
        """Resolve a discussion, or open it again with None."""
        moment = self.now()
        for note in mr.notes:
            if note.discussion == discussion and note.resolvable:
                note.resolved_by = None if by is None else self.user(by).id
                note.resolved_at = None if by is None else moment
                note.updated_at = moment

    def close(self, mr: MergeRequest, by: str | int) -> None:
        """Close without merging; that and the like is an event of its own, and no note."""
        mr.state, mr.closed_by, mr.closed_at = "closed", self.user(by).id, self.now()

    def reopen(self, mr: MergeRequest) -> None:
        """Open it again."""
        mr.state, mr.closed_by, mr.closed_at = "opened", None, None

    def merged(
        self, mr: MergeRequest, by: str | int, *, merge_commit: str | None = None,
        squash_commit: str | None = None, landed: list[str] | None = None,
    ) -> None:  # fmt: skip
        """Take notice that it was merged in Git, as which commits; `landed` by fast-forward."""
        mr.state, mr.merged_by, mr.merged_at = "merged", self.user(by).id, self.now()
        mr.updated_at = mr.merged_at
        mr.merge_commit, mr.squash_commit = merge_commit, squash_commit
        mr.landed = landed or []

    def add_pipeline(
        self, project: str | int, sha: str, ref: str, *, by: str | int, source: str = "push",
        id: int | None = None,  # noqa: A002 - GitLab's word
        payload: dict[str, Any] | None = None,
    ) -> Pipeline:  # fmt: skip
        """A pipeline on a commit; a merge request's has `refs/merge-requests/N/head` as its ref."""
        found = self.project(project).id
        taken = [p.iid for p in self.pipelines.values() if p.project == found]
        pipeline = Pipeline(
            id=id or self.new_id(), iid=max(taken, default=0) + 1, project=found, sha=sha, ref=ref,
            source=source, user=self.user(by).id, created_at=self.now(), payload=payload,
        )  # fmt: skip
        self.pipelines[pipeline.id] = pipeline
        return pipeline

    def add_trigger(self, token: str, *, project: str | int, by: str | int) -> Trigger:
        """A new trigger token."""
        found = self.project(project).id
        trigger = Trigger(token=token, project=found, owner=self.user(by).id)
        self.triggers[token] = trigger
        return trigger

    def _add_version(self, mr: MergeRequest, moment: datetime.datetime) -> Version:
        assert mr.source_project is not None, "the fork is gone"
        target, source = self.projects[mr.project], self.projects[mr.source_project]
        head = source.git.tip(mr.source_branch)
        ref = f"refs/merge-requests/{mr.iid}/head"
        if source is target:
            target.git.point(ref, head)
        else:
            target.git.fetch(source.git, head, ref)
        start = target.git.tip(mr.target_branch)
        try:
            base = target.git.merge_base(start, head)
        except NoCommitError:
            base = start
        version = Version(
            id=self.new_id(),
            head=head,
            base=base,
            start=start,
            created_at=moment,
            size=len(target.git.changed_files(base, head)),
            patch_id=target.git.patch_id(base, head),
        )
        mr.versions.append(version)
        mr.updated_at = moment
        return version
