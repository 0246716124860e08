"""Runs the packaged workflows with `act` on this machine, against a GitHub of our own.

    a repository and its pull requests  ──tests.forges.github──>  REST, GraphQL and Git on loopback
    a workflow and an event             ──act──>                  steps on the host, offline

Actions of other makers come from `stand_ins/`; ours is a copy of this checkout. What a real runner
does and act does not: permissions for each job, concurrency, and masking, which is switched off so
that a token in a log is seen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engines import ROOT, engines_folder, require_engine
from tests.unit.source.repositories import GitRepository

STAND_INS = Path(__file__).parent / "stand_ins"
WORKFLOWS = ROOT / "gitops_gate" / "ci" / "templates" / "github"
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
NAME = "acme/shop"
ID = 4711
SHIPPED = ("action.yml", "action", "gitops_gate", "policies", "requirements")
PERMISSIONS = {"contents": "read", "pull_requests": "write", "statuses": "write"}


def install(tool_cache: Path, output: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the action's own install script as a job on this machine would, with our own Python."""
    programs = Path(sys.executable).resolve().parent
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "RUNNER_TOOL_CACHE": str(tool_cache), "GITHUB_OUTPUT": str(output), **variables,
    }  # fmt: skip
    return subprocess.run(
        [str(ROOT / "action" / "install")],
        env=environment, cwd=output.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip


def outputs_of(file: Path) -> dict[str, str]:
    """The plain outputs that a step wrote."""
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def tool_cache() -> Path:
    """Where the installed action is kept between runs of the tests, by the hash of its recipe."""
    return engines_folder() / "action"


def workflow_in_documentation() -> str:
    """The simple workflow, as docs/github.md shows it."""
    page = (ROOT / "docs" / "github.md").read_text("utf-8")
    _, _, rest = page.partition("```yaml\nname: gitops-gate\n")
    return "name: gitops-gate\n" + rest.partition("```")[0]


def with_job(workflow: Path, job: str) -> str:
    """A workflow with a job that docs/github.md shows, in place of its own of that name."""
    page = (ROOT / "docs" / "github.md").read_text("utf-8")
    shown = next(
        found[1]
        for found in re.finditer(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        if found[1].startswith(f"  {job}:\n")
    )
    text = workflow.read_text("utf-8")
    without = re.sub(rf"^  {job}:\n(?:    .*\n|\n)*", "", text, flags=re.MULTILINE)
    return f"{without.rstrip()}\n\n{shown}"


def copy_of_the_action(folder: Path, python: str) -> Path:
    """This checkout as a runner downloads it, compiled once for all the jobs."""
    for name in SHIPPED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    command = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, str(folder / "gitops_gate")], check=True)
    return folder


@dataclass(frozen=True)
class Ran:
    """How a run of a workflow ended, and everything that it printed."""

    code: int
    log: str

    def printed(self) -> list[str]:
        """Every line that a step printed, those that act took for commands among them."""
        lines = []
        for line in self.log.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("raw_output"):
                lines.append(entry["msg"])
            elif "raw" in entry:
                lines.append(entry["raw"])
        return lines


@dataclass
class Forge:
    """The test server, as a process."""

    address: str

    def ask(self, path: str, body: Any = None, method: str | None = None, token: str = "") -> Any:
        """What the server says about itself; with a token, what it answers to anybody."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data=data, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
            request.add_header("User-Agent", "test")
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def do(self, action: str, **more: Any) -> None:
        """Do something as people do."""
        self.ask("/__state", {"do": [{"action": action, "repository": NAME, **more}]})

    @property
    def repository(self) -> Any:
        """The repository as it is now."""
        return next(
            one for one in self.ask("/__state")["repositories"] if one["name"] == NAME
        )  # fmt: skip

    @property
    def pull(self) -> Any:
        """Its first pull request."""
        return self.repository["pulls"][0]

    @property
    def comments(self) -> list[str]:
        """The comments of the first pull request."""
        return [one["body"] for one in self.pull["comments"]]

    @property
    def states(self) -> list[tuple[str, str]]:
        """The statuses that were set: the first twelve digits of the commit, and the state."""
        return [(one["sha"][:12], one["state"]) for one in self.repository["statuses"]]


@contextmanager
def serving(repository: Path, state: Path) -> Iterator[Forge]:
    """The test server for as long as it is needed; at the end nothing may be against GitHub."""
    command = [sys.executable, "-m", "tests.forges.github", "--repository", str(repository)]
    with subprocess.Popen(
        [*command, "--state", str(state)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        forge = Forge(process.stdout.readline().strip())
        assert forge.address, "the test server did not start"
        try:
            yield forge
            assert forge.ask("/__violations") == []
        finally:
            process.terminate()


@dataclass
class Acting:
    """A repository on a forge, and the runner that its events reach."""

    git: GitRepository
    forge: Forge
    folder: Path
    action: Path
    head: str = "change"
    runs: int = 0
    secrets: dict[str, str] = field(default_factory=lambda: {"GITHUB_TOKEN": TOKEN})

    @property
    def artifacts(self) -> Path:
        """What the runs kept, by the run's number and the artifact's name."""
        return self.folder / "artifacts"

    def report(self) -> Any:
        """The JSON report that the newest run kept."""
        return json.loads((self.artifacts / str(self.runs) / "gitops-gate/report.json").read_text())

    def commit(self, branch: str, files: Mapping[str, str | None]) -> str:
        """Commit to a branch, which is there if it was."""
        self.git.git("checkout", "--quiet", branch)
        for path, content in files.items():
            if content is None:
                (self.git.folder / path).unlink()
            else:
                self.git.write(path, content)
        made = self.git.commit()
        self.git.git("checkout", "--quiet", "main")  # what a clone takes for the default branch
        return made

    def tip(self, branch: str) -> str:
        """Where a branch is."""
        return self.git.git("rev-parse", branch).strip()

    def pull_request_event(self, number: int = 1, **more: Any) -> dict[str, Any]:
        """The payload of an event about a pull request."""
        pull = next(one for one in self.forge.repository["pulls"] if one["number"] == number)
        return {
            "action": "synchronize",
            "number": pull["number"],
            "repository": {"full_name": NAME, "default_branch": "main"},
            "pull_request": {
                "number": pull["number"],
                "title": pull["title"],
                "base": {"ref": pull["base"], "sha": self.tip(pull["base"])},
                "head": {"ref": self.head, "sha": pull["head"]},
                **more,
            },
        }

    def run(
        self,
        event: str,
        payload: Mapping[str, Any],
        *,
        workflow: Path,
        job: str | None = None,
        ref: str = "refs/heads/main",
        sha: str | None = None,
        as_json: bool = False,
        **environment: str,
    ) -> Ran:
        """Run a workflow for an event, as a new run; `printed` needs the log as JSON."""
        self.runs += 1
        place = self.folder / f"run-{self.runs}"
        place.mkdir()
        self.artifacts.mkdir(exist_ok=True)
        (place / "event.json").write_text(json.dumps(payload))
        secrets = "".join(f"{name}={value}\n" for name, value in self.secrets.items())
        (place / "secrets").write_text(secrets)
        cache = place / "cache"
        cache.mkdir()
        (cache / "tool_cache").symlink_to(tool_cache())
        variables = {
            "GITHUB_SERVER_URL": self.forge.address,
            "GITHUB_API_URL": f"{self.forge.address}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.forge.address}/api/graphql",
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_REPOSITORY_ID": str(ID),
            "GITHUB_REF": ref,
            "SHA_REF": sha or self.tip("main"),
            "GITHUB_RUN_ID": str(self.runs),
            "ARTIFACTS": str(self.artifacts),
            **environment,
        }
        command = [
            require_engine("act"), event, "--workflows", str(workflow), "--directory", str(place),
            "--platform", "ubuntu-24.04=-self-hosted", "--eventpath", str(place / "event.json"),
            "--secret-file", str(place / "secrets"), "--insecure-secrets", "--no-skip-checkout",
            "--use-new-action-cache", "--action-offline-mode", "--no-cache-server",
            "--action-cache-path", str(cache), "--pull=false", "--actor", "rita",
        ]  # fmt: skip
        for used, local in self._repositories(workflow).items():
            command += ["--local-repository", f"{used}={local}"]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        if job:
            command += ["--job", job]
        if as_json:
            command.append("--json")
        home = place / "home"
        home.mkdir()
        done = subprocess.run(
            command,
            env={"PATH": f"{self.programs()}:/usr/bin:/bin", "HOME": str(home), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, timeout=300,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"))

    def _repositories(self, workflow: Path) -> dict[str, Path]:
        """The actions that a workflow uses, and the folder that stands for each."""
        found = {}
        for line in workflow.read_text("utf-8").splitlines():
            name, _, used = line.strip().removeprefix("- ").partition(": ")
            if name != "uses":
                continue
            used = used.split(" ")[0]
            owner, _, rest = used.partition("/")
            local = self.action if owner == "gitops-gate" else STAND_INS / rest.split("@")[0]
            found[used] = local
        return found

    def programs(self) -> Path:
        """A folder for PATH: `gh`, Python, and a `git` that notes down its arguments."""
        folder = self.folder / "bin"
        if not folder.exists():
            folder.mkdir()
            (folder / "gh").symlink_to(STAND_INS / "bin" / "gh")
            (folder / "python3").symlink_to(Path(sys.executable).resolve())
            real = shutil.which("git", path="/usr/bin:/bin")
            wrapper = f'#!/bin/sh\nprintf "%s\\0" "$@" >>"{folder}/git.log"\nexec {real} "$@"\n'
            (folder / "git").write_text(wrapper)
            (folder / "git").chmod(0o755)
        return folder
