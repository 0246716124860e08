"""`action/deliver` by itself: what it hands to the command, what it keeps back, what it tells."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.attestations.keys import trusted_keys
from tests.e2e.acting import outputs_of
from tests.e2e.test_action_deliver import key_pair
from tests.engines import ROOT
from tests.unit.source.repositories import GitRepository

PRIVATE, PUBLIC = key_pair()
_, OTHER = key_pair()
SSH_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
HOSTS = (
    "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
)
COMMIT = "c" * 40

RECORDER = """\
#!{python}
import json, os, stat, sys
from pathlib import Path
words = sys.argv[1:]
if words[:2] != ["-m", "gitops_gate"]:
    os.execv("{python}", ["{python}", *words])
said = {{"words": words[2:], "environment": dict(os.environ), "files": {{}}, "modes": {{}}}}
for word in words:
    if Path(word).is_file():
        said["files"][word] = Path(word).read_text()
        said["modes"][word] = stat.S_IMODE(Path(word).stat().st_mode)
Path("{folder}/said.json").write_text(json.dumps(said))
delivery = Path("{folder}/delivery")
if delivery.exists():
    Path(words[words.index("--output") + 1]).write_text(delivery.read_text())
sys.exit(int(Path("{folder}/code").read_text()))
"""


def held(**more: Any) -> dict[str, Any]:
    return {
        "repository_id": 4711,
        "branch": "refs/heads/main",
        "ref": "refs/heads/deploy/production",
        "outcome": "held",
        "verdict": "deny",
        "tip": "d" * 40,
        "before": COMMIT,
        "after": COMMIT,
        "commit": COMMIT,
        "steps": [],
        "hold": {
            "commit": "d" * 40,
            "code": "direct_push",
            "message": "no merged change request brought it",
            "verdict": "deny",
            "remedy": None,
        },
        "attestation": None,
        **more,
    }


@dataclass
class Job:
    """A job that runs the script, with a program in place of gitops-gate that notes what it got."""

    folder: Path
    printed: str = ""

    def run(self, code: int = 0, *words: str, delivery: Any = None, **inputs: str) -> int:
        (self.folder / "code").write_text(str(code))
        if delivery is not None:
            value = {"schema": "gitops-gate/delivery/v1", "deliveries": delivery}
            (self.folder / "delivery").write_text(json.dumps(value))
        (self.folder / "output").write_text("")
        recorder = self.folder / "python"
        recorder.write_text(RECORDER.format(python=sys.executable, folder=self.folder))
        recorder.chmod(0o755)
        (self.folder / "tmp").mkdir(exist_ok=True)
        names = [
            "TOKEN", "DELIVERY_TOKEN", "SSH_KEY", "SSH_KNOWN_HOSTS", "PUSH_URL", "SIGNING_KEY",
            "TRUSTED_KEYS", "DRY_RUN", "EXIT_ZERO_FOR", "ARGUMENTS", "PROGRAMS",
        ]  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(self.folder / "tmp"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SERVER_URL": "https://github.example.com",
            **{f"GATE_{name}": "" for name in names},
            "GATE_REPOSITORY": str(self.folder),
            "GATE_BRANCH": "main",
            "GATE_REPORTS": str(self.folder / "reports"),
            "GATE_PYTHON": str(recorder),
            "GATE_PROGRAM": str(ROOT),
            **{f"GATE_{name.upper()}": value for name, value in inputs.items()},
        }
        done = subprocess.run(
            [str(ROOT / "action" / "deliver"), *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.printed = done.stdout + done.stderr
        for secret in (PRIVATE, SSH_KEY, *filter(None, inputs.get("delivery_token", "").split())):
            assert secret not in self.printed
        assert list((self.folder / "tmp").iterdir()) == []
        return done.returncode

    @property
    def said(self) -> Any:
        return json.loads((self.folder / "said.json").read_text())

    @property
    def outputs(self) -> dict[str, str]:
        return outputs_of(self.folder / "output")

    def given(self, option: str) -> str:
        """What the file that an option names held."""
        words = self.said["words"]
        return str(self.said["files"][words[words.index(option) + 1]])


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


# ------------------------------------------------------------------------------------- keys


def test_keys_reach_the_command_as_variables_and_nothing_else_does(job: Job) -> None:
    job.run(token="ghs_reads", delivery_token="ghs_writes", signing_key=PRIVATE)
    said = job.said
    ours = {name: value for name, value in said["environment"].items() if "GATE_" in name}
    assert ours["GITOPS_GATE_TOKEN"] == "ghs_reads"
    assert ours["GITOPS_GATE_DELIVERY_TOKEN"] == "ghs_writes"
    assert ours["GITOPS_GATE_SIGNING_KEY"] == PRIVATE
    held_back = {"GATE_TOKEN", "GATE_DELIVERY_TOKEN", "GATE_SIGNING_KEY", "GATE_SSH_KEY"}
    assert not held_back & set(ours)
    assert not any(word in " ".join(said["words"]) for word in ("ghs_reads", "ghs_writes"))


@pytest.mark.parametrize("form", ["pem", "base64", "windows"])
def test_a_deploy_key_is_a_file_that_only_its_user_reads(job: Job, form: str) -> None:
    given = {
        "pem": SSH_KEY,
        "windows": SSH_KEY.replace("\n", "\r\n"),
        "base64": base64.b64encode(f"{SSH_KEY}\n".encode()).decode(),
    }[form]
    job.run(ssh_key=given, ssh_known_hosts=HOSTS)
    assert job.given("--ssh-key") == f"{SSH_KEY}\n"
    assert job.given("--ssh-known-hosts") == f"{HOSTS}\n"
    words = job.said["words"]
    mode = job.said["modes"][words[words.index("--ssh-key") + 1]]
    assert stat.S_IMODE(mode) == 0o600
    assert words[words.index("--push-url") + 1] == "ssh://git@github.example.com/acme/shop.git"


def test_what_is_no_key_is_refused_before_anything_runs(job: Job) -> None:
    assert job.run(ssh_key="not base64 at all!") == 2
    assert "neither a key nor base64" in job.printed
    assert not (job.folder / "said.json").exists()


@pytest.mark.parametrize("form", ["pem", "words"])
def test_trusted_keys_are_pem_or_only_what_is_between_its_lines(job: Job, form: str) -> None:
    between = [key.splitlines()[1] for key in (PUBLIC, OTHER)]
    job.run(trusted_keys=PUBLIC + OTHER if form == "pem" else " ".join(between))
    read = trusted_keys(job.given("--trusted-key").encode())
    assert [key.id for key in read] == [
        key.id for pem in (PUBLIC, OTHER) for key in trusted_keys(pem.encode())
    ]


def test_signs_of_a_shell_among_trusted_keys_are_words(job: Job) -> None:
    job.run(trusted_keys="* $(touch canary)")
    assert "*" in job.given("--trusted-key")
    assert not (job.folder / "canary").exists()


# ----------------------------------------------------------------------------------- options


@pytest.mark.parametrize(("value", "there"), [("true", True), ("false", False), ("", False)])
def test_a_dry_run_is_asked_for(job: Job, value: str, there: bool) -> None:
    job.run(dry_run=value)
    assert ("--dry-run" in job.said["words"]) is there


def test_a_dry_run_that_is_misspelt_moves_nothing(job: Job) -> None:
    assert job.run(dry_run="True") == 2
    assert "dry-run must be true or false" in job.printed
    assert job.outputs == {"verdict": "indeterminate", "exit-code": "2"}
    assert not (job.folder / "said.json").exists()


def test_further_options_are_one_on_each_line(job: Job) -> None:
    job.run(0, "--repository-id", "7", arguments="--at\n2026-12-24\n\n--verbose")
    assert job.said["words"][-5:] == ["--repository-id", "7", "--at", "2026-12-24", "--verbose"]


# --------------------------------------------------------------------------- what is told


@pytest.mark.parametrize(
    ("code", "verdict", "ends"),
    [
        (0, "allow", 0),
        (1, "deny", 1),
        (2, "indeterminate", 2),
        (3, "pending", 3),
        (130, "indeterminate", 2),
    ],
)
def test_the_step_ends_with_the_verdict(job: Job, code: int, verdict: str, ends: int) -> None:
    assert job.run(code) == ends
    assert job.outputs == {"verdict": verdict, "exit-code": str(ends)}
    assert job.run(code, exit_zero_for=f"pending {verdict}") == 0


def test_what_an_earlier_run_left_is_not_what_this_one_did(job: Job) -> None:
    reports = job.folder / "reports"
    (reports / "attestations").mkdir(parents=True)
    (reports / "delivery.json").write_text("{}")
    job.run(2)
    assert list(reports.iterdir()) == []


@pytest.mark.parametrize(
    ("deliveries", "delivered"),
    [
        ([held()], COMMIT),
        ([held(), held(commit="e" * 40)], ""),
        ([held(), held(ref="refs/heads/deploy/staging")], COMMIT),
        ([held(before=None, after=None)], ""),
        ([held(outcome="dry-run")], ""),
        ([], ""),
    ],
)
def test_the_commit_that_is_delivered_is_told_where_there_is_one(
    job: Job, deliveries: list[Any], delivered: str
) -> None:
    job.run(1, delivery=deliveries)
    assert job.outputs["delivered"] == delivered
    assert job.outputs["delivery"] == str(job.folder / "reports" / "delivery.json")


def test_the_summary_says_what_holds_and_obeys_nothing_in_it(job: Job) -> None:
    hostile = {"message": "<img src=x> @acme/all [a](https://evil.example) | x\n::error::no"}
    job.run(1, delivery=[held(hold={**held()["hold"], **hostile})])
    summary = (job.folder / "summary").read_text()
    assert "direct_push" in summary
    assert "dddddddddddd" in summary
    assert "<img" not in summary
    assert "](https" not in summary
    assert len(summary.strip().splitlines()) == 3


# ---------------------------------------------------------------------------- the tips


@dataclass
class Tips:
    """A repository at a server's address, and the script that fetches its tips."""

    folder: Path

    def run(self, event: object, *, name: str = "push", branch: str = "") -> int:
        (self.folder / "event.json").write_text(json.dumps(event))
        (self.folder / "output").write_text("")
        (self.folder / "bin").mkdir(exist_ok=True)
        sleep = self.folder / "bin" / "sleep"
        sleep.write_text("#!/bin/sh\n")
        sleep.chmod(0o755)
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "GITHUB_SERVER_URL": str(self.folder),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "RUNNER_TEMP": str(self.folder),
            "GATE_TOKEN": "",
            "GATE_BRANCH": branch,
            "GATE_PYTHON": sys.executable,
        }
        done = subprocess.run(
            [str(ROOT / "action" / "tips")],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.printed = done.stdout + done.stderr
        return done.returncode

    printed: str = ""

    @property
    def branch(self) -> str:
        return outputs_of(self.folder / "output")["branch"]

    def fetched(self) -> list[str]:
        repository = Path(outputs_of(self.folder / "output")["repository"])
        listed = subprocess.run(
            ["git", "for-each-ref", "--format=%(refname:lstrip=2)"],
            cwd=repository, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert list(repository.iterdir()) == [repository / ".git"]
        return listed.stdout.split()


@pytest.fixture
def tips(tmp_path: Path) -> Tips:
    git = GitRepository(tmp_path / "acme" / "shop")
    git.write("a.yaml")
    git.commit()
    git.git("branch", "release/1.0")
    git.git("branch", "other")
    return Tips(tmp_path)


def test_a_push_says_which_branch_and_the_default_branch_comes_along(tips: Tips) -> None:
    assert tips.run({"ref": "refs/heads/release/1.0"}) == 0, tips.printed
    assert tips.branch == "release/1.0"
    assert tips.fetched() == ["origin/HEAD", "origin/main", "origin/release/1.0"]


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch", "workflow_run"])
def test_at_any_other_event_it_is_the_default_branch(tips: Tips, name: str) -> None:
    assert tips.run({"ref": "refs/heads/other"}, name=name) == 0, tips.printed
    assert (tips.branch, tips.fetched()) == ("main", ["origin/HEAD", "origin/main"])


@pytest.mark.parametrize("event", [{"ref": "refs/tags/v1"}, {"ref": 7}, {}, [], None])
def test_a_push_of_no_branch_is_no_other_event(tips: Tips, event: object) -> None:
    assert tips.run(event) == 0, tips.printed
    assert tips.branch == "main"


def test_what_is_asked_for_comes_first(tips: Tips) -> None:
    event = {"ref": "refs/heads/main"}
    assert tips.run(event, branch="refs/heads/release/1.0") == 0, tips.printed
    assert tips.branch == "release/1.0"


@pytest.mark.parametrize("branch", ["a b", "a..b", "x\ny", "-x:refs/heads/main", "$(touch canary)"])
def test_a_name_that_is_no_branch_is_refused(tips: Tips, branch: str) -> None:
    assert tips.run({}, branch=branch) == 2
    assert "is no name of a branch" in tips.printed


def test_a_branch_that_is_not_there_is_said(tips: Tips) -> None:
    assert tips.run({"ref": "refs/heads/gone"}) == 2
    assert "gone cannot be fetched" in tips.printed
