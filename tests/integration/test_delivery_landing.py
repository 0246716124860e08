"""How each forge lands changes, by every method, is what Git says that each change gives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops_gate.delivery.landing import Landed, landing_of
from gitops_gate.delivery.values import Hold, Landing
from gitops_gate.forges.connect import connect
from gitops_gate.forges.endpoint import endpoint_for
from gitops_gate.forges.values import Target
from gitops_gate.source import open_repository
from gitops_gate.source.recompute import steps_between
from tests.forges.github import GitHubServer
from tests.forges.github.fixtures import github_server as github_server  # noqa: PLC0414
from tests.forges.gitlab import scenario
from tests.forges.gitlab.fixtures import start_gitlab as start_gitlab  # noqa: PLC0414
from tests.forges.gitlab.server import GitLabServer
from tests.forges.test_github_landing_server import APP, Shop
from tests.forges.test_gitlab_landed_client import Site
from tests.unit.forges.scripted_server import TestClock

pytestmark = pytest.mark.slow
MAIN = "refs/heads/main"


def landings(
    folder: Path, path: Path, line: tuple[str, str], landed: Landed
) -> list[Landing | Hold]:
    """How everything between two commits of a branch landed, in a clone."""
    subprocess.run(["git", "clone", "-q", "--mirror", str(path), str(folder)], check=True)
    found: list[Landing | Hold] = []
    at, tip = line
    with open_repository(folder) as repository:
        steps = list(steps_between(repository, at, tip) or ())
        while steps:
            one = landing_of(repository, steps, before=at, branch=MAIN, landed=landed)
            count = len(one.commits) if isinstance(one, Landing) else 1
            found.append(one)
            at, steps = steps[count - 1], steps[count:]
    return found


def numbers(found: list[Landing | Hold]) -> list[list[int]]:
    for one in found:
        assert isinstance(one, Landing), one
    return [[change.number for change in one.changes] for one in found if isinstance(one, Landing)]


@pytest.mark.parametrize("empty", ["", "between", "last"])
@pytest.mark.parametrize("queue", [False, True])
@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_on_github(
    tmp_path: Path, github_server: GitHubServer, method: str, queue: bool, empty: str
) -> None:
    shop = Shop(github_server)
    server = shop.server
    if empty:
        server.commit(shop.repository, "feature", {"README.md": "changed\n"})
        server.commit(shop.repository, "feature", {"README.md": "# Hello\n"})
    if empty == "last":
        server.commit(shop.repository, "feature", {})
    second = shop.change("second")
    before = shop.tip()
    if queue:
        for pull in (shop.pull, second):
            server.enqueue(shop.repository, pull, method, by="ann")
        server.land_queue(shop.repository)
    else:
        server.merge(shop.pull, method)
        server.merge(second, method)
    endpoint = endpoint_for("github", pinned_url=server.origin)
    target = Target(repository="acme/shop")
    forge = connect(endpoint, target, APP, deadline=600.0, clock=TestClock().clock())
    assert forge.landed is not None
    line = before, shop.tip()
    found = landings(tmp_path / "c", shop.repository.git.path, line, forge.landed.landed)
    assert numbers(found) == [[1], [second.number]]


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("squash", [False, True])
@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("method", ["merge", "rebase_merge", "ff"])
def test_on_gitlab(
    tmp_path: Path,
    start_gitlab: Callable[..., GitLabServer],
    method: str,
    train: bool,
    squash: bool,
    links: bool,
) -> None:
    shop = scenario.bare_shop(tmp_path / "shop.git")
    site = Site(start_gitlab(shop.state), shop)
    shop.state.links_generated_commits = links
    for name in ("s.yaml", "s2.yaml"):
        site.server.commit("second", {name: "a: 1\n"})
    second = site.server.open("second", title="Second")
    before = site.project.git.tip("main")
    if train:
        site.server.train(site.mr, second, method=method, squash=squash)
    else:
        for mr in (site.mr, second):
            site.server.merge(mr, method, squash=squash)
    forge = site.connect()
    assert forge.landed is not None
    line = before, site.project.git.tip("main")
    found = landings(tmp_path / "c", site.project.git.path, line, forge.landed.landed)
    assert numbers(found) == [[7], [second.iid]]
