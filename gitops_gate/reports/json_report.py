"""The report as JSON: the machine-readable form, `gitops-gate/report/v1` (contract, section 5).

Two runs on the same input give the same bytes. Arrays are sorted: applications by name; changes
by application, then resource; findings by severity (errors first), introduced before older, then
rule, application, resource, field and message; reasons by the precedence of their verdict.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from gitops_gate.changes.values import ResourceChange
from gitops_gate.findings import Finding
from gitops_gate.reports.json_text import json_text
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.report_schema import known_approvals
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.values import ApplicationOutcome, Coverage, Report, RulesEffect, Sides

SCHEMA = "gitops-gate/report/v1"

_CONFIGURATION = ("source", "digest")
_SURROGATE = re.compile("[\ud800-\udfff]")


def write(report: Report, _: ReportOptions | None = None) -> str:
    """The report as JSON, a line for each key and each element of its arrays, ending in a newline.

    Thousands of applications are common, and a line each is what `grep` and `diff` can use.
    """
    return json_text(as_value(report), depth=2)


def as_value(report: Report) -> dict[str, Any]:
    """The report as JSON-like values, in the documented order of keys."""
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "reasons": [
            {
                "code": reason.code,
                "message": _text(reason.message),
                "verdict": reason.verdict.value,
            }
            for reason in report.reasons
        ],
        "base": report.base,
        "head": report.head,
        "mode": report.mode,
        "gate": {
            "mode": report.gate.mode,
            "fail_on": report.gate.fail_on.value,
            "scope": report.gate.scope,
        },
        "applications": [_application(outcome) for outcome in report.applications],
        "changes": [_change(change) for change in report.changes],
        "findings": [_finding(finding) for finding in report.findings],
        "coverage": _coverage(report.coverage),
        "approvals": report.approvals and _texts(known_approvals(report.approvals)),
        "rules_effect": _rules_effect(report.rules_effect),
        "configuration": {
            key: report.configuration[key] for key in _CONFIGURATION if key in report.configuration
        },
        "tools": dict(sorted(report.tools.items())),
        "warnings": [_text(warning) for warning in report.warnings],
        "excerpts": {_text(place): _text(line) for place, line in sorted(report.excerpts.items())},
    }


def _application(outcome: ApplicationOutcome) -> dict[str, Any]:
    return {
        "name": _text(outcome.name),
        "path": _text(outcome.path),
        "renderer": outcome.renderer,
        "environment": outcome.environment,
        "status": outcome.status.value,
        "reason": _text(outcome.reason),
        "affected": outcome.affected,
        "digest": _sides(outcome.digest),
        "resources": _sides(outcome.resources),
        "moved_from": _text(outcome.moved_from),
    }


def _change(change: ResourceChange) -> dict[str, Any]:
    return {
        "application": _text(change.application),
        "operation": change.operation.value,
        "risk": list(change.risk),
        "resource": _reference(change.resource),
        "previous": _reference(change.previous),
        "fields": [
            {"path": list(field.path), "base": field.base, "head": field.head}
            for field in change.fields
        ],
        "diff": _text(change.diff),
        "redacted": change.redacted,
        "omitted": change.omitted,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    location = finding.location
    waiver = finding.waiver
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": _text(finding.message),
        "application": _text(finding.application),
        "resource": _reference(finding.resource),
        "field": list(finding.field),
        "location": location
        and {
            "path": _text(location.path),
            "line": location.line,
            "column": location.column,
            "exact": location.exact,
        },
        "introduced": finding.introduced,
        "waiver": waiver
        and {
            "rule": waiver.rule,
            "reason": _text(waiver.reason),
            "owner": _text(waiver.owner),
            "expires": waiver.expires.isoformat(),
        },
        "remediation": _text(finding.remediation),
        "suggestion": _text(finding.suggestion),
        "documentation": finding.documentation,
        "fingerprint": finding.fingerprint,
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "applications": {
            "found": coverage.applications_found,
            "affected": coverage.applications_affected,
            "rendered": coverage.applications_rendered,
            "failed": coverage.applications_failed,
        },
        "resources": {
            "seen": coverage.resources_seen,
            "schema_checked": coverage.schema_checked,
            "schema_missing": coverage.schema_missing,
            "policy_checked": coverage.policy_checked,
        },
        "rules": {"loaded": coverage.rules_loaded, "evaluated": coverage.rules_evaluated},
        "not_understood": [
            {"path": _text(item["path"]), "reason": _text(item["reason"])}
            for item in coverage.not_understood
        ],
        "unclaimed": coverage.unclaimed,
        "redacted": coverage.redacted,
        "omitted": coverage.omitted,
    }


def _rules_effect(effect: RulesEffect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "changed": [_text(path) for path in effect.changed],
        "newly_denied": [_finding(finding) for finding in effect.newly_denied],
        "no_longer_denied": [_finding(finding) for finding in effect.no_longer_denied],
        "error": _text(effect.error),
    }


def _reference(reference: ResourceReference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    names = dataclasses.asdict(reference)
    return {
        "apiVersion": _text(names["api_version"]),
        "kind": _text(names["kind"]),
        "namespace": _text(names["namespace"]),
        "name": _text(names["name"]),
    }


def _texts(value: Any) -> Any:
    """Plain data whose texts every JSON reader takes."""
    if isinstance(value, Mapping):
        return {key: _texts(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_texts(member) for member in value]
    return _text(value) if isinstance(value, str) else value


def _sides(sides: Sides) -> Mapping[str, Any]:
    return {"base": sides.base, "head": sides.head}


def _text(value: str | None) -> str | None:
    """Text that every JSON reader takes: bytes of a name that are not UTF-8 become U+FFFD."""
    if value is None or value.isascii():
        return value
    return _SURROGATE.sub("\ufffd", value)
