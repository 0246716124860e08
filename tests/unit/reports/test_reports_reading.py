"""A JSON report comes back as it was written, and nothing else comes in with it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.changes.values import FieldChange
from gitops_gate.config.settings import GateSettings
from gitops_gate.errors import ConfigurationError
from gitops_gate.reports import REPORTERS, ReportOptions, render_report
from gitops_gate.reports.reading import MAXIMUM_BYTES, MAXIMUM_DEPTH, read_report, report_digest
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import Report, Sides, Status, Verdict
from tests.unit.reports.approval_samples import APPROVALS, EVERY
from tests.unit.reports.report_samples import ALLOWED, DENIED, INDETERMINATE, SCALED
from tests.unit.reports.report_strategies import reports

LONE = re.compile(r"\\ud[89a-f]")
"""A lone surrogate, as Python shows it."""


def written(report: Report) -> bytes:
    return render_report(report, "json", options=ReportOptions()).encode()


def value_of(report: Report) -> Any:
    return json.loads(written(report))


def read_value(value: Any) -> Report:
    return read_report(json.dumps(value).encode())


def set_at(value: Any, path: list[Any], new: Any) -> Any:
    """The value with another one at a path; a missing last key is added."""
    node = value
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = new
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, member in members:
        found.append((*path, key))
        if isinstance(member, (dict, list)):
            found += places(member, (*path, key))
    return found


def sound(report: Report) -> Report:
    """A report whose verdict is what it says itself, as every real one's is."""
    against = [a for a in report.applications if a.affected and a.status is not Status.RENDERED]
    against += [a for a in report.applications if a.status is Status.FAILED]
    verdict = report.verdict
    if against or any(blocks(finding, report.gate) for finding in report.findings):
        verdict = Verdict.DENY
    if report.approvals and not report.approvals["satisfied"] and verdict is Verdict.ALLOW:
        verdict = Verdict.PENDING
    reasons = tuple(replace(reason, verdict=verdict) for reason in report.reasons)
    return replace(report, verdict=verdict, reasons=reasons)


# -------------------------------------------------------------------------------- round trip


@pytest.mark.parametrize("name", EVERY)
def test_a_report_comes_back_as_it_was(name: str) -> None:
    report = EVERY[name]
    assert read_report(written(report)) == report


@settings(max_examples=60)
@given(reports().map(sound))
def test_any_report_comes_back(report: Report) -> None:
    """Lone surrogates are the one thing that JSON does not carry: they become U+FFFD."""
    data = written(report)
    back = read_report(data)
    assert written(back) == data
    if not LONE.search(repr(report)):
        assert back == report


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("format_name", REPORTERS)
def test_every_format_can_be_written_from_the_json_report(name: str, format_name: str) -> None:
    """The JSON carries all that the comment, SARIF and the others show."""
    options = ReportOptions(all=True, diff=True, verbose=True)
    back = read_report(written(EVERY[name]))
    assert render_report(back, format_name, options=options) == render_report(
        EVERY[name], format_name, options=options
    )


def test_what_the_gate_blocks_by_comes_back() -> None:
    gate = GateSettings(mode="advisory", scope="all")
    assert read_report(written(replace(DENIED, gate=gate))).gate == gate


def test_bytes_of_a_path_that_are_no_text_come_back_as_replacement_characters() -> None:
    report = replace(DENIED, warnings=("caf\udce9",))
    assert read_report(written(report)).warnings == ("caf\ufffd",)


@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_fields_come_back_exactly(number: float) -> None:
    change = replace(SCALED, fields=(FieldChange(path=("x",), base=number, head=None),))
    back = read_report(written(replace(DENIED, changes=(change,)))).changes[0].fields[0].base
    assert repr(back) == repr(number)


# ------------------------------------------------------------------------------------ digest


def test_the_digest_is_that_of_the_file() -> None:
    assert report_digest(DENIED) == f"sha256:{hashlib.sha256(written(DENIED)).hexdigest()}"
    assert report_digest(read_report(written(DENIED))) == report_digest(DENIED)


def test_the_digest_is_of_the_content_and_not_of_how_the_json_is_spaced() -> None:
    spaced = json.dumps(value_of(DENIED), indent=4).encode()
    assert report_digest(read_report(spaced)) == report_digest(DENIED)


@given(st.data())
def test_another_content_has_another_digest(data: st.DataObject) -> None:
    value = value_of(DENIED)
    texts = [p for p in places(value) if p[0] in ("warnings", "applications", "findings")]
    chosen = data.draw(st.sampled_from([p for p in texts if p[-1] in ("message", "name", "path")]))
    changed = read_value(set_at(value, list(chosen), "something else"))
    assert report_digest(changed) != report_digest(DENIED)


# ----------------------------------------------------------------------------------- refusals


def refusal(data: bytes) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read_report(data, path="report.json")
    text = str(raised.value)
    assert text.startswith("report.json")
    assert text.isprintable()
    assert len(text) < 1_000
    return text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is not JSON"),
        (b"{", "report.json:1:2: .*it is not JSON"),
        (b'{\n"a": 1,,}', "report.json:2:8: "),
        (b"\xff\xfe", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "it is not JSON"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "too many digits"),
        (b'{"a": 1, "a": 2}', 'the key "a" is there twice'),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * 500 + b"]" * 500, "nested deeper"),
        (b"[]", "is not of type"),
        (b"null", "is not of type"),
        (b'{"schema": "gitops-gate/report/v1"}', "required"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_report_is_refused_with_its_place(data: bytes, says: str) -> None:
    assert re.search(says, refusal(data))


def test_a_report_that_is_too_large_is_not_even_parsed() -> None:
    start = time.process_time()
    assert "is the most that is read" in refusal(b" " * (MAXIMUM_BYTES + 1))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("path", "new", "says"),
    [
        (["schema"], "gitops-gate/report/v2", "schema: "),
        (["verdict"], "fine", "verdict: "),
        (["mode"], "off", "mode: "),
        (["gate", "fail_on"], "never", "gate.fail_on: "),
        (["gate", "scope"], "none", "gate.scope: "),
        (["reasons"], [], "reasons: "),
        (["reasons", 0, "verdict"], "perhaps", r"reasons\[0\].verdict: "),
        (["applications", 1, "status"], "lost", r"applications\[1\].status: "),
        (["applications", 0, "digest", "head"], "sha256:1", r"applications\[0\].digest.head: "),
        (["applications", 0, "affected"], "yes", r"applications\[0\].affected: "),
        (["changes", 0, "operation"], "renamed", r"changes\[0\].operation: "),
        (["changes", 0, "redacted"], -1, r"changes\[0\].redacted: "),
        (["findings", 0, "severity"], "fatal", r"findings\[0\].severity: "),
        (["findings", 0, "location", "line"], 1.5, r"findings\[0\].location.line: "),
        (["findings", 0, "location", "line"], 10**30, "too large a number"),
        (["findings", 0, "message"], None, r"findings\[0\].message: "),
        (["findings", 3, "waiver", "expires"], "20261206", "20261206, which is no date"),
        (["findings", 3, "waiver", "expires"], "tomorrow", "tomorrow, which is no date"),
        (["coverage", "unclaimed"], "2", "coverage.unclaimed: "),
        (["excerpts"], {"a:1": 1}, "excerpts.a:1: "),
        (["tools"], {"helm": None}, "tools.helm: "),
    ],
    ids=str,
)
def test_a_value_that_the_schema_does_not_allow_is_named(
    path: list[Any], new: Any, says: str
) -> None:
    assert re.search(says, refusal(json.dumps(set_at(value_of(DENIED), path, new)).encode()))


@settings(max_examples=300)
@given(st.data())
def test_a_broken_report_is_refused_and_never_crashes(data: st.DataObject) -> None:
    value = value_of(DENIED)
    path = list(data.draw(st.sampled_from(places(value))))
    junk: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})
    )
    with contextlib.suppress(ConfigurationError):
        read_value(set_at(value, path, data.draw(junk)))


@settings(max_examples=200)
@given(st.data())
def test_no_key_of_a_report_may_be_missing(data: st.DataObject) -> None:
    value = value_of(DENIED)
    free = {"tools", "configuration", "excerpts"}
    keys = [p for p in places(value) if isinstance(p[-1], str) and not free & set(map(str, p[:-1]))]
    *parents, last = data.draw(st.sampled_from(keys))
    node = value
    for part in parents:
        node = node[part]
    del node[last]
    with pytest.raises(ConfigurationError, match=f'"{last}" is a required property'):
        read_value(value)


@pytest.mark.parametrize(
    ("path", "new", "says"),
    [
        (["satisfied"], "yes", "approvals.satisfied: "),
        (["requirements", 0, "missing"], -1, r"approvals.requirements\[0\].missing: "),
        (["requirements", 0, "source"], "me", r"approvals.requirements\[0\].source: "),
        (["not_counted", 0, "code"], "liked", r"approvals.not_counted\[0\].code: "),
        (["freezes"], [{"name": "x"}], r"approvals.freezes\[0\]: "),
        (["override"], {"holds": True}, "approvals.override: "),
    ],
    ids=str,
)
def test_a_tree_of_approvals_that_is_none_is_refused(path: list[Any], new: Any, says: str) -> None:
    value = set_at(value_of(APPROVALS["missing"]), ["approvals", *path], new)
    assert re.search(says, refusal(json.dumps(value).encode()))


def test_a_moment_in_a_tree_of_approvals_is_one() -> None:
    value = value_of(APPROVALS["frozen"])
    set_at(value, ["approvals", "freezes", 0, "opens_at"], "never\n/approve")
    assert "opens_at" in refusal(json.dumps(value).encode())


def test_a_report_is_not_allowed_while_its_own_approvals_are_missing() -> None:
    claimed = replace(APPROVALS["satisfied"], approvals=APPROVALS["missing"].approvals)
    assert "in spite of approvals that are missing" in refusal(written(claimed))


def test_keys_of_a_later_version_are_ignored_in_approvals() -> None:
    report = APPROVALS["missing"]
    value = value_of(report)
    value["approvals"]["requirements"][0]["score"] = 1
    value["approvals"]["later"] = {}
    assert read_value(value) == report


def test_depth_that_manifests_may_have_is_read() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    change = replace(SCALED, fields=(FieldChange(path=("x",), base=deep, head=None),))
    report = replace(DENIED, changes=(change,))
    assert read_report(written(report)) == report
    for _ in range(MAXIMUM_DEPTH - 100):
        deep = [deep]
    change = replace(SCALED, fields=(FieldChange(path=("x",), base=deep, head=None),))
    assert "nested deeper" in refusal(written(replace(DENIED, changes=(change,))))


def test_keys_of_a_later_version_are_ignored() -> None:
    value = value_of(DENIED)
    value["owners"] = {"x": 1}
    value["findings"][0]["score"] = 9.5
    assert read_value(value) == DENIED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: replace(r, verdict=Verdict.ALLOW), "its first reason leads to deny"),
        (lambda r: with_verdict(r, Verdict.ALLOW), "allow in spite of a finding that blocks"),
        (lambda r: with_verdict(r, Verdict.PENDING), "pending in spite of a finding"),
        (
            lambda r: with_verdict(replace(r, findings=()), Verdict.ALLOW, more=r.reasons),
            "allow in spite of the reason findings",
        ),
    ],
)
def test_a_verdict_that_is_milder_than_the_report_is_refused(
    change: Callable[[Report], Report], says: str
) -> None:
    assert says in refusal(written(change(DENIED)))


def test_an_application_that_was_not_evaluated_cannot_be_allowed() -> None:
    failed = with_verdict(replace(INDETERMINATE, findings=()), Verdict.ALLOW)
    assert "clusters/staging/shop, which was not evaluated" in refusal(written(failed))
    missed = replace(
        ALLOWED.applications[0], status=Status.UNCHANGED, digest=Sides(base=None, head=None)
    )
    assert "was not evaluated" in refusal(written(replace(ALLOWED, applications=(missed,))))


def with_verdict(report: Report, verdict: Verdict, more: tuple[Any, ...] = ()) -> Report:
    first = replace(report.reasons[0], verdict=verdict)
    return replace(report, verdict=verdict, reasons=(first, *more))


@pytest.mark.slow
def test_a_large_report_is_read_in_seconds() -> None:
    findings = tuple(
        replace(DENIED.findings[0], message=f"finding {number}") for number in range(20_000)
    )
    data = written(replace(DENIED, findings=findings))
    start = time.process_time()
    assert len(read_report(data).findings) == 20_000
    assert time.process_time() - start < 5
