"""The project as such: what a clean clone promises, and what its files must not contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import gitops_gate
from tests.engines import ROOT, engine_table

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
MODULES = sorted((ROOT / "gitops_gate").rglob("*.py"))
PRODUCT_CODE = [*MODULES, ROOT / "scripts" / "engines"]
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core"}
NAMES_THAT_SAY_NOTHING |= {"misc", "shared", "lib", "stuff"}


def tracked_files() -> list[Path]:
    """What belongs to the project: tracked by Git, or, in an unpacked archive, everything."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    return [path for name in names if (path := ROOT / name).is_file()]


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, as a reader sees them."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_holds_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_requirement_has_one_version_and_a_hash(lock: Path) -> None:
    joined = lock.read_text("utf-8").replace("\\\n", " ")
    requirements = [
        line for line in joined.splitlines() if line and not line.lstrip().startswith("#")
    ]
    assert requirements
    without = [
        line for line in requirements if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:", line)
    ]
    assert without == []


def test_everything_declared_is_locked() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    runtime = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    development = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    for requirement in declared["project"]["dependencies"]:
        name = re.match(r"[\w-]+", requirement)
        assert name
        assert re.search(rf"^{name.group()}==", runtime, re.MULTILINE), requirement
    for requirement in declared["dependency-groups"]["dev"]:
        name = re.match(r"[\w-]+", requirement)
        assert name
        assert re.search(rf"^{name.group()}==", development, re.MULTILINE), requirement


def test_both_locks_agree_on_versions() -> None:
    def versions(lock: str) -> set[str]:
        text = (ROOT / "requirements" / lock).read_text("utf-8")
        return set(re.findall(r"^[\w.-]+==[^\s;\\]+", text, re.MULTILINE))

    assert versions("runtime.txt") <= versions("dev.txt")


@pytest.mark.slow
def test_the_wheel_carries_policies_schemas_and_templates(tmp_path: Path) -> None:
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    built = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert wheel.name.startswith(f"gitops_gate-{gitops_gate.__version__}-py3-")
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "policies").rglob("*.rego")}
    assert shipped
    assert {f"gitops_gate/_{name}" for name in shipped} <= names
    data = {
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_relative_to(ROOT / "gitops_gate") and path.suffix != ".py"
    }
    assert "gitops_gate/py.typed" in data
    assert any(name.endswith(".json") and "/schema" in name for name in data), "no JSON Schema"
    assert any(".html" in name for name in data), "no HTML template"
    assert data <= names
    assert not {name for name in names if name.startswith(("tests/", "examples/", "benchmarks/"))}


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())  # type: ignore[union-attr]
    helped = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    assert {
        "demo",
        "test",
        "lint",
        "format",
        "lock",
        "engines",
        "bench",
        "clean",
        "help",
    } <= targets
    assert set(re.findall(r"^  make ([a-z-]+) +\S", helped, re.MULTILINE)) == targets


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert text.startswith("# Changelog\n")
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", release)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert [name[:5] for name in names] == [f"{number:04}-" for number in range(len(names))]
    for name in names:
        title = (ROOT / "docs" / "adr" / name).read_text("utf-8").splitlines()[0]
        assert title.startswith(f"# {name[:4]}: ")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_named_after_what_it_does(module: Path) -> None:
    assert module.stem not in NAMES_THAT_SAY_NOTHING


@pytest.mark.parametrize("module", PRODUCT_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(module: Path) -> None:
    lines = module.read_text("utf-8").count("\n")
    assert lines < 400
    long = {f.name: code_lines(f) for f in functions(module) if code_lines(f) > 50}
    assert long == {}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_postpones_annotations(module: Path) -> None:
    text = module.read_text("utf-8")
    assert (
        not text.strip()
        or "from __future__ import annotations" in text
        or not ast.parse(text).body[1:]
    )


def test_nothing_tracked_names_a_machine() -> None:
    """No path of a build machine, and no package index: they differ from place to place."""
    indexes = ("py" + "pi.org", "pythonhosted" + ".org", "npm" + "js.org", "proxy.golang" + ".org")
    absolute = r"(?<![\w.}-])/(?:work|root|home|tmp/eng)/"
    pattern = re.compile("|".join([absolute, *map(re.escape, indexes)]))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if (match := pattern.search(path.read_bytes().decode("utf-8", "replace")))
    ]
    assert found == []


def test_only_tools_starts_a_process() -> None:
    """Also what a linter's list of names could miss: any use of the modules that start one."""
    starters = re.compile(
        r"\bsubprocess\b(?=\.|\s+import)|\bos\.(system|popen|exec\w+|spawn\w+)\(|\bpty\."
    )
    guilty = [
        str(module.relative_to(ROOT))
        for module in MODULES
        if module.name != "tools.py" and starters.search(module.read_text("utf-8"))
    ]
    assert guilty == []


def test_every_engine_is_pinned_with_a_checksum() -> None:
    for name, row in engine_table().items():
        assert re.fullmatch(r"v\d+\.\d+\.\d+", row["version"]), name
        assert re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", row["sum"]), name
    assert {"helm", "helm3", "kustomize", "opa", "kubeconform"} <= set(engine_table())


def test_engines_are_looked_for_in_the_cache_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.engines import engine

    monkeypatch.setenv("GITOPS_GATE_ENGINES", str(tmp_path))
    assert engine("helm") is None
    program = tmp_path / f"helm-{engine_table()['helm']['version']}" / "helm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert engine("helm") == str(program)


def test_the_engine_script_lists_without_building(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_GATE_ENGINES", str(tmp_path / "cache"))
    listed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "engines", "--list"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert len(listed.splitlines()) == len(engine_table())
    assert "ready" not in listed
    assert not (tmp_path / "cache").exists()


def test_an_unknown_engine_is_named_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_GATE_ENGINES", str(tmp_path))
    asked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "engines", "hlem"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert asked.returncode == 1
    assert "unknown engine hlem" in asked.stdout
    assert "kustomize" in asked.stdout
    assert "Traceback" not in asked.stdout + asked.stderr
