"""Cuts lists into pages, as docs.gitlab.com/api/rest/#pagination has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.forges.gitlab.access import RefusedError

DEFAULT, MOST = 20, 100
Headers = tuple[tuple[str, str], ...]


def cut(
    items: Sequence[Any], query: Mapping[str, Any], address: str, *, keyset: bool, totals: bool
) -> tuple[Sequence[Any], Headers]:
    """The page that a query asks for, and its headers. `address` is the list's, without a query.

    Raises `RefusedError` for a page that is no number, and for keyset pages where there are none.
    """
    size = query.get("per_page", DEFAULT)
    if not isinstance(size, int) or size < 1:
        raise RefusedError(400, "per_page is invalid", key="error")
    size = min(size, MOST)
    if keyset:
        return _after_cursor(items, query, address, size)
    if query.get("pagination") == "keyset":
        reason = "Keyset pagination is not yet available for this type of request"
        raise RefusedError(405, reason, key="error")
    page = query.get("page", 1)
    if not isinstance(page, int) or page < 1:
        raise RefusedError(400, "page is invalid", key="error")
    pages = max(1, -(-len(items) // size))
    following = page + 1 if page < pages else None
    before = page - 1 if 1 < page <= pages else None
    links = {"prev": before, "next": following, "first": 1, "last": pages if totals else None}
    headers = [
        ("Link", ", ".join(
            _link(address, {**query, "page": number, "per_page": size}, name)
            for name, number in links.items() if number
        )),
        ("X-Next-Page", str(following or "")),
        ("X-Page", str(page)),
        ("X-Per-Page", str(size)),
        ("X-Prev-Page", str(before or "")),
    ]  # fmt: skip
    if totals:
        headers += [("X-Total", str(len(items))), ("X-Total-Pages", str(pages))]
    return items[(page - 1) * size : page * size], tuple(headers)


def _after_cursor(
    items: Sequence[Any], query: Mapping[str, Any], address: str, size: int
) -> tuple[Sequence[Any], Headers]:
    start = 0
    if cursor := query.get("cursor"):
        try:
            start = int(json.loads(base64.urlsafe_b64decode(cursor))["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(400, "cursor is invalid", key="error") from error
    page = items[start : start + size]
    if start + size >= len(items):
        return page, ()
    mark = json.dumps({"id": str(start + size), "_kd": "n"}).encode()
    following = {**query, "per_page": size, "cursor": base64.urlsafe_b64encode(mark).decode()}
    following.pop("page", None)
    return page, (("Link", _link(address, following, "next")),)


def _link(address: str, query: Mapping[str, Any], name: str) -> str:
    plain = {k: str(v).lower() if isinstance(v, bool) else v for k, v in query.items()}
    return f'<{address}?{urlencode(plain, doseq=True)}>; rel="{name}"'
