"""What `review` and `publish` share: where they run, and how they end."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands import broken
from gitops_gate.commands.options import destinations, write_reports
from gitops_gate.errors import ConfigurationError, GitOpsGateError
from gitops_gate.tools import clean_text
from gitops_gate.verdict.values import Report, Verdict

if TYPE_CHECKING:
    from gitops_gate.ci import Environment
    from gitops_gate.review.composing import Composed
    from gitops_gate.review.run import Reviewed, Setting
    from gitops_gate.source import Repository

_ANNOTATIONS: ContextVar[list[str]] = ContextVar("annotations")
"""What is printed once the runner takes commands again."""

TOKENS: Mapping[str, tuple[str, ...]] = {
    "github": ("GITOPS_GATE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab": ("GITOPS_GATE_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"),
}
"""The variables that a token may be in, the first that is set."""


def setting_of(
    environment: Environment, arguments: Mapping[str, Any], repository: Repository
) -> Setting:
    """Where this run runs. Raises `ConfigurationError` without a token."""
    from gitops_gate.review.pins import Pinned
    from gitops_gate.review.run import Setting

    return Setting(
        environment=environment,
        repository=repository,
        token=token_for(
            environment.ci, may="read the change request and write comments and statuses"
        ),
        pinned=Pinned(
            url=arguments["forge_url"],
            repository_id=arguments["repository_id"],
            number=arguments["number"],
        ),
        artifact=arguments["artifact"],
        dry_run=arguments["dry_run"],
        upload_sarif=arguments["upload_sarif"],
    )


def environment_here(*, named: bool = False) -> Environment:
    """What the CI says; where there is none, nothing, if both revisions are `named`.

    Raises `ConfigurationError` where there is no known CI and they are not.
    """
    from gitops_gate.ci import Environment, Occasion, detect

    environment = detect(os.environ)
    if environment is None and named:
        return Environment(ci="other", event="", occasion=Occasion.OTHER)
    if environment is None:
        raise ConfigurationError(
            "this is not a CI that is known: GitHub Actions, GitLab CI, Jenkins, Bitbucket "
            "Pipelines, CircleCI or Azure Pipelines",
            remedy="gitops-gate check --ci --base TARGET --head HEAD judges the same anywhere",
        )
    return environment


def token_for(ci: str, *, may: str) -> str:
    """The token for a kind of forge; `may` says what it is for. Raises `ConfigurationError`."""
    names = TOKENS.get(ci, ("GITOPS_GATE_TOKEN",))
    for name in names:
        if token := os.environ.get(name, "").strip():
            return token
    raise ConfigurationError(
        f"there is no token for the forge: none of {', '.join(names)} is set",
        remedy=f"give one that may {may}",
    )


def in_ci(environment: Environment, run: Callable[[], int]) -> int:
    """Run a command's work so that a GitHub runner obeys no line that it prints, errors included.

    A runner reads both streams of a step and takes some lines for commands; so it is told to stop
    first, both streams become one to keep their order, and only then are annotations printed.
    """
    if environment.ci != "github":
        return run()
    token = secrets.token_hex(20)
    annotations: list[str] = []
    _ANNOTATIONS.set(annotations)
    sys.stderr.flush()
    click.echo(f"::stop-commands::{token}")
    try:
        with contextlib.redirect_stderr(sys.stdout):
            try:
                return run()
            except GitOpsGateError as error:
                click.echo(f"gitops-gate: {clean_text(str(error))}")
                return Verdict.INDETERMINATE.exit_code
            except Exception as error:  # noqa: BLE001 - told while no line of it is obeyed
                return broken(error)
    finally:
        click.echo(f"\n::{token}::")
        for text in annotations:
            click.echo(text, nl=False)


def finish(
    reviewed: Reviewed, setting: Setting, arguments: dict[str, Any], notes: tuple[str, ...] = ()
) -> int:
    """Write the reports and the CI's outputs, say what was published; the verdict's exit code.

    GitLab requires no status by its name. Where a job may end 0 because a pending status holds its
    pipeline open, one that is not there holds nothing: such a run is an error, not pending.
    """
    write_reports(reviewed.report, arguments, reviewed.context)
    for line in (*notes, *reviewed.notes):
        click.echo(f"gitops-gate: {clean_text(line)}", err=True)
    if setting.dry_run and reviewed.composed is not None:
        _print_composed(reviewed.composed)
    for line in reviewed.published.lines:
        click.echo(f"gitops-gate: {clean_text(line)}", err=True)
    tell_ci(reviewed.report, setting.environment, arguments)
    pending = reviewed.report.verdict is Verdict.PENDING
    if pending and setting.environment.ci == "gitlab" and not reviewed.published.standing:
        click.echo(
            "gitops-gate: the pending status is not there: nothing holds this change", err=True
        )
        return Verdict.INDETERMINATE.exit_code
    return int(reviewed.report.verdict.exit_code)


def _print_composed(composed: Composed) -> None:
    """What would be published, as it would be sent."""
    click.echo("\n--- would be published: the summary comment\n")
    for body in composed.bodies:
        click.echo(body)
    for planned in composed.inline.comments:
        place = planned.comment.place
        click.echo(f"--- would be published: a comment on {place.path!a} line {place.line}\n")
        click.echo(planned.comment.body)


def tell_ci(report: Report, environment: Environment, arguments: Mapping[str, Any]) -> None:
    """Outputs for later steps, annotations and a summary, where the CI has them."""
    from gitops_gate.ci.outputs import summary_size, write_outputs, write_summary
    from gitops_gate.reports.annotations import job_summary, write
    from gitops_gate.review.handover import file_digest

    files = {name: file for name, file in destinations(dict(arguments)) if file != "-"}
    outputs = {"verdict": report.verdict.value, "exit-code": str(report.verdict.exit_code)}
    outputs |= {name: files[name] for name in ("sarif", "html") if name in files}
    if "json" in files:
        outputs["report"] = files["json"]
        outputs["digest"] = file_digest(Path(files["json"]).read_bytes())
    write_outputs(environment, outputs)
    if environment.ci == "github":
        used = summary_size(environment)
        summary = job_summary(report, used=used, artifact=arguments.get("artifact"))
        write_summary(environment, summary)
        _ANNOTATIONS.get([]).append(write(report))
