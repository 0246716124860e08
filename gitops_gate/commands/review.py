"""`gitops-gate review`: inside CI, judge a change request and publish the answer."""

from __future__ import annotations

from typing import Any

import click

from gitops_gate.commands.options import (
    forge_options,
    pipeline_options,
    report_options,
    running_options,
)


@click.command("review")
@forge_options
@report_options
@running_options
def command(**arguments: Any) -> int:
    """Judge the change request that this CI run is about, and show the reviewer the answer.

    Reads the CI's variables and the forge, judges the merge of the target branch's tip and the
    head by the target branch's own rules, and keeps one summary comment, inline comments and a
    commit status up to date. GitHub Actions and GitLab CI; elsewhere `check --ci` compares the
    same revisions.

    The target branch is the default branch or a protected one; for any other the answer is
    information, and no status is set, since whoever may push to it decides its rules.

    The token is read from GITOPS_GATE_TOKEN, or else GITHUB_TOKEN, GH_TOKEN or GITLAB_TOKEN, or
    else CI_JOB_TOKEN, which can do little. It is sent to the forge that the default branch and the
    target branch pin (forge.url), by default github.com or gitlab.com, and to no other.

    \b
    Examples:
      gitops-gate review
      gitops-gate review --dry-run
      gitops-gate review --report sarif=gate.sarif --report html=gate.html

    \b
    Exit codes: 0 allow, 1 deny, 2 indeterminate or error, 3 pending.
    """
    from gitops_gate.commands.reviewing import environment_here, finish, in_ci, setting_of
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.review.run import review
    from gitops_gate.source import open_repository

    environment = environment_here()

    def run() -> int:
        with open_repository(arguments["repo"]) as repository:
            setting = setting_of(environment, arguments, repository)
            with rendered_once(pipeline_options(arguments)) as options:
                reviewed = review(setting, options)
        return finish(reviewed, setting, arguments)

    return in_ci(environment, run)
