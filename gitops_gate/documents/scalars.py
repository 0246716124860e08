"""What a scalar means to Kubernetes: the resolution of `sigs.k8s.io/yaml`, then its way to JSON.

`sigs.k8s.io/yaml` is a fork of go-yaml v2, that is YAML 1.1 with exceptions: octal numbers of both
spellings, `_` inside numbers, `y` and `n` as booleans, but neither base 60 nor timestamps. Every
value then goes through JSON, which leaves its marks: whole floats become integers, infinities are
errors, keys become strings.

Sources: <https://pkg.go.dev/sigs.k8s.io/yaml>, <https://pkg.go.dev/strconv#ParseInt>,
<https://pkg.go.dev/encoding/json#Marshal>.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import struct
from decimal import Decimal
from math import copysign, inf, isfinite, isinf, isnan, nan

TAG_PREFIX = "tag:yaml.org,2002:"
MERGE_TAG = TAG_PREFIX + "merge"
NULL_TAG = TAG_PREFIX + "null"

_STR = TAG_PREFIX + "str"
_BOOL = TAG_PREFIX + "bool"
_INT = TAG_PREFIX + "int"
_FLOAT = TAG_PREFIX + "float"
_TIMESTAMP = TAG_PREFIX + "timestamp"
_BINARY = TAG_PREFIX + "binary"
_RESOLVED = frozenset({_STR, _BOOL, _INT, _FLOAT, NULL_TAG, _TIMESTAMP})

Scalar = str | int | float | bool | None
"""A scalar as the decoder sees it: a float may still be infinite or not a number."""

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True
    ),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -inf),
}
"""The plain scalars that are not read as text although they hold no digit."""

_NUMBER_START = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"[+-]?[1-9][0-9]*")
_PREFIXED = re.compile(r"([+-]?)0(?:[xX]([0-9a-fA-F]+)|[oO]([0-7]+)|[bB]([01]+)|([0-7]*))")
_FLOAT_TEXT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP_TEXT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt](?=.*(?:Z|[+-][0-9]{2}:[0-9]{2})$)| (?!.*(?:Z|[+-][0-9]{2}:[0-9]{2})$))"
    r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(?:Z|[+-]([0-9]{2}):([0-9]{2}))?)?"
)
_FRACTION = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_LONGEST_INTEGER = 66
"""Digits, prefix and sign of the longest 64-bit number, leading zeros apart."""


class UnreadableScalarError(Exception):
    """A scalar that Kubernetes refuses; `str(error)` says why."""


def resolve_plain(text: str) -> Scalar:
    """The value of an untagged plain scalar, or of an empty place."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in _NUMBER_START:
        number = _number(text)
        if number is not None:
            return number
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag, whatever its style.

    Unknown tags leave the text as it is. Raises `UnreadableScalarError` when a known tag and the
    text do not agree.
    """
    if tag == _BINARY:
        return _decode_binary(text)
    if tag not in _RESOLVED or tag == _STR:
        return text
    if tag == _TIMESTAMP:
        if _is_timestamp(text):
            return text
        raise UnreadableScalarError("is tagged as a timestamp, which it is not")
    value = resolve_plain(text)
    found = {bool: _BOOL, int: _INT, float: _FLOAT, str: _STR}.get(type(value), NULL_TAG)
    if found == tag:
        return value
    if tag == _FLOAT and isinstance(value, int) and found == _INT and value < 1 << 63:
        return float(value)
    raise UnreadableScalarError(f"is tagged as {tag.removeprefix(TAG_PREFIX)}, which it is not")


def json_value(value: Scalar) -> Scalar:
    """The value after its way through JSON.

    A float that JSON writes without a fraction is an integer to whoever reads it. Raises
    `UnreadableScalarError` for infinities and for what is not a number.
    """
    if type(value) is not float:
        return value
    if not isfinite(value):
        raise UnreadableScalarError("is not a finite number, and JSON has no other")
    if value.is_integer() and abs(value) < 1e21:
        return int(Decimal(repr(value)))
    return value


def json_key(value: Scalar) -> str:
    """The JSON key that a scalar becomes, as `sigs.k8s.io/yaml` spells it.

    Raises `UnreadableScalarError` for null and for numbers beyond 64 bits with a sign.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value >= 1 << 63:
            raise UnreadableScalarError("is too large a number for a key")
        return str(value)
    if value is None:
        raise UnreadableScalarError("is null, which cannot be a key")
    return _float_key(value)


def _number(text: str) -> int | float | None:
    """The number that `text` spells, or None when it is text after all."""
    if text[0] == ".":
        return _float(text.replace("_", "")) if _FRACTION.fullmatch(text) else None
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return integer
    return _float(plain) if _FLOAT_TEXT.fullmatch(plain) else None


def _integer(plain: str) -> int | None:
    """A 64-bit integer in any of Go's spellings; signed, or unsigned when it has no sign."""
    if _DECIMAL.fullmatch(plain):
        if len(plain) > _LONGEST_INTEGER:
            return None
        value = int(plain)
    elif match := _PREFIXED.fullmatch(plain):
        sign, hexadecimal, octal, binary, old_octal = match.groups()
        digits, base = next(
            (text, base)
            for text, base in ((hexadecimal, 16), (octal, 8), (binary, 2), (old_octal, 8))
            if text is not None
        )
        digits = digits.lstrip("0")
        if len(digits) > _LONGEST_INTEGER:
            return None
        value = int(f"{sign}{digits or 0}", base)
    else:
        return None
    if -(1 << 63) <= value < 1 << 63:
        return value
    return value if 0 <= value < 1 << 64 and plain[0] != "+" else None


def _float(text: str) -> float | None:
    value = float(text)
    return value if isfinite(value) else None


def _decode_binary(text: str) -> str:
    """The text behind `!!binary`; bytes that are no UTF-8 become U+FFFD one by one, as in Go."""
    encoded = text.replace("\n", "").replace("\r", "")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = None
    if raw is None or len(encoded) % 4:
        raise UnreadableScalarError("is tagged as binary, but is not base64")
    return raw.decode("utf-8", _REPLACE_EACH)


def _replace_each_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd", error.start + 1


_REPLACE_EACH = "gitops-gate-replace-each-byte"
codecs.register_error(_REPLACE_EACH, _replace_each_byte)


def _is_timestamp(text: str) -> bool:
    """Whether `text` has one of the four layouts of time that go-yaml tries, and exists."""
    match = _TIMESTAMP_TEXT.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second, zone_hour, zone_minute = (
        int(part or 0) for part in match.groups()
    )
    if not 1 <= month <= 12:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    clock = hour < 24 and minute < 60 and second < 60
    return 1 <= day <= days and clock and zone_hour <= 24 and zone_minute <= 60


def _float_key(value: float) -> str:
    """Go's `%g` of the nearest 32-bit float: the fewest digits that lead back to it."""
    if isnan(value):
        return ".nan"
    single = _single(value)
    if isinf(single):
        return ".inf" if single > 0 else "-.inf"
    sign = "-" if copysign(1, single) < 0 else ""
    if single == 0:
        return f"{sign}0"
    shortest = _shortest(abs(single))
    exponent = shortest.adjusted()
    if -4 <= exponent < 6:
        return f"{sign}{shortest:f}"
    mantissa = shortest.scaleb(-exponent)
    return f"{sign}{mantissa:f}e{exponent:+03d}"


def _shortest(single: float) -> Decimal:
    """The shortest decimal that is nearer to this positive 32-bit float than to any other.

    Rounding to nearest misses it at powers of two, below which floats lie closer together.
    """
    for digits in range(9):
        rounded = Decimal(f"{single:.{digits}e}")
        step = Decimal((0, (1,), int(rounded.as_tuple().exponent)))
        for candidate in (rounded, rounded + step, rounded - step):
            if _single(float(candidate)) == single:
                return candidate.normalize()
    return Decimal(single)


def _single(value: float) -> float:
    """The nearest 32-bit float."""
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return copysign(inf, value)
    return float(single)
