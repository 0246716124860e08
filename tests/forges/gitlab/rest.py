"""Answers the REST API: one function for each described operation, by its id.

Order of refusals as in GitLab: the token, then whether an account is wanted, then parameters
(`rest.answer`), then what is not there, then what is not allowed, then what is not valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.forges.gitlab import access, paging
from tests.forges.gitlab.access import Caller, MovedError, RefusedError
from tests.forges.gitlab.description import Asked
from tests.forges.gitlab.entities import Entities, covers
from tests.forges.gitlab.repository import NoCommitError
from tests.forges.gitlab.state import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    OWNER,
    REPORTER,
    MergeRequest,
    Pipeline,
    Project,
    State,
    Status,
    stamp,
)
from tests.forges.serving import Reply


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request on its way through an operation. `address` is its URL without a query."""

    state: State
    caller: Caller
    asked: Asked
    show: Entities
    address: str

    @property
    def body(self) -> Any:
        """The request's body."""
        return self.asked.body

    @property
    def query(self) -> Any:
        """The request's query."""
        return self.asked.query

    def project(self) -> Project:
        """The project of the path."""
        return self.caller.project(str(self.asked.path["id"]))

    def merge_request(self) -> tuple[Project, MergeRequest]:
        """The project and the merge request of the path."""
        project = self.project()
        return project, self.caller.merge_request(
            project, int(self.asked.path["merge_request_iid"])
        )

    def page(self, items: list[Any], show: Callable[[Any], Any]) -> Reply:
        """A page of a list."""
        page, headers = paging.cut(
            items, self.query, self.address,
            keyset=self.asked.operation.id in self.state.keyset, totals=self.state.totals,
        )  # fmt: skip
        return Reply.of([show(item) for item in page]).with_headers(*headers)

    def require_premium(self) -> None:
        """Raises `RefusedError`: the Community Edition has no such route, others no licence."""
        if not self.state.licensed_code:
            raise RefusedError(404, "404 Not Found", key="error")
        if not self.state.premium:
            raise access.not_found()


Handler = Callable[[Call], Reply]
HANDLERS: dict[str, Handler] = {}


def operation(name: str) -> Callable[[Handler], Handler]:
    """Register what answers an operation."""

    def register(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return register


def answer(call: Call) -> Reply:
    """Answer a request that was recognised."""
    try:
        if call.asked.operation.id not in access.WITHOUT_AUTHENTICATION:
            _ = call.caller.known
        for problem in call.asked.problems:
            _refuse_parameter(call.asked, problem)
        return HANDLERS[call.asked.operation.id](call)
    except MovedError as moved:
        return _moved(call, moved)
    except RefusedError as refused:
        return Reply.of(refused.body, refused.status)


def _moved(call: Call, moved: MovedError) -> Reply:
    """A project's former path: https://docs.gitlab.com/api/rest/#redirects."""
    if call.asked.operation.method != "GET":
        return Reply.of({"message": "404 Project Not Found"}, 404)
    start, _, rest = call.address.partition("/projects/")
    tail = rest.partition("/")[2]
    address = f"{start}/projects/{moved.project}" + (f"/{tail}" if tail else "")
    text = f"This resource has been moved permanently to {address}"
    headers = (("Content-Type", "text/plain"), ("Location", address))
    return Reply(status=301, body=text.encode(), headers=headers)


def _refuse_parameter(asked: Asked, problem: str) -> None:
    """What Grape says to a parameter that is missing or wrong; what it does not know it ignores."""
    if "is not described" in problem or "came" in problem or "Additional properties" in problem:
        return
    required = (asked.operation.body or {}).get("required", ())
    missing = [name for name in required if asked.body.get(name) is None]
    if missing:
        raise RefusedError(400, ", ".join(f"{name} is missing" for name in missing), key="error")
    name = problem.partition(" at $")[0].rpartition(" ")[2]
    if problem.startswith("body at $."):
        name = problem.removeprefix("body at $.").split(":")[0]
        if name.startswith("position"):
            return  # what is wrong with a position is for the note's own validation
    raise RefusedError(400, f"{name} is invalid", key="error")


# ---------------------------------------------------------------------- the caller and the server


@operation("getUser")
def get_user(call: Call) -> Reply:
    return Reply.of(call.show.current_user(call.caller.known))


@operation("getPersonalAccessTokenSelf")
def get_token(call: Call) -> Reply:
    assert call.caller.token is not None
    return Reply.of(call.show.token(call.caller.token))


@operation("getJobOfToken")
def get_job(call: Call) -> Reply:
    token = call.caller.token
    if token is None or token.kind != "job" or token.pipeline is None:
        raise access.not_found()
    pipeline = call.state.pipelines[token.pipeline]
    project = call.state.projects[pipeline.project]
    return Reply.of(call.show.job(pipeline, project, call.caller.known))


@operation("getMetadata")
def get_metadata(call: Call) -> Reply:
    return Reply.of(
        {
            "version": call.state.version + ("-ee" if call.state.licensed_code else ""),
            "revision": "0123456789a",
            "enterprise": call.state.licensed_code,
        }
    )


# ---------------------------------------------------------------------- projects and groups


@operation("getProject")
def get_project(call: Call) -> Reply:
    return Reply.of(call.show.project(call.project()))


@operation("getGroup")
def get_group(call: Call) -> Reply:
    return Reply.of(call.show.group(call.caller.group(str(call.asked.path["id"]))))


def _members(call: Call, levels: dict[int, int]) -> Reply:
    wanted = call.query.get("user_ids[]")
    text = call.query.get("query", "").lower()
    rows = [
        (user, level)
        for user, level in sorted(levels.items())
        if (wanted is None or user in wanted)
        and text in f"{call.state.users[user].username} {call.state.users[user].name}".lower()
    ]
    return call.page(rows, lambda row: call.show.member(*row))


def _one_member(call: Call, levels: dict[int, int]) -> Reply:
    user = int(call.asked.path["user_id"])
    if user not in levels:
        raise access.not_found()
    return Reply.of(call.show.member(user, levels[user]))


def _visible_project_members(call: Call) -> dict[int, int]:
    """Members of private groups that were invited stay hidden from those who are not in them."""
    project = call.project()
    if project.visibility == "private" and call.caller.level(project) < GUEST:
        raise access.forbidden()
    levels = access.project_members(call.state, project)
    hidden = [i.group for i in project.invited if not _sees_invited(call, i.group)]
    if not hidden:
        return levels
    rest = [i for i in project.invited if i.group not in hidden]
    shown = Project(**{**vars(project), "invited": rest})
    return access.project_members(call.state, shown)


def _sees_invited(call: Call, group: int) -> bool:
    found = call.state.groups[group]
    return found.visibility != "private" or call.caller.group_level(found) >= GUEST


@operation("listAllProjectMembers")
def list_project_members(call: Call) -> Reply:
    return _members(call, _visible_project_members(call))


@operation("getAllProjectMember")
def get_project_member(call: Call) -> Reply:
    return _one_member(call, _visible_project_members(call))


@operation("listAllGroupMembers")
def list_group_members(call: Call) -> Reply:
    group = call.caller.group(str(call.asked.path["id"]))
    return _members(call, access.group_members(call.state, group))


@operation("getAllGroupMember")
def get_group_member(call: Call) -> Reply:
    group = call.caller.group(str(call.asked.path["id"]))
    return _one_member(call, access.group_members(call.state, group))


@operation("getBranch")
def get_branch(call: Call) -> Reply:
    project = call.project()
    _require_code(call, project)
    name = str(call.asked.path["branch"])
    try:
        tip = project.git.commit(project.git.tip(name))
    except NoCommitError as error:
        raise access.not_found("Branch") from error
    return Reply.of(call.show.branch(project, name, tip))


@operation("listBranches")
def list_branches(call: Call) -> Reply:
    project = call.project()
    _require_code(call, project)
    text = project.git.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
    wanted = str(call.query.get("search", ""))
    names = [name for name in text.splitlines() if _is_sought(name, wanted)]
    tips = [(name, project.git.commit(project.git.tip(name))) for name in names]
    return call.page(tips, lambda tip: call.show.branch(project, *tip))


def _is_sought(name: str, wanted: str) -> bool:
    """GitLab looks for either end of a name, or anywhere in it."""
    if wanted.startswith("^"):
        return name.startswith(wanted[1:])
    if wanted.endswith("$"):
        return name.endswith(wanted[:-1])
    return wanted in name


def _require_code(call: Call, project: Project) -> None:
    if project.visibility == "private":
        call.caller.require(project, REPORTER)


@operation("listProtectedBranches")
def list_protected_branches(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, MAINTAINER)
    text = call.query.get("search", "")
    rows = [branch for branch in project.protected if text in branch.name]
    return call.page(rows, call.show.protected_branch)


@operation("getProtectedBranch")
def get_protected_branch(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, MAINTAINER)
    name = str(call.asked.path["name"])
    found = next((b for b in project.protected if b.name == name), None)
    if found is None:
        raise access.not_found()
    return Reply.of(call.show.protected_branch(found))


@operation("listProtectedTags")
def list_protected_tags(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, MAINTAINER)
    return call.page(project.protected_tags, call.show.protected_tag)


@operation("listProjectVariables")
def list_variables(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, MAINTAINER)
    rows = list(project.variables.items())
    return call.page(rows, lambda row: call.show.variable(row[0], protected=row[1]))


@operation("getPushRule")
def get_push_rule(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, MAINTAINER)
    call.require_premium()
    return Reply.of(project.push_rule)


# ---------------------------------------------------------------------- merge requests


@operation("listMergeRequests")
def list_merge_requests(call: Call) -> Reply:
    project = call.project()
    if project.visibility == "private":
        call.caller.require(project, REPORTER)
    rows = [m for m in call.state.merge_requests.values() if m.project == project.id]
    query = call.query
    if query.get("state", "all") != "all":
        rows = [m for m in rows if m.state == query["state"]]
    for name, of in (
        ("source_branch", lambda m: m.source_branch),
        ("target_branch", lambda m: m.target_branch),
        ("source_project_id", lambda m: m.source_project),
        ("author_id", lambda m: m.author),
    ):
        if name in query:
            rows = [m for m in rows if of(m) == query[name]]
    if "updated_after" in query:
        rows = [m for m in rows if stamp(m.updated_at) >= query["updated_after"]]
    if "iids[]" in query:
        rows = [m for m in rows if m.iid in query["iids[]"]]
    if "labels" in query:
        labels = set(query["labels"].split(","))
        rows = [m for m in rows if labels <= set(m.labels)]
    keys: dict[str, Callable[[MergeRequest], Any]] = {
        "created_at": lambda m: (m.created_at, m.id),
        "updated_at": lambda m: (m.updated_at, m.id),
        "merged_at": lambda m: (str(m.merged_at or ""), m.id),
        "title": lambda m: (m.title, m.id),
    }
    rows.sort(key=keys[query.get("order_by", "created_at")], reverse=query.get("sort") != "asc")
    return call.page(rows, call.show.merge_request_basic)


@operation("createMergeRequest")
def create_merge_request(call: Call) -> Reply:
    source, body = call.project(), call.body
    call.caller.require(source, DEVELOPER)
    target = source
    if "target_project_id" in body:
        target = call.caller.project(str(body["target_project_id"]))
    branches = (source.id, body["source_branch"], target.id, body["target_branch"])
    if branches[:2] == branches[2:]:
        raise RefusedError(409, ["You can't use same project/branch for source and target"])
    for project, name, label in ((source, branches[1], "Source"), (target, branches[3], "Target")):
        try:
            project.git.tip(name)
        except NoCommitError as error:
            reason = f'{label} branch "{name}" does not exist'
            raise RefusedError(400, {f"{label.lower()}_branch": [reason]}) from error
    for mr in call.state.merge_requests.values():
        own = (mr.source_project, mr.source_branch, mr.project, mr.target_branch)
        if mr.state == "opened" and own == branches:
            reason = f"Another open merge request already exists for this source branch: !{mr.iid}"
            raise RefusedError(409, [reason])
    labels = body.get("labels", [])
    made = call.state.open_merge_request(
        target.id, body["source_branch"], author=call.caller.known.id,
        target_branch=body["target_branch"], source_project=source.id, title=body["title"],
        description=body.get("description", ""), squash=body.get("squash", False),
        labels=labels.split(",") if isinstance(labels, str) else list(labels),
    )  # fmt: skip
    return Reply.of(call.show.merge_request(made), 201)


@operation("getMergeRequest")
def get_merge_request(call: Call) -> Reply:
    _, mr = call.merge_request()
    return Reply.of(call.show.merge_request(mr))


@operation("listMergeRequestVersions")
def list_versions(call: Call) -> Reply:
    _, mr = call.merge_request()
    return call.page(call.show.versions(mr), lambda row: row)


@operation("listProjectEvents")
def list_project_events(call: Call) -> Reply:
    project = call.project()
    _require_code(call, project)
    after = call.query.get("after", "")
    rows = [one for one in project.events if one.created_at.date().isoformat() > after]
    return call.page(rows[::-1], lambda event: call.show.push_event(project, event))


@operation("listMergeRequestCommits")
def list_commits(call: Call) -> Reply:
    project, mr = call.merge_request()
    newest = mr.newest
    commits = project.git.commits(f"{newest.base}..{newest.head}") if newest else ()
    return call.page(list(commits), lambda commit: call.show.commit(project, commit))


@operation("getCommit")
def get_commit(call: Call) -> Reply:
    project = call.project()
    _require_code(call, project)
    return Reply.of(call.show.commit(project, project.git.commit(_commit(call, project))))


@operation("listMergeRequestsOfCommit")
def list_merge_requests_of_commit(call: Call) -> Reply:
    project = call.project()
    _require_code(call, project)
    sha = _commit(call, project)
    rows = [
        mr
        for mr in call.state.merge_requests.values()
        if mr.project == project.id
        and call.query.get("state", mr.state) == mr.state
        and _holds(project, mr, sha)
    ]
    rows.sort(key=lambda mr: mr.id, reverse=True)
    return call.page(rows, call.show.merge_request_basic)


def _holds(project: Project, mr: MergeRequest, sha: str) -> bool:
    if sha in {mr.merge_commit, mr.squash_commit, *mr.landed}:
        return True
    newest = mr.newest
    if newest is None:
        return False
    return sha in {c.sha for c in project.git.commits(f"{newest.base}..{newest.head}")}


def _commit(call: Call, project: Project) -> str:
    sha = str(call.asked.path["sha"])
    if not project.git.has(sha):
        raise access.not_found("Commit")
    return sha


# ---------------------------------------------------------------------- approvals


@operation("getMergeRequestApprovals")
def get_approvals(call: Call) -> Reply:
    _, mr = call.merge_request()
    return Reply.of(call.show.approvals(mr))


@operation("getMergeRequestApprovalState")
def get_approval_state(call: Call) -> Reply:
    call.require_premium()
    _, mr = call.merge_request()
    rules = [call.show.rule_state(mr, rule) for rule in call.show.rules_for(mr)]
    return Reply.of({"approval_rules_overwritten": False, "rules": rules})


@operation("listMergeRequestApprovalRules")
def list_merge_request_rules(call: Call) -> Reply:
    call.require_premium()
    _, mr = call.merge_request()
    return call.page(call.show.rules_for(mr), lambda r: call.show.merge_request_rule(mr, r))


@operation("getProjectApprovals")
def get_project_approvals(call: Call) -> Reply:
    call.require_premium()
    project = call.project()
    call.caller.require(project, DEVELOPER)
    own = project.approvals
    return Reply.of(
        {
            "approvers": [],
            "approver_groups": [],
            "approvals_before_merge": 0,
            "reset_approvals_on_push": own.reset_on_push,
            "selective_code_owner_removals": own.selective_code_owner_removals,
            "disable_overriding_approvers_per_merge_request": own.disable_overriding,
            "merge_requests_author_approval": own.author_may_approve,
            "merge_requests_disable_committers_approval": own.committers_may_not_approve,
            "require_password_to_approve": own.reauthentication,
            "require_reauthentication_to_approve": own.reauthentication,
        }
    )


@operation("listProjectApprovalRules")
def list_project_rules(call: Call) -> Reply:
    call.require_premium()
    project = call.project()
    call.caller.require(project, DEVELOPER)
    return call.page(project.rules, lambda rule: call.show.project_rule(project, rule))


@operation("resetApprovals")
def reset_approvals(call: Call) -> Reply:
    project, mr = call.merge_request()
    token = call.caller.token
    bot = token is not None and token.kind in {"project", "group"}
    if not bot or call.caller.level(project) < DEVELOPER or mr.state == "merged":
        raise access.unauthorized()
    mr.approvals.clear()
    return Reply(status=202)


# ---------------------------------------------------------------------- pipelines


@operation("triggerPipeline")
def trigger_pipeline(call: Call) -> Reply:
    """The token is all that counts: its owner needs no other, and nobody else's is looked at."""
    token = call.query.get("token") or call.body.get("token")
    if not token:
        raise RefusedError(400, "token is missing", key="error")
    trigger = call.state.triggers.get(token)
    given, ref = str(call.asked.path["id"]), str(call.asked.path["ref"])
    if trigger is None or given not in {
        str(trigger.project), call.state.projects[trigger.project].path
    }:  # fmt: skip
        raise access.not_found()
    project = call.state.projects[trigger.project]
    try:
        sha = project.git.tip(ref)
    except NoCommitError as error:
        raise RefusedError(400, {"base": ["Reference not found"]}) from error
    owner = Caller(state=call.state, user=call.state.users[trigger.owner])
    if not _may_run(owner, project, ref):
        reason = f"You do not have sufficient permission to run a pipeline on '{ref}'."
        raise RefusedError(400, {"base": [reason]})
    payload = {name: value for name, value in call.body.items() if name != "token"}
    pipeline = call.state.add_pipeline(
        project.id, sha, ref, by=trigger.owner, source="trigger",
        payload={**payload, "id": given, "ref": ref, "variables": {}},
    )  # fmt: skip
    return Reply.of(call.show.pipeline(pipeline), 201)


# ---------------------------------------------------------------------- statuses


_ENTERED_FROM = {
    "pending": ("enqueue", {"created"}),
    "running": ("run", {"created", "pending"}),
    "success": ("success", {"created", "pending", "running"}),
    "failed": ("drop", {"created", "pending", "running"}),
    "canceled": ("cancel", {"created", "pending", "running"}),
    "skipped": ("skip", {"created", "pending"}),
}
"""By which event a status enters a state, and from where (`app/models/commit_status.rb`)."""


@operation("createCommitStatus")
def create_status(call: Call) -> Reply:
    project, body, state = call.project(), call.body, call.state
    call.caller.require(project, DEVELOPER)
    sha = _commit(call, project)
    pipeline, ref = _pipeline_for_status(call, project, sha)
    _require_unprotected(call, project, ref)
    me = call.caller.known
    _check_status(body)
    if pipeline is None:
        pipeline = state.add_pipeline(project.id, sha, ref, by=me.id, source="external")
    name = body.get("name") or body.get("context") or "default"
    mine = (pipeline.id, ref, name, me.id)
    status = next(
        (
            s
            for s in state.statuses
            if (s.pipeline, s.ref, s.name, s.author) == mine and s.status in {"pending", "running"}
        ),
        None,
    )
    before = status.status if status else "created"
    event, sources = _ENTERED_FROM[body["state"]]
    if before not in sources:
        reason = f"Cannot transition status via :{event} from :{before}"
        raise RefusedError(400, f'{reason} (Reason(s): Status cannot transition via "{event}")')
    moment = state.now()
    if status is None:
        status = Status(
            id=state.new_id(), sha=sha, ref=ref, name=name, status=before, author=me.id,
            pipeline=pipeline.id, created_at=moment,
        )  # fmt: skip
        state.statuses.append(status)
    for field in ("target_url", "description", "coverage"):
        if field in body:
            setattr(status, field, body[field])
    status.status = body["state"]
    if status.status != "pending":
        status.started_at = status.started_at or moment
    if status.status not in {"pending", "running"}:
        status.finished_at = moment
    return Reply.of(call.show.status(status), 201)


def _pipeline_for_status(call: Call, project: Project, sha: str) -> tuple[Pipeline | None, str]:
    """The pipeline that a status goes into, None for a new one, and the status's ref."""
    body = call.body
    there = [p for p in call.state.pipelines.values() if p.project == project.id and p.sha == sha]
    if "ref" in body:
        there = [p for p in there if p.ref == body["ref"]]
    if "pipeline_id" in body:
        there = [p for p in there if p.id == body["pipeline_id"]]
    pipeline = max(there, key=lambda p: p.id, default=None)
    branches = project.git.branches_with(sha)
    ref = body.get("ref") or (pipeline.ref if pipeline else next(iter(branches), None))
    if ref is None:
        raise access.not_found("References for commit")
    if pipeline is None and "pipeline_id" in body:
        raise access.not_found("Pipeline for pipeline_id, sha and ref")
    return pipeline, ref


def _require_unprotected(call: Call, project: Project, ref: str) -> None:
    """Pipelines of a protected branch belong to those who may push to it or merge into it."""
    if not _may_run(call.caller, project, ref):
        raise access.forbidden()


def _may_run(caller: Caller, project: Project, ref: str) -> bool:
    for branch in project.protected:
        if covers(branch.name, ref):
            entries = [*branch.push, *branch.merge]
            levels = [entry.level for entry in entries if entry.level]
            named = any(entry.user == caller.known.id for entry in entries)
            if not named and caller.level(project) < min(levels, default=OWNER + 1):
                return False
    return caller.level(project) >= DEVELOPER


def _check_status(body: Any) -> None:
    if len(body.get("description") or "") > 255:
        raise RefusedError(400, {"description": ["is too long (maximum is 255 characters)"]})
    url = body.get("target_url")
    if len(url or "") > 255:
        raise RefusedError(400, {"target_url": ["is too long (maximum is 255 characters)"]})
    if url and not str(url).startswith(("http://", "https://")):
        raise RefusedError(
            400, {"target_url": ["is blocked: Only allowed schemes are http, https"]}
        )


@operation("listCommitStatuses")
def list_statuses(call: Call) -> Reply:
    project = call.project()
    call.caller.require(project, REPORTER)
    sha = _commit(call, project)
    own = {p.id for p in call.state.pipelines.values() if p.project == project.id}
    rows = [s for s in call.state.statuses if s.sha == sha and s.pipeline in own]
    for name, of in (
        ("ref", lambda s: s.ref),
        ("name", lambda s: s.name),
        ("pipeline_id", lambda s: s.pipeline),
        ("stage", lambda s: "external"),
    ):
        if name in call.query:
            rows = [s for s in rows if of(s) == call.query[name]]
    if not call.query.get("all", False):
        rows = list({(s.pipeline, s.name): s for s in rows}.values())
    column = (
        (lambda s: (s.pipeline, s.id))
        if call.query.get("order_by") == "pipeline_id"
        else (lambda s: (s.id, s.id))
    )
    rows.sort(key=column, reverse=call.query.get("sort") == "desc")
    return call.page(rows, call.show.status)
