"""Helm and Kustomize as the Action brings them, against the engines that the other tests use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitops_gate.render.sandbox import sandbox_status
from tests.e2e.acting import install, outputs_of, tool_cache
from tests.e2e.conftest import Gate
from tests.engines import ROOT, engine_table, path_with
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.slow, pytest.mark.engine]


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what the Action's install script brings, and the system's own programs."""
    folder = tmp_path_factory.mktemp("installed")
    done = install(tool_cache(), folder / "outputs")
    assert done.returncode == 0, done.stderr
    return f"{outputs_of(folder / 'outputs')['programs']}:/usr/bin:/bin"


@pytest.fixture
def shop(tmp_path: Path) -> GitRepository:
    """The example, with its Kustomizations and its chart, and a change of both."""
    shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop")
    made = GitRepository(tmp_path / "shop")
    made.commit()
    made.git("checkout", "--quiet", "-b", "change")
    for path in (*made.folder.rglob("kustomization.yaml"), *made.folder.rglob("values.yaml")):
        text = path.read_text("utf-8")
        path.write_text(text + "namePrefix: a-\n" if "resources:" in text else text)
    made.commit()
    return made


def test_what_is_rendered_is_the_same_byte_for_byte(
    shop: GitRepository, command: Gate, brought: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rendered(path: str) -> str:
        monkeypatch.setenv("PATH", path)
        done = command("render", "--repo", shop.folder)
        assert done.code == 0, done.err
        return done.out

    ours = rendered(brought)
    assert ours.count("\nkind: Deployment") >= 2
    assert ours == rendered(path_with("helm", "kustomize"))


def test_their_versions_are_those_of_the_other_tests(
    command: Gate, brought: str, shop: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade of one is an upgrade of the other, or a difference that nobody looked at."""
    monkeypatch.setenv("PATH", brought)
    done = command("check", "--repo", shop.folder, "--base", "main", "--format", "json")
    tools = json.loads(done.out)["tools"]
    table = engine_table()
    assert tools["helm"].split("+")[0] == table["helm"]["version"]
    assert tools["kubectl kustomize"] == table["kustomize"]["version"]


@pytest.mark.skipif(not sandbox_status().complete, reason="this machine lacks a part of it")
def test_they_work_in_the_sandbox(
    command: Gate, brought: str, shop: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A review renders in the sandbox or not at all; `check --ci` does what a review does."""
    for name, value in {
        "PATH": brought, "JENKINS_URL": "https://ci.example.com/", "CHANGE_ID": "7",
        "CHANGE_TARGET": "main", "GIT_COMMIT": shop.git("rev-parse", "change").strip(),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    done = command("check", "--ci", "--repo", shop.folder, "--format", "json")
    assert done.code in (0, 1), done.err
    statuses = {one["name"]: one["status"] for one in json.loads(done.out)["applications"]}
    assert "failed" not in statuses.values()
    assert "rendered" in statuses.values()
