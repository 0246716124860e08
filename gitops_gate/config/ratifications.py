"""Steps of a branch that could not be verified, and that people have approved afterwards.

The file is written by `gitops-gate ratify` and lands like every other change of the rules; delivery
reads it at the tip that it is about to deliver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.config.validation import check, read_document
from gitops_gate.config.wording import Problem
from gitops_gate.documents import locate
from gitops_gate.findings import Location

RATIFICATIONS_PATH = ".gitops-gate/ratified.yaml"
"""Where a repository keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratification:
    """One entry: the step of `commit` is approved as what came after the commit `after`.

    Both are full object ids: `commit` of the step that is held, `after` of the last commit that
    was delivered when the entry was written. `index` is its place in the list, from 0.
    """

    commit: str
    after: str
    reason: str
    owner: str
    index: int = 0


def load_ratifications(data: bytes, path: str = RATIFICATIONS_PATH) -> tuple[Ratification, ...]:
    """The entries of a file, in its order; none for an empty file.

    Raises `ConfigurationError` that tells everything that is wrong with the file.
    """
    document, value = read_document(data, path)
    if document is None or value is None:
        return ()
    check(value, document, path, "ratifications", _meaning)
    assert isinstance(value, list)
    return tuple(Ratification(**content, index=index) for index, content in enumerate(value))


def locate_ratification(ratification: Ratification, data: bytes, path: str) -> Location:
    """Where an entry stands in the bytes of the file that it was loaded from."""
    document, _ = read_document(data, path)
    if document is None:
        return Location(path=path)
    place = locate(document.text, (ratification.index,), first_line=document.line)
    return Location(path=path, line=place.line, column=place.column, exact=place.exact)


def _meaning(value: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """What the schema cannot say: an entry that says nothing, or the same as another."""
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(value):
        named = entry["commit"], entry["after"]
        if named in seen:
            yield Problem(
                field=(number, "commit"),
                message=f"`[{number}].commit`: entry [{seen[named]}] is for the same step",
            )
        seen.setdefault(named, number)
        if entry["commit"] == entry["after"]:
            yield Problem(
                field=(number, "after"),
                message=f"`[{number}].after`: a commit does not come after itself",
            )
