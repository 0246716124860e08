"""Answers `POST /api/graphql` by `schema.graphql`: queries only, for tokens that read the API."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import graphql
from graphql.language import ast

from tests.forges.gitlab import access
from tests.forges.gitlab.access import Caller, MovedError, RefusedError
from tests.forges.gitlab.repository import CommitFacts, NoCommitError
from tests.forges.gitlab.state import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    REPORTER,
    Group,
    MergeRequest,
    Note,
    Pipeline,
    Project,
    State,
)
from tests.forges.serving import Reply, Request

FILE = Path(__file__).with_name("schema.graphql")
PAGE = 100
MAX_COMPLEXITY, MAX_ANONYMOUS_COMPLEXITY = 250, 200
MAX_DEPTH, MAX_ANONYMOUS_DEPTH = 20, 15
Node = dict[str, Any]
_LEVELS = {
    0: "NO_ACCESS", 5: "MINIMAL_ACCESS", 10: "GUEST", 15: "PLANNER", 20: "REPORTER",
    30: "DEVELOPER", 40: "MAINTAINER", 50: "OWNER",
}  # fmt: skip


def _moment(value: datetime.datetime | str | None) -> str | None:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    return f"{value.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}" if value else None


@cache
def schema_for(version: str) -> graphql.GraphQLSchema:
    """The schema of a server of a version, without what came later."""
    document = graphql.parse(FILE.read_text("utf-8"))
    return graphql.build_ast_schema(graphql.visit(document, _Older(_numbers(version))))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


class _Older(graphql.Visitor):
    def __init__(self, version: tuple[int, ...]) -> None:
        super().__init__()
        self.version = version

    def enter(self, node: ast.Node, *_: object) -> Any:
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value == "since":
                since = directive.arguments[0].value.value
                if _numbers(since) > self.version:
                    return graphql.REMOVE
        return None


@dataclass
class Answer:
    """A reply, and what in the request broke the schema."""

    reply: Reply
    problems: list[str] = field(default_factory=list)


def kind_of(request: Request) -> str:
    """`graphql/query/<name>` or `graphql/mutation/<name>`, for the log."""
    try:
        value = json.loads(request.body)
        document = graphql.parse(value["query"])
        wanted = value.get("operationName")
        operation = graphql.get_operation_ast(document, wanted)
    except (ValueError, KeyError, TypeError, graphql.GraphQLError):
        return "graphql/unknown"
    if operation is None:
        return "graphql/unknown"
    name = operation.name.value if operation.name else "anonymous"
    return f"graphql/{operation.operation.value}/{name}"


def answer(state: State, web: str, request: Request) -> Answer:
    """Answer a request."""
    try:
        caller = access.caller_of(state, request.headers, "graphql", reads=True)
    except RefusedError:
        return Answer(Reply.of({"errors": [{"message": "Invalid token"}]}, 401))
    try:
        value = request.json()
        text, variables = value["query"], value.get("variables") or {}
        extra = set(value) - {"query", "variables", "operationName", "extensions"}
    except (ValueError, KeyError, TypeError) as error:
        reply = Reply.of({"errors": [{"message": "An error has occurred"}]}, 400)
        return Answer(reply, [f"body is no GraphQL request: {error!r}"])
    problems = [f"{name} is no part of a GraphQL request" for name in sorted(extra)]
    media = request.headers.get("content-type", "").partition(";")[0]
    if media != "application/json":
        problems.append(f"body is {media!r}, not JSON")
    try:
        document = graphql.parse(text)
    except graphql.GraphQLError as error:
        return _refuse([error.message], [*problems, str(error)])
    schema = schema_for(state.version)
    errors = graphql.validate(schema, document)
    if errors:
        own = graphql.validate(schema_for("99.0"), document)
        problems += [str(error) for error in own]
        return Answer(Reply.of({"errors": [_as_gitlab(error) for error in errors]}), problems)
    limit = MAX_COMPLEXITY if caller.user else MAX_ANONYMOUS_COMPLEXITY
    depth = MAX_DEPTH if caller.user else MAX_ANONYMOUS_DEPTH
    operation = graphql.get_operation_ast(document, value.get("operationName"))
    assert operation is not None
    measure = _Measure(schema, document, variables)
    cost = measure.cost(operation.selection_set, schema.query_type)
    if cost > limit:
        reason = f"Query has complexity of {cost}, which exceeds max complexity of {limit}"
        return _refuse([reason], problems)
    if measure.depth > depth:
        reason = f"Query has depth of {measure.depth}, which exceeds max depth of {depth}"
        return _refuse([reason], problems)
    result = graphql.graphql_sync(
        schema, text, _Root(state=state, web=web, caller=caller).query(), variable_values=variables,
        operation_name=value.get("operationName"),
    )  # fmt: skip
    body: Node = {"data": result.data}
    if result.errors:
        body["errors"] = [{"message": error.message} for error in result.errors]
        problems += [f"{error.message} at {error.path}" for error in result.errors]
    return Answer(Reply.of(body), problems)


def _refuse(messages: Iterable[str], problems: list[str]) -> Answer:
    return Answer(Reply.of({"errors": [{"message": message} for message in messages]}), problems)


def _as_gitlab(error: graphql.GraphQLError) -> Node:
    """A validation error in the words of GitLab's library."""
    shown: Node = {
        "message": error.message,
        "locations": [{"line": at.line, "column": at.column} for at in error.locations or ()],
    }
    match = re.match(r"Cannot query field '(\w+)' on type '(\w+)'", error.message)
    if match:
        name, kind = match.groups()
        shown["message"] = f"Field '{name}' doesn't exist on type '{kind}'"
        shown["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": name}
    return shown


class _Measure:
    """How complex and how deep a query is."""

    def __init__(
        self,
        schema: graphql.GraphQLSchema,
        document: ast.DocumentNode,
        variables: Mapping[str, Any],
    ) -> None:
        self.schema, self.variables, self.depth = schema, variables, 0
        self.fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, ast.FragmentDefinitionNode)
        }

    def cost(self, selection: ast.SelectionSetNode | None, parent: Any, depth: int = 1) -> int:
        """The complexity of a selection on a type."""
        total = 0
        for node in selection.selections if selection else ():
            if isinstance(node, ast.FieldNode):
                self.depth = max(self.depth, depth)
                total += self._field(node, parent, depth)
            elif isinstance(node, ast.InlineFragmentNode):
                condition = node.type_condition
                inner = self.schema.type_map[condition.name.value] if condition else parent
                total += self.cost(node.selection_set, inner, depth)
            elif isinstance(node, ast.FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                inner = self.schema.type_map[fragment.type_condition.name.value]
                total += self.cost(fragment.selection_set, inner, depth)
        return total

    def _field(self, node: ast.FieldNode, parent: Any, depth: int) -> int:
        if node.name.value.startswith("__"):
            return 1
        definition = parent.fields[node.name.value]
        own = _cost_of(definition.ast_node)
        inner = graphql.get_named_type(definition.type)
        below = self.cost(node.selection_set, inner, depth + 1)
        cost = own.get("base", 1) + bool(own.get("gitaly")) + below
        if "multiplier" in own:
            limits = [
                limit
                for a in node.arguments or ()
                if a.name.value in {"first", "last"}
                and isinstance(limit := self._value(a.value), int)
            ]
            cost = int(cost + cost * min([*limits, PAGE]) * own["multiplier"])
        return int(cost)

    def _value(self, node: ast.ValueNode) -> Any:
        return graphql.value_from_ast_untyped(node, dict(self.variables))


def _cost_of(node: Any) -> dict[str, Any]:
    for directive in node.directives or ():
        if directive.name.value == "cost":
            given = directive.arguments or ()
            return {a.name.value: graphql.value_from_ast_untyped(a.value) for a in given}
    return {}


def _connection(rows: Sequence[Any], show: Callable[[Any], Node]) -> Callable[..., Node]:
    def resolve(
        _info: Any, first: int | None = None, last: int | None = None, after: str | None = None,
        before: str | None = None, **_filters: object,
    ) -> Node:  # fmt: skip
        start = _position(after) + 1 if after else 0
        end = _position(before) if before else len(rows)
        if last is not None and first is None:
            start = max(start, end - min(last, PAGE))
        else:
            end = min(end, start + min(PAGE if first is None else first, PAGE))
        page = rows[start:end]
        return {
            "count": len(rows),
            "nodes": [show(row) for row in page],
            "pageInfo": {
                "hasNextPage": end < len(rows),
                "hasPreviousPage": start > 0,
                "startCursor": _cursor(start) if page else None,
                "endCursor": _cursor(end - 1) if page else None,
            },
        }

    return resolve


def _cursor(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor))
    except ValueError as error:
        raise graphql.GraphQLError("Invalid cursor provided") from error


@dataclass(frozen=True, kw_only=True)
class _Root:
    """Shows the state as GraphQL's objects, to a caller; what may not be seen is null."""

    state: State
    web: str
    caller: Caller

    def query(self) -> Node:
        """`Query`."""
        return {
            "currentUser": self.user(self.caller.user.id) if self.caller.user else None,
            "project": lambda _info, fullPath: self._found(  # noqa: N803 - GraphQL's name
                lambda: self.project(self.caller.project(_a_path(fullPath)))
            ),
            "group": lambda _info, fullPath: self._found(  # noqa: N803 - GraphQL's name
                lambda: self.group(self.caller.group(_a_path(fullPath)))
            ),
            "mergeRequest": lambda _info, id: self._merge_request_by_id(id),  # noqa: A006
            "metadata": {
                "version": self.state.version + ("-ee" if self.state.licensed_code else ""),
                "revision": "0123456789a",
                "enterprise": self.state.licensed_code,
            },
        }

    def _found(self, find: Callable[[], Node]) -> Node | None:
        try:
            return find()
        except (RefusedError, MovedError):
            return None

    def _merge_request_by_id(self, gid: str) -> Node | None:
        match = re.fullmatch(r"gid://gitlab/MergeRequest/(\d+)", gid)
        if match is None:
            raise graphql.GraphQLError(f'"{gid}" does not represent an instance of MergeRequest')
        mr = self.state.merge_requests.get(int(match[1]))
        if mr is None:
            return None
        return self._found(lambda: self.visible(self.caller.project(str(mr.project)), mr.iid))

    def visible(self, project: Project, iid: int) -> Node:
        """`MergeRequest`, when the caller may see it."""
        return self.merge_request(project, self.caller.merge_request(project, iid))

    # ------------------------------------------------------------------ people and groups

    def user(self, user: int | None) -> Node | None:
        """`UserCore`."""
        if user is None:
            return None
        found = self.state.users[user]
        return {
            "id": f"gid://gitlab/User/{found.id}",
            "username": found.username,
            "name": found.name,
            "bot": found.bot,
            "state": found.state,
            "publicEmail": "",
            "webUrl": f"{self.web}/{found.username}",
        }

    def some_user(self, user: int) -> Node:
        """`UserCore`, of an account that is there."""
        shown = self.user(user)
        assert shown is not None
        return shown

    def member(self, kind: str, row: tuple[int, int]) -> Node:
        """`ProjectMember` or `GroupMember`."""
        user, level = row
        return {
            "__typename": kind,
            "id": f"gid://gitlab/{kind}/{user}",
            "user": self.user(user),
            "accessLevel": {"integerValue": level, "stringValue": _LEVELS[level]},
            "expiresAt": None,
        }

    def group(self, group: Group) -> Node:
        """`Group`."""

        def members(info: Any, relations: list[str], **page: Any) -> Node:
            levels = dict(group.members) if "DIRECT" in relations else {}
            if "INHERITED" in relations and group.parent is not None:
                above = access.group_members(self.state, self.state.groups[group.parent])
                levels = {**above, **levels}
            if "SHARED_FROM_GROUPS" in relations:
                levels = access.group_members(self.state, group)
            rows = sorted(levels.items())
            return _connection(rows, lambda row: self.member("GroupMember", row))(info, **page)

        return {
            "id": f"gid://gitlab/Group/{group.id}",
            "fullPath": group.path,
            "name": group.path.rpartition("/")[2],
            "visibility": group.visibility,
            "webUrl": f"{self.web}/groups/{group.path}",
            "groupMembers": members,
        }

    # ------------------------------------------------------------------ projects

    def project(self, project: Project) -> Node:
        """`Project`."""
        level = self.caller.level(project)
        code = project.visibility != "private" or level >= REPORTER

        def merge_request(_info: Any, iid: str) -> Node | None:
            return self._found(lambda: self.visible(project, int(iid))) if iid.isdigit() else None

        return {
            "id": f"gid://gitlab/Project/{project.id}",
            "fullPath": project.path,
            "name": project.path.rpartition("/")[2],
            "visibility": project.visibility,
            "archived": project.archived,
            "webUrl": f"{self.web}/{project.path}",
            "userPermissions": {
                "readProject": True,
                "pushCode": level >= DEVELOPER and not project.archived,
                "adminProject": level >= MAINTAINER,
                "createMergeRequestFrom": level >= DEVELOPER,
                "createMergeRequestIn": level >= DEVELOPER,
                "readMergeRequest": code,
            },
            "repository": self.repository(project) if code and project.repository else None,
            "mergeRequest": merge_request,
            "projectMembers": lambda info, **given: self._project_members(project, info, **given),
        }

    def _project_members(
        self, project: Project, info: Any, relations: list[str], search: str | None = None,
        **page: Any,
    ) -> Node:  # fmt: skip
        if self.caller.user is None:
            return _connection((), dict)(info, **page)
        levels: dict[int, int] = {}
        group = self.state.groups[project.group] if project.group else None
        sources: list[dict[int, int]] = []
        if "DIRECT" in relations:
            sources.append(dict(project.members))
        if "INHERITED" in relations and group:
            bare = Group(**{**vars(group), "invited": []})
            sources.append(access.group_members(self.state, bare))
        if "SHARED_INTO_ANCESTORS" in relations and group:
            sources.append(access.group_members(self.state, group))
        if "INVITED_GROUPS" in relations:
            for invitation in project.invited:
                invited = self.state.groups[invitation.group]
                if invited.visibility != "private" or self.caller.group_level(invited) >= GUEST:
                    members = access.group_members(self.state, invited)
                    sources.append({u: min(n, invitation.level) for u, n in members.items()})
        for source in sources:
            for user, level in source.items():
                levels[user] = max(level, levels.get(user, 0))
        rows = [
            row for row in sorted(levels.items())
            if not search or search.lower() in self.state.users[row[0]].username.lower()
        ]  # fmt: skip
        return _connection(rows, lambda row: self.member("ProjectMember", row))(info, **page)

    def repository(self, project: Project) -> Node:
        """`Repository`."""

        def commit(_info: Any, ref: str) -> Node | None:
            try:
                return self.commit(project, project.git.commit(project.git.commit_of(ref)))
            except NoCommitError:
                return None

        def tree(info: Any, ref: str | None = None, **_: object) -> Node | None:
            name = ref or project.default_branch
            if not project.git.branches_with(name) and not project.git.has(name):
                return None
            return {"lastCommit": commit(info, name)}

        return {
            "rootRef": project.default_branch,
            "empty": False,
            "exists": True,
            "commit": commit,
            "tree": tree,
        }

    def commit(self, project: Project, commit: CommitFacts) -> Node:
        """`Commit`: the author's account is found by the author's address."""
        author = self.state.user_by_email(commit.author_email)
        return {
            "id": f"gid://gitlab/Commit/{commit.sha}",
            "sha": commit.sha,
            "shortId": commit.sha[:8],
            "title": commit.title,
            "message": commit.message,
            "authoredDate": _moment(commit.authored),
            "committedDate": _moment(commit.committed),
            "authorName": commit.author_name,
            "authorEmail": commit.author_email,
            "author": self.user(author.id) if author else None,
            "committerName": commit.committer_name,
            "committerEmail": commit.committer_email,
            "webUrl": f"{self.web}/{project.path}/-/commit/{commit.sha}",
        }

    # ------------------------------------------------------------------ merge requests

    def merge_request(self, project: Project, mr: MergeRequest) -> Node:
        """`MergeRequest`."""
        level = self.caller.level(project)
        newest, source = mr.newest, str(mr.source_project)
        ready = newest if mr.diff_ready else None
        commits = self._commits(project, mr)
        plain = [commit for commit in commits if len(commit.parents) < 2]
        labels = sorted(mr.labels)
        return {
            "id": f"gid://gitlab/MergeRequest/{mr.id}",
            "iid": str(mr.iid),
            "title": mr.title,
            "description": mr.description,
            "state": mr.state,
            "draft": mr.draft,
            "createdAt": _moment(mr.created_at),
            "updatedAt": _moment(mr.updated_at),
            "mergedAt": _moment(mr.merged_at),
            "webUrl": f"{self.web}/{project.path}/-/merge_requests/{mr.iid}",
            "sourceBranch": mr.source_branch,
            "targetBranch": mr.target_branch,
            "sourceProjectId": mr.source_project,
            "targetProjectId": mr.project,
            "sourceProject": lambda _info: self._found(
                lambda: self.project(self.caller.project(source))
            ),
            "targetProject": lambda _info: self.project(project),
            "project": lambda _info: self.project(project),
            "diffHeadSha": self.state.head(mr),
            "diffRefs": _refs(ready.base, ready.head, ready.start) if ready else None,
            "mergeCommitSha": mr.merge_commit,
            "headPipeline": lambda _info: self.pipeline(self.state.head_pipeline(mr)),
            "squash": mr.squash,
            "approved": bool(mr.approvals),
            "author": self._interacting(project, mr, mr.author),
            "mergeUser": self.user(mr.merged_by),
            "userPermissions": {
                "readMergeRequest": True,
                "createNote": level >= GUEST and not project.archived,
                "adminMergeRequest": level >= MAINTAINER,
                "updateMergeRequest": level >= DEVELOPER,
                "canMerge": level >= MAINTAINER,
                "canApprove": self.caller.may_approve(project, mr),
            },
            "commitCount": len(commits),
            "commits": _connection(commits, lambda c: self.commit(project, c)),
            "commitsWithoutMergeCommits": _connection(plain, lambda c: self.commit(project, c)),
            "committers": _connection(self._committers(plain), self.some_user),
            "approvedBy": _connection([a.user for a in mr.approvals], self.some_user),
            "reviewers": _connection(
                list(mr.reviewers), lambda user: self._interacting(project, mr, user)
            ),
            "labels": _connection(
                labels, lambda title: {"id": f"gid://gitlab/ProjectLabel/{title}", "title": title}
            ),
            "notes": lambda info, filter, **page: _connection(  # noqa: A006 - GraphQL's name
                self._notes(project, mr, filter), lambda note: self.note(project, mr, note)
            )(info, **page),
            "discussions": lambda info, filter, **page: _connection(  # noqa: A006
                self._discussions(project, mr, filter),
                lambda notes: self.discussion(project, mr, notes),
            )(info, **page),
        }

    def pipeline(self, pipeline: Pipeline | None) -> Node | None:
        """`Pipeline`, for who may see its project."""
        if pipeline is None:
            return None
        project = self._found(lambda: self.project(self.caller.project(str(pipeline.project))))
        if project is None:
            return None
        return {
            "id": f"gid://gitlab/Ci::Pipeline/{pipeline.id}",
            "iid": str(pipeline.iid),
            "sha": pipeline.sha,
            "path": f"/{self.state.projects[pipeline.project].path}/-/pipelines/{pipeline.id}",
            "project": project,
        }

    def _commits(self, project: Project, mr: MergeRequest) -> tuple[CommitFacts, ...]:
        newest = mr.newest
        return project.git.commits(f"{newest.base}..{newest.head}") if newest else ()

    def _committers(self, commits: Sequence[CommitFacts]) -> list[int]:
        found = (self.state.user_by_email(commit.committer_email) for commit in commits)
        return list(dict.fromkeys(user.id for user in found if user))

    def _interacting(self, project: Project, mr: MergeRequest, user: int) -> Node:
        level = access.project_members(self.state, project).get(user, 0)
        review = mr.reviewers.get(user)
        if review in {"APPROVED", "UNAPPROVED", "REVIEW_STARTED"}:
            known = schema_for(self.state.version).type_map["MergeRequestReviewState"]
            assert isinstance(known, graphql.GraphQLEnumType)
            review = review if review in known.values else "REVIEWED"
        return {
            **self.some_user(user),
            "mergeRequestInteraction": {
                "canMerge": level >= MAINTAINER,
                "canUpdate": level >= DEVELOPER,
                "approved": any(a.user == user for a in mr.approvals),
                "reviewed": review not in {None, "UNREVIEWED"},
                "reviewState": review,
            },
        }

    # ------------------------------------------------------------------ notes

    def _notes(self, project: Project, mr: MergeRequest, wanted: str) -> list[Note]:
        seen = [n for n in mr.notes if not n.internal or self.caller.level(project) >= REPORTER]
        if wanted == "ALL_NOTES":
            return seen
        return [note for note in seen if note.system == (wanted == "ONLY_ACTIVITY")]

    def _discussions(self, project: Project, mr: MergeRequest, wanted: str) -> list[list[Note]]:
        grouped: dict[str, list[Note]] = {}
        for note in self._notes(project, mr, wanted):
            grouped.setdefault(note.discussion, []).append(note)
        return list(grouped.values())

    def note(self, project: Project, mr: MergeRequest, note: Note) -> Node:
        """`Note`."""
        kind = note.kind or "Note"
        where = note.position
        may_resolve = note.resolvable and self.caller.may_resolve(project, mr)
        return {
            "id": f"gid://gitlab/{kind}/{note.id}",
            "body": note.body,
            "author": self.user(note.author),
            "createdAt": _moment(note.created_at),
            "updatedAt": _moment(note.updated_at),
            "lastEditedAt": _moment(note.edited_at),
            "lastEditedBy": self.user(note.edited_by),
            "system": note.system,
            "internal": note.internal,
            "systemNoteMetadata": {"action": note.action} if note.system else None,
            "resolvable": note.resolvable,
            "resolved": note.resolved_by is not None,
            "resolvedBy": self.user(note.resolved_by),
            "resolvedAt": _moment(note.resolved_at),
            "position": {
                "diffRefs": _refs(where["base_sha"], where["head_sha"], where["start_sha"]),
                "filePath": where["new_path"],
                "newPath": where["new_path"],
                "oldPath": where["old_path"],
                "newLine": where["new_line"],
                "oldLine": where["old_line"],
                "positionType": "text",
            }
            if where
            else None,
            "discussion": lambda _info: self.discussion(
                project, mr, [n for n in mr.notes if n.discussion == note.discussion]
            ),
            "userPermissions": {
                "adminNote": self.caller.may_edit(project, note),
                "readNote": True,
                "resolveNote": may_resolve,
            },
            "url": f"{self.web}/{project.path}/-/merge_requests/{mr.iid}#note_{note.id}",
        }

    def discussion(self, project: Project, mr: MergeRequest, notes: list[Note]) -> Node:
        """`Discussion`."""
        first = notes[0]
        gid = f"gid://gitlab/Discussion/{first.discussion}"
        return {
            "id": gid,
            "replyId": gid,
            "createdAt": _moment(first.created_at),
            "resolvable": first.resolvable,
            "resolved": first.resolved_by is not None,
            "resolvedBy": self.user(first.resolved_by),
            "resolvedAt": _moment(first.resolved_at),
            "notes": _connection(notes, lambda note: self.note(project, mr, note)),
        }


def _refs(base: str, head: str, start: str) -> Node:
    return {"baseSha": base, "headSha": head, "startSha": start}


def _a_path(text: str) -> str:
    """GraphQL finds things by their full path, never by number."""
    if text.isdigit():
        raise access.not_found()
    return text
