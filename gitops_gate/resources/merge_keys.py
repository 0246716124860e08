"""Which item of a list is which: by the keys that Kubernetes merges lists by, never by index.

A container inserted in front of another does not make the other a different one. The keys are
those of server-side apply and strategic merge (`x-kubernetes-list-map-keys`,
`x-kubernetes-patch-merge-key` in the API's OpenAPI document); lists without such keys, those of
custom resources among them, go by name, and what has no name by content.

Identities are written as Kustomize writes them in field paths: `[name=web]`,
`[containerPort=80,protocol=TCP]`, `[=value]` for a plain value. They name items in resource
changes (`gitops_gate.changes`) and in the identity of findings (`gitops_gate.checks.identity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.resources.plain import plain, text_of

PathElement = str | int

_GENERIC = (("name",),)
_BY_CONTENT: tuple[tuple[str, ...], ...] = ()
_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # list's field name: alternatives, the first whose keys an item has; () is by content
    "ports": (("containerPort", "protocol"), ("port", "protocol"), ("name",)),
    "envFrom": _BY_CONTENT,
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "podIPs": (("ip",),),
    "tolerations": _BY_CONTENT,
    "taints": (("key", "effect"),),
    "conditions": (("type",),),
    "addresses": (("type", "address"),),
    "paths": (("path", "pathType"),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "matchExpressions": (("key", "operator"),),
    "matchFields": (("key", "operator"),),
    "ownerReferences": (("uid",), ("name",)),
    "resizePolicy": (("resourceName",),),
    "x-kubernetes-validations": (("rule",),),
    "items": (("path",), ("name",)),
}
_DEFAULTS = {"protocol": "TCP"}
_QUALIFIERS = ("kind", "namespace")
_SHORT = 80


def identify(
    list_path: Sequence[PathElement],
    items: Sequence[Any],
    names: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """A stable identity for each item of the list at `list_path`, in order.

    Only the last field name of `list_path` matters. Equal identities are counted: the second is
    followed by `#2`. `names` replaces texts before they become part of an identity: generated
    names by those without their hash (`gitops_gate.resources.hash_names.plain_names`).
    """
    field = list_field(list_path)
    seen: dict[str, int] = {}
    identities = []
    for item in items:
        identity = identity_of(field, item, names)
        count = seen[identity] = seen.get(identity, 0) + 1
        identities.append(identity if count == 1 else f"{identity}#{count}")
    return tuple(identities)


def list_field(list_path: Sequence[PathElement]) -> str:
    """The name of the field that holds the list at `list_path`; "" for a list of lists."""
    last = list_path[-1] if list_path else ""
    return last if isinstance(last, str) else ""


def identity_of(field: str, item: Any, names: Mapping[str, str] | None = None) -> str:
    """The identity of one item of the list in `field`, not yet counted."""
    if type(item) is dict or isinstance(item, Mapping):
        keyed = _by_key(field, item, names or {})
        return _by_content(item, names) if keyed is None else keyed
    if isinstance(item, list | tuple):
        return _by_content(item, names)
    value = names.get(item, item) if names and isinstance(item, str) else item
    text = value if isinstance(value, str) else text_of(value)
    return f"[={text}]" if len(text) <= _SHORT else f"[sha256={_short_hash(text)}]"


def is_keyed(field: str, items: Sequence[Any]) -> bool:
    """Whether every item of the list in `field` is identified by a key, not by its content."""
    return all(isinstance(item, Mapping) and _by_key(field, item, {}) is not None for item in items)


def _by_key(field: str, item: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    if field == "rules" and ("http" in item or "host" in item):
        return f"[host={_key_text(item.get('host') or '')}]"
    alternatives = _KEYS.get(field, _GENERIC)
    for keys in alternatives:
        values = [item.get(key, _DEFAULTS.get(key)) for key in keys]
        if all(_is_key_value(value) for value in values):
            pairs = list(zip(keys, values, strict=True))
            return _bracketed(_qualified(item) + pairs if keys == ("name",) else pairs, names)
    metadata = item.get("metadata")
    if alternatives and isinstance(metadata, Mapping) and _is_key_value(metadata.get("name")):
        return _bracketed([("metadata.name", metadata["name"])], names)
    return None


def _bracketed(pairs: Sequence[tuple[str, Any]], names: Mapping[str, str]) -> str:
    return "[" + ",".join(f"{key}={_key_text(names.get(v, v))}" for key, v in pairs) + "]"


def _qualified(item: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What makes a reference such as `{kind, namespace, name}` unique besides its name."""
    return [(key, item[key]) for key in _QUALIFIERS if _is_key_value(item.get(key))]


def _is_key_value(value: Any) -> bool:
    return isinstance(value, (str, int)) and value != ""


def _key_text(value: Any) -> str:
    text = value if isinstance(value, str) else text_of(value)
    return text if len(text) <= _SHORT else f"sha256:{_short_hash(text)}"


def _by_content(item: Any, names: Mapping[str, str] | None) -> str:
    text = text_of(_renamed(plain(item), names) if names else plain(item))
    return f"[{text}]" if len(text) <= _SHORT else f"[sha256={_short_hash(text)}]"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _renamed(member, names) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(member, names) for member in value]
    return value


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
