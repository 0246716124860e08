"""Digests over what resources mean: two revisions that mean the same have the same digest.

Made from the normal form (`gitops_gate.resources.canonical`), so that the order of keys, files
and documents, or another way to write a quantity, does not count. Fields that differ between two
renders of one input are left out by the caller's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from typing import Any

from gitops_gate.resources.canonical import canonical_text
from gitops_gate.resources.paths import replace_all
from gitops_gate.resources.values import Resource

Path = tuple[str | int, ...]
ResourceTuple = tuple[str, str, str, str]
"""apiVersion, kind, namespace and name."""
DigestMemo = MutableMapping[tuple[bytes, Path], bytes]
"""Digests by the document's bytes and the path to the resource in it."""
VOLATILE = "(volatile)"
"""Stands for the value of a field that depends on chance, time or the cluster."""


def without_volatile(value: Mapping[str, Any], paths: Iterable[Path]) -> Mapping[str, Any]:
    """`value` with `VOLATILE` at each of `paths` that exists in it.

    The path `()` is the whole resource: what is left is which one it is.
    """
    known = set(paths)
    if () in known:
        return {key: _kept(key, item) for key, item in value.items()}
    changed: Mapping[str, Any] = replace_all(value, dict.fromkeys(known, VOLATILE))
    return changed


def _kept(key: str, item: Any) -> Any:
    if key in ("apiVersion", "kind"):
        return item
    if key != "metadata" or not isinstance(item, Mapping):
        return VOLATILE
    return {name: item[name] for name in ("name", "namespace") if name in item}


def resource_digest(resource: Resource, volatile: Collection[Path] = ()) -> bytes:
    """SHA-256 over the normal form of one resource; 32 bytes."""
    text = canonical_text(without_volatile(resource.value, volatile))
    return hashlib.sha256(text.encode("ascii")).digest()


def application_digest(
    resources: Iterable[Resource],
    volatile: Iterable[tuple[ResourceTuple, Path]] = (),
    memo: DigestMemo | None = None,
) -> str:
    """`sha256:` and the hexadecimal digest over all resources, in whatever order they come.

    `volatile` holds the resource and the path of every volatile field. `memo`, kept by the
    caller, remembers the digests of documents.
    """
    by_resource: dict[ResourceTuple, set[Path]] = {}
    for resource_tuple, path in volatile:
        by_resource.setdefault(resource_tuple, set()).add(path)
    digests = sorted(
        _remembered(resource, by_resource.get(_tuple_of(resource), ()), memo)
        for resource in resources
    )
    return "sha256:" + hashlib.sha256(b"".join(digests)).hexdigest()


def _remembered(resource: Resource, volatile: Collection[Path], memo: DigestMemo | None) -> bytes:
    if memo is None or volatile:
        return resource_digest(resource, volatile)
    place = (resource.text, resource.origin.prefix)
    digest = memo.get(place)
    if digest is None:
        digest = memo[place] = resource_digest(resource)
    return digest


def _tuple_of(resource: Resource) -> ResourceTuple:
    reference = resource.reference
    return (reference.api_version, reference.kind, reference.namespace, reference.name)
