"""Functions of templates: Go's own, Helm's, and the part of Sprig that charts commonly use.

Each takes the execution and its arguments and gives a value that keeps the place of the argument
that it is made of. What is not here gives an unknown value. Documented in Helm's "Template
Function List" and at <https://masterminds.github.io/sprig/>.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gitops_gate.evaluation.places.templates.results import (
    LONGEST,
    Arguments,
    Function,
    is_true,
    made_of,
    tested,
    unknown,
)
from gitops_gate.evaluation.places.templates.text import (
    NOWHERE,
    Piece,
    Text,
    Unknown,
    as_pieces,
    flat,
    go_text,
    indented,
    trimmed,
    yaml_pieces,
)
from gitops_gate.evaluation.places.traced import Traced, plain, traced

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.templates.execute import Execution


class FailedError(Exception):
    """A template that says itself that it cannot go on (`fail`, `required`)."""


def _text(change: Callable[[str], str]) -> Function:
    """A function of one text, its last argument."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        return made_of(change(go_text(arguments[-1])), arguments[-1])

    return function


def _text_with(change: Callable[..., Any]) -> Function:
    """A function of texts, of which the last is the one that is changed."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        return made_of(change(*map(go_text, arguments)), arguments[-1])

    return function


def _text_like(change: Callable[[str, str, str], str]) -> Function:
    """A function of a pattern, a text and what is put in its place."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        pattern, text, new = map(go_text, arguments)
        return made_of(change(pattern, text, new), arguments[2], arguments[1])

    return function


def _quote(_: Execution, arguments: Arguments) -> Traced:
    given = [value for value in arguments if value.value is not None]
    return made_of(" ".join(json.dumps(go_text(v), ensure_ascii=False) for v in given), *given)


def _default(_: Execution, arguments: Arguments) -> Traced:
    return _coalesce(_, [arguments[-1], *arguments[:1]])


def _required(_: Execution, arguments: Arguments) -> Traced:
    if arguments[1].value is None or arguments[1].value == "":
        raise FailedError
    return arguments[1]


def _fail(_: Execution, _arguments: Arguments) -> Traced:
    raise FailedError


def _coalesce(_: Execution, arguments: Arguments) -> Traced:
    for value in arguments:
        if isinstance(value.value, Unknown) or is_true(value):
            return value
    return arguments[-1] if arguments else Traced(None, NOWHERE)


def _ternary(_: Execution, arguments: Arguments) -> Traced:
    if isinstance(arguments[2].value, Unknown):
        return unknown()
    return arguments[0] if is_true(arguments[2]) else arguments[1]


def _include(execution: Execution, arguments: Arguments) -> Traced:
    return execution.include(go_text(arguments[0]), arguments[1])


def _tpl(execution: Execution, arguments: Arguments) -> Traced:
    return execution.expand(flat(arguments[0]), arguments[1])


def _to_yaml(_: Execution, arguments: Arguments) -> Traced:
    return Traced(yaml_pieces(arguments[0]), NOWHERE)


def _to_json(_: Execution, arguments: Arguments) -> Traced:
    return made_of(json.dumps(plain(arguments[0]), sort_keys=True), arguments[0])


def _to_pretty_json(_: Execution, arguments: Arguments) -> Traced:
    return made_of(json.dumps(plain(arguments[0]), sort_keys=True, indent=2), arguments[0])


def _indent(_: Execution, arguments: Arguments) -> Traced:
    return Traced(indented(as_pieces(arguments[1]), _width(arguments[0])), NOWHERE)


def _nindent(_: Execution, arguments: Arguments) -> Traced:
    pieces = indented(as_pieces(arguments[1]), _width(arguments[0]))
    first = pieces[0].place if pieces else NOWHERE
    return Traced(Text((Piece("\n", first), *pieces)), NOWHERE)


def _width(value: Traced) -> int:
    width = int(value.value)
    if not 0 <= width <= 200:
        raise ValueError
    return width


def _trim(_: Execution, arguments: Arguments) -> Traced:
    value = arguments[0]
    if isinstance(value.value, Text):
        return Traced(trimmed(value.value), NOWHERE)
    return made_of(go_text(value).strip(), value)


def _printf(_: Execution, arguments: Arguments) -> Traced:
    form, rest = go_text(arguments[0]), list(arguments[1:])
    made: list[str] = []
    used: list[Traced] = []
    at = 0
    while (percent := form.find("%", at)) >= 0:
        made.append(form[at:percent])
        verb = form[percent + 1 : percent + 2]
        at = percent + 2
        if verb == "%":
            made.append("%")
            continue
        if verb not in ("s", "d", "v", "q", "t") or not rest:
            return unknown()
        value = rest.pop(0)
        if isinstance(value.value, Unknown):
            return unknown()
        used.append(value)
        text = go_text(value)
        made.append(json.dumps(text, ensure_ascii=False) if verb == "q" else text)
    return made_of("".join([*made, form[at:]]), *used)


def _print(separator: str) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        return made_of(separator.join(map(go_text, arguments)), *arguments)

    return function


def _trunc(_: Execution, arguments: Arguments) -> Traced:
    size, text = int(arguments[0].value), go_text(arguments[1])
    return made_of(text[size:] if size < 0 else text[:size], arguments[1])


def _join(_: Execution, arguments: Arguments) -> Traced:
    items = arguments[1].items
    return made_of(go_text(arguments[0]).join(map(go_text, items)), arguments[1], *items)


def _split_list(_: Execution, arguments: Arguments) -> Traced:
    value = flat(arguments[1])
    parts = go_text(value).split(go_text(arguments[0]))
    return Traced([Traced(part, value.place, sure=value.sure) for part in parts], value.place)


def _split(_: Execution, arguments: Arguments) -> Traced:
    parts = _split_list(_, arguments)
    return Traced({f"_{n}": part for n, part in enumerate(parts.items)}, parts.place)


def _from_yaml(_: Execution, arguments: Arguments) -> Traced:
    """A text read as YAML; all of it is where the text is from."""
    value = flat(arguments[0])
    raw = go_text(value).encode("utf-8", "surrogatepass")
    made = traced(raw, "", where=lambda _start, _end: (value.place, value.sure))
    return unknown() if made is None else made


def _regex_replace(pattern: str, text: str, new: str) -> str:
    """For patterns that are literal, or that and all the rest of the line; no other is tried."""
    start = pattern.removesuffix(".*")
    if not text or not start:
        return text if start else _unsupported()
    if not _LITERAL.fullmatch(start) or "$" in new:
        return _unsupported()
    if start == pattern:
        return _replace(start, new, text)
    made = [line.partition(start) for line in text.split("\n")]
    return "\n".join(f"{before}{new}" if found else before for before, found, _ in made)


_LITERAL = re.compile(r"[\w@/:,; -]+")


def _unsupported() -> str:
    raise ValueError


def _trim_suffix(end: str, text: str) -> str:
    return text.removesuffix(end)


def _trim_prefix(start: str, text: str) -> str:
    return text.removeprefix(start)


def _b64dec(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8")


def _b64enc(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _replace(old: str, new: str, text: str) -> str:
    if len(text) * max(1, len(new)) > LONGEST:
        raise ValueError
    return text.replace(old, new)


FUNCTIONS: dict[str, Function] = {
    "quote": _quote,
    "squote": _text(lambda text: f"'{text}'"),
    "default": _default,
    "required": _required,
    "fail": _fail,
    "coalesce": _coalesce,
    "ternary": _ternary,
    "include": _include,
    "tpl": _tpl,
    "toYaml": _to_yaml,
    "toYamlPretty": _to_yaml,
    "toJson": _to_json,
    "toRawJson": _to_json,
    "toPrettyJson": _to_pretty_json,
    "indent": _indent,
    "nindent": _nindent,
    "trim": _trim,
    "printf": _printf,
    "print": _print(""),
    "cat": _print(" "),
    "trunc": _trunc,
    "join": _join,
    "splitList": _split_list,
    "split": _split,
    "fromYaml": _from_yaml,
    "fromYamlArray": _from_yaml,
    "fromJson": _from_yaml,
    "fromJsonArray": _from_yaml,
    "toString": lambda _, a: made_of(go_text(a[0]), a[0]),
    "trimSuffix": _text_with(_trim_suffix),
    "trimPrefix": _text_with(_trim_prefix),
    "trimAll": _text_with(lambda cut, text: text.strip(cut)),
    "replace": _text_with(_replace),
    "regexReplaceAll": _text_like(_regex_replace),
    "mustRegexReplaceAll": _text_like(_regex_replace),
    "regexReplaceAllLiteral": _text_like(_regex_replace),
    "mustRegexReplaceAllLiteral": _text_like(_regex_replace),
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "title": _text(str.title),
    "nospace": _text(lambda text: "".join(text.split())),
    "b64enc": _text(_b64enc),
    "b64dec": _text(_b64dec),
    "sha256sum": _text(_sha256),
    "contains": tested(lambda part, text: go_text(part) in go_text(text)),
    "hasPrefix": tested(lambda start, text: go_text(text).startswith(go_text(start))),
    "hasSuffix": tested(lambda end, text: go_text(text).endswith(go_text(end))),
    "lookup": lambda _, a: Traced({}, NOWHERE),
}
"""By name, but for those of collections."""
