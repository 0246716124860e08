"""The custom pipeline of `examples/library`, run as its readers would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import gitops_gate
from tests.e2e.repositories import QUIET, config_map, edit, repository
from tests.engines import ROOT, path_with
from tests.unit.source.repositories import GitRepository

EXAMPLE = ROOT / "examples" / "library" / "house_gate.py"


@pytest.fixture
def shop(tmp_path: Path) -> GitRepository:
    """The example shop, with each of its changes on a branch."""
    made = GitRepository(tmp_path / "shop")
    shutil.copytree(ROOT / "examples" / "shop", made.folder, dirs_exist_ok=True)
    made.commit("shop")
    for name in ("denied", "corrected"):
        made.git("checkout", "--quiet", "-b", name, "main")
        shutil.copytree(ROOT / "examples/shop-changes" / name, made.folder, dirs_exist_ok=True)
        made.commit(name)
    made.git("checkout", "--quiet", "-b", "without-snapshots", "main")
    (made.folder / "apps/cache/storage.yaml").unlink()
    made.commit("no snapshots")
    return made


def house_gate(made: GitRepository, head: str) -> tuple[int, str, Path]:
    """The exit code, what was printed, and the folder with the reports."""
    reports = made.folder.parent / "reports"
    done = subprocess.run(
        [sys.executable, EXAMPLE, made.folder, "main", head, "--reports", reports],
        cwd=made.folder.parent,
        env={**os.environ, "PATH": path_with("helm", "kustomize"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr, reports


@pytest.mark.slow
@pytest.mark.engine
def test_every_team_reads_what_it_has_to_mend(shop: GitRepository) -> None:
    code, said, reports = house_gate(shop, "denied")
    assert code == 1
    assert said.startswith("deny: ")
    assert "#team-shop: " in said
    assert "images/pinned" in said.split("#team-web: ")[1]
    report = gitops_gate.read_report((reports / "report.json").read_bytes())
    assert report.verdict is gitops_gate.Verdict.DENY
    assert report.head == shop.git("rev-parse", "denied")
    assert json.loads((reports / "gate.sarif").read_text())["runs"][0]["results"]
    assert ET.parse(reports / "gate.xml").getroot().tag == "testsuites"


@pytest.mark.slow
@pytest.mark.engine
def test_a_change_without_faults_is_allowed(shop: GitRepository) -> None:
    code, said, _ = house_gate(shop, "corrected")
    assert (code, said.splitlines()[1:]) == (0, [])


@pytest.mark.slow
@pytest.mark.engine
def test_a_rule_of_the_house_can_only_make_it_stricter(shop: GitRepository) -> None:
    code, said, reports = house_gate(shop, "without-snapshots")
    assert json.loads((reports / "report.json").read_text())["verdict"] == "allow"
    assert code == 3
    assert "#storage: PersistentVolumeClaim cache-snapshots goes, with its data" in said


@pytest.mark.slow
@pytest.mark.engine
def test_what_cannot_be_judged_is_not_allowed(shop: GitRepository) -> None:
    code, said, reports = house_gate(shop, "nowhere")
    assert code == 2
    assert "nothing was decided" in said
    assert not reports.exists()


def test_what_would_land_is_judged_and_not_the_head_alone(tmp_path: Path) -> None:
    files = {".gitops-gate.yaml": QUIET, "apps/one.yaml": config_map("one")}
    made = repository(tmp_path / "shop", files, {"apps/two.yaml": config_map("two")})
    made.git("checkout", "--quiet", "main")
    edit(made, {"apps/three.yaml": config_map("three")})
    made.commit("the target moves on")
    report = gitops_gate.judge(made.folder, base="main", head="change")
    assert report.verdict is gitops_gate.Verdict.ALLOW
    assert [change.resource.name for change in report.changes] == ["two"]
    assert [one.resources.head for one in report.applications] == [3]
    assert report.base == made.git("rev-parse", "main")
    assert report.head == made.git("rev-parse", "change")


def test_a_conflict_is_a_reason_and_a_narrowing_is_refused(tmp_path: Path) -> None:
    files = {".gitops-gate.yaml": QUIET, "apps/one.yaml": config_map(colour="blue")}
    made = repository(tmp_path / "shop", files, {"apps/one.yaml": config_map(colour="red")})
    made.git("checkout", "--quiet", "main")
    edit(made, {"apps/one.yaml": config_map(colour="green")})
    made.commit("the target moves on")
    report = gitops_gate.judge(made.folder, base="main", head="change")
    assert [reason.code for reason in report.reasons] == ["merge_conflict"]
    assert report.verdict is gitops_gate.Verdict.INDETERMINATE
    narrow = gitops_gate.Options(applications=("apps",))
    with pytest.raises(gitops_gate.ConfigurationError, match="takes no narrowing"):
        gitops_gate.judge(made.folder, base="main", head="change", options=narrow)
