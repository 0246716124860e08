"""The audit against forges of our own: every hole, what is unknown, and that nothing is written."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.json_report import json_schema
from gitops_gate.cli import main
from tests.engines import ROOT
from tests.forges.github.server import GitHubServer
from tests.forges.github.shapes import Shapes
from tests.forges.github.state import ACTIONS_APP, Repository
from tests.forges.gitlab import scenario
from tests.forges.gitlab.entities import VARIABLE_VALUE
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import AccessEntry, ApprovalRule, Project, ProtectedBranch
from tests.unit.source.repositories import GitRepository

TOKEN = "ghs_audit"
OWN_APP = 77
DEPLOY = "refs/heads/deploy/production"
ATTESTED = "refs/heads/gitops-gate/attestations"
DELIVERY = f"delivery: {{branches: {{main: {{ref: {DEPLOY}}}}}}}\n"
WORKFLOW_FILE = ".github/workflows/gate.yml"
WORKFLOW = """\
name: gate
on: pull_request_target
jobs:
  judge:
    name: Judge the change
    runs-on: ubuntu-latest
    steps:
      - run: gitops-gate review
  deliver:
    runs-on: ubuntu-latest
    environment: delivery
    steps:
      - run: gitops-gate deliver
  lint:
    runs-on: ubuntu-latest
    steps:
      - run: make lint
"""


@dataclass
class Site:
    """A checkout, a forge, and the audit of it as a person's command."""

    git: GitRepository
    server: Any
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    host: Any = None
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        for name, value in self.environment.items():
            self.monkeypatch.setenv(name, value)
        self.capfd.readouterr()
        code = main(["audit", "--repo", str(self.git.folder), *self.kind(arguments)])
        captured = self.capfd.readouterr()
        return code, captured.out, captured.err

    def audit(self, *arguments: str) -> dict[str, Any]:
        """The report as JSON, held against its schema, with the exit code that it says."""
        code, out, err = self.run("--format", "json", *arguments)
        assert out, err
        report: dict[str, Any] = json.loads(out)
        jsonschema.validate(report, json_schema())
        assert report["exitCode"] == code
        return report

    def kind(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """A loopback's address does not say which forge it is."""
        forge = "gitlab" if isinstance(self.server, GitLabServer) else "github"
        return ("--forge", forge, *arguments)

    def push(self, files: dict[str, str | None]) -> None:
        """Commit to main; what the forge shows and the checkout has are the same repository."""
        for path, content in files.items():
            if content is None:
                (self.git.folder / path).unlink()
            else:
                self.git.write(path, content)
        self.git.commit()


def ids(report: dict[str, Any], kind: str, ref: str | None = "refs/heads/main") -> set[str]:
    """The ids of one kind for a ref, or for the repository as a whole."""
    return {one["id"] for one in report[kind] if one["ref"] == ref}


def all_ids(report: dict[str, Any], kind: str) -> set[str]:
    return {one["id"] for one in report[kind]}


def clear_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "CI", "GITHUB_TOKEN", "GH_TOKEN",
        "GITLAB_TOKEN", "CI_JOB_TOKEN",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


# ------------------------------------------------------------------------------------- GitHub


def sealed_ruleset() -> dict[str, Any]:
    return {
        "id": 1,
        "name": "main",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [],
        "rules": [
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {
                "type": "pull_request",
                "parameters": {
                    "dismiss_stale_reviews_on_push": True,
                    "require_code_owner_review": True,
                    "require_last_push_approval": True,
                    "required_approving_review_count": 1,
                    "required_review_thread_resolution": False,
                },
            },
            {
                "type": "required_status_checks",
                "parameters": {
                    "required_status_checks": [
                        {"context": "gitops-gate", "integration_id": OWN_APP}
                    ],
                    "strict_required_status_checks_policy": True,
                },
            },
        ],
    }


def tag_ruleset() -> dict[str, Any]:
    return {
        "id": 2,
        "name": "tags",
        "target": "tag",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
        "bypass_actors": [],
        "rules": [
            {"type": "update", "parameters": {"update_allows_fetch_and_merge": False}},
            {"type": "deletion"},
        ],
    }


def delivery_ruleset() -> dict[str, Any]:
    return {
        "id": 3,
        "name": "delivery",
        "target": "branch",
        "enforcement": "active",
        "conditions": {
            "ref_name": {
                "include": ["refs/heads/deploy/*", "refs/heads/gitops-gate/*"],
                "exclude": [],
            }
        },
        "bypass_actors": [
            {"actor_id": OWN_APP, "actor_type": "Integration", "bypass_mode": "always"}
        ],
        "rules": [
            {"type": "creation"},
            {"type": "update", "parameters": {"update_allows_fetch_and_merge": False}},
            {"type": "deletion"},
            {"type": "non_fast_forward"},
        ],
    }


@dataclass
class GitHubSite(Site):
    """`acme/shop`, sealed: everything is as the documentation recommends."""

    @property
    def repository(self) -> Repository:
        found: Repository = self.host
        return found

    def rule(self, kind: str, number: int = 0) -> dict[str, Any]:
        """The parameters of a rule of a ruleset, to be changed in place."""
        rules = self.repository.rulesets[number]["rules"]
        found: dict[str, Any] = next(one for one in rules if one["type"] == kind)["parameters"]
        return found

    def without(self, kind: str, number: int = 0) -> None:
        ruleset = self.repository.rulesets[number]
        ruleset["rules"] = [one for one in ruleset["rules"] if one["type"] != kind]


@pytest.fixture
def github(
    tmp_path: Path,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> GitHubSite:
    clear_ci(monkeypatch)
    return sealed_github(tmp_path, github_server, monkeypatch, capfd)


def sealed_github(
    tmp_path: Path,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> GitHubSite:
    """See `GitHubSite`."""
    git = GitRepository(tmp_path / "checkout")
    pinned = f"forge: {{url: {github_server.origin}}}\n"
    git.write(".gitops-gate.yaml", f"version: 1\n{pinned}{DELIVERY}")
    git.write(".github/workflows/gate.yml", WORKFLOW)
    git.write(".github/CODEOWNERS", "* @acme/platform\n")
    git.commit()
    git.git("branch", "deploy/production")
    git.git("branch", "gitops-gate/attestations")
    git.git("remote", "add", "origin", f"{github_server.origin}/acme/shop.git")
    repository = github_server.repository("acme/shop", git.folder, number=4711)
    repository.methods.update(squash=False, rebase=False)
    repository.rulesets.extend([sealed_ruleset(), tag_ruleset(), delivery_ruleset()])
    repository.environments["delivery"] = ["main"]
    github_server.token(
        TOKEN,
        permissions={
            "contents": "write",
            "actions": "read",
            "administration": "write",
            "organization_administration": "write",
        },
    )
    site = GitHubSite(git, github_server, monkeypatch, capfd, host=repository)
    site.environment = {"GITOPS_GATE_TOKEN": TOKEN}
    return site


def test_a_sealed_repository_on_github_has_no_hole(github: GitHubSite) -> None:
    report = github.audit("--delivery-ref", DEPLOY)
    assert report["holes"] == []
    # The number of Actions' app is asked of a server that is not github.com.
    assert report["unknown"] == []
    assert report["exitCode"] == 0
    assert report["branches"] == ["main"]
    known = {name for name, entry in CATALOGUE.items() if "github" in entry.remedies}
    assert all_ids(report, "fine") == known


def required(*checks: tuple[str, int | None]) -> Callable[[GitHubSite], None]:
    def change(site: GitHubSite) -> None:
        site.rule("required_status_checks")["required_status_checks"] = [
            {"context": context} | ({} if app is None else {"integration_id": app})
            for context, app in checks
        ]

    return change


def reviewed(**parameters: object) -> Callable[[GitHubSite], None]:
    return lambda site: site.rule("pull_request").update(parameters)


def classic(site: GitHubSite) -> None:
    site.repository.rulesets.pop(0)
    site.repository.protections["main"] = {
        "enforce_admins": {"enabled": False},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    }


def unprotected(site: GitHubSite) -> None:
    site.repository.rulesets.pop(0)


def bypassed(site: GitHubSite) -> None:
    site.repository.rulesets[0]["bypass_actors"] = [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}
    ]


def bypassed_by_organisation(site: GitHubSite) -> None:
    bypassed(site)
    site.repository.rulesets[0].update(source_type="Organization", source="acme")


def allowing(**permissions: object) -> Callable[[GitHubSite], None]:
    return lambda site: site.repository.workflow_permissions.update(permissions)


def owning(text: str) -> Callable[[Site], None]:
    return lambda site: site.push({".github/CODEOWNERS": text})


def first_place_open(site: Site) -> None:
    site.push({".github/CODEOWNERS": None, "docs/CODEOWNERS": "* @acme/all\n/CODEOWNERS\n"})


def tags_bypassed(site: GitHubSite) -> None:
    site.repository.rulesets[1]["bypass_actors"] = [
        {"actor_type": "DeployKey", "actor_id": None, "bypass_mode": "always"}
    ]


def idle(site: GitHubSite) -> None:
    site.repository.rulesets.append({**sealed_ruleset(), "id": 9, "enforcement": "evaluate"})


def status_is_a_job(site: GitHubSite) -> None:
    site.push({".github/workflows/gate.yml": WORKFLOW.replace("Judge the change", "gitops-gate")})


GITHUB_HOLES: list[tuple[str, str | None, Callable[[GitHubSite], None]]] = [
    ("audit/branch-unprotected", "refs/heads/main", unprotected),
    ("audit/direct-push", "refs/heads/main", lambda site: site.without("pull_request")),
    ("audit/force-push", "refs/heads/main", lambda site: site.without("non_fast_forward")),
    ("audit/deletion", "refs/heads/main", lambda site: site.without("deletion")),
    ("audit/status-not-required", "refs/heads/main", required(("build", OWN_APP))),
    ("audit/status-not-required", "refs/heads/main",
     lambda site: site.without("required_status_checks")),
    ("audit/status-from-anyone", "refs/heads/main", required(("gitops-gate", None))),
    ("audit/status-from-actions", "refs/heads/main", required(("gitops-gate", ACTIONS_APP))),
    ("audit/job-required", "refs/heads/main",
     required(("gitops-gate", OWN_APP), ("Judge the change", ACTIONS_APP))),
    ("audit/job-required", "refs/heads/main",
     required(("gitops-gate", OWN_APP), ("Judge the change (prod)", ACTIONS_APP))),
    ("audit/job-required", "refs/heads/main", status_is_a_job),
    ("audit/not-up-to-date", "refs/heads/main",
     lambda site: site.rule("required_status_checks").update(
         strict_required_status_checks_policy=False)),
    ("audit/admins-exempt", "refs/heads/main", classic),
    ("audit/bypass", "refs/heads/main", bypassed),
    ("audit/bypass", "refs/heads/main", bypassed_by_organisation),
    ("audit/reviews-not-required", "refs/heads/main",
     reviewed(required_approving_review_count=0)),
    ("audit/stale-approvals", "refs/heads/main", reviewed(dismiss_stale_reviews_on_push=False)),
    ("audit/last-pusher-approves", "refs/heads/main",
     reviewed(require_last_push_approval=False)),
    ("audit/code-owners", "refs/heads/main", reviewed(require_code_owner_review=False)),
    ("audit/ci-editable", "refs/heads/main", reviewed(require_code_owner_review=False)),
    ("audit/ci-editable", "refs/heads/main", owning("* @acme/all\n/.github/workflows/\n")),
    ("audit/ci-editable", "refs/heads/main", owning("* @acme/all\n/.github/workflows/gate.yml\n")),
    ("audit/ci-editable", "refs/heads/main",
     lambda site: site.push({".github/CODEOWNERS": None})),
    ("audit/codeowners-unowned", "refs/heads/main", owning("* @acme/all\n/.github/CODEOWNERS\n")),
    ("audit/codeowners-unowned", "refs/heads/main", first_place_open),
    ("audit/rules-unowned", "refs/heads/main", owning("* @acme/all\n/.gitops-gate.yaml\n")),
    ("audit/rules-unowned", "refs/heads/main", owning("* @acme/all\n/policies/\n")),
    ("audit/job-token-writes", None, allowing(default_workflow_permissions="write")),
    ("audit/jobs-approve", None, allowing(can_approve_pull_request_reviews=True)),
    ("audit/tags", None, lambda site: site.without("update", 1)),
    ("audit/tags", None,
     lambda site: site.repository.rulesets[1]["conditions"]["ref_name"].update(
         include=["refs/tags/v*"])),
    ("audit/bypass", "refs/tags/*", tags_bypassed),
    ("audit/ruleset-idle", None, idle),
    ("audit/merge-method", None, lambda site: site.repository.methods.update(squash=True)),
    ("audit/delivery-ref", DEPLOY, lambda site: site.without("update", 2)),
    ("audit/delivery-ref", DEPLOY,
     lambda site: site.repository.rulesets[2]["bypass_actors"].append(
         {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"})),
    ("audit/delivery-ref", DEPLOY,
     lambda site: site.repository.rulesets[2]["bypass_actors"].append(
         {"actor_id": 78, "actor_type": "Integration", "bypass_mode": "always"})),
    ("audit/attestation-branch", ATTESTED,
     lambda site: site.repository.rulesets[2]["conditions"]["ref_name"]["include"].pop()),
    ("audit/job-token-delivers", DEPLOY, lambda site: site.without("update", 2)),
    ("audit/job-token-delivers", ATTESTED,
     lambda site: site.repository.rulesets[2]["bypass_actors"].append(
         {"actor_id": ACTIONS_APP, "actor_type": "Integration", "bypass_mode": "always"})),
    ("audit/delivering-environment", None,
     lambda site: site.repository.environments.update(delivery=None)),
    ("audit/delivering-environment", None,
     lambda site: site.repository.environments.update(delivery=["main", "refs/tags/v*"])),
    ("audit/delivering-environment", None, lambda site: site.repository.environments.clear()),
    ("audit/delivering-environment", None,
     lambda site: site.push({WORKFLOW_FILE: WORKFLOW.replace("environment: delivery", "")})),
    ("audit/force-push", DEPLOY, lambda site: site.without("non_fast_forward", 2)),
    ("audit/force-push", ATTESTED, lambda site: site.without("non_fast_forward", 2)),
    ("audit/deletion", DEPLOY, lambda site: site.without("deletion", 2)),
]  # fmt: skip


def named(one: object) -> str:
    """The same id in every worker: a function's own name holds its address."""
    return "opens" if callable(one) else str(one)


@pytest.mark.parametrize(("hole", "ref", "opens"), GITHUB_HOLES, ids=named)
def test_github_opened_by_one_setting_is_said_to_be(
    github: GitHubSite, hole: str, ref: str | None, opens: Callable[[GitHubSite], None]
) -> None:
    opens(github)
    report = github.audit("--delivery-ref", DEPLOY)
    assert hole in ids(report, "holes", ref)
    assert hole not in ids(report, "fine", ref)
    noted = {one["severity"] for one in report["holes"]} == {"note"}
    assert report["exitCode"] == (0 if noted else 1)


def test_every_hole_of_github_is_opened_by_a_test() -> None:
    known = {name for name, entry in CATALOGUE.items() if "github" in entry.remedies}
    assert {name for name, _, _ in GITHUB_HOLES} == known


def test_a_merge_queue_makes_up_for_a_check_that_is_not_strict(github: GitHubSite) -> None:
    github.rule("required_status_checks")["strict_required_status_checks_policy"] = False
    github.repository.rulesets[0]["rules"].append({"type": "merge_queue"})
    assert "audit/not-up-to-date" in ids(github.audit("--branch", "main"), "fine")


def test_one_entry_that_is_bound_is_enough(github: GitHubSite) -> None:
    required(("gitops-gate", None), ("gitops-gate", OWN_APP))(github)
    assert github.audit("--branch", "main")["holes"] == []


def test_a_status_of_another_name_is_read_from_the_branch(github: GitHubSite) -> None:
    origin = github.server.origin
    github.push(
        {
            ".gitops-gate.yaml": f"version: 1\nforge: {{url: {origin}}}\n"
            "review: {check_name: delivery gate}\n"
        }
    )
    assert "audit/status-not-required" in ids(github.audit("--branch", "main"), "holes")
    required(("delivery gate", OWN_APP))(github)
    assert github.audit("--branch", "main")["holes"] == []


def test_classic_protection_alone_can_seal_a_branch(github: GitHubSite) -> None:
    github.repository.rulesets.pop(0)
    github.repository.protections["main"] = {
        "required_status_checks": {
            "strict": True,
            "contexts": ["gitops-gate"],
            "checks": [{"context": "gitops-gate", "app_id": OWN_APP}],
        },
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": True,
            "require_last_push_approval": True,
            "required_approving_review_count": 2,
        },
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    }
    assert github.audit("--branch", "main")["holes"] == []


def test_people_who_need_no_pull_request_are_a_bypass(github: GitHubSite) -> None:
    test_classic_protection_alone_can_seal_a_branch(github)
    reviews = github.repository.protections["main"]["required_pull_request_reviews"]
    shapes = Shapes(github.server.world, github.server.api_url, github.server.origin)
    mallory = shapes.user(github.server.account("mallory"))
    reviews["bypass_pull_request_allowances"] = {"users": [mallory], "teams": []}
    holes = [
        one for one in github.audit("--branch", "main")["holes"] if one["id"] == "audit/bypass"
    ]
    assert [one["message"] for one in holes] == ["may pass the rules by: @mallory"]


# ------------------------------------------------------------------------------- what is unknown


def test_what_the_token_may_not_read_is_unknown_and_never_fine(github: GitHubSite) -> None:
    github.repository.protections["main"] = {"enforce_admins": {"enabled": False}}
    github.server.token("ghs_small", permissions={"contents": "read"})
    github.environment["GITOPS_GATE_TOKEN"] = "ghs_small"
    report = github.audit("--branch", "main")
    assert report["exitCode"] == 2
    unknown = ids(report, "unknown")
    assert "audit/bypass" in unknown
    assert ids(report, "unknown", None) == {
        "audit/jobs-approve", "audit/job-token-writes", "audit/merge-method",
    }  # fmt: skip
    assert not unknown & (ids(report, "fine") | ids(report, "holes"))
    needs = {one["needs"] for one in report["unknown"]}
    assert "administration: read" in needs
    assert any(one.startswith("contents: write") for one in needs)


def test_an_environment_that_the_token_may_not_read_is_unknown(github: GitHubSite) -> None:
    github.repository.private = True
    github.server.token("ghs_no_actions", permissions={
        "contents": "write", "administration": "write", "organization_administration": "write",
    })  # fmt: skip
    github.environment["GITOPS_GATE_TOKEN"] = "ghs_no_actions"
    report = github.audit("--branch", "main")
    (unknown,) = report["unknown"]
    assert (unknown["id"], unknown["needs"]) == ("audit/delivering-environment", "actions: read")


def test_of_a_ruleset_of_the_organisation_only_its_owners_see_the_bypass_list(
    github: GitHubSite,
) -> None:
    github.repository.rulesets[0].update(source_type="Organization", source="acme")
    github.server.token(
        "ghs_repo",
        permissions={"contents": "write", "administration": "write", "actions": "read"},
    )  # fmt: skip
    github.environment["GITOPS_GATE_TOKEN"] = "ghs_repo"
    report = github.audit("--branch", "main")
    assert all_ids(report, "unknown") == {"audit/bypass"}
    assert report["exitCode"] == 2
    assert "organization_administration" in report["unknown"][0]["needs"]


def test_unknown_outranks_a_hole(github: GitHubSite) -> None:
    required(("gitops-gate", None))(github)
    github.server.token("ghs_repo", permissions={"contents": "write"})
    github.environment["GITOPS_GATE_TOKEN"] = "ghs_repo"
    report = github.audit("--branch", "main")
    assert "audit/status-from-anyone" in all_ids(report, "holes")
    assert report["exitCode"] == 2


def test_a_note_that_is_unknown_decides_nothing(github: GitHubSite) -> None:
    github.server.token(
        "ghs_no_merging",
        permissions={"contents": "read", "administration": "write", "actions": "read"},
    )
    github.environment["GITOPS_GATE_TOKEN"] = "ghs_no_merging"
    report = github.audit("--branch", "main")
    assert all_ids(report, "unknown") == {"audit/merge-method"}
    assert report["exitCode"] == 0


def test_a_branch_that_was_not_fetched_has_unknown_files(github: GitHubSite) -> None:
    github.server.commit(github.repository, "release/1", {"a.yaml": "a: 1\n"})
    github.git.git("update-ref", "-d", "refs/heads/release/1")
    github.repository.branches["release/1"] = github.git.git("rev-parse", "main").strip()
    report = github.audit("--branch", "release/2")
    unknown = ids(report, "unknown", "refs/heads/release/2")
    assert "audit/rules-unowned" in unknown
    assert report["exitCode"] == 2


def test_a_delivery_ref_that_is_not_there_yet_is_judged_by_rulesets(github: GitHubSite) -> None:
    ref = "refs/heads/deploy/later"
    report = github.audit("--delivery-ref", ref)
    assert ids(report, "fine", ref) == {
        "audit/delivery-ref", "audit/force-push", "audit/deletion", "audit/job-token-delivers",
    }  # fmt: skip
    github.without("creation", 2)
    assert "audit/delivery-ref" in ids(github.audit("--delivery-ref", ref), "holes", ref)
    github.repository.rulesets.pop(2)
    assert "audit/delivery-ref" in ids(github.audit("--delivery-ref", ref), "unknown", ref)


def test_a_delivery_ref_outside_branches_and_tags_cannot_be_protected(github: GitHubSite) -> None:
    report = github.audit("--delivery-ref", "refs/notes/gate", "--delivery-ref", "refs/tags/live")
    assert ids(report, "holes", "refs/notes/gate") == {"audit/delivery-ref"}
    assert ids(report, "fine", "refs/tags/live") == {"audit/delivery-ref"}


def test_protected_branches_are_audited_besides_the_default_one(github: GitHubSite) -> None:
    github.git.git("branch", "release/1")
    github.repository.rulesets[0]["conditions"]["ref_name"]["include"].append(
        "refs/heads/release/*"
    )
    report = github.audit("--delivery-ref", DEPLOY)
    assert report["branches"] == ["main", "release/1"]
    assert report["holes"] == []


def test_what_the_configuration_delivers_to_is_audited_unasked(github: GitHubSite) -> None:
    github.without("update", 2)
    report = github.audit()
    for ref, hole in ((DEPLOY, "audit/delivery-ref"), (ATTESTED, "audit/attestation-branch")):
        assert hole in ids(report, "holes", ref)
        assert "audit/direct-push" not in ids(report, "holes", ref)


def test_a_repository_whose_workflows_do_not_deliver_has_a_note(github: GitHubSite) -> None:
    github.push({WORKFLOW_FILE: WORKFLOW.replace("gitops-gate deliver", "make deliver")})
    report = github.audit()
    assert report["exitCode"] == 0
    assert all_ids(report, "unknown") == {"audit/delivering-environment"}


def test_refs_of_a_pattern_of_branches_are_audited_as_a_pattern(github: GitHubSite) -> None:
    pinned = f"version: 1\nforge: {{url: {github.server.origin}}}\n"
    release = DELIVERY.replace("{main:", '{"release/*": {ref: "refs/heads/deploy/{branch}"}, main:')
    github.push({".gitops-gate.yaml": f"{pinned}{release}"})
    pattern = "refs/heads/deploy/release/*"
    names = github.repository.rulesets[2]["conditions"]["ref_name"]
    names["include"] = [DEPLOY, ATTESTED]
    report = github.audit()
    assert "audit/delivery-ref" in ids(report, "unknown", pattern)
    names["include"].append("refs/heads/deploy/**/*")
    report = github.audit()
    assert (report["holes"], report["unknown"]) == ([], [])
    assert "audit/delivery-ref" in ids(report, "fine", pattern)


def test_a_repository_that_delivers_nothing_has_no_branch_of_attestations(
    github: GitHubSite,
) -> None:
    github.push({".gitops-gate.yaml": f"forge: {{url: {github.server.origin}}}\n"})
    report = github.audit()
    assert not all_ids(report, "fine") & {"audit/attestation-branch", "audit/delivery-ref"}


# ------------------------------------------------------------------------------------- GitLab


@dataclass
class GitLabSite(Site):
    """`group/shop`, sealed, on Premium."""

    @property
    def project(self) -> Project:
        found: Project = self.host
        return found

    @property
    def main(self) -> ProtectedBranch:
        return self.project.protected[0]


@pytest.fixture
def gitlab(
    tmp_path: Path,
    start_gitlab: Callable[..., GitLabServer],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> GitLabSite:
    clear_ci(monkeypatch)
    git = GitRepository(tmp_path / "checkout")
    git.write("CODEOWNERS", "* @group/sre\n")
    git.commit()
    git.git("branch", "change")
    git.git("commit", "--quiet", "--allow-empty", "--message", "Later")
    git.git("branch", "deploy/production")
    shop = scenario.shop(git.folder)
    server = start_gitlab(shop.state)
    git.write(".gitops-gate.yaml", f"version: 1\nforge: {{url: {server.url}}}\n{DELIVERY}")
    git.commit()
    git.git("remote", "add", "origin", f"{server.url}/group/shop.git")
    shop.state.premium = True
    project = shop.project
    nobody = AccessEntry(level=0)
    project.protected = [
        ProtectedBranch(name="main", push=[nobody], code_owners=True),
        ProtectedBranch(
            name="deploy/*", push=[AccessEntry(deploy_key=3)], merge=[nobody], code_owners=True
        ),
        ProtectedBranch(name="gitops-gate/*", push=[AccessEntry(deploy_key=3)], merge=[nobody]),
    ]
    project.rules = [ApprovalRule(id=1, name="two", required=2, users=[12, 13])]
    project.approvals.disable_overriding = True
    project.pipelines_must_succeed = True
    project.merge_trains = True
    project.squash_option = "never"
    project.ci_config_path = ".gitlab-ci.yml@group/ci"
    project.fork_pipelines = False
    project.protected_tags = ["*"]
    project.variables = {"GITOPS_GATE_TOKEN": True, "COLOUR": False}
    project.push_rule = {
        "id": 1, "project_id": project.id, "created_at": "2026-11-24T08:00:00.000Z",
        "commit_committer_check": True,
    }  # fmt: skip
    site = GitLabSite(git, server, monkeypatch, capfd, host=project)
    site.environment = {"GITOPS_GATE_TOKEN": scenario.MAINTAINER_TOKEN}
    return site


def test_a_sealed_project_on_gitlab_has_no_hole(gitlab: GitLabSite) -> None:
    report = gitlab.audit("--delivery-ref", DEPLOY, "--branch", "main")
    assert report["holes"] == []
    assert report["unknown"] == []
    assert report["exitCode"] == 0
    known = {name for name, entry in CATALOGUE.items() if "gitlab" in entry.remedies}
    assert all_ids(report, "fine") == known


def setting(**values: object) -> Callable[[GitLabSite], None]:
    def change(site: GitLabSite) -> None:
        for name, value in values.items():
            setattr(site.project, name, value)

    return change


def approving(**values: object) -> Callable[[GitLabSite], None]:
    def change(site: GitLabSite) -> None:
        for name, value in values.items():
            setattr(site.project.approvals, name, value)

    return change


def protecting(**values: object) -> Callable[[GitLabSite], None]:
    def change(site: GitLabSite) -> None:
        for name, value in values.items():
            setattr(site.main, name, value)

    return change


def own_pipeline(text: str) -> Callable[[GitLabSite], None]:
    def change(site: GitLabSite) -> None:
        site.project.ci_config_path = ""
        site.push({"CODEOWNERS": text})

    return change


def delivered_by_a_person(site: GitLabSite) -> None:
    site.project.job_token_pushes = True
    site.project.protected[1].push = [AccessEntry(user=13)]


MAIN = "refs/heads/main"
GITLAB_HOLES: list[tuple[str, str | None, Callable[[GitLabSite], object]]] = [
    ("audit/branch-unprotected", MAIN, lambda site: site.project.protected.pop(0)),
    ("audit/direct-push", MAIN, protecting(push=[AccessEntry(level=40)])),
    ("audit/direct-push", MAIN, protecting(push=[AccessEntry(user=13)])),
    ("audit/direct-push", MAIN,
     lambda site: site.project.protected.append(ProtectedBranch(name="ma*"))),
    ("audit/force-push", MAIN, protecting(force_push=True)),
    ("audit/status-not-required", MAIN, setting(pipelines_must_succeed=False)),
    ("audit/skipped-pipeline", None, setting(skipped_pipelines_pass=True)),
    ("audit/not-up-to-date", MAIN, setting(merge_trains=False)),
    ("audit/reviews-not-required", MAIN, setting(rules=[])),
    ("audit/reviews-not-required", MAIN,
     setting(rules=[ApprovalRule(id=1, name="r", required=2, branches=["deploy/*"])])),
    ("audit/stale-approvals", MAIN, approving(reset_on_push=False)),
    ("audit/author-approves", None, approving(author_may_approve=True)),
    ("audit/committers-approve", None, approving(committers_may_not_approve=False)),
    ("audit/approvers-overridable", None, approving(disable_overriding=False)),
    ("audit/code-owners", MAIN, protecting(code_owners=False)),
    ("audit/codeowners-unowned", MAIN,
     lambda site: site.push({"CODEOWNERS": "/apps/ @group/sre\n"})),
    ("audit/codeowners-unowned", MAIN,
     lambda site: site.push({"CODEOWNERS": "^[Optional]\n* @group/sre\n"})),
    ("audit/rules-unowned", MAIN, lambda site: site.push({"CODEOWNERS": "/apps/ @group/sre\n"})),
    ("audit/ci-editable", MAIN, own_pipeline("/apps/ @group/sre\n")),
    ("audit/ci-in-change", None, own_pipeline("* @group/sre\n")),
    ("audit/fork-pipelines", None, setting(fork_pipelines=True)),
    ("audit/variable-unprotected", None, setting(variables={"GITOPS_GATE_SIGNING_KEY": False})),
    ("audit/job-token-writes", None, setting(job_token_pushes=True)),
    ("audit/tags", None, setting(protected_tags=[])),
    ("audit/tags", None, setting(protected_tags=["v*"])),
    ("audit/merge-method", None, setting(squash_option="default_on")),
    ("audit/committer-unverified", None, setting(push_rule=None)),
    ("audit/delivery-ref", DEPLOY, lambda site: site.project.protected.pop(1)),
    ("audit/delivery-ref", DEPLOY,
     lambda site: setattr(site.project.protected[1], "merge", [AccessEntry(level=30)])),
    ("audit/attestation-branch", ATTESTED, lambda site: site.project.protected.pop(2)),
    ("audit/job-token-delivers", DEPLOY, delivered_by_a_person),
]  # fmt: skip


@pytest.mark.parametrize(("hole", "ref", "opens"), GITLAB_HOLES, ids=named)
def test_gitlab_opened_by_one_setting_is_said_to_be(
    gitlab: GitLabSite, hole: str, ref: str | None, opens: Callable[[GitLabSite], object]
) -> None:
    opens(gitlab)
    report = gitlab.audit("--delivery-ref", DEPLOY, "--branch", "main")
    assert hole in ids(report, "holes", ref)
    assert hole not in ids(report, "fine", ref)
    noted = {one["severity"] for one in report["holes"]} == {"note"}
    assert report["exitCode"] == (0 if noted else 1)


def test_every_hole_of_gitlab_is_opened_by_a_test() -> None:
    known = {name for name, entry in CATALOGUE.items() if "gitlab" in entry.remedies}
    assert {name for name, _, _ in GITLAB_HOLES} == known


def test_owners_of_the_pipeline_close_what_a_change_could_do_to_it(gitlab: GitLabSite) -> None:
    own_pipeline("* @group/sre\n")(gitlab)
    report = gitlab.audit("--branch", "main")
    assert "audit/ci-editable" in ids(report, "fine")
    assert all_ids(report, "holes") == {"audit/ci-in-change"}


def test_patterns_of_protected_branches_are_audited_as_such(gitlab: GitLabSite) -> None:
    gitlab.project.protected.append(
        ProtectedBranch(name="stable-*", push=[AccessEntry(deploy_key=3)])
    )
    report = gitlab.audit()
    assert report["branches"] == ["main", "stable-*"]
    assert "audit/direct-push" in ids(report, "holes", "refs/heads/stable-*")
    assert "audit/rules-unowned" not in ids(report, "unknown", "refs/heads/stable-*")


def test_patterns_for_deliveries_alone_are_no_branches_to_merge_into(gitlab: GitLabSite) -> None:
    report = gitlab.audit()
    assert report["branches"] == ["main"]
    assert (report["holes"], report["unknown"]) == ([], [])
    gitlab.project.protected[1].name = "*"
    assert gitlab.audit()["branches"] == ["main", "*"]


def test_an_open_signing_key_is_an_error_whatever_it_is_called(gitlab: GitLabSite) -> None:
    pinned = f"forge: {{url: {gitlab.server.url}}}\n"
    signing = "delivery: {signing: {key: env:RELEASE_SEAL}}\n"
    gitlab.push({".gitops-gate.yaml": pinned + signing})
    gitlab.project.variables["RELEASE_SEAL"] = False
    (hole,) = gitlab.audit("--branch", "main")["holes"]
    assert (hole["id"], hole["severity"]) == ("audit/variable-unprotected", "error")
    assert hole["message"] == "not protected: RELEASE_SEAL"


def test_a_sealed_project_on_gitlab_free_has_notes_alone(gitlab: GitLabSite) -> None:
    gitlab.server.state.premium = False
    gitlab.project.merge_method = "rebase_merge"
    report = gitlab.audit("--branch", "main")
    assert {one["severity"] for one in report["holes"]} == {"note"}
    assert "audit/reviews-not-required" in ids(report, "holes")
    assert not any(one["id"] == "audit/author-approves" for one in report["fine"])
    assert report["exitCode"] == 0


def test_values_of_variables_go_nowhere(gitlab: GitLabSite) -> None:
    gitlab.project.variables["GITLAB_TOKEN"] = False
    for format_ in ("text", "json", "sarif"):
        _, out, err = gitlab.run("--format", format_)
        assert "GITLAB_TOKEN" in out
        assert VARIABLE_VALUE not in out + err


def test_a_developer_of_gitlab_gets_unknown(gitlab: GitLabSite) -> None:
    gitlab.environment["GITOPS_GATE_TOKEN"] = scenario.TOKEN
    report = gitlab.audit("--branch", "main")
    assert report["exitCode"] == 2
    assert {"audit/direct-push", "audit/force-push"} <= ids(report, "unknown")
    assert {"audit/variable-unprotected", "audit/tags"} <= ids(report, "unknown", None)


def test_a_job_token_may_read_nothing_of_it(gitlab: GitLabSite) -> None:
    gitlab.environment["GITOPS_GATE_TOKEN"] = scenario.JOB_TOKEN
    code, out, err = gitlab.run()
    assert (code, out) == (2, "")
    assert "a CI_JOB_TOKEN may not read it" in err


# ------------------------------------------------------------------------------- how it is asked


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_nothing_is_ever_written(forge: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(forge)
    before = copy.deepcopy(vars(site.host)["protected" if forge == "gitlab" else "rulesets"])
    site.run("--delivery-ref", DEPLOY, "--delivery-ref", "refs/tags/live")
    asked = {(entry.method, entry.operation) for entry in site.server.log}
    assert len(asked) > 5
    assert {
        (method, operation)
        for method, operation in asked
        if method not in ("GET", "HEAD") and not operation.startswith("graphql/query/")
    } == set()
    assert vars(site.host)["protected" if forge == "gitlab" else "rulesets"] == before


def test_in_ci_the_run_says_which_repository_it_is(github: GitHubSite, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{}")
    github.git.git("remote", "remove", "origin")
    github.environment |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_REPOSITORY_ID": "4711",
        "GITHUB_EVENT_NAME": "schedule",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": github.server.api_url,
        "GITHUB_GRAPHQL_URL": github.server.graphql_url,
    }
    code, out, _ = github.run("--branch", "main")
    assert code == 0
    assert out.startswith("::stop-commands::")
    assert "acme/shop" in out


def test_json_on_stdout_is_json_in_ci_as_well(github: GitHubSite) -> None:
    github.environment |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_EVENT_NAME": "schedule",
    }
    assert github.audit("--branch", "main")["exitCode"] == 0


def test_what_is_written_to_a_file_is_what_stdout_would_have(
    github: GitHubSite, tmp_path: Path
) -> None:
    file = tmp_path / "audit.sarif"
    _, out, _ = github.run("--branch", "main", "--format", "sarif")
    code, nothing, _ = github.run("--branch", "main", "--format", "sarif", "--output", str(file))
    assert (code, nothing) == (0, "")
    assert file.read_text("utf-8") == out
    code, _, err = github.run("--output", str(tmp_path / "missing" / "audit.txt"))
    assert code == 2
    assert "cannot write" in err


@pytest.mark.slow
def test_enterprise_server_is_asked_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clear_ci(monkeypatch)
    with GitHubServer(edition="ghes-3.19") as server:
        site = sealed_github(tmp_path, server, monkeypatch, capfd)
        report = site.audit("--delivery-ref", DEPLOY)
        assert (report["holes"], report["unknown"]) == ([], [])
        server.check()


def test_variables_of_the_ci_do_not_redirect_the_token(github: GitHubSite, tmp_path: Path) -> None:
    with GitHubServer() as other:
        github.environment |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_EVENT_NAME": "schedule",
            "GITHUB_API_URL": other.api_url,
        }
        code, _, _ = github.run()
        assert code == 2
        assert other.log == ()


def test_another_repository_than_the_pinned_one_is_refused(github: GitHubSite) -> None:
    code, _, err = github.run("--forge-url", github.server.origin,
                              "--repository-id", "1")  # fmt: skip
    assert code == 2
    assert "not the pinned" in err


def test_a_remote_of_another_host_than_the_pinned_forge_is_refused(github: GitHubSite) -> None:
    github.git.git("remote", "set-url", "origin", "git@forge.example:acme/shop.git")
    code, _, err = github.run()
    assert code == 2
    assert "origin is at forge.example" in err
    assert github.server.log == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--offline",), "--offline: an audit asks the forge"),
        (("--delivery-ref", "deploy"), "is no full ref name"),
    ],
)
def test_what_cannot_be_audited_is_refused(
    github: GitHubSite, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = github.run(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_without_a_token_it_says_which_variables_it_looks_at(github: GitHubSite) -> None:
    github.environment = {}
    github.monkeypatch.delenv("GITOPS_GATE_TOKEN", raising=False)
    code, _, err = github.run()
    assert code == 2
    assert "GITOPS_GATE_TOKEN, GITHUB_TOKEN, GH_TOKEN" in err


def test_a_forge_that_fails_is_an_error_and_no_finding(github: GitHubSite) -> None:
    github.server.faults.bad_gateway("repos/get-branch-rules", times=None)
    code, out, err = github.run()
    assert (code, out) == (2, "")
    assert "gitops-gate:" in err


# ------------------------------------------------------------------------- the documented set-up


def set_up(forge: str) -> str:
    """What the documentation says of one forge."""
    text = (ROOT / "docs" / "audit.md").read_text("utf-8")
    heading = f"\n## A set-up that has no hole: {'GitHub' if forge == 'github' else 'GitLab'}\n"
    return text.split(heading, 1)[1].split("\n## ", 1)[0]


def documented(forge: str) -> list[tuple[str, str, Any]]:
    """The requests that the documentation shows for a forge: method, path and body."""
    pattern = r"`(POST|PUT|PATCH)\s+(/[^`]+)`:\n\n```json\n(.*?)```"
    found = re.findall(pattern, set_up(forge), re.DOTALL)
    return [(method, path, json.loads(body)) for method, path, body in found]


def documented_owners(forge: str) -> str:
    """The CODEOWNERS that the documentation shows for a forge."""
    return set_up(forge).split("```text\n", 1)[1].split("```", 1)[0]


def test_the_documented_set_up_of_github_closes_everything(github: GitHubSite) -> None:
    repository = github.repository
    repository.rulesets.clear()
    repository.methods.update(squash=True, rebase=True)
    repository.environments.clear()
    repository.workflow_permissions.update(
        default_workflow_permissions="write", can_approve_pull_request_reviews=True
    )
    github.push({".github/CODEOWNERS": documented_owners("github")})
    assert len(all_ids(github.audit("--delivery-ref", DEPLOY), "holes")) > 10
    requests_made = documented("github")
    assert len(requests_made) == 8
    for method, path, body in requests_made:
        url = github.server.api_url + path.format(owner="acme", repo="shop")
        headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "a person"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=10)
        assert answer.status_code in (200, 201, 204), answer.text
    report = github.audit("--delivery-ref", DEPLOY)
    assert (report["holes"], report["unknown"]) == ([], [])


def test_the_documented_set_up_of_gitlab_closes_everything(gitlab: GitLabSite) -> None:
    project = gitlab.project
    fresh = Project(id=project.id, path=project.path, group=project.group)
    for name in (
        "protected", "rules", "approvals", "push_rule", "protected_tags", "variables",
        "pipelines_must_succeed", "merge_trains", "squash_option", "ci_config_path",
        "fork_pipelines",
    ):  # fmt: skip
        setattr(project, name, getattr(fresh, name))
    gitlab.push({"CODEOWNERS": documented_owners("gitlab")})
    arguments = ("--delivery-ref", DEPLOY, "--branch", "main")
    assert len(all_ids(gitlab.audit(*arguments), "holes")) > 10
    made = documented("gitlab")
    assert len(made) == 9
    for _, path, body in made:
        apply_to(project, path.removeprefix("/projects/:id"), dict(body))
    report = gitlab.audit(*arguments)
    assert (report["holes"], report["unknown"]) == ([], [])


SETTINGS = {
    "ci_config_path": "ci_config_path",
    "only_allow_merge_if_pipeline_succeeds": "pipelines_must_succeed",
    "allow_merge_on_skipped_pipeline": "skipped_pipelines_pass",
    "merge_method": "merge_method",
    "squash_option": "squash_option",
    "merge_pipelines_enabled": "merge_trains",
    "merge_trains_enabled": "merge_trains",
    "ci_allow_fork_pipelines_to_run_in_parent_project": "fork_pipelines",
    "ci_push_repository_for_job_token_allowed": "job_token_pushes",
}


def apply_to(project: Project, path: str, body: dict[str, Any]) -> None:
    """Make of a project what a request would; an unknown path or field is a `KeyError`."""
    if path == "":
        for name, value in body.items():
            setattr(project, SETTINGS[name], value)
    elif path == "/protected_branches":
        values: dict[str, Any] = {
            kind: [AccessEntry(level=body.pop(f"{kind}_access_level"))]
            for kind in ("push", "merge")
            if f"{kind}_access_level" in body
        }
        for key in body.pop("allowed_to_push", ()):
            values.setdefault("push", []).append(AccessEntry(deploy_key=key["deploy_key_id"]))
        names = {
            "name": "name",
            "allow_force_push": "force_push",
            "code_owner_approval_required": "code_owners",
        }
        values |= {names[name]: value for name, value in body.items()}
        project.protected.append(ProtectedBranch(**values))
    elif path == "/protected_tags":
        project.protected_tags.append(body["name"])
    elif path == "/approvals":
        project.approvals.reset_on_push = body["reset_approvals_on_push"]
        project.approvals.author_may_approve = body["merge_requests_author_approval"]
        project.approvals.committers_may_not_approve = body[
            "merge_requests_disable_committers_approval"
        ]
        project.approvals.disable_overriding = body[
            "disable_overriding_approvers_per_merge_request"
        ]
    elif path == "/approval_rules":
        kind, count = body["rule_type"], body["approvals_required"]
        project.rules.append(ApprovalRule(id=5, name=body["name"], required=count, kind=kind))
    elif path == "/push_rule":
        stamp = {"id": 1, "project_id": project.id, "created_at": "2026-11-24T08:00:00.000Z"}
        project.push_rule = {**stamp, **body}
    else:
        project.variables[path.removeprefix("/variables/")] = body["protected"]
