"""The GitLab of our own behaves as GitLab does, and catches what its description does not allow.

Plain `requests` here, no client of ours: what these tests say is what the other tests stand on.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS31Validator

from tests.engines import ROOT
from tests.forges.gitlab import description, graphql_api, rest
from tests.forges.gitlab.fixtures import commit
from tests.forges.gitlab.quick_actions import Command, extract
from tests.forges.gitlab.scenario import JOB_TOKEN, MAINTAINER_TOKEN, PROJECT_ID, TOKEN, Shop
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import (
    DEVELOPER,
    GUEST,
    REPORTER,
    ApprovalRule,
    Invitation,
    Limits,
    ProtectedBranch,
)
from tests.forges.serving import Elsewhere, Loopback, Reply


class Http:
    """Requests to one server with one token."""

    def __init__(self, server: GitLabServer, token: str | None = TOKEN, **headers: str) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        if token == JOB_TOKEN:
            self.session.headers["JOB-TOKEN"] = token
        elif token:
            self.session.headers["PRIVATE-TOKEN"] = token
        self.session.headers.update(headers)
        self.project = f"/projects/{PROJECT_ID}"
        self.mr = f"{self.project}/merge_requests/7"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 20)
        address = path if path.startswith("http") else self.server.api + path
        return self.session.request(method, address, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self("GET", path, params=query)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self("POST", path, json=body)

    def put(self, path: str, **body: Any) -> requests.Response:
        return self("PUT", path, json=body)

    def query(self, text: str, **variables: Any) -> requests.Response:
        body = {"query": text, "variables": variables}
        return self("POST", f"{self.server.url}/api/graphql", json=body)


@pytest.fixture
def http(gitlab_server: GitLabServer) -> Http:
    return Http(gitlab_server)


@pytest.fixture
def maintainer(gitlab_server: GitLabServer) -> Http:
    return Http(gitlab_server, MAINTAINER_TOKEN)


@pytest.fixture
def job(gitlab_server: GitLabServer) -> Http:
    return Http(gitlab_server, JOB_TOKEN)


def broken(server: GitLabServer) -> str:
    """What broke the description so far, taken off the record."""
    text = "\n".join(str(violation) for violation in server.violations)
    server.violations.clear()
    return text


# ---------------------------------------------------------------------- the description


def test_every_described_operation_is_answered_and_names_its_page() -> None:
    operations = description.load().operations
    assert {o.id for o in operations} == set(rest.HANDLERS)
    assert len({o.id for o in operations}) == len(operations)
    for operation in operations:
        assert (operation.documentation or "").startswith("https://docs.gitlab.com/"), operation.id


def test_the_description_is_openapi_3_1_with_true_schemas() -> None:
    document = description.load().document
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_a_query_parameter_that_gitlab_does_not_have_is_a_violation_and_is_ignored(
    http: Http, gitlab_server: GitLabServer
) -> None:
    assert http.get(f"{http.mr}/notes", per_pages=5).status_code == 200
    assert "query parameter per_pages is not described" in broken(gitlab_server)


def test_user_ids_without_brackets_come_back_as_everybody_and_are_a_violation(
    http: Http, gitlab_server: GitLabServer
) -> None:
    assert len(http.get(f"{http.project}/members/all", user_ids=[11]).json()) == 5
    assert "user_ids" in broken(gitlab_server)


def test_a_body_with_a_wrong_type_is_a_violation_and_refused(
    http: Http, gitlab_server: GitLabServer
) -> None:
    answer = http.post(f"{http.mr}/notes", body=7)
    assert (answer.status_code, answer.json()) == (400, {"error": "body is invalid"})
    assert "at $.body: 7 is not of type 'string'" in broken(gitlab_server)


def test_a_body_that_lacks_something_is_a_violation_and_refused(
    http: Http, gitlab_server: GitLabServer
) -> None:
    answer = http.post(f"{http.mr}/notes")
    assert (answer.status_code, answer.json()) == (400, {"error": "body is missing"})
    assert "'body' is a required property" in broken(gitlab_server)


def test_a_body_as_a_form_is_a_violation(http: Http, gitlab_server: GitLabServer) -> None:
    http("POST", f"{http.mr}/notes", data={"body": "hello"})
    assert "x-www-form-urlencoded" in broken(gitlab_server)


def test_an_unknown_path_is_a_violation(http: Http, gitlab_server: GitLabServer) -> None:
    answer = http.get("/projects/1/made_up")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    assert "/made_up" in broken(gitlab_server)


def test_a_project_path_with_its_slash_unencoded_is_another_path(
    http: Http, gitlab_server: GitLabServer
) -> None:
    assert http.get("/projects/group/shop").status_code == 404
    assert "unknown" in broken(gitlab_server)
    assert http.get("/projects/group%2Fshop").json()["id"] == PROJECT_ID


def test_a_reply_that_is_not_as_described_is_a_violation(
    http: Http, gitlab_server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rest.HANDLERS, "getUser", lambda _: Reply.of({"id": "eleven"}))
    http.get("/user")
    said = broken(gitlab_server)
    assert "getUser: the reply" in said
    assert "'username' is a required property" in said


def test_the_fixture_fails_a_test_that_broke_the_description(gitlab_server: GitLabServer) -> None:
    Http(gitlab_server).get("/nowhere")
    with pytest.raises(AssertionError, match="nowhere"):
        gitlab_server.check()
    gitlab_server.violations.clear()


def test_a_graphql_query_that_the_schema_does_not_know_is_a_violation(
    http: Http, gitlab_server: GitLabServer
) -> None:
    answer = http.query("{ currentUser { nickname } }").json()
    assert answer["errors"][0]["message"] == "Field 'nickname' doesn't exist on type 'CurrentUser'"
    assert answer["errors"][0]["extensions"]["code"] == "undefinedField"
    assert "nickname" in broken(gitlab_server)


# ---------------------------------------------------------------------- tokens


def test_a_project_token_is_its_bot(http: Http) -> None:
    me = http.get("/user").json()
    assert me["bot"]
    assert me["username"].startswith(f"project_{PROJECT_ID}_bot_")
    token = http.get("/personal_access_tokens/self").json()
    assert (token["user_id"], token["scopes"], token["active"]) == (me["id"], ["api"], True)


def test_a_bearer_token_does_as_well(gitlab_server: GitLabServer) -> None:
    http = Http(gitlab_server, None, Authorization=f"Bearer {MAINTAINER_TOKEN}")
    assert http.get("/user").json()["username"] == "carol"


@pytest.mark.parametrize(
    ("change", "said"),
    [("revoked", "Token was revoked."), ("expired", "Token is expired.")],
)
def test_a_token_that_is_no_longer_good_is_401_as_oauth_says_it(
    http: Http, gitlab_shop: Shop, change: str, said: str
) -> None:
    setattr(gitlab_shop.state.tokens[TOKEN], change, True)
    answer = http.get("/user")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.json()["error_description"].startswith(said)


def test_a_token_that_nobody_has_is_401(gitlab_server: GitLabServer) -> None:
    answer = Http(gitlab_server, "glpat-unheard-of").get(f"/projects/{PROJECT_ID}")
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_a_token_for_reading_may_not_write(gitlab_server: GitLabServer, gitlab_shop: Shop) -> None:
    gitlab_shop.state.tokens[TOKEN].scopes = ["read_api"]
    http = Http(gitlab_server)
    assert http.get(http.mr).status_code == 200
    answer = http.post(f"{http.mr}/notes", body="hello")
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.json()["scope"] == "api"


def test_a_private_project_is_404_to_strangers_and_to_nobody(
    gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    gitlab_shop.state.add_token("glpat-mallory", "mallory")
    for token in ("glpat-mallory", None):
        answer = Http(gitlab_server, token).get(f"/projects/{PROJECT_ID}")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_nobody_may_read_what_is_public_but_no_notes(
    gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    gitlab_shop.project.visibility = "public"
    nobody = Http(gitlab_server, None)
    assert nobody.get(nobody.mr).status_code == 200
    assert nobody.get(f"{nobody.mr}/notes").status_code == 401
    assert nobody.get("/user").status_code == 401


@pytest.mark.parametrize(
    ("level", "reads", "writes", "status"),
    [(GUEST, 403, 404, 403), (REPORTER, 200, 201, 403), (DEVELOPER, 200, 201, 201)],
)
def test_what_a_token_may_do_depends_on_its_level(
    gitlab_server: GitLabServer, gitlab_shop: Shop, level: int, reads: int, writes: int, status: int
) -> None:
    gitlab_shop.state.add_bot_token("glpat-level", project="group/shop", level=level)
    http = Http(gitlab_server, "glpat-level")
    head = gitlab_shop.state.head(gitlab_shop.merge_request)
    assert http.get(http.mr).status_code == reads
    assert http.post(f"{http.mr}/notes", body="hello").status_code == writes
    answer = http.post(f"{http.project}/statuses/{head}", state="success", name="gate")
    assert answer.status_code == status


def test_a_job_token_reads_little_and_writes_nothing(job: Http, gitlab_shop: Shop) -> None:
    head = gitlab_shop.state.head(gitlab_shop.merge_request)
    assert job.get("/job").json()["pipeline"]["sha"] == head
    assert job.get(job.mr).json()["sha"] == head
    assert job.get(f"{job.mr}/notes").status_code == 200
    found = job.get(f"{job.project}/repository/commits/{head}/merge_requests").json()
    assert [mr["iid"] for mr in found] == [7]
    refused = [
        job.get(f"{job.mr}/discussions"),
        job.get(f"{job.project}/members/all"),
        job.post(f"{job.mr}/notes", body="hello"),
        job.post(f"{job.project}/statuses/{head}", state="success"),
        job.get("/user"),
        job.get("/personal_access_tokens/self"),
    ]
    assert {answer.status_code for answer in refused} == {401}
    # Answered to nobody at all where that is allowed: a private project is not there.
    for path in (job.project, f"{job.mr}/approvals", f"{job.mr}/versions"):
        assert job.get(path).json() == {"message": "404 Project Not Found"}


def test_a_job_token_is_for_its_own_project(job: Http, gitlab_shop: Shop) -> None:
    state = gitlab_shop.state
    other = state.add_project("group/other", id=99, repository=gitlab_shop.project.repository)
    other.members.update(gitlab_shop.project.members)
    assert job.get("/projects/99/merge_requests").status_code == 404
    other.job_token_from.append(PROJECT_ID)
    assert job.get("/projects/99/merge_requests").json() == []


def test_a_job_token_as_a_private_token_is_refused(gitlab_server: GitLabServer) -> None:
    http = Http(gitlab_server, None, **{"PRIVATE-TOKEN": JOB_TOKEN})
    assert http.get(http.mr).status_code == 401


# ---------------------------------------------------------------------- merge requests


def test_versions_are_the_clock_of_pushes_and_a_note_says_who_pushed(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    shop = gitlab_shop
    first = http.get(http.mr).json()
    head = commit(gitlab_repository, {"more.yaml": "a: 1\n"}, "More", "bob")
    shop.state.push(shop.merge_request, "bob")
    versions = http.get(f"{http.mr}/versions").json()
    assert [v["head_commit_sha"] for v in versions] == [head, first["sha"]]
    assert versions[0]["created_at"] > versions[1]["created_at"]
    assert versions[0]["base_commit_sha"] == first["diff_refs"]["base_sha"]
    note = http.get(f"{http.mr}/notes").json()[0]
    assert (note["system"], note["author"]["username"]) == (True, "bob")
    assert note["body"].startswith("added 1 commit\n\n<ul><li>")
    assert f"diff_id={versions[0]['id']}&start_sha={first['sha']}" in note["body"]


def test_the_diff_is_empty_at_first_on_request(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    gitlab_server.no_diff_yet(gitlab_shop.merge_request, times=2)
    assert http.get(http.mr).json()["diff_refs"] is None
    assert http.get(f"{http.mr}/versions").json() == []
    ready = http.get(http.mr).json()
    assert ready["diff_refs"]["head_sha"] == ready["sha"]


def test_lists_are_filtered_and_a_commit_finds_its_merge_requests(
    http: Http, gitlab_shop: Shop
) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    found = http.get(f"{http.project}/merge_requests", state="opened", source_branch="change")
    assert [one["iid"] for one in found.json()] == [7]
    assert http.get(f"{http.project}/merge_requests", source_branch="other").json() == []
    state.merged(mr, "carol", merge_commit=gitlab_shop.project.git.tip("main"))
    commits = f"{http.project}/repository/commits"
    by_merge = http.get(f"{commits}/{mr.merge_commit}/merge_requests").json()
    assert [(one["iid"], one["state"]) for one in by_merge] == [(7, "merged")]
    assert http.get(f"{commits}/{state.head(mr)}/merge_requests", state="opened").json() == []
    assert http.get(f"{commits}/{'0' * 40}/merge_requests").status_code == 404


def test_opening_a_merge_request_twice_is_a_conflict(http: Http, gitlab_repository: Path) -> None:
    subprocess.run(["git", "-C", gitlab_repository, "branch", "revert"], check=True)
    wanted = {"source_branch": "revert", "target_branch": "main", "title": "Draft: Revert"}
    made = http.post(f"{http.project}/merge_requests", **wanted, labels="a,b")
    assert made.status_code == 201
    assert (made.json()["iid"], made.json()["draft"]) == (8, True)
    assert made.json()["labels"] == ["a", "b"]
    again = http.post(f"{http.project}/merge_requests", **wanted)
    assert again.status_code == 409
    assert again.json()["message"] == [
        "Another open merge request already exists for this source branch: !8"
    ]
    missing = http.post(f"{http.project}/merge_requests", **{**wanted, "source_branch": "gone"})
    assert missing.status_code == 400


def test_the_former_path_of_a_project_leads_to_its_id(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    gitlab_shop.state.moved["group/old"] = PROJECT_ID
    answer = http("GET", "/projects/group%2Fold/merge_requests/7", allow_redirects=False)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{gitlab_server.api}{http.mr}"
    wrote = http.post("/projects/group%2Fold/merge_requests/7/notes", body="hello")
    assert wrote.status_code == 404
    seen = http.query('{ project(fullPath: "group/old") { id } }').json()
    assert seen == {"data": {"project": None}}


def test_a_branch_shows_its_tip_and_its_protection(http: Http, gitlab_shop: Shop) -> None:
    main = http.get(f"{http.project}/repository/branches/main").json()
    assert main["commit"]["id"] == gitlab_shop.project.git.tip("main")
    assert (main["protected"], main["can_push"]) == (True, False)
    assert http.get(f"{http.project}/repository/branches/gone").status_code == 404


# ---------------------------------------------------------------------- approvals


def test_on_free_any_approval_counts_and_premium_is_not_there(
    http: Http, maintainer: Http, gitlab_shop: Shop
) -> None:
    gitlab_shop.state.approve(gitlab_shop.merge_request, "bob")
    seen = http.get(f"{http.mr}/approvals").json()
    assert set(seen) == {"user_has_approved", "user_can_approve", "approved", "approved_by"}
    assert seen["approved"]
    assert [entry["user"]["username"] for entry in seen["approved_by"]] == ["bob"]
    assert seen["approved_by"][0]["approved_at"].endswith("Z")
    for path in (f"{http.mr}/approval_state", f"{http.project}/approvals"):
        assert http.get(path).status_code == 404
    assert maintainer.get(f"{http.project}/push_rule").status_code == 404


def test_the_enterprise_edition_without_a_licence_answers_at_length_and_approves_of_anything(
    http: Http, maintainer: Http, gitlab_shop: Shop
) -> None:
    gitlab_shop.state.enterprise = True
    gitlab_shop.project.rules.append(ApprovalRule(id=1, name="any", required=2))
    seen = http.get(f"{http.mr}/approvals").json()
    assert (seen["approved"], seen["approvals_required"], seen["approved_by"]) == (True, 0, [])
    assert not seen["merge_request_approvers_available"]
    assert maintainer.get(f"{http.project}/push_rule").json() == {"message": "404 Not Found"}
    assert http.get("/metadata").json()["enterprise"]


def test_older_servers_do_not_say_when(http: Http, gitlab_shop: Shop) -> None:
    gitlab_shop.state.approved_at = False
    gitlab_shop.state.approve(gitlab_shop.merge_request, "bob")
    assert set(http.get(f"{http.mr}/approvals").json()["approved_by"][0]) == {"user"}


def test_premium_counts_by_rule_and_takes_approvals_back_on_a_push(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    state.premium = True
    sre = state.group("group/sre").id
    gitlab_shop.project.rules.append(ApprovalRule(id=1, name="sre", required=1, groups=[sre]))
    state.approve(mr, "bob")
    seen = http.get(f"{http.mr}/approvals").json()
    assert (seen["approved"], seen["approvals_left"]) == (False, 1)
    state.approve(mr, "dave")
    assert http.get(f"{http.mr}/approvals").json()["approved"]
    rule = http.get(f"{http.mr}/approval_state").json()["rules"][0]
    assert (rule["approved"], [u["username"] for u in rule["approved_by"]]) == (True, ["dave"])
    assert rule["contains_hidden_groups"], "the bot is no member of the private group"
    assert len(http.get(f"{http.mr}/approval_rules").json()) == 1
    assert len(http.get(f"{http.project}/approval_rules").json()) == 1
    assert http.get(f"{http.project}/approvals").json()["reset_approvals_on_push"]
    commit(gitlab_repository, {"more.yaml": "a: 1\n"}, "More", "alice")
    state.push(mr, "alice")
    assert http.get(f"{http.mr}/approvals").json()["approved_by"] == []


def test_only_a_bot_may_reset_approvals(http: Http, maintainer: Http, gitlab_shop: Shop) -> None:
    gitlab_shop.state.approve(gitlab_shop.merge_request, "bob")
    assert maintainer.put(f"{http.mr}/reset_approvals").status_code == 401
    assert http.put(f"{http.mr}/reset_approvals").status_code == 202
    assert http.get(f"{http.mr}/approvals").json()["approved_by"] == []


# ---------------------------------------------------------------------- people


def test_members_are_inherited_and_invited_and_asked_for_by_id(
    http: Http, gitlab_shop: Shop
) -> None:
    state = gitlab_shop.state
    guests = state.add_group("guests", members={state.user("mallory").id: DEVELOPER})
    state.groups[21].invited.append(Invitation(group=guests.id, level=REPORTER))
    members = {m["username"]: m["access_level"] for m in http.get(
        f"{http.project}/members/all", per_page=100
    ).json()}  # fmt: skip
    assert members["carol"] == 40
    assert members["mallory"] == 20, "no more than the invitation gives"
    some = http.get(f"{http.project}/members/all", **{"user_ids[]": [11, 13]}).json()
    assert [m["id"] for m in some] == [11, 13]
    assert http.get(f"{http.project}/members/all/12").json()["access_level"] == 30
    assert http.get(f"{http.project}/members/all/4096").status_code == 404


def test_a_subgroup_has_the_members_of_the_groups_above_and_may_be_invisible(
    http: Http, maintainer: Http
) -> None:
    seen = maintainer.get("/groups/group%2Fsre/members/all").json()
    assert {m["username"] for m in seen} == {"carol", "dave"}
    assert maintainer.get("/groups/group%2Fsre").json()["parent_id"] == 21
    assert http.get("/groups/group%2Fsre/members/all").json() == {"message": "404 Group Not Found"}


def test_members_of_an_invited_private_group_are_hidden_from_outsiders(
    http: Http, gitlab_shop: Shop
) -> None:
    state = gitlab_shop.state
    secret = state.add_group("secret", members={state.user("mallory").id: DEVELOPER})
    gitlab_shop.project.invited.append(Invitation(group=secret.id, level=DEVELOPER))
    names = {m["username"] for m in http.get(f"{http.project}/members/all").json()}
    assert "mallory" not in names
    secret.visibility = "public"
    names = {m["username"] for m in http.get(f"{http.project}/members/all").json()}
    assert "mallory" in names


def test_protection_is_for_maintainers_and_an_unset_push_rule_is_null(
    http: Http, maintainer: Http, gitlab_shop: Shop
) -> None:
    assert http.get(f"{http.project}/protected_branches").status_code == 403
    (main,) = maintainer.get(f"{http.project}/protected_branches").json()
    assert (main["name"], main["allow_force_push"]) == ("main", False)
    assert "code_owner_approval_required" not in main
    assert maintainer.get(f"{http.project}/protected_branches/main").json()["name"] == "main"
    gitlab_shop.state.premium = True
    (main,) = maintainer.get(f"{http.project}/protected_branches").json()
    assert main["code_owner_approval_required"] is False
    unset = maintainer.get(f"{http.project}/push_rule")
    assert (unset.status_code, unset.text) == (200, "null")


# ---------------------------------------------------------------------- notes


def test_a_note_is_written_changed_and_removed(http: Http, gitlab_shop: Shop) -> None:
    made = http.post(f"{http.mr}/notes", body="hello")
    assert (made.status_code, made.json()["type"]) == (201, None)
    path = f"{http.mr}/notes/{made.json()['id']}"
    changed = http.put(path, body="hello again").json()
    assert changed["updated_at"] > changed["created_at"]
    assert http.get(path).json()["body"] == "hello again"
    same = http.put(path, body="hello again").json()
    assert same["updated_at"] == changed["updated_at"]
    assert http("DELETE", path).status_code == 204
    assert http.get(path).status_code == 404
    assert http("DELETE", path).status_code == 404


def test_other_peoples_notes_are_for_maintainers_and_system_notes_for_nobody(
    http: Http, maintainer: Http, gitlab_shop: Shop
) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    note = state.comment(mr, "bob", "mine")
    system = state.system_note(mr, "bob", "did something", action="commit")
    assert http.put(f"{http.mr}/notes/{note.id}", body="no").status_code == 403
    assert maintainer.put(f"{http.mr}/notes/{note.id}", body="yes").status_code == 200
    assert note.edited_by == state.user("carol").id
    assert maintainer("DELETE", f"{http.mr}/notes/{system.id}").status_code == 403


@pytest.mark.slow
def test_the_limits_of_notes(http: Http, gitlab_shop: Shop) -> None:
    limits = gitlab_shop.state.limits
    assert (limits.note_characters, limits.notes) == (1_000_000, 5_000)
    full = http.post(f"{http.mr}/notes", body="ü" * 1_000_000)
    assert full.status_code == 201
    over = http.post(f"{http.mr}/notes", body="x" * 1_000_001)
    assert over.status_code == 400
    assert "is too long (maximum is 1000000 characters)" in over.json()["message"]
    limits.notes = 1
    assert "Maximum number of comments" in http.post(f"{http.mr}/notes", body="x").text


def test_bodies_that_the_database_cannot_hold_are_refused(http: Http) -> None:
    for body in ("a\0b", "a\ud800b"):
        assert http.post(f"{http.mr}/notes", body=body).status_code == 400


def test_bodies_are_stored_without_returns_and_trailing_space(http: Http) -> None:
    made = http.post(f"{http.mr}/notes", body="one\r\n\r\ntwo  \n\n").json()
    assert made["body"] == "one\n\ntwo"


def test_quick_actions_are_run_recorded_and_taken_out(http: Http, gitlab_shop: Shop) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    made = http.post(f"{http.mr}/notes", body="Look:\n/label ~urgent\n/approve\nthat was it")
    assert made.json()["body"] == "Look:\nthat was it"
    assert [(c.name, c.argument) for c in state.commands] == [("label", "~urgent"), ("approve", "")]
    assert mr.labels == ["urgent"]
    assert [a.user for a in mr.approvals] == [state.tokens[TOKEN].user]
    only = http.post(f"{http.mr}/notes", body="/close")
    assert (only.status_code, only.json()["commands_changes"]) == (202, {"state_event": "close"})
    assert mr.state == "closed"


def test_quick_actions_run_in_changed_notes_too(http: Http, gitlab_shop: Shop) -> None:
    made = http.post(f"{http.mr}/notes", body="hello").json()
    changed = http.put(f"{http.mr}/notes/{made['id']}", body="hello\n/close\n")
    assert changed.json()["body"] == "hello"
    assert gitlab_shop.merge_request.state == "closed"


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("/close", ["close"]),
        ("a\n/CLOSE\nb", ["close"]),
        ("a\r\n/close\r\n", ["close"]),
        ("> quoted\n/close", ["close"]),
        ("- item\n/close", ["close"]),
        ("| a |\n|---|\n/close", ["close"]),
        ("<details>\n\n/close\n\n</details>", ["close"]),
        ("~~~\n/close\n~~~", ["close"]),
        ("``` \n/close", ["close"]),
        ("a /close", []),
        (" /close", []),
        ("/closely", []),
        ("/nothing of gitlab's", []),
        ("\\/close", []),
        ("&#47;close", []),
        ("> /close", []),
        ("```\n/close\n```", []),
        ("`/close`", []),
    ],
)
def test_which_lines_are_quick_actions(text: str, commands: list[str]) -> None:
    left, found = extract(text)
    assert [command.name for command in found] == commands
    if not commands:
        assert left == text.replace("\r", "").rstrip()


def test_a_command_ends_with_its_line() -> None:
    left, found = extract("one\n/label ~a ~b\ntwo\n/title x\n")
    assert (left, found) == ("one\ntwo", (Command("label", "~a ~b"), Command("title", "x")))


# ---------------------------------------------------------------------- discussions


def place(shop: Shop, **lines: Any) -> dict[str, Any]:
    newest = shop.merge_request.newest
    assert newest is not None
    return {
        "position_type": "text",
        "base_sha": newest.base,
        "start_sha": newest.start,
        "head_sha": newest.head,
        "old_path": "app/config.yaml",
        "new_path": "app/config.yaml",
        **lines,
    }


@pytest.mark.parametrize(
    "lines",
    [
        {"new_line": 20},
        {"new_line": 21},
        {"old_line": 20},
        {"old_line": 19, "new_line": 19},
        {"old_line": 21, "new_line": 22},
        {"old_line": 40, "new_line": 41},
        {"old_line": 1, "new_line": 1},
    ],
    ids=str,
)
def test_a_comment_sits_on_a_line_that_the_diff_has(
    http: Http, gitlab_shop: Shop, lines: dict[str, int]
) -> None:
    made = http.post(f"{http.mr}/discussions", body="here", position=place(gitlab_shop, **lines))
    assert made.status_code == 201
    (note,) = made.json()["notes"]
    assert (note["type"], note["resolvable"], note["resolved"]) == ("DiffNote", True, False)
    assert {name: note["position"][name] for name in lines} == lines


@pytest.mark.parametrize(
    "wrong",
    [
        {"new_line": 19},
        {"old_line": 19},
        {"old_line": 20, "new_line": 20},
        {"old_line": 22, "new_line": 22},
        {"new_line": 400},
        {"new_line": 20, "new_path": "README.md", "old_path": "README.md"},
        {"new_line": 20, "old_path": "elsewhere.yaml"},
        {"new_line": 20, "head_sha": "0" * 40},
        {"new_line": 20, "base_sha": "1" * 40},
    ],
    ids=str,
)
def test_a_position_that_is_on_no_line_of_the_diff_is_refused(
    http: Http, gitlab_shop: Shop, wrong: dict[str, Any]
) -> None:
    made = http.post(f"{http.mr}/discussions", body="here", position=place(gitlab_shop, **wrong))
    assert made.status_code == 400
    assert made.json()["message"] == (
        """400 Bad request - Note {:line_code=>["can't be blank", "must be a valid line code"]}"""
    )
    assert http.get(f"{http.mr}/discussions").json() == []


def test_positions_are_of_the_newest_version(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    old = place(gitlab_shop, new_line=20)
    commit(gitlab_repository, {"more.yaml": "a: 1\n"}, "More", "alice")
    gitlab_shop.state.push(gitlab_shop.merge_request, "alice")
    assert http.post(f"{http.mr}/discussions", body="here", position=old).status_code == 400
    new = place(gitlab_shop, new_line=1, new_path="more.yaml", old_path="more.yaml")
    assert http.post(f"{http.mr}/discussions", body="here", position=new).status_code == 201


def test_renamed_and_removed_files_have_lines_too(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    text = (gitlab_repository / "app/config.yaml").read_text("utf-8")
    files = {"app/config.yaml": None, "app/renamed.yaml": text, "README.md": None}
    commit(gitlab_repository, files, "Move", "alice")
    gitlab_shop.state.push(gitlab_shop.merge_request, "alice")
    moved = place(gitlab_shop, new_line=20, new_path="app/renamed.yaml")
    assert http.post(f"{http.mr}/discussions", body="here", position=moved).status_code == 201
    gone = place(gitlab_shop, old_line=1, new_path="README.md", old_path="README.md")
    assert http.post(f"{http.mr}/discussions", body="here", position=gone).status_code == 201


def test_a_position_without_its_ids_is_incomplete(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    position = place(gitlab_shop, new_line=20)
    del position["start_sha"]
    made = http.post(f"{http.mr}/discussions", body="here", position=position)
    assert made.status_code == 400
    assert ":position=>" in made.json()["message"]
    assert "start_sha" in broken(gitlab_server)


def line_code(old: int, new: int) -> str:
    return f"{hashlib.sha1(b'app/config.yaml').hexdigest()}_{old}_{new}"


def test_a_range_of_lines_is_named_by_line_codes(http: Http, gitlab_shop: Shop) -> None:
    ends = {
        "start": {"line_code": line_code(19, 19), "type": "old", "old_line": 19, "new_line": 19},
        "end": {"line_code": line_code(21, 21), "type": "new", "new_line": 21},
    }
    position = place(gitlab_shop, new_line=21, line_range=ends)
    made = http.post(f"{http.mr}/discussions", body="here", position=position)
    assert made.json()["notes"][0]["position"]["line_range"] == ends
    ends["start"]["line_code"] = line_code(18, 19)
    made = http.post(f"{http.mr}/discussions", body="here", position=position)
    assert (made.status_code, made.json()["message"]) == (
        400,
        """400 Bad request - Note {:position=>["must be a valid json schema"]}""",
    )


def test_a_discussion_is_answered_and_resolved(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    state = gitlab_shop.state
    made = http.post(
        f"{http.mr}/discussions", body="here", position=place(gitlab_shop, new_line=20)
    ).json()
    path = f"{http.mr}/discussions/{made['id']}"
    answered = http.post(f"{path}/notes", body="indeed")
    assert (answered.status_code, answered.json()["type"]) == (201, "DiffNote")
    changed = http.put(f"{path}/notes/{made['notes'][0]['id']}", body="there")
    assert changed.json()["body"] == "there"
    resolved = http.put(path, resolved=True).json()
    assert [note["resolved"] for note in resolved["notes"]] == [True, True]
    assert resolved["notes"][0]["resolved_by"]["id"] == state.tokens[TOKEN].user
    opened = http("PUT", path, params={"resolved": "false"}).json()
    assert not opened["notes"][0]["resolved"]
    assert http("DELETE", f"{path}/notes/{answered.json()['id']}").status_code == 204
    state.add_bot_token("glpat-reporter", project="group/shop", level=REPORTER)
    reporter = Http(gitlab_server, "glpat-reporter")
    assert reporter.put(path, resolved=True).status_code == 403


def test_discussions_hold_notes_and_system_notes_in_their_order(
    http: Http, gitlab_shop: Shop
) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    state.comment(mr, "bob", "first")
    state.approve(mr, "bob")
    http.post(f"{http.mr}/notes", body="third")
    found = http.get(f"{http.mr}/discussions").json()
    assert [d["notes"][0]["body"] for d in found] == [
        "first",
        "approved this merge request",
        "third",
    ]
    assert [d["individual_note"] for d in found] == [True, True, True]
    newest_first = [n["body"] for n in http.get(f"{http.mr}/notes").json()]
    assert newest_first == ["third", "approved this merge request", "first"]
    only = http.get(f"{http.mr}/notes", activity_filter="only_activity", sort="asc").json()
    assert [n["body"] for n in only] == ["approved this merge request"]


# ---------------------------------------------------------------------- statuses


def test_a_status_moves_on_in_the_newest_pipeline(http: Http, gitlab_shop: Shop) -> None:
    head = gitlab_shop.state.head(gitlab_shop.merge_request)
    post, read = f"{http.project}/statuses/{head}", f"{http.project}/repository/commits/{head}"
    first = http.post(post, state="pending", name="gate", description="waits").json()
    pipeline = gitlab_shop.state.head_pipeline(gitlab_shop.merge_request)
    assert pipeline is not None
    assert (first["pipeline_id"], first["ref"]) == (pipeline.id, "refs/merge-requests/7/head")
    again = http.post(post, state="pending", name="gate")
    assert again.status_code == 400
    assert again.json()["message"].startswith("Cannot transition status via :enqueue from :pending")
    second = http.post(post, state="success", name="gate", target_url="https://ci.example/1")
    assert (second.json()["id"], second.json()["status"]) == (first["id"], "success")
    third = http.post(post, state="failed", name="gate").json()
    assert third["id"] != first["id"], "an ended status is followed by another one"
    assert [s["id"] for s in http.get(f"{read}/statuses").json()] == [third["id"]]
    everything = http.get(f"{read}/statuses", all=True).json()
    assert [s["id"] for s in everything] == [first["id"], third["id"]]


@pytest.mark.parametrize(("before", "after"), [("running", "pending"), ("running", "skipped")])
def test_a_status_does_not_go_back(http: Http, gitlab_shop: Shop, before: str, after: str) -> None:
    post = f"{http.project}/statuses/{gitlab_shop.state.head(gitlab_shop.merge_request)}"
    assert http.post(post, state=before).status_code == 201
    assert http.post(post, state=after).status_code == 400


def test_a_status_belongs_to_who_set_it(http: Http, maintainer: Http, gitlab_shop: Shop) -> None:
    post = f"{http.project}/statuses/{gitlab_shop.state.head(gitlab_shop.merge_request)}"
    mine = http.post(post, state="pending", name="gate").json()
    other = maintainer.post(post, state="success", name="gate").json()
    assert other["id"] != mine["id"]


def test_a_commit_without_a_pipeline_gets_an_external_one(http: Http, gitlab_shop: Shop) -> None:
    state = gitlab_shop.state
    state.pipelines.clear()
    head = state.head(gitlab_shop.merge_request)
    made = http.post(f"{http.project}/statuses/{head}", state="success").json()
    assert (made["ref"], made["name"]) == ("change", "default")
    assert state.pipelines[made["pipeline_id"]].source == "external"


def test_statuses_that_have_no_place_are_refused(http: Http, gitlab_shop: Shop) -> None:
    head = gitlab_shop.state.head(gitlab_shop.merge_request)
    unknown = http.post(f"{http.project}/statuses/{'0' * 40}", state="success")
    assert (unknown.status_code, unknown.json()["message"]) == (404, "404 Commit Not Found")
    other = http.post(f"{http.project}/statuses/{head}", state="success", pipeline_id=4)
    assert other.json()["message"] == "404 Pipeline for pipeline_id, sha and ref Not Found"
    long = http.post(f"{http.project}/statuses/{head}", state="success", description="x" * 256)
    assert long.status_code == 400


def test_the_head_of_a_fork_is_on_no_branch_here(
    http: Http, gitlab_shop: Shop, tmp_path: Path
) -> None:
    state = gitlab_shop.state
    path = tmp_path / "fork"
    source = str(gitlab_shop.project.git.path)
    subprocess.run(["git", "clone", "-q", "-b", "main", source, str(path)], check=True)
    subprocess.run(["git", "-C", str(path), "checkout", "-q", "-b", "forked"], check=True)
    head = commit(path, {"new.yaml": "a: 1\n"}, "From a fork", "mallory")
    fork = state.add_project(
        "mallory/shop", id=9, repository=type(gitlab_shop.project.git)(path), fork_of=PROJECT_ID
    )
    state.open_merge_request(PROJECT_ID, "forked", author="mallory", source_project=fork.id)
    mr = http.get(f"{http.project}/merge_requests/8").json()
    assert (mr["sha"], mr["source_project_id"], mr["project_id"]) == (head, 9, PROJECT_ID)
    post = f"{http.project}/statuses/{head}"
    lost = http.post(post, state="success")
    assert lost.json()["message"] == "404 References for commit Not Found"
    assert http.post(post, state="success", ref="refs/merge-requests/8/head").status_code == 201


def test_a_protected_branch_takes_no_status_from_developers(
    http: Http, maintainer: Http, gitlab_shop: Shop
) -> None:
    gitlab_shop.project.protected.append(ProtectedBranch(name="ch*"))
    post = f"{http.project}/statuses/{gitlab_shop.state.head(gitlab_shop.merge_request)}"
    gitlab_shop.state.pipelines.clear()
    assert http.post(post, state="success").status_code == 403
    assert maintainer.post(post, state="success").status_code == 201


# ---------------------------------------------------------------------- pages


@pytest.fixture
def many(gitlab_shop: Shop) -> list[str]:
    bodies = [f"note {number}" for number in range(45)]
    for body in bodies:
        gitlab_shop.state.comment(gitlab_shop.merge_request, "bob", body)
    return bodies


def pages(http: Http, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    answer = http.get(path, **query)
    while True:
        yield answer.json()
        following = answer.links.get("next")
        if following is None:
            return
        answer = http.get(following["url"])


def test_offset_pages_have_their_headers(http: Http, many: list[str]) -> None:
    first = http.get(f"{http.mr}/discussions")
    assert [len(page) for page in pages(http, f"{http.mr}/discussions")] == [20, 20, 5]
    names = ("X-Next-Page", "X-Page", "X-Per-Page", "X-Prev-Page", "X-Total", "X-Total-Pages")
    assert [first.headers[name] for name in names] == ["2", "1", "20", "", "45", "3"]
    assert set(first.links) == {"next", "first", "last"}
    last = http.get(f"{http.mr}/discussions", page=3)
    assert (last.headers["X-Next-Page"], last.headers["X-Prev-Page"]) == ("", "2")
    assert http.get(f"{http.mr}/discussions", page=4).json() == []


def test_a_page_holds_a_hundred_at_most(
    http: Http, gitlab_server: GitLabServer, many: list[str]
) -> None:
    assert len(http.get(f"{http.mr}/notes", per_page=100).json()) == 45
    assert http.get(f"{http.mr}/notes", per_page=0).status_code == 400
    assert "per_page" in broken(gitlab_server)


def test_keyset_pages_are_followed_by_their_link_alone(
    http: Http, gitlab_shop: Shop, many: list[str]
) -> None:
    refused = http.get(f"{http.mr}/notes", pagination="keyset", order_by="created_at")
    assert refused.status_code == 405
    gitlab_shop.state.keyset.add("listNotes")
    found = [n["body"] for page in pages(http, f"{http.mr}/notes", sort="asc") for n in page]
    assert found == many
    answer = http.get(f"{http.mr}/notes", page=2)
    assert "X-Next-Page" not in answer.headers
    assert [n["body"] for n in answer.json()] == many[::-1][:20], "page means nothing here"


def test_counts_may_be_left_out(http: Http, gitlab_shop: Shop, many: list[str]) -> None:
    gitlab_shop.state.totals = False
    answer = http.get(f"{http.mr}/notes")
    assert "X-Total" not in answer.headers
    assert set(answer.links) == {"next", "first"}


def test_links_stay_below_a_relative_root(
    gitlab_shop: Shop, start_gitlab: Callable[..., GitLabServer], many: list[str]
) -> None:
    server = start_gitlab(gitlab_shop.state, root="/deep/gitlab")
    http = Http(server)
    assert server.url.endswith("/deep/gitlab")
    assert http.get(http.mr).json()["web_url"].startswith(f"{server.url}/group/shop/-/")
    found = [n["body"] for page in pages(http, f"{http.mr}/notes", sort="asc") for n in page]
    assert found == many
    assert http.query("{ currentUser { bot } }").json()["data"]["currentUser"]["bot"]
    assert http("GET", f"{server.origin}/api/v4/user").status_code == 404
    assert "unknown" in broken(server)


# ---------------------------------------------------------------------- GraphQL

_CONTRIBUTORS = """
query($path: ID!, $iid: String!) {
  project(fullPath: $path) {
    id
    repository { rootRef commit(ref: "refs/heads/main") { sha } }
    mergeRequest(iid: $iid) {
      diffHeadSha
      author { username bot }
      committers { nodes { username } }
      commits(first: 100) {
        pageInfo { hasNextPage }
        nodes { sha authorEmail committerEmail author { id username } }
      }
    }
  }
}
"""


def test_graphql_knows_the_accounts_behind_commits(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    state = gitlab_shop.state
    state.user("alice").emails = ["Alice@Example.com"]
    commit(gitlab_repository, {"more.yaml": "a: 1\n"}, "By nobody known", "stranger")
    state.push(gitlab_shop.merge_request, "bob")
    data = http.query(_CONTRIBUTORS, path="group/shop", iid="7").json()["data"]["project"]
    assert data["id"] == f"gid://gitlab/Project/{PROJECT_ID}"
    assert data["repository"]["commit"]["sha"] == gitlab_shop.project.git.tip("main")
    mr = data["mergeRequest"]
    assert mr["diffHeadSha"] == state.head(gitlab_shop.merge_request)
    assert [c["author"] and c["author"]["username"] for c in mr["commits"]["nodes"]] == [
        None,
        "alice",
    ]
    assert mr["committers"]["nodes"] == [{"username": "alice"}]


def test_graphql_leaves_out_committers_of_merge_commits(
    http: Http, gitlab_shop: Shop, gitlab_repository: Path
) -> None:
    def git(*arguments: str) -> None:
        name = ["-c", "user.name=Bob", "-c", "user.email=bob@example.com"]
        subprocess.run(["git", "-C", str(gitlab_repository), *name, *arguments], check=True)

    git("checkout", "-q", "main")
    commit(gitlab_repository, {"base.yaml": "a: 1\n"}, "On main", "carol")
    git("checkout", "-q", "change")
    commit(gitlab_repository, {"own.yaml": "a: 1\n"}, "On change", "alice")
    git("merge", "-q", "--no-ff", "-m", "Merge main", "main")
    gitlab_shop.state.push(gitlab_shop.merge_request, "bob")
    mr = http.query(_CONTRIBUTORS, path="group/shop", iid="7").json()["data"]["project"][
        "mergeRequest"
    ]
    assert len(mr["commits"]["nodes"]) == 3
    assert mr["committers"]["nodes"] == [{"username": "alice"}]


def test_graphql_shows_nothing_to_those_who_may_not_see_it(
    gitlab_server: GitLabServer, job: Http
) -> None:
    seen = job.query(_CONTRIBUTORS, path="group/shop", iid="7").json()
    assert seen == {"data": {"project": None}}
    bad = Http(gitlab_server, "glpat-unheard-of").query("{ currentUser { id } }")
    assert (bad.status_code, bad.json()) == (401, {"errors": [{"message": "Invalid token"}]})


def test_graphql_finds_projects_by_path_alone(http: Http) -> None:
    data = http.query("query($p: ID!) { project(fullPath: $p) { id } }", p=str(PROJECT_ID)).json()
    assert data == {"data": {"project": None}}


def test_graphql_pages_are_followed_by_their_cursor(http: Http, many: list[str]) -> None:
    text = """query($after: String) { project(fullPath: "group/shop") { mergeRequest(iid: "7") {
        notes(first: 30, after: $after) {
          nodes { body lastEditedBy { id } } pageInfo { hasNextPage endCursor }
        } } } }"""
    found: list[str] = []
    after = None
    for _ in range(2):
        data = http.query(text, after=after).json()["data"]["project"]["mergeRequest"]["notes"]
        found += [node["body"] for node in data["nodes"]]
        after = data["pageInfo"]["endCursor"]
    assert found == many
    assert not data["pageInfo"]["hasNextPage"]


def test_graphql_refuses_what_is_too_complex(http: Http) -> None:
    one = 'mergeRequest(iid: "7") { commits { nodes { sha title message webUrl } } }'
    many = " ".join(f"m{number}: {one}" for number in range(40))
    answer = http.query(f'{{ project(fullPath: "group/shop") {{ {many} }} }}').json()
    assert answer["errors"][0]["message"] == (
        "Query has complexity of 361, which exceeds max complexity of 250"
    )


def test_an_older_graphql_refuses_a_query_with_a_newer_field_as_a_whole(
    http: Http, gitlab_shop: Shop
) -> None:
    gitlab_shop.state.version = "16.11.10"
    answer = http.query(_CONTRIBUTORS, path="group/shop", iid="7").json()
    assert "data" not in answer
    assert answer["errors"][0]["message"] == "Field 'commit' doesn't exist on type 'Repository'"


def test_graphql_says_who_asks_for_changes(http: Http, gitlab_shop: Shop) -> None:
    gitlab_shop.merge_request.reviewers[gitlab_shop.state.user("bob").id] = "UNREVIEWED"
    text = """{ project(fullPath: "group/shop") { mergeRequest(iid: "7") { reviewers { nodes {
        username mergeRequestInteraction { reviewState } } } } } }"""

    def review_state() -> str:
        data = http.query(text).json()["data"]["project"]["mergeRequest"]
        return str(data["reviewers"]["nodes"][0]["mergeRequestInteraction"]["reviewState"])

    assert review_state() == "UNREVIEWED"
    gitlab_shop.state.request_changes(gitlab_shop.merge_request, "bob")
    assert review_state() == "REQUESTED_CHANGES"
    gitlab_shop.state.approve(gitlab_shop.merge_request, "bob")
    assert review_state() == "APPROVED"


def test_the_graphql_schema_of_every_version_is_whole() -> None:
    for version in ("15.0", "16.0", "17.10", "19.1"):
        assert graphql_api.schema_for(version).query_type is not None


# ---------------------------------------------------------------------- faults and the log


def test_too_many_requests_say_how_long_to_wait(http: Http, gitlab_shop: Shop) -> None:
    gitlab_shop.state.limits = Limits(requests=2)
    assert http.get("/user").headers["RateLimit-Remaining"] == "1"
    http.get("/user")
    over = http.get("/user")
    assert (over.status_code, over.text) == (429, "Retry later\n")
    assert 1 <= int(over.headers["Retry-After"]) <= 60
    assert over.headers["RateLimit-Remaining"] == "0"
    assert int(over.headers["RateLimit-Reset"]) > time.time()


def test_too_many_notes_are_refused_alone(http: Http, gitlab_shop: Shop) -> None:
    gitlab_shop.state.limits = Limits(notes_created=1)
    assert http.post(f"{http.mr}/notes", body="one").status_code == 201
    over = http.post(f"{http.mr}/notes", body="two")
    assert over.status_code == 429
    assert over.json()["message"]["error"].startswith("This endpoint has been requested too many")
    assert http.get(http.mr).status_code == 200


def test_502_after_the_note_was_stored(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    gitlab_server.faults.bad_gateway("createNote", committed=True)
    assert http.post(f"{http.mr}/notes", body="one").status_code == 502
    assert [note.body for note in gitlab_shop.merge_request.notes] == ["one"]
    (entry,) = gitlab_server.writes
    assert (entry.operation, entry.status) == ("createNote", 502)
    assert entry.fault == "502 after the write"


def test_a_dropped_connection_and_a_slow_answer(http: Http, gitlab_server: GitLabServer) -> None:
    gitlab_server.faults.drop("getMergeRequest")
    with pytest.raises(requests.ConnectionError):
        http.get(http.mr)
    gitlab_server.faults.slow("getMergeRequest", 0.6)
    with pytest.raises(requests.ReadTimeout):
        http("GET", http.mr, timeout=0.2)
    assert http.get(http.mr).status_code == 200


def test_a_redirect_leads_to_another_host(http: Http, gitlab_server: GitLabServer) -> None:
    with Loopback(Elsewhere()) as elsewhere:
        gitlab_server.faults.redirect("getMergeRequest", elsewhere.origin)
        answer = http("GET", http.mr, allow_redirects=False)
        assert answer.status_code == 307
        assert answer.headers["Location"].startswith(elsewhere.origin)


def test_stale_reads_show_an_older_state_and_writes_go_on(
    http: Http, gitlab_server: GitLabServer, gitlab_shop: Shop
) -> None:
    before = gitlab_shop.state.copy()
    made = http.post(f"{http.mr}/notes", body="one").json()
    gitlab_server.stale("list*", before)
    assert http.get(f"{http.mr}/notes").json() == []
    assert [note["id"] for note in http.get(f"{http.mr}/notes").json()] == [made["id"]]


def test_the_log_counts_rest_and_graphql(http: Http, gitlab_server: GitLabServer) -> None:
    http.get(http.mr)
    http.query("query mine { currentUser { id } }")
    http.post(f"{http.mr}/notes", body="one")
    assert [entry.operation for entry in gitlab_server.log] == [
        "getMergeRequest",
        "graphql/query/mine",
        "createNote",
    ]
    assert [entry.operation for entry in gitlab_server.writes] == ["createNote"]
    assert {entry.token for entry in gitlab_server.log} == {TOKEN}


# ---------------------------------------------------------------------- Git and the process


def test_git_is_served_to_tokens_and_a_push_makes_a_version(
    gitlab_server: GitLabServer, gitlab_shop: Shop, gitlab_repository: Path, tmp_path: Path
) -> None:
    state, mr = gitlab_shop.state, gitlab_shop.merge_request
    state.add_token("glpat-alice", "alice")

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)

    def address(user: str, token: str) -> str:
        return f"{gitlab_server.url}/group/shop.git".replace("://", f"://{user}:{token}@")

    clone = str(tmp_path / "clone")
    assert git("clone", "-q", address("oauth2", "wrong"), clone).returncode
    done = git("clone", "-q", "-b", "change", address("gitlab-ci-token", JOB_TOKEN), clone)
    assert done.returncode == 0, done.stderr
    fetched = git("-C", clone, "fetch", "-q", "origin", "refs/merge-requests/7/head")
    assert fetched.returncode == 0
    head = commit(Path(clone), {"more.yaml": "a: 1\n"}, "More", "alice")
    assert git("-C", clone, "push", "-q", "origin", "change").returncode, "a job may not push"
    done = git("-C", clone, "push", "-q", address("alice", "glpat-alice"), "change")
    assert done.returncode == 0, done.stderr
    assert state.head(mr) == head
    assert mr.notes[-1].author == state.user("alice").id
    assert broken(gitlab_server) == ""


@pytest.mark.slow
def test_the_server_as_a_process(gitlab_repository: Path, tmp_path: Path) -> None:
    told = {
        "users": [{"username": "alice", "id": 11}, {"username": "bob", "id": 12}],
        "groups": [{"path": "group", "id": 21}],
        "projects": [
            {
                "path": "group/shop",
                "id": PROJECT_ID,
                "members": {"alice": "developer", "bob": "developer"},
                "protected": [{"name": "main", "push": ["nobody"], "merge": ["maintainer"]}],
            }
        ],
        "merge_requests": [
            {"project": "group/shop", "source_branch": "change", "author": "alice", "iid": 7}
        ],
        "pipelines": [{"id": 90, "merge_request": "group/shop!7", "by": "alice"}],
        "tokens": [
            {"value": TOKEN, "project": "group/shop", "level": "developer"},
            {"value": JOB_TOKEN, "pipeline": 90},
        ],
    }
    file = tmp_path / "state.json"
    file.write_text(json.dumps(told), "utf-8")
    command = [sys.executable, "-m", "tests.forges.gitlab", "--root", "/gl"]
    command += ["--repository", str(gitlab_repository), "--state", str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            _talk_to_the_process(url)
        finally:
            process.terminate()
    assert process.returncode == 0


def _talk_to_the_process(url: str) -> None:
    origin = url.removesuffix("/gl")
    header = {"PRIVATE-TOKEN": TOKEN}
    notes = f"{url}/api/v4/projects/{PROJECT_ID}/merge_requests/7/notes"
    action = {"action": "approve", "merge_request": "group/shop!7", "by": "bob"}
    fault = {"kind": "bad_gateway", "operation": "createNote", "committed": True}
    told = requests.post(f"{origin}/__state", json={"do": [action], "faults": [fault]}, timeout=20)
    assert told.status_code == 201, told.text
    body = {"body": "hello\n/close"}
    assert requests.post(notes, json=body, headers=header, timeout=20).status_code == 502
    seen = requests.get(f"{origin}/__state", timeout=20).json()
    (mr,) = seen["merge_requests"]
    assert mr["approved_by"] == ["bob"]
    assert [note["body"] for note in mr["notes"]] == ["approved this merge request", "hello"]
    assert [command["name"] for command in seen["commands"]] == ["close"]
    log = requests.get(f"{origin}/__log", timeout=20).json()
    assert [(entry["operation"], entry["write"]) for entry in log] == [("createNote", True)]
    assert requests.get(f"{origin}/__violations", timeout=20).json() == []
    assert requests.post(f"{origin}/__state", json={"do": [{}]}, timeout=20).status_code == 400
