"""`gitops-gate approvals`: who must approve a change request, and who did."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import (
    anywhere_options,
    form_option,
    look_of,
    look_options,
    pipeline_options,
    running_options,
)
from gitops_gate.errors import ConfigurationError
from gitops_gate.verdict.values import Report, Verdict

if TYPE_CHECKING:
    from gitops_gate.approvals.tree import Evaluation
    from gitops_gate.ci import Environment
    from gitops_gate.source import Repository


@click.command("approvals")
@anywhere_options
@click.option(
    "--number",
    type=click.IntRange(min=1),
    metavar="N",
    help="The change request; default in CI: the one that the event is about.",
)
@click.option(
    "--report-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The JSON report of a check of the same commits, instead of rendering them again.",
)
@form_option
@look_options
@running_options
def command(**arguments: Any) -> int:
    """Say who must approve a change request, who did, and why other approvals do not count.

    Judges the change as a review does, by the rules and the CODEOWNERS of the target branch's
    tip, reads reviews, pushes and teams from the forge, and writes nothing. Every requirement is
    shown with who approved it, how many are missing, and who could approve next; so are freezes,
    with when they end, and overrides.

    In CI it is about the change request of the run. Elsewhere the repository is that of the
    remote `origin`, --number says which change request, and its head has to be fetched:

    \b
      git fetch origin pull/42/head             GitHub
      git fetch origin merge-requests/42/head   GitLab

    The token is read from GITOPS_GATE_TOKEN, or else GITHUB_TOKEN, GH_TOKEN or GITLAB_TOKEN, and
    sent to the forge that the default branch pins, by default github.com or gitlab.com.

    \b
    Examples:
      gitops-gate approvals --number 42
      gitops-gate approvals --number 42 --report-file report.json
      gitops-gate approvals --number 42 --format json --at 2027-01-05

    \b
    Exit codes: 0 nothing is missing, 2 it cannot be said or an error, 3 something is missing.
    """
    from gitops_gate.ci import detect
    from gitops_gate.commands.reviewing import in_ci
    from gitops_gate.source import open_repository

    environment = detect(os.environ)

    def run() -> int:
        with open_repository(arguments["repo"]) as repository:
            evaluation = _asked(repository, environment, arguments)
        _print(evaluation, arguments)
        return _exit_code(evaluation)

    return run() if environment is None else in_ci(environment, run)


def _asked(
    repository: Repository, environment: Environment | None, arguments: dict[str, Any]
) -> Evaluation:
    from gitops_gate.commands.reviewing import token_for
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.review.pins import Pinned, pinned_forge
    from gitops_gate.review.remote import from_origin
    from gitops_gate.review.run import Setting, ask_approvals

    given = Pinned(
        url=arguments["forge_url"],
        repository_id=arguments["repository_id"],
        number=arguments["number"],
    )
    if environment is None or environment.ci not in ("github", "gitlab"):
        if arguments["number"] is None:
            raise ConfigurationError(
                "nothing says which change request this is about", remedy="name it: --number N"
            )
        pins = pinned_forge(repository, None, given)
        environment = from_origin(repository.origin(), pins, arguments["forge"])
    setting = Setting(
        environment=environment,
        repository=repository,
        token=token_for(environment.ci, may="read change requests and their approvals"),
        pinned=given,
    )
    options = pipeline_options({**arguments, "formats": (), "outputs": (), "reports": ()})
    with rendered_once(options) as kept:
        return ask_approvals(setting, _given(arguments["report_file"]), kept)


def _given(file: Path | None) -> Report | None:
    """The report that `--report-file` names, and no more of it than a report may have."""
    from gitops_gate.reports.reading import MAXIMUM_BYTES, read_report

    if file is None:
        return None
    try:
        with file.open("rb") as opened:
            data = opened.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", path=str(file)) from None
    return read_report(data, path=str(file))


def _print(evaluation: Evaluation, arguments: dict[str, Any]) -> None:
    from gitops_gate.approvals.tree import tree_json
    from gitops_gate.reports.json_text import json_text
    from gitops_gate.reports.text_approvals import approvals_text

    tree = tree_json(evaluation)
    if arguments["form"] == "json":
        text = json_text(tree, depth=3)
    else:
        width, color = look_of(no_color=arguments["no_color"], terminal=sys.stdout.isatty())
        text = approvals_text(tree, width=width, color=color)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()


def _exit_code(evaluation: Evaluation) -> int:
    """What approvals alone lead to: unknown outranks missing."""
    verdicts = {reason.verdict for reason in evaluation.reasons}
    for verdict in (Verdict.INDETERMINATE, Verdict.PENDING):
        if verdict.value in verdicts:
            return verdict.exit_code
    return Verdict.ALLOW.exit_code
