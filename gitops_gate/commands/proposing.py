"""What `revert`, `ratify` and `bump` share: how they reach a forge, and how they end."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import Command, anywhere_options, pipeline_options
from gitops_gate.errors import ConfigurationError
from gitops_gate.tools import clean_text

if TYPE_CHECKING:
    from gitops_gate.pipeline import Options
    from gitops_gate.recovery.proposal import Proposal, Target
    from gitops_gate.recovery.reaching import Remote
    from gitops_gate.reports.lines import Line
    from gitops_gate.source import Repository

MAY = "read the repository, write branches of it, and open change requests"
"""What the token is for."""

MOST_DIFF_LINES = 500
_REFUSED = 1
_WIDTH = 100
_NOT_RENDERED = {"at": None, "jobs": None, "offline": False, "no_cache": False}
"""The options of a command that renders nothing and has none of them."""
_STYLES = {"+": "added", "-": "removed", "@": "hunk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where a proposal is made. `remote` is None where nothing is to be opened."""

    repository: Repository
    target: Target
    options: Options
    remote: Remote | None = None


def proposal_options(command: Command) -> Command:
    """Which repository, branch and forge, and how the change request presents itself."""
    options = (
        anywhere_options,
        click.option(
            "--branch", metavar="NAME", help="The branch that it is for; default: the main one."
        ),
        click.option("--title", metavar="TEXT", help="The title, instead of one of our own."),
        click.option(
            "--label",
            "labels",
            multiple=True,
            metavar="NAME",
            help="A label of the change request; may be repeated.",
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            help="Print the change and the text, from what is fetched; push and open nothing.",
        ),
        click.option(
            "--no-color", is_flag=True, help="No colour; the variable NO_COLOR does the same."
        ),
        click.option("--quiet", "-q", is_flag=True, help="No progress."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def proposing(
    arguments: Mapping[str, Any],
    work: Callable[[Session], tuple[Proposal, Iterable[Line]]],
    *,
    number: int | None = None,
) -> int:
    """Open a session, make the proposal, show it, and open its change request.

    0, or 1 where a bump would not change what was asked for. Where a GitHub runner reads what is
    printed, it obeys no line of it.
    """
    from gitops_gate.ci import detect
    from gitops_gate.commands.reviewing import in_ci
    from gitops_gate.recovery.bump import NotAsAskedError

    def run() -> int:
        with _session(arguments, number) as session:
            try:
                proposal, lines = work(session)
            except NotAsAskedError as error:
                click.echo(f"gitops-gate: {clean_text(str(error))}", err=True)
                return _REFUSED
            _print(lines, arguments)
            _print(_diff_lines(proposal), arguments)
            _finish(session, proposal, arguments)
        return 0

    environment = detect(os.environ)
    return run() if environment is None else in_ci(environment, run)


def text_lines(texts: Iterable[str]) -> Iterator[Line]:
    """Lines without a style, of text that is safe already."""
    for text in texts:
        yield ((text, ""),)
    yield ()


@contextlib.contextmanager
def _session(arguments: Mapping[str, Any], number: int | None) -> Iterator[Session]:
    from gitops_gate.recovery.reaching import known_target, live_target, target_branch
    from gitops_gate.source import open_repository

    given = {**_NOT_RENDERED, **arguments, "formats": (), "outputs": (), "reports": ()}
    if given["offline"] and not arguments["dry_run"]:
        raise ConfigurationError(
            "nothing can be opened offline", remedy="--dry-run prints what would be opened"
        )
    with open_repository(arguments["repo"]) as repository:
        ref = target_branch(repository, arguments["branch"])
        remote = None
        if number is not None or not arguments["dry_run"]:
            remote = _remote(repository, arguments, number)
        if remote is None:
            target = known_target(repository, ref)
        else:
            target = live_target(repository, remote, ref)
        yield Session(
            repository=repository, target=target, options=pipeline_options(given), remote=remote
        )


def _remote(
    repository: Repository, arguments: Mapping[str, Any], number: int | None
) -> Remote | None:
    """The forge; None in a checkout that comes from nowhere, where there is nothing to open."""
    from gitops_gate.commands.reviewing import token_for
    from gitops_gate.recovery.reaching import Asked, reach
    from gitops_gate.review.pins import Pinned

    if repository.origin() is None and number is None:
        return None
    pinned = Pinned(
        url=arguments["forge_url"], repository_id=arguments["repository_id"], number=number
    )
    asked = Asked(pinned=pinned, kind=arguments["forge"])
    return reach(repository, asked, lambda kind: token_for(kind, may=MAY))


def _finish(session: Session, proposal: Proposal, arguments: Mapping[str, Any]) -> None:
    from gitops_gate.recovery.proposal import propose
    from gitops_gate.reports.escaping import one_line

    if session.remote is not None and not arguments["dry_run"]:
        address = propose(session.repository, session.remote, proposal)
        click.echo(f"Opened: {one_line(address)}")
        return
    if not arguments["dry_run"]:
        why = "the checkout has no remote origin, so that there is nothing to open it on"
        click.echo(f"gitops-gate: {why}", err=True)
    _print(text_lines(_described(proposal)), arguments)


def _described(proposal: Proposal) -> Iterator[str]:
    from gitops_gate.reports.escaping import block, one_line

    head, base = (ref.removeprefix("refs/heads/") for ref in (proposal.branch, proposal.target.ref))
    yield f"Would be opened: {one_line(head)} into {one_line(base)}"
    yield ""
    yield f"Title: {one_line(proposal.title)}"
    if proposal.labels:
        yield f"Labels: {one_line(', '.join(proposal.labels))}"
    yield ""
    yield from block(proposal.body)


def _diff_lines(proposal: Proposal) -> Iterator[Line]:
    from gitops_gate.reports.escaping import block

    lines = [shown for line in proposal.diff[:MOST_DIFF_LINES] for shown in block(line) or [""]]
    for line in lines:
        yield ((line, _STYLES.get(line[:1], "")),)
    rest = len(proposal.diff) - MOST_DIFF_LINES
    if rest > 0:
        yield ((f"(and {rest:,} more lines)", "dim"),)
    yield ()


def width() -> int:
    """The columns that there are."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH


def _print(lines: Iterable[Line], arguments: Mapping[str, Any]) -> None:
    from gitops_gate.reports.lines import paint

    plain = arguments["no_color"] or os.environ.get("NO_COLOR")
    text = paint(lines, color=sys.stdout.isatty() and not plain)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
