"""The page holds what the report says and nothing that runs, loads or leads elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.reports import ReportOptions, html, json_report, render_report, wording
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.html import diffs
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.wording import path_text
from gitops_gate.verdict.values import Report, Status
from tests.unit.reports.report_samples import (
    CLAIM_REMOVED,
    DENIED,
    INDETERMINATE,
    RULES,
    SAMPLES,
    SCALED,
    UNAFFECTED,
    UNPINNED,
    outcome,
)
from tests.unit.reports.report_strategies import HOSTILE, reports

LOADING = {"img", "iframe", "object", "embed", "link", "video", "audio", "base", "math", "use"}
VOID = {"meta", "input", "br"}
OVERVIEW = Overview(report=SAMPLES["scan"])
CONTEXT = ReviewContext(
    forge="github",
    head="91b07e3c5a7d9f1b3d5f7a9c1e3a5c7e9b1d3f50",
    base="4f1c2aa0b5d9c1e7f3a8c6d2e4b6f8a0c2d4e6f8",
    base_ref="main",
    blob_url="https://forge.example/shop/gitops/blob/91b07e3",
    run_url="https://forge.example/shop/gitops/actions/runs/7",
    notes=("the token may not write a status",),
)


class Page(HTMLParser):
    """Tags, attributes and text of a page; every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.depth: list[str] = []
        self.raw: dict[str, str] = {}
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.depth.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.depth.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.depth[-1] if self.depth else ""
        if inside in {"script", "style"}:
            self.raw[inside] = self.raw.get(inside, "") + data
        else:
            self.text += data

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]


def page(report: Report, context: ReviewContext | None = None) -> Page:
    return Page(html.write(report, ReportOptions(review=context)))


def policy(shown: Page) -> str:
    return next(str(a["content"]) for _, a in shown.tags if "http-equiv" in a)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_page_reads_as_it_did(golden: Callable[[str, str], None], sample: str) -> None:
    text = html.write(SAMPLES[sample], ReportOptions())
    for part in ("style", "script"):
        text = re.sub(rf"<{part}>.*?</{part}>", f"<{part}>…</{part}>", text, flags=re.DOTALL)
    golden(f"{sample}.html", re.sub(r"sha256-[\w+/=]+", "sha256-…", text))


# -------------------------------------------------------------------------- completeness


def said(value: Any) -> Iterator[str]:
    """Every text of a JSON report that a reader could look for."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key in {"path", "field"} and isinstance(member, list):
                yield path_text(tuple(member))
            elif key in {"base", "head"} and not isinstance(member, dict | list):
                yield str(member) if isinstance(member, str) else ""
            elif key == "excerpts":
                yield from (line.strip() for line in member.values())
            elif key == "diff":
                yield member.strip("\n")
            elif key == "reason":
                yield (member or "").strip("\n")
            elif key in {"schema", "tools", "gate", "risk"}:
                continue
            else:
                yield from said(member)
    elif isinstance(value, list):
        for member in value:
            yield from said(member)
    elif isinstance(value, str):
        yield value


def reportable(report: Report) -> dict[str, Any]:
    """A JSON report without what no real one has: a scan's base, excerpts of no finding."""
    value = json_report.as_value(report)
    places = {f"{f.location.path}:{f.location.line}" for f in report.findings if f.location}
    value["excerpts"] = {key: line for key, line in value["excerpts"].items() if key in places}
    for application in value["applications"] if report.base is None else ():
        application["digest"] = {"head": application["digest"]["head"]}
    return value


def squeezed(text: str) -> str:
    """Without what layout may change: white space, and the quotes and escapes of JSON."""
    return re.sub(r"[\s\"\\]+", "", text)


@pytest.mark.parametrize("sample", SAMPLES)
def test_everything_that_the_json_report_says_is_on_the_page(sample: str) -> None:
    report = SAMPLES[sample]
    value = reportable(report)
    if report.base is None:  # a scan introduces nothing
        value["reasons"] = [{"message": wording.reason_text(report.reasons[0], OVERVIEW)}]
    shown = page(report)
    links = " ".join(attributes.get("href") or "" for _, attributes in shown.tags)
    text = squeezed(f"{shown.text} {links}")
    for one in said(value):
        assert squeezed(visible(one)) in text, one


@settings(max_examples=60)
@given(reports())
def test_everything_that_any_json_report_says_is_on_the_page(report: Report) -> None:
    text = squeezed(page(report).text)
    value = reportable(report)
    for change in value["changes"]:
        change["fields"] = [{"path": field["path"]} for field in change["fields"]]
    for key in ("applications", "findings", "changes", "warnings", "reasons", "coverage"):
        for one in said(value[key]):
            if report.base is None and key in {"changes", "reasons"}:
                continue
            if "\ufffd" not in one:  # JSON cannot say which bytes these were; the page can
                assert squeezed(visible(one)) in text, (key, one)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_number_of_the_coverage_is_on_the_page(sample: str) -> None:
    report = SAMPLES[sample]
    text = page(report).text
    cover = text[text.index("Coverage", text.index("Applications\n")) :]
    for number in (
        report.coverage.applications_found,
        report.coverage.resources_seen,
        report.coverage.schema_missing,
        report.coverage.rules_loaded,
        report.coverage.unclaimed,
        report.coverage.redacted,
        report.coverage.omitted,
    ):
        assert f"{number:,}" in cover


def test_every_finding_application_and_change_can_be_linked_to() -> None:
    ids = page(DENIED).ids()
    for finding in DENIED.findings:
        assert f"finding-{finding.fingerprint}" in ids
    for application in DENIED.applications:
        assert f"application-{application.name}" in ids
    assert len([one for one in ids if one.startswith("change-")]) == len(DENIED.changes)


def test_a_link_to_a_change_outlives_the_next_push() -> None:
    before = [one for one in page(DENIED).ids() if one.startswith("change-")]
    later = tuple(replace(change, diff=f"{change.diff}+x\n") for change in DENIED.changes)
    after = [one for one in page(replace(DENIED, changes=later)).ids() if one.startswith("change-")]
    assert sorted(before) == sorted(after)


@settings(max_examples=60)
@given(reports())
def test_no_name_is_given_twice_and_every_link_leads_to_one(report: Report) -> None:
    shown = page(report)
    ids = shown.ids()
    assert len(ids) == len(set(ids))
    assert not [one for one in ids if re.search(r"\s", one)]
    for _, attributes in shown.tags:
        href = attributes.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids


def test_a_finding_of_the_changed_rules_has_all_that_others_have() -> None:
    text = page(RULES).text
    assert "Newly denied" in text
    assert "No longer denied" in text
    assert UNPINNED.remediation is not None
    assert UNPINNED.remediation in text
    assert "until 2026-12-06 by shop-team" in text


def test_a_source_line_leads_to_the_forge_where_one_is_known() -> None:
    link = f"{CONTEXT.blob_url}/apps/cache/base/redis.yaml#L21"
    assert link in [a.get("href") for _, a in page(DENIED, CONTEXT).tags]
    assert link not in page(DENIED).source
    assert CONTEXT.run_url in [a.get("href") for _, a in page(DENIED, CONTEXT).tags]
    assert CONTEXT.notes[0] in page(DENIED, CONTEXT).text


def test_a_claim_is_called_one() -> None:
    claim = replace(CONTEXT, information=True)
    assert "Information only." in page(DENIED, claim).text
    assert "Information only." not in page(DENIED, CONTEXT).text


def test_failures_for_one_reason_are_told_once() -> None:
    reason = "helm is not installed"
    failed = tuple(
        outcome(f"apps/{number}", "production", Status.FAILED, reason=reason) for number in range(9)
    )
    text = page(replace(INDETERMINATE, applications=failed)).text
    failures = text[text.index("Could not be evaluated") : text.index("Applications\n")]
    assert failures.count(reason) == 1
    assert "9 applications" in failures


def test_a_remedy_that_all_findings_of_a_rule_share_stands_once() -> None:
    assert UNPINNED.remediation is not None
    findings = tuple(
        replace(UNPINNED, message=f"Container {number}", fingerprint=str(number))
        for number in range(5)
    )
    text = page(replace(DENIED, findings=findings)).text
    assert text.count(UNPINNED.remediation) == 1
    other = (*findings, replace(UNPINNED, message="Other", remediation="Something else."))
    assert page(replace(DENIED, findings=other)).text.count(UNPINNED.remediation) == 5


def test_what_has_the_gravest_risk_comes_first() -> None:
    text = page(DENIED).text
    changes = text[text.index("What changes in the cluster") :]
    assert changes.index("PersistentVolumeClaim shop/data") < changes.index("Deployment shop/web")


def test_a_report_without_anything_says_so() -> None:
    text = page(UNAFFECTED).text
    assert "Nothing to look at that this change introduces." in text
    assert "No resource changes." in text
    assert not page(UNAFFECTED).with_class("graph")


# -------------------------------------------------------------------------- diffs

LINES = st.lists(st.sampled_from(["a: 1", "b: 2", "a: 2", "- x", "", "<b>", "a: 1 2"]), max_size=6)


@given(LINES, LINES, LINES)
def test_the_text_of_a_diff_is_the_diff(before: list[str], old: list[str], new: list[str]) -> None:
    lines = [*(f" {x}" for x in before), *(f"-{x}" for x in old), *(f"+{x}" for x in new), "@@ x"]
    shown = Page(str(diffs.diff_html(lines)))
    assert shown.text == "".join(f"{line}\n" for line in lines)
    signs = [tag for tag, _ in shown.tags if tag in {"ins", "del"}]
    assert signs == ["del"] * len(old) + ["ins"] * len(new)


@given(LINES, LINES)
def test_as_many_removed_lines_have_another_version_as_added_ones(
    old: list[str], new: list[str]
) -> None:
    text = str(diffs.diff_html([*(f"-{x}" for x in old), *(f"+{x}" for x in new)]))
    assert text.count("<del class=p>") == text.count("<ins class=p>")


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ("image: shop/web:1.8.2", "image: shop/web:1.9.0", ["8.2", "9.0"]),
        ("replicas: 3", "replicas: 5", ["3", "5"]),
        ("- --port=80", "- --port=443", ["80", "443"]),
        ("args: [a, b, c, d, e]", "args: [a, x, c, d, y]", ["b", "e", "x", "y"]),
        ("cpu: 100m", "cpu: 100m # enough", [" # enough"]),
        ("one", "two", []),
    ],
)
def test_the_words_that_changed_are_marked(old: str, new: str, marked: list[str]) -> None:
    text = str(diffs.diff_html([f"-{old}", f"+{new}"]))
    assert re.findall("<mark>(.*?)</mark>", text) == marked


def test_lines_of_one_key_are_two_versions_of_one_line() -> None:
    lines = ["-a: 1", "-b: 1", "+b: 2", "+c: 3", "+d: 4"]
    text = str(diffs.diff_html(lines))
    assert "<del class=p>-b: <mark>1</mark>" in text
    assert "<ins class=p>+b: <mark>2</mark>" in text
    assert text.count("class=p") == 2


def test_values_that_changed_are_shown_whole() -> None:
    long = FieldChange(path=("data", "a"), base="x" * 5_000, head=["y", {"z": 1}])
    text = page(replace(DENIED, changes=(replace(SCALED, fields=(long,)),))).text
    assert "x" * 5_000 in text
    assert json.dumps(["y", {"z": 1}]) in text


# -------------------------------------------------------------------------- hostile content


@settings(max_examples=100)
@given(reports())
def test_no_report_brings_a_tag_an_address_or_a_handler(report: Report) -> None:
    shown = page(report)
    names = [tag for tag, _ in shown.tags]
    assert not LOADING & set(names)
    assert names.count("script") == names.count("style") == 1
    for _, attributes in shown.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in {"src", "style"}
        ]
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "https://"))
        for name, value in attributes.items():
            if name.startswith("data-"):
                assert re.fullmatch(r"[\w=&\- ]*", value or ""), (name, value)
    assert shown.depth == []


@pytest.mark.parametrize("name", SAMPLES)
def test_only_our_style_and_script_may_run(name: str) -> None:
    shown = page(SAMPLES[name])
    assert policy(shown).startswith("default-src 'none'; ")
    assert "unsafe" not in policy(shown)
    for part in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(shown.raw[part].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy(shown)


def test_the_end_of_a_script_in_a_message_ends_nothing() -> None:
    message = "</script><script>alert(1)</script>"
    shown = page(replace(DENIED, findings=(replace(UNPINNED, message=message),)))
    assert message in shown.text
    assert [tag for tag, _ in shown.tags].count("script") == 1


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://x.example", "//x", "data:,x"])
def test_an_address_that_is_no_safe_link_is_shown_as_text(address: str) -> None:
    shown = page(replace(DENIED, findings=(replace(UNPINNED, documentation=address),)))
    assert address not in [a.get("href") for _, a in shown.tags]
    assert address in shown.text


COMMANDS = ("::error::x", "  ::set-env name=x::y", "##[error]x", "a ##[group]b", "##vso[task.x]y")


@settings(max_examples=60)
@given(reports(), st.lists(st.sampled_from((*COMMANDS, *HOSTILE)), min_size=1, max_size=3))
def test_no_line_is_a_command_to_a_runner(report: Report, lines: list[str]) -> None:
    text = "\n".join(["", *lines, ""])
    findings = (replace(CLAIM_REMOVED, message=text, remediation=text, suggestion=text),)
    changes = (replace(SCALED, diff=text, fields=(FieldChange(path=(text,), base=text, head=1),)),)
    hostile = replace(report, findings=findings, changes=changes, warnings=(text,), base="b")
    for shown in (report, hostile):
        for line in render_report(shown, "html", options=ReportOptions()).splitlines():
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "##vso[" not in line
    assert squeezed(visible(text)) in squeezed(page(hostile).text)


def test_what_cannot_be_seen_is_spelled_out() -> None:
    message = "a\u202eb\x1b[31mc\u200bd"
    shown = page(replace(DENIED, findings=(replace(UNPINNED, message=message),)))
    assert r"a\u202eb\x1b[31mc\u200bd" in shown.text
    assert "\u202e" not in shown.source


# -------------------------------------------------------------------------- structure


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_control_has_a_label_and_every_section_a_heading(sample: str) -> None:
    shown = page(SAMPLES[sample])
    text = shown.source
    ids = shown.ids()
    for tag, attributes in shown.tags:
        if tag == "section" and attributes.get("id"):
            assert attributes["aria-labelledby"] in ids
        if tag == "input" and attributes.get("type") != "checkbox":
            assert attributes["aria-label"]
    assert len(re.findall(r"<label>[A-Z][a-z]+ <select", text)) == text.count("<select")
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in shown.tags}
    levels = [int(tag[1]) for tag, _ in shown.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_filters_know_every_value_that_tells_something_apart() -> None:
    text = page(DENIED).source
    options = set(re.findall(r"<option value=\"\d+\">([^<]+)</option>", text))
    assert {"production", "staging", "clusters/production/shop", "images/pinned"} <= options
    assert {"error", "warning", "data-loss", "modified", "removed", "Deployment"} <= options
    assert {"blocks", "introduced", "older", "waived"} <= options


def test_without_javascript_only_the_controls_are_missing() -> None:
    shown = page(DENIED)
    hidden = [a.get("id") or a.get("class") for _, a in shown.tags if "hidden" in a]
    assert sorted(map(str, hidden)) == [
        "choices", "chosen", "diff-tools", "filters", "none nothing", "none nothing",
    ]  # fmt: skip


def test_the_picture_has_every_environment_and_what_it_does_not_draw_is_counted() -> None:
    many = tuple(outcome(f"apps/{number:03}", "production") for number in range(100))
    changes = tuple(replace(SCALED, application=one.name) for one in many)
    shown = page(replace(DENIED, applications=many, changes=changes, findings=()))
    drawn = [a for a in shown.with_class("node") if "application" in (a["class"] or "").split()]
    assert len(drawn) == 23
    assert "and 77 more" in shown.text
    listed = shown.text[shown.text.index("The same as a list") :]
    assert all(one.name in listed for one in many)


def test_the_picture_draws_what_changes_before_what_failed_without_more_to_see() -> None:
    failed = tuple(
        outcome(f"a/{n}", "production", Status.FAILED, reason="no helm") for n in range(50)
    )
    report = replace(DENIED, applications=(*failed, *DENIED.applications))
    drawn = page(report).source
    picture = drawn[drawn.index("<svg") : drawn.index("</svg>")]
    assert "50 applications not evaluated" in picture
    assert "clusters/production/shop" in picture


# -------------------------------------------------------------------------- size


def large() -> Report:
    """10,000 findings and 2,000 changes in 500 applications, none the same as another."""
    applications = tuple(outcome(f"apps/{n:03}", f"environment-{n % 4}") for n in range(500))
    findings = tuple(
        replace(
            UNPINNED,
            rule=f"rule/{n % 40:02}",
            message=f"Container {n} uses redis:latest: the tag can change under you.",
            application=applications[n % 500].name,
            introduced=n % 5 == 0,
            fingerprint=hashlib.sha256(str(n).encode()).hexdigest(),
        )
        for n in range(10_000)
    )
    lines = "".join(f"   key-{n}: value\n" for n in range(20))
    changes = tuple(
        ResourceChange(
            application=applications[n % 500].name,
            operation=Operation.MODIFIED,
            resource=replace(SCALED.resource, name=f"web-{n}"),
            risk=SCALED.risk,
            fields=SCALED.fields,
            diff=f"{SCALED.diff}{lines}-  a: {n}\n+  a: {n + 1}\n",
        )
        for n in range(2_000)
    )
    findings = tuple(sorted(findings, key=lambda finding: (not finding.introduced, finding.rule)))
    return replace(DENIED, applications=applications, findings=findings, changes=changes)


@pytest.mark.slow
def test_ten_thousand_findings_and_two_thousand_changes_are_a_page_of_some_megabytes() -> None:
    report = large()
    html.write(DENIED, ReportOptions())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    text = html.write(report, ReportOptions())
    spent = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    size = len(text.encode()) / 1e6
    print(f"{size:.1f} MB in {spent:.1f} s, {grown:.0f} MiB more memory")
    assert size < 16
    assert spent < 8
    assert grown < 400
