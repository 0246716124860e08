"""String formats and integer widths, written as patterns and bounds.

JSON Schema leaves `format` to the implementation, and no two agree. What the API server checks is
therefore rewritten here as `pattern`, `minimum` and `maximum`, which every engine reads alike.
Where a pattern accepts more than the server (February 30th, an IPv6 address with too many groups)
the server has the last word; none refuses what a person would write on purpose.

Sources: `strfmt` in kube-openapi and `supportedVersionedFormats` in apiextensions-apiserver for
custom resources; `resource.Quantity`, `metav1.Time` and `[]byte` in apimachinery for built-in
kinds. Formats that are not listed (email, isbn, creditcard, ssn, …) are not evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A pattern in the syntax that Go and Rust share, and what it asks for in plain words."""

    pattern: str
    words: str


_OCTET = "0*(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_IPV6 = rf"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:{_IPV4})?"
_DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.,][0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
_HEX4 = "[0-9A-Fa-f]{4}"
_UNITS = (
    "ns|nano[a-zµ]*|us|µs|micro[a-zµ]*|ms|milli[a-zµ]*|s|sec[a-zµ]*|m|min[a-zµ]*"
    "|h|hr|hour[a-zµ]*|d|day[a-zµ]*|w|wk|week[a-zµ]*"
)
_BASE64_CHARACTER = r"[A-Za-z0-9+/][\r\n]*"

QUANTITY = Format(
    pattern=(
        r"^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
        r"(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?\s*$"
    ),
    words="a quantity such as 500m, 1.5 or 2Gi",
)
BASE64 = Format(
    pattern=(
        rf"^[\r\n]*(?:(?:{_BASE64_CHARACTER}){{4}})*"
        rf"(?:(?:{_BASE64_CHARACTER}){{2}}=[\r\n]*=[\r\n]*|(?:{_BASE64_CHARACTER}){{3}}=[\r\n]*)?$"
    ),
    words="base64",
)
DATE_TIME = Format(
    pattern=f"^{_DATE}[Tt]{_TIME}$", words="a date and time such as 2026-01-31T12:00:00Z"
)

BY_NAME = {
    "byte": BASE64,
    "cidr": Format(
        pattern=f"^(?:{_IPV4}|{_IPV6})/[0-9]{{1,3}}$",
        words="an address range such as 10.0.0.0/24",
    ),
    "date": Format(pattern=f"^{_DATE}$", words="a date such as 2026-01-31"),
    "datetime": DATE_TIME,
    "duration": Format(
        pattern=rf"^[+-]?0$|(?i:[0-9]\s*(?:{_UNITS})(?:[^a-zµ]|$))",
        words="a duration such as 30s or 1h30m",
    ),
    "hostname": Format(pattern=r"^[\p{L}\p{S}0-9.-]+$", words="a host name"),
    "ipv4": Format(pattern=f"^(?:[0-9A-Fa-f:]*:)?{_IPV4}$", words="an IPv4 address"),
    "ipv6": Format(pattern=f"^{_IPV6}$", words="an IPv6 address"),
    "mac": Format(
        pattern=(
            "^(?:[0-9A-Fa-f]{2}[:-]){5}(?:(?:[0-9A-Fa-f]{2}[:-]){2})?(?:[0-9A-Fa-f]{2})"
            rf"|^(?:{_HEX4}\.){{2,}}{_HEX4}$"
        ),
        words="a MAC address",
    ),
    "uri": Format(
        pattern=r"^(?:\*$|/|[A-Za-z][A-Za-z0-9+.-]*:)[^\x00-\x1f\x7f]*$",
        words="a URL, or a path that starts with /",
    ),
    "uuid": Format(
        pattern=f"^[0-9A-Fa-f]{{8}}-?(?:{_HEX4}-?){{3}}[0-9A-Fa-f]{{12}}$", words="a UUID"
    ),
}
"""Formats of string fields, by their name without hyphens."""

WORDS = {known.pattern: known.words for known in (QUANTITY, *BY_NAME.values())}
"""What each pattern of this module asks for, for the messages."""

INTEGER_BOUNDS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
"""Smallest and largest value of the integer formats; without a format it is `int64`."""


def by_name(name: str) -> Format | None:
    """The format that the server calls `name` (`date-time` and `datetime` are one), if checked."""
    return BY_NAME.get(name.replace("-", ""))
