"""What approvals are evaluated from: who approved, who pushed when, who is behind the commits.

GitLab says who approves and, since 18, when; never on which commit. `approved: true` means
something else on every tier and is not read. Versions are the clock of pushes
(https://docs.gitlab.com/api/merge_requests/#list-all-merge-request-diff-versions); who pushed
stands in a system note that links to the version.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gitops_gate.approvals.people import Access
from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import (
    CommitFacts,
    Members,
    People,
    commit_id,
    moment,
    rest_account,
)
from gitops_gate.forges.gitlab.graph import Graph
from gitops_gate.forges.gitlab.notes import (
    SystemNote,
    approved_at,
    pushers,
    retargeted_at,
    system_notes_in,
)
from gitops_gate.forges.gitlab.reading import Reader
from gitops_gate.forges.values import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
    Snapshot,
)

_ACCESS: tuple[tuple[int, Access], ...] = (
    (50, "admin"),
    (40, "maintain"),
    (30, "write"),
    (10, "read"),
)
"""From which access level what is allowed: https://docs.gitlab.com/api/access_requests/. Owner,
Maintainer, Developer, and those below, who may not push."""

_TRAILER = re.compile(r"^[ \t]*co-authored-by:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"<([^<>\s]+)>\Z")


class Approvals:
    """Reads approvals for a merge request that `Reader` reads."""

    def __init__(self, connection: Connection, graph: Graph, reader: Reader) -> None:
        self._connection = connection
        self._graph = graph
        self._reader = reader
        self._levels: dict[int, int | None] = {}
        self._versions: Sequence[Mapping[str, Any]] | None = None
        self._approved_at: tuple[datetime.datetime | None, ...] = ()

    def approvals(self, snapshot: Snapshot) -> ApprovalFacts:
        """See `ReadsApprovals.approvals`. Whether a push was forced, versions do not say."""
        unknown: list[str] = []
        notes = self._system_notes()
        contributions = self._contributions(unknown)
        pushes = self._pushes(notes, snapshot, unknown)
        reviews = self._reviews(notes)
        self._approved_at = tuple(
            review.submitted_at for review in reviews if review.state is ReviewState.APPROVED
        )
        self._look_up(review.author.id for review in reviews)
        return ApprovalFacts(
            reviews=tuple(self._with_access(review) for review in reviews),
            contributions=contributions,
            pushes=pushes,
            retargeted_at=retargeted_at(notes),
            unknown=tuple(unknown),
        )

    def target_moves(self, snapshot: Snapshot) -> tuple[Push, ...] | None:
        """See `ReadsApprovals.target_moves`: https://docs.gitlab.com/api/events/, pushes alone.

        Events are asked for by day, from the day before the first version. Where the newest version
        was made on the tip as it is now, and every approval is later, there is nothing to ask.
        """
        connection = self._connection
        branch = snapshot.change.base_ref.removeprefix("refs/heads/")
        try:
            versions = self._all_versions()
            with connection.asking("the versions"):
                opened = min(moment(version["created_at"]) for version in versions)
                if self._all_approved_on(versions, snapshot.change.base_commit):
                    return ()
            with connection.asking("the pushes to the target branch"):
                after = (opened - datetime.timedelta(days=2)).date().isoformat()
                events = connection.every(connection.project.events, action="pushed", after=after)
                moves = [_move(event) for event in events if _moves(event, branch)]
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            return None
        return tuple(sorted(moves, key=lambda push: push.at))

    def _all_versions(self) -> Sequence[Mapping[str, Any]]:
        if self._versions is None:
            connection = self._connection
            with connection.asking("the versions"):
                self._versions = connection.every(connection.merge_request.diffs)
        return self._versions

    def _all_approved_on(self, versions: Sequence[Mapping[str, Any]], tip: str | None) -> bool:
        """Whether the target cannot have moved between the newest version and any approval."""
        newest = max(versions, key=lambda version: int(version["id"]))
        made = moment(newest["created_at"])
        later = all(at is not None and at > made for at in self._approved_at)
        return tip is not None and newest["start_commit_sha"] == tip and later

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        """See `ReadsApprovals.members`: groups by their full path, one request for each hundred.

        Inherited and invited members are there
        (https://docs.gitlab.com/api/group_members/#list-all-direct-inherited-and-invited-members-of-a-group);
        those of a group that was invited by an invited group may be missing
        (https://gitlab.com/gitlab-org/gitlab/-/issues/583030).
        """
        return {team: self._members_of(team) for team in dict.fromkeys(teams)}

    def access(self, account: Account) -> Access | None:
        """See `ReadsApprovals.access`, by the role in the project or in a group above it."""
        if account.id is None:
            return None
        self._look_up([account.id])
        level = self._levels.get(account.id)
        if level is None:
            return None
        return next((access for least, access in _ACCESS if level >= least), "none")

    def can_push(self, account: Account) -> bool | None:
        """Whether an account is a developer of the project; None where it cannot be read."""
        access = self.access(account)
        return None if access is None else access not in ("none", "read")

    def _members_of(self, group: str) -> frozenset[int] | None:
        connection = self._connection
        try:
            with connection.asking(f"the members of {connection.clean(group, limit=200)}"):
                manager = connection.api.groups.get(group, lazy=True).members_all
                return frozenset(
                    int(entry["id"]) for entry in connection.every(manager) if _active(entry)
                )
        except ForgeError as error:
            if error.status in (403, 404):
                return None
            raise

    def _system_notes(self) -> Sequence[SystemNote]:
        seen = self._reader.seen
        if seen is not None and seen.system is not None:
            return seen.system
        connection = self._connection
        with connection.asking("the discussions"):
            return system_notes_in(connection.every(connection.merge_request.discussions))

    def _reviews(self, notes: Sequence[SystemNote]) -> list[Review]:
        """https://docs.gitlab.com/api/merge_request_approvals/, which is there on Free as well."""
        times = approved_at(notes)
        connection = self._connection
        with connection.asking("the approvals"):
            answer = connection.merge_request.approvals.get().attributes
            reviews = []
            for entry in answer["approved_by"]:
                author = rest_account(entry["user"])
                at = entry.get("approved_at")
                reviews.append(
                    Review(
                        author=author,
                        state=ReviewState.APPROVED,
                        submitted_at=moment(at) if at else times.get(author.id or 0),
                    )
                )
        seen = self._reader.seen
        wanting = seen.facts.wants_changes if seen is not None else ()
        reviews += [
            Review(author=person, state=ReviewState.CHANGES_REQUESTED, submitted_at=None)
            for person in wanting
        ]
        return reviews

    def _with_access(self, review: Review) -> Review:
        return Review(
            author=review.author,
            state=review.state,
            submitted_at=review.submitted_at,
            commit=review.commit,
            can_push=self.can_push(review.author),
        )

    def _look_up(self, people: Iterable[int | None]) -> None:
        """Know the access levels of these accounts, with one request for those still unknown.

        python-gitlab would send `user_ids=` without the brackets that GitLab wants, and everybody
        would come back.
        """
        listed = self._listed()
        if listed is not None:
            self._levels.update(listed.levels)
        open_ids = {person for person in people if person is not None} - self._levels.keys()
        if not open_ids:
            return
        if listed is not None and listed.complete:
            self._levels.update(dict.fromkeys(open_ids, 0))
            return
        connection = self._connection
        try:
            with connection.asking("the project's members"):
                entries = connection.every(
                    connection.project.members_all,
                    query_parameters={"user_ids[]": sorted(open_ids), "per_page": 100},
                )
                found: dict[int, int | None] = dict.fromkeys(open_ids, 0)
                for entry in entries:
                    if _active(entry):
                        found[int(entry["id"])] = int(entry["access_level"])
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            found = dict.fromkeys(open_ids)
        self._levels.update(found)

    def _listed(self) -> Members | None:
        return None if self._reader.seen is None else self._reader.seen.facts.members

    def _pushes(
        self, notes: Sequence[SystemNote], snapshot: Snapshot, unknown: list[str]
    ) -> tuple[Push, ...] | None:
        """One for each version with another head than the one before it."""
        entries = self._all_versions()
        with self._connection.asking("the versions"):
            actors = pushers(notes)
            pushes: list[Push] = []
            for entry in sorted(entries, key=lambda entry: int(entry["id"])):
                after = commit_id(entry["head_commit_sha"])
                before = pushes[-1].after if pushes else None
                if after == before:
                    continue  # the target moved, and the diff was made again
                pushes.append(
                    Push(
                        before=before,
                        after=after,
                        at=moment(entry["created_at"]),
                        actor=actors.get(int(entry["id"])),
                    )
                )
        if not pushes or pushes[-1].after != snapshot.change.head_commit:
            unknown.append("pushes: GitLab's newest version is not of the head that was read")
            return None
        return tuple(pushes)

    def _contributions(self, unknown: list[str]) -> tuple[Contribution, ...] | None:
        seen = self._reader.seen
        people = seen.facts.people if seen is not None else None
        if people is None:
            unknown.append("the people behind the commits: GitLab says them over GraphQL alone")
            return None
        if not people.complete:
            unknown.append("the people behind the commits: more than a hundred committers")
            return None
        commits = self._graph.all_commits(people)
        found = contributions(commits, people)
        named = sum(len(_co_authors(commit.message)) for commit in commits)
        if named:
            unknown.append(
                f"co-authors: GitLab names no accounts for {named} Co-authored-by lines, "
                f"and their e-mails prove nothing"
            )
        return found


def contributions(commits: Sequence[CommitFacts], people: People) -> tuple[Contribution, ...]:
    """Who is behind each commit.

    GitLab names the author's account for each commit, and the committers' accounts as one set.
    A committer's e-mail is therefore looked up among the authors'; where that does not help,
    every committer that is not explained otherwise counts as behind the commit.
    """
    known = {
        commit.author_email.casefold(): commit.author
        for commit in commits
        if commit.author is not None and commit.author_email
    }
    committing = {
        account.id
        for commit in commits
        if commit.committer_email and (account := known.get(commit.committer_email.casefold()))
    }
    strangers = [person for person in people.committers if person.id not in committing]
    return tuple(
        _contribution(commit, known, strangers, exact=people.says_committers_email)
        for commit in commits
    )


def _contribution(
    commit: CommitFacts,
    known: Mapping[str, Account],
    strangers: Sequence[Account],
    *,
    exact: bool,
) -> Contribution:
    accounts: list[Account] = []
    emails: list[str] = []

    def add(email: str | None) -> bool:
        account = known.get((email or "").casefold())
        if account is not None:
            accounts.append(account)
        return account is not None

    if commit.author is not None:
        accounts.append(commit.author)
    else:
        emails.append(commit.author_email or "unknown")
    if not exact:
        accounts += strangers
    elif not add(commit.committer_email) and commit.committer_email != commit.author_email:
        accounts += strangers
        if not strangers:
            emails.append(commit.committer_email or "unknown")
    emails += [email for email in _co_authors(commit.message) if not add(email)]
    return Contribution(
        commit=commit.commit,
        people=tuple({person.id: person for person in accounts}.values()),
        unmapped=tuple(dict.fromkeys(emails)),
    )


def _co_authors(message: str) -> list[str]:
    """The e-mails of Co-authored-by lines; the line itself where it holds none."""
    found = []
    for text in _TRAILER.findall(message):
        address = _ADDRESS.search(text)
        found.append(address[1] if address else text)
    return found


def _moves(event: Mapping[str, Any], branch: str) -> bool:
    push = event["push_data"]
    named = push["ref_type"] == "branch" and push["ref"] == branch
    return bool(named and push["commit_to"])


def _move(event: Mapping[str, Any]) -> Push:
    push, before = event["push_data"], event["push_data"]["commit_from"]
    return Push(
        before=commit_id(before) if before else None,
        after=commit_id(push["commit_to"]),
        at=moment(event["created_at"]),
        actor=rest_account(event["author"]),
    )


def _active(entry: Mapping[str, Any]) -> bool:
    """Whether a member's account is in use, and its membership has begun."""
    return bool(entry["state"] == "active" and entry.get("membership_state", "active") == "active")
