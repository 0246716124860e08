"""The tree of approvals for a terminal: in the report, and alone for `gitops-gate approvals`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops_gate.reports.approvals import SIGNS, Branch, Mark, Tree, branches, summary
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.lines import Line, Span, paint, wrapped

_STYLES: dict[Mark, str] = {
    "met": "allow",
    "missing": "error",
    "refused": "error",
    "overridden": "warning",
    "note": "dim",
}
_LONGEST_TEXT = 2_000
_MARGIN = "  "


def approvals_text(tree: Tree, *, width: int, color: bool) -> str:
    """The whole answer of `gitops-gate approvals`, ending in a newline."""
    return paint(approval_lines(tree, width), color=color)


def approval_lines(tree: Tree | None, width: int) -> Iterator[Line]:
    """What is missing, and the tree; nothing where approvals were not evaluated."""
    if tree is None:
        return
    style = "allow" if tree["satisfied"] else "pending"
    if any(reason["verdict"] == "indeterminate" for reason in tree["reasons"]):
        style = "indeterminate"
    yield ((f"{_MARGIN}approvals  ", "strong"), (summary(tree), style))
    for branch in branches(tree):
        yield from _branch(branch, width, f"{_MARGIN}  ", f"{_MARGIN}  ")
    yield ()


def _branch(branch: Branch, width: int, lead: str, indent: str) -> Iterator[Line]:
    first: list[Span] = [(lead, "dim"), (f"{SIGNS[branch.mark]} ", _STYLES[branch.mark])]
    spans: list[Span] = []
    if branch.name:
        spans.append((f"{one_line(branch.name, 200)}: ", "strong"))
    spans.append((one_line(branch.text, _LONGEST_TEXT), ""))
    yield from wrapped(spans, width, first=first, indent=len(indent) + 2)
    yield from _inner(branch.inner, width, indent)


def _inner(inner: Sequence[Branch], width: int, indent: str) -> Iterator[Line]:
    for at, branch in enumerate(inner):
        last = at == len(inner) - 1
        edge, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _branch(branch, width, f"{indent}{edge}", f"{indent}{below}")
