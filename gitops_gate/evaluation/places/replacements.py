"""`replacements` of a kustomization: a value that is copied keeps the place that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitops_gate.evaluation.places.subjects import Subject, group_of, selects
from gitops_gate.evaluation.places.traced import Traced

_DEFAULT_PATH = "metadata.name"
_MOST_NODES = 2_000


def source_names(entry: Traced) -> tuple[str, str]:
    """The kind and name of the resource that a replacement takes its value from."""
    return entry.text_of("source", "kind"), entry.text_of("source", "name")


def replace(subjects: Sequence[Subject], entry: Traced) -> None:
    """Apply one replacement to the subjects that it selects."""
    value = _value(subjects, entry)
    targets = entry.get("targets")
    for target in targets.items if targets is not None else ():
        selector = target.get("select")
        if selector is None:
            continue
        for subject in subjects:
            selected = selects(selector, subject)
            rejected = [selects(one, subject) for one in _items(target, "reject")]
            if selected is False or True in rejected:
                continue
            sure = selected is True and None not in rejected
            for path in _items(target, "fieldPaths") or [Traced(_DEFAULT_PATH, target.place)]:
                _set(subject, split_path(path.text), value, target, sure=sure)


def _value(subjects: Iterable[Subject], entry: Traced) -> Traced | None:
    given = entry.get("sourceValue")
    if given is not None:
        return given
    source = entry.get("source")
    if source is None:
        return None
    for subject in subjects:
        kind, name = source.text_of("kind"), source.text_of("name")
        group = source.text_of("group") or group_of(source.text_of("apiVersion"))
        if (kind and kind != subject.kind) or (name and not subject.is_called(name)):
            continue
        if group and group != subject.group:
            continue
        path = split_path(source.text_of("fieldPath") or _DEFAULT_PATH)
        found = nodes_at(subject.root, path)
        if len(found) == 1:
            return _refined(found[0], source.get("options"))
    return None


def _refined(value: Traced, options: Traced | None) -> Traced:
    delimiter = options.text_of("delimiter") if options is not None else ""
    if options is None or not delimiter:
        return value
    index = options.get("index")
    parts = str(value.value).split(delimiter)
    at = index.value if index is not None and isinstance(index.value, int) else 0
    if not 0 <= at < len(parts):
        return Traced(None, value.place, sure=False)
    return Traced(parts[at], value.place, key=value.key, sure=value.sure)


def _set(
    subject: Subject, path: list[str], value: Traced | None, target: Traced, *, sure: bool
) -> None:
    options = target.get("options")
    delimiter = options.text_of("delimiter") if options is not None else ""
    create = options is not None and options.get("create") is not None
    found = nodes_at(subject.root, path)
    if not found and create:
        holders = nodes_at(subject.root, path[:-1])
        if holders and value is not None and isinstance(holders[0].value, dict):
            holders[0].fields[path[-1]] = value.copied(sure=sure)
        return
    for node in found:
        if value is None:
            node.sure = False
        elif delimiter and options is not None:
            _set_part(node, value, delimiter, options, sure=sure)
        else:
            _overwrite(node, value, sure=sure)


def _overwrite(node: Traced, value: Traced, *, sure: bool) -> None:
    new = value.copied(sure=sure)
    if isinstance(node.value, str) and isinstance(new.value, int | float | bool):
        new.value = str(new.value)
    node.value, node.place, node.sure = new.value, new.place, new.sure


def _set_part(node: Traced, value: Traced, delimiter: str, options: Traced, *, sure: bool) -> None:
    given = options.get("index")
    index = given.value if given is not None and isinstance(given.value, int) else 0
    parts = str(node.value).split(delimiter)
    text = str(value.value)
    if index < 0:
        parts.insert(0, text)
    elif index >= len(parts):
        parts.append(text)
    else:
        parts[index] = text
    node.value, node.place = delimiter.join(parts), value.place
    node.sure = node.sure and value.sure and sure


def split_path(path: str) -> list[str]:
    r"""The segments of a field path; `\.` and dots inside of brackets do not separate."""
    parts, current, depth = [], "", 0
    index = 0
    while index < len(path):
        character = path[index]
        if character == "\\" and path[index + 1 : index + 2] == ".":
            current += "."
            index += 2
            continue
        depth += (character == "[") - (character == "]")
        if character == "." and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
        index += 1
    return [part for part in [*parts, current] if part]


def nodes_at(root: Traced, path: Sequence[str]) -> list[Traced]:
    """The nodes that a field path leads to, by names, `[key=value]`, indexes and `*`."""
    nodes = [root]
    for part in path:
        nodes = [member for node in nodes for member in _members(node, part)][:_MOST_NODES]
    return nodes


def _members(node: Traced, part: str) -> list[Traced]:
    if part == "*":
        return list(node.fields.values()) or list(node.items)
    if part.startswith("[") and part.endswith("]"):
        inner = part[1:-1]
        key, equals, value = inner.partition("=")
        if not equals:
            return [node.fields[inner]] if inner in node.fields else []
        return [item for item in node.items if _is(item, key, value)]
    if isinstance(node.value, list):
        at = int(part) if part.isascii() and part.isdecimal() and len(part) < 6 else -1
        return [node.value[at]] if 0 <= at < len(node.value) else []
    return [node.fields[part]] if part in node.fields else []


def _is(item: Traced, key: str, value: str) -> bool:
    if not key:
        return str(item.value) == value
    found = item.fields.get(key)
    return found is not None and str(found.value) == value


def _items(holder: Traced, name: str) -> list[Traced]:
    found = holder.get(name)
    return found.items if found is not None else []
