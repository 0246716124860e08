"""`gitops-gate bump`: bring another image, chart or value to a cluster, by a change request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import running_options
from gitops_gate.commands.proposing import Session, proposal_options, proposing, width

if TYPE_CHECKING:
    from gitops_gate.recovery.bump import Asked, Bumped
    from gitops_gate.recovery.proposal import Proposal
    from gitops_gate.reports.lines import Line


@click.command("bump")
@click.argument("application")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option(
    "--allow-tag", is_flag=True, help="Take an image without a digest, which can be moved."
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME",
    help="Another application that may change as well, since it reads the same file; may be "
    "repeated.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for whoever has to approve it.")
@proposal_options
@running_options
def command(**arguments: Any) -> int:
    """Open the change request that brings another image, chart or value to an application.

    \b
      image=REGISTRY/APP:TAG@sha256:…       the image of a repository
      OLD/REPOSITORY=NEW/REPOSITORY:TAG@…   another repository's in its place
      chart=1.2.3, chart.NAME=1.2.3         the version of a chart that is depended on
      values.KEY.KEY=VALUE                  a key of a chart's values

    The place that says it is found in the application's own files: its kustomization (`images`),
    those it builds on, the values files of its chart, `image` in manifests, HelmRelease and
    Argo CD objects. Only that value is written; comments, order and every other byte stay. Where
    several places do not agree, they are named and nothing is guessed.

    Then both states are rendered. A bump that changes nothing in the cluster, or something in it
    that was not asked for, in this application or in another one, is refused and says what.

    It is made for the pipeline of another repository as well: --repo is a checkout of this one,
    whose remote `origin` says which it is. The token is read from GITOPS_GATE_TOKEN, or else
    GITHUB_TOKEN, GH_TOKEN or GITLAB_TOKEN. What the token of a workflow opens starts no workflow:
    take that of an App or of a service account.

    \b
    Examples:
      gitops-gate bump shop image=registry.example.com/shop:1.4@sha256:…
      gitops-gate bump shop chart.redis=19.0.1 --dry-run
      gitops-gate bump charts/shop@production values.replicas=5 --reason "sale"

    \b
    Exit codes: 0 opened, or printed by --dry-run; 1 refused, since nothing or something else
    changes; 2 errors.
    """
    from gitops_gate.recovery.bump import bump

    asked = _asked(arguments)

    def work(session: Session) -> tuple[Proposal, Iterable[Line]]:
        done = bump(session.repository, session.target, asked, session.options)
        return done.proposal, _changes(done)

    return proposing(arguments, work)


def _asked(arguments: Mapping[str, Any]) -> Asked:
    from gitops_gate.recovery.bump import Asked
    from gitops_gate.recovery.bumps import parse_bump

    allow_tag = arguments["allow_tag"]
    return Asked(
        application=arguments["application"],
        bumps=tuple(parse_bump(change, allow_tag=allow_tag) for change in arguments["changes"]),
        also=arguments["also"],
        reason=arguments["reason"].strip(),
        title=arguments["title"],
        labels=arguments["labels"],
    )


def _changes(done: Bumped) -> Iterator[Line]:
    """What changes in the cluster, and what the gate finds in it, as a check shows them."""
    from gitops_gate.recovery.restoring import rendering_warnings
    from gitops_gate.reports.escaping import one_line
    from gitops_gate.reports.grouping import Overview
    from gitops_gate.reports.text_changes import change_lines
    from gitops_gate.verdict.values import Verdict

    report = done.report
    yield ((f"Changes in the cluster ({len(report.changes)}):", "strong"),)
    yield from change_lines(Overview(report=report), width(), most=50)
    for reason in report.reasons:
        if reason.verdict is not Verdict.ALLOW:
            said = f"A check of it says {reason.verdict.value}: {one_line(reason.message)}"
            yield ((said, reason.verdict.value),)
            yield ()
    for warning in rendering_warnings(report.warnings):
        yield ((f"Warning: {one_line(warning)}", "warning"),)
        yield ()
