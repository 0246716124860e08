"""The demo, as a newcomer runs it: a change denied for good reasons, then its correction."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import ROOT, require_engine

pytestmark = [pytest.mark.slow, pytest.mark.engine]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo printed, and the folder of its reports."""
    for engine in ("helm", "kustomize"):
        require_engine(engine)
    output = tmp_path_factory.mktemp("demo") / "reports"
    ran = subprocess.run(
        [ROOT / "scripts" / "demo"],
        env={**os.environ, "PYTHON": sys.executable, "DEMO_OUTPUT": str(output)},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout, output


def test_it_ends_by_naming_the_html_report(demo: tuple[str, Path]) -> None:
    said, output = demo
    assert f"{output}/report.html" in said.strip().splitlines()[-1]
    assert (
        (output / "report.html").read_text("utf-8").lstrip().lower().startswith("<!doctype html>")
    )


def test_the_hurried_change_is_denied_for_each_of_its_faults(demo: tuple[str, Path]) -> None:
    report = json.loads((demo[1] / "report.json").read_text("utf-8"))
    assert report["verdict"] == "deny"
    blocking = {
        f["rule"] for f in report["findings"] if f["severity"] == "error" and f["introduced"]
    }
    assert {"images/pinned", "schema", "pod-security/privileged", "shop/two-replicas"} <= blocking
    (misspelt,) = [f for f in report["findings"] if f["rule"] == "schema"]
    assert "replicas" in misspelt["message"]


def test_the_removed_volume_is_shown_as_a_risk(demo: tuple[str, Path]) -> None:
    report = json.loads((demo[1] / "report.json").read_text("utf-8"))
    (removed,) = [c for c in report["changes"] if c["operation"] == "removed"]
    assert removed["resource"]["name"] == "cache-snapshots"
    assert removed["risk"]


def test_the_correction_is_allowed_with_nothing_failed(demo: tuple[str, Path]) -> None:
    report = json.loads((demo[1] / "corrected.json").read_text("utf-8"))
    assert report["verdict"] == "allow"
    assert {change["application"] for change in report["changes"]} == {
        "apps/cache",
        "apps/shop/overlays/production",
        "charts/notifier@production",
    }
    assert report["coverage"]["applications"]["failed"] == 0
    assert [f for f in report["findings"] if f["introduced"] and not f["waiver"]] == []


def test_all_three_kinds_of_application_are_in_the_report(demo: tuple[str, Path]) -> None:
    report = json.loads((demo[1] / "corrected.json").read_text("utf-8"))
    assert {a["renderer"] for a in report["applications"]} == {"directory", "kustomize", "helm"}
