"""The Markdown of one inline comment: one rule at one line, for whoever wrote that line.

The first line is a hidden marker with the check's name and the finding's fingerprint. It finds our
comment again (`fingerprint_of`) and proves nothing. What is said of a thread whose finding is gone
(`gone_body`) keeps the marker, so that it is written once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from gitops_gate.findings import Finding
from gitops_gate.reports.escaping import markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import FindingGroup
from gitops_gate.reports.links import safe_link
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.suggestions import suggestion_block
from gitops_gate.reports.wording import path_text, plural

_MARKER = re.compile(
    r"\s*<!-- gitops-gate:finding:(?P<name>[A-Za-z0-9%._~-]{1,600}):(?P<mark>[0-9a-f]{64}) -->"
)
_MOST_MESSAGES = 5
_MOST_NAMED = 6
_LONGEST_MESSAGE = 1_000


def comment_body(
    groups: Sequence[FindingGroup], context: ReviewContext, text: str = "", line: int = 0
) -> str:
    """The comment on one line about the findings of one rule there, the worst first.

    `text` is the content of the head's file and `line` the commented line in it; they are what a
    suggestion is made from. `groups` is not empty.
    """
    first = groups[0].finding
    lines = [
        marker(first.fingerprint, context.check_name),
        f"{_sign(groups)} **{_rule(first)}**",
        "",
        *_messages(groups),
    ]
    for remedy in dict.fromkeys(group.finding.remediation for group in groups):
        if remedy:
            lines += ["", markdown_sentence(remedy, _LONGEST_MESSAGE)]
    block = [] if len(_wishes(groups)) > 1 else suggestion_block(first, text, line, context.forge)
    if block:
        lines += ["", *block]
    elif first.suggestion:
        lines += ["", f"Try {markdown_code(first.suggestion, 120)}."]
    lines += ["", f"<sub>{_about(groups)}</sub>"]
    return "\n".join(lines)


def marker(fingerprint: str, check_name: str) -> str:
    """The hidden line that a comment about a finding starts with."""
    return f"<!-- gitops-gate:finding:{quote(check_name, safe='')}:{fingerprint} -->"


def fingerprint_of(body: str, check_name: str = "gitops-gate") -> str | None:
    """The fingerprint in the marker that a body starts with, if it is one of this check."""
    match = _MARKER.match(body)
    if match is None or match["name"] != quote(check_name, safe=""):
        return None
    return match["mark"]


def gone_body(fingerprint: str, check_name: str) -> str:
    """What a thread says whose finding is not reported any more, where it cannot be resolved."""
    return (
        f"{marker(fingerprint, check_name)}\n"
        "✅ **Gone.** The newest run does not report this finding any more: it is mended, "
        "waived, or no longer introduced by this change."
    )


def repeated_body(fingerprint: str, check_name: str) -> str:
    """What a thread says when another thread of ours is about the same finding."""
    return (
        f"{marker(fingerprint, check_name)}\n"
        "↪️ **Reported twice.** Another comment on this change is about the same finding."
    )


def _sign(groups: Sequence[FindingGroup]) -> str:
    return "❌" if any(group.blocking for group in groups) else "⚠️"


def _rule(finding: Finding) -> str:
    rule = markdown(finding.rule, 120)
    link = safe_link(finding.documentation)
    return f"[{rule}](<{link}>)" if link else rule


def _messages(groups: Sequence[FindingGroup]) -> list[str]:
    messages = list(dict.fromkeys(group.finding.message for group in groups))
    shown = [markdown_sentence(text, _LONGEST_MESSAGE) for text in messages[:_MOST_MESSAGES]]
    if len(messages) == 1:
        return shown
    left = len(messages) - len(shown)
    more = [f"- and {plural(left, 'more message')}, in the full report"] if left else []
    return [*(f"- {text}" for text in shown), *more]


def _wishes(groups: Sequence[FindingGroup]) -> set[tuple[str | None, object]]:
    """What the findings would have the line become."""
    return {(group.finding.suggestion, group.finding.field[-1:]) for group in groups}


def _about(groups: Sequence[FindingGroup]) -> str:
    """What is concerned, where it is deployed, and whether the line is the very one."""
    first = groups[0].finding
    parts = []
    if first.resource is not None:
        name = f"{first.resource.kind} {first.resource.name}"
        others = len({str(g.finding.resource) for g in groups} - {str(first.resource)})
        parts.append(markdown(name, 200) + (f" and {plural(others, 'other')}" if others else ""))
    if first.field:
        parts.append(markdown_code(path_text(first.field), 200))
    names = list(dict.fromkeys(name for group in groups for name in group.applications))
    if names:
        shown = ", ".join(markdown(name, 120) for name in names[:_MOST_NAMED])
        left = len(names) - _MOST_NAMED
        parts.append(
            f"in {shown}" + (f" and {plural(left, 'more application')}" if left > 0 else "")
        )
    if first.location is not None and not first.location.exact:
        parts.append("the nearest line that is known, not the very one")
    return " · ".join(parts)
