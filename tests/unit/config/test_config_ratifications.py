"""A file of ratified steps becomes values, or an error that helps to mend it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gitops_gate.commands import group
from gitops_gate.config import (
    RATIFICATIONS_PATH,
    Ratification,
    load_ratifications,
    locate_ratification,
    published_schema,
)
from gitops_gate.errors import ConfigurationError

HELD = "a" * 40
DELIVERED = "b" * 40
MINIMAL = f"- {{commit: {HELD}, after: {DELIVERED}, reason: why, owner: sre}}\n"


def load(text: str) -> tuple[Ratification, ...]:
    return load_ratifications(text.encode())


def message(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "# none\n", "[]\n"])
def test_an_empty_file_has_none(text: str) -> None:
    assert load(text) == ()


def test_every_key_arrives() -> None:
    text = f"""\
# what was looked at afterwards
- commit: {HELD}
  after: {DELIVERED}
  reason: The administrator's push of the night mended the outage.
  owner: platform team
{MINIMAL.replace(HELD, "c" * 64)}"""
    first, second = load(text)
    assert first == Ratification(
        commit=HELD,
        after=DELIVERED,
        reason="The administrator's push of the night mended the outage.",
        owner="platform team",
    )
    assert (second.commit, second.index) == ("c" * 64, 1)
    place = locate_ratification(second, text.encode(), RATIFICATIONS_PATH)
    assert (place.line, place.exact) == (6, True)


def test_the_same_commit_may_be_ratified_after_two_others() -> None:
    assert len(load(MINIMAL + MINIMAL.replace(DELIVERED, "c" * 40))) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("commit: x\n", ":1:1: the file: expected a list, not a mapping"),
        (MINIMAL.replace(HELD, "a" * 12), ":1:12: `[0].commit`: a commit is named by its full id"),
        (MINIMAL.replace(HELD, "A" * 40), "`[0].commit`: a commit is named by its full id"),
        (MINIMAL.replace(HELD, "1" * 40), "put it in quotes if it is meant as text"),
        (MINIMAL.replace("why", "' '"), "`[0].reason`: must not be empty"),
        (MINIMAL.replace(", owner: sre", ""), "`[0]`: `owner` is missing"),
        (MINIMAL.replace("owner", "ower"), "unknown key `[0].ower`; did you mean `owner`?"),
        (MINIMAL * 2, ":2:12: `[1].commit`: entry [0] is for the same step"),
        (MINIMAL.replace(HELD, DELIVERED), "`[0].after`: a commit does not come after itself"),
        (f"{MINIMAL}---\n{MINIMAL}", ":3: a second document starts here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, expected: str) -> None:
    said = message(text)
    assert said.startswith(RATIFICATIONS_PATH)
    assert expected in said


def test_everything_wrong_is_told_at_once() -> None:
    said = message(MINIMAL.replace("why", "''").replace("sre", "''"))
    assert "`[0].reason`" in said
    assert "`[0].owner`" in said


def test_the_schema_is_printed_and_describes_every_key() -> None:
    done = CliRunner().invoke(group, ["schema", "ratifications"])
    assert done.exit_code == 0
    schema = json.loads(done.output)
    assert schema == published_schema("ratifications")
    Draft202012Validator.check_schema(schema)
    for entry in schema["$defs"].values():
        assert {"title", "description"} <= entry.keys()
