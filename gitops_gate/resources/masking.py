"""Keeps secret values out of free text: a tool's error message, a policy's, a schema's.

`gitops_gate.resources.redact` hides fields; here the values themselves are looked for, in the
forms in which a message may quote them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gitops_gate.resources.redact import REDACTED, hidden_paths, is_secret
from gitops_gate.resources.values import Resource

SHORTEST = 4
"""Shorter values are not looked for: `1`, `on` or `tls` would be found in every message."""
_WHOLE_WORD = 8
"""Values shorter than this are masked only where they stand alone."""
_COMMON = frozenset({"true", "false", "null", "none", "default", "http", "https", "localhost"})


def secret_values(resource: Resource, patterns: Sequence[str] = ()) -> frozenset[str]:
    """The texts that must not appear in a message about `resource`.

    For each hidden value: as written, decoded from and encoded to base64, as JSON quotes it, and
    line by line.
    """
    return hidden_texts(resource.value, patterns)


def hidden_texts(
    value: Mapping[str, Any], patterns: Sequence[str] = (), others: Iterable[str] = ()
) -> frozenset[str]:
    """As `secret_values`, of any document; `others` are secret for other reasons."""
    encoded = is_secret(value)
    found: set[str] = set(others)
    for path in hidden_paths(value, patterns):
        member: Any = value
        for element in path:
            member = member[element]
        for text in _texts(member):
            found.add(text)
            if encoded and path[0] == "data":
                found.update(_decoded(text))
            else:
                found.add(_encoded(text))
    forms = {form for text in found for form in _forms(text)}
    return frozenset(form for form in forms if len(form) >= SHORTEST and form not in _COMMON)


def _texts(value: Any) -> Iterator[str]:
    """Every scalar in `value`, as text."""
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _forms(text: str) -> Iterator[str]:
    yield text
    yield text.strip()
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    for line in text.splitlines():
        if len(line.strip()) >= _WHOLE_WORD:
            yield line.strip()


def mask(text: str, secrets: Iterable[str]) -> str:
    """`text` with every one of `secrets` in it replaced by `(redacted)`.

    Those shorter than `SHORTEST` are passed over. Quick for many texts and the same frozen set.
    """
    by_start = _by_start(frozenset(secrets))
    starts = {text[index : index + SHORTEST] for index in range(len(text) - SHORTEST + 1)}
    candidates = (secret for start in starts for secret in by_start.get(start, ()))
    present = sorted((s for s in candidates if s in text), key=lambda s: (-len(s), s))
    if not present:
        return text
    pattern = "|".join(_pattern(secret) for secret in present)
    return re.sub(pattern, REDACTED, text)


@lru_cache(maxsize=4)
def _by_start(secrets: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """The secrets by their first characters, so that a message is not searched for each of them."""
    found: dict[str, list[str]] = {}
    for secret in secrets:
        if len(secret) >= SHORTEST:
            found.setdefault(secret[:SHORTEST], []).append(secret)
    return {start: tuple(members) for start, members in found.items()}


def _pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _WHOLE_WORD else rf"(?<!\w){escaped}(?!\w)"
