"""What the forge remembers: accounts, tokens, repositories, pull requests.

All of it can be copied deeply, which is how a stale read sees what was true before. Ids come from
counters, times from a clock that moves a second with each change (or from one that is given).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.forges.github.git import Commit, Git

START = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
ACTIONS_APP = 15368
ACTIONS_BOT = 41898282


@dataclass(eq=False)
class Account:
    """A user, an app's bot or an organisation. `login` is as GraphQL gives it: no `[bot]`."""

    id: int
    login: str
    kind: Literal["User", "Bot", "Organization"] = "User"
    emails: tuple[str, ...] = ()
    name: str | None = None

    @property
    def rest_login(self) -> str:
        """As REST gives it."""
        return f"{self.login}[bot]" if self.kind == "Bot" else self.login

    @property
    def node_id(self) -> str:
        """Its id in GraphQL."""
        return {"User": "U_", "Bot": "BOT_", "Organization": "O_"}[self.kind] + str(self.id)


@dataclass(eq=False)
class Token:
    """A credential. `permissions` are an app's or a fine-grained token's, by GitHub's names.

    A classic token can do what its owner's role allows. `repositories` are full names, None for
    all. `core` and `graphql` count what is left of the rate limits.
    """

    value: str
    account: Account
    kind: Literal["installation", "fine-grained", "classic"] = "installation"
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: tuple[str, ...] | None = None
    app_id: int | None = None
    app_slug: str | None = None
    core_limit: int = 5000
    graphql_limit: int = 5000
    used: dict[str, int] = field(default_factory=dict)
    expired: bool = False

    def has(self, permission: str, level: str) -> bool:
        """Whether a permission was given at this level or above."""
        order = ("none", "read", "write", "admin")
        return order.index(self.permissions.get(permission, "none")) >= order.index(level)


@dataclass(eq=False)
class Comment:
    """A comment on a pull request, or in a thread of one."""

    id: int
    author: Account | None
    body: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    edited_at: datetime.datetime | None = None
    editor: Account | None = None
    minimized: str | None = None
    review: int | None = None
    reply_to: int | None = None
    app_id: int | None = None


@dataclass(eq=False)
class Review:
    """A review. `commit` is None once it was collected."""

    id: int
    author: Account | None
    body: str
    state: str
    commit: str | None
    submitted_at: datetime.datetime | None
    updated_at: datetime.datetime


@dataclass(eq=False)
class Thread:
    """A discussion on lines. `line` is None once the lines are no longer there (outdated)."""

    id: int
    path: str
    side: str
    line: int | None
    start_line: int | None
    start_side: str | None
    original_line: int
    original_start_line: int | None
    commit: str
    original_commit: str
    hunk: str
    comments: list[Comment] = field(default_factory=list)
    resolved_by: Account | None = None
    outdated: bool = False

    @property
    def node_id(self) -> str:
        """Its only id: REST has none."""
        return f"PRRT_{self.id}"


@dataclass(eq=False)
class Event:
    """Something in a pull request's history, under REST's name of it."""

    id: int
    event: str
    actor: Account | None
    created_at: datetime.datetime
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Status:
    """A commit status."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account | None
    created_at: datetime.datetime


@dataclass(eq=False)
class CheckRun:
    """A check run."""

    id: int
    sha: str
    name: str
    app_id: int
    status: str = "queued"
    conclusion: str | None = None
    details_url: str | None = None
    external_id: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Activity:
    """A push, as the server saw it."""

    id: int
    ref: str
    before: str
    after: str
    actor: Account | None
    at: datetime.datetime
    kind: str


@dataclass(eq=False)
class QueueEntry:
    """A pull request in a merge queue."""

    id: int
    number: int
    base_ref: str
    head: str
    base: str
    at: datetime.datetime
    enqueuer: Account
    commits: tuple[str, ...] = ()


@dataclass(eq=False)
class Pull:
    """A pull request. `base_sha` is what was recorded last, and may be behind the branch.

    `head_repository` is None when the fork is gone. `head` is the last head that was seen.
    """

    id: int
    number: int
    title: str
    body: str | None
    author: Account | None
    base_ref: str
    base_sha: str
    head_ref: str
    head: str
    head_repository: int | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    draft: bool = False
    closed_at: datetime.datetime | None = None
    merged_at: datetime.datetime | None = None
    merged_by: Account | None = None
    merge_commit: str | None = None
    landed: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    mergeable_unknown: bool = False

    @property
    def state(self) -> str:
        """As REST gives it: a merged one is closed."""
        return "closed" if self.closed_at else "open"

    @property
    def node_id(self) -> str:
        """Its id in GraphQL."""
        return f"PR_{self.id}"

    def thread_of(self, comment: int) -> tuple[Thread, Comment] | None:
        """The thread that a comment on a line is in."""
        for thread in self.threads:
            for one in thread.comments:
                if one.id == comment:
                    return thread, one
        return None


@dataclass(eq=False)
class Repository:
    """A repository with what was said about it. `branches` are as they were seen last."""

    id: int
    owner: Account
    name: str
    git: Git
    private: bool = False
    default_branch: str = "main"
    fork_of: int | None = None
    created_at: datetime.datetime = START
    branches: dict[str, str] = field(default_factory=dict)
    fingerprint: Any = None
    collaborators: dict[str, str] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    protections: dict[str, dict[str, Any]] = field(default_factory=dict)
    rulesets: list[dict[str, Any]] = field(default_factory=list)
    sarifs: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    queue: list[QueueEntry] = field(default_factory=list)
    methods: dict[str, bool] = field(
        default_factory=lambda: {"merge": True, "squash": True, "rebase": True}
    )
    workflow_permissions: dict[str, Any] = field(
        default_factory=lambda: {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        }
    )
    environments: dict[str, list[str] | None] = field(default_factory=dict)
    next_number: int = 1
    former_names: list[str] = field(default_factory=list)
    takes_atomic_pushes: bool = True

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def node_id(self) -> str:
        """Its id in GraphQL."""
        return f"R_{self.id}"


@dataclass(eq=False)
class Team:
    """A team of an organisation. `visible` is false for a secret one."""

    id: int
    organisation: Account
    slug: str
    name: str
    members: list[Account] = field(default_factory=list)
    parent: str | None = None
    secret: bool = False


@dataclass
class World:
    """Everything there is on one forge."""

    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    teams: list[Team] = field(default_factory=list)
    clock: Callable[[], datetime.datetime] | None = None
    seconds: int = 0
    counters: dict[str, int] = field(default_factory=dict)

    def now(self) -> datetime.datetime:
        """The forge's time, whole seconds."""
        if self.clock is not None:
            return self.clock().replace(microsecond=0)
        return START + datetime.timedelta(seconds=self.seconds)

    def tick(self, seconds: int = 1) -> datetime.datetime:
        """Move the clock and read it."""
        self.seconds += seconds
        return self.now()

    def next_id(self, kind: str = "") -> int:
        """The next id of a kind. Those of comments and the like do not fit into 32 bits."""
        starts = {"account": 1_001, "repository": 900_001, "pull": 2_000_000_001, "team": 50_001}
        start = starts.get(kind, 3_000_000_001)
        key = kind if kind in starts else ""
        number = self.counters.get(key, start)
        self.counters[key] = number + 1
        return number

    def account(self, login: str) -> Account | None:
        """An account by REST's or GraphQL's name of it, in any case."""
        return self.accounts.get(login.removesuffix("[bot]").lower())

    def find(self, full_name: str) -> Repository | None:
        """A repository by its full name, in any case."""
        wanted = full_name.lower()
        named = (r for r in self.repositories.values() if r.full_name.lower() == wanted)
        return next(named, None)

    def pulls(self) -> Iterator[tuple[Repository, Pull]]:
        """Every pull request."""
        for repository in self.repositories.values():
            for pull in repository.pulls.values():
                yield repository, pull

    def by_email(self, email: str) -> Account | None:
        """The account that a commit's address belongs to."""
        wanted = email.lower()
        return next(
            (a for a in self.accounts.values() if wanted in {e.lower() for e in a.emails}), None
        )

    def role(self, repository: Repository, account: Account) -> str:
        """What somebody may do in a repository."""
        if account is repository.owner or account.id == repository.owner.id:
            return "admin"
        own = repository.collaborators.get(account.login.lower(), "none")
        if own == "none" and not repository.private:
            return "read"
        return own

    def may(self, repository: Repository, account: Account, role: str) -> bool:
        """Whether somebody has a role, or more."""
        return ROLES.index(self.role(repository, account)) >= ROLES.index(role)

    def members(self, team: Team) -> list[Account]:
        """Members of a team and of the teams below it."""
        found = {member.id: member for member in team.members}
        for child in self.teams:
            if child.parent == team.slug and child.organisation.id == team.organisation.id:
                found.update({member.id: member for member in self.members(child)})
        return sorted(found.values(), key=lambda account: account.id)

    def merge_base(self, repository: Repository, pull: Pull) -> str:
        """Where a pull request's diff starts: an open one's moves with the base branch."""
        tip = repository.branches.get(pull.base_ref, pull.base_sha)
        base = pull.base_sha if pull.closed_at else tip
        return repository.git.merge_base(base, pull.head) or base

    def commits(self, repository: Repository, pull: Pull) -> tuple[Commit, ...]:
        """All commits of a pull request, oldest first."""
        return repository.git.commits(self.merge_base(repository, pull), pull.head)


def by_context(statuses: list[Status], sha: str) -> Mapping[str, Status]:
    """The newest status of each context on a commit."""
    newest: dict[str, Status] = {}
    for status in statuses:
        if status.sha == sha:
            newest[status.context.lower()] = status
    return newest
