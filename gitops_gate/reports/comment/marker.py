"""The hidden line by which a run finds the comments that an earlier run wrote.

It proves nothing: anybody who may write comments can write the line as well. The comment's author
tells whose it is, and nothing is ever decided from what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_LINE = re.compile(
    r"^<!-- gitops-gate:summary:(?P<name>[A-Za-z0-9._~%-]{1,600}):(?P<part>[1-9]\d{0,3})"
    r" of=(?P<parts>[1-9]\d{0,3}) head=(?P<head>[A-Za-z0-9._~%-]{0,150})"
    r" base=(?P<base>[A-Za-z0-9._~%-]{0,150}) report=(?P<digest>sha256:[0-9a-f]{64}) -->\s*$",
    re.MULTILINE,
)
_RUN = re.compile(r"(?<=\]\(<)https?://[^\s<>()]+(?=>\))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Which comment this is, and what it was made from.

    `part` counts from 1 to `parts`. `head` and `base` are the commits of the review's context and
    `digest` the report's (`gitops_gate.reports.reading.report_digest`).
    """

    check_name: str
    part: int
    parts: int
    head: str
    base: str
    digest: str


def marker_line(marker: Marker) -> str:
    """The marker as an HTML comment on one line, which forges do not show.

    Raises `ValueError` for names that are too long to be read back.
    """
    name, head, base = (
        quote(text, safe="") for text in (marker.check_name, marker.head, marker.base)
    )
    line = (
        f"<!-- gitops-gate:summary:{name}:{marker.part} of={marker.parts} "
        f"head={head} base={base} report={marker.digest} -->"
    )
    if _LINE.match(line) is None:
        raise ValueError("a comment's marker takes a short check name, two commits and a digest")
    return line


def marker_of(body: str) -> Marker | None:
    """The first marker that stands on a line of its own in a comment, wherever that line is.

    Only its own line counts, so that other lines may have been edited or have other line ends;
    text of a repository never begins a line with `<` in what we write.
    """
    found = _LINE.search(body.replace("\r\n", "\n"))
    if found is None:
        return None
    return Marker(
        check_name=unquote(found["name"]),
        part=int(found["part"]),
        parts=int(found["parts"]),
        head=unquote(found["head"]),
        base=unquote(found["base"]),
        digest=found["digest"],
    )


def same_comment(one: str, other: str) -> bool:
    """Whether two bodies say the same, so that a re-run has nothing to write.

    Line ends, blank space at the end (forges change both) and the numbers in links to a run make
    no difference: the report of another run with the same marker is the same report.
    """
    return _comparable(one) == _comparable(other)


def _comparable(body: str) -> str:
    text = body.replace("\r\n", "\n").rstrip()
    lines = text.split("\n")
    return "\n".join(_without_run(line) if "](<http" in line else line for line in lines)


def _without_run(line: str) -> str:
    """A line of the footer without the numbers in its link to a run; other lines as they are."""
    if not line.startswith("<sub>"):
        return line
    return _RUN.sub(lambda match: re.sub(r"\d+", "0", match.group()), line)
