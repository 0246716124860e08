"""Real Git repositories for tests, made with an identity and a clock that never change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/dev/null/none",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Author",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "Committer",
    "GIT_COMMITTER_EMAIL": "committer@example.com",
    "GIT_AUTHOR_DATE": "2030-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2030-01-01T00:00:00Z",
    "GIT_ALLOW_PROTOCOL": "file",
}


class GitRepository:
    """A checkout in a temporary folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run Git in the checkout and return what it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=ENVIRONMENT | dict(environment or {}),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, path: str | bytes, content: str | bytes = "content\n") -> Path:
        """Write a file of the working tree."""
        name = path if isinstance(path, bytes) else os.fsencode(path)
        place = self.folder / os.fsdecode(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link in the working tree."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def commit(self, message: str = "change") -> str:
        """Commit everything that is in the working tree and return the commit's id."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def make_tree(self, *entries: tuple[str, bytes, str | bytes]) -> str:
        """Write a tree object of (mode, name, content), with names that no checkout would allow."""
        raw = b""
        for mode, name, content in entries:
            if mode in ("40000", "160000"):
                oid = str(content)
            else:
                data = content if isinstance(content, bytes) else content.encode()
                oid = self.git("hash-object", "-w", "--stdin", stdin=data)
            raw += mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid)
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)

    def commit_tree(self, tree: str, *parents: str) -> str:
        """Commit a tree object as it is."""
        options = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", "-m", "made by hand", *options, tree)
