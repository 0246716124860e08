"""Our own throw-away bare repository, which borrows the objects of the user's.

What is decided is decided from objects: here are no hooks, attributes, filters, replace refs,
grafts, shallow boundaries, remotes or configuration but our own. The layout is that of
gitrepository-layout(5); the few files are written directly, because `git init` copies templates.
Nothing in it has to outlive a power cut, so Git does not wait for the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gitops_gate.source.git import encode

_CONFIGURATION = """\
[core]
\trepositoryformatversion = 1
\tbare = true
\tbigFileThreshold = 8m
[extensions]
\tobjectFormat = {algorithm}
"""


def make_scratch(objects: str, algorithm: str) -> str:
    """Make a bare repository in a temporary folder whose alternates point to `objects`.

    `algorithm` is `sha1` or `sha256`. `remove_scratch` removes it again.
    """
    folder = Path(tempfile.mkdtemp(prefix="gitops-gate-"))
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "HEAD").write_bytes(b"ref: refs/heads/none\n")
    (folder / "config").write_text(_CONFIGURATION.format(algorithm=algorithm))
    (folder / "objects" / "info" / "alternates").write_bytes(_quoted(encode(objects)) + b"\n")
    return str(folder)


def remove_scratch(folder: str, owner: int) -> None:
    """Remove the repository, in the process that made it; a forked worker leaves it alone."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _quoted(path: bytes) -> bytes:
    """The path as a C string, which alternates may hold (git.git: `unquote_c_style`)."""
    plain = b"".join(
        bytes([byte]) if 32 <= byte < 127 and byte not in b'"\\' else b"\\%03o" % byte
        for byte in path
    )
    return b'"' + plain + b'"'
