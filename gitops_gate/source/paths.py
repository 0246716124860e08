"""Names that may stand in a tree, and those that would escape from it.

Git itself refuses to check such names out (git-config(1): `core.protectNTFS`, `core.protectHFS`),
but an object that was made by hand can hold them.
"""

from __future__ import annotations

from gitops_gate.errors import UnsafePathError
from gitops_gate.tools import clean_text

# Code points that HFS+ ignores in names (Git: utf8.c, next_hfs_char).
_IGNORED_BY_HFS = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


def shown(path: str) -> str:
    """A path as a message may show it: whatever is not printable is escaped."""
    if path.isprintable():
        return path
    return clean_text(path.encode("unicode_escape").decode("ascii"), limit=400)


def check_path(path: str) -> None:
    """Raise `UnsafePathError` unless `path` is relative, plain, and stays below its root."""
    if "\0" in path:
        raise UnsafePathError(f"a name holds a NUL byte: {shown(path)}")
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            kind = "absolute or has an empty segment" if not segment else f"has a {segment} segment"
            raise UnsafePathError(f"the path {kind}: {shown(path)}")
        if ("git" in segment.lower() or not segment.isascii()) and _is_git_folder(segment):
            raise UnsafePathError(f"the path leads into a Git folder: {shown(path)}")


def _is_git_folder(segment: str) -> bool:
    """Whether some file system reads this segment as `.git`, or as a path through it."""
    for part in segment.replace("\\", "/").split("/"):
        plain = part.translate(_IGNORED_BY_HFS).lower().split(":")[0].rstrip(" .")
        if plain in (".git", "git~1"):
            return True
    return False
