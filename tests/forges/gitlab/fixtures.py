"""Pytest fixtures around the GitLab of our own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forges.gitlab.scenario import Shop, shop
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import State

MAIN_FILE = "".join(f"line {number}\n" for number in range(1, 41))
CHANGED_FILE = MAIN_FILE.replace("line 20\n", "line twenty\nline twenty and a half\n")


def commit(repository: Path, files: dict[str, str | None], message: str, author: str) -> str:
    """Commit files (None removes one) in a checkout as `<author>@example.com`; the new id."""
    for name, text in files.items():
        path = repository / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    environment = dict(os.environ)
    for role in ("AUTHOR", "COMMITTER"):
        environment[f"GIT_{role}_NAME"] = author.title()
        environment[f"GIT_{role}_EMAIL"] = f"{author}@example.com"
    _git(repository, "add", "-A", environment=environment)
    _git(repository, "commit", "-q", "--no-verify", "-m", message, environment=environment)
    return _git(repository, "rev-parse", "HEAD")


def _git(repository: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    return done.stdout.strip()


def make_repository(folder: Path) -> Path:
    """A checkout with `main`, and `change` with one commit by alice on top, checked out."""
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    commit(folder, {"app/config.yaml": MAIN_FILE, "README.md": "# Shop\n"}, "Start", "carol")
    _git(folder, "checkout", "-q", "-b", "change")
    commit(folder, {"app/config.yaml": CHANGED_FILE}, "Change twenty", "alice")
    return folder


@pytest.fixture
def gitlab_repository(tmp_path: Path) -> Path:
    """See `make_repository`."""
    return make_repository(tmp_path / "shop.git-checkout")


@pytest.fixture
def gitlab_shop(gitlab_repository: Path) -> Shop:
    """The scenario that `gitlab_server` serves; Free, unless the test sets `state.premium`."""
    return shop(gitlab_repository)


@pytest.fixture
def start_gitlab() -> Iterator[Callable[..., GitLabServer]]:
    """Start further servers: `start_gitlab(state, root="/gitlab")`. All are checked at the end."""
    running: list[GitLabServer] = []

    def start(state: State, *, root: str = "") -> GitLabServer:
        server = GitLabServer(state, root=root)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()
    for server in running:
        server.check()


@pytest.fixture
def gitlab_server(gitlab_shop: Shop, start_gitlab: Callable[..., GitLabServer]) -> GitLabServer:
    """A running GitLab with the scenario; what broke its description fails the test at the end."""
    return start_gitlab(gitlab_shop.state)
