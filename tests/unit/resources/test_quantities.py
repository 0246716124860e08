from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.resources.quantities import canonical_quantity, format_quantity, parse_quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1e3", "1k"),
        ("1E3", "1000"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.", "1"),
        ("+1", "1"),
        ("0.5Gi", "512Mi"),
        ("0", "-0"),
        ("0", "000Mi"),
        ("1.1n", "2n"),
        ("1e-3", "1m"),
        ("128974848", "123Mi"),
    ],
)
def test_the_same_amount_written_differently_is_equal(one, other):
    assert canonical_quantity(one) == canonical_quantity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1m"), ("1M", "1Mi"), ("1G", "1Gi"), ("100m", "0.11"), ("1", "-1"), ("1E", "1e")],
)
def test_different_amounts_stay_different(one, other):
    assert canonical_quantity(one) != canonical_quantity(other)


@pytest.mark.parametrize(
    "text",
    [
        *("", "m", ".", "1 Gi", "1gi", "Gi", "1e", "1e99999", "0x10", "1_000", "١", "1" * 65),
        *("1.2.3", "9223372036854775808", "16Ei", "1Gi\n"),
    ],
)
def test_what_the_api_server_refuses_or_caps_is_left_as_it_is(text):
    assert parse_quantity(text) is None
    assert canonical_quantity(text) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("0.1", "100m"), ("2000m", "2"), ("1536Mi", "1536Mi"), ("128M", "128M"), ("2048Mi", "2Gi")],
)
def test_the_canonical_text_is_one_that_people_write(text, canonical):
    assert canonical_quantity(text) == canonical


@given(st.integers(-(10**6), 10**6), st.sampled_from(SUFFIXES))
def test_the_canonical_text_stands_for_the_same_amount(number, suffix):
    text = f"{number}{suffix}"
    amount = parse_quantity(text)
    assert amount is not None
    assert parse_quantity(canonical_quantity(text)) == amount


@given(st.integers(0, 2**63 - 1), st.integers(0, 9))
def test_equal_amounts_have_one_text(number, places):
    amount = Fraction(number, 10**places)
    assert format_quantity(amount) == format_quantity(Fraction(str(amount)))
    assert "." not in format_quantity(amount)


@given(st.text(max_size=20))
def test_any_text_at_all_is_survived(text):
    canonical_quantity(text)
