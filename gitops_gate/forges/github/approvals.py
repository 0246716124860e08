"""What approvals are evaluated from: reviews, pushes, the people behind the commits, teams.

Reviews and commits come from the reading that made the snapshot, so that both speak of the same
moment. Pushes come from `repos/list-activities` of the head's repository
(docs.github.com/rest/repos/repos#list-repository-activities): the forge's own record, unlike the
dates in commits. Teams are asked for all at once.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gitops_gate.approvals.people import Access
from gitops_gate.errors import ForgeError
from gitops_gate.forges.github.api import Api, GraphqlError, as_documented
from gitops_gate.forges.github.queries import members_query
from gitops_gate.forges.github.reading import Reading
from gitops_gate.forges.github.snapshot import account, moment, rest_account
from gitops_gate.forges.values import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
    Snapshot,
)

_WEB_FLOW = 19864447
"""GitHub's own account, the committer of what is made in its web interface."""
_WEB_FLOW_EMAIL = "noreply@github.com"
_NO_COMMIT = "0" * 40
_UNTOLD = (403, 404, 422)
"""How GitHub says that it tells nothing of a branch: not to this token, or not any more."""
_MAXIMUM_PAGES = 20
_ACCESS: Mapping[str, Access] = {
    "none": "none",
    "read": "read",
    "triage": "read",
    "write": "write",
    "maintain": "maintain",
    "admin": "admin",
}
_HIDDEN = ("NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES")


class GithubApprovals:
    """Reads what approvals are evaluated from. `reading_of` gives the reading of a snapshot."""

    def __init__(self, api: Api, owner: str, reading_of: Callable[[Snapshot], Reading]) -> None:
        self._api = api
        self._owner = owner
        self._reading_of = reading_of

    def approvals(self, snapshot: Snapshot) -> ApprovalFacts:
        """Reviews, pushes and contributions of a snapshot; one request and more for old branches.

        Raises `ForgeError`; what the token may not read is None, with a line in `unknown`.
        """
        reading = self._reading_of(snapshot)
        pushes, unknown = self._pushes(reading)
        seen_at, seen_by = (None, None) if pushes else self._first_sighting(reading)
        with as_documented("the reviews"):
            contributions = _contributions(reading)
            if contributions is None:
                unknown += ("GitHub does not name everybody behind the commits",)
            if "reviews" in reading.short:
                unknown += ("GitHub gave fewer reviews than it counts",)
            return ApprovalFacts(
                reviews=tuple(sorted(_reviews(reading), key=_review_order)),
                contributions=contributions,
                pushes=pushes,
                retargeted_at=_retargeted_at(reading),
                head_seen_at=seen_at,
                head_seen_by=seen_by,
                reviews_complete="reviews" not in reading.short,
                unknown=unknown,
            )

    def target_moves(self, snapshot: Snapshot) -> tuple[Push, ...] | None:
        """The pushes and merges to the target branch, by the same record as those to the head."""
        with as_documented("the pull request"):
            opened = moment(self._reading_of(snapshot).pull["createdAt"])
        branch = snapshot.change.base_ref.removeprefix("refs/heads/")
        try:
            activities = self._activities(snapshot.change.repository, branch, opened)
        except ForgeError as error:
            if error.status not in _UNTOLD:
                raise
            return None
        if activities is None:
            return None
        with as_documented("the activity"):
            moves = _in_order(activities)
        # A record that does not reach up to the tip says nothing of what it has not got yet.
        if moves and moves[-1].after != snapshot.change.base_commit:
            return None
        return moves

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        """The members of teams, given as `team` or `organisation/team`; one request a page."""
        names = list(dict.fromkeys(teams))
        found: dict[str, set[int] | None] = {name: set() for name in names}
        waiting: dict[str, str | None] = dict.fromkeys(names)
        while waiting:
            for name, page in self._members_page(waiting).items():
                ids, cursor = page
                known = found[name]
                if ids is None or known is None:
                    found[name] = None
                    del waiting[name]
                    continue
                known |= ids
                if cursor is None:
                    del waiting[name]
                else:
                    waiting[name] = cursor
        return {name: None if ids is None else frozenset(ids) for name, ids in found.items()}

    def access(self, account: Account) -> Access | None:
        """What an account may do, by `repos/get-collaborator-permission-level`.

        `role_name` is exact for the roles that GitHub itself has; of one that an organisation made,
        `permission` gives the one of these it is based on.
        """
        login = f"{account.login}[bot]" if account.bot else account.login
        path = f"{self._api.repository}/collaborators/{quote(login, safe='')}/permission"
        try:
            answer = self._api.get(path, can=f"read what {login} may do")
        except ForgeError as error:
            if error.status in (403, 404):
                return None
            raise
        with as_documented("a permission"):
            user = answer.get("user")
            if account.id is not None and (user is None or int(user["id"]) != account.id):
                return None
            role = str(answer.get("role_name"))
            return _ACCESS[role if role in _ACCESS else str(answer["permission"])]

    def _members_page(
        self, waiting: Mapping[str, str | None]
    ) -> dict[str, tuple[set[int] | None, str | None]]:
        """One page of each team: its ids, None where it is hidden, and the next page's cursor."""
        variables: dict[str, Any] = {}
        for number, (name, cursor) in enumerate(waiting.items()):
            organisation, slash, slug = name.removeprefix("@").rpartition("/")
            variables[f"o{number}"] = organisation if slash else self._owner
            variables[f"t{number}"] = slug
            variables[f"c{number}"] = cursor
        data, errors = self._api.graphql(
            members_query(len(waiting)), variables, can="read the members of teams"
        )
        hidden = _hidden(self._api, errors)
        pages: dict[str, tuple[set[int] | None, str | None]] = {}
        with as_documented("the members of teams"):
            for number, name in enumerate(waiting):
                alias = f"team{number}"
                team = (data.get(alias) or {}).get("team")
                if alias in hidden or team is None or team.get("members") is None:
                    pages[name] = (None, None)
                    continue
                info = team["members"]["pageInfo"]
                ids = {int(node["databaseId"]) for node in team["members"]["nodes"] if node}
                pages[name] = (ids, str(info["endCursor"]) if info["hasNextPage"] else None)
        return pages

    def _pushes(self, reading: Reading) -> tuple[tuple[Push, ...] | None, tuple[str, ...]]:
        """The pushes to the head's branch, oldest first, from before the pull request on."""
        with as_documented("the pull request"):
            repository = reading.pull["headRepository"]
            name = None if repository is None else _path(repository)
            branch, head = str(reading.pull["headRefName"]), str(reading.pull["headRefOid"])
            opened = moment(reading.pull["createdAt"])
            merged = reading.pull.get("mergedAt")
            until = moment(merged) if merged else None
        if name is None:
            return None, ("the fork is gone, and with it the record of when it was pushed to",)
        try:
            activities = self._activities(name, branch, opened)
        except ForgeError as error:
            if error.status not in _UNTOLD:
                raise
            return None, (f"the token may not read when {self._api.clean(name)} was pushed to",)
        if activities is None:
            return None, (f"GitHub has more than {_MAXIMUM_PAGES} pages of pushes to the branch",)
        with as_documented("the activity"):
            # A branch of the same name after the merge is not the pull request's any more.
            pushes = tuple(p for p in _in_order(activities) if until is None or p.at <= until)
        if not pushes or pushes[-1].after != head:
            return None, ("GitHub's record of pushes does not reach up to the head yet",)
        return pushes, ()

    def _first_sighting(self, reading: Reading) -> tuple[datetime.datetime | None, Account | None]:
        """When the oldest workflow run on the head began, and whose push or review began it.

        Stands in for the record of pushes, which private forks do not show
        (docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository).
        """
        with as_documented("the pull request"):
            head = str(reading.pull["headRefOid"])
        try:
            pages = list(
                self._api.pages(
                    f"{self._api.repository}/actions/runs",
                    can="read the workflow runs",
                    inside="workflow_runs",
                    head_sha=head,
                )
            )
        except ForgeError as error:
            if error.status not in (403, 404):
                raise
            return None, None
        with as_documented("the workflow runs"):
            runs = [run for page in pages for run in page if run["head_sha"] == head]
            if not runs:
                return None, None
            first = min(runs, key=lambda run: moment(run["created_at"]))
            actor = first.get("triggering_actor") or first.get("actor")
            return moment(first["created_at"]), rest_account(actor) if actor else None

    def _activities(
        self, repository: str, branch: str, opened: datetime.datetime
    ) -> Sequence[Mapping[str, Any]] | None:
        """The record since a moment, newest first; None where it is too long to be read."""
        found: list[Mapping[str, Any]] = []
        pages = self._api.pages(
            f"/repos/{quote(repository, safe='/')}/activity",
            can="read the pushes",
            ref=f"refs/heads/{branch}",
        )
        for number, page in enumerate(pages):
            with as_documented("the activity"):
                found.extend(entry for entry in page if entry["after"] != _NO_COMMIT)
                # Newest first: what was before the pull request matters to no review of it.
                if page and moment(page[-1]["timestamp"]) < opened:
                    return found
            if number == _MAXIMUM_PAGES:
                return None
        return found


def _in_order(activities: Sequence[Mapping[str, Any]]) -> tuple[Push, ...]:
    """The pushes, oldest first; GitHub lists the newest first, also within one second."""
    return tuple(sorted(map(_push, reversed(activities)), key=lambda push: push.at))


def _path(repository: Mapping[str, Any]) -> str:
    """A repository's path; raises `ValueError` for what is none."""
    owner, name = str(repository["nameWithOwner"]).split("/")
    if not owner or not name:
        raise ValueError(name)
    return f"{owner}/{name}"


def _hidden(api: Api, errors: Sequence[GraphqlError]) -> frozenset[str]:
    """The aliases of teams that are not there or not shown; other errors raise."""
    expected = [error for error in errors if error.type in _HIDDEN and error.path]
    api.refuse_partial(
        [error for error in errors if error not in expected], can="read the members of teams"
    )
    return frozenset(error.path[0] for error in expected)


def _reviews(reading: Reading) -> Iterable[Review]:
    for node in reading.lists["reviews"]:
        if node["state"] == "PENDING":
            continue
        commit = node.get("commit")
        yield Review(
            author=account(node.get("author")),
            state=ReviewState(str(node["state"]).lower()),
            submitted_at=moment(node["submittedAt"]) if node.get("submittedAt") else None,
            commit=str(commit["oid"]) if commit else None,
            can_push=node.get("authorCanPushToRepository"),
        )


def _review_order(review: Review) -> tuple[bool, datetime.datetime]:
    never = datetime.datetime.min.replace(tzinfo=datetime.UTC)
    return review.submitted_at is None, review.submitted_at or never


def _contributions(reading: Reading) -> tuple[Contribution, ...] | None:
    """The people of every commit, or None when some are left out."""
    if "commits" in reading.short:
        return None
    found = []
    for node in reading.lists["commits"]:
        commit = node["commit"]
        authors = commit["authors"]
        if authors["totalCount"] > len(authors["nodes"]):
            return None
        people: dict[int, Account] = {}
        unmapped: dict[str, None] = {}
        committer = commit.get("committer") or {}
        # What GitHub commits itself; as an author's address it would be a forgery.
        own = committer.get("email") == _WEB_FLOW_EMAIL and not committer.get("user")
        for signature in (*authors["nodes"], *(() if own else (committer,))):
            user = signature.get("user")
            if user and user.get("databaseId") is not None:
                people.setdefault(int(user["databaseId"]), account(user))
            else:
                unmapped.setdefault(str(signature.get("email") or "(no e-mail)"))
        people.pop(_WEB_FLOW, None)
        found.append(
            Contribution(
                commit=str(commit["oid"]),
                people=tuple(sorted(people.values(), key=lambda person: person.id or 0)),
                unmapped=tuple(sorted(unmapped)),
            )
        )
    return tuple(found)


def _retargeted_at(reading: Reading) -> datetime.datetime | None:
    moments = [
        moment(node["createdAt"]) for node in reading.lists["timelineItems"] if "createdAt" in node
    ]
    return max(moments, default=None)


def _push(entry: Mapping[str, Any]) -> Push:
    before = str(entry["before"])
    return Push(
        before=None if before == _NO_COMMIT else before,
        after=str(entry["after"]),
        at=moment(entry["timestamp"]),
        actor=rest_account(entry["actor"]) if entry.get("actor") else None,
        forced=entry.get("activity_type") == "force_push",
    )
