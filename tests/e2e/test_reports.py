"""The formats for other tools, from real runs: each points at the very lines that are at fault."""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.reading import read_report, report_digest
from tests.e2e.conftest import Gate
from tests.e2e.repositories import deployment, repository
from tests.engines import ROOT, path_with
from tests.unit.reports.runner import Runner
from tests.unit.source.repositories import GitRepository

FORMATS = ("json", "sarif", "junit", "codequality", "annotations")
EXPECTED = {
    ("apps/cache/statefulset.yaml", "images/pinned"): "image: ",
    ("apps/shop/base/deployment.yaml", "shop/two-replicas"): "replicas: 1",
    ("apps/shop/overlays/production/scale.yaml", "schema"): "replica: ",
}
"""What the line says that a finding of the example points at."""


@dataclass(frozen=True)
class Written:
    """The reports of one run, and the files that it judged."""

    folder: Path
    code: int
    texts: dict[str, str]

    def line(self, path: str, number: int) -> str:
        return (self.folder / path).read_text("utf-8").splitlines()[number - 1]

    @property
    def report(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.texts["json"])
        return value

    @property
    def places(self) -> set[tuple[str, int, str]]:
        """Path, line and rule of every finding whose line in the head is known."""
        return {
            (f["location"]["path"], f["location"]["line"], f["rule"])
            for f in self.report["findings"]
            if f["location"] and f["location"]["line"] and not f["rule"].endswith("-removed")
        }

    @property
    def sarif(self) -> dict[str, Any]:
        (run,) = json.loads(self.texts["sarif"])["runs"]
        found: dict[str, Any] = run
        return found


def run(command: Gate, made: GitRepository, output: Path, *more: object) -> Written:
    files = {name: output / f"report.{name}" for name in FORMATS}
    asked = [word for name, file in files.items() for word in ("--report", f"{name}={file}")]
    done = command("check", "--repo", made.folder, "--base", "main", *more, *asked)
    assert "Traceback" not in done.err
    texts = {name: file.read_text("utf-8") for name, file in files.items()}
    return Written(folder=made.folder, code=done.code, texts=texts)


@pytest.fixture
def shop(tmp_path: Path, command: Gate, monkeypatch: pytest.MonkeyPatch) -> Written:
    """The example's hurried change, with the real Helm and Kustomize."""
    monkeypatch.setenv("PATH", path_with("helm", "kustomize"))
    made = GitRepository(tmp_path / "shop")
    for branch, folder in (("main", "shop"), ("more-capacity", "shop-changes/denied")):
        if branch != "main":
            made.git("switch", "--quiet", "--create", branch)
        shutil.copytree(ROOT / "examples" / folder, made.folder, dirs_exist_ok=True)
        made.commit(branch)
    return run(command, made, tmp_path)


@pytest.mark.slow
@pytest.mark.engine
def test_every_format_points_at_the_lines_of_the_example(shop: Written) -> None:
    assert shop.code == 1
    found = {(path, rule): line for path, line, rule in shop.places}
    for place, text in EXPECTED.items():
        assert text in shop.line(place[0], found[place]), place

    results = set()
    for result in shop.sarif["results"]:
        place = result["locations"][0]["physicalLocation"]
        path = urllib.parse.unquote(place["artifactLocation"]["uri"])
        assert (shop.folder / path).exists() or "removed" in result["ruleId"]
        region = place.get("region")
        if region:
            results.add((path, region["startLine"], result["ruleId"]))
            if "snippet" in region:
                line = shop.line(path, region["startLine"])
                assert region["snippet"]["text"].strip("… ") in line
    assert results == shop.places

    entries = json.loads(shop.texts["codequality"])
    listed = {
        (e["location"]["path"], e["location"]["lines"]["begin"], e["check_name"]) for e in entries
    }
    assert listed >= shop.places

    commands = Runner().read(shop.texts["annotations"]).obeyed
    shown = {
        (c.properties["file"], int(c.properties["line"]))
        for c in commands
        if "line" in c.properties
    }
    assert {(path, found[path, rule]) for path, rule in EXPECTED} <= shown
    (claim,) = [c for c in commands if c.properties.get("file") == "apps/cache/storage.yaml"]
    assert "line" not in claim.properties, "its line is one of the base"
    assert shown <= {(path, line) for path, line, _ in shop.places}

    failures = [f.text or "" for f in ET.fromstring(shop.texts["junit"]).iter("failure")]
    for path, rule in EXPECTED:
        assert any(f"{path}:{found[path, rule]}:" in text for text in failures)


@pytest.mark.slow
@pytest.mark.engine
def test_the_report_of_one_job_is_what_another_reads(shop: Written) -> None:
    data = shop.texts["json"].encode()
    report = read_report(data)
    assert report_digest(report) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    for name in ("sarif", "junit", "codequality", "annotations"):
        assert render_report(report, name, options=ReportOptions()) == shop.texts[name]


def test_hostile_names_are_data_in_every_format(tmp_path: Path, command: Gate) -> None:
    """A folder, a resource and a value that would be commands, XML and links elsewhere."""
    folder = "apps/::error::<x> & ##[add-path]%0A 100%"
    hostile = deployment(replicas='"]]><script>\\n::add-mask::x"')
    made = repository(
        tmp_path / "hostile", {"README.md": "x\n"}, {f"{folder}/we b#?.yaml": hostile}
    )
    written = run(command, made, tmp_path)
    assert written.code == 1
    uris = {
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for r in written.sarif["results"]
    }
    assert {urllib.parse.unquote(uri) for uri in uris} == {f"{folder}/we b#?.yaml"}
    runner = Runner().read(written.texts["annotations"])
    assert runner.printed == []
    assert {c.name for c in runner.obeyed} <= {"error", "warning", "notice"}
    suites = {s.get("name") for s in ET.fromstring(written.texts["junit"]).iter("testsuite")}
    assert folder in suites
    paths = {e["location"]["path"] for e in json.loads(written.texts["codequality"])}
    assert paths == {f"{folder}/we b#?.yaml"}
    read_report(written.texts["json"].encode())
