"""An entry is appended to the file of ratified steps, and what is there stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.config import Ratification, load_ratifications
from gitops_gate.errors import ConfigurationError
from gitops_gate.recovery.ratify import with_entry

HELD, DELIVERED, OTHER = "a" * 40, "b" * 40, "c" * 40


def entry(reason: str = "why", *, commit: str = HELD, owner: str = "sre") -> Ratification:
    return Ratification(commit=commit, after=DELIVERED, reason=reason, owner=owner)


FIRST = f"commit: {OTHER}\n  after: {DELIVERED}\n  reason: why\n  owner: sre\n"
WRITTEN = f"- commit: {HELD}\n  after: {DELIVERED}\n  reason: why\n  owner: sre\n"


@pytest.mark.parametrize(
    ("before", "appended"),
    [
        ("", WRITTEN),
        ("# the list\n", WRITTEN),
        ("---\n# the list\n", WRITTEN),
        (f"- {FIRST}# the end\n", WRITTEN),
        (f"- {FIRST}".removesuffix("\n"), f"\n{WRITTEN}"),
        (f"-   {FIRST}".replace("\n  ", "\n    "), WRITTEN),
        (f"  - {FIRST}".replace("\n  ", "\n    "), f"  {WRITTEN}".replace("\n  ", "\n    ")),
        (f"- {FIRST}\n\n", WRITTEN),
    ],
)
def test_it_is_appended(before: str, appended: str) -> None:
    assert with_entry(before.encode(), entry()).decode() == before + appended


def test_line_ends_are_those_of_the_file() -> None:
    before = f"- {FIRST}".replace("\n", "\r\n").encode()
    done = with_entry(before, entry())
    assert done == before + WRITTEN.replace("\n", "\r\n").encode()


def test_the_same_step_may_be_ratified_after_another_commit() -> None:
    other = Ratification(commit=HELD, after=OTHER, reason="why", owner="sre")
    done = load_ratifications(with_entry(with_entry(b"", entry()), other))
    assert [one.after for one in done] == [DELIVERED, OTHER]


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("[]\n", "nothing can be appended to this file"),
        (f"[{{commit: {OTHER}, after: {DELIVERED}, reason: a, owner: b}}]\n", "nothing can be"),
        (WRITTEN, f"{HELD} is ratified already, after {DELIVERED}"),
        ("- nonsense\n", "expected a mapping"),
    ],
)
def test_a_file_that_cannot_take_it_is_refused(before: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        with_entry(before.encode(), entry())


@given(reason=st.text(min_size=1), owner=st.text(min_size=1), before=st.booleans())
def test_any_reason_is_read_back_or_refused(reason: str, owner: str, before: bool) -> None:
    data = f"- {FIRST}".encode() if before else b""
    try:
        done = with_entry(data, entry(reason, owner=owner))
    except ConfigurationError:
        return
    assert done.startswith(data)
    last = load_ratifications(done)[-1]
    assert (last.commit, last.reason, last.owner) == (HELD, reason, owner)
