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


class TestToDeliver:
    def test_the_workflow_and_the_section_are_written_for_the_default_branch(
        self, made: GitRepository, command: Gate
    ) -> None:
        made.git("remote", "add", "origin", "https://github.com/acme/shop")
        done = command("init", "--repo", made.folder, "--deliver")
        assert done.code == 0, done.err
        assert workflows(made) == sorted([*FILES, "gitops-gate-deliver.yml"])
        name = ".github/workflows/gitops-gate-deliver.yml"
        assert (made.folder / name).read_bytes() == (WORKFLOWS / Path(name).name).read_bytes()
        settings = gitops_gate.load_config(made.folder / ".gitops-gate.yaml")
        (target,) = settings.delivery.branches["main"]
        assert target.ref == "refs/heads/deploy/main"
        assert target.start == made.git("rev-parse", "main")
        assert settings.delivery.signing is not None
        assert settings.delivery.signing.key == "env:GITOPS_GATE_SIGNING_KEY"
        assert settings.forge.url == "https://github.com"
        assert "docs/delivery.md" in done.out

    def test_another_default_branch_is_the_one_that_is_delivered(
        self, made: GitRepository, command: Gate
    ) -> None:
        made.git("branch", "--move", "main", "1.0")
        made.git("update-ref", "refs/remotes/origin/1.0", "1.0")
        made.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/1.0")
        done = command("init", "--repo", made.folder, "--ci", "github", "--deliver")
        assert done.code == 0, done.err
        text = (made.folder / ".github/workflows/gitops-gate-deliver.yml").read_text()
        assert yaml.safe_load(text)[True]["push"] == {"branches": ["1.0"]}
        settings = gitops_gate.load_config(made.folder / ".gitops-gate.yaml")
        assert settings.delivery.branches["1.0"][0].ref == "refs/heads/deploy/1.0"

    def test_a_configuration_that_is_there_is_kept_and_what_it_lacks_is_shown(
        self, made: GitRepository, command: Gate
    ) -> None:
        mine = made.write(".gitops-gate.yaml", "version: 1\n")
        done = command("init", "--repo", made.folder, "--ci", "github", "--deliver")
        assert done.code == 0, done.err
        assert mine.read_text() == "version: 1\n"
        assert "add this to .gitops-gate.yaml" in done.out
        shown = done.out.split("there already:\n\n", 1)[1].split("\n\n", 1)[0]
        start = made.git("rev-parse", "main")
        assert yaml.safe_load(shown)["delivery"]["branches"]["main"]["start"] == start

    def test_on_gitlab_the_include_delivers(self, made: GitRepository, command: Gate) -> None:
        made.git("remote", "add", "origin", "git@gitlab.example.com:acme/shop.git")
        assert command("init", "--repo", made.folder, "--deliver").code == 0
        (include,) = yaml.safe_load((made.folder / ".gitlab-ci.yml").read_text())["include"]
        assert include["inputs"]["deliver"] is True
        assert "repository-id" in include["inputs"]
        assert include["inputs"]["url"] == "https://gitlab.example.com"

    def test_without_a_commit_there_is_nothing_to_begin_after(
        self, tmp_path: Path, command: Gate
    ) -> None:
        empty = GitRepository(tmp_path / "empty")
        done = command("init", "--repo", empty.folder, "--deliver")
        assert done.code == 2
        assert "default branch" in done.err
        assert not (empty.folder / ".gitops-gate.yaml").exists()
