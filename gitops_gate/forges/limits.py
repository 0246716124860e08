"""How long to wait: for a run as a whole, and for a limit, by the answer that refused a request.

GitHub: docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api, and for refusals with
status 200 docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api.
GitLab: docs.gitlab.com/administration/settings/user_and_ip_rate_limits.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from gitops_gate.forges.values import ForgeKind

DEADLINE = 600.0
"""Seconds that all requests of one run have together, waits included, unless told otherwise."""
FIRST_WAIT = 60.0
"""Seconds that GitHub asks for after a secondary limit that names no time; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that refused a request: its name for people, and how many seconds it asks for."""

    name: str
    wait: float


def rate_limit(
    kind: ForgeKind,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    earlier: int = 0,
) -> Limit | None:
    """The limit that an answer speaks of, or None when it is another answer.

    `headers` are case-insensitive, `now` is this machine's clock in seconds since 1970, and
    `earlier` how many times in a row a limit has refused this request before.
    """
    message = _refusal(kind, status, headers, body)
    if message is None:
        return None
    prefix = "x-ratelimit" if kind == "github" else "ratelimit"
    used_up = headers.get(f"{prefix}-remaining") == "0"
    name = _name(kind, message, used_up=used_up)
    server_now = _date(headers.get("date")) or now
    wait = _seconds(headers.get("retry-after"), server_now)
    if wait is None and (used_up or kind == "gitlab"):
        reset = _seconds(headers.get(f"{prefix}-reset"), server_now)
        wait = reset - server_now + 1 if reset is not None else None
    if wait is None:
        wait = FIRST_WAIT * 2 ** min(earlier, 16)
    return Limit(name=name, wait=max(1.0, wait))


def _refusal(kind: ForgeKind, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """The lower-case words of an answer that a limit made, or None for another answer."""
    if status == 429:
        return _message(body)
    if kind != "github":
        return None
    if status == 403:
        message = _message(body)
        named = "rate limit" in message or "abuse detection" in message
        unnamed = not message and headers.get("x-ratelimit-remaining") == "0"
        return message if named or unnamed or "retry-after" in headers else None
    if status == 200 and (b"RATE_LIMIT" in body or b"secondary rate limit" in body):
        return _graphql_refusal(body)
    return None


def _graphql_refusal(body: bytes) -> str | None:
    """The words of a GraphQL answer whose errors are a limit; texts in its data do not count."""
    answer = _json(body)
    errors = answer.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and error.get("type") in ("RATE_LIMITED", "RATE_LIMIT"):
            return str(error.get("message") or "").lower() or "api rate limit exceeded"
    if "data" not in answer and "secondary rate limit" in str(answer.get("message")).lower():
        return str(answer["message"]).lower()
    return None


def _name(kind: ForgeKind, message: str, *, used_up: bool) -> str:
    if kind == "gitlab":
        return "GitLab's rate limit"
    secondary = "secondary" in message or "abuse" in message or not used_up
    return f"GitHub's {'secondary' if secondary else 'primary'} rate limit"


def _message(body: bytes) -> str:
    return str(_json(body).get("message") or "").lower()


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(value: str | None, server_now: float) -> float | None:
    """A header that holds a number, or a date as the seconds from now until then."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:15])
    date = _date(text)
    return None if date is None else date - server_now


def _date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
