"""What one inline comment says, and that nothing in it can be more than words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.findings import Finding, Severity
from gitops_gate.reports.grouping import FindingGroup
from gitops_gate.reports.inline import (
    comment_body,
    fingerprint_of,
    gone_body,
    marker,
    repeated_body,
)
from gitops_gate.reports.review_context import ReviewContext
from tests.unit.reports.report_samples import UNKNOWN_FIELD, UNPINNED
from tests.unit.reports.report_strategies import findings, texts

Golden = Callable[[str, str], None]
SOURCE = "kind: Deployment\nspec:\n  replica: 3\n"


def context(forge: Literal["github", "gitlab"] = "github", name: str = "gate") -> ReviewContext:
    return ReviewContext(
        forge=forge, head="1" * 40, base="2" * 40, base_ref="refs/heads/main", check_name=name
    )


def group(finding: Finding, *applications: str, blocking: bool = True) -> FindingGroup:
    return FindingGroup(
        finding=finding, members=(finding,), applications=applications, blocking=blocking
    )


MISSPELT = replace(UNKNOWN_FIELD, suggestion="replicas:")


def test_a_comment_reads_like_this(golden: Golden) -> None:
    many = [f"clusters/{name}/cache" for name in ("a", "b", "c", "d", "e", "f", "g", "h")]
    near = replace(UNPINNED, location=replace(UNPINNED.location, exact=False))  # type: ignore[type-var]
    warning = replace(UNPINNED, message="Another matter.", severity=Severity.WARNING)
    golden("inline-one.md", comment_body([group(UNPINNED, many[0])], context()) + "\n")
    golden(
        "inline-many.md",
        comment_body([group(near, *many), group(warning, many[1], blocking=False)], context())
        + "\n",
    )
    golden(
        "inline-suggestion.md",
        comment_body([group(MISSPELT, "shop")], context("gitlab"), SOURCE, 3) + "\n",
    )
    golden("inline-gone.md", gone_body("a" * 64, "gate") + "\n")


def test_without_a_certain_line_the_value_is_only_named() -> None:
    body = comment_body([group(MISSPELT, "shop")], context(), SOURCE, 2)
    assert "```" not in body
    assert "Try `replicas:`" in body


def test_findings_that_want_different_things_get_no_suggestion() -> None:
    other = replace(MISSPELT, suggestion="revisions:", message="Another.")
    body = comment_body([group(MISSPELT, "shop"), group(other, "shop")], context(), SOURCE, 3)
    assert "```" not in body


@pytest.mark.parametrize("name", ["gate", "a b", "x-->y", "é:z", "a--b", "%"])
def test_the_marker_is_found_by_its_own_check_alone(name: str) -> None:
    for body in (
        comment_body([group(UNPINNED)], context(name=name)),
        gone_body("a" * 64, name),
        repeated_body("a" * 64, name),
        "\n" + marker("a" * 64, name) + "\r\nmore",
    ):
        assert fingerprint_of(body, name) == "a" * 64
        assert fingerprint_of(body, name + "x") is None
        assert fingerprint_of("see " + body, name) is None
        html = cmarkgfm.github_flavored_markdown_to_html(marker("a" * 64, name))
        assert html.count("-->") <= 1


@given(
    found=st.lists(findings, min_size=1, max_size=3),
    names=st.lists(texts, max_size=3),
    name=texts.filter(bool).filter(lambda text: all(not "\ud800" <= c <= "\udfff" for c in text)),
    forge=st.sampled_from(["github", "gitlab"]),
)
def test_hostile_findings_stay_words(
    found: list[Finding], names: list[str], name: str, forge: Literal["github", "gitlab"]
) -> None:
    marked = [replace(finding, fingerprint="c" * 64) for finding in found]
    groups = [group(finding, *names) for finding in marked]
    body = comment_body(groups, context(forge, name), "a: b\n", 1)
    lines = body.split("\n")
    assert fingerprint_of(body, name) == "c" * 64
    assert lines[0].count("-->") == 1
    assert not any(line.lstrip().startswith(("/", "```", "~~~")) for line in lines)
    assert body.encode("utf-8").isascii() or body.isprintable() or "\n" in body
    html = cmarkgfm.github_flavored_markdown_to_html("\n".join(lines[1:]))
    assert "<script" not in html
    assert "<img" not in html
