"""The scripts of the Action, each by itself: what they install, and what they fetch."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.acting import ID, NAME, PERMISSIONS, TOKEN, Forge, outputs_of, serving
from tests.engines import ROOT
from tests.unit.source.repositories import GitRepository

pytestmark = pytest.mark.slow


# ---------------------------------------------------------------------------------------- fetch


@dataclass
class Checkout:
    """A clone of the shop as a workflow has it, and the job around it."""

    folder: Path
    origin: GitRepository
    forge: Forge

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def clone(self, *options: str) -> None:
        basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        header = f"http.{self.forge.address}/.extraheader=AUTHORIZATION: basic {basic}"
        command = ["git", "-c", header, "clone", "--quiet", "--no-checkout", *options]
        address = f"{self.forge.address}/{NAME}"
        subprocess.run([*command, address, str(self.folder)], check=True, capture_output=True)

    def fetch(self, event: object, **variables: str) -> subprocess.CompletedProcess[str]:
        file = self.folder.parent / "event.json"
        file.write_text(json.dumps(event))
        output = self.folder.parent / "output"
        output.write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GATE_PYTHON": sys.executable,
            "GATE_TOKEN": TOKEN,
            "GATE_REPOSITORY": str(self.folder),
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_EVENT_NAME": "pull_request_target",
            "GITHUB_SERVER_URL": self.forge.address,
            "GITHUB_OUTPUT": str(output),
            **variables,
        }
        return subprocess.run(
            [str(ROOT / "action" / "fetch")],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def refs(self) -> set[str]:
        """What is known of the forge, without the branches that the clone brought."""
        listed = self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/remotes")
        return set(listed.split("\n"))

    def whole(self, revision: str) -> bool:
        """Whether every object behind a revision is here."""
        found = self.git("rev-list", "--objects", "--missing=print", revision)
        return not any(line.startswith("?") for line in found.splitlines())


EVENT = {"pull_request": {"number": 1, "base": {"ref": "main"}, "head": {"ref": "change"}}}


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GitRepository, Forge]]:
    """A private repository with three commits on `main`, a change, and two more branches."""
    folder = tmp_path_factory.mktemp("forge")
    origin = GitRepository(folder / "origin")
    for number in range(3):
        origin.write("file", f"{number}\n")
        origin.commit()
    for name in ("change", "other", "release/1.0"):
        origin.git("checkout", "--quiet", "-b", name, "main")
        origin.write(f"of-{name.replace('/', '-')}", name)
        origin.commit()
    origin.git("checkout", "--quiet", "main")
    repository = {"name": NAME, "number": ID, "private": True, "pulls": [{"head": "change"}]}
    token = {"value": TOKEN, "permissions": PERMISSIONS}
    state = folder / "state.json"
    state.write_text(json.dumps({"tokens": [token], "repositories": [repository]}))
    with serving(origin.folder, state) as served:
        yield origin, served


@pytest.fixture
def checkout(tmp_path: Path, forge: tuple[GitRepository, Forge]) -> Checkout:
    """A place for a clone of it."""
    return Checkout(tmp_path / "clone", *forge)


class TestWhatIsFetched:
    def test_of_a_shallow_clone_the_target_and_the_head_with_their_history(
        self, checkout: Checkout
    ) -> None:
        checkout.clone("--depth", "1", "--single-branch")
        done = checkout.fetch(EVENT)
        assert done.returncode == 0, done.stderr
        assert checkout.refs() == {"origin/main", "origin/HEAD", "gitops-gate/pull/1"}
        assert checkout.git("rev-list", "--count", "refs/remotes/gitops-gate/pull/1") == "4"
        assert checkout.git("rev-list", "--count", "refs/remotes/origin/main") == "3"
        output = checkout.folder.parent / "output"
        assert output.read_text() == "head=refs/remotes/gitops-gate/pull/1\n"

    def test_the_default_branch_too_when_another_is_the_target(self, checkout: Checkout) -> None:
        checkout.clone("--depth", "1", "--single-branch", "--branch", "other")
        event = {"pull_request": {"number": 1, "base": {"ref": "release/1.0"}}}
        assert checkout.fetch(event).returncode == 0
        assert {"origin/main", "origin/release/1.0"} <= checkout.refs()
        assert checkout.git("symbolic-ref", "refs/remotes/origin/HEAD").endswith("origin/main")

    def test_a_partial_clone_becomes_a_whole_one(self, checkout: Checkout) -> None:
        checkout.clone("--filter=blob:none", "--single-branch")
        done = checkout.fetch(EVENT)
        assert done.returncode == 0, done.stderr
        assert checkout.whole("refs/remotes/origin/main")
        assert checkout.whole("refs/remotes/gitops-gate/pull/1")

    @pytest.mark.parametrize(
        ("event", "variables"),
        [
            pytest.param({"issue": {"number": 1}}, {}, id="an event that names no target"),
            pytest.param(EVENT, {"GITHUB_RUN_ATTEMPT": "2"}, id="an event that is replayed"),
        ],
    )
    def test_every_branch_when_the_target_may_be_any(
        self, checkout: Checkout, event: object, variables: dict[str, str]
    ) -> None:
        checkout.clone("--depth", "1", "--single-branch")
        assert checkout.fetch(event, **variables).returncode == 0
        assert {"origin/main", "origin/other", "origin/release/1.0"} <= checkout.refs()

    def test_a_commit_by_its_id(self, checkout: Checkout) -> None:
        head = checkout.origin.git("rev-parse", "other").strip()
        checkout.clone("--depth", "1", "--single-branch")
        group = {"base_ref": "refs/heads/main", "head_sha": head}
        assert checkout.fetch({"merge_group": group}).returncode == 0
        assert checkout.git("rev-parse", "refs/remotes/gitops-gate/head") == head

    def test_in_a_merge_queue_the_heads_of_all_that_wait(self, checkout: Checkout) -> None:
        """A squashed head is in no commit of the queue; whatever else is called so is left."""
        origin = checkout.origin
        head = origin.git("rev-parse", "main").strip()
        checkout.clone("--depth", "1", "--single-branch")
        for branch in (f"pr-1-{head}", f"pr-77-{head}", "pr-1;touch-x-0", "other"):
            origin.git("update-ref", f"refs/heads/gh-readonly-queue/main/{branch}", head)
        group = {"base_ref": "refs/heads/main", "head_sha": head}
        done = checkout.fetch({"merge_group": group}, GITHUB_EVENT_NAME="merge_group")
        for branch in (f"pr-1-{head}", f"pr-77-{head}", "pr-1;touch-x-0", "other"):
            origin.git("update-ref", "-d", f"refs/heads/gh-readonly-queue/main/{branch}")
        assert done.returncode == 0, done.stderr
        change = origin.git("rev-parse", "change").strip()
        assert checkout.git("rev-parse", "refs/remotes/gitops-gate/pull/1") == change
        assert "gitops-gate/pull/77" not in checkout.refs()

    def test_a_second_time_as_well(self, checkout: Checkout) -> None:
        checkout.clone()
        assert checkout.fetch(EVENT).returncode == 0
        checkout.origin.git("checkout", "--quiet", "change")
        checkout.origin.git("commit", "--quiet", "--amend", "-m", "Another")
        assert checkout.fetch(EVENT).returncode == 0
        newest = checkout.origin.git("rev-parse", "change").strip()
        assert checkout.git("rev-parse", "refs/remotes/gitops-gate/pull/1") == newest

    def test_nothing_is_checked_out_and_no_hook_is_run(self, checkout: Checkout) -> None:
        checkout.clone()
        hooks = checkout.folder / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in ("reference-transaction", "post-checkout", "post-merge"):
            (hooks / name).write_text(f"#!/bin/sh\ntouch {checkout.folder.parent}/ran\n")
            (hooks / name).chmod(0o755)
        assert checkout.fetch(EVENT).returncode == 0
        assert not (checkout.folder.parent / "ran").exists()
        assert [path.name for path in checkout.folder.iterdir()] == [".git"]

    def test_the_token_is_in_no_file_afterwards(self, checkout: Checkout) -> None:
        checkout.clone()
        assert checkout.fetch(EVENT).returncode == 0
        basic = base64.b64encode(f"x-access-token:{TOKEN}".encode())
        for path in checkout.folder.rglob("*"):
            if path.is_file():
                assert TOKEN.encode() not in path.read_bytes()
                assert basic not in path.read_bytes()

    def test_a_checkout_that_another_user_owns(self, checkout: Checkout) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give a file away")
        checkout.clone()
        for path in (checkout.folder, *checkout.folder.rglob("*")):
            os.chown(path, 12345, 12345)
        done = checkout.fetch(EVENT)
        assert done.returncode == 0, done.stderr


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "base",
        [
            "--upload-pack=touch ran",
            "main:refs/remotes/origin/main",
            "*",
            "a b",
            "$(touch ran)..",
            "",
        ],
    )
    def test_a_target_that_is_no_branch(self, checkout: Checkout, base: str) -> None:
        checkout.clone()
        event = {"inputs": {"number": "1", "base": base}}
        done = checkout.fetch(event)
        assert done.returncode == (0 if base == "" else 2), done.stderr
        assert not list(checkout.folder.parent.rglob("ran"))

    def test_a_folder_that_is_no_checkout(self, checkout: Checkout) -> None:
        checkout.folder.mkdir()
        done = checkout.fetch(EVENT)
        assert done.returncode == 2
        assert "add actions/checkout before" in done.stdout

    def test_a_number_that_is_none(self, checkout: Checkout) -> None:
        checkout.clone()
        done = checkout.fetch(EVENT, GATE_NUMBER="1/head:refs/heads/main")
        assert done.returncode == 2
        assert "number must be a number" in done.stdout

    def test_the_token_goes_to_no_other_server(self, checkout: Checkout) -> None:
        checkout.clone()
        checkout.git("remote", "set-url", "origin", f"{checkout.forge.address}.example.com/{NAME}")
        done = checkout.fetch(EVENT, GIT_TRACE_CURL="1", GIT_TRACE_REDACT="0")
        assert done.returncode != 0
        assert "AUTHORIZATION" not in done.stderr.upper().replace("EXTRAHEADER", "")


# -------------------------------------------------------------------------------------- install


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A copy of the action whose lock names one tiny wheel, and that wheel: no network needed."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "action", copy / "action")
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    lock(copy, wheel)
    return copy


def lock(copy: Path, package: Path, digest: str | None = None) -> None:
    import hashlib

    digest = digest or hashlib.sha256(package.read_bytes()).hexdigest()
    (copy / "requirements").mkdir(exist_ok=True)
    (copy / "requirements" / "runtime.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    (copy / "requirements" / "engines.txt").write_text("")


@dataclass
class Job:
    """Runs of the install script of a copy, on one machine."""

    copy: Path
    folder: Path

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        output = self.folder / "output"
        output.write_text("")
        temporary = self.folder / "temporary"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        cwd = self.folder / "workspace"
        cwd.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder / "wheels"),
            "RUNNER_TEMP": str(temporary),
            "RUNNER_TOOL_CACHE": str(self.folder / "tool-cache"),
            "GITHUB_OUTPUT": str(output),
            "GATE_ENGINES": "path",
            **variables,
        }
        return subprocess.run(
            [str(self.copy / "action" / "install")],
            cwd=cwd, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def outputs(self) -> dict[str, str]:
        return outputs_of(self.folder / "output")


@pytest.fixture
def job(wheels: Path, tmp_path: Path) -> Job:
    return Job(wheels, tmp_path)


class TestWhatIsInstalled:
    def test_what_the_lock_names_by_its_hash_and_nothing_of_the_checkout(self, job: Job) -> None:
        """In the simple form the working folder holds the files of the change."""
        workspace = job.folder / "workspace"
        workspace.mkdir()
        for name in ("pip", "venv", "ensurepip", "json", "sitecustomize", "encodings", "zipfile"):
            (workspace / f"{name}.py").write_text(f"open('{job.folder}/ran', 'w')\n")
        done = job.run()
        assert not (job.folder / "ran").exists()
        assert done.returncode == 0, done.stderr
        subprocess.run([job.outputs["python"], "-c", "import tiny"], check=True)
        assert job.outputs["program"] == str(job.copy)
        assert "programs" not in job.outputs

    def test_nothing_whose_hash_is_another(self, job: Job) -> None:
        lock(job.copy, job.folder, digest="0" * 64)
        done = job.run()
        assert done.returncode != 0
        assert "DO NOT MATCH THE HASHES" in done.stderr
        assert job.outputs == {}
        assert not list((job.folder / "tool-cache").rglob("ready"))

    def test_nothing_that_would_have_to_be_built(self, job: Job) -> None:
        """Building a source package runs what is in it."""
        import tarfile

        for path in (job.folder / "wheels").iterdir():
            path.unlink()
        setup = job.folder / "setup.py"
        setup.write_text(f"open('{job.folder}/ran', 'w')\n")
        source = job.folder / "wheels" / "tiny-1.0.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            archive.add(setup, "tiny-1.0/setup.py")
        lock(job.copy, source)
        assert job.run().returncode != 0
        assert not (job.folder / "ran").exists()

    def test_a_second_job_finds_it_in_the_tool_cache_without_any_network(self, job: Job) -> None:
        assert job.run().returncode == 0
        kept = job.outputs["python"]
        assert kept.startswith(str(job.folder / "tool-cache"))
        assert job.run(GATE_CACHE="false").returncode == 0
        assert job.outputs["python"].startswith(str(job.folder / "temporary"))
        shutil.rmtree(job.folder / "wheels")
        assert job.run().returncode == 0
        assert job.outputs["python"] == kept
        assert job.run(GATE_CACHE="false").returncode != 0
        with (job.copy / "action" / "unpack.py").open("a") as file:
            file.write("# another recipe is another folder\n")
        assert job.run().returncode != 0

    def test_what_was_made_with_a_python_that_is_gone_is_made_anew(self, job: Job) -> None:
        assert job.run().returncode == 0
        python = Path(job.outputs["python"])
        python.unlink()
        python.symlink_to("/nonexistent/python")
        assert job.run().returncode == 0
        subprocess.run([job.outputs["python"], "-c", "import tiny"], check=True)

    def test_two_jobs_at_once_end_with_one(self, job: Job) -> None:
        from concurrent.futures import ThreadPoolExecutor

        second = Job(job.copy, job.folder)
        with ThreadPoolExecutor(2) as pool:
            started = [pool.submit(one.run, RUNNER_TEMP=str(job.folder)) for one in (job, second)]
            done = [one.result() for one in started]
        assert [one.returncode for one in done] == [0, 0]
        (kept,) = (job.folder / "tool-cache" / "gitops-gate").iterdir()
        assert (kept / "ready").exists()

    def test_engines_that_nobody_knows_are_refused(self, job: Job) -> None:
        done = job.run(GATE_ENGINES="newest; touch ran")
        assert done.returncode == 2
        assert "::error::engines must be" in done.stdout
