"""`gitops-gate check`: compare two revisions of a repository, and decide."""

from __future__ import annotations

from typing import Any

import click

from gitops_gate.commands.options import pipeline_options, shared, write_reports


@click.command("check")
@click.option("--repo", default=".", metavar="DIR", help="The repository; default: around here.")
@click.option(
    "--base",
    metavar="REV",
    help="What to compare with, and whose rules decide; default: the merge base of the default "
    "branch and the head, with the rules of the default branch.",
)
@click.option(
    "--head",
    metavar="REV",
    help="The proposed revision; `worktree` takes the working tree as it is, `staged` what a "
    "commit would hold.  [default: HEAD]",
)
@click.option(
    "--ci",
    is_flag=True,
    help="Take both from the CI that this runs in, and judge what a review judges: the merge of "
    "the target branch's tip and the head, rendered in a sandbox or not at all. Outside of a CI "
    "that is known, name both.",
)
@shared
def command(repo: str, base: str | None, head: str | None, ci: bool, **arguments: Any) -> int:
    """Compare two revisions of a repository and decide whether the change may go in.

    Every application that the change affects is rendered at both revisions, validated against
    Kubernetes schemas and policies, and compared. Only what the change introduces blocks it,
    unless the configuration says otherwise.

    \b
    Examples:
      gitops-gate check                            this branch against its merge base
      gitops-gate check --head worktree            what is not committed yet, too
      gitops-gate check --base v1.2 --head v1.3 --diff
      gitops-gate check --report json=report.json --report html=report.html
      gitops-gate check --ci --report junit=gate.xml      in a pipeline of any CI

    \b
    Exit codes: 0 allow, 1 deny, 2 indeterminate or error, 3 pending.
    """
    from gitops_gate.pipeline import check
    from gitops_gate.source import open_repository

    if ci:
        return _check_in_ci(repo, base, head, arguments)
    with open_repository(repo) as repository:
        report = check(repository, base, head or "HEAD", pipeline_options(arguments))
    return write_reports(report, arguments)


def _check_in_ci(repo: str, base: str | None, head: str | None, arguments: dict[str, Any]) -> int:
    """Judge what the CI's event is about, from Git alone; nothing is read from a forge."""
    from gitops_gate.commands.reviewing import environment_here, in_ci, tell_ci
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.review.run import check_here
    from gitops_gate.source import open_repository

    environment = environment_here(named=base is not None and head is not None)

    def run() -> int:
        with (
            open_repository(repo) as repository,
            rendered_once(pipeline_options(arguments)) as options,
        ):
            report = check_here(repository, environment, base, head, options)
        code = write_reports(report, arguments)
        tell_ci(report, environment, arguments)
        return code

    return in_ci(environment, run)
