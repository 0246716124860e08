"""The report as SARIF 2.1.0, for code scanning: one run, one result for each finding.

Every result has a place: its line where one is known, else its file, else the folder of its
application. What cannot be a result (a failed application, a reason why nothing could be decided,
results beyond what GitHub takes) is a notification of the invocation.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html and, for GitHub's
limits, https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
"""

from __future__ import annotations

import re
import urllib.parse
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate import __version__
from gitops_gate.findings import Finding, Location
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.json_text import json_text
from gitops_gate.reports.judged import judged_places
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.sarif_rules import descriptors
from gitops_gate.reports.wording import answer, plural
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status, Verdict

MOST_RESULTS = 25_000
"""What GitHub takes in one run; it shows the first 5,000 of them."""
MOST_BYTES = 10_000_000
"""What GitHub takes as one log, compressed by gzip."""
FINGERPRINT = "gitopsGateFinding/v1"
"""The key of our fingerprint. GitHub's own, `primaryLocationLineHash`, needs the sources."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_NOWHERE = ".gitops-gate.yaml"
_LONGEST_TEXT = 4_000
_LONGEST_NAME = 1_000
_SURROGATE = re.compile("[\ud800-\udfff]")


def write(report: Report, _: ReportOptions | None = None) -> str:
    """A SARIF log of at most what GitHub takes, the worst findings first."""
    report = judged_places(report)
    findings = sorted(report.findings, key=lambda finding: _order(finding, report))
    shown = findings[:MOST_RESULTS]
    while True:
        text = json_text(_log(report, shown, len(findings)), 4, {"tool": 2, "invocations": 1})
        size = _compressed(text)
        if size <= MOST_BYTES or not shown:
            return text
        shown = shown[: min(len(shown) - 1, len(shown) * MOST_BYTES * 9 // (size * 10))]


def _order(finding: Finding, report: Report) -> tuple[bool, bool, bool]:
    return (finding.waiver is not None, not blocks(finding, report.gate), not finding.introduced)


def _compressed(text: str) -> int:
    """How large the log is when it is uploaded, or a little more."""
    data = text.encode()
    return len(data) if len(data) < MOST_BYTES else len(zlib.compress(data, 1)) + 32


def _log(report: Report, shown: Sequence[Finding], total: int) -> dict[str, Any]:
    rules = descriptors(shown)
    indexes = {rule["id"]: index for index, rule in enumerate(rules)}
    places = {outcome.name: outcome for outcome in report.applications}
    judged = any(finding.waiver for finding in shown)
    run = {
        "tool": {
            "driver": {
                "name": "gitops-gate",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": rules,
            }
        },
        "automationDetails": {"id": "gitops-gate/"},
        "invocations": [_invocation(report, total - len(shown))],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "properties": {
            "verdict": report.verdict.value,
            "base": report.base,
            "head": report.head,
            "mode": report.mode,
            "rulesDigest": report.configuration.get("digest"),
        },
        "results": [
            _result(finding, report, places, indexes[finding.rule], judged=judged)
            for finding in shown
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


# ----------------------------------------------------------------------------------- results


def _result(
    finding: Finding,
    report: Report,
    places: Mapping[str, ApplicationOutcome],
    index: int,
    *,
    judged: bool,
) -> dict[str, Any]:
    application = places.get(finding.application) if finding.application is not None else None
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": _message(finding)},
        "locations": [_location(finding, application, report.excerpts)],
    }
    if application is not None and finding.location is not None:
        place = {"physicalLocation": _file(application.path)}
        result["relatedLocations"] = [
            {"id": 1, **place, "message": {"text": _text(f"application {application.name}")}}
        ]
    if finding.fingerprint:
        result["partialFingerprints"] = {FINGERPRINT: finding.fingerprint}
    if report.base is not None:
        result["baselineState"] = "new" if finding.introduced else "unchanged"
    if judged:
        result["suppressions"] = _suppressions(finding)
    if finding.location is not None:
        result["properties"] = {"exact": finding.location.exact}
    return result


def _message(finding: Finding) -> str:
    lines = [finding.message.strip() or finding.rule]
    where = [str(finding.resource)] if finding.resource is not None else []
    where += [f"application {finding.application}"] if finding.application is not None else []
    lines += [f"In {', '.join(where)}."] if where else []
    lines += [f"Try: {finding.suggestion}"] if finding.suggestion else []
    return "\n".join(_text(line) for line in lines)


def _location(
    finding: Finding, application: ApplicationOutcome | None, excerpts: Mapping[str, str]
) -> dict[str, Any]:
    if finding.location is not None:
        place = _file(finding.location.path)
        if finding.location.line > 0:
            place["region"] = _region(finding.location, excerpts)
    else:
        place = _file(application.path if application is not None else _NOWHERE)
    logical = _logical(finding)
    return {"physicalLocation": place, **({"logicalLocations": logical} if logical else {})}


def _file(path: str) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(path), "uriBaseId": _ROOT}}


def _uri(path: str) -> str:
    """A path below the root as a relative reference: it leads nowhere else, whatever it holds."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    raw = "/".join(parts).encode("utf-8", "surrogateescape" if _is_bytes(path) else "replace")
    return urllib.parse.quote(raw, safe="/") or "."


def _is_bytes(path: str) -> bool:
    """Whether its surrogates are the bytes of a file name that is not UTF-8."""
    return all(0xDC80 <= ord(found) <= 0xDCFF for found in _SURROGATE.findall(path))


def _region(location: Location, excerpts: Mapping[str, str]) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": location.line}
    if location.column > 0:
        region["startColumn"] = location.column
    excerpt = excerpts.get(f"{location.path}:{location.line}")
    if excerpt is not None:
        region["snippet"] = {"text": visible(excerpt)}
    return region


def _logical(finding: Finding) -> list[dict[str, Any]]:
    """The resource and the application, as places that are no files."""
    places: list[dict[str, Any]] = []
    resource, application = finding.resource, finding.application
    if resource is not None:
        parts = [application, resource.kind, resource.namespace, resource.name]
        name = "/".join(part for part in parts if part)
        places.append({"name": _name(resource.name), "fullyQualifiedName": _name(name)})
        places[-1]["kind"] = "resource"
    if application is not None:
        name = _name(application)
        places.append({"name": name, "fullyQualifiedName": name, "kind": "module"})
    return places


def _suppressions(finding: Finding) -> list[dict[str, Any]]:
    waiver = finding.waiver
    if waiver is None:
        return []
    reason = f"{waiver.reason} ({waiver.owner}, until {waiver.expires.isoformat()})"
    return [{"kind": "external", "status": "accepted", "justification": _text(reason)}]


# -------------------------------------------------------------------------------- invocation


def _invocation(report: Report, omitted: int) -> dict[str, Any]:
    failed = [each for each in report.applications if each.status is Status.FAILED]
    notes = [
        _note(reason.code, "error", reason.message)
        for reason in report.reasons
        if reason.verdict is Verdict.INDETERMINATE
    ]
    notes += [
        _note(reason.code, "note", reason.message)
        for reason in report.reasons
        if reason.verdict is Verdict.PENDING
    ]
    notes += [
        {
            **_note("application_failed", "error", f"{each.name}: {each.reason or 'no reason'}"),
            "locations": [{"physicalLocation": _file(each.path)}],
        }
        for each in failed
    ]
    notes += [_note("warning", "warning", warning) for warning in report.warnings]
    if omitted:
        verb = "was" if omitted == 1 else "were"
        text = f"{plural(omitted, 'finding')} {verb} left out: a log may not be larger"
        notes.append(_note("results_omitted", "warning", text))
    return {
        "executionSuccessful": report.verdict is not Verdict.INDETERMINATE and not failed,
        "exitCode": report.verdict.exit_code,
        "exitCodeDescription": answer(Overview(report=report)),
        "toolExecutionNotifications": notes,
    }


def _note(code: str, level: str, message: str) -> dict[str, Any]:
    return {"descriptor": {"id": code}, "level": level, "message": {"text": _text(message)}}


def _text(text: str) -> str:
    """Plain text in which no part is a link: SARIF makes one of `[text](address)`."""
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
    return visible(shown).replace("](", "]\u2060(") or "–"


def _name(text: str) -> str:
    return visible(text[:_LONGEST_NAME]) or "–"
