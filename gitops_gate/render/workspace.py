"""The throw-away folder that a renderer runs in, and the variables that it sees.

    <temporary>/tree   the files of the application's closure, and nothing else; never written to
    <temporary>/home   HOME and every other folder that a tool may want, empty

The folder is readable by its owner alone, and is removed whatever happens.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitops_gate.tools import clean_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Absolute paths, with all links resolved."""

    root: str
    tree: str
    home: str


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A fresh folder for one run. Raises `OSError` when none can be made."""
    root = os.path.realpath(tempfile.mkdtemp(prefix="gitops-gate-"))
    try:
        room = Workspace(root=root, tree=f"{root}/tree", home=f"{root}/home")
        Path(room.tree).mkdir()
        Path(room.home).mkdir()
        yield room
    finally:
        _remove(root)


def clean_variables(room: Workspace, *, zone: str = "UTC") -> dict[str, str]:
    """The whole environment of a renderer: nothing of the user's but PATH.

    `zone` is the value of TZ: a name, or the absolute path of a zone file. Go programs are told
    to collect garbage less often, a fifth of their time, up to a bound on memory (Go's package
    `runtime`, "Environment Variables").
    """
    home = room.home
    inherited = clean_environment()
    return {
        "PATH": inherited.get("PATH", os.defpath),
        "HOME": home,
        "TMPDIR": home,
        "TZ": zone,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": f"{home}/cache",
        "XDG_CONFIG_HOME": f"{home}/config",
        "XDG_DATA_HOME": f"{home}/data",
        "HELM_CACHE_HOME": f"{home}/helm/cache",
        "HELM_CONFIG_HOME": f"{home}/helm/config",
        "HELM_DATA_HOME": f"{home}/helm/data",
        "HELM_PLUGINS": f"{home}/helm/plugins",
        "GOGC": "400",
        "GOMEMLIMIT": "384MiB",
        "KUBECONFIG": os.devnull,
        "KUSTOMIZE_PLUGIN_HOME": f"{home}/kustomize",
    }


def _remove(root: str) -> None:
    """Remove a folder, however deep, and even if a program took away its own rights to it."""
    try:
        shutil.rmtree(root)
    except (OSError, RecursionError):
        _flatten(Path(root))
        shutil.rmtree(root, ignore_errors=True)


def _flatten(root: Path) -> None:
    """Empty every folder below `root`, one level at a time.

    What is inside a folder is moved next to it, so that no path ever gets long.
    """
    waiting = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    moved = 0
    while waiting:
        folder = waiting.pop()
        folder.chmod(stat.S_IRWXU)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                path.chmod(stat.S_IRWXU)
                moved += 1
                waiting.append(path.rename(root / f"moved-{moved}"))
            else:
                path.unlink()
        folder.rmdir()
