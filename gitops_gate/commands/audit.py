"""`gitops-gate audit`: does the forge's protection make the gate unavoidable?"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import anywhere_options
from gitops_gate.errors import ConfigurationError, GitOpsGateError, SourceError
from gitops_gate.reports.escaping import one_line
from gitops_gate.tools import clean_text
from gitops_gate.verdict.values import Verdict

if TYPE_CHECKING:
    from gitops_gate.audit import Audit
    from gitops_gate.ci import Environment
    from gitops_gate.source import Repository
    from gitops_gate.source.values import Tree


@click.command("audit")
@anywhere_options
@click.option(
    "--branch",
    "branches",
    multiple=True,
    metavar="NAME",
    help="A branch to audit, may be repeated; default: the default branch and the protected ones.",
)
@click.option(
    "--delivery-ref",
    "deliveries",
    multiple=True,
    metavar="REF",
    help="A full ref name that is delivered to, besides those of the configuration; repeatable.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option("--output", metavar="FILE", help="Where to; default: stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Leave out what is fine.")
@click.option("--offline", is_flag=True, help="Refused: there is nothing to audit without a forge.")
def command(**arguments: Any) -> int:
    """Does the forge's protection make the gate unavoidable? Each hole, with what closes it.

    Reads branch protection, rulesets, required checks, bypass lists, merge and CI settings, tags
    and what is delivered to, and writes nothing. What the token may not read is unknown, never
    fine.

    In CI the repository is the one of the run, elsewhere that of the remote `origin`. The token
    is read from GITOPS_GATE_TOKEN, or else GITHUB_TOKEN, GH_TOKEN or GITLAB_TOKEN, and sent to
    the forge that the default branch pins, by default github.com or gitlab.com.

    \b
    Examples:
      gitops-gate audit
      gitops-gate audit --delivery-ref refs/heads/deploy/production
      gitops-gate audit --format json --output audit.json

    \b
    Exit codes: 0 nothing found, 1 holes, 2 something that decides is unknown, or an error.
    """
    from gitops_gate.ci import detect
    from gitops_gate.commands.reviewing import in_ci
    from gitops_gate.source import open_repository

    if arguments["offline"]:
        raise ConfigurationError(
            "--offline: an audit asks the forge, and nothing else",
            remedy="leave --offline out",
        )
    environment = detect(os.environ)

    def run() -> int:
        with open_repository(arguments["repo"]) as repository:
            found = _audited(repository, environment, arguments)
        _write(found, arguments)
        return found.exit_code

    if environment is None:
        return run()
    if arguments["format_"] == "text" or arguments["output"]:
        return in_ci(environment, run)
    # What stops a runner from obeying lines would be in the way of who reads JSON from stdout, of
    # which no line can be a command; an error is made one line.
    try:
        return run()
    except GitOpsGateError as error:
        click.echo(f"gitops-gate: {one_line(clean_text(str(error)))}", err=True)
        return Verdict.INDETERMINATE.exit_code


def _audited(
    repository: Repository, environment: Environment | None, arguments: dict[str, Any]
) -> Audit:
    from gitops_gate.audit import audit
    from gitops_gate.audit.run import Asked
    from gitops_gate.commands.reviewing import token_for
    from gitops_gate.forges.connect import connect
    from gitops_gate.review.pins import Pinned, endpoint_of, pinned_forge, target_of, tip_in_git
    from gitops_gate.review.remote import from_origin

    given = Pinned(url=arguments["forge_url"], repository_id=arguments["repository_id"])
    pins = pinned_forge(repository, None, given)
    if environment is None or environment.ci not in ("github", "gitlab"):
        environment = from_origin(repository.origin(), pins, arguments["forge"])
    endpoint = endpoint_of(environment, pins)
    forge = connect(
        endpoint,
        replace(target_of(environment, pins, given), number=None),
        token_for(environment.ci, may="read the protection of branches"),
    )

    def tree_of(branch: str) -> Tree | None:
        try:
            return repository.revision(tip_in_git(repository, f"refs/heads/{branch}")).tree
        except SourceError:
            return None

    asked = Asked(branches=arguments["branches"], deliveries=arguments["deliveries"])
    return audit(forge, endpoint.web_url, asked, tree_of)


def _write(found: Audit, arguments: dict[str, Any]) -> None:
    from gitops_gate.audit.json_report import json_report
    from gitops_gate.audit.sarif import sarif_report
    from gitops_gate.audit.text import text_report

    if arguments["format_"] == "json":
        text = json_report(found)
    elif arguments["format_"] == "sarif":
        text = sarif_report(found)
    else:
        text = text_report(found, quiet=arguments["quiet"])
    if not arguments["output"]:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.flush()
        return
    try:
        Path(arguments["output"]).write_text(text, "utf-8", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"cannot write {arguments['output']}: {error.strerror}") from None
