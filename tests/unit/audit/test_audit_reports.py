"""The audit as text, JSON and SARIF: what people, scripts and code scanning get."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.audit import Audit, Level, Outcome, State
from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.json_report import json_report, json_schema
from gitops_gate.audit.sarif import sarif_report
from gitops_gate.audit.text import text_report
from tests.engines import node_package
from tests.unit.audit.audit_samples import SAMPLES

GOLDEN = Path(__file__).parent / "golden"
REPORTS: dict[str, Callable[[Audit], str]] = {
    "text": text_report,
    "json": json_report,
    "sarif": sarif_report,
}


@cache
def oasis() -> jsonschema_rs.Draft4Validator:
    """The schema of SARIF 2.1.0, as npm's `@microsoft/jest-sarif` carries it."""
    folder = node_package("@microsoft/jest-sarif")
    text = (folder / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8")
    schema = json.loads(text)
    # A pattern that is no regular expression, of a property that no log of ours has.
    for name in ("run", "toolComponent"):
        del schema["definitions"][name]["properties"]["language"]["pattern"]
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_text_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    file, text = GOLDEN / f"{name}.txt", text_report(SAMPLES[name])
    if request.config.getoption("--update-golden", default=False):
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text


@pytest.mark.parametrize("name", SAMPLES)
def test_the_text_names_what_the_json_has(name: str) -> None:
    report, text = json.loads(json_report(SAMPLES[name])), text_report(SAMPLES[name])
    for one in (*report["holes"], *report["unknown"]):
        assert f"[{one['id']}]" in text
    numbers = f"{len(report['unknown'])} unknown, {len(report['fine'])} fine"
    assert numbers in text


@pytest.mark.parametrize("name", SAMPLES)
def test_quiet_leaves_out_what_is_fine_and_nothing_else(name: str) -> None:
    loud, quiet = text_report(SAMPLES[name]), text_report(SAMPLES[name], quiet=True)
    assert "\nFine\n" not in quiet
    assert set(quiet.splitlines()) <= set(loud.splitlines())
    assert len(quiet.splitlines()[-2:]) == 2
    assert quiet.splitlines()[-2:] == loud.splitlines()[-2:]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_json_is_as_its_schema_says(name: str) -> None:
    jsonschema.validate(json.loads(json_report(SAMPLES[name])), json_schema())


def test_the_json_schema_is_one_and_is_closed() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json_report(SAMPLES["github-open"])) | {"a": 1}, schema)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sarif_log_is_valid_and_has_a_result_for_each_hole(name: str) -> None:
    log = json.loads(sarif_report(SAMPLES[name]))
    oasis().validate(log)
    (run,) = log["runs"]
    holes = SAMPLES[name].of(State.HOLE)
    assert [one["ruleId"] for one in run["results"]] == [one.id for one in holes]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    (invocation,) = run["invocations"]
    unknown = SAMPLES[name].of(State.UNKNOWN)
    assert len(invocation["toolExecutionNotifications"]) == len(unknown)
    assert invocation["executionSuccessful"] == (SAMPLES[name].exit_code != 2)


def test_a_hole_keeps_its_fingerprint_when_its_words_change() -> None:
    sample = SAMPLES["github-open"]
    reworded = replace(
        sample, outcomes=tuple(replace(one, message="other words") for one in sample.outcomes)
    )

    def prints(audit: Audit) -> list[Any]:
        results = json.loads(sarif_report(audit))["runs"][0]["results"]
        return [one["partialFingerprints"] for one in results]

    assert prints(sample) == prints(reworded)
    assert len({json.dumps(one) for one in prints(sample)}) == len(prints(sample))


# ---------------------------------------------------------------------------------- exit codes


def outcome(state: State, level: Level) -> Outcome:
    return Outcome(id="audit/tags", level=level, state=state, subject=None, message="m", needs="n")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ((), 0),
        (((State.FINE, Level.ERROR),), 0),
        (((State.HOLE, Level.NOTE),), 0),
        (((State.UNKNOWN, Level.NOTE),), 0),
        (((State.HOLE, Level.WARNING),), 1),
        (((State.HOLE, Level.ERROR),), 1),
        (((State.UNKNOWN, Level.WARNING),), 2),
        (((State.UNKNOWN, Level.ERROR), (State.HOLE, Level.ERROR)), 2),
        (((State.UNKNOWN, Level.NOTE), (State.HOLE, Level.WARNING)), 1),
    ],
)
def test_unknown_outranks_a_hole_and_a_note_decides_nothing(
    found: tuple[tuple[State, Level], ...], code: int
) -> None:
    sample = replace(SAMPLES["github-closed"], outcomes=tuple(outcome(*one) for one in found))
    assert sample.exit_code == code


# --------------------------------------------------------------------------------- hostile names


@given(name=st.text(min_size=1), what=st.sampled_from(sorted(REPORTS)))
def test_no_name_gets_out_of_its_line(name: str, what: str) -> None:
    hole = Outcome(
        id="audit/bypass", level=Level.ERROR, state=State.HOLE,
        subject=f"refs/heads/{name}", message=f"may pass the rules by: {name}",
    )  # fmt: skip
    unknown = replace(hole, state=State.UNKNOWN, needs="a permission")
    sample = replace(
        SAMPLES["github-closed"],
        repository=name,
        branches=(name,),
        outcomes=(hole, unknown, replace(hole, state=State.FINE)),
    )
    text = REPORTS[what](sample)
    text.encode()
    if what == "text":
        # Two lines at the top, a heading each, the numbers and what follows from them.
        at_the_edge = [line for line in text.splitlines() if line and not line.startswith(" ")]
        assert at_the_edge[-5:-2] == ["Errors", "Unknown: not fine, but not read", "Fine"]
        assert len(at_the_edge) <= 2 + 3 + 2
        assert not any(ord(char) < 0x20 and char != "\n" for char in text)
        assert "\u202e" not in text
    else:
        json.loads(text)


# ------------------------------------------------------------------------------------ catalogue


def test_every_hole_has_a_remedy_on_some_forge_and_nothing_else_has_one() -> None:
    from gitops_gate.audit.remedies import GITHUB, GITLAB

    assert all(entry.remedies for entry in CATALOGUE.values())
    assert set(GITHUB) | set(GITLAB) == set(CATALOGUE)
    for entry in CATALOGUE.values():
        assert entry.id.startswith("audit/")
        assert entry.threat.endswith(".")
        assert not entry.title.endswith(".")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_outcome_is_in_the_catalogue_with_a_remedy_on_this_forge(name: str) -> None:
    for one in SAMPLES[name].outcomes:
        assert SAMPLES[name].kind in CATALOGUE[one.id].remedies
        assert (one.needs is not None) == (one.state is State.UNKNOWN)
