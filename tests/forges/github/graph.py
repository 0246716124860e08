"""GraphQL over the same world: resolvers for GitHub's schema, executed by graphql-core.

An object is a mapping from field names to values or to functions of the field's arguments. A
field that is in the schema and not in the mapping is a violation: nothing is answered by accident.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import graphql
from graphql import GraphQLResolveInfo

from tests.forges.github import actions
from tests.forges.github.calls import in_reach, permitted, visible
from tests.forges.github.git import Commit, Person
from tests.forges.github.schema import Parsed, cost, schema
from tests.forges.github.shapes import Shapes, combined_state, iso
from tests.forges.github.state import (
    Account,
    Comment,
    Event,
    Pull,
    QueueEntry,
    Repository,
    Review,
    Status,
    Team,
    Thread,
    Token,
    World,
    by_context,
)

Node = dict[str, Any]
TIMELINE = {
    "head_ref_force_pushed": "HeadRefForcePushedEvent",
    "base_ref_changed": "BaseRefChangedEvent",
    "automatic_base_change_succeeded": "AutomaticBaseChangeSucceededEvent",
    "base_ref_force_pushed": "BaseRefForcePushedEvent",
    "review_dismissed": "ReviewDismissedEvent",
    "comment_deleted": "CommentDeletedEvent",
    "head_ref_restored": "HeadRefRestoredEvent",
    "head_ref_deleted": "HeadRefDeletedEvent",
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "closed": "ClosedEvent",
    "merged": "MergedEvent",
}
ITEM_TYPES = {
    event: "".join("_" + c if c.isupper() else c for c in name).strip("_").upper()
    for event, name in TIMELINE.items()
}


class GitHubError(graphql.GraphQLError):
    """An error with GitHub's `type` beside its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def forbidden() -> GitHubError:
    """A token without the permission."""
    return GitHubError("FORBIDDEN", "Resource not accessible by integration")


def connection(
    items: Sequence[Any], node: Callable[[Any], Any], name: str, *, first: int | None = None,
    last: int | None = None, after: str | None = None, before: str | None = None, **_: Any,
) -> Node:  # fmt: skip
    """One page of a list, refused without a size and beyond 100 as GitHub refuses it."""
    if first is None and last is None:
        message = f"You must provide a `first` or `last` value to properly paginate the `{name}`"
        raise GitHubError("MISSING_PAGINATION_BOUNDARIES", f"{message} connection.")
    size = first if first is not None else last
    assert size is not None
    if not 0 <= size <= 100:
        message = f"Requesting {size} records on the `{name}` connection exceeds the `first` limit"
        raise GitHubError("EXCESSIVE_PAGINATION", f"{message} of 100 records.")
    start = 0 if after is None else _place(after) + 1
    end = len(items) if before is None else _place(before)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    shown = list(items[start:end])
    return {
        "totalCount": len(items),
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start) if shown else None,
            "endCursor": _cursor(start + len(shown) - 1) if shown else None,
        },
        "nodes": lambda: [node(one) for one in shown],
        "edges": lambda: [
            {"cursor": _cursor(start + place), "node": node(one)} for place, one in enumerate(shown)
        ],
    }


def _cursor(place: int) -> str:
    return base64.b64encode(f"cursor:v2:{place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rsplit(":", 1)[1])
    except (ValueError, IndexError):
        raise GitHubError("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` is no valid cursor.") from None


@dataclass
class View:
    """The world as one token sees it through GraphQL."""

    world: World
    shapes: Shapes
    token: Token
    limits: Mapping[str, Any] | None
    unanswered: list[str] = field(default_factory=list)

    # ------------------------------------------------------------------ the two roots

    def query(self) -> Node:
        """What a query starts from."""
        return {
            "__typename": "Query",
            "rateLimit": lambda dryRun=False: self.limits,  # noqa: N803 - GitHub's name
            "viewer": lambda: {**self.user(self.token.account), "login": self._viewer_login()},
            "repository": self._repository,
            "organization": self._organization,
            "user": lambda login: self.user(self._account(login, "User")),
            "node": self._node,
            "nodes": lambda ids: [self._node(one) for one in ids],
        }

    def mutation(self) -> Node:
        """What a mutation starts from."""
        return {
            "__typename": "Mutation",
            "resolveReviewThread": lambda input: self._resolve(input, True),  # noqa: A006
            "unresolveReviewThread": lambda input: self._resolve(input, False),  # noqa: A006
            "addComment": self._add_comment,
            "updateIssueComment": self._update_comment,
            "deleteIssueComment": self._delete_comment,
            "minimizeComment": self._minimize,
            "addPullRequestReviewThreadReply": self._reply,
        }

    def _viewer_login(self) -> str:
        return self.token.account.rest_login

    def _account(self, login: str, kind: str) -> Account:
        found = self.world.account(login)
        if found is None or found.kind != kind:
            message = f"Could not resolve to {kind} with the login of '{login}'."
            raise GitHubError("NOT_FOUND", message)
        return found

    def _node(self, id: str) -> Node | None:  # noqa: A002 - GitHub's name
        wanted = id
        for repository in self.world.repositories.values():
            if not visible(self.world, self.token, repository):
                continue
            if repository.node_id == wanted:
                return self.repository(repository)
            for pull in repository.pulls.values():
                if pull.node_id == wanted:
                    return self.pull(repository, pull)
                for thread in pull.threads:
                    if thread.node_id == wanted:
                        return self.thread(repository, pull, thread)
                for comment in pull.comments:
                    if f"IC_{comment.id}" == wanted:
                        return self.comment(repository, pull, comment)
        raise GitHubError(
            "NOT_FOUND", f"Could not resolve to a node with the global id of '{wanted}'"
        )

    # ------------------------------------------------------------------ what the token may

    def _needs(self, repository: Repository, needs: str, role: str = "read") -> None:
        if not permitted(self.world, self.token, repository, needs):
            raise forbidden()
        if self.token.kind != "installation" and not self.world.may(
            repository, self.token.account, role
        ):
            message = f"{self.token.account.login} does not have the correct permissions"
            raise GitHubError("FORBIDDEN", message)

    def _allowed(self, repository: Repository, needs: str, role: str) -> bool:
        try:
            self._needs(repository, needs, role)
        except GitHubError:
            return False
        return True

    # ------------------------------------------------------------------ accounts

    def user(self, account: Account) -> Node:
        """A user, whatever kind of account it is."""
        return {
            "__typename": account.kind, "login": account.login, "databaseId": account.id,
            "id": account.node_id, "url": f"{self.shapes.web}/{account.login}",
            "avatarUrl": lambda size=None: f"{self.shapes.web}/avatars/u/{account.id}",
            "resourcePath": f"/{account.login}", "name": account.name,
            "isViewer": account is self.token.account, "email": "",
        }  # fmt: skip

    def actor(self, account: Account | None) -> Node | None:
        """Whoever did something; nobody when the account is gone."""
        return None if account is None else self.user(account)

    def _organization(self, login: str) -> Node:
        account = self._account(login, "Organization")
        return {
            **self.user(account),
            "team": lambda slug: self._team(account, slug),
            "repository": lambda name, followRenames=True: self._repository(  # noqa: N803
                login, name
            ),
        }

    def _team(self, organisation: Account, slug: str) -> Node | None:
        if self.token.kind != "classic" and not self.token.has("members", "read"):
            raise forbidden()
        for team in self.world.teams:
            if team.organisation is organisation and team.slug == slug:
                return self.team(team)
        return None

    def team(self, team: Team) -> Node:
        """A team; its members are those of the teams below too unless others are asked for."""

        def members(membership: str = "ALL", **page: Any) -> Node:
            every = self.world.members(team)
            own = {"IMMEDIATE": [m for m in every if m in team.members]}
            return connection(own.get(membership, every), self.user, "members", **page)

        return {
            "__typename": "Team", "id": f"T_{team.id}", "databaseId": team.id, "slug": team.slug,
            "name": team.name, "privacy": "SECRET" if team.secret else "VISIBLE",
            "combinedSlug": f"{team.organisation.login}/{team.slug}", "members": members,
        }  # fmt: skip

    # ------------------------------------------------------------------ repositories

    def _repository(self, owner: str, name: str, followRenames: bool = True) -> Node:  # noqa: N803
        full = f"{owner}/{name}"
        found = self.world.find(full)
        if found is None and followRenames:
            known = self.world.repositories.values()
            found = next((one for one in known if full in one.former_names), None)
        if found is None or not visible(self.world, self.token, found):
            message = f"Could not resolve to a Repository with the name '{full}'."
            raise GitHubError("NOT_FOUND", message)
        return self.repository(found)

    def repository(self, repository: Repository) -> Node:
        """A repository."""
        return {
            "__typename": "Repository", "id": repository.node_id, "databaseId": repository.id,
            "name": repository.name, "nameWithOwner": repository.full_name,
            "owner": lambda: self.user(repository.owner),
            "url": f"{self.shapes.web}/{repository.full_name}", "isPrivate": repository.private,
            "isFork": repository.fork_of is not None, "isArchived": False,
            "visibility": "PRIVATE" if repository.private else "PUBLIC",
            "viewerPermission": lambda: self._permission(repository),
            "mergeCommitAllowed": repository.methods["merge"],
            "squashMergeAllowed": repository.methods["squash"],
            "rebaseMergeAllowed": repository.methods["rebase"],
            "ref": lambda qualifiedName: self._ref(repository, qualifiedName),  # noqa: N803
            "refs": lambda refPrefix, **page: self._refs(repository, refPrefix, **page),  # noqa: N803
            "defaultBranchRef": lambda: self._ref(repository, repository.default_branch),
            "object": lambda oid=None, expression=None: self._object(
                repository, oid or expression
            ),
            "pullRequest": lambda number: self._pull(repository, number),
            "pullRequests": lambda **wanted: self._pulls(repository, **wanted),
            "mergeQueue": lambda branch=None: self._queue(repository, branch),
        }  # fmt: skip

    def _permission(self, repository: Repository) -> str | None:
        if self.token.kind != "installation":
            role = self.world.role(repository, self.token.account)
            return None if role == "none" else role.upper()
        if not in_reach(self.token, repository):
            return "READ"
        if self.token.has("administration", "write"):
            return "ADMIN"
        return "WRITE" if self.token.has("contents", "write") else "READ"

    def _ref(self, repository: Repository, name: str) -> Node | None:
        self._needs(repository, "contents:read")
        short = name.removeprefix("refs/heads/")
        sha = repository.branches.get(short)
        if sha is None:
            return None
        return {
            "__typename": "Ref", "id": f"REF_{repository.id}_{short}", "name": short,
            "prefix": "refs/heads/", "target": lambda: self.commit(repository, sha),
        }  # fmt: skip

    def _refs(self, repository: Repository, prefix: str, **page: Any) -> Node:
        """Branches below a prefix; their names are what follows it."""
        found = sorted(f"refs/heads/{name}" for name in repository.branches)
        return connection(
            [name for name in found if name.startswith(prefix)],
            lambda name: {**(self._ref(repository, name) or {}), "name": name[len(prefix) :]},
            "refs", **page,
        )  # fmt: skip

    def _object(self, repository: Repository, revision: str | None) -> Node | None:
        self._needs(repository, "contents:read")
        sha = repository.git.resolve(revision or "HEAD")
        return None if sha is None else self.commit(repository, sha)

    def _pull(self, repository: Repository, number: int) -> Node:
        self._needs(repository, "pull_requests:read")
        found = repository.pulls.get(number)
        if found is None:
            message = f"Could not resolve to a PullRequest with the number of {number}."
            raise GitHubError("NOT_FOUND", message)
        return self.pull(repository, found)

    def _pulls(
        self, repository: Repository, states: Iterable[str] | None = None,
        headRefName: str | None = None, baseRefName: str | None = None,  # noqa: N803
        labels: Iterable[str] | None = None, orderBy: Any = None, **page: Any,  # noqa: N803
    ) -> Node:  # fmt: skip
        self._needs(repository, "pull_requests:read")
        found = [
            pull
            for pull in repository.pulls.values()
            if (states is None or _state(pull) in states)
            and headRefName in {None, pull.head_ref}
            and baseRefName in {None, pull.base_ref}
            and (labels is None or set(labels) & set(pull.labels))
        ]
        if orderBy and orderBy["direction"] == "DESC":
            found.reverse()
        return connection(found, lambda one: self.pull(repository, one), "pullRequests", **page)

    def _queue(self, repository: Repository, branch: str | None) -> Node | None:
        self._needs(repository, "merge_queues:read")
        wanted = (branch or repository.default_branch).removeprefix("refs/heads/")
        entries = [one for one in repository.queue if one.base_ref == wanted]
        if not entries:
            return None
        return {
            "__typename": "MergeQueue", "id": f"MQ_{repository.id}",
            "url": f"{self.shapes.web}/{repository.full_name}/queue/{wanted}",
            "repository": lambda: self.repository(repository),
            "entries": lambda **page: connection(
                list(enumerate(entries, 1)), lambda one: self._entry(repository, *one), "entries",
                **page,
            ),
        }  # fmt: skip

    def _entry(self, repository: Repository, position: int, entry: QueueEntry) -> Node:
        return {
            "__typename": "MergeQueueEntry", "id": f"MQE_{entry.id}", "position": position,
            "state": "AWAITING_CHECKS", "jump": False, "solo": False,
            "enqueuedAt": iso(entry.at), "enqueuer": lambda: self.user(entry.enqueuer),
            "estimatedTimeToMerge": None,
            "baseCommit": lambda: self.commit(repository, entry.base),
            "headCommit": lambda: self.commit(repository, entry.head),
            "pullRequest": lambda: self._pull(repository, entry.number),
        }  # fmt: skip

    # ------------------------------------------------------------------ commits

    def commit(self, repository: Repository, sha: str) -> Node:
        """A commit that is in the repository."""
        return self._commit(repository, repository.git.commit(sha))

    def _commit(self, repository: Repository, commit: Commit) -> Node:
        headline, _, rest = commit.message.partition("\n")
        people = {person.email.lower(): person for person in reversed(commit.co_authors)}
        people.pop(commit.author.email.lower(), None)
        authors = [commit.author, *reversed(people.values())]
        page = f"/{repository.full_name}/commit/{commit.sha}"
        return {
            "__typename": "Commit", "id": f"C_{commit.sha}", "oid": commit.sha,
            "abbreviatedOid": commit.sha[:7], "message": commit.message,
            "messageHeadline": headline, "messageBody": rest.lstrip("\n"),
            "url": self.shapes.web + page, "resourcePath": page,
            "authoredDate": commit.author.date, "committedDate": commit.committer.date,
            "author": lambda: self._person(commit.author),
            "committer": lambda: self._person(commit.committer),
            "authors": lambda **page: connection(authors, self._person, "authors", **page),
            "parents": lambda **page: connection(
                commit.parents, lambda sha: self.commit(repository, sha), "parents", **page
            ),
            "tree": {"__typename": "Tree", "oid": commit.tree, "id": f"T_{commit.tree}"},
            "status": lambda: self._status(repository, commit.sha),
            "statusCheckRollup": lambda: self._rollup(repository, commit.sha),
            "associatedPullRequests": lambda orderBy=None, **page: connection(  # noqa: N803
                self._containing(repository, commit.sha),
                lambda one: self.pull(repository, one), "associatedPullRequests", **page,
            ),
        }  # fmt: skip

    def _containing(self, repository: Repository, sha: str) -> list[Pull]:
        return [
            pull
            for pull in repository.pulls.values()
            if sha in {pull.merge_commit, *pull.landed}
            or any(one.sha == sha for one in self.world.commits(repository, pull))
        ]

    def _person(self, person: Person) -> Node:
        return {
            "__typename": "GitActor", "name": person.name, "email": person.email,
            "date": person.date, "user": lambda: self._user_of(person),
        }  # fmt: skip

    def _user_of(self, person: Person) -> Node | None:
        account = self.world.by_email(person.email)
        return self.user(account) if account and account.kind == "User" else None

    def _status(self, repository: Repository, sha: str) -> Node | None:
        self._needs(repository, "statuses:read")
        newest = list(by_context(repository.statuses, sha).values())
        if not newest:
            return None
        return {
            "__typename": "Status", "id": f"ST_{sha}",
            "state": combined_state(one.state for one in newest).upper(),
            "contexts": lambda: [self._context(one) for one in newest],
            "context": lambda name: next(
                (self._context(one) for one in newest if one.context == name), None
            ),
        }  # fmt: skip

    def _context(self, status: Status) -> Node:
        return {
            "__typename": "StatusContext", "id": f"SC_{status.id}", "context": status.context,
            "state": status.state.upper(), "description": status.description,
            "targetUrl": status.target_url, "createdAt": iso(status.created_at),
            "creator": lambda: self.actor(status.creator),
        }  # fmt: skip

    def _rollup(self, repository: Repository, sha: str) -> Node | None:
        self._needs(repository, "checks:read")
        newest = list(by_context(repository.statuses, sha).values())
        runs = [one for one in repository.check_runs if one.sha == sha]
        if not newest and not runs:
            return None
        states = [one.state for one in newest]
        for run in runs:
            passed = run.conclusion in {"success", "neutral", "skipped"}
            done = "success" if passed else "failure"
            states.append(done if run.status == "completed" else "pending")
        contexts = [self._context(one) for one in newest]
        contexts += [
            {
                "__typename": "CheckRun", "id": f"CR_{run.id}", "databaseId": run.id,
                "name": run.name, "status": run.status.upper(),
                "conclusion": run.conclusion.upper() if run.conclusion else None,
            }
            for run in runs
        ]  # fmt: skip
        return {
            "__typename": "StatusCheckRollup", "id": f"SCR_{sha}",
            "state": combined_state(states).upper(),
            "contexts": lambda **page: connection(contexts, lambda one: one, "contexts", **page),
        }  # fmt: skip

    # ------------------------------------------------------------------ pull requests

    def pull(self, repository: Repository, pull: Pull) -> Node:
        """A pull request."""
        source = self.world.repositories.get(pull.head_repository or 0)
        if source is not None and not visible(self.world, self.token, source):
            source = None
        html = self.shapes.pull_html(repository, pull)
        return {
            "__typename": "PullRequest", "id": pull.node_id, "databaseId": pull.id,
            "fullDatabaseId": str(pull.id), "number": pull.number, "title": pull.title,
            "body": pull.body or "", "url": html,
            "resourcePath": f"/{repository.full_name}/pull/{pull.number}",
            "state": _state(pull), "isDraft": pull.draft, "closed": pull.closed_at is not None,
            "merged": pull.merged_at is not None, "mergedAt": iso(pull.merged_at),
            "closedAt": iso(pull.closed_at), "createdAt": iso(pull.created_at),
            "updatedAt": iso(pull.updated_at), "mergedBy": lambda: self.actor(pull.merged_by),
            "isCrossRepository": pull.head_repository != repository.id,
            "maintainerCanModify": False, "locked": False,
            "author": lambda: self.actor(pull.author),
            "authorAssociation": self.shapes.association(repository, pull.author),
            "viewerDidAuthor": pull.author is self.token.account,
            "baseRefName": pull.base_ref, "baseRefOid": pull.base_sha,
            "headRefName": pull.head_ref, "headRefOid": pull.head,
            "baseRepository": lambda: self.repository(repository),
            "repository": lambda: self.repository(repository),
            "headRepository": lambda: self.repository(source) if source else None,
            "headRepositoryOwner": lambda: self.user(source.owner) if source else None,
            "baseRef": lambda: self._ref(repository, pull.base_ref),
            "headRef": lambda: self._ref(source, pull.head_ref) if source else None,
            **self._mergeability(repository, pull),
            **self._lists(repository, pull),
        }  # fmt: skip

    def _mergeability(self, repository: Repository, pull: Pull) -> Node:
        unknown = pull.mergeable_unknown or pull.closed_at is not None
        landed = None if unknown else actions.landing(repository, pull)

        def commit(sha: str | None) -> Callable[[], Node | None]:
            return lambda: None if sha is None else self.commit(repository, sha)

        status = "UNKNOWN" if unknown else "CLEAN" if landed else "DIRTY"
        if landed and pull.draft:
            status = "DRAFT"
        elif landed and self._blocked(repository, pull):
            status = "BLOCKED"
        return {
            "mergeable": "UNKNOWN" if unknown else "MERGEABLE" if landed else "CONFLICTING",
            "mergeStateStatus": status,
            "mergeCommit": commit(pull.merge_commit),
            "potentialMergeCommit": commit(landed),
        }

    def _blocked(self, repository: Repository, pull: Pull) -> bool:
        protection = repository.protections.get(pull.base_ref, {})
        required = (protection.get("required_status_checks") or {}).get("contexts", [])
        newest = by_context(repository.statuses, pull.head)
        runs = {
            run.name for run in repository.check_runs
            if run.sha == pull.head and run.conclusion in {"success", "neutral", "skipped"}
        }  # fmt: skip
        return any(
            name not in runs
            and (name.lower() not in newest or newest[name.lower()].state != "success")
            for name in required
        )

    def _lists(self, repository: Repository, pull: Pull) -> Node:
        own = self.token.account
        reviews = [one for one in pull.reviews if one.state != "PENDING" or one.author is own]

        def with_commits(**page: Any) -> Node:
            self._needs(repository, "contents:read")
            commits = self.world.commits(repository, pull)
            shown = connection(
                commits[:250], lambda one: self._pull_commit(repository, pull, one), "commits",
                **page,
            )  # fmt: skip
            return {**shown, "totalCount": len(commits)}

        return {
            "labels": lambda orderBy=None, **page: connection(  # noqa: N803
                pull.labels, lambda name: self._label(repository, name), "labels", **page
            ),
            "commits": with_commits,
            "reviews": lambda states=None, author=None, **page: connection(
                [one for one in reviews if states is None or one.state in states],
                lambda one: self.review(repository, pull, one), "reviews", **page,
            ),
            "timelineItems": lambda **page: self._timeline(repository, pull, **page),
            "comments": lambda orderBy=None, **page: connection(  # noqa: N803
                pull.comments, lambda one: self.comment(repository, pull, one), "comments", **page
            ),
            "reviewThreads": lambda **page: connection(
                pull.threads, lambda one: self.thread(repository, pull, one), "reviewThreads",
                **page,
            ),
        }  # fmt: skip

    def _pull_commit(self, repository: Repository, pull: Pull, commit: Commit) -> Node:
        return {
            "__typename": "PullRequestCommit", "id": f"PURC_{pull.id}_{commit.sha}",
            "commit": lambda: self._commit(repository, commit),
        }  # fmt: skip

    def _label(self, repository: Repository, name: str) -> Node:
        number = repository.labels.get(name, 0)
        return {"__typename": "Label", "id": f"LA_{number}", "name": name, "color": "ededed"}

    def _timeline(
        self, repository: Repository, pull: Pull, itemTypes: Any = None,  # noqa: N803
        since: str | None = None, skip: int = 0, **page: Any,
    ) -> Node:  # fmt: skip
        found = [
            one
            for one in pull.events
            if one.event in TIMELINE and (itemTypes is None or ITEM_TYPES[one.event] in itemTypes)
        ][skip or 0 :]
        shown = connection(
            found, lambda one: self._event(repository, pull, one), "timelineItems", **page
        )
        return {**shown, "filteredCount": len(found), "updatedAt": iso(pull.updated_at)}

    def _event(self, repository: Repository, pull: Pull, event: Event) -> Node:
        data = event.data

        def commit(name: str) -> Callable[[], Node | None]:
            return lambda: (
                self.commit(repository, data[name]) if repository.git.has(data[name]) else None
            )

        shape: Node = {
            "__typename": TIMELINE[event.event], "id": f"EV_{event.id}",
            "createdAt": iso(event.created_at), "actor": lambda: self.actor(event.actor),
            "pullRequest": lambda: self.pull(repository, pull),
        }  # fmt: skip
        if "before" in data:
            shape |= {"beforeCommit": commit("before"), "afterCommit": commit("after")}
        if event.event == "base_ref_changed":
            shape |= {"previousRefName": data["from"], "currentRefName": data["to"]}
        if event.event == "automatic_base_change_succeeded":
            shape |= {"oldBase": data["from"], "newBase": data["to"]}
        if event.event == "review_dismissed":
            review = next((one for one in pull.reviews if one.id == data["review"]), None)
            shape |= {
                "previousReviewState": data["state"], "dismissalMessage": data["message"],
                "review": lambda: self.review(repository, pull, review) if review else None,
            }  # fmt: skip
        if event.event == "comment_deleted":
            shape["deletedCommentAuthor"] = lambda: self.actor(data["author"])
        if "label" in data:
            shape["label"] = lambda: self._label(repository, data["label"])
        if event.event == "merged":
            shape["commit"] = commit("commit")
        return shape

    # ------------------------------------------------------------------ conversation

    def _said(self, repository: Repository, pull: Pull, comment: Comment) -> Node:
        token = self.token
        own = comment.author is token.account
        may = own or self._allowed(repository, "pull_requests:write|issues:write", "write")
        return {
            "fullDatabaseId": str(comment.id), "body": comment.body, "viewerDidAuthor": own,
            "databaseId": comment.id if comment.id < 2**31 else None,
            "createdAt": iso(comment.created_at), "updatedAt": iso(comment.updated_at),
            "publishedAt": iso(comment.created_at), "lastEditedAt": iso(comment.edited_at),
            "includesCreatedEdit": comment.edited_at is not None,
            "editor": lambda: self.actor(comment.editor),
            "author": lambda: self.actor(comment.author),
            "authorAssociation": self.shapes.association(repository, comment.author),
            "isMinimized": comment.minimized is not None, "minimizedReason": comment.minimized,
            "viewerCanUpdate": may, "viewerCanDelete": may, "viewerCanMinimize": may,
            "pullRequest": lambda: self.pull(repository, pull),
        }  # fmt: skip

    def comment(self, repository: Repository, pull: Pull, comment: Comment) -> Node:
        """A comment on the pull request as a whole."""
        html = self.shapes.pull_html(repository, pull)
        return {
            **self._said(repository, pull, comment), "__typename": "IssueComment",
            "id": f"IC_{comment.id}", "url": f"{html}#issuecomment-{comment.id}",
        }  # fmt: skip

    def review(self, repository: Repository, pull: Pull, review: Review) -> Node:
        """A review."""
        author = review.author
        html = self.shapes.pull_html(repository, pull)

        def commit() -> Node | None:
            if review.commit is None or not repository.git.has(review.commit):
                return None
            return self.commit(repository, review.commit)

        return {
            "__typename": "PullRequestReview", "id": f"PRR_{review.id}",
            "fullDatabaseId": str(review.id), "state": review.state, "body": review.body,
            "databaseId": review.id if review.id < 2**31 else None,
            "submittedAt": iso(review.submitted_at), "updatedAt": iso(review.updated_at),
            "createdAt": iso(review.updated_at), "commit": commit,
            "url": f"{html}#pullrequestreview-{review.id}",
            "author": lambda: self.actor(author),
            "authorAssociation": self.shapes.association(repository, author),
            "authorCanPushToRepository": bool(
                author and self.world.may(repository, author, "write")
            ),
            "viewerDidAuthor": author is self.token.account,
        }  # fmt: skip

    def thread(self, repository: Repository, pull: Pull, thread: Thread) -> Node:
        """A discussion on lines."""
        can = self._allowed(repository, "contents:write", "write") or (
            self.token.kind != "installation" and pull.author is self.token.account
        )
        resolved = thread.resolved_by is not None
        return {
            "__typename": "PullRequestReviewThread", "id": thread.node_id,
            "isResolved": resolved, "isOutdated": thread.outdated, "isCollapsed": resolved,
            "viewerCanResolve": can and not resolved, "viewerCanUnresolve": can and resolved,
            "viewerCanReply": self._allowed(repository, "pull_requests:write", "read"),
            "path": thread.path, "line": thread.line, "originalLine": thread.original_line,
            "startLine": thread.start_line, "originalStartLine": thread.original_start_line,
            "diffSide": thread.side, "startDiffSide": thread.start_side, "subjectType": "LINE",
            "resolvedBy": lambda: self.actor(thread.resolved_by),
            "pullRequest": lambda: self.pull(repository, pull),
            "repository": lambda: self.repository(repository),
            "comments": lambda skip=0, **page: connection(
                thread.comments[skip or 0 :],
                lambda one: self.line_comment(repository, pull, thread, one), "comments", **page,
            ),
        }  # fmt: skip

    def line_comment(
        self, repository: Repository, pull: Pull, thread: Thread, comment: Comment
    ) -> Node:
        """A comment on lines."""
        html = self.shapes.pull_html(repository, pull)
        return {
            **self._said(repository, pull, comment), "__typename": "PullRequestReviewComment",
            "id": f"PRRC_{comment.id}", "url": f"{html}#discussion_r{comment.id}",
            "path": thread.path, "line": thread.line, "originalLine": thread.original_line,
            "outdated": thread.outdated, "diffHunk": thread.hunk, "state": "SUBMITTED",
        }  # fmt: skip

    # ------------------------------------------------------------------ mutations

    def _search(self, wanted: str, of: str) -> tuple[Repository, Pull, Any]:
        for repository, pull in self.world.pulls():
            if not visible(self.world, self.token, repository):
                continue
            pools: dict[str, list[Any]] = {
                "thread": [(one.node_id, one) for one in pull.threads],
                "comment": [(f"IC_{one.id}", one) for one in pull.comments]
                + [(f"PRRC_{c.id}", c) for t in pull.threads for c in t.comments],
                "pull": [(pull.node_id, pull)],
            }
            for number, one in pools[of]:
                if number == wanted:
                    return repository, pull, one
        message = f"Could not resolve to a node with the global id of '{wanted}'."
        raise GitHubError("NOT_FOUND", message)

    def _resolve(self, given: Mapping[str, Any], resolved: bool) -> Node:
        repository, pull, thread = self._search(given["threadId"], "thread")
        author = self.token.kind != "installation" and pull.author is self.token.account
        if not author:
            self._needs(repository, "contents:write", "write")
        self.world.tick()
        thread.resolved_by = self.token.account if resolved else None
        return self._payload(given, thread=lambda: self.thread(repository, pull, thread))

    def _payload(self, given: Mapping[str, Any], **values: Any) -> Node:
        return {"clientMutationId": given.get("clientMutationId"), **values}

    def _add_comment(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - GitHub's name
        repository, pull, _ = self._search(input["subjectId"], "pull")
        self._needs(repository, "pull_requests:write|issues:write")
        made = actions.comment(
            self.world, pull, self.token.account, self._text(input["body"]), self.token.app_id
        )
        edge = {"cursor": _cursor(len(pull.comments) - 1)}
        edge["node"] = self.comment(repository, pull, made)  # type: ignore[assignment]
        return self._payload(input, commentEdge=edge, subject=lambda: self.pull(repository, pull))

    def _text(self, body: str) -> str:
        if len(body) > 65_536:
            message = "Body is too long (maximum is 65536 characters)"
            raise GitHubError("UNPROCESSABLE", message)
        if not body.strip():
            raise GitHubError("UNPROCESSABLE", "Body can't be blank")
        return body

    def _update_comment(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - GitHub's name
        repository, pull, comment = self._search(input["id"], "comment")
        if comment.author is not self.token.account:
            self._needs(repository, "pull_requests:write|issues:write", "write")
        actions.edit(self.world, comment, self.token.account, self._text(input["body"]))
        shown = lambda: self.comment(repository, pull, comment)  # noqa: E731
        return self._payload(input, issueComment=shown)

    def _delete_comment(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - GitHub's name
        repository, pull, comment = self._search(input["id"], "comment")
        if comment.author is not self.token.account:
            self._needs(repository, "pull_requests:write|issues:write", "write")
        actions.delete_comment(self.world, pull, comment, self.token.account)
        return self._payload(input)

    def _minimize(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - GitHub's name
        repository, pull, comment = self._search(input["subjectId"], "comment")
        self._needs(repository, "pull_requests:write|issues:write", "write")
        self.world.tick()
        comment.minimized = input["classifier"].lower()
        shown = lambda: self.comment(repository, pull, comment)  # noqa: E731
        return self._payload(input, minimizedComment=shown)

    def _reply(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - GitHub's name
        wanted = input["pullRequestReviewThreadId"]
        repository, pull, thread = self._search(wanted, "thread")
        self._needs(repository, "pull_requests:write")
        made = actions.reply(
            self.world, pull, thread, self.token.account, self._text(input["body"])
        )
        shown = lambda: self.line_comment(repository, pull, thread, made)  # noqa: E731
        return self._payload(input, comment=shown)


def _state(pull: Pull) -> str:
    return "MERGED" if pull.merged_at else pull.state.upper()


def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """A field of a mapping; one that is missing is recorded, and is an error."""
    if info.field_name not in source:
        missing = f"{info.parent_type.name}.{info.field_name}"
        info.context.unanswered.append(missing)
        raise GitHubError("INTERNAL", f"this server does not answer {missing}")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value


@dataclass(frozen=True)
class Answer:
    """What execution came to; `faults` are errors that are the server's own."""

    body: Node
    faults: tuple[str, ...] = ()


def execute(view: View, document: Parsed, body: Mapping[str, Any]) -> Answer:
    """Execute a document that the schema has nothing against."""
    assert document.document is not None
    kind = "mutation" if document.name.startswith("graphql/mutation") else "query"
    result = graphql.execute_sync(
        schema(),
        document.document,
        root_value=view.mutation() if kind == "mutation" else view.query(),
        context_value=view,
        variable_values=dict(body.get("variables") or {}),
        operation_name=body.get("operationName"),
        field_resolver=resolve,
    )
    out: Node = {"data": result.data}
    faults = [f"does not answer {one}" for one in view.unanswered]
    if result.errors:
        out["errors"] = [_error(one) for one in result.errors]
        for one in result.errors:
            cause = one.original_error or one
            if one.path is not None and not isinstance(cause, GitHubError):
                faults.append(f"{'/'.join(map(str, one.path))}: {one.message}")
    return Answer(out, tuple(faults))


def _error(error: graphql.GraphQLError) -> Node:
    shown: Node = dict(error.formatted)
    cause = error.original_error or error
    if isinstance(cause, GitHubError):
        shown = {"type": cause.kind, **shown}
    return shown


def priced(document: Parsed, body: Mapping[str, Any]) -> tuple[int, int]:
    """Points and nodes of a request."""
    assert document.document is not None
    return cost(document.document, body.get("operationName"), body.get("variables"))
