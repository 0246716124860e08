"""Puts what is wrong with a configuration file into words for its author.

`explain` takes the errors of the `jsonschema` package apart, whose own messages are dumps of the
schema. A key or value that is unknown comes with its nearest neighbour, or with all that is known.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.documents import RawDocument, locate
from gitops_gate.tools import clean_text

Field = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a field, or (`at_key`) with its key."""

    field: Field
    message: str
    at_key: bool = False


def explain(error: Any, document: RawDocument) -> Iterator[Problem]:
    """What a `jsonschema.ValidationError` means to the author of the file."""
    field: Field = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", ()))
            for key in error.instance:
                if key not in known:
                    message = _unknown_key((*field, key), known)
                    yield Problem(field=(*field, key), message=message, at_key=True)
        case "required":
            for key in error.validator_value:
                if key not in error.instance:
                    yield Problem(field=field, message=f"{_named(field)}`{key}` is missing")
        case "enum":
            yield Problem(field=field, message=_not_allowed(error, field, document))
        case "type":
            yield Problem(field=field, message=_wrong_type(error, field))
        case _:
            at_key = "propertyNames" in error.absolute_schema_path
            subject = (*field, error.instance) if at_key else field
            message = f"{_named(subject)}{_wish(error)}"
            yield Problem(field=subject, message=message, at_key=at_key)


def place_of(document: RawDocument, problem: Problem) -> tuple[int, int]:
    """The 1-based line and column of a problem; of the nearest field above where it has none."""
    place = locate(document.text, problem.field, key=problem.at_key, first_line=document.line)
    return place.line, place.column


def dotted(field: Field) -> str:
    """A field as people write it: `applications[0].helm`, `rules["images/pinned"].severity`."""
    text = ""
    for part in field:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part):
            text += f".{part}" if text else part
        else:
            text += f'["{_shown(part)}"]'
    return text


def _named(field: Field) -> str:
    return f"`{dotted(field)}`: " if field else ""


def _unknown_key(field: Field, known: Sequence[str]) -> str:
    key = str(field[-1])
    message = f"unknown key `{dotted(field)}`"
    similar = difflib.get_close_matches(key[:100], known, 1)
    if similar:
        return f"{message}; did you mean `{similar[0]}`?"
    return f"{message}; known here: {', '.join(known)}"


def _not_allowed(error: Any, field: Field, document: RawDocument) -> str:
    allowed = [text for text in error.validator_value if isinstance(text, str)]
    value = error.instance
    if isinstance(value, int | float) and not isinstance(value, bool) and "1.30" in allowed:
        written = _source_text(document, field)
        return f'{_named(field)}a version is text: put {written} in quotes, "{written}"'
    similar = difflib.get_close_matches(value[:100], allowed, 1) if isinstance(value, str) else []
    hint = f"did you mean `{similar[0]}`? " if similar else ""
    return f"{_named(field)}{_quoted(value)} is not allowed; {hint}(allowed: {', '.join(allowed)})"


def _source_text(document: RawDocument, field: Field) -> str:
    """A number as it stands in the file, where `1.30` is not `1.3`."""
    line, column = place_of(document, Problem(field=field, message=""))
    lines = document.text.decode("utf-8", "replace").split("\n")
    index = line - document.line
    rest = lines[index][column - 1 :] if index < len(lines) else ""
    found = re.match(r"[0-9.]+", rest)
    return found.group() if found else "it"


_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _wrong_type(error: Any, field: Field) -> str:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else [kind for kind in wanted if kind != "null"]
    expected = " or ".join(_TYPES[kind] for kind in kinds)
    message = f"{_named(field) or 'the file: '}expected {expected}, not {_quoted(error.instance)}"
    if "string" in kinds and isinstance(error.instance, bool | int | float):
        return f"{message}; put it in quotes if it is meant as text"
    if error.instance is None:
        return f"{message}; leave the key out for the default"
    return message


def _quoted(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"`{_shown(value)}`"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _shown(text: str) -> str:
    return clean_text(text, limit=80).replace("\n", " ")


def _wish(error: Any) -> str:
    """What a pattern, a format or a limit asks for."""
    if error.validator == "format" and error.cause is not None:
        return str(error.cause)
    if error.validator == "const":
        return f"{_quoted(error.instance)} is not allowed; it must be {error.validator_value}"
    if error.validator in ("minItems", "minProperties"):
        return "must not be empty; leave the key out for the default"
    if error.validator == "maxLength":
        return f"must not have more than {error.validator_value} characters"
    return str(error.schema.get("patternErrorMessage", clean_text(error.message, limit=200)))
