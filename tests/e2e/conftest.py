"""The command, run inside the test's process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops_gate.cli import main
from tests.e2e.repositories import Run
from tests.engines import engines_folder

Gate = Callable[..., Run]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is kept from other tests, nor from whoever runs them."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GITOPS_GATE_ENGINES", str(engines_folder()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Gate:
    """Run the command with these arguments, and nothing added."""

    def run(*arguments: object) -> Run:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return Run(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def gate(tmp_path: Path, command: Gate) -> Gate:
    """Run `check` or `scan` and read its JSON report as well."""

    def run(*arguments: object) -> Run:
        file = tmp_path / "report.json"
        file.unlink(missing_ok=True)
        done = command(*arguments, "--report", f"json={file}")
        report = json.loads(file.read_text("utf-8")) if file.exists() else {}
        assert "Traceback" not in done.err + done.out
        if report:
            codes = {"allow": 0, "deny": 1, "indeterminate": 2, "pending": 3}
            assert done.code == codes[report["verdict"]]
        else:
            assert done.code == 2, done.err
        return Run(code=done.code, out=done.out, err=done.err, report=report)

    return run
