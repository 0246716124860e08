"""After which commit a first delivery begins.

Everything up to there is delivered unseen, so the commit is one that people have named: `start` of
the approved configuration. It is named once: a later configuration that names a later commit would
carry past it what nobody could verify. A branch that was made from a delivered commit needs no
name; it begins where it left the line that is verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gitops_gate.attestations.chain import channels_at, read_chain
from gitops_gate.attestations.values import Channel, Entry
from gitops_gate.config import CONFIGURATION_PATH, load_settings
from gitops_gate.config.delivery_settings import DeliveryTarget, delivery_targets
from gitops_gate.delivery.alarms import refuse_moved
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.source import Repository, Tree
from gitops_gate.source.recompute import touching
from gitops_gate.source.remote import fetch

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Trusted
    from gitops_gate.delivery.remote_state import Remote

_MOST_CONFIGURATIONS = 500
_LONGEST_LINE = 10_000


def start_of(
    remote: Remote,
    branch: str,
    target: DeliveryTarget,
    store: Tree | None,
    trusted: Sequence[Trusted],
) -> str:
    """The commit that the first delivery of a branch (full ref name) to a target begins after.

    `store` is the tree of the attestation branch. Raises `ConfigurationError` where none is named,
    and `SourceError` for one that may not be.
    """
    if target.start is not None:
        _named_once(remote.repository, branch, target.start)
        return target.start
    forked = _forked_from(remote, branch, store, trusted) if store is not None else None
    if forked is None:
        raise ConfigurationError(
            f"nothing was delivered to {target.ref} yet, and the configuration names no commit to "
            "begin after",
            remedy=f"delivery.branches.{_short(branch)}.start: the full id of the last commit that "
            "people have looked at",
        )
    return forked


def _named_once(repository: Repository, branch: str, start: str) -> None:
    """Refuse a start behind a configuration that had named one for the branch already."""
    for commit in touching(repository, start, CONFIGURATION_PATH, _MOST_CONFIGURATIONS):
        named = _start_named_at(repository, branch, commit)
        if named is not None:
            raise SourceError(
                f"the configuration begins after {start[:12]}, and that of {commit[:12]}, before "
                f"it, began after {named[:12]}: what lies in between would be delivered unverified",
                remedy=f"name {named} as the start again, and ratify what cannot be verified",
            )


def _start_named_at(repository: Repository, branch: str, commit: str) -> str | None:
    tree = repository.revision(commit).tree
    if CONFIGURATION_PATH not in tree.entries:
        return None
    try:
        settings = load_settings(tree.read(CONFIGURATION_PATH)).delivery
    except ConfigurationError:
        return None
    targets = delivery_targets(settings, _short(branch))
    return next((one.start for one in targets if one.start is not None), None)


def _forked_from(
    remote: Remote, branch: str, store: Tree, trusted: Sequence[Trusted]
) -> str | None:
    """The newest commit on a branch's line that was delivered from another branch."""
    delivered: set[str] = set()
    for of_branch, ref in channels_at(store, remote.identity.id):
        if of_branch == branch:
            continue
        channel = Channel(
            repository_id=remote.identity.id, url=remote.identity.url, branch=of_branch, ref=ref
        )
        delivered |= set(_delivered(remote, read_chain(store, channel, trusted)))
    line = remote.repository.first_parent_history(remote.refs[branch], _LONGEST_LINE)
    return next((commit for commit in line if commit in delivered), None)


def _delivered(remote: Remote, chain: Sequence[Entry]) -> Iterator[str]:
    """The commits of a chain that lie on the line to where its delivery ref really is.

    Who may push chooses, on a branch that was never delivered, where attestations are read from;
    the ref is what nobody else can write.
    """
    if not chain:
        return
    newest, repository = chain[-1].decision, remote.repository
    name = newest.channel.ref
    try:
        refuse_moved(repository, remote.address, name, remote.refs.get(name), chain)
    except SourceError:
        return
    if repository.blobs.find(newest.commit) is None:
        fetch(repository, remote.address, (newest.commit,))
    line = set(repository.first_parent_history(newest.commit, _LONGEST_LINE))
    for entry in chain:
        ends = (step["commits"][-1] for step in entry.decision.body["steps"])
        yield from (commit for commit in ends if commit in line)


def _short(branch: str) -> str:
    return branch.removeprefix("refs/heads/")
