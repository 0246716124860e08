"""Names of branches and tags, and whether what one pattern stands for can be what another does.

The rules of names are those of git-check-ref-format(1): https://git-scm.com/docs/git-check-ref-format
"""

from __future__ import annotations

import re

from gitops_gate.config.globs import check_glob, is_glob, matches

HEADS = "refs/heads/"
TAGS = "refs/tags/"
BRANCH = "{branch}"
"""Stands for the short name of a branch in the name of a ref."""

_REFUSED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$")


def check_branch(text: str) -> None:
    """Raise `ValueError` unless `text` can be the full name of a branch, saying why."""
    if not text.startswith(HEADS):
        raise ValueError(f"a branch is named in full here: {HEADS}NAME")
    _check_name(text)


def check_target(text: str) -> None:
    """Raise `ValueError` unless `text` is the full name of a branch or tag, saying why.

    `{branch}` may stand in it once.
    """
    if not text.startswith((HEADS, TAGS)):
        raise ValueError(f"a ref is named in full: {HEADS}NAME or {TAGS}NAME")
    rest = text.replace(BRANCH, "", 1)
    if "{" in rest or "}" in rest:
        raise ValueError("{branch} may stand in a ref, once, and nothing else in braces")
    _check_name(text.replace(BRANCH, "name"))


def check_branches(pattern: str) -> None:
    """Raise `ValueError` unless `pattern` can match short names of branches, saying why."""
    if pattern.startswith("refs/"):
        raise ValueError(f"branches are named without {HEADS} here")
    check_glob(pattern)
    if not is_glob(pattern):
        _check_name(f"{HEADS}{pattern}")


def can_meet(one: str, other: str) -> bool:
    """Whether some name may match both patterns. Never false where there is one.

    Takes time proportional to the patterns, which may come from a hostile branch: where both have
    wildcards, the fixed beginnings and ends are compared, and no more.
    """
    first, second = (f"{text}**" if text.endswith("/") else text for text in (one, other))
    if "**" in first or "**" in second:
        return _ends_agree(first, second)
    if not is_glob(first):
        return matches(second, first)
    if not is_glob(second):
        return matches(first, second)
    pairs = first.split("/"), second.split("/")
    return len(pairs[0]) == len(pairs[1]) and all(map(_ends_agree, *pairs))


def _ends_agree(one: str, other: str) -> bool:
    """Whether one text may begin and end as both patterns do. `**` takes the `/` beside it."""
    starts = [re.split(r"/?\*\*|[*?[]", text, maxsplit=1)[0] for text in (one, other)]
    ends = [re.split(r"\*\*/?|[*?\]]", text)[-1] for text in (one, other)]
    short_start, long_start = sorted(starts, key=len)
    short_end, long_end = sorted(ends, key=len)
    return long_start.startswith(short_start) and long_end.endswith(short_end)


def _check_name(name: str) -> None:
    """What git-check-ref-format(1) refuses of a full name, and git-branch(1) of a short one."""
    short = name.split("/", 2)[2]
    if not short or _REFUSED.search(name) or short.startswith("-") or short == "HEAD":
        raise ValueError("Git allows no ref of this name")
