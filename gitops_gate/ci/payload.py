"""JSON documents that a CI leaves in a file, read as what they are: somebody's claim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitops_gate.errors import ConfigurationError
from gitops_gate.source.objects import is_object_id

LARGEST = 32 * 1024 * 1024
"""Bytes; GitHub's own limit for a webhook payload is 25 MB."""


def read_payload(path: str | None) -> Mapping[str, Any]:
    """The object in a payload file, empty where no file is named.

    Raises `ConfigurationError` when there is no such file or it holds something else.
    """
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"the event cannot be read: {error.strerror}", path=path) from None
    if len(raw) > LARGEST:
        raise ConfigurationError("the event is larger than any forge sends", path=path)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise ConfigurationError("the event is no JSON document", path=path) from None
    if not isinstance(value, dict):
        raise ConfigurationError("the event is no JSON object", path=path)
    return value


def at(value: Any, *keys: str) -> Any:
    """What lies at a path of keys, None where anything on the way is missing."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(value: Any, *keys: str) -> str | None:
    """A non-empty string at a path of keys."""
    found = at(value, *keys)
    return found if isinstance(found, str) and found else None


def number_at(value: Any, *keys: str) -> int | None:
    """A positive integer at a path of keys."""
    return positive(at(value, *keys))


def commit_at(value: Any, *keys: str) -> str | None:
    """A commit id at a path of keys; the id of zeros stands for none."""
    return commit(at(value, *keys))


def commit(value: Any) -> str | None:
    """A full commit id, None for anything else and for the id of zeros."""
    known = isinstance(value, str) and is_object_id(value) and value.strip("0")
    return value if known else None


def positive(value: Any) -> int | None:
    """A positive integer, also when it is written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def branch(name: Any) -> str | None:
    """The full ref name of a branch that is given by its short or full name."""
    if not isinstance(name, str) or not name:
        return None
    return name if name.startswith("refs/") else f"refs/heads/{name}"
