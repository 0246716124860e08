"""What a schema asks of one value, in the words that follow "must be".

Each keyword of JSON Schema that restricts a single value has a phrase here. Keywords about fields
(unknown, missing) and about alternatives are in `messages` and `alternatives`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.schema.formats import INTEGER_BOUNDS, WORDS
from gitops_gate.checks.schema.wording import (
    listing,
    shown,
    type_words,
    typed_value_text,
    value_text,
)

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """`must` completes "must …"; `found` completes ", not …", None when it says nothing more."""

    must: str
    found: str | None


_INTEGER_LIMITS = {
    limit: f"an integer of {name.removeprefix('int')} bits"
    for name, limits in INTEGER_BOUNDS.items()
    for limit in limits
}


def requirement_of(error: ValidationError) -> Requirement | None:
    """The requirement that a value does not meet; None for keywords that are not about one value.

    Every error of one keyword at one place gives the same words, whichever engine found it.
    """
    build = _BUILDERS.get(type(error.kind).__name__)
    return None if build is None else build(error.kind, error.instance)


def _type(kind: Any, value: object) -> Requirement:
    return Requirement(must=f"be {type_words(kind.types)}", found=typed_value_text(value))


def _enum(kind: Any, value: object) -> Requirement:
    words = [_word(option) for option in kind.options if option is not None]
    must = listing(words, last="or") or "null"
    return Requirement(must=f"be {must}", found=value_text(value))


def _constant(kind: Any, value: object) -> Requirement:
    return Requirement(must=f"be {_word(kind.expected_value)}", found=value_text(value))


def _pattern(kind: Any, value: object) -> Requirement:
    words = WORDS.get(kind.pattern)
    must = f"be {words}" if words else f"match {shown(kind.pattern, limit=120)}"
    return Requirement(must=must, found=value_text(value))


def _bound(words: str) -> Callable[[Any, object], Requirement]:
    def build(kind: Any, value: object) -> Requirement:
        width = _INTEGER_LIMITS.get(kind.limit) if type(kind.limit) is int else None
        must = width or f"{words} {shown(str(kind.limit))}"
        return Requirement(must=f"be {must}", found=value_text(value))

    return build


def _multiple(kind: Any, value: object) -> Requirement:
    must = f"be a multiple of {shown(str(kind.multiple_of))}"
    return Requirement(must=must, found=value_text(value))


def _size(words: str, one: str, many: str) -> Callable[[Any, object], Requirement]:
    def build(kind: Any, value: object) -> Requirement:
        if words == "at least" and kind.limit == 1:
            return Requirement(must="not be empty", found=None)
        unit = one if kind.limit == 1 else many
        size = len(value) if isinstance(value, (str, list, dict)) else 0
        return Requirement(must=f"have {words} {kind.limit} {unit}", found=str(size))

    return build


def _unique(_: Any, __: object) -> Requirement:
    return Requirement(must="not hold the same item twice", found=None)


def _word(option: object) -> str:
    if isinstance(option, str):
        return shown(option) if option.strip() == option and option else value_text(option)
    return value_text(option)


_BUILDERS: Mapping[str, Callable[[Any, object], Requirement]] = {
    "Constant": _constant,
    "Enum": _enum,
    "ExclusiveMaximum": _bound("less than"),
    "ExclusiveMinimum": _bound("more than"),
    "Maximum": _bound("at most"),
    "MaxItems": _size("at most", "item", "items"),
    "MaxLength": _size("at most", "character", "characters"),
    "MaxProperties": _size("at most", "field", "fields"),
    "Minimum": _bound("at least"),
    "MinItems": _size("at least", "item", "items"),
    "MinLength": _size("at least", "character", "characters"),
    "MinProperties": _size("at least", "field", "fields"),
    "MultipleOf": _multiple,
    "Pattern": _pattern,
    "Type": _type,
    "UniqueItems": _unique,
}
