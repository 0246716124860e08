"""What a GitHub runner takes from a job's output: annotations, and a summary of the step.

The runner reads every line of a job's output. One that starts with `::name …::`, or has
`##[name …]` anywhere, is a command to it: an annotation, but also a changed path or a new mask.
Here each line is one command of ours, in which nothing that came from a repository is left that
the runner could read as the end of a value or of the line.

It shows ten errors, ten warnings and ten notices of a step, fifty annotations of a job, and cuts a
message at 4,096 characters; so the worst come first, and the last line says how many are
elsewhere.

Sources: `ActionCommand.cs`, `ActionCommandManager.cs` and `ExecutionContext.cs` of
https://github.com/actions/runner and
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gitops_gate.findings import Location
from gitops_gate.reports import render_report
from gitops_gate.reports.approvals import todo
from gitops_gate.reports.escaping import markdown_code, one_line, visible
from gitops_gate.reports.grouping import FindingGroup, Overview
from gitops_gate.reports.judged import judged_places
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.wording import answer, plural
from gitops_gate.verdict.values import Report, Verdict

MOST_OF_A_KIND = 10
"""Errors, and warnings, of one step that the forge shows."""
SUMMARY_BYTES = 1024 * 1024
"""What the file `$GITHUB_STEP_SUMMARY` of one step may hold; a larger one is not shown at all."""

_LONGEST_MESSAGE = 3_000
_LONGEST_TITLE = 200
_LONGEST_NAME = 200
_MOST_NAMED = 5
_BREAK = "\u2060"

Level = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Annotation:
    level: Level
    title: str
    message: str
    location: Location | None = None


def write(report: Report, _: ReportOptions | None = None) -> str:
    """Workflow commands, a line each: errors, warnings, what approvals are missing, the verdict.

    Errors are what blocks and why nothing could be decided; warnings what the change introduces
    besides. In advisory mode there are warnings alone. What the base has too is only counted.
    """
    overview = Overview(report=judged_places(report))
    found = list(_annotations(overview))
    errors = [each for each in found if each.level == "error"]
    warnings = [each for each in found if each.level == "warning"]
    shown = [*errors[:MOST_OF_A_KIND], *warnings[:MOST_OF_A_KIND]]
    last = _last(overview, len(found) - len(shown))
    return "".join(f"{_command(each)}\n" for each in (*shown, *_approvals(report), last))


def job_summary(
    report: Report,
    options: ReportOptions | None = None,
    *,
    used: int = 0,
    artifact: str | None = None,
) -> str:
    """Markdown to be appended to `$GITHUB_STEP_SUMMARY`: what the summary comment says.

    `used` is how many bytes the file has already; `artifact` the name of the artifact with the
    full report. What is too large for the file is answered by the verdict alone, and by nothing
    where not even that has room.
    """
    named = markdown_code(artifact, 200) if artifact else ""
    note = f"\n_The full report is the artifact {named} of this run._\n" if named else ""
    heading = f"### gitops-gate: {answer(Overview(report=report))}\n\n"
    whole = render_report(report, "markdown", options=options or ReportOptions())
    for text in (whole, f"{heading}_The report is too large for this page._\n"):
        if used + len((text + note).encode()) <= SUMMARY_BYTES:
            return text + note
    return ""


def _annotations(overview: Overview) -> Iterator[_Annotation]:
    level: Level = "warning" if overview.advisory else "error"
    for reason in overview.report.reasons:
        if reason.verdict is Verdict.INDETERMINATE:
            yield _Annotation(
                level=level, title="gitops-gate could not decide", message=reason.message
            )
    for group in overview.blocking:
        yield _of_group(group, level)
    for group in sorted(overview.noted, key=lambda group: group.finding.severity.rank):
        yield _of_group(group, "warning")


def _approvals(report: Report) -> Iterator[_Annotation]:
    """One notice about all that is missing: nothing of it is wrong with the change."""
    lines = todo(report.approvals) if report.approvals is not None else []
    if lines:
        message = "\n".join(f"{each.name}: {each.text}" for each in lines)
        yield _Annotation(level="notice", title="gitops-gate approvals", message=message)


def _of_group(group: FindingGroup, level: Level) -> _Annotation:
    finding = group.finding
    title = f"{finding.rule}: {finding.resource}" if finding.resource else finding.rule
    parts = [finding.message, finding.remediation or ""]
    if finding.suggestion:
        parts.append(f"Try: {finding.suggestion}")
    if group.applications:
        parts.append(f"In {_listed(group.applications)}.")
    return _Annotation(
        level=level,
        title=title,
        message="\n".join(part for part in parts if part),
        location=finding.location,
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(one_line(name, _LONGEST_NAME) for name in names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} and {plural(rest, 'more application')}" if rest > 0 else shown


def _last(overview: Overview, elsewhere: int) -> _Annotation:
    parts = [answer(overview)]
    if elsewhere:
        parts.append(f"{plural(elsewhere, 'more annotation')} in the full report")
    if overview.older_count:
        parts.append(f"{plural(overview.older_count, 'older finding')} not shown here")
    if overview.waived:
        waived = sum(group.count for group in overview.waived)
        parts.append(f"{plural(waived, 'waived finding')} not shown here")
    return _Annotation(level="notice", title="gitops-gate", message="; ".join(parts))


def _command(annotation: _Annotation) -> str:
    values = []
    place = annotation.location
    if place is not None and place.path:
        values.append(f"file={_value(visible(place.path))}")
        if place.line > 0:
            values.append(f"line={place.line}")
            values += [f"col={place.column}"] if place.column > 0 else []
    title = one_line(annotation.title.strip() or "gitops-gate", _LONGEST_TITLE)
    values.append(f"title={_value(title)}")
    message = annotation.message
    shown = visible(message[:_LONGEST_MESSAGE]) + ("…" if len(message) > _LONGEST_MESSAGE else "")
    return f"::{annotation.level} {','.join(values)}::{_data(shown)}"


def _data(text: str) -> str:
    """Text as the runner's `UnescapeData` reads it back, without the older form of a command."""
    text = text.replace("##[", f"##{_BREAK}[")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    """A property's value as the runner's `UnescapeProperty` reads it back."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
