"""What a review keeps between runs: nothing in CI, but in a folder that the job names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops_gate import pipeline
from gitops_gate.review import judging
from tests.engines import require_engine
from tests.forges.test_review_github import Ran, World, config_map, request_event
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture

COMMANDS = (("review",), ("check", "--ci"), ("approvals",))


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_in_ci_nothing_is_taken_from_the_users_cache_and_nothing_is_left_there(
    world: World, gate: Callable[..., Ran], tmp_path: Path, command: tuple[str, ...]
) -> None:
    """On a runner of one's own, jobs that a change defines may run as the same user."""
    world.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    gate(*command)
    assert kept(tmp_path / "cache") == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_others_can_write_to_is_refused(
    gate: Callable[..., Ran], tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o775)
    done = gate(*command, "--cache-folder", folder)
    assert done.code == 2
    assert "others can write to this folder" in done.out + done.err
    assert kept(folder) == []


@pytest.mark.engine
def test_what_was_rendered_once_is_not_rendered_again(
    world: World, gate: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(Path(require_engine("kustomize")).parent)
    monkeypatch.setenv("PATH", path, prepend=":")
    files: dict[str, str | None] = {
        "site/kustomization.yaml": "resources: [settings.yaml]\n",
        "site/settings.yaml": config_map("new", "site"),
    }
    world.commit("change", files)
    world.event("pull_request_target", request_event(world))
    store = tmp_path / "store"
    gate("review", "--cache-folder", store)
    first = [(one, one.stat().st_ino) for one in kept(store / "rendered")]
    assert len(first) == 1
    gate("review", "--cache-folder", store)
    gate("approvals", "--cache-folder", store)
    assert [(one, one.stat().st_ino) for one in kept(store / "rendered")] == first


def test_what_a_run_renders_twice_is_kept_for_as_long_as_it_takes(
    world: World, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []

    def compare(before: Any, after: Any, deciding: Any, options: Any) -> Any:
        folders.append(Path(options.cache_folder))
        assert folders[-1].is_dir()
        return pipeline.compare(before, after, deciding, options)

    monkeypatch.setattr(judging, "compare", compare)
    gate("review")
    assert folders
    assert not any(folder.exists() for folder in folders)
