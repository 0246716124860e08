"""The building blocks of the normal form: functions that normalise one field, and combine.

A `Form` takes the value of a field and returns its normal form; None means the field is absent.
Values of an unexpected type pass through `plain` alone: saying what is wrong with them is the
schema's task, and a difference between them stays visible. A list whose order means nothing
becomes a sorted tuple, so that equal values are equal texts and a reader can tell the two apart.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from gitops_gate.resources.merge_keys import identity_of
from gitops_gate.resources.plain import plain, text_of
from gitops_gate.resources.quantities import canonical_quantity

Form = Callable[[Any], Any]


def quantity(value: Any) -> Any:
    """One quantity, written as text or as a number."""
    if isinstance(value, str):
        return canonical_quantity(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return canonical_quantity(repr(value))
    return plain(value)


def map_of(form: Form) -> Form:
    """A mapping with arbitrary keys, each member in `form`."""

    def apply(value: Any) -> Any:
        if type(value) is not dict:
            return plain(value)
        formed = ((key, form(member)) for key, member in value.items() if member is not None)
        return {key: member for key, member in formed if member is not None}

    return apply


quantities = map_of(quantity)
"""A mapping of quantities, such as `requests`."""


def string_map(value: Any) -> Any:
    """Labels, annotations, data: an empty mapping is the same as none (contract, section 5)."""
    formed = plain(value)
    return None if formed == {} else formed


def fields(forms: Mapping[str, Form]) -> Form:
    """An object in which the named fields have their own forms."""
    lookup = dict(forms).get

    def apply(value: Any) -> Any:
        if type(value) is not dict:
            return plain(value)
        formed = {}
        for key, member in value.items():
            if member is None:
                continue
            form = lookup(key)
            result = plain(member) if form is None else form(member)
            if result is not None:
                formed[key] = result
        return formed

    return apply


def ordered(form: Form) -> Form:
    """A list whose order has a meaning."""

    def apply(value: Any) -> Any:
        return [form(item) for item in value] if type(value) is list else plain(value)

    return apply


def unordered(field: str, form: Form = plain) -> Form:
    """The list in `field`, whose order has no meaning: a tuple sorted by identity and content."""

    def apply(value: Any) -> Any:
        if type(value) is not list:
            return plain(value)
        formed = [form(item) for item in value]
        if len(formed) < 2:
            return tuple(formed)
        identities = [identity_of(field, item) for item in formed]
        if len(set(identities)) == len(formed):
            by_identity = dict(zip(identities, formed, strict=True))
            return tuple(by_identity[identity] for identity in sorted(identities))
        both = zip(identities, map(text_of, formed), formed, strict=True)
        return tuple(item for *_, item in sorted(both, key=itemgetter(0, 1)))

    return apply


def text_set(value: Any) -> Any:
    """A list of plain values whose order has no meaning, such as verbs or finalizers."""
    formed = plain(value)
    return tuple(sorted(formed, key=text_of)) if type(formed) is list else formed


def unordered_unless(field: str, form: Form, order_matters: Callable[[list[Any]], bool]) -> Form:
    """As `unordered`, but as written where `order_matters`."""
    sorted_form, listed_form = unordered(field, form), ordered(form)

    def apply(value: Any) -> Any:
        if type(value) is list and order_matters(value):
            return listed_form(value)
        return sorted_form(value)

    return apply


def secret(value: Any) -> Any:
    """A Secret whose `stringData` is written over `data`, as the API server does on every write."""
    if type(value) is not dict:
        return value
    written = value.get("stringData")
    data = value.get("data")
    if type(written) is not dict or type(data) not in (dict, type(None)):
        return value
    plain_texts = {key: text for key, text in written.items() if text is not None}
    if not all(isinstance(text, str) for text in plain_texts.values()):
        return value
    encoded = {key: _encoded(text) for key, text in plain_texts.items()}
    rest = {key: member for key, member in value.items() if key != "stringData"}
    return rest | {"data": (data or {}) | encoded}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def base64_text(value: Any) -> Any:
    """Base64 without the line breaks that decoding ignores."""
    if not isinstance(value, str):
        return plain(value)
    joined = value.replace("\r", "").replace("\n", "")
    try:
        base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError):
        return value
    return joined


def base64_map(value: Any) -> Any:
    """Secret `data` or ConfigMap `binaryData`; an empty one is the same as none."""
    formed = map_of(base64_text)(value)
    return None if formed == {} else formed
