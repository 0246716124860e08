"""Whatever is in a repository, the Markdown report is ours: text stays text, in every part."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.escaping import (
    fenced,
    markdown,
    markdown_code,
    markdown_sentence,
    one_line,
)
from gitops_gate.reports.links import quiet_link
from gitops_gate.reports.markdown import BUDGET
from gitops_gate.verdict.values import Report, RulesEffect, Status
from tests.unit.reports.forge_markdown import FORGES, parse
from tests.unit.reports.injection import (
    assert_harmless,
    assert_no_reference,
    plain_twin,
    settled,
    skeleton,
)
from tests.unit.reports.report_samples import DENIED, SAMPLES, SCALED, UNPINNED
from tests.unit.reports.report_strategies import reports, texts

forges = pytest.mark.parametrize("forge", FORGES)


def written(report: Report) -> str:
    return render_report(report, "markdown", options=ReportOptions(all=True))


def documentation(report: Report) -> set[str]:
    return {link for f in report.findings if (link := quiet_link(f.documentation)) is not None}


@settings(max_examples=80)
@given(reports())
def test_no_report_gets_anything_of_its_own_into_the_page(report: Report) -> None:
    text = written(report)
    assert_harmless(text, documentation(report))
    assert len(text) <= BUDGET


@settings(max_examples=80)
@given(reports())
def test_the_elements_are_those_of_a_report_of_plain_words(report: Report) -> None:
    report = settled(report)
    text, twin = written(report), written(plain_twin(report))
    for render in FORGES.values():
        assert skeleton(render(text)) == skeleton(render(twin))


@forges
@given(text=texts)
@example(text="@org/team #1 https://x.example www.x.example GH-1 a@b.example")
@example(text="[a](b) <b> `c` **d** | e \\")
@example(text="# not a heading")
def test_words_are_words(forge: str, text: str) -> None:
    shown = one_line(text)
    for source in (f"x {markdown(text)}", f"| a |\n|---|\n| x {markdown(text)} |"):
        page, _ = parse(FORGES[forge](source))
        assert not page.elements("a", "img", "code", "em", "strong", "del", "math", "input")
        assert page.text.replace("a\n", "").split() == f"x {shown}".split() or "\n" in page.text
        for path, node in page.walk():
            if isinstance(node, str):
                assert_no_reference(node, "/".join(path))
    page, _ = parse(FORGES[forge](f"x {markdown(text)}"))
    assert page.text.split() == f"x {shown}".split()


@forges
@given(text=texts)
@example(text="`")
@example(text="a`|`b")
@example(text="\\")
def test_code_is_what_it_was_and_stays_in_one_cell(forge: str, text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {markdown_code(text)} | {markdown(text)} |\n"
    page, _ = parse(FORGES[forge](table))
    cells = page.elements("td")
    assert len(cells) == 2
    assert [cell.text.split() for cell in cells] == [one_line(text).split()] * 2
    assert not page.elements("a", "img", "em", "strong", "input")
    assert len(cells[0].elements("code")) == 1


@forges
@given(lines=st.lists(texts, max_size=4))
def test_a_fence_holds_what_is_in_it(forge: str, lines: list[str]) -> None:
    flat = [part for line in lines for part in one_line(line).split("\\n")]
    page, _ = parse(FORGES[forge]("\n".join(fenced(flat, "diff"))))
    assert [child.tag for child in page.elements("pre", "p", "h1", "ul", "a")] == ["pre"]
    shown = page.text.split("\n")[: len(flat)]
    assert [line.strip() for line in shown] == [line.strip() for line in flat]


def test_a_message_of_several_lines_is_one() -> None:
    assert markdown_sentence("first\n  second") == "first second"


@forges
def test_what_people_copy_has_nothing_hidden_in_it(forge: str) -> None:
    image = "registry.example.com/shop/web:1.9.0@sha256:" + "4f1c2aa0" * 8
    page, _ = parse(FORGES[forge](f"{markdown_code(image)} {markdown_code('a_b*c')}"))
    texts_in_code = [node for path, node in page.walk() if isinstance(node, str) and "code" in path]
    assert texts_in_code == [image, "a_b*c"]


def test_a_huge_change_fits_and_says_what_does_not() -> None:
    changes = tuple(
        replace(SCALED, application=f"app-{number}", diff=f"@@ -1 +1 @@\n-{number}\n+{'x' * 400}\n")
        for number in range(3_000)
    )
    findings = tuple(
        replace(UNPINNED, message=f"finding {number} @team", application=f"app-{number}")
        for number in range(3_000)
    )
    text = written(replace(DENIED, changes=changes, findings=findings))
    assert len(text) <= BUDGET
    shown = len(re.findall(r"^\| ❌ ", text, re.MULTILINE))
    (left,) = re.findall(r"_([\d,]+) more findings only in the full report\._", text)
    assert shown + int(left.replace(",", "")) == 3_000
    named = len(re.findall(r"^- .* changes Deployment|<summary>.* changes Deployment", text, re.M))
    (left,) = re.findall(r"_([\d,]+) changes only in the full report\._", text)
    assert named + int(left.replace(",", "")) == 3_000


@pytest.mark.slow
@pytest.mark.parametrize("grows", ["<|@", "\U000e0001", "@a", "\n", "$a", "[[", "/"])
def test_texts_that_grow_when_they_are_escaped_fit_all_the_same(grows: str) -> None:
    long = grows * 2_000
    finding = replace(
        UNPINNED, documentation=None, rule=long, message=long, remediation=long, application=long
    )
    outcome = replace(DENIED.applications[0], name=long, status=Status.FAILED, reason=long)
    effect = RulesEffect(changed=(long,) * 20, newly_denied=(finding,) * 50, error=f"{long}\n" * 50)
    text = written(
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
    assert_harmless(text)
    assert "| ❌ |" in text


def links(report: Report) -> Iterable[str | None]:
    page, _ = parse(FORGES["github"](written(report)))
    return [element.attributes["href"] for element in page.elements("a")]


def test_documentation_is_linked_where_it_is_a_plain_address() -> None:
    assert set(links(DENIED)) == {UNPINNED.documentation}


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/org/repo/issues/7",
        "https://gitlab.example/g/p/-/merge_requests/7/diffs",
        "https://github.com/org/repo/commit/4f1c2aa0",
        "javascript:alert(1)",
    ],
)
def test_nothing_is_linked_that_a_forge_would_tell_somebody_of(address: str) -> None:
    report = replace(DENIED, findings=(replace(UNPINNED, documentation=address),))
    assert list(links(report)) == []


def test_the_answer_is_the_first_line() -> None:
    first = {name: written(report).split("\n")[0] for name, report in SAMPLES.items()}
    assert first["denied"] == "### ❌ gitops-gate: denied until 2 findings are fixed"
    assert first["allowed"] == "### ✅ gitops-gate: allowed"
    assert first["indeterminate"].startswith("### ❓ gitops-gate: could not be decided")
    assert first["advisory"] == "### ℹ️ gitops-gate: advice: 2 findings to look at"
