"""Approvals in the Markdown report: what is missing in sight, the whole tree folded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gitops_gate.reports.approvals import (
    Branch,
    Mark,
    Tree,
    branches,
    of_application,
    overridden,
    summary,
    todo,
)
from gitops_gate.reports.escaping import markdown, markdown_sentence
from gitops_gate.reports.markdown_pages import Section

_SIGNS: dict[Mark, str] = {
    "met": "✅",
    "missing": "⏳",
    "refused": "🚫",
    "overridden": "⚠️",
    "note": "▫️",
}
_LONGEST_TEXT = 400
_LONGEST_NAME = 120
_LONGEST_CELL = 160
_MOST_INNER = 12
_MOST_IN_CELL = 3


def approval_sections(tree: Tree | None) -> list[Section]:
    """An override, loudly; who must do what next; and the tree of everything, folded."""
    if tree is None:
        return []
    lines = list(_in_sight(tree))
    every = branches(tree)
    title = f"Approvals in detail: {markdown(summary(tree))}"
    return [
        Section(
            noun="more missing approval",
            count=len(lines),
            row=lambda at: lines[at],
            title="Approvals, continued",
            share=0.1,
        ),
        Section(
            noun="more approval rule",
            count=len(every),
            row=cache(lambda at: "\n".join(_lines(every[at], 0))),
            title="Who must approve and who did, continued",
            before=f"<details><summary>{title}</summary>\n\n",
            after="\n\n</details>",
            share=0.12,
        ),
    ]


def _in_sight(tree: Tree) -> Iterator[str]:
    if overridden(tree):
        yield "- ⚠️ **An override lets this change through** in spite of what is missing."
        for attempt in tree["override"]["attempts"] if tree["override"] else ():
            if attempt["refusal"] is None:
                who = markdown_sentence(attempt["account"]["login"], _LONGEST_NAME)
                why = markdown_sentence(attempt["reason"], _LONGEST_TEXT)
                yield f"- ⚠️ overridden by <b>{who}</b>: {why}"
    for each in todo(tree):
        name = markdown_sentence(each.name, _LONGEST_NAME)
        yield f"- ⏳ <b>{name}</b>: {markdown_sentence(each.text, _LONGEST_TEXT)}"


def _lines(branch: Branch, depth: int) -> Iterator[str]:
    name = f"<b>{markdown_sentence(branch.name, _LONGEST_NAME)}</b>: " if branch.name else ""
    text = markdown_sentence(branch.text, _LONGEST_TEXT)
    yield f"{'  ' * depth}- {_SIGNS[branch.mark]} {name}{text}"
    for inner in branch.inner[:_MOST_INNER]:
        yield from _lines(inner, depth + 1)
    rest = len(branch.inner) - _MOST_INNER
    if rest > 0:
        yield f"{'  ' * (depth + 1)}- and {rest:,} more in the full report"


def approval_cell(tree: Tree | None, application: str) -> str:
    """What is asked for because of an application, for its row in the table."""
    if tree is None:
        return ""
    found = of_application(tree, application)
    shown = [
        f"{_SIGNS[mark]}\u00a0{markdown_sentence(text, _LONGEST_CELL)}"
        for mark, text in found[:_MOST_IN_CELL]
    ]
    rest = len(found) - _MOST_IN_CELL
    return "<br>".join([*shown, *([f"and {rest:,} more"] if rest > 0 else [])])
