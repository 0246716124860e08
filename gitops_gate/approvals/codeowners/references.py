"""Finds the owners in the rest of a line of a GitLab file (`reference_extractor.rb`).

GitLab looks for references anywhere in the text, so that a comment can name an owner, and ignores
words without one (docs.gitlab.com, user/project/codeowners/advanced, "Malformed owners").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from gitops_gate.approvals.codeowners.values import Owner, OwnerKind

_PART = r"(?:[a-zA-Z0-9_.][a-zA-Z0-9_.-]{0,254}[a-zA-Z0-9_-]|[a-zA-Z0-9_])(?<!\.git)(?<!\.atom)"
_NAME = re.compile(rf"(?<![\w@])@((?:{_PART}/){{0,20}}{_PART})", re.ASCII)
_ROLE = re.compile(r"@@(developer|maintainer|owner)s?\Z", re.IGNORECASE | re.ASCII)
_TRAILING = re.compile(r"\W+\Z", re.ASCII)
_LONGEST = 10_000
"""A longer word is no owner: names have 255 characters, groups at most 20 levels."""


def references(text: str) -> tuple[tuple[Owner, ...], tuple[str, ...]]:
    """The owners that a text names, each once, and the words that name none."""
    owners: dict[tuple[str, str], Owner] = {}
    strangers: list[str] = []
    for word in text.split():
        found = list(_of_word(word)) if len(word) <= _LONGEST else []
        for owner in found:
            owners.setdefault(owner.identity, owner)
        if not found:
            strangers.append(word)
    return tuple(owners.values()), tuple(strangers)


def _of_word(word: str) -> Iterator[Owner]:
    role = _ROLE.match(word)
    if role:
        yield Owner(kind=OwnerKind.ROLE, name=role[1].lower())
        return
    for email in _emails(word):
        yield Owner(kind=OwnerKind.EMAIL, name=email.lower())
    for found in _NAME.finditer(word):
        kind = OwnerKind.GROUP if "/" in found[1] else OwnerKind.NAME
        yield Owner(kind=kind, name=found[1])


def _emails(word: str) -> Iterator[str]:
    """At most 100 characters, `@`, at most 255 that end with a word's character.

    A regular expression would do, in time that grows with the square of what is before the `@`.
    """
    parts = word.split("@")
    used = 0
    for left, right in pairwise(parts):
        name, used = left[used:][-100:], 0
        host = _TRAILING.sub("", right[:255])
        if name and host:
            used = len(host)
            yield f"{name}@{host}"
