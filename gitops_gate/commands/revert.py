"""`gitops-gate revert`: bring back the state before a landed step, through a change request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import running_options
from gitops_gate.commands.proposing import Session, proposal_options, proposing, text_lines
from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.forges.values import ChangeRequest
    from gitops_gate.recovery.proposal import Proposal
    from gitops_gate.reports.lines import Line

_NUMBER = re.compile(r"[#!]([0-9]{1,18})")


@click.command("revert")
@click.argument("steps", nargs=-1, required=True, metavar="COMMIT|#N|!N...")
@click.option("--reason", default="", metavar="TEXT", help="Why, for whoever has to approve it.")
@proposal_options
@running_options
def command(**arguments: Any) -> int:
    """Open the change request that brings back the state before a landed step.

    A step is a commit of the branch's own history: a merge, a squashed commit, or one of several
    that a rebase landed. Give commits, in any order, or the number of one merged change request:
    #N on GitHub, !N on GitLab (in quotes, since both mean something to a shell).

    What came later stays: the step is undone by a three-way merge on the tip of the branch, and
    where that is not possible, the files in conflict are named and nothing is pushed. Then the
    result is rendered and compared with the state before the step, application by application.

    The change request is one like every other: the same checks and approvals. Where a freeze holds,
    give it the label that the configuration lets through. A branch gitops-gate/revert-… is pushed;
    called again, the same change request is found.

    The forge is that of the remote `origin`, pinned by the default branch. The token is read from
    GITOPS_GATE_TOKEN, or else GITHUB_TOKEN, GH_TOKEN or GITLAB_TOKEN. What the token of a workflow
    opens starts no workflow: take that of an App or of a service account.

    \b
    Examples:
      gitops-gate revert 4f1c2aa --reason "checkout answers 500"
      gitops-gate revert '#42' --label hotfix
      gitops-gate revert HEAD --dry-run

    \b
    Exit codes: 0 opened, or printed by --dry-run; 2 conflicts and every other error.
    """
    number = _number_of(arguments["steps"])

    def work(session: Session) -> tuple[Proposal, Iterable[Line]]:
        from gitops_gate.recovery.revert import Revert, result_lines, revert

        asked = Revert(
            steps=_steps(session, arguments["steps"], number),
            reason=arguments["reason"].strip(),
            number=number,
            title=arguments["title"],
            labels=arguments["labels"],
        )
        done = revert(session.repository, session.target, asked, session.options)
        return done.proposal, text_lines(result_lines(done.restoration))

    return proposing(arguments, work, number=number)


def _number_of(steps: tuple[str, ...]) -> int | None:
    numbers = [found for step in steps if (found := _NUMBER.fullmatch(step))]
    if numbers and len(steps) > 1:
        raise ConfigurationError(
            "one change request can be reverted at a time, and not together with commits",
            remedy="name its commits instead of its number",
        )
    return int(numbers[0][1]) if numbers else None


def _steps(session: Session, names: tuple[str, ...], number: int | None) -> tuple[str, ...]:
    from gitops_gate.recovery.steps import change_of, commits_of, newest_first
    from gitops_gate.source.remote import fetch

    if number is None:
        return newest_first(session.repository, session.target, names)
    assert session.remote is not None
    forge = session.remote.forge
    change: ChangeRequest = change_of(forge, number)
    fetch(session.repository, session.remote.address, (change.head_commit,))
    landed = forge.landed.landed if forge.landed is not None else None
    return commits_of(session.repository, session.target, change, landed)
