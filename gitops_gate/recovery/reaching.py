"""Where a proposal goes: the forge, by the checkout's `origin`, and the tip of the target branch.

A proposal may be made from anywhere: a person's machine, or the pipeline of another repository that
asks for its deployment. So which repository this is comes from the remote `origin` of the checkout
and never from a CI's variables, and where the token is sent from what the default branch pins.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.forges.connect import connect
from gitops_gate.forges.interface import Forge
from gitops_gate.recovery.proposal import Target
from gitops_gate.review.pins import Pinned, endpoint_of, pinned_forge, target_of, tip_in_git
from gitops_gate.review.remote import from_origin
from gitops_gate.source.remote import fetch, remote_refs
from gitops_gate.source.remote_values import RemoteAddress

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_USERNAMES = {"github": "x-access-token", "gitlab": "oauth2"}
"""The name that goes with a token: docs.github.com/apps/creating-github-apps ("Authenticating as a
GitHub App installation"), docs.gitlab.com/topics/git/clone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A connected forge, and where its repository is pushed to."""

    forge: Forge
    address: RemoteAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says about the forge. `kind` is where the host does not tell."""

    pinned: Pinned = field(default_factory=Pinned)
    kind: str | None = None


def reach(repository: Repository, asked: Asked, token_for: Callable[[str], str]) -> Remote:
    """Connect the forge that `origin` and the pins name; `token_for` gives the token of its kind.

    Raises `ConfigurationError` when they name none, or disagree, and `ForgeError` when the forge
    cannot be read or is not the pinned repository.
    """
    pins = pinned_forge(repository, None, asked.pinned)
    environment = from_origin(repository.origin(), pins, asked.kind)
    endpoint = endpoint_of(environment, pins)
    target = target_of(environment, pins, asked.pinned)
    token = token_for(environment.ci)
    forge = connect(endpoint, target, token)
    if forge.identity is None:
        raise ConfigurationError("the token may not read which repository this is")
    identity = forge.identity.identity()
    address = RemoteAddress(
        url=identity.clone_url, username=_USERNAMES[endpoint.kind], password=token
    )
    return Remote(forge=forge, address=address)


def target_branch(repository: Repository, name: str | None) -> str:
    """The full ref name, on the forge, of the branch named; of the default branch without a name.

    Raises `SourceError` when nothing says which the default branch is.
    """
    if name is None:
        name = repository.default_branch().removeprefix("refs/remotes/origin/")
    return f"refs/heads/{name.removeprefix('refs/heads/')}"


def live_target(repository: Repository, remote: Remote, ref: str) -> Target:
    """The target branch as it is on the forge at this moment, with its history fetched.

    Raises `SourceError` when the branch is not there, or cannot be fetched.
    """
    tip = live_refs(repository, remote, (ref,)).get(ref)
    if tip is None:
        raise SourceError(
            f"the branch {ref.removeprefix('refs/heads/')} is not on the forge",
            remedy="name the one that the change is for: --branch NAME",
        )
    return Target(ref=ref, commit=tip)


def known_target(repository: Repository, ref: str) -> Target:
    """The target branch as the last fetch left it in the checkout. Raises `SourceError`."""
    return Target(ref=ref, commit=tip_in_git(repository, ref))


def live_refs(repository: Repository, remote: Remote, refs: Sequence[str]) -> Mapping[str, str]:
    """Those of some refs that are on the forge, fetched. Raises `SourceError`."""
    if not refs:
        return {}
    there = remote_refs(remote.address, refs)
    found = {ref: there[ref] for ref in refs if ref in there}
    fetch(repository, remote.address, tuple(found.values()))
    return found


def known_refs(repository: Repository, refs: Sequence[str]) -> Mapping[str, str]:
    """Those of some refs of the forge that the checkout knows, as the last fetch left them."""
    found = {}
    for ref in refs:
        with contextlib.suppress(SourceError):
            found[ref] = tip_in_git(repository, ref)
    return found
