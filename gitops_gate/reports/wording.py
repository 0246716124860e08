"""The sentences that all formats share: verdict, numbers, coverage, values; nothing is escaped yet.

A format passes what comes from here through its own escaping, since names and values of the
repository are inside.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.findings import FieldPath, Finding, Severity
from gitops_gate.reports import approvals
from gitops_gate.reports.grouping import Overview
from gitops_gate.verdict.values import Reason, Report, RulesEffect, Verdict

OPERATION_SIGNS: Mapping[Operation, str] = {
    Operation.ADDED: "+",
    Operation.MODIFIED: "~",
    Operation.REMOVED: "−",
}
GRAVE_RISKS = frozenset(
    {
        "admission-changed",
        "api-group-changed",
        "cluster-admin",
        "crd-removed",
        "crd-version-removed",
        "data-loss",
        "delivery-source",
        "exposure",
        "immutable-field",
        "namespace-changed",
        "namespace-removed",
        "network-policy-removed",
        "rbac-widened",
        "replicas-zero",
        "selector-changed",
    }
)
"""Labels that a reviewer must not miss; the others say what kind of change it is."""

_LONGEST_VALUE = 10_000
_LONGEST_NUMBER = 40
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+")
_PLAIN_VALUE = re.compile(r"[^\s\"'{}\[\],#&*!|>%@`](?:[^\n\"{}\[\],]*[^\s\"{}\[\],])?")
_OTHER_TYPE = re.compile(
    r"(?i)true|false|yes|no|on|off|y|n|null|~|[-+]?(?:0[xo])?[\d_]*\.?[\d_]+(?:e[-+]?\d+)?"
)
"""Texts that need quotes to be told from a boolean, a number or nothing."""


def plural(number: int, noun: str) -> str:
    """`1 error`, `2 errors`, `1,204 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def answer(overview: Overview) -> str:
    """The verdict in words: the first thing that anybody reads."""
    verdict, tree = overview.report.verdict, overview.report.approvals
    missing = "approvals are missing"
    if tree is not None:
        missing = approvals.standing(tree) or missing
    todo = plural(len(overview.blocking), "finding")
    if overview.advisory:
        return {
            Verdict.ALLOW: "advice: nothing found that would block",
            Verdict.DENY: f"advice: {todo} to look at",
            Verdict.PENDING: f"advice: {missing}",
            Verdict.INDETERMINATE: "advice: not everything could be evaluated",
        }[verdict]
    if verdict is Verdict.DENY and overview.blocking:
        verb = "is" if len(overview.blocking) == 1 else "are"
        return f"denied until {todo} {verb} fixed"
    if overridden(overview):
        return "allowed by an override"
    return {
        Verdict.ALLOW: "allowed",
        Verdict.DENY: "denied",
        Verdict.PENDING: f"pending, {missing}",
        Verdict.INDETERMINATE: "could not be decided, so it is not allowed",
    }[verdict]


def overridden(overview: Overview) -> bool:
    """Whether it is an override that lets the change through."""
    report = overview.report
    if report.verdict is not Verdict.ALLOW or report.approvals is None:
        return False
    return approvals.overridden(report.approvals)


def symbol(overview: Overview) -> str:
    """One character for the verdict, the same in every terminal font."""
    if overview.advisory:
        return "•"
    if overridden(overview):
        return "!"
    return {
        Verdict.ALLOW: "✓",
        Verdict.DENY: "✗",
        Verdict.PENDING: "…",
        Verdict.INDETERMINATE: "?",
    }[overview.report.verdict]


def comparison(report: Report) -> str:
    """What was looked at: `4f1c2aa…91b07e3`, or what was scanned."""
    head = "working tree" if report.head is None else short(report.head)
    if report.base is None:
        return "scanned the files as they are" if report.head is None else f"scanned {head}"
    return f"{short(report.base)}…{head}"


def short(commit: str) -> str:
    """A commit id as people quote it; other revisions as they are."""
    return commit[:7] if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit) else commit


def reason_text(reason: Reason, overview: Overview) -> str:
    """A reason's message; a scan introduces nothing, so it does not say so."""
    if overview.scanned and reason.code == "findings":
        return reason.message.replace("introduced ", "")
    return reason.message


def numbers(overview: Overview) -> list[str]:
    """The few figures that say how large this is, each a phrase."""
    coverage = overview.report.coverage
    phrases = [_found(overview)]
    found = plural(coverage.applications_found, "application")
    if overview.scanned:
        phrases.append(f"{found}, {plural(coverage.resources_seen, 'resource')}")
        return phrases
    phrases.append(f"{coverage.applications_affected:,} of {found} affected")
    total = len(overview.report.changes)
    if total:
        signs = " ".join(
            f"{OPERATION_SIGNS[operation]}{overview.operations[operation]:,}"
            for operation in (Operation.ADDED, Operation.MODIFIED, Operation.REMOVED)
            if overview.operations[operation]
        )
        phrases.append(
            f"{plural(total, 'resource')} {'changes' if total == 1 else 'change'} ({signs})"
        )
    else:
        phrases.append("no resource changes")
    if overview.report.approvals is not None:
        phrases.append(approvals.number_phrase(overview.report.approvals))
    return phrases


def _found(overview: Overview) -> str:
    counts = [
        plural(overview.introduced[severity], severity.value)
        for severity in Severity
        if overview.introduced[severity]
    ]
    tail = "" if overview.scanned else " introduced"
    distinct = sum(1 for g in overview.groups if g.finding.introduced and not g.finding.waiver)
    if not counts:
        return "no findings" if overview.scanned else "no findings introduced"
    note = f" ({distinct:,} distinct)" if distinct != overview.introduced.total() else ""
    return f"{', '.join(counts)}{tail}{note}"


def coverage_phrases(report: Report) -> list[str]:
    """What was evaluated and what was not, each a phrase; zeros only where they reassure."""
    coverage = report.coverage
    checked = f"{coverage.schema_checked:,} checked by schema, {coverage.policy_checked:,} by rules"
    phrases = [
        f"{plural(coverage.resources_seen, 'resource')}: {checked}",
        f"{coverage.rules_evaluated:,} of {plural(coverage.rules_loaded, 'rule')} applied",
    ]
    if coverage.schema_missing:
        phrases.append(f"no schema known for {coverage.schema_missing:,}")
    if coverage.applications_failed:
        phrases.append(f"{plural(coverage.applications_failed, 'application')} not rendered")
    if coverage.not_understood:
        phrases.append(f"{plural(len(coverage.not_understood), 'changed file')} not understood")
    if coverage.unclaimed:
        phrases.append(f"{plural(coverage.unclaimed, 'manifest')} in no application")
    if coverage.redacted:
        phrases.append(f"{plural(coverage.redacted, 'value')} redacted")
    omitted = coverage.omitted
    phrases.append(
        f"{plural(omitted, 'line')} or fields left out" if omitted else "nothing left out"
    )
    return phrases


def effect_sentence(effect: RulesEffect) -> str:
    """`this policy change newly denies 14 resources in 6 applications`."""
    if effect.error is not None:
        return "the rules that this change proposes do not load"
    parts = []
    if effect.newly_denied:
        parts.append(f"newly denies {_extent(effect.newly_denied)}")
    if effect.no_longer_denied:
        parts.append(f"no longer denies {_extent(effect.no_longer_denied)}")
    return f"this rule change {' and '.join(parts) or 'denies and allows the same as before'}"


def _extent(findings: Sequence[Finding]) -> str:
    resources = {(finding.application, finding.resource) for finding in findings}
    applications = {finding.application for finding in findings if finding.application is not None}
    text = plural(len(resources), "resource")
    return f"{text} in {plural(len(applications), 'application')}" if applications else text


def place(finding: Finding) -> str:
    """`apps/cache/base/redis.yaml:21:16`, as far as it is known; "" where nothing is."""
    location = finding.location
    if location is None:
        return ""
    numbers_known = [str(number) for number in (location.line, location.column) if number > 0]
    return ":".join([location.path, *(numbers_known if location.line > 0 else [])])


def path_text(path: FieldPath) -> str:
    """`spec.containers[name=web].image`; a name that is no plain word is quoted in brackets."""
    text = ""
    for element in path:
        if isinstance(element, int):
            text += f"[{element}]"
        elif element.startswith("[") and element.endswith("]"):
            text += element
        elif _PLAIN_KEY.fullmatch(element):
            text += f".{element}" if text else element
        else:
            text += f"[{json.dumps(element, ensure_ascii=False)}]"
    return text


def value_text(value: Any, limit: int = 48) -> str:
    """A value in a few characters: words as they are, everything else as JSON."""
    if isinstance(value, str) and _is_plain(value):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=list)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _is_plain(value: str) -> bool:
    if len(value) < _LONGEST_NUMBER and _OTHER_TYPE.fullmatch(value):
        return False
    return _PLAIN_VALUE.fullmatch(value) is not None


def field_text(field: FieldChange, limit: int = 48) -> str:
    """One changed field: `spec.replicas 3 → 5`, `adds …`, `removes …`."""
    path = path_text(_shortened(field.path))
    if field.base is None and field.head is not None:
        return f"adds {path} {value_text(field.head, limit)}"
    if field.head is None and field.base is not None:
        return f"removes {path} {value_text(field.base, limit)}"
    base, head = (value_text(side, _LONGEST_VALUE) for side in _what_differs(field))
    base, head = _around_difference(base, head, limit)
    return f"{path} {base} → {head}"


def field_texts(change: ResourceChange, most: int) -> Iterator[str]:
    """The first `most` changed fields of a resource, and how many more there are."""
    for field in change.fields[:most]:
        yield field_text(field)
    rest = len(change.fields) - most
    if rest > 0:
        yield f"{rest:,} more"


def risk_text(label: str) -> str:
    """A risk label as words: `data-loss` is `data loss`, `rbac-widened` is `RBAC widened`."""
    words = label.replace("-", " ")
    return re.sub(r"\b(rbac|crd|api)\b", lambda match: match.group().upper(), words)


def _around_difference(base: str, head: str, limit: int) -> tuple[str, str]:
    """Two values in at most `limit` characters each, cut so that the difference is still there."""
    pairs = zip(base, head, strict=False)
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(same - limit // 3, 0) if max(len(base), len(head)) > limit else 0
    lead = "…" if start else ""
    shown = [f"{lead}{text[start:]}" for text in (base, head)]
    one, two = (text if len(text) <= limit else f"{text[: limit - 1]}…" for text in shown)
    return one, two


def _shortened(path: FieldPath) -> FieldPath:
    """A path without the part that every pod template has."""
    for prefix in (
        ("spec", "jobTemplate", "spec", "template", "spec"),
        ("spec", "template", "spec"),
    ):
        if path[: len(prefix)] == prefix and len(path) > len(prefix):
            return path[len(prefix) :]
    return path


def _what_differs(field: FieldChange) -> tuple[Any, Any]:
    """The sides of a field; of two images, what is not the same in both."""
    base, head = field.base, field.head
    if not (field.path and field.path[-1] == "image"):
        return base, head
    if isinstance(base, str) and isinstance(head, str):
        for separator in "@:":
            one, two = base.rpartition(separator), head.rpartition(separator)
            if one[0] and one[0] == two[0] and "/" not in one[2] + two[2]:
                return one[2], two[2]
    return base, head
