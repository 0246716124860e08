"""One-click suggestions: the source line as it should be, where that is beyond doubt.

`Finding.suggestion` is YAML on one line: the right value of the field, or, with a colon at its end,
the right name of it. It becomes a suggestion only if the line is known exactly and the file, read
again with the new line, differs from the old one in that value or name and in nothing else. What a
suggestion holds comes from strangers: one that could end its code block, or that hides characters,
is none.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from gitops_gate.documents import load_document, split_stream
from gitops_gate.documents.extents import Extent, extents_on
from gitops_gate.documents.stream import RawDocument
from gitops_gate.errors import ManifestError
from gitops_gate.findings import Finding
from gitops_gate.reports.escaping import one_line

_LONGEST_LINE = 500
_LONGEST_FILE = 1_000_000
_FENCE = re.compile(r"`{3}|~{3}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,200}:")
_OPENINGS = {"github": "suggestion", "gitlab": "suggestion:-0+0"}


def suggestion_block(
    finding: Finding, text: str, line: int, forge: Literal["github", "gitlab"]
) -> list[str]:
    """The lines of a suggestion block for a line of the head's file, or none.

    `text` is the file's content and `line` the line in it that the finding's location is.
    """
    new = replacement(finding, text, line)
    if new is None:
        return []
    return [f"```{_OPENINGS[forge]}", new, "```"]


def replacement(finding: Finding, text: str, line: int) -> str | None:
    """The line that mends a finding, or None where it is not known beyond doubt."""
    place, wanted = finding.location, finding.suggestion
    if place is None or not place.exact or not wanted or not finding.field or line < 1:
        return None
    lines = text.split("\n")
    if len(text) > _LONGEST_FILE or line > len(lines) or "\r" in lines[line - 1]:
        return None
    renames = _NAME.fullmatch(wanted) is not None
    name = str(finding.field[-1])
    try:
        documents = split_stream(text.encode())
        document = _holding(documents, line)
        for extent in extents_on(document.text, line, first_line=document.line):
            if extent.key is not renames or extent.end_line != line:
                continue
            if renames and extent.path[-1] != name:
                continue
            if not renames and extent.column != place.column:
                continue
            return _replaced(documents, document, lines, extent, wanted)
    except (ManifestError, UnicodeEncodeError, LookupError):
        return None
    return None


def _holding(documents: Sequence[RawDocument], line: int) -> RawDocument:
    """The document that a line is in. Raises `LookupError`."""
    return [document for document in documents if document.line <= line][-1]


def _replaced(
    documents: Sequence[RawDocument],
    document: RawDocument,
    lines: Sequence[str],
    extent: Extent,
    wanted: str,
) -> str | None:
    old = lines[extent.line - 1]
    before, behind = old[: extent.column - 1], old[extent.end_column - 1 :]
    new = before + (wanted.removesuffix(":") if extent.key else wanted) + behind
    if new == old or not _harmless(new):
        return None
    whole = "\n".join([*lines[: extent.line - 1], new, *lines[extent.line :]])
    again = split_stream(whole.encode())
    if len(again) != len(documents):
        return None
    for one, other in zip(documents, again, strict=True):
        if one is not document and one != other:
            return None
        if one is document and not _as_intended(one.text, other.text, extent, wanted):
            return None
    return new


def _harmless(line: str) -> bool:
    """Whether a line can stand in a suggestion just as it is, seen as what it is."""
    return (
        len(line) <= _LONGEST_LINE
        and one_line(line) == line
        and not _FENCE.search(line)
        and not line.lstrip().startswith("/")
    )


def _as_intended(old: bytes, new: bytes, extent: Extent, wanted: str) -> bool:
    """Whether a document became what the suggestion says, and nothing else of it changed."""
    expected = copy.deepcopy(load_document(old))
    holder: Any = expected
    for step in extent.path[:-1]:
        holder = holder[step]
    last = extent.path[-1]
    if extent.key:
        name = wanted.removesuffix(":")
        if name in holder:
            return False
        holder[name] = holder.pop(last)
    else:
        value = load_document(wanted.encode())
        if isinstance(value, dict | list):
            return False
        holder[last] = value
    return _written(load_document(new)) == _written(expected)


def _written(value: object) -> str:
    """A value as text that tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)
