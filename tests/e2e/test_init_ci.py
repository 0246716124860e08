"""`gitops-gate init` and the files of a CI."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import gitops_gate
from tests.e2e.acting import WORKFLOWS
from tests.e2e.conftest import Gate
from tests.e2e.repositories import config_map, repository
from tests.unit.source.repositories import GitRepository

FILES = ("gitops-gate.yml", "gitops-gate-reviewed.yml")


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    return repository(tmp_path / "r", {"apps/x.yaml": config_map()})


def workflows(made: GitRepository) -> list[str]:
    return sorted(path.name for path in made.folder.glob(".github/workflows/*"))


@pytest.mark.parametrize(
    ("remote", "pinned"),
    [
        ("https://github.com/acme/shop", None),
        ("git@github.com:acme/shop.git", None),
        ("ssh://git@github.com/acme/shop", None),
        ("https://ada:secret@github.example.com:8443/acme/shop", "https://github.example.com:8443"),
        ("git@github.example.com:acme/shop.git", "https://github.example.com"),
    ],
)
def test_a_repository_from_github_gets_its_workflows_and_an_own_server_is_pinned(
    made: GitRepository, command: Gate, remote: str, pinned: str | None
) -> None:
    made.git("remote", "add", "origin", remote)
    done = command("init", "--repo", made.folder)
    assert done.code == 0, done.err
    assert workflows(made) == sorted(FILES)
    for name in FILES:
        written = made.folder / ".github" / "workflows" / name
        assert written.read_bytes() == (WORKFLOWS / name).read_bytes()
        assert f"wrote .github/workflows/{name}" in done.out
    assert gitops_gate.load_config(made.folder / ".gitops-gate.yaml").forge.url == pinned
    assert "secret" not in done.out
    assert "docs/github.md" in done.out


@pytest.mark.parametrize(
    "remote", ["https://git.example.com/acme/shop", "/srv/git/github.git", "../github", None]
)
def test_a_repository_from_elsewhere_gets_none(
    made: GitRepository, command: Gate, remote: str | None
) -> None:
    if remote:
        made.git("remote", "add", "origin", remote)
    assert command("init", "--repo", made.folder).code == 0
    assert workflows(made) == []


def test_a_folder_for_github_says_so_as_well(made: GitRepository, command: Gate) -> None:
    made.write(".github/CODEOWNERS", "* @acme/sre\n")
    assert command("init", "--repo", made.folder).code == 0
    assert workflows(made) == sorted(FILES)


def test_it_can_be_told(made: GitRepository, command: Gate) -> None:
    made.git("remote", "add", "origin", "https://github.com/acme/shop")
    assert command("init", "--repo", made.folder, "--ci", "none").code == 0
    assert workflows(made) == []
    assert command("init", "--repo", made.folder, "--ci", "github").code == 0
    assert workflows(made) == sorted(FILES)


def test_what_is_there_is_kept_unless_it_is_forced(made: GitRepository, command: Gate) -> None:
    mine = made.write(".github/workflows/gitops-gate.yml", "name: mine\n")
    waivers = made.write(".gitops-gate/waivers.yaml", "# mine\n[]\n")
    done = command("init", "--repo", made.folder)
    assert done.code == 0
    assert mine.read_text() == "name: mine\n"
    assert "kept .github/workflows/gitops-gate.yml" in done.out
    assert command("init", "--repo", made.folder).code == 2
    assert command("init", "--repo", made.folder, "--force").code == 0
    assert mine.read_bytes() == (WORKFLOWS / "gitops-gate.yml").read_bytes()
    assert waivers.read_text() == "# mine\n[]\n"


def test_a_dry_run_writes_nothing(made: GitRepository, command: Gate) -> None:
    made.git("remote", "add", "origin", "https://github.com/acme/shop")
    assert command("init", "--repo", made.folder, "--dry-run").code == 0
    assert workflows(made) == []


class TestOnGitLab:
    @pytest.mark.parametrize(
        ("remote", "address"),
        [
            ("https://gitlab.com/acme/shop", "https://gitlab.com"),
            ("git@gitlab.example.com:acme/shop.git", "https://gitlab.example.com"),
        ],
    )
    def test_a_repository_gets_an_include_for_its_server(
        self, made: GitRepository, command: Gate, remote: str, address: str
    ) -> None:
        made.git("remote", "add", "origin", remote)
        done = command("init", "--repo", made.folder)
        assert done.code == 0, done.err
        written = yaml.safe_load((made.folder / ".gitlab-ci.yml").read_text())
        (include,) = written["include"]
        assert include["inputs"]["url"] == address
        assert f"/v{gitops_gate.__version__}/.gitlab-ci-template.yml" in include["remote"]
        assert include["inputs"]["version"] == f"v{gitops_gate.__version__}"
        assert "GITOPS_GATE_TOKEN" in done.out
        assert workflows(made) == []

    def test_a_file_that_is_there_is_kept_and_what_it_lacks_is_shown(
        self, made: GitRepository, command: Gate
    ) -> None:
        mine = made.write(".gitlab-ci.yml", "test: {script: make test}\n")
        done = command("init", "--repo", made.folder)
        assert done.code == 0, done.err
        assert mine.read_text() == "test: {script: make test}\n"
        assert "add this to .gitlab-ci.yml" in done.out
        assert "\ninclude:\n  - remote: https://" in done.out
        again = command("init", "--repo", made.folder)
        assert again.code == 2
        assert "add this to .gitlab-ci.yml" in again.out
        assert command("init", "--repo", made.folder, "--force").code == 0
        assert "gitops-gate" in mine.read_text()
