"""A pipeline of one's own: judge a change, pick out what matters to each team, say it in the words
of the house, keep the reports, and end with the verdict.

    python house_gate.py REPOSITORY TARGET HEAD --reports FOLDER

Everything that it uses is public (docs/library.md), and the tests run it.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import gitops_gate
from gitops_gate import Finding, Report, ResourceChange, Severity, Verdict

TEAMS: Mapping[str, str] = {
    "apps/shop": "#team-shop",
    "apps/": "#team-web",
    "charts/": "#team-chat",
}
"""Who hears about an application: the first beginning of its path that fits."""

PENDING = Verdict.PENDING.exit_code


def main(words: Sequence[str] | None = None) -> int:
    """Judge, report and decide. The exit code is the verdict's, and never a milder one."""
    parser = argparse.ArgumentParser(description="The gate of our house.")
    parser.add_argument("repository")
    parser.add_argument("target")
    parser.add_argument("head")
    parser.add_argument("--reports", type=Path, default=Path("gate"))
    arguments = parser.parse_args(words)
    try:
        report = gitops_gate.judge(arguments.repository, base=arguments.target, head=arguments.head)
    except gitops_gate.GitOpsGateError as error:
        print(f"nothing was decided: {error}", file=sys.stderr)
        return Verdict.INDETERMINATE.exit_code
    arguments.reports.mkdir(parents=True, exist_ok=True)
    for name, file in {"json": "report.json", "sarif": "gate.sarif", "junit": "gate.xml"}.items():
        text = gitops_gate.render_report(report, name)
        (arguments.reports / file).write_text(text, "utf-8")
    for line in messages(report):
        print(plain(line))
    return decision(report)


def messages(report: Report) -> Iterable[str]:
    """Our own reporter: a headline, and for each team what of it is blocked."""
    yield f"{report.verdict.value}: {'; '.join(reason.message for reason in report.reasons)}"
    by_team: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        new = finding.introduced and finding.waiver is None
        if new and finding.severity is Severity.ERROR:
            by_team[team(finding.application or "")].append(finding)
    for name, findings in sorted(by_team.items()):
        yield f"{name}: {len(findings)} to mend"
        for one in findings:
            place = f"{one.location.path}:{one.location.line}" if one.location else "somewhere"
            yield f"  {place} {one.rule}: {one.message}"
    for change in lost_data(report):
        yield f"#storage: {change.resource.kind} {change.resource.name} goes, with its data"


def decision(report: Report) -> int:
    """The verdict's exit code; what would be allowed waits while it takes data away."""
    if report.verdict is Verdict.ALLOW and lost_data(report):
        return PENDING
    return report.verdict.exit_code


def lost_data(report: Report) -> tuple[ResourceChange, ...]:
    """The changes with which something stored is lost."""
    return tuple(change for change in report.changes if "data-loss" in change.risk)


def plain(text: str) -> str:
    """Names and messages come from the change; nothing in them may steer the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def team(application: str) -> str:
    """Who hears about an application."""
    return next((who for path, who in TEAMS.items() if application.startswith(path)), "#platform")


if __name__ == "__main__":
    sys.exit(main())
