"""The objects of a `MemoryGit` in a repository of their own, which Git itself reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gitops_gate.source import Repository, open_repository
from tests.unit.delivery.memory_git import MemoryGit


def opened(git: MemoryGit, folder: Path) -> Repository:
    """A bare repository with these objects and no refs, opened; the caller closes it."""
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    git.write_to(folder)
    return open_repository(folder)
