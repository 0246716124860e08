"""Whatever is in a repository, the summary comment holds only our own links, HTML and headings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.escaping import fenced, markdown, markdown_code, markdown_sentence
from gitops_gate.reports.markdown import BUDGET
from gitops_gate.verdict.values import Report, RulesEffect, Status
from tests.unit.reports.report_samples import DENIED, SAMPLES, SCALED, UNPINNED
from tests.unit.reports.report_strategies import reports, texts

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OWN_HTML = re.compile(r"(?:</?(?:details|summary|b|code|sub)>|<br>)")
DOCUMENTATION = UNPINNED.documentation
REFERENCE = re.compile(
    r"(?<![\w/])@\w|(?<!&)#\d|\bGH-\d|(?<!\w)!\d|[a-z]://|www\.|mailto:|xmpp:", re.IGNORECASE
)


def comment(report: Report) -> str:
    return render_report(report, "markdown", options=ReportOptions(all=True))


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def assert_only_ours(text: str, pages: Collection[str | None] = ()) -> None:
    """No link but to the `pages` of rules, no image, heading or HTML but ours, no reference."""
    headings = 0
    for token in tokens(text):
        headings += token.type == "heading_open"
        assert token.type not in {
            "image",
            "blockquote_open",
            "hr",
            "ordered_list_open",
            "code_block",
        }
        assert token.type != "link_open" or token.attrs["href"] in pages
        if token.type in {"html_block", "html_inline"}:
            foreign = OWN_HTML.sub("", token.content)
            assert "<" not in foreign, token.content
            assert ">" not in foreign, token.content
        if token.type in {"text", "html_block"}:
            assert not REFERENCE.search(token.content), token.content
    assert headings == 1
    assert PARSER.parse(text)[0].type == "heading_open"


@settings(max_examples=60)
@given(reports())
def test_no_report_gets_anything_of_its_own_into_the_comment(report: Report) -> None:
    assert_only_ours(comment(report), {finding.documentation for finding in report.findings})


@settings(max_examples=60)
@given(reports())
def test_folds_are_closed_and_no_line_begins_with_a_command(report: Report) -> None:
    text = comment(report)
    html = [token.content for token in tokens(text) if token.type.startswith("html_")]
    assert sum(part.count("<details>") for part in html) == sum(
        part.count("</details>") for part in html
    )
    assert not [line for line in text.split("\n") if line.startswith("/")]
    assert len(text) <= BUDGET


@given(texts)
@example("@org/team #1 https://x.example www.x.example GH-1 a@b.example")
@example("[a](b) <b> `c` **d** | e \\")
@example("# not a heading")
def test_words_are_words(text: str) -> None:
    (paragraph, *rest) = [t for t in PARSER.parse(f"x {markdown(text)}") if t.type == "inline"]
    assert not rest
    assert {child.type for child in paragraph.children or ()} <= {"text", "text_special"}
    shown = "".join(child.content for child in paragraph.children or ())
    assert not REFERENCE.search(shown)


@given(texts)
@example("`")
@example("a`|`b")
@example("\\")
def test_code_stays_in_one_cell_of_a_table(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {markdown_code(text)} | {markdown(text)} |\n"
    cells = [token for token in PARSER.parse(table) if token.type == "td_open"]
    assert len(cells) == 2
    assert_cells_hold_no_link(table)


def assert_cells_hold_no_link(table: str) -> None:
    for token in tokens(table):
        assert token.type not in {"link_open", "image"}
        if token.type == "html_inline":
            assert token.content in {"<code>", "</code>"}


@given(st.lists(texts, max_size=4))
def test_a_fence_holds_what_is_in_it(lines: list[str]) -> None:
    flat = [
        part for line in lines for part in re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", line)
    ]
    parsed = PARSER.parse("\n".join(fenced(flat, "diff")))
    assert [token.type for token in parsed] == ["fence"]


def test_a_message_of_several_lines_is_one() -> None:
    assert markdown_sentence("first\n  second") == "first second"


def test_a_huge_change_fits_and_says_what_does_not() -> None:
    changes = tuple(
        replace(SCALED, application=f"app-{number}", diff=f"@@ -1 +1 @@\n-{number}\n+{'x' * 400}\n")
        for number in range(3_000)
    )
    findings = tuple(
        replace(UNPINNED, message=f"finding {number} @team", application=f"app-{number}")
        for number in range(3_000)
    )
    text = comment(replace(DENIED, changes=changes, findings=findings))
    assert len(text) <= BUDGET
    assert re.search(r"_The diff of [\d,]+ more changes are in the full report", text)
    assert re.search(r"_[\d,]+ more findings are in the full report", text)


@pytest.mark.slow
@pytest.mark.parametrize("grows", ["<|@", "\U000e0001", "@a", "\n"])
def test_texts_that_grow_when_they_are_escaped_fit_all_the_same(grows: str) -> None:
    long = grows * 2_000
    finding = replace(
        UNPINNED, documentation=None, rule=long, message=long, remediation=long, application=long
    )
    outcome = replace(DENIED.applications[0], name=long, status=Status.FAILED, reason=long)
    effect = RulesEffect(changed=(long,) * 20, newly_denied=(finding,) * 50, error=f"{long}\n" * 50)
    text = comment(
        replace(
            DENIED,
            reasons=tuple(replace(DENIED.reasons[0], code="x", message=long) for _ in range(50)),
            findings=(finding, *(replace(finding, message=f"{n}{long}") for n in range(50))),
            applications=tuple(replace(outcome, environment=f"{n}{long}") for n in range(50)),
            changes=(replace(SCALED, application=long, diff=f"{long}\n" * 2_000),) * 3,
            rules_effect=effect,
            warnings=(long,) * 50,
        )
    )
    assert len(text) <= BUDGET
    assert_only_ours(text)
    assert "| ❌ |" in text


def test_documentation_is_linked_where_it_is_a_plain_address() -> None:
    links = [t.attrs["href"] for t in tokens(comment(DENIED)) if t.type == "link_open"]
    assert set(links) == {DOCUMENTATION}


def test_the_answer_is_the_first_line() -> None:
    first = {name: comment(report).split("\n")[0] for name, report in SAMPLES.items()}
    assert first["denied"] == "### ❌ gitops-gate: denied until 2 findings are fixed"
    assert first["allowed"] == "### ✅ gitops-gate: allowed"
    assert first["indeterminate"].startswith("### ❓ gitops-gate: could not be decided")
    assert first["advisory"] == "### ℹ️ gitops-gate: advice: 2 findings to look at"
