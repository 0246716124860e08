"""What `review` and `publish` share: where they run, and how they end."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.ci import Environment
    from gitops_gate.review.run import Reviewed, Setting
    from gitops_gate.source import Repository

TOKENS: Mapping[str, tuple[str, ...]] = {
    "github": ("GITOPS_GATE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab": ("GITOPS_GATE_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"),
}
"""The variables that a token may be in, the first that is set."""


def setting_of(arguments: Mapping[str, Any], repository: Repository, *, dry_run: bool) -> Setting:
    """Where this run runs. Raises `ConfigurationError` outside a CI or without a token."""
    from gitops_gate.review.pins import Pinned
    from gitops_gate.review.run import Setting

    environment = environment_here()
    return Setting(
        environment=environment,
        repository=repository,
        token=_token(environment),
        pinned=Pinned(
            url=arguments["forge_url"],
            repository_id=arguments["repository_id"],
            number=arguments["number"],
        ),
        artifact=arguments["artifact"],
        dry_run=dry_run,
    )


def environment_here() -> Environment:
    """What the CI says. Raises `ConfigurationError` where there is none."""
    from gitops_gate.ci import detect

    environment = detect(os.environ)
    if environment is None:
        raise ConfigurationError(
            "this is not a CI that is known: GitHub Actions, GitLab CI, Jenkins, Bitbucket "
            "Pipelines, CircleCI or Azure Pipelines",
            remedy="gitops-gate check compares revisions anywhere",
        )
    return environment


def _token(environment: Environment) -> str:
    names = TOKENS.get(environment.ci, ("GITOPS_GATE_TOKEN",))
    for name in names:
        if token := os.environ.get(name, "").strip():
            return token
    raise ConfigurationError(
        f"there is no token for the forge: none of {', '.join(names)} is set",
        remedy="give the job one that may read the change request and write comments and statuses",
    )


def finish(
    reviewed: Reviewed,
    setting: Setting,
    arguments: dict[str, Any],
    write: Callable[[Any, dict[str, Any]], int],
    *,
    notes: tuple[str, ...] | None = None,
) -> int:
    """Write the reports and the CI's outputs, say what was published; the verdict's exit code."""
    with_commands_stopped(setting.environment, lambda: write(reviewed.report, arguments))
    for line in notes if notes is not None else reviewed.notes:
        click.echo(f"gitops-gate: {line}", err=True)
    if setting.dry_run and reviewed.composed is not None:
        with_commands_stopped(setting.environment, lambda: _print_composed(reviewed))
    for line in reviewed.published.lines:
        click.echo(f"gitops-gate: {line}", err=True)
    tell_ci(reviewed.report, setting.environment, arguments)
    return int(reviewed.report.verdict.exit_code)


def _print_composed(reviewed: Reviewed) -> int:
    """What would be published, as it would be sent."""
    assert reviewed.composed is not None
    click.echo("\n--- would be published: the summary comment\n")
    for body in reviewed.composed.bodies:
        click.echo(body)
    for planned in reviewed.composed.inline.comments:
        place = planned.comment.place
        click.echo(f"--- would be published: a comment on {place.path!a} line {place.line}\n")
        click.echo(planned.comment.body)
    return 0


def with_commands_stopped(environment: Environment, print_all: Callable[[], int]) -> int:
    """Print to stdout so that a GitHub runner takes no line of it for a command."""
    if environment.ci != "github":
        return print_all()
    token = secrets.token_hex(20)
    sys.stdout.write(f"::stop-commands::{token}\n")
    sys.stdout.flush()
    try:
        return print_all()
    finally:
        sys.stdout.write(f"\n::{token}::\n")
        sys.stdout.flush()


def tell_ci(report: Any, environment: Environment, arguments: Mapping[str, Any]) -> None:
    """Outputs for later steps, annotations and a summary, where the CI has them."""
    from gitops_gate.ci.outputs import write_outputs, write_summary
    from gitops_gate.commands.options import destinations
    from gitops_gate.reports import ReportOptions, render_report
    from gitops_gate.review.handover import file_digest

    files = {name: file for name, file in destinations(dict(arguments)) if file != "-"}
    outputs = {"verdict": report.verdict.value, "exit-code": str(report.verdict.exit_code)}
    if "json" in files:
        outputs["report"] = files["json"]
        outputs["digest"] = file_digest(Path(files["json"]).read_bytes())
    if "sarif" in files:
        outputs["sarif"] = files["sarif"]
    if "html" in files:
        outputs["html"] = files["html"]
    write_outputs(environment, outputs)
    if environment.ci == "github":
        options = ReportOptions()
        write_summary(environment, render_report(report, "markdown", options=options))
        sys.stdout.write(render_report(report, "annotations", options=options))
        sys.stdout.flush()
