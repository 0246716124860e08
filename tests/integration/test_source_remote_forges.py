"""Fetches and pushes as the forges take them: tokens, protected branches, answers that get lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.errors import SourceError
from gitops_gate.source import Repository, edited_tree, open_repository, read_commit, write_commit
from gitops_gate.source.remote import fetch, push, remote_refs
from gitops_gate.source.remote_values import PushResult, RefUpdate, RemoteAddress
from tests.forges.github.fixtures import github_server
from tests.forges.github.server import GitHubServer
from tests.forges.gitlab import scenario
from tests.forges.gitlab.fixtures import start_gitlab
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import DEVELOPER
from tests.unit.source.repositories import GitRepository

__all__ = ["github_server", "start_gitlab"]

AT = datetime(2030, 1, 1, tzinfo=UTC)
MAIN = "refs/heads/main"
DEPLOY = "refs/heads/deploy/production"
LEDGER = "refs/heads/gitops-gate/attestations"


@dataclass(frozen=True, kw_only=True)
class Forge:
    """One of the two forges, with a delivery ref and an attestation branch that one token moves."""

    server: Any
    deployer: RemoteAddress
    stranger: RemoteAddress
    change: str
    moved: Callable[[str, str], object]

    def refs(self) -> dict[str, str]:
        return dict(remote_refs(self.deployer, [MAIN, DEPLOY, LEDGER]))


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Forge:
    """Each forge with the same repository, whose delivery refs are protected."""
    if request.param == "github":
        github: GitHubServer = request.getfixturevalue("github_server")
        repository = github.repository("acme/shop", collaborators={"ann": "write"})
        github.commit(repository, "feature", {"b.yaml": "b: 1\n"}, actor=github.account("ann"))
        pull = github.pull(repository, head="feature", author=github.account("ann"), title="b")
        github.commit(repository, "deploy/production", {"a.yaml": "a: 1\n"})
        app = github.token("ghs_Gate", permissions={"contents": "write"}, app_id=77)
        github.token("ghs_Default", permissions={"contents": "write"})
        github.protect(repository, DEPLOY, LEDGER, only=[app])
        return Forge(
            server=github,
            deployer=address(github.clone_url(repository), "ghs_Gate"),
            stranger=address(github.clone_url(repository), "ghs_Default"),
            change=f"refs/pull/{pull.number}/head",
            moved=lambda branch, sha: github.force(repository, branch, sha, by="root"),
        )
    shop = scenario.bare_shop(tmp_path / "shop.git")
    deployer = shop.state.add_bot_token("glpat-gate", project="group/shop", level=DEVELOPER)
    gitlab: GitLabServer = request.getfixturevalue("start_gitlab")(shop.state)
    gitlab.commit("deploy/production", {"a.yaml": "a: 1\n"}, by="carol")
    name = shop.state.users[deployer.user].username
    gitlab.protect("deploy/*", "gitops-gate/attestations", only=[name])
    return Forge(
        server=gitlab,
        deployer=address(gitlab.clone_url(), "glpat-gate"),
        stranger=address(gitlab.clone_url(), scenario.TOKEN),
        change=f"refs/merge-requests/{shop.merge_request.iid}/head",
        moved=lambda branch, sha: gitlab.force(branch, sha, by="carol"),
    )


def address(url: str, token: str) -> RemoteAddress:
    return RemoteAddress(url=url, username="x-access-token", password=token)


@pytest.fixture
def repository(made: GitRepository) -> Iterator[Repository]:
    with open_repository(made.folder) as repository:
        yield repository


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """A checkout that knows nothing of the forge yet."""
    made = GitRepository(tmp_path / "repository")
    made.commit()
    return made


def delivery(forge: Forge, repository: Repository) -> list[RefUpdate]:
    """The next move of the delivery ref with its attestation; both as `deliver` makes them."""
    refs = forge.refs()
    fetch(repository, forge.deployer, [DEPLOY])
    tree = edited_tree(repository, read_commit(repository, refs[DEPLOY]).tree, {"b": b"1"})
    new = write_commit(repository, tree=tree, parents=(refs[DEPLOY],), message="next", at=AT)
    record = write_commit(repository, tree=tree, parents=(), message="attested", at=AT)
    return [
        RefUpdate(ref=LEDGER, old=None, new=record),
        RefUpdate(ref=DEPLOY, old=refs[DEPLOY], new=new),
    ]


def test_the_token_that_may_moves_both_refs(forge: Forge, repository: Repository) -> None:
    updates = delivery(forge, repository)
    assert push(repository, forge.deployer, updates).result is PushResult.DONE
    assert forge.refs() == forge.refs() | {update.ref: update.new for update in updates}


def test_any_other_token_is_refused_in_the_words_of_the_forge(
    forge: Forge, repository: Repository
) -> None:
    before = forge.refs()
    done = push(repository, forge.stranger, delivery(forge, repository))
    assert done.result is PushResult.REFUSED
    assert "protected" in done.message or "rule" in done.message
    assert forge.refs() == before


def test_the_head_of_a_change_request_is_fetched(forge: Forge, repository: Repository) -> None:
    found = remote_refs(forge.deployer, [forge.change])
    assert fetch(repository, forge.deployer, [forge.change]) == found
    assert repository.resolve(found[forge.change]) == found[forge.change]


def test_someone_who_is_faster_at_the_last_moment_wins(
    forge: Forge, repository: Repository
) -> None:
    updates = delivery(forge, repository)
    other = forge.refs()[MAIN]
    forge.server.pushes.overtaken(lambda: forge.moved("deploy/production", other))
    assert push(repository, forge.deployer, updates).result is PushResult.STALE
    assert forge.refs()[DEPLOY] == other
    assert LEDGER not in forge.refs()


@pytest.mark.parametrize("stored", [False, True])
def test_a_forge_that_dies_leaves_it_open(
    forge: Forge, repository: Repository, stored: bool
) -> None:
    updates = delivery(forge, repository)
    forge.server.pushes.die(stored=stored)
    with pytest.raises(SourceError, match="not known whether the push arrived") as caught:
        push(repository, forge.deployer, updates)
    assert forge.deployer.password is not None
    assert forge.deployer.password not in str(caught.value)
    forge.server.faults.clear()
    assert (LEDGER in forge.refs()) is stored
    again = push(repository, forge.deployer, updates)
    assert again.result is (PushResult.STALE if stored else PushResult.DONE)


def test_words_of_a_refusal_are_handed_on(forge: Forge, repository: Repository) -> None:
    updates = delivery(forge, repository)
    forge.server.pushes.reject("closed for \x1b[31mtoday")
    done = push(repository, forge.deployer, updates)
    assert done.result is PushResult.REFUSED
    assert "closed for today" in done.message
