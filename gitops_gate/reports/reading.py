"""A JSON report, back as the value that it was written from; whoever wrote it is not trusted.

The privileged half of a review takes the report of a job that ran without privileges. Everything
in it is checked against the published schema before it is a `Report`: names, enumerations, sizes,
and that its verdict is not milder than its reasons. Texts stay as they are, since every format
escapes what it shows. Keys that a later version may have added are ignored.

    bytes ──read_report──> Report ──report_digest──> sha256:…, which one job hands to another
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.config.settings import GateSettings
from gitops_gate.errors import ConfigurationError
from gitops_gate.findings import FieldPath, Finding, Location, Severity, WaiverUse
from gitops_gate.reports import json_report
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.report_schema import known_approvals, open_validator
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import (
    ApplicationOutcome,
    Coverage,
    Reason,
    Report,
    RulesEffect,
    Sides,
    Status,
    Verdict,
)

MAXIMUM_BYTES = 64 * 1024 * 1024
"""How large a report may be."""
MAXIMUM_DEPTH = 120
"""How deep lists and mappings in it may be nested; manifests themselves may be 100 deep."""

_LARGEST_COUNT = 2**53 - 1
_LONGEST_PROBLEM = 400
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_report(data: bytes, *, path: str | None = None) -> Report:
    """The report that `data` holds, as `--format json` writes it.

    `path` is the file that it came from, for the message. Raises `ConfigurationError` with the
    place of what is wrong: no JSON, too large or too deep, a key twice, a number that JSON does
    not have, anything that the schema does not allow, or a verdict that contradicts the rest.
    """
    try:
        value = _parsed(data)
        _bounded(value)
        _validated(value)
        report = _report(value)
        _sound(report)
    except ConfigurationError as error:
        message = f"not a report that can be used: {error.message}"
        raise ConfigurationError(message, path=path, line=error.line, column=error.column) from None
    return report


def report_digest(report: Report) -> str:
    """`sha256:` and the digest of the bytes that `--format json` writes for this report."""
    return f"sha256:{hashlib.sha256(json_report.write(report).encode()).hexdigest()}"


# ------------------------------------------------------------------------------------- JSON


def _parsed(data: bytes) -> Any:
    if len(data) > MAXIMUM_BYTES:
        raise ConfigurationError(
            f"it is too large: {MAXIMUM_BYTES:,} bytes is the most that is read"
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("it is not UTF-8", line=line) from None
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_constant=_no_number, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg}"
        raise ConfigurationError(message, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise ConfigurationError(_too_deep("")) from None
    except ValueError:
        raise ConfigurationError("it holds a number of too many digits") from None
    if _SURROGATE_ESCAPE.search(text):
        _refuse_surrogates(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ConfigurationError(f"the key {one_line(json.dumps(twice), 80)} is there twice")
    return members


def _no_number(name: str) -> Any:
    raise ConfigurationError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ConfigurationError(f"{one_line(text, 40)} is too large a number")
    return number


def _bounded(value: Any) -> None:
    """Refuse what is nested too deep, without recursion of our own."""
    level = [value]
    for _ in range(MAXIMUM_DEPTH):
        inner: list[Any] = []
        for member in level:
            if type(member) is dict:
                inner += member.values()
            elif type(member) is list:
                inner += member
        if not inner:
            return
        level = inner
    raise ConfigurationError(_too_deep(f" than {MAXIMUM_DEPTH} levels"))


def _too_deep(than: str) -> str:
    return f"lists and mappings in it are nested deeper{than or ' than is read'}"


def _refuse_surrogates(value: Any) -> None:
    waiting = [value]
    while waiting:
        member = waiting.pop()
        if type(member) is dict:
            waiting += member.keys()
            waiting += member.values()
        elif type(member) is list:
            waiting += member
        elif type(member) is str and _SURROGATE.search(member):
            raise ConfigurationError("a text in it has half of a surrogate pair")


# ----------------------------------------------------------------------------------- schema


def _validated(value: Any) -> None:
    problem = next(iter(open_validator().iter_errors(value)), None)
    if problem is None:
        return
    place = _place(problem.instance_path)
    message = one_line(problem.message, _LONGEST_PROBLEM)
    raise ConfigurationError(f"{place}: {message}" if place else message)


def _place(path: Sequence[str | int]) -> str:
    """`findings[3].severity`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return one_line(text.removeprefix("."), 200)


# ----------------------------------------------------------------------------------- values


def _report(value: Mapping[str, Any]) -> Report:
    gate = value["gate"]
    effect = value["rules_effect"]
    return Report(
        verdict=Verdict(value["verdict"]),
        reasons=tuple(_reason(each) for each in value["reasons"]),
        base=value["base"],
        head=value["head"],
        applications=tuple(_application(each) for each in value["applications"]),
        changes=tuple(_change(each) for each in value["changes"]),
        findings=tuple(_finding(each) for each in value["findings"]),
        coverage=_coverage(value["coverage"]),
        approvals=value["approvals"] and known_approvals(value["approvals"]),
        rules_effect=effect and _rules_effect(effect),
        configuration={
            key: value["configuration"][key]
            for key in ("source", "digest")
            if key in value["configuration"]
        },
        tools=value["tools"],
        warnings=tuple(value["warnings"]),
        mode=value["mode"],
        gate=GateSettings(
            mode=gate["mode"], fail_on=Severity(gate["fail_on"]), scope=gate["scope"]
        ),
        excerpts=value["excerpts"],
    )


def _reason(value: Mapping[str, Any]) -> Reason:
    name, message = value["code"], value["message"]
    return Reason(code=name, message=message, verdict=Verdict(value["verdict"]))


def _application(value: Mapping[str, Any]) -> ApplicationOutcome:
    digest, resources = value["digest"], value["resources"]
    return ApplicationOutcome(
        name=value["name"],
        path=value["path"],
        renderer=value["renderer"],
        environment=value["environment"],
        status=Status(value["status"]),
        affected=value["affected"],
        reason=value["reason"],
        digest=Sides(base=digest["base"], head=digest["head"]),
        resources=Sides(base=_count(resources["base"]), head=_count(resources["head"])),
        moved_from=value["moved_from"],
    )


def _change(value: Mapping[str, Any]) -> ResourceChange:
    return ResourceChange(
        application=value["application"],
        operation=Operation(value["operation"]),
        resource=_reference(value["resource"]),
        previous=value["previous"] and _reference(value["previous"]),
        risk=tuple(value["risk"]),
        fields=tuple(
            FieldChange(path=_path(each["path"]), base=each["base"], head=each["head"])
            for each in value["fields"]
        ),
        diff=value["diff"],
        redacted=_count(value["redacted"]),
        omitted=_count(value["omitted"]),
    )


def _finding(value: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=value["rule"],
        severity=Severity(value["severity"]),
        message=value["message"],
        application=value["application"],
        resource=value["resource"] and _reference(value["resource"]),
        field=_path(value["field"]),
        location=value["location"] and _location(value["location"]),
        introduced=value["introduced"],
        waiver=value["waiver"] and _waiver(value["waiver"]),
        remediation=value["remediation"],
        suggestion=value["suggestion"],
        documentation=value["documentation"],
        fingerprint=value["fingerprint"],
    )


def _location(value: Mapping[str, Any]) -> Location:
    return Location(
        path=value["path"],
        line=_count(value["line"]),
        column=_count(value["column"]),
        exact=value["exact"],
    )


def _waiver(value: Mapping[str, Any]) -> WaiverUse:
    text = value["expires"]
    try:
        expires = datetime.date.fromisoformat(text)
    except ValueError:
        expires = None
    if expires is None or expires.isoformat() != text:
        raise ConfigurationError(f"a waiver expires on {one_line(text, 40)}, which is no date")
    return WaiverUse(
        rule=value["rule"], reason=value["reason"], owner=value["owner"], expires=expires
    )


def _coverage(value: Mapping[str, Any]) -> Coverage:
    applications, resources, rules = value["applications"], value["resources"], value["rules"]
    return Coverage(
        applications_found=_count(applications["found"]),
        applications_affected=_count(applications["affected"]),
        applications_rendered=_count(applications["rendered"]),
        applications_failed=_count(applications["failed"]),
        resources_seen=_count(resources["seen"]),
        schema_checked=_count(resources["schema_checked"]),
        schema_missing=_count(resources["schema_missing"]),
        policy_checked=_count(resources["policy_checked"]),
        rules_loaded=_count(rules["loaded"]),
        rules_evaluated=_count(rules["evaluated"]),
        not_understood=tuple(
            {"path": each["path"], "reason": each["reason"]} for each in value["not_understood"]
        ),
        unclaimed=_count(value["unclaimed"]),
        redacted=_count(value["redacted"]),
        omitted=_count(value["omitted"]),
    )


def _rules_effect(value: Mapping[str, Any]) -> RulesEffect:
    return RulesEffect(
        changed=tuple(value["changed"]),
        newly_denied=tuple(_finding(each) for each in value["newly_denied"]),
        no_longer_denied=tuple(_finding(each) for each in value["no_longer_denied"]),
        error=value["error"],
    )


def _reference(value: Mapping[str, Any]) -> ResourceReference:
    return ResourceReference(
        api_version=value["apiVersion"],
        kind=value["kind"],
        namespace=value["namespace"],
        name=value["name"],
    )


def _path(value: Sequence[str | float]) -> FieldPath:
    return tuple(part if isinstance(part, str) else _count(part) for part in value)


def _count(value: float) -> int:
    """A whole number; JSON Schema lets `1.0` be one too."""
    if not -_LARGEST_COUNT <= value <= _LARGEST_COUNT:
        raise ConfigurationError("a count, line or index in it is too large a number")
    return int(value)


# --------------------------------------------------------------------------------- soundness


def _sound(report: Report) -> None:
    """Refuse a verdict that is milder than what the report itself says."""
    if report.reasons[0].verdict is not report.verdict:
        raise ConfigurationError(
            f"its verdict is {report.verdict}, and its first reason leads to "
            f"{report.reasons[0].verdict}"
        )
    if report.verdict not in (Verdict.ALLOW, Verdict.PENDING):
        return
    worse = [each for each in report.reasons if each.verdict not in (Verdict.ALLOW, report.verdict)]
    against = [f"the reason {one_line(reason.code, 60)}" for reason in worse]
    against += ["a finding that blocks" for each in report.findings if blocks(each, report.gate)]
    against += [
        f"the application {one_line(each.name, 120)}, which was not evaluated"
        for each in report.applications
        if each.status is Status.FAILED or (each.affected and each.status is Status.UNCHANGED)
    ]
    if report.verdict is Verdict.ALLOW and report.approvals and not report.approvals["satisfied"]:
        against.append("approvals that are missing")
    if against:
        raise ConfigurationError(f"its verdict is {report.verdict} in spite of {against[0]}")
