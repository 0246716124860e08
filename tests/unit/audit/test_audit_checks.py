"""Each check on its own: closed, open, and not to be read; and what a branch's files say."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.audit import State
from gitops_gate.audit.delivered import delivered
from gitops_gate.audit.files import delivering_jobs, read_files
from gitops_gate.audit.run import outcomes
from gitops_gate.audit.values import DeliveringJob, Facts
from gitops_gate.config.delivery_settings import DeliverySettings, DeliveryTarget
from gitops_gate.forges.values import (
    CiVariable,
    ForgeKind,
    JobEnvironment,
    Protection,
    RequiredCheck,
)
from gitops_gate.source import folder_tree
from tests.unit.audit.audit_samples import CLOSED, DELIVERY, GITHUB, GITLAB, OWNED, facts

MAIN = "refs/heads/main"
WORKFLOWS = ".github/workflows/"


def states(made: Facts) -> dict[str, State]:
    """What each check came to, but for those of tags as a whole."""
    return {one.id: one.state for one in outcomes(made) if one.subject != "refs/tags/*"}


@pytest.mark.parametrize(
    ("kind", "name", "open_value", "hole"),
    [
        ("github", "protected", False, "audit/branch-unprotected"),
        ("github", "change_request", False, "audit/direct-push"),
        ("github", "force_push", True, "audit/force-push"),
        ("github", "deletion", True, "audit/deletion"),
        ("github", "required_checks", (), "audit/status-not-required"),
        ("github", "up_to_date", False, "audit/not-up-to-date"),
        ("github", "admins_included", False, "audit/admins-exempt"),
        ("github", "bypass", ("Team 3 (always)",), "audit/bypass"),
        ("github", "required_approvals", 0, "audit/reviews-not-required"),
        ("github", "dismisses_stale", False, "audit/stale-approvals"),
        ("github", "last_push_approval", False, "audit/last-pusher-approves"),
        ("github", "code_owners", False, "audit/code-owners"),
        ("gitlab", "protected", False, "audit/branch-unprotected"),
        ("gitlab", "change_request", False, "audit/direct-push"),
        ("gitlab", "force_push", True, "audit/force-push"),
        ("gitlab", "up_to_date", False, "audit/not-up-to-date"),
        ("gitlab", "required_approvals", 0, "audit/reviews-not-required"),
        ("gitlab", "dismisses_stale", False, "audit/stale-approvals"),
        ("gitlab", "code_owners", False, "audit/code-owners"),
    ],
)
def test_a_branchs_setting_is_fine_open_or_unknown(
    kind: ForgeKind, name: str, open_value: Any, hole: str
) -> None:
    settings = GITHUB if kind == "github" else GITLAB
    assert states(facts(kind, settings))[hole] is State.FINE
    for value, state in ((open_value, State.HOLE), (None, State.UNKNOWN)):
        given: dict[str, Any] = {name: value}
        changed = replace(CLOSED, **given)
        assert states(facts(kind, settings, changed))[hole] is state


@pytest.mark.parametrize(
    ("kind", "name", "open_value", "hole"),
    [
        ("github", "job_token_writes", True, "audit/job-token-writes"),
        ("github", "jobs_may_approve", True, "audit/jobs-approve"),
        ("github", "tags", (), "audit/tags"),
        ("github", "idle_rulesets", ("r",), "audit/ruleset-idle"),
        ("github", "merge_methods", ("merge", "rebase"), "audit/merge-method"),
        ("gitlab", "pipeline_required", False, "audit/status-not-required"),
        ("gitlab", "skipped_pipeline_passes", True, "audit/skipped-pipeline"),
        ("gitlab", "ci_definition", ".gitlab-ci.yml", "audit/ci-in-change"),
        ("gitlab", "fork_pipelines", True, "audit/fork-pipelines"),
        ("gitlab", "job_token_writes", True, "audit/job-token-writes"),
        ("gitlab", "author_may_approve", True, "audit/author-approves"),
        ("gitlab", "committers_may_approve", True, "audit/committers-approve"),
        ("gitlab", "approvers_overridable", True, "audit/approvers-overridable"),
        ("gitlab", "committer_checked", False, "audit/committer-unverified"),
        ("gitlab", "merge_methods", ("fast-forward",), "audit/merge-method"),
        ("gitlab", "tags", (), "audit/tags"),
    ],
)
def test_a_repositorys_setting_is_fine_open_or_unknown(
    kind: ForgeKind, name: str, open_value: Any, hole: str
) -> None:
    settings = GITHUB if kind == "github" else GITLAB
    assert states(facts(kind, settings))[hole] is State.FINE
    for value, state in ((open_value, State.HOLE), (None, State.UNKNOWN)):
        given: dict[str, Any] = {name: value}
        assert states(facts(kind, replace(settings, **given)))[hole] is state


def test_nothing_that_is_unknown_is_ever_fine() -> None:
    """A protection of which nothing could be read leaves no check of it that is fine."""
    nothing = Protection(branch="main", protected=None)
    assert {field.name for field in fields(Protection)} >= {"bypass", "required_checks"}
    for kind, settings in (("github", GITHUB), ("gitlab", GITLAB)):
        found = outcomes(facts(kind, settings, nothing, files=None))  # type: ignore[arg-type]
        fine = {one.id for one in found if one.subject == MAIN and one.state is State.FINE}
        # What a setting of the whole project closes is closed all the same.
        assert fine <= {"audit/status-not-required", "audit/ci-editable"}
        assert fine == set() or kind == "gitlab"


@pytest.mark.parametrize(
    ("apps", "anyone", "actions"),
    [
        ((77,), State.FINE, State.FINE),
        ((77, 15368), State.FINE, State.FINE),
        ((77, None), State.FINE, State.FINE),
        ((15368,), State.FINE, State.HOLE),
        ((15368, None), State.FINE, State.HOLE),
        ((None,), State.HOLE, None),
    ],
)
def test_whose_status_counts(
    apps: tuple[int | None, ...], anyone: State, actions: State | None
) -> None:
    checks = tuple(RequiredCheck(context="gitops-gate", app_id=app) for app in apps)
    found = states(facts("github", GITHUB, replace(CLOSED, required_checks=checks)))
    assert found["audit/status-from-anyone"] is anyone
    assert found.get("audit/status-from-actions") is actions


def test_where_nobody_says_which_app_actions_is_an_app_is_not_trusted() -> None:
    found = states(facts("github", replace(GITHUB, actions_app=None)))
    assert found["audit/status-from-actions"] is State.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.FINE),
        ({"writers": ()}, State.FINE),
        ({"writers": ("DeployKey (always)",)}, State.FINE),
        ({"writers": ("OrganizationAdmin 1 (always)",)}, State.HOLE),
        ({"writers": ("team sre",)}, State.HOLE),
        ({"writers": ("group 7 (Platform)",)}, State.HOLE),
        ({"writers": ("Integration 77 (always)", "DeployKey (always)")}, State.HOLE),
        ({"there": False}, State.HOLE),
        ({"there": False, "details": (("rule.creation.Repository 3", "true"),)}, State.FINE),
        ({"writers": None}, State.UNKNOWN),
        ({"restricted": False}, State.HOLE),
        ({"restricted": None}, State.UNKNOWN),
    ],
)
def test_a_delivery_ref_is_for_who_delivers_alone(changes: dict[str, Any], state: State) -> None:
    made = facts("github", GITHUB, deliveries=(replace(DELIVERY, **changes),))
    assert states(made)["audit/delivery-ref"] is state
    made = facts("github", GITHUB, attestations=replace(DELIVERY, **changes))
    assert states(made)["audit/attestation-branch"] is state


@pytest.mark.parametrize(
    ("kind", "changes", "settings", "state"),
    [
        ("github", {}, {}, State.FINE),
        ("github", {"writers": ("DeployKey (always)",)}, {"actions_app": None}, State.FINE),
        ("github", {}, {"actions_app": None}, State.UNKNOWN),
        ("github", {"writers": ("Integration 15368 (always)",)}, {}, State.HOLE),
        ("github", {"writers": ("app github-actions",)}, {"actions_app": None}, State.HOLE),
        ("github", {"restricted": False}, {}, State.HOLE),
        ("github", {"restricted": None}, {}, State.UNKNOWN),
        ("github", {"writers": None}, {}, State.UNKNOWN),
        ("gitlab", {"restricted": None}, {}, State.FINE),
        ("gitlab", {"restricted": None}, {"job_token_writes": None}, State.UNKNOWN),
        ("gitlab", {"restricted": False}, {"job_token_writes": True}, State.HOLE),
        ("gitlab", {"writers": ("user 3 (Bot)",)}, {"job_token_writes": True}, State.HOLE),
        ("gitlab", {"writers": ("user 3 (Bot)",)}, {"job_token_writes": None}, State.UNKNOWN),
        ("gitlab", {"writers": ("deploy key 3 (Key)",)}, {"job_token_writes": True}, State.FINE),
    ],
)
def test_whether_a_jobs_own_token_reaches_a_delivery_ref(
    kind: ForgeKind, changes: dict[str, Any], settings: dict[str, Any], state: State
) -> None:
    repository = replace(GITHUB if kind == "github" else GITLAB, **settings)
    made = facts(kind, repository, deliveries=(replace(DELIVERY, **changes),))
    assert states(made)["audit/job-token-delivers"] is state


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("release/*", "release/x"),
        ("release/", "release/x"),
        ("**/stable", "x/stable"),
        ("v[0-9].?", "v0.x"),
        ("v[!0-9]", "vx"),
    ],
)
def test_a_pattern_of_branches_is_asked_about_by_one_of_them(pattern: str, asked: str) -> None:
    target = DeliveryTarget(ref="refs/heads/deploy/{branch}")
    found = delivered(
        DeliverySettings(branches={pattern: (target,)}), (), ("main",), everywhere=True
    )
    assert found.branches == (f"deploy/{pattern}",)
    assert found.asked_as == {f"deploy/{pattern}": f"deploy/{asked}"}


def test_where_the_configuration_was_not_fetched_delivery_is_unknown() -> None:
    made = facts("github", GITHUB, deliveries_unread=True)
    assert states(made)["audit/delivery-ref"] is State.UNKNOWN


@pytest.mark.parametrize(
    ("definition", "level"), [(".gitlab-ci.yml", "error"), (".gitlab-ci.yml@group/ci", "note")]
)
def test_an_open_variable_matters_where_a_change_says_what_jobs_do(
    definition: str, level: str
) -> None:
    variables = (CiVariable(name="GITOPS_GATE_TOKEN", protected=False),)
    settings = replace(GITLAB, ci_definition=definition, variables=variables)
    (found,) = (
        one for one in outcomes(facts("gitlab", settings)) if one.id == "audit/variable-unprotected"
    )
    assert (found.state, found.level) == (State.HOLE, level)


def test_variables_of_a_group_are_not_taken_for_fine() -> None:
    found = states(facts("gitlab", replace(GITLAB, variables=())))
    assert found["audit/variable-unprotected"] is State.UNKNOWN


# ------------------------------------------------------------------------------------- files


def tree(folder: Path, files: dict[str, str]) -> Any:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder_tree(folder)


def test_without_codeowners_everything_is_open(tmp_path: Path) -> None:
    found = read_files(tree(tmp_path, {"a.yaml": "a: 1\n"}), "github", None)
    assert found.owned.file is None
    assert found.check_name == "gitops-gate"
    made = states(facts("github", GITHUB, files=found))
    for hole in ("audit/codeowners-unowned", "audit/ci-editable", "audit/rules-unowned"):
        assert made[hole] is State.HOLE


def test_a_codeowners_that_the_forge_does_not_load_is_unknown(tmp_path: Path) -> None:
    found = read_files(tree(tmp_path, {"CODEOWNERS": "* @a\0\n"}), "github", None)
    assert found.owned.problem is not None
    made = states(facts("github", GITHUB, files=found))
    assert made["audit/rules-unowned"] is State.UNKNOWN


def test_a_workflow_that_is_added_counts_like_one_that_is_edited(tmp_path: Path) -> None:
    files = {
        "CODEOWNERS": f"/CODEOWNERS @a\n/docs/ @a\n/{WORKFLOWS}gate.yml @a\n",
        f"{WORKFLOWS}gate.yml": "jobs: {}\n",
    }
    owned = read_files(tree(tmp_path, files), "github", None).owned
    assert owned.unowned_ci == (f"{WORKFLOWS}a-new-file.yml",)
    assert not owned.codeowners  # .github/CODEOWNERS would come first


def test_policies_and_waivers_are_where_the_configuration_says(tmp_path: Path) -> None:
    files = {
        ".gitops-gate.yaml": "waivers: ops/waived.yaml\npolicies: {paths: [ops/rego]}\n",
        "CODEOWNERS": "* @a\n/ops/\n",
    }
    owned = read_files(tree(tmp_path, files), "github", None).owned
    assert owned.unowned_rules == ("ops/waived.yaml", "ops/rego/a-new-file.rego")


@pytest.mark.parametrize(
    ("definition", "unowned"),
    [
        (".gitlab-ci.yml", (".gitlab-ci.yml",)),
        ("ci/gate.yml", ()),
        (".gitlab-ci.yml@group/ci", ()),
        ("https://ci.example/gate.yml", ()),
        (None, ()),
    ],
)
def test_gitlabs_pipeline_is_where_the_project_says(
    tmp_path: Path, definition: str | None, unowned: tuple[str, ...]
) -> None:
    found = read_files(tree(tmp_path, {"CODEOWNERS": "/ci/ @a\n"}), "gitlab", definition)
    assert found.owned.unowned_ci == unowned


def test_jobs_are_known_by_their_names_and_those_of_the_gate_by_what_they_call(
    tmp_path: Path,
) -> None:
    files = {
        f"{WORKFLOWS}a.yml": "on: push\njobs:\n  lint: {steps: [{run: make}]}\n"
        "  gate: {name: The gate, steps: [{uses: acme/gitops-gate@v1}]}\n",
        f"{WORKFLOWS}b.yaml": "jobs: {call: {uses: acme/gitops-gate/.github/workflows/g.yml@v1}}\n",
        f"{WORKFLOWS}broken.yml": "jobs: [\n",
        f"{WORKFLOWS}odd.yml": "jobs: {a: 1, b: {steps: no}, c: {steps: [3, {run: 4}]}}\n",
        f"{WORKFLOWS}list.yml": "- 1\n",
        f"{WORKFLOWS}readme.md": "gitops-gate\n",
    }
    found = read_files(tree(tmp_path, files), "github", None)
    assert found.gate_jobs == ("The gate", "call")
    assert found.jobs == ("The gate", "b", "c", "call", "lint")


def test_owned_files_leave_no_hole() -> None:
    assert State.HOLE not in states(facts("github", GITHUB, files=OWNED)).values()


# --------------------------------------------------------------------------------- all at once

CHOICES: dict[str, tuple[str, Any, Any]] = {
    "change_request": ("audit/direct-push", True, False),
    "force_push": ("audit/force-push", False, True),
    "deletion": ("audit/deletion", False, True),
    "up_to_date": ("audit/not-up-to-date", True, False),
    "admins_included": ("audit/admins-exempt", True, False),
    "bypass": ("audit/bypass", (), ("Team 3 (always)",)),
    "required_approvals": ("audit/reviews-not-required", 2, 0),
    "dismisses_stale": ("audit/stale-approvals", True, False),
    "last_push_approval": ("audit/last-pusher-approves", True, False),
    "code_owners": ("audit/code-owners", True, False),
}
"""Each setting with its hole, a value that closes it, and one that opens it."""


@given(
    picked=st.fixed_dictionaries({name: st.sampled_from(list(State)) for name in CHOICES}),
    checks=st.sampled_from([None, (), CLOSED.required_checks]),
)
def test_each_setting_decides_about_its_own_hole_alone(
    picked: dict[str, State], checks: tuple[RequiredCheck, ...] | None
) -> None:
    values: dict[str, Any] = {"required_checks": checks}
    for name, state in picked.items():
        _, closed, opened = CHOICES[name]
        values[name] = {State.FINE: closed, State.HOLE: opened, State.UNKNOWN: None}[state]
    found = states(facts("github", GITHUB, replace(CLOSED, **values)))
    for name, state in picked.items():
        assert found[CHOICES[name][0]] is state
    required = {None: State.UNKNOWN, (): State.HOLE, CLOSED.required_checks: State.FINE}
    assert found["audit/status-not-required"] is required[checks]


@pytest.mark.parametrize(
    ("environment", "refs", "state"),
    [
        ("delivery", ("main",), State.FINE),
        ("delivery", ("main", "release/*"), State.FINE),
        ("delivery", (), State.FINE),
        ("delivery", ("*",), State.HOLE),
        ("delivery", ("main", "next"), State.HOLE),
        ("delivery", ("refs/tags/main",), State.HOLE),
        ("delivery", None, State.UNKNOWN),
        ("other", ("main",), State.HOLE),
        (None, ("main",), State.HOLE),
        ("${{ inputs.name }}", ("main",), State.UNKNOWN),
    ],
)
def test_the_delivering_job_has_an_environment_of_its_branches(
    environment: str | None, refs: tuple[str, ...] | None, state: State
) -> None:
    repository = replace(GITHUB, environments=(JobEnvironment(name="delivery", refs=refs),))
    job = DeliveringJob(name="deliver", environment=environment)
    sources = ("main", "release/*")
    made = facts("github", repository, attestations=DELIVERY, sources=sources, delivering=(job,))
    assert states(made)["audit/delivering-environment"] is state
    hidden = replace(made, repository=replace(repository, environments=None))
    if environment == "delivery":
        assert states(hidden)["audit/delivering-environment"] is State.UNKNOWN


def test_several_jobs_that_deliver_are_one_outcome_that_names_the_worst() -> None:
    jobs = (
        DeliveringJob(name="a", environment="delivery"),
        DeliveringJob(name="b", environment=None),
        DeliveringJob(name="c", environment=None),
    )
    repository = replace(GITHUB, environments=(JobEnvironment(name="delivery", refs=()),))
    made = facts("github", repository, attestations=DELIVERY, delivering=jobs)
    (found,) = (one for one in outcomes(made) if one.id == "audit/delivering-environment")
    assert found.message == (
        "the job b delivers without an environment; the job c delivers without an environment"
    )


def test_jobs_that_deliver_are_known_by_what_they_call(tmp_path: Path) -> None:
    files = {
        f"{WORKFLOWS}a.yml": (
            "jobs:\n"
            "  one: {environment: production, steps: [{run: gitops-gate deliver --quiet}]}\n"
            "  two: {environment: {name: edge, url: u}, steps: [{uses: a/b@1, with: {command: "
            "deliver}}]}\n"
            "  three: {steps: [{run: python -m gitops_gate deliver}]}\n"
            "  four: {steps: [{run: gitops-gate review}, {uses: a/b@1, with: {command: check}}]}\n"
            "  five: {uses: ./.github/workflows/b.yml, with: {command: deliver}}\n"
            "  six: {steps: [{run: gitops-gate delivery}, 3], environment: []}\n"
        )
    }
    found = delivering_jobs(tree(tmp_path, files))
    assert [(job.name, job.environment) for job in found] == [
        ("one", "production"), ("two", "edge"), ("three", None), ("five", None),
    ]  # fmt: skip
