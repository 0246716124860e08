"""Patches, applied to traced trees as Kustomize applies them to resources.

Strategic merge patches follow kyaml's `merge2` with the merge keys of the Kubernetes API; JSON
patches follow RFC 6902. A patch that stands as text inside of a kustomization keeps the lines of
that file.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops_gate.evaluation.places.sources import Sources, streamed
from gitops_gate.evaluation.places.traced import Place, Traced, traced, walk

_MERGE_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "ports": ("containerPort", "port"),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "webhooks": ("name",),
    "ownerReferences": ("uid",),
}
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))
_UNKNOWN_DIRECTIVES = ("$setElementOrder", "$deleteFromPrimitiveList", "$retainKeys")


class PatchFailedError(Exception):
    """A JSON patch that does not fit the tree as it is known here."""


def inner_documents(scalar: Traced, sources: Sources) -> list[Traced]:
    """The documents in a text that a file holds as a value, each at its lines of that file."""
    found = []
    for raw in streamed(scalar.text.encode("utf-8", "surrogatepass")):
        document = traced(raw.text, scalar.place.path, raw.line)
        if document is not None:
            _move(document, scalar, sources)
            found.append(document)
    return found


def _move(document: Traced, scalar: Traced, sources: Sources) -> None:
    """From lines of the text to lines of the file that the text stands in."""
    lines = (sources.read(scalar.place.path) or b"").decode("utf-8", "replace").split("\n")
    text = scalar.text.split("\n")
    opening = lines[scalar.place.line - 1 : scalar.place.line]
    literal = opening and opening[0][scalar.place.column - 1 :].startswith("|")
    for node in walk(document):
        node.place, exact = _moved(node.place, scalar, lines, text, literal=bool(literal))
        node.sure = node.sure and exact
        if node.key is not None:
            node.key = _moved(node.key, scalar, lines, text, literal=bool(literal))[0]


def _moved(
    place: Place, scalar: Traced, lines: list[str], text: list[str], *, literal: bool
) -> tuple[Place, bool]:
    outer = scalar.place
    if literal:
        line = outer.line + place.line
        own = text[place.line - 1] if place.line <= len(text) else ""
        shown = lines[line - 1] if line <= len(lines) else ""
        indent = len(shown.rstrip("\r")) - len(own)
        if own and indent >= 0 and shown.rstrip("\r").endswith(own):
            return Place(outer.path, line, place.column + indent), True
        return outer, False
    shown = lines[outer.line - 1] if outer.line <= len(lines) else ""
    return outer, len([line for line in text if line.strip()]) == 1 and text[0].strip() in shown


def merge_patch(root: Traced, patch: Traced, *, keyed: bool, identity: bool) -> None:
    """Apply a strategic merge patch. `keyed`: lists of this kind have merge keys.

    `identity`: the patch may change kind and name, which it otherwise only has to be found by.
    """
    kept = [] if identity else [(path, root.get(*path)) for path in _IDENTITY]
    _merge(root, patch, keyed=keyed)
    for path, old in kept:
        holder = root.get(*path[:-1])
        if holder is None or not isinstance(holder.value, dict):
            continue
        if old is None:
            holder.fields.pop(path[-1], None)
        else:
            holder.fields[path[-1]] = old


def _merge(target: Traced, patch: Traced, *, keyed: bool) -> None:
    for name, value in patch.fields.items():
        if name.startswith(_UNKNOWN_DIRECTIVES):
            target.sure = False
        elif name != "$patch":
            _merge_field(target, name, value, keyed=keyed)


def _merge_field(target: Traced, name: str, value: Traced, *, keyed: bool) -> None:
    existing = target.fields.get(name)
    directive = value.text_of("$patch")
    if value.value is None or directive == "delete":
        target.fields.pop(name, None)
    elif existing is None or directive == "replace":
        target.fields[name] = _without_directives(value)
    elif isinstance(value.value, dict) and isinstance(existing.value, dict):
        _merge(existing, value, keyed=keyed)
    elif isinstance(value.value, list) and isinstance(existing.value, list):
        target.fields[name] = _merged_list(existing, value, name, keyed=keyed)
    else:
        target.fields[name] = _without_directives(value)


def _merged_list(existing: Traced, patch: Traced, name: str, *, keyed: bool) -> Traced:
    keys = _MERGE_KEYS.get(name, ()) if keyed else ()
    directives = [item.text_of("$patch") for item in patch.items]
    items = [item for item in patch.items if set(item.fields) != {"$patch"}]
    key = next((k for k in keys if items and all(k in item.fields for item in items)), None)
    if name == "finalizers" and keyed:
        known = {item.text for item in existing.items}
        added = [item for item in items if item.text not in known]
        return Traced([*existing.items, *added], existing.place, key=existing.key)
    if key is None or "replace" in directives:
        if "delete" in directives and not items:
            return Traced([], patch.place, key=patch.key)
        return _without_directives(patch)
    return Traced(
        _merged_items(existing.items, items, key, keyed=keyed),
        existing.place,
        key=existing.key,
        sure=existing.sure,
    )


def _merged_items(old: list[Traced], new: list[Traced], key: str, *, keyed: bool) -> list[Traced]:
    """The items of a patch in its order, merged into those of their key, and then the others."""
    kept = list(old)
    merged = []
    for item in new:
        same = [one for one in kept if _key_value(one, key) == _key_value(item, key)]
        kept = [one for one in kept if one not in same[:1]]
        if item.text_of("$patch") == "delete":
            continue
        if same:
            # Without either of the two, the item would still be called so by the other.
            own = same[0].fields[key].copied(sure=False)
            _merge(same[0], item, keyed=keyed)
            same[0].fields[key] = own
        merged.append(same[0] if same else _without_directives(item))
    return [*merged, *kept]


def _key_value(item: Traced, key: str) -> object:
    found = item.fields.get(key)
    return None if found is None else found.value


def _without_directives(node: Traced) -> Traced:
    value = node.value
    if isinstance(value, dict):
        value = {
            name: _without_directives(member)
            for name, member in value.items()
            if name != "$patch" and member.value is not None
        }
    elif isinstance(value, list):
        value = [_without_directives(i) for i in value if set(i.fields) != {"$patch"}]
    return Traced(value, node.place, key=node.key, sure=node.sure)


def apply_operations(root: Traced, operations: Iterable[Traced], *, sure: bool) -> None:
    """Apply the operations of a JSON patch in their order. Raises `PatchFailedError`."""
    for operation in operations:
        path = pointer(operation.text_of("path"))
        what = operation.text_of("op")
        value = operation.get("value")
        if what == "test":
            continue
        if what in ("move", "copy"):
            source = pointer(operation.text_of("from"))
            value = _at(root, source).copied()
            if what == "move":
                _remove(root, source)
        if what == "remove":
            _remove(root, path)
        elif what in ("add", "replace", "move", "copy") and value is not None:
            _put(root, path, value.copied(sure=sure), insert=what != "replace")
        else:
            raise PatchFailedError


def pointer(text: str) -> list[str]:
    """The segments of a JSON pointer (RFC 6901). Raises `PatchFailedError`."""
    if not text.startswith("/"):
        raise PatchFailedError
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _at(root: Traced, path: list[str]) -> Traced:
    node = root
    for part in path:
        if isinstance(node.value, dict) and part in node.value:
            node = node.value[part]
        elif isinstance(node.value, list):
            node = node.value[_index(part, len(node.value) - 1)]
        else:
            raise PatchFailedError
    return node


def _remove(root: Traced, path: list[str]) -> None:
    holder = _at(root, path[:-1])
    if isinstance(holder.value, dict):
        holder.value.pop(path[-1], None)
    elif isinstance(holder.value, list):
        holder.value.pop(_index(path[-1], len(holder.value) - 1))
    else:
        raise PatchFailedError


def _put(root: Traced, path: list[str], value: Traced, *, insert: bool) -> None:
    holder = _at(root, path[:-1])
    if isinstance(holder.value, dict):
        holder.value[path[-1]] = value
    elif isinstance(holder.value, list):
        size = len(holder.value)
        if insert:
            at = size if path[-1] == "-" else _index(path[-1], size)
            holder.value.insert(at, value)
        else:
            holder.value[_index(path[-1], size - 1)] = value
    else:
        raise PatchFailedError


def _index(part: str, most: int) -> int:
    if not part.isascii() or not part.isdecimal() or len(part) > 6 or int(part) > most:
        raise PatchFailedError
    return int(part)
