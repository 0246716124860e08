"""REST operations on repositories: pull requests, commits, statuses, checks, protection, people."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
from collections.abc import Mapping
from typing import Any

from tests.forges.github import actions, landing
from tests.forges.github.actions import RefusedError
from tests.forges.github.calls import (
    Call,
    Refusal,
    error,
    forbidden,
    invalid,
    limited,
    not_found,
    operation,
    unpacked,
    unprocessable,
)
from tests.forges.github.state import CheckRun, Pull, Repository, Team, by_context
from tests.forges.serving import Reply

COMMITS_SHOWN = 250
FILES_SHOWN = 3000
ROLE_NAMES = {"maintain": "write", "triage": "read"}


@operation("users/get-authenticated")
def viewer(call: Call) -> Reply:
    """Who a personal token is; an app's token is nobody."""
    token = call.caller
    if token.kind == "installation":
        raise forbidden(token, "metadata:read")
    return Reply.of(_full_user(call, token.account))


@operation("users/get-by-username")
def user(call: Call) -> Reply:
    """An account by name."""
    found = call.world.account(call.parameters["username"])
    if found is None:
        raise not_found()
    return Reply.of(_full_user(call, found))


def _full_user(call: Call, account: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("company", "blog", "location", "email", "hireable", "bio"))
    return {
        **(call.shapes.user(account) or {}), **nothing, "name": account.name, "blog": "",
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
    }  # fmt: skip


@operation("repos/get")
def repository(call: Call) -> Reply:
    """The repository itself."""
    return Reply.of(call.shapes.repository(call.repository, call.token))


@operation("pulls/get", needs="pull_requests:read")
def pull_request(call: Call) -> Reply:
    """A pull request."""
    return Reply.of(call.shapes.pull(call.repository, call.pull))


@operation("pulls/list", needs="pull_requests:read")
def list_pulls(call: Call) -> Reply:
    """Those of a state, a base, a head (`owner:branch`)."""
    state = call.query("state", "open")
    found = [
        pull
        for pull in call.repository.pulls.values()
        if state in {"all", pull.state}
        and call.query("base", pull.base_ref) == pull.base_ref
        and call.query("head", _head_label(call, pull)) == _head_label(call, pull)
    ]
    key = {"updated": lambda p: p.updated_at}.get(call.query("sort") or "", lambda p: p.number)
    descending = call.query("direction", "desc" if call.query("sort") is None else "asc")
    found.sort(key=key, reverse=descending == "desc")
    return call.page(found, lambda one: call.shapes.pull(call.repository, one, full=False))


def _head_label(call: Call, pull: Pull) -> str | None:
    source = call.world.repositories.get(pull.head_repository or 0)
    return f"{source.owner.login}:{pull.head_ref}" if source else None


@operation("pulls/create", needs="pull_requests:write")
def create_pull(call: Call) -> Reply:
    """Open a pull request."""
    body = call.body
    owner, _, branch = str(body["head"]).rpartition(":")
    source = _source(call, owner, body.get("head_repo"))
    limited(body.get("body") or "", "PullRequest", "body")
    if not body.get("title"):
        raise invalid("PullRequest", "title", "missing_field")
    if source is None:
        raise invalid("PullRequest", "head")
    try:
        made = actions.open_pull(
            call.world, call.repository, head=branch, base=body["base"], title=body["title"],
            body=body.get("body"), author=call.caller.account, head_repository=source,
            draft=bool(body.get("draft")),
        )  # fmt: skip
    except RefusedError as refused:
        field, _, rest = str(refused).partition(":invalid:")
        if rest:
            raise invalid("PullRequest", field) from None
        raise invalid("PullRequest", "head", "custom", str(refused)) from None
    shape = call.shapes.pull(call.repository, made)
    return Reply.of(shape, 201, Location=shape["url"])


def _source(call: Call, owner: str, name: str | None) -> Repository | None:
    if not owner or owner.lower() == call.repository.owner.login.lower():
        return call.repository
    forks = (
        one
        for one in call.world.repositories.values()
        if one.fork_of == call.repository.id and one.owner.login.lower() == owner.lower()
    )
    return next((one for one in forks if name in {None, one.full_name, one.name}), None)


@operation("pulls/update", needs="pull_requests:write")
def update_pull(call: Call) -> Reply:
    """Another title, text, base or state."""
    pull, body, actor = call.pull, call.body, call.caller.account
    if "base" in body and body["base"] != pull.base_ref:
        if body["base"] not in call.repository.branches:
            raise invalid("PullRequest", "base")
        actions.retarget(call.world, call.repository, pull, body["base"], actor)
    if body.get("title"):
        pull.title = body["title"]
    if "body" in body:
        pull.body = limited(body["body"] or "", "PullRequest", "body")
    if body.get("state") == "closed" and pull.closed_at is None:
        actions.close(call.world, pull, actor)
    pull.updated_at = call.world.tick()
    return Reply.of(call.shapes.pull(call.repository, pull))


@operation("pulls/merge", needs="contents:write", role="write")
def merge_pull(call: Call) -> Reply:
    """Merge, when the head is the one that was meant."""
    pull, body = call.pull, call.body
    if pull.closed_at is not None or pull.draft:
        raise Refusal(error(405, "Pull Request is not mergeable"))
    if body.get("sha", pull.head) != pull.head:
        raise Refusal(error(409, "Head branch was modified. Review and try the merge again."))
    method = body.get("merge_method", "merge")
    if not call.repository.methods[method]:
        raise Refusal(error(405, f"{method.title()} merges are not allowed on this repository."))
    try:
        sha = landing.land(call.world, call.repository, pull, call.caller.account, method)
    except RefusedError as refused:
        raise Refusal(error(405, str(refused))) from None
    return Reply.of({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@operation("pulls/list-commits", needs="pull_requests:read")
def list_commits(call: Call) -> Reply:
    """Oldest first, and no more than 250."""
    commits = call.world.commits(call.repository, call.pull)[:COMMITS_SHOWN]
    return call.page(commits, lambda one: call.shapes.commit(call.repository, one))


@operation("pulls/list-files", needs="pull_requests:read")
def list_files(call: Call) -> Reply:
    """How the files differ from the merge base, 3,000 at most."""
    pull, base = call.pull, call.world.merge_base(call.repository, call.pull)
    files = call.repository.git.diff(base, pull.head)[:FILES_SHOWN]
    return call.page(files, lambda one: call.shapes.file(call.repository, pull.head, one))


@operation("issues/get", needs="issues:read|pull_requests:read")
def issue(call: Call) -> Reply:
    """A pull request as the issue that it is too."""
    repository, pull = call.repository, call.pull
    shape = call.shapes.pull(repository, pull)
    base = call.shapes.repository_url(repository)
    url = f"{base}/issues/{pull.number}"
    kept = (
        "id", "node_id", "html_url", "number", "state", "locked", "title", "user", "body",
        "labels", "milestone", "active_lock_reason", "created_at", "updated_at", "closed_at",
        "assignee", "assignees", "comments_url", "author_association", "comments",
    )  # fmt: skip
    names = ("url", "html_url", "diff_url", "patch_url")
    return Reply.of({
        **{name: shape[name] for name in kept}, "url": url, "repository_url": base,
        "labels_url": f"{url}/labels{{/name}}", "events_url": f"{url}/events",
        "draft": pull.draft, "state_reason": None,
        "pull_request": {name: shape[name] for name in names} | {"merged_at": shape["merged_at"]},
    })  # fmt: skip


@operation("repos/list-pull-requests-associated-with-commit", needs="pull_requests:read")
def pulls_of_commit(call: Call) -> Reply:
    """The merged one of a commit on the default branch, else merged and open ones that have it."""
    repository = call.repository
    sha = call.commit(call.parameters["commit_sha"])
    landed = [
        pull for pull in repository.pulls.values() if sha in {pull.merge_commit, *pull.landed}
    ]
    tip = repository.branches.get(repository.default_branch)
    holding = [
        pull
        for pull in repository.pulls.values()
        if any(one.sha == sha for one in call.world.commits(repository, pull))
        and (pull.merged_at is not None or pull.state == "open")
    ]
    if tip and repository.git.ancestor(sha, tip):
        found = landed or [pull for pull in holding if pull.merged_at is not None]
    else:
        found = [*landed, *(pull for pull in holding if pull not in landed)]
    return call.page(found, lambda one: call.shapes.pull(repository, one, full=False))


@operation("repos/get-commit", needs="contents:read")
def commit(call: Call) -> Reply:
    """One commit with its diff to the first parent."""
    repository = call.repository
    found = repository.git.commit(call.commit(call.parameters["ref"]))
    shape = call.shapes.commit(repository, found)
    files = repository.git.diff(found.parents[0], found.sha) if found.parents else ()
    added, removed = (sum(getattr(f, n) for f in files) for n in ("additions", "deletions"))
    shape["stats"] = {"additions": added, "deletions": removed, "total": added + removed}
    shape["files"] = [call.shapes.file(repository, found.sha, file) for file in files[:300]]
    return Reply.of(shape)


@operation("repos/create-commit-status", needs="statuses:write", role="write")
def create_status(call: Call) -> Reply:
    """Anybody who may write may set any status."""
    body = call.body
    sha = call.parameters["sha"]
    if len(sha) != 40 or not call.repository.git.has(sha):
        raise Refusal(error(422, f"No commit found for SHA: {sha}"))
    try:
        made = actions.set_status(
            call.world, call.repository, sha, call.caller.account, state=body["state"],
            context=body.get("context", "default"), description=body.get("description"),
            target_url=body.get("target_url"),
        )  # fmt: skip
    except RefusedError as refused:
        raise invalid("Status", "description", "custom", str(refused)) from None
    shape = call.shapes.status(call.repository, made)
    return Reply.of(shape, 201, Location=shape["url"])


@operation("repos/list-commit-statuses-for-ref", needs="statuses:read")
def list_statuses(call: Call) -> Reply:
    """Every status, newest first."""
    sha = call.commit(call.parameters["ref"])
    found = [one for one in reversed(call.repository.statuses) if one.sha == sha]
    return call.page(found, lambda one: call.shapes.status(call.repository, one))


@operation("repos/get-combined-status-for-ref", needs="statuses:read")
def combined_status(call: Call) -> Reply:
    """The newest of each context, and what they come to."""
    sha = call.commit(call.parameters["ref"])
    newest = list(by_context(call.repository.statuses, sha).values())
    size, number = int(call.query("per_page") or 30), int(call.query("page") or 1)
    page = newest[(number - 1) * min(size, 100) : number * min(size, 100)]
    reply = Reply.of(call.shapes.combined(call.repository, sha, page))
    links = call.page(newest, lambda one: one.id).header("Link")
    return reply.with_headers(("Link", links)) if links else reply


def _app(call: Call) -> int:
    if call.caller.app_id is None:
        message = "You must authenticate via a GitHub App."
        raise Refusal(error(403, message))
    return call.caller.app_id


@operation("checks/create", needs="checks:write", role="write")
def create_check(call: Call) -> Reply:
    """A check run, by an app."""
    body = call.body
    if not call.repository.git.has(body["head_sha"]):
        raise Refusal(error(422, f"No commit found for SHA: {body['head_sha']}"))
    made = CheckRun(
        id=call.world.next_id(), sha=body["head_sha"], name=body["name"], app_id=_app(call)
    )
    _change_check(made, body)
    call.world.tick()
    call.repository.check_runs.append(made)
    shape = call.shapes.check_run(call.repository, made)
    return Reply.of(shape, 201, Location=shape["url"])


@operation("checks/update", needs="checks:write", role="write")
def update_check(call: Call) -> Reply:
    """Change a check run of one's own; annotations are added."""
    found = _check(call)
    if found.app_id != _app(call):
        raise Refusal(error(403, "Invalid app_id `check_run` is not owned by this app."))
    _change_check(found, call.body)
    call.world.tick()
    return Reply.of(call.shapes.check_run(call.repository, found))


@operation("checks/get", needs="checks:read")
def get_check(call: Call) -> Reply:
    """One check run."""
    return Reply.of(call.shapes.check_run(call.repository, _check(call)))


def _check(call: Call) -> CheckRun:
    number = call.number("check_run_id")
    found = next((one for one in call.repository.check_runs if one.id == number), None)
    if found is None:
        raise not_found()
    return found


def _change_check(run: CheckRun, body: Mapping[str, Any]) -> None:
    output = body.get("output") or {}
    for name in ("summary", "text"):
        if len(output.get(name) or "") > 65_535:
            raise invalid("CheckRun", name, "custom", f"{name} exceeds 65535 characters")
    for name in (
        "status", "conclusion", "details_url", "external_id", "started_at", "completed_at", "name",
    ):  # fmt: skip
        if name in body:
            setattr(run, name, body[name])
    if "conclusion" in body:
        run.status = "completed"
    for name in ("title", "summary", "text"):
        if name in output:
            setattr(run, name, output[name])
    run.annotations.extend(output.get("annotations") or [])


@operation("checks/list-for-ref", needs="checks:read")
def list_checks(call: Call) -> Reply:
    """The check runs of a commit, the latest of each name unless all are asked for."""
    sha = call.commit(call.parameters["ref"])
    found = [one for one in call.repository.check_runs if one.sha == sha]
    if call.query("filter", "latest") == "latest":
        found = list({(one.app_id, one.name): one for one in found}.values())
    found = [one for one in found if call.query("check_name", one.name) == one.name]
    return call.page(
        found, lambda one: call.shapes.check_run(call.repository, one), inside="check_runs"
    )


@operation("code-scanning/upload-sarif", needs="security_events:write", role="write")
def upload_sarif(call: Call) -> Reply:
    """Take a report: gzip, then base64, and within the limits."""
    body = call.body
    try:
        data = unpacked(base64.b64decode(body["sarif"], validate=True))
        report = json.loads(data)
        runs = report["runs"]
    except (binascii.Error, OSError, EOFError, ValueError, KeyError, TypeError) as cause:
        raise Refusal(error(400, f"invalid SARIF: {cause}")) from None
    if len(body["sarif"]) > 10_000_000:
        raise Refusal(error(413, "SARIF file is too large"))
    if len(runs) > 20 or any(len(run.get("results", [])) > 25_000 for run in runs):
        raise Refusal(error(400, "SARIF file has too many runs or results"))
    if not call.repository.git.has(body["commit_sha"]):
        raise Refusal(error(400, f"commit not found: {body['commit_sha']}"))
    call.world.tick()
    number = f"00000000-0000-4000-8000-{call.world.next_id():012d}"
    call.repository.sarifs[number] = {
        "commit": body["commit_sha"], "ref": body["ref"], "report": report,
    }  # fmt: skip
    url = f"{call.shapes.repository_url(call.repository)}/code-scanning/sarifs/{number}"
    return Reply.of({"id": number, "url": url}, 202)


@operation("code-scanning/get-sarif", needs="security_events:read", role="write")
def get_sarif(call: Call) -> Reply:
    """What has become of a report."""
    if call.parameters["sarif_id"] not in call.repository.sarifs:
        raise not_found()
    url = f"{call.shapes.repository_url(call.repository)}/code-scanning/analyses"
    return Reply.of({"processing_status": "complete", "analyses_url": url, "errors": None})


@operation("repos/list-activities", needs="contents:read", role="write")
def list_activities(call: Call) -> Reply:
    """Pushes as the server saw them, newest first; `ref` may be a branch's short name."""
    ref, kind, actor = (call.query(name) for name in ("ref", "activity_type", "actor"))
    names = {ref, f"refs/heads/{ref}"}
    found = [
        one
        for one in call.repository.activities
        if (ref is None or one.ref in names)
        and kind in {None, one.kind}
        and (actor is None or (one.actor is not None and one.actor.rest_login == actor))
    ]
    found.sort(key=lambda one: one.id, reverse=call.query("direction", "desc") == "desc")
    return _by_cursor(call, found)


def _by_cursor(call: Call, found: list[Any]) -> Reply:
    """Pages by cursor, as this list has them: `after` and `before` are ids here."""
    size = max(1, min(100, int(call.query("per_page") or 30)))
    ids = [str(one.id) for one in found]
    start = ids.index(call.query("after") or "") + 1 if call.query("after") in ids else 0
    page = found[start : start + size]
    reply = Reply.of([call.shapes.activity(one) for one in page])
    if start + size >= len(found):
        return reply
    path = call.request.raw_path.split("?")[0]
    query = [f"{name}={value}" for name, value in call.request.query if name != "after"]
    address = f"{call.shapes.web}{path}?{'&'.join([*query, f'after={page[-1].id}'])}"
    return reply.with_headers(("Link", f'<{address}>; rel="next"'))


@operation("actions/list-workflow-runs-for-repo", needs="actions:read")
def list_runs(call: Call) -> Reply:
    """Runs of workflows, newest first."""
    wanted = {name: call.query(name) for name in ("head_sha", "event", "status")}
    found = [
        run
        for run in reversed(call.repository.runs)
        if all(value is None or run.get(name) == value for name, value in wanted.items())
        and call.query("branch", run["head_branch"]) == run["head_branch"]
    ]
    return call.page(found, lambda run: _run(call, run), inside="workflow_runs")


def _run(call: Call, run: Mapping[str, Any]) -> dict[str, Any]:
    repository = call.repository
    url = f"{call.shapes.repository_url(repository)}/actions/runs/{run['id']}"
    html = f"{call.shapes.web}/{repository.full_name}/actions/runs/{run['id']}"
    names = ("jobs", "logs", "artifacts", "cancel", "rerun")
    shape = call.shapes.repository(repository)
    return {
        "node_id": f"WFR_{run['id']}", "run_number": 1, "status": "completed", "event": "push",
        "conclusion": "success", "workflow_id": 1, "path": ".github/workflows/ci.yml", "url": url,
        "html_url": html, "pull_requests": [], "updated_at": run["created_at"],
        **{f"{name}_url": f"{url}/{name}" for name in names}, "workflow_url": f"{url}/workflow",
        "check_suite_url": f"{url}/check-suite", "head_commit": None, "repository": shape,
        "head_repository": shape, "display_title": "A run", "name": "CI", **run,
        **{who: call.shapes.user(run.get(who)) for who in ("actor", "triggering_actor")},
    }  # fmt: skip


@operation("repos/get-collaborator-permission-level")
def permission_of(call: Call) -> Reply:
    """What somebody may do; the finer roles are told by `role_name` alone."""
    account = call.world.account(call.parameters["username"])
    if account is None:
        raise Refusal(error(404, f"{call.parameters['username']} is not a user"))
    role = call.world.role(call.repository, account)
    shown = {**(call.shapes.user(account) or {}), "role_name": role}
    permission = ROLE_NAMES.get(role, role)
    return Reply.of({"permission": permission, "role_name": role, "user": shown})


def _team(call: Call) -> Team:
    token = call.caller
    organisation = call.world.account(call.parameters["org"])
    if organisation is None:
        raise not_found()
    if token.kind != "classic" and not token.has("members", "read"):
        raise forbidden(token, "members:read")
    for team in call.world.teams:
        if team.organisation is organisation and team.slug == call.parameters["team_slug"]:
            hidden = team.secret and token.account not in team.members
            if not (hidden and token.kind == "classic"):
                return team
    raise not_found()


@operation("teams/get-by-name")
def team(call: Call) -> Reply:
    """A team by its slug."""
    return Reply.of(call.shapes.team(_team(call)))


@operation("teams/list-members-in-org")
def team_members(call: Call) -> Reply:
    """Its members, those of the teams below it included."""
    return call.page(call.world.members(_team(call)), call.shapes.user)


@operation("teams/get-membership-for-user-in-org")
def membership(call: Call) -> Reply:
    """Whether somebody is a member; 404 says no, or that the team is invisible."""
    found = _team(call)
    account = call.world.account(call.parameters["username"])
    if account is None or account not in call.world.members(found):
        raise not_found()
    url = f"{call.shapes.team(found)['url']}/memberships/{account.login}"
    return Reply.of({"url": url, "role": "member", "state": "active"})


@operation("repos/get-branch", needs="contents:read")
def branch(call: Call) -> Reply:
    """A branch, with the checks that it requires."""
    repository, name = call.repository, call.parameters["branch"]
    if name not in repository.branches:
        raise Refusal(error(404, "Branch not found"))
    url = f"{call.shapes.repository_url(repository)}/branches/{name}"
    classic = repository.protections.get(name)
    checks = (classic or {}).get("required_status_checks")
    rules = list(_rules(repository, name))
    required = {"contexts": [], "checks": [], "enforcement_level": "off"}
    if checks:
        required = {key: checks[key] for key in ("contexts", "checks")}
        required["enforcement_level"] = "non_admins"
    return Reply.of({
        "name": name,
        "commit": call.shapes.commit(
            repository, repository.git.commit(repository.branches[name])
        ),
        "_links": {"self": url, "html": f"{call.shapes.web}/{repository.full_name}/tree/{name}"},
        "protected": classic is not None or bool(rules),
        "protection": {"enabled": classic is not None, "required_status_checks": required},
        "protection_url": f"{url}/protection",
    })  # fmt: skip


@operation("repos/get-branch-protection", needs="administration:read", role="admin")
def branch_protection(call: Call) -> Reply:
    """The classic protection of a branch."""
    repository, name = call.repository, call.parameters["branch"]
    if name not in repository.branches:
        raise Refusal(error(404, "Branch not found"))
    if name not in repository.protections:
        raise Refusal(error(404, "Branch not protected"))
    url = f"{call.shapes.repository_url(repository)}/branches/{name}/protection"
    return Reply.of({"url": url, **_with_addresses(repository.protections[name], url)})


def _with_addresses(protection: Mapping[str, Any], url: str) -> dict[str, Any]:
    """A protection as it was set, with the addresses that its parts must have."""
    out = dict(protection)
    if checks := out.get("required_status_checks"):
        own = f"{url}/required_status_checks"
        out["required_status_checks"] = {"url": own, "contexts_url": f"{own}/contexts", **checks}
    if reviews := out.get("required_pull_request_reviews"):
        own = f"{url}/required_pull_request_reviews"
        out["required_pull_request_reviews"] = {"url": own, **reviews}
    for name in ("enforce_admins", "required_signatures"):
        if name in out:
            out[name] = {"url": f"{url}/{name}", **out[name]}
    return out


def protected(repository: Repository, branch: str) -> bool:
    """Whether any kind of rule is about a branch."""
    return branch in repository.protections or any(True for _ in _rules(repository, branch))


def _rules(repository: Repository, branch: str) -> Any:
    for ruleset in repository.rulesets:
        active = ruleset.get("enforcement", "active") == "active"
        if not active or ruleset.get("target", "branch") != "branch":
            continue
        names = (ruleset.get("conditions") or {}).get("ref_name", {"include": ["~ALL"]})
        if _covered(repository, branch, names.get("include", [])) and not _covered(
            repository, branch, names.get("exclude", [])
        ):
            for rule in ruleset.get("rules", []):
                yield ruleset, rule


def _covered(repository: Repository, branch: str, patterns: list[str]) -> bool:
    own = {"~ALL"} | ({"~DEFAULT_BRANCH"} if branch == repository.default_branch else set())
    ref = f"refs/heads/{branch}"
    return any(p in own or fnmatch.fnmatchcase(ref, p) for p in patterns)


@operation("repos/get-branch-rules")
def branch_rules(call: Call) -> Reply:
    """The active rules that apply to a branch, from all rulesets."""
    found = list(_rules(call.repository, call.parameters["branch"]))
    return call.page(found, lambda pair: {**_source_of(call, pair[0]), **pair[1]})


def _source_of(call: Call, ruleset: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ruleset_source_type": ruleset.get("source_type", "Repository"),
        "ruleset_source": ruleset.get("source", call.repository.full_name),
        "ruleset_id": ruleset["id"],
    }  # fmt: skip


def ruleset_shape(call: Call, ruleset: Mapping[str, Any], *, full: bool) -> dict[str, Any]:
    """A ruleset; who may pass it by is shown to those who may change it."""
    url = f"{call.shapes.repository_url(call.repository)}/rulesets/{ruleset['id']}"
    shape = {
        "target": "branch", "source_type": "Repository", "source": call.repository.full_name,
        "enforcement": "active", "node_id": f"RRS_{ruleset['id']}",
        "_links": {"self": {"href": url}}, **ruleset,
    }  # fmt: skip
    token = call.token
    theirs = ruleset.get("source_type", "Repository") == "Repository"
    administrator = token is not None and (
        token.has("administration" if theirs else "organization_administration", "write")
        if token.kind == "installation"
        else call.world.may(call.repository, token.account, "admin")
    )
    hidden = set() if full else {"rules", "conditions"}
    hidden |= set() if full and administrator else {"bypass_actors"}
    return {name: value for name, value in shape.items() if name not in hidden}


@operation("repos/get-repo-rulesets")
def rulesets(call: Call) -> Reply:
    """The rulesets, the organisation's too unless they are left out."""
    own = call.query("includes_parents") == "false"
    found = [
        one
        for one in call.repository.rulesets
        if not own or one.get("source_type", "Repository") == "Repository"
    ]
    return call.page(found, lambda one: ruleset_shape(call, one, full=False))


@operation("repos/get-repo-ruleset")
def ruleset(call: Call) -> Reply:
    """One ruleset; who may bypass it is told to those who may change it."""
    number = call.number("ruleset_id")
    for one in call.repository.rulesets:
        if one["id"] == number:
            return Reply.of(ruleset_shape(call, one, full=True))
    raise not_found()


@operation("repos/get-content", needs="contents:read")
def content(call: Call) -> Reply:
    """A file."""
    repository, path = call.repository, call.parameters["path"]
    ref = call.query("ref") or repository.default_branch
    sha = repository.git.resolve(ref)
    if sha is None:
        raise Refusal(error(404, f"No commit found for the ref {ref}"))
    listed = repository.git("ls-tree", "-l", "-z", sha, "--", f":(literal){path}").split("\0")[0]
    if not listed or listed.split()[1] != "blob":
        raise not_found()
    blob, size = listed.split()[2:4]
    text = repository.git("cat-file", "blob", blob)
    url = f"{call.shapes.repository_url(repository)}/contents/{path}?ref={ref}"
    git_url = f"{call.shapes.repository_url(repository)}/git/blobs/{blob}"
    html = f"{call.shapes.web}/{repository.full_name}/blob/{ref}/{path}"
    return Reply.of({
        "type": "file", "encoding": "base64", "size": int(size), "name": path.rsplit("/", 1)[-1],
        "path": path, "content": base64.encodebytes(text.encode()).decode(), "sha": blob,
        "url": url, "git_url": git_url, "html_url": html, "download_url": None,
        "_links": {"self": url, "git": git_url, "html": html},
    })  # fmt: skip


@operation("git/get-ref", needs="contents:read")
def get_ref(call: Call) -> Reply:
    """A branch or a tag by its name below `refs/`."""
    name = f"refs/{call.parameters['ref']}"
    git = call.repository.git
    if not git.succeeds("rev-parse", "-q", "--verify", name):
        raise not_found()
    return Reply.of(_ref(call, name, git("rev-parse", name).strip()))


def _ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    base = call.shapes.repository_url(call.repository)
    return {
        "ref": name, "node_id": f"REF_{name}", "url": f"{base}/git/{name}",
        "object": {"type": "commit", "sha": sha, "url": f"{base}/git/commits/{sha}"},
    }  # fmt: skip


@operation("git/create-ref", needs="contents:write", role="write")
def create_ref(call: Call) -> Reply:
    """A new branch or tag."""
    body, git = call.body, call.repository.git
    if not body["ref"].startswith("refs/") or body["ref"].count("/") < 2:
        raise Refusal(error(422, "Reference name must start with 'refs/'"))
    if git.succeeds("rev-parse", "-q", "--verify", body["ref"]):
        raise Refusal(error(422, "Reference already exists"))
    if not git.has(body["sha"]):
        raise Refusal(error(422, "Object does not exist"))
    git("update-ref", body["ref"], body["sha"])
    actions.sync(call.world)
    shape = _ref(call, body["ref"], body["sha"])
    return Reply.of(shape, 201, Location=shape["url"])


@operation("git/update-ref", needs="contents:write", role="write")
def update_ref(call: Call) -> Reply:
    """Move a branch; there is no expected value, only `force`."""
    body, git = call.body, call.repository.git
    name = f"refs/{call.parameters['ref']}"
    if not git.succeeds("rev-parse", "-q", "--verify", name):
        raise unprocessable("Reference does not exist")
    old = git("rev-parse", name).strip()
    if not git.has(body["sha"]):
        raise unprocessable("Object does not exist")
    if not body.get("force") and not git.ancestor(old, body["sha"]):
        raise unprocessable("Update is not a fast forward")
    if name.startswith("refs/heads/"):
        branch_name = name.removeprefix("refs/heads/")
        actions.push(call.world, call.repository, branch_name, body["sha"], call.caller.account)
    else:
        git("update-ref", name, body["sha"])
    return Reply.of(_ref(call, name, body["sha"]))
