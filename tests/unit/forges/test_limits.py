"""What an answer says about a limit, whatever is in it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from gitops_gate.forges.limits import FIRST_WAIT, rate_limit

NAMES = [
    "Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Remaining",
    "RateLimit-Reset", "Date",
]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.datetimes().map(lambda moment: f"{moment:%a, %d %b %Y %H:%M:%S} GMT"),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["message", "errors", "type", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    kind=st.sampled_from(["github", "gitlab"]),
    status=st.sampled_from([200, 400, 403, 429, 500]),
    headers=st.dictionaries(st.sampled_from(NAMES), VALUES),
    body=st.one_of(st.binary(max_size=40), JSON.map(lambda value: json.dumps(value).encode())),
    earlier=st.integers(0, 1000),
)
def test_no_answer_breaks_the_reading_of_a_limit(kind, status, headers, body, earlier):
    found = rate_limit(
        kind, status, CaseInsensitiveDict(headers), body, now=1.79e9, earlier=earlier
    )
    if status == 429:
        assert found is not None
    if status in (400, 500):
        assert found is None
    if found is not None:
        assert found.name
        assert found.wait >= 1
        assert math.isfinite(found.wait)


@pytest.mark.parametrize("value", ["-5", "1e9", "5.5", "", " ", "tomorrow", "Tue, 99 Foo 2026"])
def test_a_time_that_is_none_is_as_if_it_were_not_there(value):
    found = rate_limit("github", 429, CaseInsensitiveDict({"Retry-After": value}), b"", now=0.0)
    assert found is not None
    assert found.wait == FIRST_WAIT


def test_a_wait_of_nothing_is_a_second_so_that_nobody_hammers():
    found = rate_limit("gitlab", 429, CaseInsensitiveDict({"Retry-After": "0"}), b"", now=0.0)
    assert found is not None
    assert found.wait == 1


def test_a_wait_beyond_every_number_is_still_a_number():
    headers = CaseInsensitiveDict({"Retry-After": "9" * 400})
    found = rate_limit("gitlab", 429, headers, b"", now=0.0)
    assert found is not None
    assert found.wait > 10**9
