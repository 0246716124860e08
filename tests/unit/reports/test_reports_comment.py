"""The summary comment: the answer first, nothing lost, the same bytes, and found again later."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.changes.values import FieldChange
from gitops_gate.findings import Location, Severity
from gitops_gate.reports.comment import (
    MOST_PARTS,
    Marker,
    comment_series,
    marker_of,
    same_comment,
)
from gitops_gate.reports.comment.marker import marker_line
from gitops_gate.reports.links import page_link, quiet_link, source_link
from gitops_gate.reports.markdown import SMALLEST
from gitops_gate.reports.reading import report_digest
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.verdict.values import Report
from tests.unit.reports.comment_samples import (
    CONTEXTS,
    GITHUB,
    GITLAB,
    HUGE,
    REVIEWS,
    wide,
)
from tests.unit.reports.forge_markdown import FORGES, github_html, gitlab_html, parse
from tests.unit.reports.injection import assert_harmless, plain_twin, settled, skeleton
from tests.unit.reports.report_samples import BASE, DENIED, HEAD, INDETERMINATE, SCALED, UNPINNED
from tests.unit.reports.report_strategies import reports, texts

LIMITS = {"github": 65_536, "gitlab": 1_000_000}
contexts = st.builds(
    ReviewContext,
    forge=st.sampled_from(["github", "gitlab"]),
    head=st.just(HEAD),
    base=st.just(BASE),
    base_ref=texts,
    check_name=texts.map(lambda text: text.encode(errors="replace").decode()[:60] or "gate"),
    blob_url=st.sampled_from([None, GITHUB.blob_url, "https://evil.example/<x>", "javascript:x"]),
    run_url=st.none() | texts,
    artifact=st.none() | texts,
    notes=st.lists(texts, max_size=2).map(tuple),
    information=st.booleans(),
)


def series(report: Report, context: ReviewContext = GITHUB) -> tuple[str, ...]:
    return comment_series(report, context, LIMITS[context.forge])


def own_links(report: Report, context: ReviewContext) -> set[str]:
    links = {
        source_link(context.blob_url, f.location) for f in report.findings if f.location is not None
    }
    links |= {quiet_link(f.documentation) for f in report.findings}
    return {link for link in {*links, page_link(context.run_url)} if link is not None}


def shown(body: str) -> str:
    return parse(github_html(body))[0].text


@pytest.mark.parametrize("name", REVIEWS)
def test_a_review_reads_as_it_did(golden: Callable[[str, str], None], name: str) -> None:
    report, context = REVIEWS[name]
    render = github_html if context.forge == "github" else gitlab_html
    limit = SMALLEST if name == "several-parts" else LIMITS[context.forge]
    for number, body in enumerate(comment_series(report, context, limit), start=1):
        part = f"-{number}" if name == "several-parts" else ""
        golden(f"review-{name}{part}.md", body)
        golden(f"review-{name}{part}.rendered.html", render(body))


# -- nothing of a repository but text ---------------------------------------------------------


@settings(max_examples=80)
@given(reports(), contexts)
def test_no_report_gets_anything_of_its_own_into_the_comment(
    report: Report, context: ReviewContext
) -> None:
    for body in series(report, context):
        assert_harmless(body, own_links(report, context))
        assert len(body) <= 65_536


@settings(max_examples=80)
@given(reports(), contexts)
def test_the_elements_are_those_of_a_comment_of_plain_words(
    report: Report, context: ReviewContext
) -> None:
    context = replace(context, blob_url=None, run_url=None)
    report = settled(report)
    bodies, twins = series(report, context), series(plain_twin(report), plain_twin(context))
    for body, twin in zip(bodies, twins, strict=True):
        for render in FORGES.values():
            assert skeleton(render(body)) == skeleton(render(twin))


@settings(max_examples=80)
@given(reports(), contexts)
def test_a_marker_in_a_repository_is_never_taken_for_ours(
    report: Report, context: ReviewContext
) -> None:
    for number, body in enumerate(series(report, context), start=1):
        marker = marker_of(body)
        assert marker is not None
        assert (marker.part, marker.check_name) == (number, context.check_name)
        assert marker.digest == report_digest(report)
        assert len(re.findall(r"(?m)^<!--", body)) == 1


# -- finding it again -------------------------------------------------------------------------


@given(texts.map(lambda text: text.encode(errors="replace").decode()[:60] or "x"))
def test_a_marker_is_read_back_as_it_was_written(name: str) -> None:
    marker = Marker(
        check_name=name, part=2, parts=3, head=HEAD, base=BASE, digest=f"sha256:{'0f' * 32}"
    )
    line = marker_line(marker)
    assert marker_of(f"somebody\nwrote `this`\n\n{line}\nand this") == marker
    assert marker_of(f"{line}\r\n") == marker
    assert "\n" not in line
    assert line.index("-->") == len(line) - 3


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a comment",
        "> <!-- gitops-gate:summary:x:1 -->",
        "<!-- gitops-gate:summary:x:0 of=1 head=a base=b report=sha256:" + "0" * 64 + " -->",
        " <!-- gitops-gate:summary:x:1 of=1 head=a base=b report=sha256:" + "0" * 64 + " -->",
        "<!-- gitops-gate:summary:x:1 of=1 head=a base=b report=sha256:" + "0" * 64 + "",
    ],
)
def test_what_is_no_marker_is_none(body: str) -> None:
    assert marker_of(body) is None


def test_a_name_that_fits_into_no_marker_is_refused() -> None:
    with pytest.raises(ValueError, match="short check name"):
        series(DENIED, replace(GITHUB, check_name="x" * 700))


def test_a_rerun_of_the_same_has_nothing_to_write() -> None:
    (body,) = series(DENIED)
    (later,) = series(DENIED, replace(GITHUB, run_url="https://github.com/org/shop/actions/runs/9"))
    assert body != later
    assert same_comment(body, later)
    assert same_comment(body.replace("\n", "\r\n"), later.rstrip())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("denied until", "allowed although"),
        ("runs/101", "runs/101/attempts/evil"),
        ("https://github.com/org/shop/actions", "https://evil.example/org/shop/actions"),
        (HEAD, BASE),
    ],
)
def test_an_edited_comment_is_written_again(old: str, new: str) -> None:
    (body,) = series(DENIED)
    assert old in body
    assert not same_comment(body.replace(old, new), body)


def test_the_same_input_gives_the_same_bytes_in_whatever_order_it_comes() -> None:
    tools = dict(reversed(list(DENIED.tools.items())))
    assert series(replace(DENIED, tools=tools)) == series(DENIED)


# -- the tired reviewer -----------------------------------------------------------------------


def test_the_answer_is_the_first_line_and_the_numbers_are_the_next() -> None:
    first, blank, second, *_ = series(DENIED)[0].split("\n")
    assert first == "### ❌ gitops-gate: denied until 2 findings are fixed"
    assert blank == ""
    assert "3 of 4 applications affected" in second


def test_a_finding_is_linked_to_its_source_line() -> None:
    path = "apps/a b/#?[x](y)%.yaml"
    finding = replace(UNPINNED, location=Location(path=path, line=12, exact=True))
    for context, render in ((GITHUB, github_html), (GITLAB, gitlab_html)):
        page, _ = parse(render(series(replace(DENIED, findings=(finding,)), context)[0]))
        (link,) = [e for e in page.elements("a") if e.text == f"{path}:12"]
        encoded = "apps/a%20b/%23%3F%5Bx%5D%28y%29%25.yaml#L12"
        assert link.attributes["href"] == f"{context.blob_url}/{encoded}"


@pytest.mark.parametrize("path", ["../../settings", "a//b", "/etc/passwd", "a/./b", "a\ud800"])
def test_a_path_that_leads_elsewhere_is_not_linked(path: str) -> None:
    assert source_link(GITHUB.blob_url, Location(path=path, line=1)) is None


def test_a_place_that_is_only_near_says_so() -> None:
    finding = replace(UNPINNED, location=Location(path="a.yaml", line=3, exact=False))
    assert "near a.yaml:3" in shown(series(replace(DENIED, findings=(finding,)))[0])


def test_a_report_that_the_change_itself_made_is_loudly_a_claim() -> None:
    body = series(DENIED, replace(GITHUB, information=True))[0]
    assert body.startswith("### ℹ️ gitops-gate: information only. This report claims: denied")
    assert "❌ gitops-gate" not in body
    assert "Nobody vouches for this report." in body
    page, _ = parse(github_html(body))
    assert UNPINNED.documentation not in {e.attributes["href"] for e in page.elements("a")}


def test_advice_has_no_red_cross() -> None:
    body = series(replace(DENIED, mode="advisory"))[0]
    assert body.startswith("### ℹ️ gitops-gate: advice: 2 findings to look at")
    assert "❌" not in body


def test_notes_about_the_forge_are_shown() -> None:
    context = replace(GITHUB, notes=("this token may not write a commit status @all",))
    assert "this token may not write a commit status @all" in shown(series(DENIED, context)[0])


def test_a_finding_with_a_comment_on_its_line_says_so() -> None:
    (body,) = series(DENIED, replace(GITHUB, inline=frozenset({UNPINNED.fingerprint})))
    rows = [row.text for row in parse(github_html(body))[0].elements("tr")]
    assert [("on its line" in row) for row in rows if "❌" in row[:5]] == [False, True, False]


def test_what_could_not_be_evaluated_comes_before_what_was_found() -> None:
    text = shown(series(INDETERMINATE)[0])
    assert text.index("clusters/staging/shop could not be evaluated") < text.index("must be fixed")
    assert "no resource changes as far as could be rendered" in text


def test_that_approvals_are_not_evaluated_is_said_once() -> None:
    assert shown(series(DENIED)[0]).count("pprovals") == 1


def test_what_a_reviewer_must_not_miss_comes_first_and_labels_last() -> None:
    titles = [e.text for e in parse(github_html(series(DENIED)[0]))[0].elements("summary")]
    assert "data loss" in titles[0]
    assert "metadata.labels.team" in titles[-2]
    assert "coverage" in titles[-1]


def test_a_fold_says_which_fields_change() -> None:
    titles = [e.text for e in parse(github_html(series(DENIED)[0]))[0].elements("summary")]
    assert any("spec.replicas 3 → 5" in title for title in titles)


# -- more than fits ---------------------------------------------------------------------------


def test_what_does_not_fit_goes_to_further_parts_and_the_first_says_so() -> None:
    bodies = series(HUGE)
    assert 1 < len(bodies) <= MOST_PARTS
    markers = [marker_of(body) for body in bodies]
    assert [m and (m.part, m.parts) for m in markers] == [
        (number, len(bodies)) for number in range(1, len(bodies) + 1)
    ]
    assert "of this comment" in bodies[0]
    assert all("❌ gitops-gate: denied" in body.split("\n")[0] for body in bodies)


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_blocking_finding_and_every_resource_is_named_somewhere(
    context: ReviewContext,
) -> None:
    text = "\n".join(shown(body) for body in series(HUGE, context))
    for finding in HUGE.findings:
        if finding.severity is Severity.ERROR:
            assert finding.message in text
    for change in HUGE.changes:
        assert f"/{change.resource.name}" in text


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1_500), st.integers(0, 1_500), st.integers(0, 800), st.integers(10_000, 70_000)
)
def test_nothing_is_lost_without_a_count(
    findings: int, changes: int, applications: int, limit: int
) -> None:
    report = wide(findings, changes, applications)
    bodies = comment_series(report, GITHUB, limit)
    assert len(bodies) <= MOST_PARTS
    assert all(len(body) <= limit for body in bodies)
    text = "\n".join(bodies)
    for total, pattern, noun in (
        (findings, r"(?m)^\| ❌ \|", "finding"),
        (applications, r"(?m)^\| production \|", "application"),
        (changes, r"(?m)^(?:<details><summary>|- ).* changes Deployment", "change"),
    ):
        assert len(re.findall(pattern, text)) + only_in_report(bodies[0], noun) == total, noun


def only_in_report(body: str, noun: str) -> int:
    pattern = rf"_[^_\n]*?\b{noun}s?\b[^_\n]*_"
    found = 0
    for note in re.findall(pattern, body):
        for count in re.findall(r"([\d,]+)[^;,]* only in the full report", note):
            found += int(count.replace(",", ""))
    return found


def test_a_limit_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        comment_series(DENIED, GITHUB, 2_000)


@pytest.mark.slow
def test_a_change_to_everything_takes_little_time() -> None:
    import time

    report = wide(10_000, 5_000, 2_000)
    start = time.process_time()
    assert len(series(report)) == MOST_PARTS
    assert time.process_time() - start < 5


def test_a_huge_diff_is_cut_and_the_rest_is_counted() -> None:
    lines = "".join(f"+line {number}\n" for number in range(5_000))
    report = replace(DENIED, changes=(replace(SCALED, diff=lines, omitted=7),))
    text = shown(series(report)[0])
    (left,) = re.findall(r"([\d,]+) lines or fields left out\.", text)
    assert len(re.findall(r"(?m)^\+line", text)) + int(left.replace(",", "")) == 5_007


def test_a_value_on_one_long_line_is_cut_to_what_differs() -> None:
    words = " ".join(random.Random(4).choices(["alpha", "beta", "gamma"], k=5_000))
    diff = f"@@ -1,2 +1,2 @@\n-a\n-{words} old{words}\n+a2\n+{words} new{words}\n {words}\n"
    text = shown(series(replace(DENIED, changes=(replace(SCALED, diff=diff),)))[0])
    (old,) = [line for line in text.split("\n") if re.match(r"-\w+ .*…", line)]
    (new,) = [line for line in text.split("\n") if re.match(r"\+\w+ .*…", line)]
    assert " old" in old
    assert " new" in new
    assert max(len(line) for line in text.split("\n")) < 1_000
    assert "3 long lines cut to what differs" in text


def test_a_script_in_a_value_is_diffed_by_line_and_only_named_in_the_summary() -> None:
    base, head = "set -e\nold\n", "set -e\nnew\n"
    field = FieldChange(path=("data", "run.sh"), base=base, head=head)
    diff = "@@ -1,3 +1,3 @@\n   run.sh: |\n     set -e\n-    old\n+    new\n"
    report = replace(DENIED, changes=(replace(SCALED, fields=(field,), diff=diff),))
    titles = [e.text for e in parse(github_html(series(report)[0]))[0].elements("summary")]
    assert titles[0].endswith('data["run.sh"]')
    assert "-    old\n+    new" in shown(series(report)[0])
