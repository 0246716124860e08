"""Which addresses a report links to: rules' documentation, source lines and the run's page.

Whatever has a character that a format would have to escape is not linked.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from gitops_gate.findings import Location

_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/%?#=&+,;:-]*)?")
_PAGE = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/%+,;:@-]*)?")
_DISCUSSION = re.compile(
    r"/(?:issues|pulls?|discussions|commits?|merge_requests|epics|work_items|milestones|snippets)/"
)
"""Pages that a forge tells about being linked to, or shows in a box of their own."""
_LONGEST = 500


def safe_link(address: str | None) -> str | None:
    """The address, if it is HTTPS and has no character that a format would have to escape."""
    if address is None or len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        return None
    return address


def quiet_link(address: str | None) -> str | None:
    """As `safe_link`, for a comment: nothing that a forge would notify anybody of."""
    link = safe_link(address)
    return None if link is None or _DISCUSSION.search(link) else link


def page_link(address: str | None) -> str | None:
    """An address of the forge itself, which may be one without TLS; None if it is no plain one."""
    if address is None or len(address) > _LONGEST or not _PAGE.fullmatch(address):
        return None
    return address


def source_link(blob_url: str | None, location: Location) -> str | None:
    """The page of a source line on the forge: `<blob_url>/<path>#L<line>`, percent-encoded.

    None without a plain `blob_url`, and for a path that does not stay below it.
    """
    page = page_link(blob_url)
    if page is None or any(part in ("", ".", "..") for part in location.path.split("/")):
        return None
    try:
        path = quote(location.path.encode("utf-8", "surrogateescape"), safe="/")
    except UnicodeEncodeError:  # a lone surrogate stands for no bytes at all
        return None
    line = f"#L{location.line}" if location.line > 0 else ""
    link = f"{page}/{path}{line}"
    return link if len(link) <= 4 * _LONGEST else None
