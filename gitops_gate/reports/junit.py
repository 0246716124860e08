"""The report as JUnit XML, for GitLab, Jenkins and whatever else shows test results.

    testsuite gitops-gate       one case: could it be decided at all?
    testsuite (approvals)       one case for each requirement and freeze
    testsuite (repository)      findings that belong to no application
    testsuite <application>     one case for its evaluation, one for each rule and resource

A case fails for a finding that blocks or an approval that is missing, and has an error where
nothing could be evaluated. One that a waiver accepts is skipped; any other finding leaves the case
passed and is its output. In advisory mode nothing fails: what would is skipped. An application
that the change does not affect was not evaluated, and has no suite.

Both readers take the first failure of a case and the first case of a name, so there is one of
each. GitLab reads the XML as Ruby on Rails does, to which a `type` such as `yaml` means something;
it and Jenkins attach files that a text names by `[[ATTACHMENT|…]]`. It takes 30 MB.

Sources: https://docs.gitlab.com/ci/testing/unit_test_reports/ and the schema of Jenkins' xunit
plug-in (`junit-4.xsd`)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gitops_gate.findings import Finding
from gitops_gate.reports.approvals import Branch, branches
from gitops_gate.reports.escaping import one_line, visible
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.judged import judged_places
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.wording import answer, place, plural
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status, Verdict

MOST_BYTES = 28_000_000
"""What all cases may take, a little less than GitLab's limit of a file."""

_REPOSITORY = "(repository)"
_APPROVALS = "(approvals)"
_LONGEST_NAME = 400
_LONGEST_MESSAGE = 1_000
_LONGEST_TEXT = 8_000
_ATTACHMENT = re.compile(r"\[\[(?=ATTACHMENT)", re.IGNORECASE)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_RANKS = {"error": 0, "failure": 1, "passed": 2, "skipped": 3}

Outcome = Literal["error", "failure", "skipped", "passed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    suite: str
    name: str
    outcome: Outcome
    message: str = ""
    text: str = ""
    kind: str = "error"


def write(report: Report, _: ReportOptions | None = None) -> str:
    """JUnit XML with one suite for each application that was evaluated."""
    report = judged_places(report)
    cases = _named_once([*_approvals(report), *_evaluations(report), *_findings(report)])
    shown, left = _fitting(cases)
    decision = _decision(report, left)
    suites: dict[str, list[_Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, [])
    for case in shown:
        suites[case.suite].append(case)
    everything = [decision, *shown]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="gitops-gate" {_counts(everything, skipped=False)}>')
    lines += _suite("gitops-gate", [decision])
    for name in sorted(suites):
        lines += _suite(name, suites[name])
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _decision(report: Report, left: int) -> _Case:
    overview = Overview(report=report)
    undecided = [r.message for r in report.reasons if r.verdict is Verdict.INDETERMINATE]
    lines = [answer(overview), *(f"because {message}" for message in undecided)]
    if left:
        verb = "is" if left == 1 else "are"
        lines.append(f"{plural(left, 'case')} {verb} left out: a file may not be larger")
    return _Case(
        suite="gitops-gate",
        name="decision",
        outcome=_unless_advisory("error", report) if undecided else "passed",
        message=lines[0],
        text="\n".join(lines),
        kind="undecided",
    )


def _approvals(report: Report) -> Iterable[_Case]:
    """A case for each requirement and freeze; one fails for as long as something is missing."""
    for branch in branches(report.approvals) if report.approvals is not None else ():
        if branch.name:
            missing = branch.mark == "missing"
            yield _Case(
                suite=_APPROVALS,
                name=branch.name,
                outcome=_unless_advisory("failure", report) if missing else "passed",
                message=branch.text,
                text="\n".join(_outline(branch)),
                kind="approval",
            )


def _outline(branch: Branch, depth: int = 0) -> Iterable[str]:
    yield f"{'  ' * depth}{branch.name}{': ' if branch.name else ''}{branch.text}"
    for inner in branch.inner:
        yield from _outline(inner, depth + 1)


def _evaluations(report: Report) -> Iterable[_Case]:
    for each in report.applications:
        if each.status is Status.RENDERED:
            yield _Case(suite=each.name, name="evaluation", outcome="passed")
        elif each.status is Status.FAILED or each.affected:
            yield _not_evaluated(each, report)


def _not_evaluated(application: ApplicationOutcome, report: Report) -> _Case:
    return _Case(
        suite=application.name,
        name="evaluation",
        outcome=_unless_advisory("error", report),
        message="the application could not be evaluated",
        text=application.reason or "no reason is known",
        kind="failed",
    )


def _findings(report: Report) -> Iterable[_Case]:
    """One case for each rule and resource of an application, in the order of the report."""
    members: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        suite = _REPOSITORY if finding.application is None else finding.application
        where = str(finding.resource) if finding.resource is not None else place(finding)
        name = f"{finding.rule}: {where}" if where else finding.rule
        members.setdefault((suite, name), []).append(finding)
    for (suite, name), found in members.items():
        worst = min(found, key=lambda finding: _RANKS[_outcome(finding, report)])
        yield _Case(
            suite=suite,
            name=name,
            outcome=_outcome(worst, report),
            message=worst.message,
            text="\n\n".join(_about(finding) for finding in found),
            kind=worst.severity.value,
        )


def _outcome(finding: Finding, report: Report) -> Outcome:
    if finding.waiver is not None:
        return "skipped"
    return _unless_advisory("failure", report) if blocks(finding, report.gate) else "passed"


def _unless_advisory(outcome: Outcome, report: Report) -> Outcome:
    return "skipped" if report.mode == "advisory" else outcome


def _about(finding: Finding) -> str:
    lines = [place(finding), f"{finding.severity}: {finding.message}"]
    lines += [finding.remediation] if finding.remediation else []
    lines += [f"Try: {finding.suggestion}"] if finding.suggestion else []
    lines += [] if finding.introduced else ["The base has it too."]
    waiver = finding.waiver
    if waiver is not None:
        lines.append(f"Waived until {waiver.expires} by {waiver.owner}: {waiver.reason}")
    lines += [finding.documentation] if finding.documentation else []
    return "\n".join(line for line in lines if line)


# --------------------------------------------------------------------------------------- XML


def _named_once(cases: Sequence[_Case]) -> list[_Case]:
    """The cases under names as they will be shown, each different from the others of its suite."""
    seen = {("gitops-gate", "decision"): 1}
    named = []
    for case in cases:
        suite = one_line(case.suite, _LONGEST_NAME)
        name = shown = one_line(case.name, _LONGEST_NAME)
        while (suite, shown) in seen:
            seen[suite, name] += 1
            shown = f"{name} ({seen[suite, name]})"
        seen[suite, shown] = 1
        named.append(replace(case, suite=suite, name=shown))
    return named


def _fitting(cases: Sequence[_Case]) -> tuple[list[_Case], int]:
    """The cases that a file has room for, the worst taken first, and how many are left out."""
    room = MOST_BYTES
    kept: set[int] = set()
    for index in sorted(range(len(cases)), key=lambda index: _RANKS[cases[index].outcome]):
        room -= len("\n".join(_case(cases[index])).encode()) + 1
        if room < 0:
            break
        kept.add(index)
    return [case for index, case in enumerate(cases) if index in kept], len(cases) - len(kept)


def _suite(name: str, cases: Sequence[_Case]) -> list[str]:
    lines = [f'  <testsuite name="{_attribute(name)}" {_counts(cases)}>']
    for case in cases:
        lines += _case(case)
    return [*lines, "  </testsuite>"]


def _case(case: _Case) -> list[str]:
    suite = _attribute(case.suite)
    start = f'    <testcase classname="{suite}" name="{_attribute(case.name)}"'
    text = _content(case.text)
    if case.outcome == "passed":
        inner = f"<system-out>{text}</system-out>" if text else ""
    elif case.outcome == "skipped":
        inner = f"<skipped>{text}</skipped>"
    else:
        message = _attribute(case.message, _LONGEST_MESSAGE)
        inner = f'<{case.outcome} type="{case.kind}" message="{message}">{text}</{case.outcome}>'
    return [f"{start}>", f"      {inner}", "    </testcase>"] if inner else [f"{start}/>"]


def _counts(cases: Sequence[_Case], *, skipped: bool = True) -> str:
    outcomes = [case.outcome for case in cases]
    counts = {
        "tests": len(cases),
        "failures": outcomes.count("failure"),
        "errors": outcomes.count("error"),
    }
    counts |= {"skipped": outcomes.count("skipped")} if skipped else {}
    return " ".join(f'{name}="{count}"' for name, count in counts.items())


def _attribute(text: str, limit: int | None = None) -> str:
    return _ATTACHMENT.sub("[\u2060[", one_line(text, limit)).translate(_ESCAPES)


def _content(text: str) -> str:
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
    return _ATTACHMENT.sub("[\u2060[", visible(shown)).translate(_ESCAPES)
