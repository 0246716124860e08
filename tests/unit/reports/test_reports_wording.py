"""The phrases that all formats share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.changes.values import FieldChange
from gitops_gate.findings import FieldPath
from gitops_gate.reports.grouping import Overview, group_changes, is_minor
from gitops_gate.reports.links import safe_link
from gitops_gate.reports.wording import answer, comparison, field_text, numbers, path_text
from gitops_gate.verdict.values import Verdict
from tests.unit.reports.report_samples import (
    CLAIM_GONE,
    DENIED,
    LABELLED,
    MEMORY,
    SCALED,
    SCANNED,
    UNPINNED,
)

IMAGE = ("spec", "template", "spec", "containers", "[name=web]", "image")


@pytest.mark.parametrize(
    ("path", "base", "head", "shown"),
    [
        (("spec", "replicas"), 3, 5, "spec.replicas 3 → 5"),
        (IMAGE, "r/web:1.0.1", "r/web:1.1.0", "containers[name=web].image 1.0.1 → 1.1.0"),
        (IMAGE, "r/web:1", "s/web:1", "containers[name=web].image r/web:1 → s/web:1"),
        (IMAGE, "r:5000/a", "r:5000/b", "containers[name=web].image r:5000/a → r:5000/b"),
        (("data", "a.b"), None, "", 'adds data["a.b"] ""'),
        (("data", "on"), "x", None, "removes data.on x"),
        (("spec", "on"), "true", True, 'spec.on "true" → true'),
        (("data", "port"), "80", "http", 'data.port "80" → http'),
        (("args",), ["a"], ["a", "b"], 'args ["a"] → ["a", "b"]'),
    ],
)
def test_a_changed_field_reads_as_people_write_it(
    path: FieldPath, base: Any, head: Any, shown: str
) -> None:
    assert field_text(FieldChange(path=path, base=base, head=head)) == shown


def test_a_difference_at_the_end_of_a_long_value_is_shown() -> None:
    field = FieldChange(path=("data", "x"), base="v" * 500 + "one", head="v" * 500 + "two")
    assert field_text(field).endswith("vone → …" + "v" * 16 + "two")


def test_a_name_that_is_no_word_is_quoted() -> None:
    assert path_text(("metadata", "annotations", "a/b", 0)) == 'metadata.annotations["a/b"][0]'


@pytest.mark.parametrize(
    ("verdict", "enforced", "advised"),
    [
        (Verdict.ALLOW, "allowed", "advice: nothing found that would block"),
        (Verdict.DENY, "denied until 2 findings are fixed", "advice: 2 findings to look at"),
        (Verdict.PENDING, "pending, approvals are missing", "advice: approvals are missing"),
        (
            Verdict.INDETERMINATE,
            "could not be decided, so it is not allowed",
            "advice: not everything could be evaluated",
        ),
    ],
)
def test_every_verdict_has_its_words(verdict: Verdict, enforced: str, advised: str) -> None:
    report = replace(DENIED, verdict=verdict)
    assert answer(Overview(report=report)) == enforced
    assert answer(Overview(report=replace(report, mode="advisory"))) == advised


def test_numbers_say_how_large_a_change_is() -> None:
    assert numbers(Overview(report=DENIED)) == [
        "3 errors, 1 warning introduced (3 distinct)",
        "3 of 4 applications affected",
        "5 resources change (~4 −1)",
    ]
    assert numbers(Overview(report=SCANNED)) == ["2 errors", "4 applications, 23 resources"]


def test_commits_are_short_and_a_worktree_has_a_name() -> None:
    assert comparison(DENIED) == "4f1c2aa…91b07e3"
    assert comparison(replace(DENIED, head=None)) == "4f1c2aa…working tree"
    assert comparison(SCANNED) == "scanned the files as they are"


def test_a_change_of_a_shared_base_is_one_whatever_the_namespace() -> None:
    elsewhere = replace(
        SCALED, application="b", resource=replace(SCALED.resource, namespace="other")
    )
    (group,) = group_changes([SCALED, elsewhere])
    assert group.applications == (SCALED.application, "b")
    assert group.name == "Deployment web"


def test_changes_that_are_not_shown_whole_are_not_called_the_same() -> None:
    cut = replace(SCALED, omitted=3)
    assert len(group_changes([cut, replace(cut, application="b")])) == 2


def test_labels_and_definitions_are_minor_unless_they_are_a_risk() -> None:
    assert [is_minor(change) for change in (LABELLED, SCALED, MEMORY, CLAIM_GONE)] == [
        True,
        False,
        False,
        False,
    ]
    assert not is_minor(replace(LABELLED, risk=("selector-changed",)))


@pytest.mark.parametrize(
    "address",
    [
        "http://docs.example.com",
        "javascript:alert(1)",
        "https://user@docs.example.com",
        "https://docs.example.com/a b",
        'https://docs.example.com/">',
        "https://docs.example.com/" + "x" * 600,
        None,
    ],
)
def test_only_plain_addresses_are_linked(address: str | None) -> None:
    assert safe_link(address) is None
    assert safe_link(UNPINNED.documentation) == UNPINNED.documentation
