"""Finds the real engines that `scripts/engines` built, in its cache folder and nowhere else.

What happens to be on PATH is never used: a test must not change its result with the machine.
Versions come from `scripts/engines.toml`, the same table that the script builds from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""


@cache
def engine_table() -> dict[str, dict[str, Any]]:
    """The rows of `scripts/engines.toml` by engine name."""
    text = (ROOT / "scripts" / "engines.toml").read_text("utf-8")
    table: dict[str, dict[str, Any]] = tomllib.loads(text)["engines"]
    return table


def engines_folder() -> Path:
    """The cache folder of `scripts/engines`, by the same rule."""
    if chosen := os.environ.get("GITOPS_GATE_ENGINES"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "gitops-gate" / "engines"


def engine(name: str) -> str | None:
    """The absolute path of the pinned program, for example of `helm3`, or None if not built."""
    row = engine_table()[name]
    program = engines_folder() / f"{name}-{row['version']}" / row["program"]
    return str(program) if os.access(program, os.X_OK) else None


def require_engine(name: str) -> str:
    """As `engine`, but a missing one skips the test, or fails it where CI is true."""
    if found := engine(name):
        return found
    version = engine_table()[name]["version"]
    return _missing(f"{name} {version} is not in {engines_folder()}: run `scripts/engines {name}`")


def path_with(*names: str) -> str:
    """A PATH that has the named engines in front of the system's own folders."""
    folders = dict.fromkeys(str(Path(require_engine(name)).parent) for name in names)
    return os.pathsep.join([*folders, "/usr/bin", "/bin"])


def node_package(name: str) -> Path:
    """The folder of an npm package that is locked in `requirements/node`; missing as above."""
    lock = (ROOT / "requirements" / "node" / "package-lock.json").read_bytes()
    packages = engines_folder() / f"node-{hashlib.sha256(lock).hexdigest()[:16]}" / "node_modules"
    if (folder := packages / name).is_dir():
        return folder
    return Path(_missing(f"{name} is not in {packages}: run `scripts/browser-and-node`"))


def require_program(name: str, remedy: str) -> str:
    """A program of this machine that no test result may depend on, such as a browser."""
    if found := shutil.which(name):
        return found
    return _missing(f"there is no {name} on this machine: {remedy}")


def _missing(message: str) -> str:
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
