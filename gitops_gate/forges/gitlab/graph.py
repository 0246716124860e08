"""Asking GitLab's GraphQL, as much of it as this GitLab has.

The first answer decides: a GitLab that does not know a field of `queries.FULL` is asked with
`queries.PLAIN` from then on, and one that serves no GraphQL is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import (
    Allowed,
    CommitFacts,
    Facts,
    People,
    account,
    change_from_graphql,
    commit_id,
    commits_from_graphql,
    members_from_graphql,
    number_in,
    optional_commit,
    pipeline_from_graphql,
    state_of,
    wanting_changes,
)
from gitops_gate.forges.gitlab.queries import FULL, PLAIN, Queries
from gitops_gate.forges.values import Tips

_LIKELY_BRANCH = "main"
"""What is asked for while the target branch is not known; another one takes a request more.

`HEAD` would be the default branch by whatever name, but for which name it stood is not told.
"""


class Graph:
    """GraphQL queries about the target of a connection.

    The tip of the target branch comes along, once `aim` has said which one that is.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queries: Queries | None = None if connection.job_token else FULL
        self._branch = _LIKELY_BRANCH

    @property
    def knows_everything(self) -> bool:
        """Whether `queries.FULL` is answered."""
        return self._queries is FULL

    def aim(self, base_ref: str) -> None:
        """Ask for the tip of this branch, a full ref name, from now on."""
        self._branch = base_ref.removeprefix("refs/heads/")

    def read(self) -> Facts | None:
        """The facts; None where GraphQL is not served. Raises `ForgeError`."""
        review = self._connection.target.number is not None
        answered = self._ask(lambda queries: queries.read, {"review": review})
        if answered is None:
            return None
        data, unknown = answered
        with self._connection.asking("the merge request"):
            return self._facts(data, unknown)

    def tips(self) -> Tips | None:
        """Where the branches are; None where GraphQL does not say so. Raises `ForgeError`."""
        if not self.knows_everything:
            return None
        answered = self._ask(lambda queries: queries.tips, {})
        if answered is None or not self.knows_everything:
            return None
        data, _ = answered
        with self._connection.asking("the branches' tips"):
            project = data["project"]
            self._connection.pinned(number_in(project["id"]))
            node = _required(project["mergeRequest"])
            branch = str(node["targetBranch"])
            return Tips(
                state=state_of(node["state"]),
                head=commit_id(node["diffHeadSha"]),
                base_ref=f"refs/heads/{branch}",
                base=self._tip(project) if self._branch == branch else None,
            )

    def all_commits(self, people: People) -> tuple[CommitFacts, ...]:
        """The commits, those too that the first answer had no room for."""
        commits: list[CommitFacts] = list(people.commits)
        after = people.more_after
        while after is not None:
            answered = self._ask(lambda queries: queries.more_commits, {"after": after})
            if answered is None:
                raise forge_error("GitLab stopped answering GraphQL queries")
            with self._connection.asking("the merge request's commits"):
                page = _required(answered[0]["project"]["mergeRequest"])["commits"]
                more = commits_from_graphql(page["nodes"])
                commits += more
                info = page["pageInfo"]
                after = info["endCursor"] if info["hasNextPage"] and more else None
        return tuple(commits)

    def _facts(self, data: Mapping[str, Any], unknown: tuple[str, ...]) -> Facts:
        project = data["project"]
        project_id = self._connection.pinned(number_in(project["id"]))
        may = project.get("userPermissions") or {}
        opening = (may.get("createMergeRequestIn"), may.get("createMergeRequestFrom"))
        facts = Facts(
            project_id=project_id,
            me=account(data["currentUser"]),
            change=None,
            allowed=Allowed(
                push=may.get("pushCode"), open=None if None in opening else all(opening)
            ),
            tip=self._tip(project),
            tip_of=self._branch,
            members=members_from_graphql(project.get("projectMembers")),
            unknown=unknown,
        )
        if self._connection.target.number is None:
            return facts
        node = _required(project["mergeRequest"])
        change = change_from_graphql(project, node, project_id=project_id)
        note = (node.get("userPermissions") or {}).get("createNote")
        return replace(
            facts,
            change=change,
            pending_diff=change is None,
            allowed=replace(facts.allowed, note=note),
            people=self._people(node),
            wants_changes=wanting_changes(node),
            pipeline=pipeline_from_graphql(node["headPipeline"], project_id=project_id),
        )

    def _people(self, node: Mapping[str, Any]) -> People:
        committers = node["committers"]
        info = node["commits"]["pageInfo"]
        found = (account(committer) for committer in committers["nodes"])
        return People(
            commits=commits_from_graphql(node["commits"]["nodes"]),
            committers=tuple(person for person in found if person is not None),
            complete=not committers["pageInfo"]["hasNextPage"],
            says_committers_email=self.knows_everything,
            more_after=info["endCursor"] if info["hasNextPage"] else None,
        )

    def _tip(self, project: Mapping[str, Any]) -> str | None:
        """The tip of the branch that was aimed at; None where there is none, or it is not told."""
        repository = project.get("repository") or {}
        return optional_commit((repository.get("commit") or {}).get("sha"))

    def _ask(
        self, choose: Callable[[Queries], str], variables: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]] | None:
        """`data` with a project in it, and a line for each thing that was left out of it."""
        target = self._connection.target
        while (queries := self._queries) is not None:
            own = {"path": target.repository, "iid": str(target.number or 0)}
            if queries.with_base and choose(queries) != queries.more_commits:
                own["base"] = f"refs/heads/{self._branch}"
            answer = self._connection.graphql(choose(queries), {**own, **variables})
            if answer is None:
                self._queries = None
                continue
            if queries is FULL and _refused_whole(answer):
                self._queries = PLAIN
                continue
            return self._answered(answer, answer.get("errors") or [])
        return None

    def _answered(
        self, answer: Mapping[str, Any], errors: Any
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        data = answer.get("data")
        if isinstance(data, dict) and isinstance(data.get("project"), dict):
            return data, tuple(f"GitLab left something out: {self._said(e)}" for e in errors)
        if errors:
            said = "; ".join(self._said(error) for error in errors[:3])
            raise forge_error(f"GitLab could not answer about the project: {said}")
        raise forge_error(
            f"GitLab has no project {self._connection.target.repository}, "
            f"or this token may not see it",
            status=404,
            remedy="the token needs to belong to a member of the project",
        )

    def _said(self, error: Any) -> str:
        if not isinstance(error, dict):
            return "an error without words"
        path = ".".join(str(part) for part in error.get("path") or ())
        message = self._connection.clean(error.get("message", ""), limit=200)
        return f"{self._connection.clean(path, limit=100)}: {message}" if path else message


def _refused_whole(answer: Mapping[str, Any]) -> bool:
    """Whether nothing was looked up: an unknown field, or more than the server will look up.

    What fails later has `data` beside `errors`: https://spec.graphql.org/October2021/#sec-Errors.
    """
    return bool(answer.get("errors")) and answer.get("data") is None


def _required(node: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A merge request that is there. Raises `ForgeError`."""
    if node is None:
        raise forge_error(
            "GitLab has no merge request of this number, or this token may not see it", status=404
        )
    return node
