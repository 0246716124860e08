"""What a command loads before it answers: a prompt, a hook and every CI job wait for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gitops_gate.commands import group
from tests.e2e.repositories import config_map, repository

HEAVY = {"github", "gitlab", "requests", "jinja2", "jsonschema", "jsonschema_rs", "regorus"}
"""Libraries that take longer to load than the rest of a `--help` takes to print."""

COMMANDS = group.list_commands(click.Context(group))


def loaded(*arguments: str) -> set[str]:
    """The modules that a run of the command loads in its own process."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gitops_gate.cli", *arguments],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(re.findall(r"^import time:.*\| +(\S+)$", ran.stderr, re.MULTILINE))


def test_the_version_is_told_without_loading_anything_else() -> None:
    modules = loaded("--version")
    assert "gitops_gate" in modules
    assert modules & {*HEAVY, "click", "yaml", "gitops_gate.commands"} == set()


@pytest.mark.parametrize("arguments", [[], *([one] for one in COMMANDS)], ids=str)
def test_help_loads_no_heavy_library_and_no_forge(arguments: list[str]) -> None:
    modules = loaded(*arguments, "--help")
    assert "click" in modules
    assert modules & HEAVY == set()
    assert [one for one in modules if one.startswith("gitops_gate.forges")] == []


def test_a_check_loads_no_forge_and_nothing_that_speaks_to_one(tmp_path: Path) -> None:
    made = repository(
        tmp_path / "repository",
        {"apps/a.yaml": config_map()},
        {"apps/a.yaml": config_map(colour="red")},
    )
    modules = loaded("check", "--repo", str(made.folder), "--no-cache")
    assert "gitops_gate.pipeline" in modules
    assert modules & {"github", "gitlab", "requests", "jinja2"} == set()
    rooms = ("gitops_gate.forges", "gitops_gate.review", "gitops_gate.audit")
    assert [one for one in modules if one.startswith(rooms)] == []
