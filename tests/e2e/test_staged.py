"""`--head staged`: what a commit would hold, as the pre-commit hook checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitops_gate.documents import load_yaml
from tests.e2e.repositories import QUIET, repository
from tests.engines import ROOT
from tests.unit.source.repositories import GitRepository

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: a}\ndata: {k: %s}\n"


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    files = {".gitops-gate.yaml": QUIET, "apps/one.yaml": CONFIG_MAP % "a"}
    return repository(tmp_path / "repository", files)


def test_what_is_staged_counts_and_what_is_not_does_not(made: GitRepository, gate: Any) -> None:
    made.write("apps/one.yaml", CONFIG_MAP % "b")
    made.git("add", "apps/one.yaml")
    made.write("apps/one.yaml", "not: [yaml")
    made.write("apps/untracked.yaml", "kind: [")
    done = gate("check", "--repo", made.folder, "--base", "HEAD", "--head", "staged")
    assert done.code == 0, done.err
    assert [field["head"] for change in done.report["changes"] for field in change["fields"]] == [
        "b"
    ]


def test_nothing_staged_is_nothing_affected(made: GitRepository, gate: Any) -> None:
    done = gate("check", "--repo", made.folder, "--base", "HEAD", "--head", "staged")
    assert (done.code, done.reasons) == (0, ["no_application_affected"])


def test_a_staged_removal_is_one(made: GitRepository, gate: Any) -> None:
    made.write("apps/two.yaml", CONFIG_MAP.replace("one", "two") % "a")
    made.commit()
    made.git("rm", "--quiet", "--cached", "apps/two.yaml")
    done = gate("check", "--repo", made.folder, "--base", "HEAD", "--head", "staged")
    assert done.changes == [("apps", "removed", "ConfigMap/two")]


def test_a_conflict_is_named(made: GitRepository, gate: Any) -> None:
    made.git("checkout", "--quiet", "-b", "other")
    made.write("apps/one.yaml", CONFIG_MAP % "b")
    made.commit()
    made.git("checkout", "--quiet", "main")
    made.write("apps/one.yaml", CONFIG_MAP % "c")
    made.commit()
    with pytest.raises(Exception):  # noqa: B017, PT011 - Git says so by its exit code
        made.git("merge", "other")
    done = gate("check", "--repo", made.folder, "--base", "HEAD", "--head", "staged")
    assert done.code == 2
    assert "apps/one.yaml: has a conflict" in done.err


def test_the_hooks_call_what_there_is(made: GitRepository, command: Any) -> None:
    (hooks,) = load_yaml((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    assert isinstance(hooks, list)
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert program == "gitops-gate"
        where = ["--repo", str(made.folder)] if "check" in arguments else [str(made.folder)]
        assert command(*arguments, *where).code == 0
