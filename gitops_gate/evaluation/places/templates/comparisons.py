"""Functions of templates that compare and count: Go's comparisons, kinds, numbers, versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gitops_gate.evaluation.places.templates.results import (
    Arguments,
    Function,
    is_true,
    made_of,
    tested,
)
from gitops_gate.evaluation.places.templates.text import NOWHERE, flat, go_text
from gitops_gate.evaluation.places.traced import Traced, plain

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.templates.execute import Execution


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

    return tested(test)


def _arithmetic(work: Callable[[int, int], int]) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        numbers = [int(_number(argument)) for argument in arguments]
        result = numbers[0]
        for number in numbers[1:]:
            result = work(result, number)
        if abs(result) > 1 << 62:
            raise ValueError
        return made_of(result, *arguments)

    return function


def _to_int(_: Execution, arguments: Arguments) -> Traced:
    return made_of(int(_number(arguments[0])), arguments[0])


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
    return made_of(holds, arguments[1])


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


COMPARISONS: dict[str, Function] = {
    "eq": tested(_same),
    "ne": tested(lambda one, other: not _same(one, other)),
    "lt": _ordered(lambda a, b: bool(a < b)),
    "le": _ordered(lambda a, b: bool(a <= b)),
    "gt": _ordered(lambda a, b: bool(a > b)),
    "ge": _ordered(lambda a, b: bool(a >= b)),
    "not": tested(lambda value: not is_true(value)),
    "empty": tested(lambda value: not is_true(value)),
    "kindIs": tested(_is_kind),
    "typeIs": tested(_is_kind),
    "kindOf": lambda _, a: Traced(_kind(a[0]), NOWHERE),
    "typeOf": lambda _, a: Traced(_type(a[0]), NOWHERE),
    "hasKey": tested(_has_key),
    "semverCompare": _semver_compare,
    "int": _to_int,
    "int64": _to_int,
    "atoi": _to_int,
    "float64": lambda _, a: made_of(float(_number(a[0])), a[0]),
    "add": _arithmetic(lambda a, b: a + b),
    "add1": lambda _, a: made_of(int(_number(a[0])) + 1, a[0]),
    "sub": _arithmetic(lambda a, b: a - b),
    "mul": _arithmetic(lambda a, b: a * b),
    "max": _arithmetic(max),
    "min": _arithmetic(min),
}
