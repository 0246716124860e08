"""Reads the text of a CODEOWNERS file; never fails on any text."""

from __future__ import annotations

from gitops_gate.approvals.codeowners import github, gitlab
from gitops_gate.approvals.codeowners.values import Dialect, OwnersFile, OwnersProblem

_MARK = "\ufeff"


def parse(text: str, dialect: Dialect, path: str = "CODEOWNERS") -> OwnersFile:
    """The entries and the problems of a file, by the dialect's own rules.

    Lines end with LF, CR LF counts as one; a lone CR ends none. A byte order mark is left out and
    named. Bytes that are not UTF-8 come as surrogate escapes and match the same bytes of a path.
    Nothing is normalised: a letter and its accent in two characters match no single one.
    """
    marked = text.startswith(_MARK)
    problems: list[OwnersProblem] = []
    if marked:
        text = text.removeprefix(_MARK)
        reason = "a byte order mark before the first line; it is left out"
        first = text.partition("\n")[0].strip()
        problems.append(OwnersProblem(line=1, reason=reason, text=first, skipped=False))
    if dialect is Dialect.GITHUB:
        entries, found = github.parse_lines(text)
        return OwnersFile(
            path=path,
            dialect=dialect,
            entries=tuple(entries),
            problems=(*problems, *found),
        )
    entries, found, optional = gitlab.parse_lines(text)
    return OwnersFile(
        path=path,
        dialect=dialect,
        entries=tuple(entries),
        problems=(*problems, *found),
        optional=optional,
    )
