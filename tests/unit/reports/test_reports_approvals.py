"""Approvals in every report: who must, who did, why others do not count, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.approvals import standing, todo
from gitops_gate.reports.comment import comment_series
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.wording import answer
from gitops_gate.review.status import status_of
from gitops_gate.verdict.values import Report
from tests.unit.reports.approval_samples import APPROVALS
from tests.unit.reports.comment_samples import GITHUB
from tests.unit.reports.forge_markdown import github_html, parse
from tests.unit.reports.injection import assert_harmless

VERDICTS = {
    "satisfied": ("allow", "allowed"),
    "missing": ("pending", "pending, 2 of 4 approvals missing"),
    "frozen": ("pending", "pending, frozen until 2027-01-04 00:00 UTC"),
    "exception": ("allow", "allowed"),
    "overridden": ("allow", "allowed by an override"),
    "unknown": ("pending", "pending, 4 of 4 approvals missing"),
    "unreadable": ("indeterminate", "could not be decided, so it is not allowed"),
    "nothing": ("allow", "allowed"),
    "denied": ("deny", "denied until 2 findings are fixed"),
}


def rendered(report: Report, name: str) -> str:
    return render_report(report, name, options=ReportOptions())


def comment(report: Report) -> str:
    (body,) = comment_series(report, GITHUB, 65_536)
    return body


def shown(report: Report) -> str:
    return parse(github_html(comment(report)))[0].text


@pytest.mark.parametrize("name", APPROVALS)
def test_a_review_with_approvals_reads_as_it_did(
    golden: Callable[[str, str], None], name: str
) -> None:
    report = APPROVALS[name]
    golden(f"review-approvals-{name}.md", comment(report))
    golden(f"approvals-{name}.json", rendered(report, "json"))
    (section,) = re.findall(r'(?s)<section id="approvals".*?</section>', rendered(report, "html"))
    golden(f"approvals-{name}.section.html", f"{section}\n")


@pytest.mark.parametrize("name", VERDICTS)
def test_the_first_words_say_what_is_missing(name: str) -> None:
    verdict, words = VERDICTS[name]
    report = APPROVALS[name]
    assert report.verdict.value == verdict
    assert answer(Overview(report=report)) == words
    assert comment(report).split("\n")[0].count(": ") == 1
    assert status_of(report, "gate", url=None, queued=False).description == words


def test_the_figures_are_on_the_second_line() -> None:
    assert "approvals 2 of 4" in shown(APPROVALS["missing"]).split("\n\n")[0] + comment(
        APPROVALS["missing"]
    )
    assert "<b>approvals 2 of 4</b>" in comment(APPROVALS["missing"]).split("\n")[2]
    assert "no approvals needed" in comment(APPROVALS["nothing"]).split("\n")[2]


def test_who_must_do_what_is_in_sight_and_the_rest_is_folded() -> None:
    body = comment(APPROVALS["missing"])
    in_sight = body.split("<details>")[0]
    assert "1 more approval from sre: dave or erin could give it" in in_sight
    assert "had a part in the change" not in in_sight
    assert "alice does not count: had a part in the change" in body


def test_the_table_says_who_is_asked_because_of_which_application() -> None:
    rows = [row.text for row in parse(github_html(comment(APPROVALS["missing"])))[0].elements("tr")]
    (shop,) = [row for row in rows if "production/shop" in row]
    (staging,) = [row for row in rows if "staging/cache" in row]
    assert "1 of 2 from sre" in shop
    assert "carol" not in shop
    assert " of " not in staging


@pytest.mark.parametrize("name", [name for name in APPROVALS if name not in ("missing", "denied")])
def test_nothing_says_that_approvals_were_not_evaluated(name: str) -> None:
    for form in ("text", "markdown", "html"):
        assert "not evaluated" not in rendered(APPROVALS[name], form)


def test_an_override_is_loud_everywhere() -> None:
    report = APPROVALS["overridden"]
    assert comment(report).startswith("### ⚠️ gitops-gate: allowed by an override")
    for text in (shown(report).split("Approvals in detail")[0], rendered(report, "html")):
        assert "An override lets this change through" in text
    assert "erin at 2026-11-02 09:30 UTC: the payment provider is down" in rendered(report, "text")
    assert rendered(report, "text").split("\n")[2].startswith("!")


def test_a_freeze_says_how_a_change_may_land_all_the_same() -> None:
    (line,) = todo(APPROVALS["frozen"].approvals or {})
    assert line.name == "year end"
    assert "it opens again at 2027-01-04 00:00 UTC" in line.text
    assert "with the label hotfix" in line.text


def test_a_freeze_without_an_end_says_so() -> None:
    tree: Any = json.loads(json.dumps(APPROVALS["frozen"].approvals))
    tree["freezes"][0]["opens_at"] = None
    assert standing(tree) == "frozen, and no end is in sight"


def test_what_could_not_be_read_is_named() -> None:
    text = rendered(APPROVALS["unknown"], "text")
    assert "unknown: the members of sre cannot be read" in text
    assert "unknown: this token cannot read teams" in text
    assert "could not be read" in rendered(APPROVALS["unreadable"], "text")


def test_machines_are_told_what_is_missing_in_their_own_way() -> None:
    report = APPROVALS["missing"]
    notes = json.loads(rendered(report, "sarif"))["runs"][0]["invocations"][0]
    codes = [(n["descriptor"]["id"], n["level"]) for n in notes["toolExecutionNotifications"]]
    assert codes == [("approvals_missing", "note")]
    assert json.loads(rendered(report, "codequality")) == []
    notices = re.findall(r"(?m)^::notice title=([^:]*)::", rendered(report, "annotations"))
    assert notices == ["gitops-gate approvals", "gitops-gate"]
    cases = ElementTree.fromstring(rendered(report, "junit")).findall(
        "testsuite[@name='(approvals)']/testcase"
    )
    failed = {case.get("name"): case.find("failure") is not None for case in cases}
    assert failed == {
        "code owners (CODEOWNERS)": False,
        "production needs SRE": True,
        "the cache has an owner": True,
    }


def test_advice_fails_no_test_for_an_approval() -> None:
    report = replace(APPROVALS["missing"], mode="advisory")
    assert "<failure" not in rendered(report, "junit")
    assert answer(Overview(report=report)) == "advice: 2 of 4 approvals missing"


def test_a_thousand_requirements_stay_within_a_comment_and_are_counted() -> None:
    tree: Any = json.loads(json.dumps(APPROVALS["missing"].approvals))
    one = tree["requirements"][1]
    tree["requirements"] = [{**one, "name": f"rule {number}"} for number in range(1_000)]
    bodies = comment_series(replace(APPROVALS["missing"], approvals=tree), GITHUB, 65_536)
    assert all(len(body) <= 65_536 for body in bodies)
    text = "\n".join(bodies)
    listed = len(re.findall(r"(?m)^- (?:⏳ <b>rule \d+</b>: 1 of 2|🚫)", text))
    (note,) = re.findall(r"_[^_\n]*approval rules?[^_\n]*_", bodies[0])
    left = re.findall(r"([\d,]+)[^;]* only in the full report", note) or ["0"]
    assert listed + int(left[0].replace(",", "")) == 1_000 + len(tree["not_counted"])


@pytest.mark.parametrize("hostile", ["@org/team", "</details>", "\n/approve", "](https://x.y)"])
def test_logins_names_and_reasons_are_only_text(hostile: str) -> None:
    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            kept = ("source", "code", "verdict", "permission", "opens_at", "at")
            return {k: v if k in kept else spoiled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [spoiled(each) for each in value]
        return f"{value}{hostile}" if isinstance(value, str) else value

    for report in APPROVALS.values():
        body = comment(replace(report, approvals=spoiled(report.approvals)))
        links = {f.documentation for f in report.findings if f.documentation}
        if not report.findings:
            assert_harmless(body, [*links, GITHUB.run_url or ""])
