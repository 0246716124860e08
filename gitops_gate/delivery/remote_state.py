"""Where the remote repository is: the branch, its delivery refs, and what is attested about them.

Everything is read from the remote in one moment and fetched into our own repository; what a
checkout happens to have counts for nothing. A delivery ref that is not where the newest
attestation put it was moved by somebody else: that is an alarm, and never where to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.attestations.chain import channels_at, read_chain
from gitops_gate.attestations.values import Channel, Entry
from gitops_gate.config.delivery_settings import (
    DeliverySettings,
    DeliveryTarget,
    delivery_targets,
)
from gitops_gate.delivery.alarms import PREFIXES, refuse_moved, refuse_twins
from gitops_gate.delivery.starting import start_of
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.forges.values import RepositoryIdentity
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository
from gitops_gate.source.recompute import reachable
from gitops_gate.source.remote import fetch, remote_refs
from gitops_gate.source.remote_values import RemoteAddress

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote repository at one moment. `refs` are all branches and tags, by full name."""

    repository: Repository
    address: RemoteAddress
    identity: RepositoryIdentity
    refs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where one delivery ref stands.

    `ref` is what it points to, None where it does not exist yet. `chain` is what is attested about
    it, and `last` the branch's commit that was delivered last, or that the first delivery begins
    after. `attestations` is the name of the attestation branch and `store` where that is.
    """

    channel: Channel
    target: DeliveryTarget
    ref: str | None
    chain: tuple[Entry, ...]
    last: str
    attestations: str
    store: str | None


def read_remote(
    repository: Repository, address: RemoteAddress, identity: RepositoryIdentity, branch: str
) -> Remote:
    """Read the refs of a remote, and fetch the branch. Raises `SourceError`."""
    refs = remote_refs(address, PREFIXES)
    if branch not in refs:
        raise SourceError(f"the branch {branch} is not in {identity.path}")
    fetch(repository, address, (branch,))
    return Remote(repository=repository, address=address, identity=identity, refs=refs)


TrustedBy = Callable[[DeliverySettings], Sequence["Trusted"]]
"""Whose signatures count, given the settings that say who signs."""


def positions(
    remote: Remote, branch: str, trusted: TrustedBy
) -> tuple[DeliverySettings, tuple[Position, ...]]:
    """The settings that delivery goes by, and where each delivery ref of a branch stands.

    The settings are those of the commit that was delivered last, since what the tip says is not
    verified yet; before the first delivery there are no others than the tip's. Raises
    `ConfigurationError` where nothing is to be delivered, and `SourceError` and `AttestationError`
    where a ref or what is attested about it is not as we left it.
    """
    settings = settings_at(remote, remote.refs[branch])
    delivered = _newest(remote, branch, settings, trusted)
    if delivered is not None:
        settings = settings_at(remote, delivered)
    targets = delivery_targets(settings, branch.removeprefix("refs/heads/"))
    if not targets:
        raise ConfigurationError(
            f"nothing follows {branch}: delivery.branches has no entry for it",
            remedy="gitops-gate schema config describes delivery",
        )
    keys = trusted(settings)
    return settings, tuple(_position(remote, branch, settings, one, keys) for one in targets)


def fetched_store(remote: Remote, attestations: str) -> str | None:
    """The commit of the attestation branch, fetched; None where there is none yet."""
    store = remote.refs.get(attestations)
    if store is not None:
        fetch(remote.repository, remote.address, (attestations,))
    return store


def settings_at(remote: Remote, commit: str) -> DeliverySettings:
    """What the rules of a commit say about delivery. Raises `GitOpsGateError`."""
    return rules_of(remote.repository, commit).rules.settings.delivery


def _newest(
    remote: Remote, branch: str, settings: DeliverySettings, trusted: TrustedBy
) -> str | None:
    """The commit of a branch that was delivered last, to whichever ref."""
    store = fetched_store(remote, settings.attestations)
    if store is None:
        return None
    repository = remote.repository
    tree, newest = repository.revision(store).tree, None
    for of_branch, ref in channels_at(tree, remote.identity.id):
        if of_branch != branch:
            continue
        channel = _channel(remote, branch, ref)
        chain = read_chain(tree, channel, trusted(settings), newest_only=True)
        for entry in chain[-1:]:
            commit = entry.decision.commit
            if newest is None or reachable(repository, newest, commit):
                newest = commit
    return newest


def _position(
    remote: Remote,
    branch: str,
    settings: DeliverySettings,
    target: DeliveryTarget,
    trusted: Sequence[Trusted],
) -> Position:
    refuse_twins(remote.refs, target.ref, settings.attestations)
    store = remote.refs.get(settings.attestations)
    channel = _channel(remote, branch, target.ref)
    tree = remote.repository.revision(store).tree if store else None
    chain = read_chain(tree, channel, trusted) if tree else ()
    ref = remote.refs.get(target.ref)
    refuse_moved(remote.repository, remote.address, target.ref, ref, chain)
    return Position(
        channel=channel,
        target=target,
        ref=ref,
        chain=chain,
        last=chain[-1].decision.commit
        if chain
        else start_of(remote, branch, target, tree, trusted),
        attestations=settings.attestations,
        store=store,
    )


def _channel(remote: Remote, branch: str, ref: str) -> Channel:
    return Channel(
        repository_id=remote.identity.id, url=remote.identity.url, branch=branch, ref=ref
    )
