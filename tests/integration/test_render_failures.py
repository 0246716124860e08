"""A program that is missing, slow, loud or broken fails its application, and only that."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Renderer
from gitops_gate.render import Failure, external
from tests.unit.render.applications import rendered

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")

FILES = {"app/kustomization.yaml": "{}\n", "app/Chart.yaml": "name: app\n"}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workspaces are made; every test leaves it empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def shell(script: str, version: str = "v5.0.0") -> str:
    """A command that tells a version and otherwise runs the script, with the shell alone."""
    code = f'case "$1" in version) echo {version}; exit;; esac; {script}'
    return f"/bin/sh -c {shlex.quote(code)} program"


def failure_of(command: str, *, timeout: float = 20) -> Failure:
    settings = RenderSettings(kustomize_command=command, helm_command=command, timeout=timeout)
    result = rendered(Renderer.KUSTOMIZE, FILES, settings=settings)
    assert result.manifests == ()
    assert result.failure is not None
    return result.failure


@pytest.mark.parametrize("command", ["no-such-tool", "/no/such/tool", "./kustomize", "", "'open"])
def test_a_missing_program_is_named_with_what_to_install(command: str) -> None:
    failure = failure_of(command)
    assert failure.code == "render/missing-tool"
    assert "not found" in failure.message
    assert failure.remedy is not None
    assert "install Kustomize" in failure.remedy
    assert "render.kustomize.command" in failure.remedy


def test_a_program_in_the_current_folder_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "kustomize"
    tool.write_text("#!/bin/sh\necho v5.0.0\n")
    tool.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")
    assert failure_of("kustomize").code == "render/missing-tool"


@pytest.mark.parametrize(
    "command", ["/bin/sh -c 'exit 1'", "/bin/sh -c 'echo hello'", "/bin/sh -c :", "/bin/cat"]
)
def test_a_program_that_tells_no_version_is_not_used(command: str) -> None:
    failure = failure_of(command)
    assert failure.code == "render/missing-tool"
    assert "version" in failure.message


def test_helm_of_another_major_version_is_not_used() -> None:
    settings = RenderSettings(helm_command=shell(":", "v2.17.0"))
    failure = rendered(Renderer.HELM, FILES, settings=settings).failure
    assert failure is not None
    assert failure.code == "render/missing-tool"
    assert "v2.17.0" in failure.message


def test_a_slow_program_is_stopped(temporary: Path) -> None:
    failure = failure_of(shell("while :; do :; done"), timeout=0.5)
    assert failure.code == "render/timeout"
    assert "0.5 s" in failure.message
    assert failure.remedy is not None
    assert "render.timeout" in failure.remedy
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("code", [1, 3, 127])
def test_what_the_program_says_is_the_message(code: int, temporary: Path) -> None:
    failure = failure_of(shell(f"echo 'Error: it broke' >&2; exit {code}"))
    assert (failure.code, failure.message) == ("render/failed", "it broke")
    assert failure.path == "app/kustomization.yaml"
    assert list(temporary.iterdir()) == []


def test_a_program_that_says_nothing_still_has_a_message() -> None:
    assert "ended with 3" in failure_of(shell("exit 3")).message


def test_a_program_that_is_killed_fails() -> None:
    assert failure_of(shell("kill -9 $$; exit 9")).code == "render/failed"


def test_escape_sequences_never_reach_the_report() -> None:
    failure = failure_of(shell(r"printf '\033[2Jred\033]0;t\007 \302\233 ok' >&2; exit 1"))
    assert failure.message == "red  ok"


def test_a_long_message_is_cut() -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"
    assert len(failure_of(shell(script)).message) < 5_000


def test_endless_output_is_stopped(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setattr(external, "MAXIMUM_OUTPUT", 100_000)
    failure = failure_of(shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"))
    assert failure.code == "render/failed"
    assert "100,000 bytes" in failure.message
    assert list(temporary.iterdir()) == []


def test_output_that_is_cut_badly_fails() -> None:
    failure = failure_of(shell("echo 'a: 1'; echo '---x'"))
    assert failure.code == "render/unreadable"


def test_a_program_that_takes_its_own_rights_away_is_still_cleaned_up(temporary: Path) -> None:
    script = 'umask 777; (: > "$HOME/file"); cd "$HOME" 2>/dev/null; exit 1'
    failure_of(shell(script))
    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_that_cannot_be_used_fails_the_application(
    monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    command = shell("echo 'a: 1'")
    assert (
        rendered(
            Renderer.KUSTOMIZE, FILES, settings=RenderSettings(kustomize_command=command)
        ).failure
        is None
    )
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "gone"))
    failure = failure_of(command)
    assert failure.code == "render/failed"
    assert "temporary folder" in failure.message


@pytest.mark.parametrize("name", ["x" * 300, "nul\0byte"])
def test_a_name_that_no_file_system_takes_fails_the_application(name: str) -> None:
    files = {**FILES, f"app/{name}": "x"}
    settings = RenderSettings(kustomize_command=shell("echo 'a: 1'"))
    failure = rendered(Renderer.KUSTOMIZE, files, settings=settings).failure
    assert failure is not None
    assert failure.code == "render/unreadable"


def test_a_tree_that_is_deeper_than_any_path_leaves_nothing_behind(temporary: Path) -> None:
    files = {**FILES, f"app/{'a/' * 3000}b": "x"}
    settings = RenderSettings(kustomize_command=shell("echo 'a: 1'"))
    assert rendered(Renderer.KUSTOMIZE, files, settings=settings).failure is None
    assert list(temporary.iterdir()) == []
