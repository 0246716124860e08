"""Which addresses a report links to: those of rules' documentation, when they are plain enough."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/%?#=&+,;:-]*)?")
_LONGEST = 500


def safe_link(address: str | None) -> str | None:
    """The address, if it is HTTPS and has no character that a format would have to escape."""
    if address is None or len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        return None
    return address
