"""`gitops-gate ratify`: approve afterwards what could not be verified, through a change request."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.proposing import Session, proposal_options, proposing
from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.recovery.proposal import Proposal
    from gitops_gate.reports.lines import Line

_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")


@click.command("ratify")
@click.argument("commit")
@click.option("--reason", required=True, metavar="TEXT", help="Why the step may be delivered.")
@click.option(
    "--owner",
    metavar="TEXT",
    help="Who answers for it; default: who runs the pipeline, or this account.",
)
@click.option(
    "--after",
    metavar="COMMIT",
    help="The last delivered commit; default: where the branch's delivery refs are.",
)
@proposal_options
def command(**arguments: Any) -> int:
    """Open the change request that lets delivery go past a step that could not be verified.

    COMMIT is the step that delivery names as held: a direct push, an administrator's bypass, a
    merge that is not what its change request must have given. An entry is added to
    .gitops-gate/ratified.yaml; what the file holds already stays as it is, byte for byte.

    The entry is a change of the rules. Its review shows everything since the last delivered commit
    and asks for every approval that was passed by. Once it has landed, delivery goes on past the
    step, and the attestation says so. Reverting the step is the other way out.

    The forge, the token and the branch that is pushed are as in `gitops-gate revert`.

    \b
    Examples:
      gitops-gate ratify 4f1c2aa --reason "mended the outage of 3 May, looked at since"
      gitops-gate ratify 4f1c2aa --after 91b07e3 --owner sre --reason "…" --dry-run

    \b
    Exit codes: 0 opened, or printed by --dry-run; 2 errors.
    """
    reason, owner = arguments["reason"].strip(), _owner(arguments["owner"])
    if not reason:
        raise ConfigurationError("the reason is empty", remedy="say why: --reason TEXT")

    def work(session: Session) -> tuple[Proposal, Iterable[Line]]:
        from gitops_gate.recovery.ratify import Ratify, ratify

        repository, target = session.repository, session.target
        commit = repository.resolve(arguments["commit"])
        given = arguments["after"]
        asked = Ratify(
            commit=commit,
            after=repository.resolve(given) if given else _last_delivered(session, commit),
            reason=reason,
            owner=owner,
            title=arguments["title"],
            labels=arguments["labels"],
        )
        return ratify(repository, target, asked), ()

    return proposing(arguments, work)


def _last_delivered(session: Session, commit: str) -> str:
    """Where the delivery refs are: on the forge, or for a dry run as the last fetch left them."""
    from gitops_gate.recovery.ratify import delivery_refs, last_delivered
    from gitops_gate.recovery.reaching import known_refs, live_refs

    repository, target = session.repository, session.target
    names = delivery_refs(repository, target)
    if session.remote is None:
        refs = known_refs(repository, names)
    else:
        refs = live_refs(repository, session.remote, names)
    return last_delivered(repository, target, commit, refs)


def _owner(given: str | None) -> str:
    """Who answers for it. Raises `ConfigurationError` where nothing says it."""
    known = [given, *(os.environ.get(name) for name in _ACTORS)]
    for name in known:
        if name is not None and name.strip():
            return name.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigurationError(
            "nothing says who answers for it", remedy="name them: --owner TEXT"
        ) from None
