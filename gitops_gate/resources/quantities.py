"""Kubernetes quantities: `1000m` and `1`, `1024Mi` and `1Gi` are the same amount.

Read as `k8s.io/apimachinery/pkg/api/resource.ParseQuantity` reads them, in exact arithmetic.
Only `gitops_gate.resources.shapes` knows which fields are quantities; nothing else is touched.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_PATTERN = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?"
    r"(?P<suffix>[numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]{1,3})",
    re.ASCII,
)
_LONGEST = 64
_NANO = 10**9
_LARGEST = 2**63 - 1
"""The API server caps larger ones; such a text is left as it is written."""


def parse_quantity(text: str) -> Fraction | None:
    """The amount that `text` stands for, or None for what the API server refuses or would cap.

    Below a billionth it is rounded away from zero, as the API server does.
    """
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    digits = match["whole"] + (match["fraction"] or "")
    amount = Fraction(int(digits), 10 ** len(match["fraction"] or "")) * _factor(match["suffix"])
    if amount > _LARGEST:
        return None
    amount = Fraction(-((-amount * _NANO) // 1), _NANO)
    return -amount if match["sign"] == "-" else amount


def _factor(suffix: str) -> Fraction:
    if suffix in _DECIMAL:
        return Fraction(10) ** _DECIMAL[suffix]
    if suffix in _BINARY:
        return Fraction(2 ** _BINARY[suffix])
    return Fraction(10) ** int(suffix[1:])


def format_quantity(amount: Fraction) -> str:
    """The shortest text without a decimal point that stands for `amount`; decimal if two tie."""
    candidates = [
        f"{scaled.numerator}{suffix}"
        for suffix, exponent in _DECIMAL.items()
        if (scaled := amount / Fraction(10) ** exponent).denominator == 1
    ]
    candidates += [
        f"{scaled.numerator}{suffix}"
        for suffix, exponent in _BINARY.items()
        if amount and (scaled := amount / 2**exponent).denominator == 1
    ]
    return "0" if not amount else min(candidates, key=len)


@lru_cache(maxsize=4096)
def canonical_quantity(text: str) -> str:
    """`1000m` as `1`, `1024Mi` as `1Gi`; what is no quantity is returned as it is."""
    amount = parse_quantity(text)
    return text if amount is None else format_quantity(amount)
