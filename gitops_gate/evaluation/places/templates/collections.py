"""Functions of templates that make and look into lists and mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops_gate.evaluation.places.templates.results import Arguments, Function
from gitops_gate.evaluation.places.templates.text import (
    NOWHERE,
    Text,
    flat,
    go_text,
)
from gitops_gate.evaluation.places.traced import Traced, plain

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.templates.execute import Execution

_LONGEST = 10_000


def _list(_: Execution, arguments: Arguments) -> Traced:
    return Traced([flat(argument) for argument in arguments], NOWHERE)


def _dict(_: Execution, arguments: Arguments) -> Traced:
    pairs = zip(arguments[::2], arguments[1::2], strict=False)
    return Traced({go_text(key): value for key, value in pairs}, NOWHERE)


def _get(_: Execution, arguments: Arguments) -> Traced:
    return arguments[0].fields.get(go_text(arguments[1]), Traced("", NOWHERE))


def _set(_: Execution, arguments: Arguments) -> Traced:
    arguments[0].fields[go_text(arguments[1])] = flat(arguments[2])
    return arguments[0]


def _unset(_: Execution, arguments: Arguments) -> Traced:
    arguments[0].fields.pop(go_text(arguments[1]), None)
    return arguments[0]


def _index(_: Execution, arguments: Arguments) -> Traced:
    value = arguments[0]
    for key in arguments[1:]:
        if isinstance(value.value, list):
            value = value.value[int(flat(key).value)]
        else:
            value = value.fields.get(go_text(key), Traced(None, NOWHERE))
    return value


def _dig(_: Execution, arguments: Arguments) -> Traced:
    value = arguments[-1]
    for key in arguments[:-2]:
        found = value.fields.get(go_text(key))
        if found is None:
            return arguments[-2]
        value = found
    return value


def _keys(_: Execution, arguments: Arguments) -> Traced:
    fields = arguments[0].fields
    return Traced([Traced(k, m.key or m.place) for k, m in sorted(fields.items())], NOWHERE)


def _values(_: Execution, arguments: Arguments) -> Traced:
    return Traced([member for _, member in sorted(arguments[0].fields.items())], NOWHERE)


def _pick(_: Execution, arguments: Arguments) -> Traced:
    names = {go_text(argument) for argument in arguments[1:]}
    value = arguments[0]
    return Traced({k: m for k, m in value.fields.items() if k in names}, value.place, key=value.key)


def _omit(_: Execution, arguments: Arguments) -> Traced:
    names = {go_text(argument) for argument in arguments[1:]}
    value = arguments[0]
    kept = {k: m for k, m in value.fields.items() if k not in names}
    return Traced(kept, value.place, key=value.key)


def _merge(overwrite: bool) -> Function:
    def function(_: Execution, arguments: Arguments) -> Traced:
        for other in arguments[1:]:
            _merge_into(arguments[0], other, overwrite=overwrite)
        return arguments[0]

    return function


def _merge_into(target: Traced, other: Traced, *, overwrite: bool) -> None:
    for name, member in other.fields.items():
        own = target.fields.get(name)
        if own is not None and isinstance(own.value, dict) and isinstance(member.value, dict):
            _merge_into(own, member, overwrite=overwrite)
        elif own is None or own.value in (None, "", 0, False) or (overwrite and member.value):
            target.fields[name] = _copied(member)


def _copied(value: Traced) -> Traced:
    return value if isinstance(value.value, Text) else value.copied()


def _concat(_: Execution, arguments: Arguments) -> Traced:
    items = [item for argument in arguments for item in argument.items]
    return Traced(items[:_LONGEST], NOWHERE)


def _append(_: Execution, arguments: Arguments) -> Traced:
    return Traced([*arguments[0].items, flat(arguments[1])], arguments[0].place)


def _prepend(_: Execution, arguments: Arguments) -> Traced:
    return Traced([flat(arguments[1]), *arguments[0].items], arguments[0].place)


def _first(_: Execution, arguments: Arguments) -> Traced:
    items = arguments[0].items
    return items[0] if items else Traced(None, NOWHERE)


def _last(_: Execution, arguments: Arguments) -> Traced:
    items = arguments[0].items
    return items[-1] if items else Traced(None, NOWHERE)


def _rest(_: Execution, arguments: Arguments) -> Traced:
    return Traced(arguments[0].items[1:], arguments[0].place)


def _initial(_: Execution, arguments: Arguments) -> Traced:
    return Traced(arguments[0].items[:-1], arguments[0].place)


def _has(_: Execution, arguments: Arguments) -> Traced:
    wanted = plain(flat(arguments[0]))
    return Traced(any(plain(item) == wanted for item in arguments[1].items), NOWHERE)


def _uniq(_: Execution, arguments: Arguments) -> Traced:
    kept: list[Traced] = []
    for item in arguments[0].items[:_LONGEST]:
        if not any(plain(item) == plain(one) for one in kept[-200:]):
            kept.append(item)
    return Traced(kept, arguments[0].place)


def _compact(_: Execution, arguments: Arguments) -> Traced:
    return Traced([item for item in arguments[0].items if item.value], arguments[0].place)


def _sort(_: Execution, arguments: Arguments) -> Traced:
    return Traced(sorted(arguments[0].items, key=go_text), arguments[0].place)


def _length(_: Execution, arguments: Arguments) -> Traced:
    inner = flat(arguments[0]).value
    return Traced(len(inner.encode() if isinstance(inner, str) else inner), NOWHERE)


def _until(_: Execution, arguments: Arguments) -> Traced:
    numbers = range(min(int(flat(arguments[0]).value), _LONGEST))
    return Traced([Traced(number, NOWHERE) for number in numbers], NOWHERE)


def _deep_copy(_: Execution, arguments: Arguments) -> Traced:
    return _copied(arguments[0])


COLLECTIONS: dict[str, Function] = {
    "list": _list,
    "tuple": _list,
    "dict": _dict,
    "get": _get,
    "set": _set,
    "unset": _unset,
    "index": _index,
    "dig": _dig,
    "keys": _keys,
    "values": _values,
    "pick": _pick,
    "omit": _omit,
    "merge": _merge(overwrite=False),
    "mustMerge": _merge(overwrite=False),
    "mergeOverwrite": _merge(overwrite=True),
    "mustMergeOverwrite": _merge(overwrite=True),
    "concat": _concat,
    "append": _append,
    "mustAppend": _append,
    "prepend": _prepend,
    "first": _first,
    "last": _last,
    "rest": _rest,
    "initial": _initial,
    "has": _has,
    "mustHas": _has,
    "uniq": _uniq,
    "compact": _compact,
    "sortAlpha": _sort,
    "len": _length,
    "until": _until,
    "deepCopy": _deep_copy,
    "mustDeepCopy": _deep_copy,
}
