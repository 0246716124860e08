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
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gitops_gate.evaluation.places.templates.text import (
    NOWHERE,
    UNKNOWN,
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
from gitops_gate.evaluation.places.traced import Traced, plain

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.templates.execute import Execution

Arguments = Sequence[Traced]
Function = Callable[["Execution", Arguments], Traced]

_LONGEST = 200_000


class FailedError(Exception):
    """A template that says itself that it cannot go on (`fail`, `required`)."""


def unknown() -> Traced:
    """A value that nobody knows here."""
    return Traced(UNKNOWN, NOWHERE, sure=False)


def is_true(value: Traced) -> bool:
    """Whether Go's templates take a value for true."""
    inner = value.value
    if isinstance(inner, Text):
        return bool(inner.joined())
    return not isinstance(inner, Unknown) and bool(inner)


def _of(value: Any, *sources: Traced) -> Traced:
    """A value at the place of the last of its sources that has one."""
    place = next((flat(s).place for s in reversed(sources) if flat(s).place.path), NOWHERE)
    return Traced(value, place, sure=all(flat(source).sure for source in sources))


def _text(change: Callable[[str], str]) -> Function:
    """A function of one text, its last argument."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        return _of(change(go_text(arguments[-1])), arguments[-1])

    return function


def _text_with(change: Callable[..., Any]) -> Function:
    """A function of texts, of which the last is the one that is changed."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        return _of(change(*map(go_text, arguments)), arguments[-1])

    return function


def _test(decide: Callable[..., bool]) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        return Traced(decide(*arguments), NOWHERE, sure=all(a.sure for a in arguments))

    return function


def _quote(_: Execution, arguments: Arguments) -> Traced:
    given = [value for value in arguments if value.value is not None]
    return _of(" ".join(json.dumps(go_text(v), ensure_ascii=False) for v in given), *given)


def _default(_: Execution, arguments: Arguments) -> Traced:
    return arguments[-1] if is_true(arguments[-1]) else arguments[0]


def _required(_: Execution, arguments: Arguments) -> Traced:
    if arguments[1].value is None or arguments[1].value == "":
        raise FailedError
    return arguments[1]


def _fail(_: Execution, _arguments: Arguments) -> Traced:
    raise FailedError


def _coalesce(_: Execution, arguments: Arguments) -> Traced:
    return next((value for value in arguments if is_true(value)), Traced(None, NOWHERE))


def _ternary(_: Execution, arguments: Arguments) -> Traced:
    return arguments[0] if is_true(arguments[2]) else arguments[1]


def _include(execution: Execution, arguments: Arguments) -> Traced:
    return execution.include(go_text(arguments[0]), arguments[1])


def _tpl(execution: Execution, arguments: Arguments) -> Traced:
    return execution.expand(flat(arguments[0]), arguments[1])


def _to_yaml(_: Execution, arguments: Arguments) -> Traced:
    return Traced(yaml_pieces(arguments[0]), NOWHERE)


def _to_json(_: Execution, arguments: Arguments) -> Traced:
    return _of(json.dumps(plain(arguments[0]), sort_keys=True), arguments[0])


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
    return _of(go_text(value).strip(), value)


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
    return _of("".join([*made, form[at:]]), *used)


def _print(separator: str) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        return _of(separator.join(map(go_text, arguments)), *arguments)

    return function


def _trunc(_: Execution, arguments: Arguments) -> Traced:
    size, text = int(arguments[0].value), go_text(arguments[1])
    return _of(text[size:] if size < 0 else text[:size], arguments[1])


def _join(_: Execution, arguments: Arguments) -> Traced:
    items = arguments[1].items
    return _of(go_text(arguments[0]).join(map(go_text, items)), arguments[1], *items)


def _split_list(_: Execution, arguments: Arguments) -> Traced:
    value = flat(arguments[1])
    parts = go_text(value).split(go_text(arguments[0]))
    return Traced([Traced(part, value.place, sure=value.sure) for part in parts], value.place)


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
    if len(text) * max(1, len(new)) > _LONGEST:
        raise ValueError
    return text.replace(old, new)


def _same(one: Traced, *others: Traced) -> bool:
    return any(_comparable(one) == _comparable(other) for other in others)


def _comparable(value: Traced) -> Any:
    inner = flat(value).value
    return (isinstance(inner, bool), plain(value) if isinstance(inner, dict | list) else inner)


def _number(value: Traced) -> Any:
    inner = flat(value).value
    if isinstance(inner, str):
        return int(inner, 10)
    return 0 if inner is None else inner


def _ordered(decide: Callable[[Any, Any], bool]) -> Function:
    def test(one: Traced, other: Traced) -> bool:
        left, right = flat(one).value, flat(other).value
        return decide(left, right)

    return _test(test)


def _arithmetic(work: Callable[[int, int], int]) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        numbers = [int(_number(argument)) for argument in arguments]
        result = numbers[0]
        for number in numbers[1:]:
            result = work(result, number)
        if abs(result) > 1 << 62:
            raise ValueError
        return _of(result, *arguments)

    return function


def _to_int(_: Execution, arguments: Arguments) -> Traced:
    return _of(int(_number(arguments[0])), arguments[0])


def _kind(value: Traced) -> str:
    inner = flat(value).value
    for kind, name in ((bool, "bool"), (str, "string"), (dict, "map"), (list, "slice")):
        if isinstance(inner, kind):
            return name
    if inner is None:
        return "invalid"
    return "float64" if value.place.path else "int"


def _type(value: Traced) -> str:
    return {"map": "map[string]interface {}", "slice": "[]interface {}"}.get(
        _kind(value), _kind(value)
    )


def _is_kind(wanted: Traced, value: Traced) -> bool:
    return go_text(wanted) in (_kind(value), _type(value))


_COMPARISONS: dict[str, Callable[[list[int], list[int]], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}


def _semver_compare(_: Execution, arguments: Arguments) -> Traced:
    """Comparisons that all have to hold; ranges of other forms are not known here."""
    version = _version(go_text(arguments[1]))
    holds = True
    for operator, wanted in _CONSTRAINT.findall(_checked(go_text(arguments[0]))):
        holds = holds and _COMPARISONS[operator](version, _version(wanted))
    return _of(holds, arguments[1])


_CONSTRAINT = re.compile(r"(>=|<=|>|<|=)\s*v?([0-9.]+)")
_CONSTRAINTS = re.compile(r"(?:[\s,]*(?:>=|<=|>|<|=)\s*v?[0-9.]+(?:-[0-9a-zA-Z.]+)?)+\s*")


def _checked(constraint: str) -> str:
    if len(constraint) > 100 or not _CONSTRAINTS.fullmatch(constraint):
        raise ValueError
    return constraint


def _version(text: str) -> list[int]:
    numbers = text.removeprefix("v").partition("-")[0].partition("+")[0].split(".")
    return [*(int(number) for number in numbers[:3]), 0, 0][:3]


def _has_key(holder: Traced, key: Traced) -> bool:
    return go_text(key) in holder.fields


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
    "indent": _indent,
    "nindent": _nindent,
    "trim": _trim,
    "printf": _printf,
    "print": _print(""),
    "cat": _print(" "),
    "trunc": _trunc,
    "join": _join,
    "splitList": _split_list,
    "toString": lambda _, a: _of(go_text(a[0]), a[0]),
    "trimSuffix": _text_with(_trim_suffix),
    "trimPrefix": _text_with(_trim_prefix),
    "trimAll": _text_with(lambda cut, text: text.strip(cut)),
    "replace": _text_with(_replace),
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "title": _text(str.title),
    "nospace": _text(lambda text: "".join(text.split())),
    "b64enc": _text(_b64enc),
    "b64dec": _text(_b64dec),
    "sha256sum": _text(_sha256),
    "contains": _test(lambda part, text: go_text(part) in go_text(text)),
    "hasPrefix": _test(lambda start, text: go_text(text).startswith(go_text(start))),
    "hasSuffix": _test(lambda end, text: go_text(text).endswith(go_text(end))),
    "eq": _test(_same),
    "ne": _test(lambda one, other: not _same(one, other)),
    "lt": _ordered(lambda a, b: bool(a < b)),
    "le": _ordered(lambda a, b: bool(a <= b)),
    "gt": _ordered(lambda a, b: bool(a > b)),
    "ge": _ordered(lambda a, b: bool(a >= b)),
    "not": _test(lambda value: not is_true(value)),
    "empty": _test(lambda value: not is_true(value)),
    "kindIs": _test(_is_kind),
    "typeIs": _test(_is_kind),
    "kindOf": lambda _, a: Traced(_kind(a[0]), NOWHERE),
    "typeOf": lambda _, a: Traced(_type(a[0]), NOWHERE),
    "hasKey": _test(_has_key),
    "semverCompare": _semver_compare,
    "int": _to_int,
    "int64": _to_int,
    "atoi": _to_int,
    "float64": lambda _, a: _of(float(_number(a[0])), a[0]),
    "add": _arithmetic(lambda a, b: a + b),
    "add1": lambda _, a: _of(int(_number(a[0])) + 1, a[0]),
    "sub": _arithmetic(lambda a, b: a - b),
    "mul": _arithmetic(lambda a, b: a * b),
    "max": _arithmetic(max),
    "min": _arithmetic(min),
    "lookup": lambda _, a: Traced({}, NOWHERE),
}
"""By name, but for those of collections."""
