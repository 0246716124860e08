"""Runs the GitLab template with gitlab-ci-local on this machine, against a GitLab of our own.

    a project and its merge request   ──tests.forges.gitlab──>  REST, GraphQL and Git on loopback
    this checkout as a Git repository ──────────────────────>   what the template installs
    an include of the template        ──gitlab-ci-local──>      jobs with the shell of this machine

What a real runner does and gitlab-ci-local does not: protected variables, masking (so that a token
in a log is seen), resource groups, interruption, and what follows a status.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.engines import ROOT, engines_folder, node_package, require_program
from tests.unit.source.repositories import GitRepository

TEMPLATE = ROOT / "templates" / "gitops-gate.yml"
PROJECT = "group/shop"
PROJECT_ID = 4711
TOKEN = "glpat-bot-0123456789abcdefgh"
JOB_TOKEN = "glcbt-job-0123456789abcdefgh"
TRIGGER_TOKEN = "glptt-0123456789abcdefghijklmnopqrstuvwxyz01"
SHIPPED = (
    "action", "gitops_gate", "policies", "requirements", "templates", ".gitlab-ci-template.yml",
)  # fmt: skip
_NEWER_SETS = "data:text/javascript," + urllib.parse.quote(
    "Set.prototype.union ??= function (other) { return new Set([...this, ...other]) }"
)
"""What gitlab-ci-local uses of Node 22, for Node 20."""


@dataclass(frozen=True)
class Ran:
    """How a pipeline ended, and everything that it printed."""

    code: int
    log: str


@dataclass
class Forge:
    """The test server, as a process."""

    address: str

    def ask(self, path: str, body: Any = None) -> Any:
        """What the server says about itself."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data=data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    @property
    def merge_request(self) -> Any:
        """The first merge request as it is now."""
        return self.ask("/__state")["merge_requests"][0]

    @property
    def notes(self) -> list[str]:
        """What was said on the merge request as a whole."""
        notes = self.merge_request["notes"]
        return [one["body"] for one in notes if not one["system"] and one["position"] is None]

    @property
    def inline(self) -> list[Any]:
        """What was said on its lines."""
        return [one for one in self.merge_request["notes"] if one["position"] is not None]

    @property
    def triggered(self) -> list[Any]:
        """The payloads of the pipelines that a trigger token started."""
        pipelines = self.ask("/__state")["pipelines"]
        return [one["payload"] for one in pipelines if one["source"] == "trigger"]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """The statuses that were set: the first twelve digits of the commit, and the state."""
        return [(one["sha"][:12], one["status"]) for one in self.ask("/__state")["statuses"]]

    @property
    def writes(self) -> list[str]:
        """The operations that changed something; Git and GraphQL read by POST."""
        asked = [one["operation"] for one in self.ask("/__log") if one["method"] != "GET"]
        return [one for one in asked if not one.startswith(("git-upload-pack", "graphql/query"))]


@contextmanager
def serving(state: Path) -> Iterator[Forge]:
    """The test server for as long as it is needed; at the end nothing may be against GitLab."""
    command = [sys.executable, "-m", "tests.forges.gitlab", "--state", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        forge = Forge(process.stdout.readline().strip())
        assert forge.address, "the test server did not start"
        try:
            yield forge
            assert forge.ask("/__violations") == []
        finally:
            process.terminate()


def published(folder: Path) -> GitRepository:
    """This checkout's shipped files as the repository that the template fetches, tagged v0.1.0.

    It holds them compiled as well, which saves each job a second.
    """
    git = GitRepository(folder)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *SHIPPED],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("requirements/node/"):
            git.write(name, source.read_bytes()).chmod(source.stat().st_mode)
    compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiling, "gitops_gate"], cwd=folder, check=True)
    git.commit()
    git.git("tag", "v0.1.0")
    return git


@dataclass
class Piping:
    """A project on a GitLab, and the runner that its pipelines reach."""

    git: GitRepository
    gate: GitRepository
    forge: Forge
    folder: Path
    inputs: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    pipelines: int = 90
    source: str = "change"

    def tip(self, branch: str) -> str:
        """Where a branch is."""
        return self.git.git("rev-parse", branch).strip()

    def short(self, branch: str) -> str:
        """The first twelve digits of a branch's commit."""
        return self.tip(branch)[:12]

    def do(self, action: str, **more: Any) -> None:
        """Do something with the merge request as people do."""
        done = {"action": action, "merge_request": f"{PROJECT}!7", **more}
        self.forge.ask("/__state", {"do": [done]})

    @property
    def component(self) -> dict[str, str]:
        """The include of the component, by its tag."""
        server = self.forge.address.removeprefix("http://")
        return {"component": f"{server}/gitops-gate/gitops-gate/gitops-gate@v0.1.0"}

    @property
    def project_file(self) -> dict[str, str]:
        """The include of the template by its project."""
        file = "/.gitlab-ci-template.yml"
        return {"project": "gitops-gate/gitops-gate", "ref": "v0.1.0", "file": file}

    def commit(self, branch: str, files: Mapping[str, str | None]) -> str:
        """Commit to a branch that is there, and tell the server."""
        self.git.git("checkout", "--quiet", branch)
        for path, content in files.items():
            if content is None:
                (self.git.folder / path).unlink()
            else:
                self.git.write(path, content)
        commit = self.git.commit()
        if branch != "main":
            self.do("push", by="alice")
        return commit

    @property
    def place(self) -> Path:
        """Where the newest pipeline ran."""
        return self.folder / f"pipeline-{self.runs}"

    def kept(self, job: str, name: str) -> Path:
        """A report that a job of the newest pipeline kept."""
        (folder,) = (self.place / ".gitlab-ci-local" / "artifacts").glob(f"gitops-gate?g{job}")
        return folder / "gitops-gate-reports" / name

    def merge_request(self, kind: str = "detached", **more: str) -> dict[str, str]:
        """What GitLab says in a new pipeline of the merge request; twice the same is a retry."""
        self.pipelines += 1
        pipeline = {"id": self.pipelines, "merge_request": f"{PROJECT}!7", "by": "alice"}
        if kind == "detached":
            self.forge.ask("/__state", {"pipelines": [pipeline]})
        return {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_EVENT_TYPE": kind,
            "CI_MERGE_REQUEST_PROJECT_ID": str(PROJECT_ID),
            "CI_MERGE_REQUEST_PROJECT_PATH": PROJECT,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_TITLE": self.forge.merge_request["title"],
            "CI_COMMIT_SHA": self.tip(self.source),
            "CI_PIPELINE_ID": str(self.pipelines),
            "CI_COMMIT_REF_PROTECTED": "false",
            **more,
        }

    def train(self) -> dict[str, str]:
        """What GitLab says in the pipeline of a merge train with the merge request alone."""
        return self.merge_request(
            "merge_train",
            CI_MERGE_REQUEST_TARGET_BRANCH_SHA=self.tip("main"),
            CI_COMMIT_SHA=self._merged("train"),
        )

    def merged_result(self) -> dict[str, str]:
        """What GitLab says in a pipeline of the merged result, which is the newest."""
        commit = self._merged("merge")
        pipeline = {
            "id": 191, "project": PROJECT, "sha": commit, "ref": "refs/merge-requests/7/merge",
            "by": "alice", "source": "merge_request_event",
        }  # fmt: skip
        self.forge.ask("/__state", {"pipelines": [pipeline]})
        return self.merge_request(
            "merged_result",
            CI_MERGE_REQUEST_TARGET_BRANCH_SHA=self.tip("main"),
            CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=self.tip("change"),
            CI_COMMIT_SHA=commit,
            CI_PIPELINE_ID="191",
        )

    def _merged(self, ref: str) -> str:
        self.git.git("checkout", "--quiet", "--detach", "main")
        self.git.git("merge", "--quiet", "--no-ff", "-m", ref, "change")
        commit = self.tip("HEAD")
        self.git.git("update-ref", f"refs/merge-requests/7/{ref}", commit)
        self.git.git("checkout", "--quiet", "main")
        return commit

    def on_main(self, source: str, **more: str) -> dict[str, str]:
        """What GitLab says in a pipeline of the protected default branch."""
        return {
            "CI_PIPELINE_SOURCE": source,
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SHA": self.tip("main"),
            "CI_COMMIT_REF_PROTECTED": "true",
            **more,
        }

    def triggered(self, **attributes: Any) -> dict[str, str]:
        """What GitLab says in the pipeline that a webhook started, with its payload."""
        return self.started({
            "object_kind": "merge_request",
            "project": {"id": PROJECT_ID, "path_with_namespace": PROJECT},
            "object_attributes": {
                "iid": 7, "state": "opened", "action": "approved", "target_branch": "main",
                "title": self.forge.merge_request["title"],
                "last_commit": {"id": self.tip(self.source)}, **attributes,
            },
        })  # fmt: skip

    def commented(self, note: str, **attributes: Any) -> dict[str, str]:
        """What GitLab says in the pipeline that the webhook started for a comment."""
        return self.started({
            "object_kind": "note",
            "project": {"id": PROJECT_ID, "path_with_namespace": PROJECT},
            "object_attributes": {
                "note": note, "noteable_type": "MergeRequest", "action": "create", **attributes,
            },
            "merge_request": {
                "iid": 7, "state": "opened", "target_branch": "main",
                "last_commit": {"id": self.tip(self.source)},
            },
        })  # fmt: skip

    def started(self, payload: Mapping[str, Any]) -> dict[str, str]:
        """What GitLab says in the pipeline of a trigger token, with this payload."""
        file = self.folder / f"payload-{self.runs}.json"
        file.write_text(json.dumps(payload))
        return self.on_main("trigger", TRIGGER_PAYLOAD=str(file))

    def run(
        self,
        variables: Mapping[str, str],
        *,
        token: str | None = TOKEN,
        trigger: str | None = TRIGGER_TOKEN,
        include: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        beside: Mapping[str, Any] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run the pipeline that GitLab would make with these variables.

        `include` replaces the entry without inputs, and `beside` is what stands beside it in the
        project's file. Without a `token` or `trigger` there is no variable that holds it. Further
        variables, for the environment `delivery` alone, are `keys`.
        """
        self.runs += 1
        git = GitRepository(self.place)
        git.git("remote", "add", "origin", f"{self.forge.address}/{PROJECT}.git")
        given = {
            "url": self.forge.address,
            "source": f"{self.forge.address}/gitops-gate/gitops-gate.git",
            "version": self.gate.git("rev-parse", "HEAD"),
            "cache-folder": str(engines_folder() / "gitlab"),
            **self.inputs, **(inputs or {}),
        }  # fmt: skip
        included = include or {"local": "/templates/gitops-gate.yml"}
        git.write("templates/gitops-gate.yml", TEMPLATE.read_bytes())
        configuration = {"include": [{**included, "inputs": given}], **(beside or {})}
        git.write(".gitlab-ci.yml", yaml.safe_dump(configuration))
        settings = {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": self.forge.address,
            "CI_API_V4_URL": f"{self.forge.address}/api/v4",
            "CI_API_GRAPHQL_URL": f"{self.forge.address}/api/graphql",
            "CI_PROJECT_ID": str(PROJECT_ID),
            "CI_PROJECT_PATH": PROJECT,
            "CI_DEFAULT_BRANCH": "main",
            "CI_PIPELINE_ID": "90",
            "CI_JOB_TOKEN": JOB_TOKEN,
            **variables,
        }
        # As a project keeps them: masked, and for one environment alone.
        scope = "gitops-gate" if given.get("form") == "trusted" else "*"
        tokens = {"GITOPS_GATE_TOKEN": token, "GITOPS_GATE_TRIGGER_TOKEN": trigger}
        kept = {name: {"values": {scope: value}} for name, value in tokens.items() if value}
        for name, value in (keys or {}).items():
            kept.setdefault(name, {"values": {}})["values"]["delivery"] = value
        git.write(".gitlab-ci-local-variables.yml", yaml.safe_dump(kept))
        git.commit()
        require_program("rsync", "apt-get install rsync")
        command = [
            require_program("node", "install Node"), "--import", _NEWER_SETS,
            str(node_package("gitlab-ci-local") / "dist" / "index.js"),
            "--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source", "--no-color",
            "--home", str(self.folder / "home"),
        ]  # fmt: skip
        for name, value in settings.items():
            command += ["--variable", f"{name}={value}"]
        if "CI_COMMIT_BRANCH" not in settings:
            command += ["--unset-variable", "CI_COMMIT_BRANCH"]
        done = subprocess.run(
            command,
            env={
                "PATH": os.environ["PATH"], "HOME": str(self.folder),
                "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
            },
            cwd=self.place, check=False, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"))
