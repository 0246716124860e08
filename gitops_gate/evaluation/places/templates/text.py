"""Text in pieces that know their places, and the values of templates as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gitops_gate.documents import dump_yaml
from gitops_gate.errors import ManifestError
from gitops_gate.evaluation.places.traced import Place, Traced

NOWHERE = Place("")
"""The place of a value that a template spells itself: it is where the action stands."""


class Unknown:
    """What nobody can say without Helm itself; the value of a `Traced` that is never sure."""

    __slots__ = ()


UNKNOWN = Unknown()
_PLACEHOLDER = "unknown"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text on one line at most, its line break included, and where it came from.

    `literal`: it stands at its place as such, so that a later character is further to the right.
    """

    text: str
    place: Place
    literal: bool = False
    sure: bool = True


class Text(tuple[Piece, ...]):
    """What a template printed; the value of a `Traced`."""

    __slots__ = ()

    def joined(self) -> str:
        """The whole text."""
        return "".join(piece.text for piece in self)


def lines(text: str) -> list[str]:
    """The lines of a text with their line breaks, which are LF alone."""
    return _LINE.findall(text)


def literal(text: str, place: Place, *, sure: bool = True) -> Iterator[Piece]:
    """Text of a file, line by line, from a place on."""
    line, column = place.line, place.column
    for part in lines(text):
        yield Piece(part, Place(place.path, line, column), literal=True, sure=sure)
        line, column = line + 1, 1


def printed(value: Traced, action: Place, *, sure: bool) -> Iterator[Piece]:
    """What an action prints."""
    if isinstance(value.value, Text):
        for piece in value.value:
            place = piece.place if piece.place.path else action
            yield Piece(
                piece.text, place, piece.literal and place is piece.place, piece.sure and sure
            )
        return
    if isinstance(value.value, Unknown):
        yield Piece(_PLACEHOLDER, action, sure=False)
        return
    place = value.place if value.place.path else action
    known = value.value is None or isinstance(value.value, str | bool | int | float)
    for part in lines(go_text(value)):
        yield Piece(part, place, sure=sure and value.sure and known)


def flat(value: Traced) -> Traced:
    """A text of pieces as one plain text, at the place of its last value from elsewhere."""
    if not isinstance(value.value, Text):
        return value
    pieces = value.value
    given = [piece for piece in pieces if not piece.literal and piece.place.path]
    place = given[-1].place if given else pieces[0].place if pieces else value.place
    return Traced(pieces.joined(), place, sure=all(piece.sure for piece in pieces))


def go_text(value: Traced) -> str:
    """A value as Go prints it (`%v`)."""
    inner = value.value
    if isinstance(inner, Text):
        return inner.joined()
    if inner is None or isinstance(inner, Unknown):
        return ""
    if isinstance(inner, bool):
        return "true" if inner else "false"
    if isinstance(inner, float | int):
        return _number(inner)
    if isinstance(inner, str):
        return inner
    if isinstance(inner, list):
        return "[" + " ".join(go_text(item) for item in inner) + "]"
    if isinstance(inner, dict):
        return "map[" + " ".join(f"{k}:{go_text(inner[k])}" for k in sorted(inner)) + "]"
    return _PLACEHOLDER


def _number(number: float) -> str:
    """As `%v` of Go prints it."""
    if isinstance(number, int):
        return str(number)
    text = repr(float(number))
    if abs(number) >= 1_000_000 and "e" not in text:
        digits = text.removesuffix(".0").lstrip("-")
        point = digits.find(".")
        exponent = (len(digits) if point < 0 else point) - 1
        mantissa = digits.replace(".", "").rstrip("0")
        shown = mantissa[0] + (f".{mantissa[1:]}" if len(mantissa) > 1 else "")
        return f"{'-' if number < 0 else ''}{shown}e+{exponent:02d}"
    return text.removesuffix(".0")


def yaml_pieces(value: Traced) -> Text:
    """A value as YAML, each line at the place of what it says; strings stay on their line."""
    return Text(_stripped(list(_yaml(value, "", ""))))


def _yaml(value: Traced, indent: str, lead: str) -> Iterator[Piece]:
    inner = value.value
    if isinstance(inner, dict) and inner:
        for name in sorted(inner):
            member = inner[name]
            yield Piece(f"{lead}{_scalar(name)}:", member.key or member.place, sure=value.sure)
            yield from _member(member, indent)
            lead = indent
    elif isinstance(inner, list) and inner:
        for item in inner:
            yield from _yaml(item, f"{indent}  ", f"{lead}- ")
            lead = indent
    else:
        yield Piece(f"{lead}{_leaf(inner)}\n", value.place, sure=_is_sure(value))


def _member(member: Traced, indent: str) -> Iterator[Piece]:
    if isinstance(member.value, dict) and member.value:
        yield Piece("\n", member.place)
        yield from _yaml(member, f"{indent}  ", f"{indent}  ")
    elif isinstance(member.value, list) and member.value:
        yield Piece("\n", member.place)
        yield from _yaml(member, indent, indent)
    else:
        yield Piece(" ", member.place)
        yield Piece(f"{_leaf(member.value)}\n", member.place, sure=_is_sure(member))


def _is_sure(value: Traced) -> bool:
    return value.sure and not isinstance(value.value, Unknown)


def _leaf(value: Any) -> str:
    if isinstance(value, Text):
        value = value.joined()
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Unknown):
        return _PLACEHOLDER
    try:
        if isinstance(value, str) and "\n" in value:
            return json.dumps(value, ensure_ascii=False)
        return dump_yaml(value).rstrip("\n")
    except ManifestError:
        return _PLACEHOLDER


def _stripped(pieces: list[Piece]) -> list[Piece]:
    """Without the line break at the end, as `toYaml` gives it."""
    if pieces and pieces[-1].text.endswith("\n"):
        last = pieces.pop()
        pieces.append(Piece(last.text[:-1], last.place, last.literal, last.sure))
    return pieces


def indented(text: Iterable[Piece], width: int) -> Text:
    """Every line moved to the right, as Sprig's `indent` does."""
    pad = " " * width
    pieces: list[Piece] = []
    start = True
    for piece in text:
        if start:
            pieces.append(Piece(pad, piece.place))
        pieces.append(piece)
        start = piece.text.endswith("\n")
    if start:
        pieces.append(Piece(pad, pieces[-1].place if pieces else NOWHERE))
    return Text(pieces)


def trimmed(text: Text) -> Text:
    """Without white space at both ends."""
    pieces = list(text)
    while pieces and not pieces[0].text.strip():
        pieces.pop(0)
    while pieces and not pieces[-1].text.strip():
        pieces.pop()
    if pieces:
        first = pieces[0]
        cut = len(first.text) - len(first.text.lstrip())
        place = first.place
        if first.literal:
            place = Place(place.path, place.line, place.column + cut)
        pieces[0] = Piece(first.text[cut:], place, first.literal, first.sure)
        last = pieces[-1]
        pieces[-1] = Piece(last.text.rstrip(), last.place, last.literal, last.sure)
    return Text(pieces)


def as_pieces(value: Traced) -> Text:
    """Any value as text in pieces."""
    if isinstance(value.value, Text):
        return value.value
    sure = value.sure and not isinstance(value.value, Unknown)
    text = _PLACEHOLDER if isinstance(value.value, Unknown) else go_text(value)
    return Text(Piece(part, value.place, sure=sure) for part in lines(text))
