"""What the Action and its workflows say, held against linters and the documentation."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops_gate.audit.files import delivering_jobs
from gitops_gate.source import folder_tree
from tests.e2e.acting import STAND_INS, WORKFLOWS, with_job, workflow_in_documentation
from tests.engines import ROOT, require_engine

PAGE = (ROOT / "docs" / "github.md").read_text("utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SCRIPTS = [path for path in (ROOT / "action").iterdir() if path.read_bytes()[:2] == b"#!"]
PACKAGED = sorted(WORKFLOWS.glob("*.yml"))


@pytest.fixture
def workflows(tmp_path: Path) -> list[Path]:
    """All workflows that anybody is told to use: packaged, and in the documentation."""
    simple = tmp_path / "simple.yml"
    simple.write_text(workflow_in_documentation())
    with_more = [tmp_path / f"with-{job}.yml" for job in ("publish", "sarif")]
    for file in with_more:
        file.write_text(with_job(WORKFLOWS / "gitops-gate.yml", file.stem.removeprefix("with-")))
    by_key = tmp_path / "deliver.yml"
    by_key.write_text(with_job(WORKFLOWS / "gitops-gate-deliver.yml", "deliver"))
    return [*PACKAGED, simple, *with_more, by_key]


def steps(file: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(file.read_text("utf-8"))
    jobs = content["jobs"].values() if "jobs" in content else [content["runs"]]
    return [step for job in jobs for step in job["steps"]]


# ---------------------------------------------------------------------------------- linters


@pytest.mark.engine
def test_actionlint_finds_nothing(workflows: list[Path]) -> None:
    command = [require_engine("actionlint"), "-no-color", "-shellcheck=", "-pyflakes="]
    done = subprocess.run(
        [*command, *map(str, workflows)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.engine
def test_actionlint_would_find_something(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text((WORKFLOWS / "gitops-gate.yml").read_text().replace("needs: check", "needs: x"))
    done = subprocess.run(
        [require_engine("actionlint"), str(file)], check=False, capture_output=True
    )
    assert done.returncode == 1


def zizmor(*files: Path, persona: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "zizmor"
    command = [str(program), "--offline", "--no-progress", "--no-config", f"--persona={persona}"]
    return subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, check=False
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("persona", ["regular", "pedantic"])
def test_zizmor_finds_nothing(workflows: list[Path], persona: str) -> None:
    done = zizmor(*workflows, ROOT / "action.yml", persona=persona)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


@pytest.mark.slow
def test_zizmor_would_find_something(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    text = (WORKFLOWS / "gitops-gate.yml").read_text("utf-8")
    file.write_text(text.replace("run: |\n", 'run: |\n          echo "${{ github.head_ref }}"\n'))
    done = zizmor(file, persona="regular")
    assert "template-injection" in done.stdout


def test_what_is_ignored_says_why(workflows: list[Path]) -> None:
    for file in [*workflows, ROOT / "action.yml", *SCRIPTS]:
        for line in file.read_text("utf-8").splitlines():
            if "zizmor: ignore" in line:
                assert re.search(r"zizmor: ignore\[[a-z-]+\] \w+ \w+", line), line
            if "shellcheck disable" in line:
                assert re.search(r"disable=\S+ # \w+", line), line


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="there is no shellcheck here")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --------------------------------------------------------------------------------- injection


def test_no_script_has_an_expression_pasted_into_it(workflows: list[Path]) -> None:
    """A value that is pasted into a script is a part of the script."""
    stand_ins = sorted(STAND_INS.glob("*/action.yml"))
    for file in [*workflows, ROOT / "action.yml", *stand_ins]:
        for step in steps(file):
            assert "${{" not in step.get("run", ""), (file.name, step)
    for script in SCRIPTS:
        assert "${{" not in script.read_text("utf-8")


def test_every_input_reaches_the_scripts_through_the_environment_alone() -> None:
    steps = {step["id"]: step for step in ACTION["runs"]["steps"]}
    values = [value for step in steps.values() for value in step["env"].values()]
    given = {value for value in values if "inputs." in value}
    used_in_conditions = {"${{ inputs.fetch }}"}
    every = {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"] if name != "cache"}
    assert given | used_in_conditions == every | {steps["install"]["env"]["GATE_CACHE"]}
    assert "inputs.fetch" in steps["fetch"]["if"]


def test_only_the_step_that_delivers_has_the_keys() -> None:
    steps = {step["id"]: step for step in ACTION["runs"]["steps"]}
    keys = {f"${{{{ inputs.{name} }}}}" for name in ("delivery-token", "ssh-key", "signing-key")}
    for name, step in steps.items():
        given = keys & set(step["env"].values())
        assert given == (keys if name == "deliver" else set()), name
        if name != "install":
            runs = "==" if name in ("tips", "deliver") else "!="
            assert f"inputs.command {runs} 'deliver'" in step["if"]


def test_what_delivers_is_installed_from_nothing_that_another_job_could_have_left() -> None:
    install = ACTION["runs"]["steps"][0]
    cache = "${{ inputs.command != 'deliver' && inputs.cache || 'false' }}"
    assert install["env"]["GATE_CACHE"] == cache


def test_what_the_scripts_read_is_what_the_action_gives_them() -> None:
    for step in ACTION["runs"]["steps"]:
        script = ROOT / re.findall(r"/(action/\w+)", step["run"])[0]
        read = set(re.findall(r"\bGATE_[A-Z_]+\b", script.read_text("utf-8")))
        assert read == {name for name in step["env"] if name.startswith("GATE_")}


def test_every_action_of_others_is_pinned_to_a_commit_with_its_version(
    workflows: list[Path],
) -> None:
    for file in workflows:
        for used in re.findall(r"(?m)^ *(?:- )?uses: (.*)", file.read_text("utf-8")):
            if used.startswith("gitops-gate/"):
                assert re.fullmatch(r"gitops-gate/gitops-gate@v\d+\.\d+\.\d+ # zizmor: .*", used)
            else:
                assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


# -------------------------------------------------------------------- what each job may do


def test_the_job_that_renders_has_nothing_to_steal() -> None:
    content = yaml.safe_load((WORKFLOWS / "gitops-gate.yml").read_text("utf-8"))
    assert content["permissions"] == {}
    check = content["jobs"]["check"]
    assert check["permissions"] == {"contents": "read"}
    assert "environment" not in check
    text = str(check)
    assert "secrets" not in text
    assert "actions/cache" not in text
    gate = next(step for step in check["steps"] if step.get("id") == "gate")
    assert gate["with"]["cache"] == "false"


def test_nothing_of_the_head_is_checked_out_and_no_credential_stays(workflows: list[Path]) -> None:
    for file in workflows:
        for step in steps(file):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}


def test_the_workflow_of_a_review_can_do_nothing() -> None:
    content = yaml.safe_load((WORKFLOWS / "gitops-gate-reviewed.yml").read_text("utf-8"))
    assert content["permissions"] == {}
    assert steps(WORKFLOWS / "gitops-gate-reviewed.yml") == [{"run": "true"}]
    started = yaml.safe_load((WORKFLOWS / "gitops-gate.yml").read_text("utf-8"))[True]
    assert started["workflow_run"]["workflows"] == [content["name"]]


def test_the_job_that_delivers_keeps_its_keys_to_itself() -> None:
    text = (WORKFLOWS / "gitops-gate-deliver.yml").read_text("utf-8")
    content = yaml.safe_load(text)
    assert content["permissions"] == {}
    (job,) = content["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "read"}
    assert job["environment"] == "delivery"
    assert content["concurrency"]["cancel-in-progress"] is False
    assert "github.ref" in content["concurrency"]["group"]
    uses = [step["uses"].partition("@")[0] for step in job["steps"]]
    # Nothing is checked out, no cache is restored, and nothing of another job is downloaded.
    assert uses == [
        "actions/create-github-app-token",
        "gitops-gate/gitops-gate",
        "actions/upload-artifact",
    ]
    assert "run" not in str([list(step) for step in job["steps"]])
    assert "github.token" not in text


def test_the_job_that_delivers_runs_for_no_change_that_is_not_merged() -> None:
    events = yaml.safe_load((WORKFLOWS / "gitops-gate-deliver.yml").read_text("utf-8"))[True]
    assert set(events) == {"push", "schedule", "workflow_dispatch"}
    assert events["push"] == {"branches": ["main"]}


def test_an_audit_sees_the_packaged_job_and_its_environment(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for file in PACKAGED:
        shutil.copy(file, folder)
    (job,) = delivering_jobs(folder_tree(tmp_path))
    assert job.environment == "delivery"


# ------------------------------------------------------------------------------ documentation


def rows(heading: str) -> dict[str, str]:
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE))


def test_every_input_is_documented_with_its_default() -> None:
    documented = rows("Inputs")
    assert list(documented) == list(ACTION["inputs"])
    for name, given in ACTION["inputs"].items():
        shown = documented[name].partition("| ")[0].strip()
        assert shown.strip("`") == given.get("default", ""), name
        assert given["description"].strip()


def test_every_output_is_documented() -> None:
    assert list(rows("Outputs")) == list(ACTION["outputs"])


def test_what_the_packaged_jobs_are_called_is_what_the_page_says() -> None:
    jobs = yaml.safe_load((WORKFLOWS / "gitops-gate.yml").read_text("utf-8"))["jobs"]
    for job in jobs.values():
        assert f"| {job['name']} |" in PAGE


@pytest.mark.parametrize(
    "said",
    [
        said
        for said in re.findall(r"^\| `(.+?)`", PAGE.split("## When something", 1)[1], re.MULTILINE)
        if not said.isupper()  # pip's
    ],
)
def test_a_message_in_the_list_of_troubles_is_one_that_is_said(said: str) -> None:
    files = [*SCRIPTS, *(ROOT / "gitops_gate").rglob("*.py")]
    source = " ".join(" ".join(path.read_text("utf-8").split()) for path in files)
    source = re.sub(r'" f?"|\{[^{}]*\}', lambda found: "" if '"' in found[0] else "…", source)
    for part in re.split(r"…|``", said):
        assert part.strip() in source, part
