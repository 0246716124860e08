"""`gitops-gate publish`: the privileged half of a review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gitops_gate.commands.options import (
    forge_options,
    pipeline_options,
    report_options,
    running_options,
)
from gitops_gate.verdict.values import Verdict

_AS_IF_DECIDED = (Verdict.ALLOW.exit_code, Verdict.PENDING.exit_code)
"""Ends of a job that let a change through, or say that a status holds it."""


@click.command("publish")
@click.argument("report", type=click.Path(path_type=Path), metavar="REPORT")
@click.option(
    "--digest",
    metavar="DIGEST",
    help="The sha256:… that the job which made the report handed over in this same run. Without "
    "it the report is published as information and decides nothing.",
)
@click.option(
    "--information",
    is_flag=True,
    help="Publish it as information all the same: for a target branch that is not protected, "
    "whose rules are whatever somebody pushed.",
)
@forge_options
@report_options
@running_options
def command(report: Path, digest: str | None, information: bool, **arguments: Any) -> int:
    """Publish the JSON report of a job that had no privileges, as data that nobody trusts.

    The report is checked against its schema, and belongs to the newest head and the target's
    tip, or it is not published. It becomes a success only when --digest was handed over by a job
    of this very run and the run's definition comes from the default branch: a report made by a
    job that the change itself defines is a claim.

    Ends with the verdict. But what nobody vouches for never ends 0 or 3: where it would, it ends 2,
    since the end of a job can be required as well, and no status holds the change. With
    --information the report of a job that is trusted ends with its own verdict.

    \b
    Examples:
      gitops-gate publish report.json --digest "$DIGEST"
      gitops-gate publish report.json --dry-run

    \b
    Exit codes: 0 allow, 1 deny, 2 indeterminate or error, 3 pending.
    """
    from gitops_gate.commands.reviewing import environment_here, finish, in_ci, setting_of
    from gitops_gate.review.handover import read_handed_over
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.review.run import publish_report
    from gitops_gate.source import open_repository

    environment = environment_here()

    def run() -> int:
        with open_repository(arguments["repo"]) as repository:
            setting = setting_of(environment, arguments, repository)
            handed = read_handed_over(report, digest, environment)
            certified = handed.certified and not information
            with rendered_once(pipeline_options(arguments)) as options:
                reviewed = publish_report(setting, handed.report, options, certified=certified)
        code = finish(reviewed, setting, arguments, handed.notes)
        if not handed.certified and code in _AS_IF_DECIDED:
            click.echo(
                "gitops-gate: this decided nothing, so it does not end as if it had", err=True
            )
            return Verdict.INDETERMINATE.exit_code
        return code

    return in_ci(environment, run)
