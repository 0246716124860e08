"""The packaged Action and its workflows, run for real: act on this machine, a GitHub on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.acting import (
    ID,
    NAME,
    PERMISSIONS,
    TOKEN,
    WORKFLOWS,
    Acting,
    copy_of_the_action,
    install,
    outputs_of,
    serving,
    tool_cache,
)
from tests.engines import require_engine
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.slow, pytest.mark.engine]

PINNED = "registry.example.com/web@sha256:" + "a" * 64
UNPINNED = "registry.example.com/web:latest"


def deployment(image: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        f"        - name: web\n          image: {image}\n"
    )


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action, installed once into a tool cache that later runs find."""
    require_engine("act")
    folder = tmp_path_factory.mktemp("action")
    done = install(tool_cache(), folder / "outputs")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy_of_the_action(folder / "copy", outputs_of(folder / "outputs")["python"])


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """The packaged workflow. It keeps nothing between jobs; here it finds what is installed."""
    file = tmp_path / "gitops-gate.yml"
    text = (WORKFLOWS / "gitops-gate.yml").read_text()
    file.write_text(text.replace('cache: "false"', 'cache: "true"'))
    return file


@pytest.fixture
def shop(tmp_path: Path, action: Path) -> Iterator[Acting]:
    """A private repository whose change unpins an image, and its pull request."""
    git = GitRepository(tmp_path / "origin")
    git.write(".gitops-gate.yaml", "version: 1\n")
    git.write("apps/web.yaml", deployment(PINNED))
    git.commit()
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"tokens": [{"value": TOKEN, "permissions": PERMISSIONS}]}))
    with serving(git.folder, state) as forge:
        acting = Acting(git, forge, tmp_path, action)
        pins = f"forge: {{url: {forge.address}, repository_id: {ID}}}\n"
        rules = f"version: 1\npolicies: {{builtin: [images/pinned]}}\n{pins}"
        acting.commit("main", {".gitops-gate.yaml": rules})
        git.git("branch", "change")
        acting.commit("change", {"apps/web.yaml": deployment(UNPINNED)})
        repository = {
            "name": NAME,
            "number": ID,
            "private": True,
            "git": str(git.folder),
            "pulls": [{"head": "change", "title": "Bring the newest web"}],
        }
        forge.ask("/__state", {"repositories": [repository]})
        yield acting


def about_the_change(acting: Acting, workflow: Path, **more: Any) -> Any:
    return acting.run("pull_request_target", acting.pull_request_event(), workflow=workflow, **more)


class TestTheTwoJobs:
    def test_a_denied_change(self, shop: Acting, trusted: Path) -> None:
        ran = about_the_change(shop, trusted)
        assert ran.code == 1, ran.log
        assert shop.report()["verdict"] == "deny"
        (comment,) = shop.forge.comments
        assert "images/pinned" in comment
        (thread,) = shop.forge.pull["threads"]
        assert (thread["path"], thread["line"]) == ("apps/web.yaml", 13)
        assert shop.forge.states == [(shop.tip("change")[:12], "failure")]
