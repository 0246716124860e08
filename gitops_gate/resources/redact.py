"""Hides secret values, everywhere, without hiding that they change.

Always hidden: everything in a Secret but its name, its metadata and its type, whatever its API
group, its shape and the spelling of its fields, and the copy that kubectl keeps in its last-applied
annotation. Besides those, the field paths of `review.redact`.

A hidden value becomes a fixed text. It tells neither length nor hash, which could be guessed
against: `(redacted)` when both sides agree or there is one side only, otherwise `(redacted, old
value)` and `(redacted, new value)`. Below list items, where several values meet in one field,
different values are numbered in the order in which they appear: `(redacted 1)`, `(redacted 2)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from gitops_gate.resources.merge_keys import PathElement
from gitops_gate.resources.paths import replace_all
from gitops_gate.resources.plain import text_of

REDACTED = "(redacted)"
OLD = "(redacted, old value)"
NEW = "(redacted, new value)"
ANY_DEPTH = "**"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OPEN_MEMBERS = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
_SECRET_PATTERN = ("metadata", "annotations", _LAST_APPLIED)

Path = tuple[PathElement, ...]


class Redacted(NamedTuple):
    """Both sides with their hidden values replaced, and how many fields were hidden."""

    base: Any
    head: Any
    hidden: int


def is_secret(value: Mapping[str, Any]) -> bool:
    """Whether `value` is a Secret, of the core API or anything else that calls itself one."""
    return value.get("kind") == "Secret"


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> tuple[str, ...]:
    r"""The segments of a dotted field pattern, `spec.values.*.password`.

    `*` and `?` stand for text within a segment, an item's index counts as its segment, `**` stands
    for any number of segments, and `\.` for a dot that belongs to a name.
    """
    parts = pattern.replace("\\.", "\0").split(".")
    return tuple(part.replace("\0", ".") for part in parts if part)


def hidden_paths(value: Mapping[str, Any], patterns: Sequence[str] = ()) -> tuple[Path, ...]:
    """The paths of all values in `value` that must not be shown, in order."""
    parsed = tuple(parse_pattern(pattern) for pattern in patterns)
    if is_secret(value):
        parsed += (_SECRET_PATTERN, *_secret_members(value))
    parsed = tuple(pattern for pattern in parsed if pattern)
    return tuple(_matches((), value, parsed)) if parsed else ()


def _secret_members(value: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What a Secret holds besides its name and type: a misspelt `stringData` is as secret."""
    for name, member in value.items():
        if name not in _OPEN_MEMBERS:
            yield (name,) if _is_scalar(member) else (name, "*")


def _is_scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping | list | tuple)


def _matches(path: Path, value: Any, patterns: tuple[tuple[str, ...], ...]) -> Iterator[Path]:
    for element, member in _members(value):
        name = str(element)
        remaining = {rest for pattern in patterns for rest in _advance(pattern, name)}
        if () in remaining:
            yield (*path, element)
        elif remaining:
            yield from _matches((*path, element), member, tuple(remaining))


def _members(value: Any) -> Iterator[tuple[PathElement, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _advance(pattern: tuple[str, ...], name: str) -> Iterator[tuple[str, ...]]:
    """What is left of `pattern` to match below the member `name`; () when it is matched."""
    if pattern[0] == ANY_DEPTH:
        yield pattern
        if len(pattern) > 1:
            yield from _advance(pattern[1:], name)
        else:
            yield ()
    elif pattern[0] == name or fnmatchcase(name, pattern[0]):
        yield pattern[1:]


def redact(value: Mapping[str, Any], patterns: Sequence[str] = ()) -> Mapping[str, Any]:
    """One resource without what must not be shown."""
    shown: Mapping[str, Any] = replace_all(
        value, dict.fromkeys(hidden_paths(value, patterns), REDACTED)
    )
    return shown


def redact_pair(
    base: Mapping[str, Any] | None, head: Mapping[str, Any] | None, patterns: Sequence[str] = ()
) -> Redacted:
    """Both sides of one resource, either of which may be absent, with changes kept visible."""
    base_values = _hidden_values(base, patterns)
    head_values = _hidden_values(head, patterns)
    fields: dict[Path, tuple[dict[str, None], dict[str, None]]] = {}
    for side, values in enumerate((base_values, head_values)):
        for path, text in values.items():
            fields.setdefault(_without_indexes(path), ({}, {}))[side][text] = None
    return Redacted(
        _replaced(base, base_values, fields, OLD),
        _replaced(head, head_values, fields, NEW),
        len({_without_indexes(path) for path in (*base_values, *head_values)}),
    )


def _hidden_values(value: Mapping[str, Any] | None, patterns: Sequence[str]) -> dict[Path, str]:
    if value is None:
        return {}
    return {path: text_of(_at(value, path)) for path in hidden_paths(value, patterns)}


def _at(value: Any, path: Path) -> Any:
    for element in path:
        value = value[element]
    return value


def _without_indexes(path: Path) -> Path:
    return tuple("*" if isinstance(element, int) else element for element in path)


def _replaced(
    value: Mapping[str, Any] | None,
    hidden: Mapping[Path, str],
    fields: Mapping[Path, tuple[dict[str, None], dict[str, None]]],
    marker: str,
) -> Mapping[str, Any] | None:
    shown: dict[Path, str] = {}
    numbers: dict[Path, dict[str, int]] = {}
    for path, text in hidden.items():
        field = _without_indexes(path)
        before, after = fields[field]
        if not (before and after) or (before.keys() == after.keys() and len(before) == 1):
            shown[path] = REDACTED
        elif field == path:
            shown[path] = marker
        else:
            if field not in numbers:
                texts = (before | after).keys()
                numbers[field] = {text: number for number, text in enumerate(texts, start=1)}
            shown[path] = f"(redacted {numbers[field][text]})"
    replaced: Mapping[str, Any] | None = replace_all(value, shown)
    return replaced
