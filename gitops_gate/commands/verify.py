"""`gitops-gate verify`: whether a commit was delivered rightly, offline."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import (
    form_option,
    keys_in,
    pipeline_options,
    running_options,
)
from gitops_gate.errors import AttestationError, GitOpsGateError

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Trusted
    from gitops_gate.delivery.verify import Verified

_REFUTED, _NOT_VERIFIED = 1, 2


@click.command("verify")
@click.argument("commit", metavar="COMMIT")
@click.option("--repo", default=".", metavar="DIR", help="The clone; default: around here.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A public key (PEM) whose signatures count; may be repeated.",
)
@click.option(
    "--certificate-identity",
    metavar="IDENTITY",
    help="With Sigstore: whose certificate counts, such as the address of a workflow.",
)
@click.option(
    "--certificate-issuer",
    metavar="URL",
    help="With Sigstore: who vouched for that identity.",
)
@click.option(
    "--repository-id",
    type=click.IntRange(min=1),
    required=True,
    metavar="ID",
    help="The numeric id that the forge has for the repository.",
)
@click.option("--branch", metavar="NAME", help="The branch that was delivered; default: any.")
@click.option("--ref", metavar="REF", help="The delivery ref, by its full name; default: any.")
@click.option(
    "--attestations",
    default="refs/heads/gitops-gate/attestations",
    show_default=True,
    metavar="REF",
    help="The branch that the attestations are in.",
)
@click.option(
    "--newest",
    is_flag=True,
    help="Refute a commit that is not what was delivered last, such as one that a ref was put "
    "back to.",
)
@click.option(
    "--replay/--no-replay",
    default=True,
    show_default=True,
    help="Render and judge the recorded inputs again, which must give the recorded verdict.",
)
@form_option
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@running_options
def command(commit: str, **arguments: Any) -> int:
    """Check the attestations of a commit, offline, by a key and an id that are given from outside.

    Reads the attestation branch of a clone: the signature of every decision in the chain, its
    order, that it is about this repository, branch and ref. Then makes again, from Git alone, the
    merges that it speaks of, and judges the recorded inputs again: the verdict must come out byte
    for byte. Nothing is asked of a forge, and nothing that is verified is believed.

    As a step in front of what applies manifests, it is run on the commit that is about to be
    applied; see docs/delivery.md.

    \b
    Examples:
      gitops-gate verify HEAD --key gate.pub --repository-id 123456
      gitops-gate verify origin/deploy/production --key gate.pub --repository-id 123456 \\
          --ref refs/heads/deploy/production --no-replay

    \b
    Exit codes: 0 verified, 1 refuted, 2 it could not be verified (nothing attests it, no trusted
    key signed it, or the clone or a tool that is needed is not there).
    """
    from gitops_gate.delivery.verify import Asked, verify
    from gitops_gate.review.judging import rendered_once
    from gitops_gate.source import open_repository

    options = pipeline_options({**arguments, "formats": (), "outputs": (), "reports": ()})
    branch = arguments["branch"]
    try:
        with open_repository(arguments["repo"]) as repository, rendered_once(options) as kept:
            asked = Asked(
                commit=commit,
                repository_id=arguments["repository_id"],
                trusted=_trusted(arguments),
                branch=f"refs/heads/{branch.removeprefix('refs/heads/')}" if branch else None,
                ref=arguments["ref"],
                attestations=arguments["attestations"],
                newest=arguments["newest"],
                replay=arguments["replay"],
            )
            found = verify(repository, asked, kept)
    except GitOpsGateError as error:
        refuted = isinstance(error, AttestationError) and error.refuted
        return _failed(error, "refuted" if refuted else "not verified", arguments)
    _print(found, arguments)
    return 0


def _trusted(arguments: Mapping[str, Any]) -> Sequence[Trusted]:
    from gitops_gate.attestations.sigstore import TrustedIdentity

    identity, issuer = arguments["certificate_identity"], arguments["certificate_issuer"]
    if (identity is None) != (issuer is None):
        raise click.UsageError("--certificate-identity and --certificate-issuer go together")
    keys: list[Trusted] = [*keys_in(arguments["keys"])]
    if identity is not None:
        keys.append(TrustedIdentity(identity=identity, issuer=issuer))
    if not keys:
        raise click.UsageError("nothing says whose signatures count: --key FILE")
    return keys


def _print(found: Sequence[Verified], arguments: Mapping[str, Any]) -> None:
    from gitops_gate.delivery.outcome import verified_json, verified_text

    text = verified_json(found) if arguments["form"] == "json" else verified_text(found)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()


def _failed(error: GitOpsGateError, word: str, arguments: Mapping[str, Any]) -> int:
    from gitops_gate.reports.json_text import json_text
    from gitops_gate.tools import clean_text

    if arguments["form"] == "json":
        value = {"schema": "gitops-gate/verification/v1", "result": word, "reason": str(error)}
        click.echo(json_text(value, depth=1), nl=False)
    else:
        click.echo(f"gitops-gate: {word}: {clean_text(str(error))}", err=True)
    return _REFUTED if word == "refuted" else _NOT_VERIFIED
