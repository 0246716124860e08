"""What of an address decides whether a token may be sent to it: scheme, host and port."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from gitops_gate.errors import ConfigurationError

_PORTS = {"https": 443, "http": 80}
# A space, a backslash or a control character is read differently by different parsers.
_AMBIGUOUS = re.compile(r"[\s\\\x00-\x1f\x7f]")


def origin_of(url: str) -> str:
    """`scheme://host:port` of an http(s) address, lower case, the port always there.

    Raises `ConfigurationError` for an address that has none, that names a user, or that two
    parsers could read as two different ones.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{_shown(url)} is not an address") from None
    if parts.scheme not in _PORTS or not host or _AMBIGUOUS.search(url):
        raise ConfigurationError(f"{_shown(url)} is not an http or https address")
    if "@" in parts.netloc:
        raise ConfigurationError("an address of a forge must not name a user or a password")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{port or _PORTS[parts.scheme]}"


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine: `localhost`, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_protected(url: str) -> None:
    """Raise `ConfigurationError` for plain http to another machine: it would show the token."""
    if urlsplit(url).scheme != "https" and not is_loopback(url):
        raise ConfigurationError(
            f"{_shown(url)} is plain http, which would show the token to the network",
            remedy="use https; plain http is for this machine alone",
        )


def _shown(url: str) -> str:
    """An address as a message may show it: without what could be a password in it."""
    return repr(re.sub(r"//[^/@]*@", "//", url)[:200])
