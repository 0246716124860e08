"""`gitops-gate deliver`: after a merge, verify, attest, and move the delivery ref."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import (
    anywhere_options,
    form_option,
    keys_in,
    look_of,
    look_options,
    pipeline_options,
    running_options,
)
from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops_gate.ci import Environment
    from gitops_gate.delivery.run import Delivering
    from gitops_gate.delivery.values import Delivered
    from gitops_gate.pipeline import Options
    from gitops_gate.source import Repository
    from gitops_gate.source.remote_values import RemoteAddress

_CREDENTIAL = "GITOPS_GATE_DELIVERY_TOKEN"
_USERS = {"github": "x-access-token", "gitlab": "oauth2"}
"""The user names that tokens go with: docs.github.com/apps, docs.gitlab.com/user/profile."""


@click.command("deliver")
@anywhere_options
@click.option(
    "--branch",
    metavar="NAME",
    help="The branch to deliver; default in CI: the one that was pushed to.",
)
@click.option(
    "--trusted-key",
    "trusted_keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A public key (PEM) that older attestations were signed with; may be repeated.",
)
@click.option(
    "--push-url",
    metavar="URL",
    help="Where to push, such as ssh://git@github.com/owner/name.git for a deploy key.",
)
@click.option(
    "--ssh-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The private half of the deploy key that may write the delivery ref.",
)
@click.option(
    "--ssh-known-hosts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The host's public keys; default: those of the machine.",
)
@click.option("--dry-run", is_flag=True, help="Decide and say what would be done; move nothing.")
@form_option
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also a file."
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the attestations of this run into a folder as well, for the job to keep.",
)
@look_options
@running_options
def command(**arguments: Any) -> int:
    """Prove that what landed on a branch is what was approved, attest it, move the delivery ref.

    Walks the branch from the last delivered commit to its tip. Each step must come from a merged
    change request, and Git alone must give the same tree from its head; checks and approvals are
    evaluated again for what landed, by the rules of the commit before it, as they stood at the
    merge. What is verified is signed and the ref is moved, both in one push; it stays where it is
    before the first step that is not.

    The configuration says which refs follow a branch (delivery.branches) and how attestations are
    signed (delivery.signing). The API is read with GITOPS_GATE_TOKEN, or the forge's own
    variable; the refs are pushed with GITOPS_GATE_DELIVERY_TOKEN or --ssh-key, a credential that
    nobody else has.

    \b
    Examples:
      gitops-gate deliver                            in CI, after a push to the branch
      gitops-gate deliver --branch main --dry-run    what would be delivered, and why not more
      gitops-gate deliver --format json --output delivery.json

    \b
    Exit codes: 0 the refs are at the branch's tip, 1 a step is not what was approved, 2 it could
    not be decided or a ref was moved by somebody else, 3 a freeze holds it.
    """
    from gitops_gate.ci import detect
    from gitops_gate.commands.reviewing import in_ci
    from gitops_gate.delivery.outcome import verdict_of
    from gitops_gate.delivery.run import deliver
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.source import open_repository

    environment = detect(os.environ)

    def run() -> int:
        options = pipeline_options({**arguments, "formats": (), "outputs": (), "reports": ()})
        if environment is not None:
            # What an earlier job left in a cache is whatever that job was made to leave.
            options = replace(options, cache_folder=None)
        with open_repository(arguments["repo"]) as repository, rendered_once(options) as kept:
            setting = _setting(repository, environment, arguments, options)
            setting = replace(setting, told=lambda one: _told(options, one))
            deliveries = deliver(setting, kept)
        if arguments["keep"] is not None:
            _keep(deliveries, arguments["keep"])
        _write(deliveries, arguments)
        return verdict_of(deliveries).exit_code

    return run() if environment is None else in_ci(environment, run)


def _setting(
    repository: Repository,
    environment: Environment | None,
    arguments: dict[str, Any],
    options: Options,
) -> Delivering:
    from gitops_gate.attestations.signing import signer_of
    from gitops_gate.commands.reviewing import token_for
    from gitops_gate.delivery.run import Delivering
    from gitops_gate.forges.connect import connect
    from gitops_gate.review.pins import Pinned, endpoint_of, pinned_forge, target_of
    from gitops_gate.review.remote import from_origin

    given = Pinned(url=arguments["forge_url"], repository_id=arguments["repository_id"])
    branch = _branch(environment, arguments["branch"])
    pins = pinned_forge(repository, branch, given)
    if environment is None or environment.ci not in ("github", "gitlab"):
        environment = from_origin(repository.origin(), pins, arguments["forge"])
    endpoint = endpoint_of(environment, pins)
    token = token_for(environment.ci, may="read change requests and their approvals")
    return Delivering(
        repository=repository,
        branch=branch,
        target=replace(target_of(environment, pins, given), number=None, base_ref=branch),
        connect=lambda target: connect(endpoint, target, token),
        address_of=partial(_address, kind=endpoint.kind, token=token, arguments=arguments),
        signer_of=lambda settings: signer_of(settings, os.environ),
        trusted=keys_in(arguments["trusted_keys"]),
        dry_run=arguments["dry_run"],
        at=options.at,
    )


def _told(options: Options, commit: str) -> None:
    options.stage(f"judging {commit[:12]}")


def _branch(environment: Environment | None, given: str | None) -> str:
    from gitops_gate.ci import Occasion

    if given is not None:
        return given if given.startswith("refs/heads/") else f"refs/heads/{given}"
    pushed = environment is not None and environment.occasion is Occasion.PUSH
    if environment is None or not pushed or environment.base_ref is None:
        raise ConfigurationError(
            "nothing says which branch is to be delivered", remedy="name it: --branch main"
        )
    return environment.base_ref


def _address(clone_url: str, *, kind: str, token: str, arguments: dict[str, Any]) -> RemoteAddress:
    from gitops_gate.source.remote_values import RemoteAddress

    key, hosts = arguments["ssh_key"], arguments["ssh_known_hosts"]
    if key is not None:
        if arguments["push_url"] is None:
            raise ConfigurationError(
                "a deploy key is for SSH, and nothing says where to push",
                remedy="--push-url ssh://git@HOST/OWNER/NAME.git",
            )
        return RemoteAddress(
            url=arguments["push_url"],
            ssh_key=str(key.resolve()),
            ssh_known_hosts=str(hosts.resolve()) if hosts else None,
        )
    password = os.environ.get(_CREDENTIAL, "").strip()
    if not password and not arguments["dry_run"]:
        raise ConfigurationError(
            f"there is no credential that may move the delivery ref: {_CREDENTIAL} is not set",
            remedy="give the deliver job an App's or project's token of its own, or --ssh-key; "
            "--dry-run moves nothing",
        )
    url = arguments["push_url"] or clone_url
    return RemoteAddress(url=url, username=_USERS[kind], password=password or token)


def _keep(deliveries: Sequence[Delivered], folder: Path) -> None:
    """Copies of the attestations; what was done is done, so that none changes no verdict."""
    from gitops_gate.attestations.chain import entry_path

    for one in deliveries:
        if one.entry is None or one.data is None:
            continue
        path = folder / entry_path(one.channel, one.entry.decision.sequence)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.data)
        except OSError as error:
            click.echo(f"gitops-gate: cannot write {path}: {error.strerror}", err=True)


def _write(deliveries: Sequence[Delivered], arguments: dict[str, Any]) -> None:
    from gitops_gate.delivery.outcome import json_of, text_of

    machine = json_of(deliveries)
    if arguments["output"]:
        try:
            arguments["output"].write_text(machine, "utf-8")
        except OSError as error:
            file = arguments["output"]
            raise ConfigurationError(f"cannot write {file}: {error.strerror}") from None
    text = machine
    if arguments["form"] == "text":
        width, color = look_of(no_color=arguments["no_color"], terminal=sys.stdout.isatty())
        text = text_of(deliveries, width=width, color=color)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
