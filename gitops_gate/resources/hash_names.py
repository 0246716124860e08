"""ConfigMap and Secret names with the hash suffix that Kustomize generates, checked by content.

Kustomize appends `-` and ten characters that are a hash of the content, so that a changed
ConfigMap gets a new name and the workloads that use it are rolled. A name counts as generated
only when the hash is the one of this very content: `web-24bfdgmthk`, made up by a person, stays
what it is, and so do the random suffixes of other tools.

The hash is that of `sigs.k8s.io/kustomize/api/hasher`: SHA-256 over a JSON encoding, the first
ten hexadecimal digits, with `0 1 3 a e` replaced by `g h k m t`. Kustomize looks the name up
under a path that never exists, so that the encoded name is always empty.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gitops_gate.resources.values import Resource

_SUFFIX = re.compile(r"(?P<stem>.+)-(?P<hash>[2456789bcdfghkmt]{10})", re.ASCII | re.DOTALL)
_ALPHABET = str.maketrans("013ae", "ghkmt")
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_KINDS = ("ConfigMap", "Secret")


def base_name(resource: Resource) -> str:
    """The name without the hash suffix, where there is one that fits the content."""
    reference = resource.reference
    if reference.kind not in _KINDS or "/" in reference.api_version:
        return reference.name
    match = _SUFFIX.fullmatch(reference.name)
    if match is None or content_hash(resource.value) != match["hash"]:
        return reference.name
    return match["stem"]


def plain_names(resources: Iterable[Resource]) -> Mapping[str, str]:
    """Every generated name among `resources`, with the name that it has without its hash."""
    names = {resource.reference.name: base_name(resource) for resource in resources}
    return {name: stem for name, stem in names.items() if name != stem}


def content_hash(value: Mapping[str, Any]) -> str | None:
    """The ten characters that Kustomize appends for this content; None if there are none."""
    kind = value.get("kind")
    encoded: dict[str, Any] = {"kind": kind, "name": "", "data": _member(value, "data")}
    optional = "binaryData"
    if kind == "Secret":
        encoded["type"] = _member(value, "type")
        optional = "stringData"
    if isinstance(value.get(optional), dict):
        encoded[optional] = value[optional]
    try:
        text = _as_go_encodes(encoded).encode("utf-8")
    except UnicodeEncodeError:
        return None
    return hashlib.sha256(text).hexdigest()[:10].translate(_ALPHABET)


def _member(value: Mapping[str, Any], name: str) -> Any:
    member = value.get(name)
    return "" if member is None else member


def _as_go_encodes(value: Any) -> str:
    """JSON as Go's `encoding/json` writes it: sorted keys, and `< > &` escaped."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.translate(_ESCAPED)
