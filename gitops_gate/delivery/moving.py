"""The effect of a delivery: the attestation and the ref, in one push that is done or is not.

Both refs are moved by one atomic push, each only from where it was read (git-push(1), `--atomic`
and `--force-with-lease`). So there is never a moved ref without its attestation, nor two
deliveries of one step, wherever a run is stopped; see docs/adr.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gitops_gate.attestations.bundle import opened, signed
from gitops_gate.attestations.chain import additions, entry_path, previous_of
from gitops_gate.attestations.values import Decision, Entry
from gitops_gate.delivery.remote_state import Position, Remote
from gitops_gate.source.commits import edited_tree, read_commit, write_commit
from gitops_gate.source.recompute import reachable
from gitops_gate.source.remote import push
from gitops_gate.source.remote_values import Pushed, RefUpdate

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Signer, Trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A delivery that is ready: the entry, its file, and the commits that both refs go to."""

    entry: Entry
    data: bytes = field(repr=False)
    store: str
    delivered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs a delivery, whose signatures count, and what is kept beside it.

    `evidence` are commits that the decision was taken from and that the branch does not hold, such
    as the heads of squashed changes.
    """

    signer: Signer
    trusted: Sequence[Trusted]
    evidence: Sequence[str] = ()


def decision_of(position: Position, commit: str, delivered: str, body: dict[str, Any]) -> Decision:
    """The next decision of a chain."""
    previous = position.chain[-1] if position.chain else None
    return Decision(
        channel=position.channel,
        sequence=previous.decision.sequence + 1 if previous else 1,
        commit=commit,
        delivered=delivered,
        previous=previous_of(previous) if previous else None,
        body=body,
    )


def prepared(
    remote: Remote,
    position: Position,
    decision: Decision,
    signing: Signing,
    at: datetime.datetime,
) -> Move:
    """Sign a decision and write the commit of the attestation branch that holds it.

    As parents of that commit the evidence stays where whoever verifies can look at it. Raises
    `AttestationError` and `SourceError`; nothing has left this machine then.
    """
    repository = remote.repository
    data = signed(decision, signing.signer)
    entry = opened(data, signing.trusted, entry_path(decision.channel, decision.sequence))
    before = position.store
    tree = read_commit(repository, before).tree if before else None
    files = additions(repository.revision(before).tree if before else None, decision, data)
    ref, number = decision.channel.ref, decision.sequence
    store = write_commit(
        repository,
        tree=edited_tree(repository, tree, files),
        parents=(*([before] if before else ()), *_apart(remote, signing.evidence, decision.commit)),
        message=f"Attest delivery {number} of {ref}\n\n{decision.commit}\n",
        at=at,
    )
    return Move(entry=entry, data=data, store=store, delivered=decision.delivered)


def moved(remote: Remote, position: Position, move: Move) -> Pushed:
    """Push the attestation and the delivery ref.

    Raises `SourceError` when it is not known whether that arrived.
    """
    return push(
        remote.repository,
        remote.address,
        (
            RefUpdate(ref=position.attestations, old=position.store, new=move.store),
            RefUpdate(ref=position.target.ref, old=position.ref, new=move.delivered),
        ),
    )


def _apart(remote: Remote, evidence: Sequence[str], commit: str) -> list[str]:
    """The commits that neither the delivered one nor another of them leads to."""
    repository = remote.repository
    kept: list[str] = []
    for one in sorted(set(evidence)):
        if reachable(repository, one, commit) or any(reachable(repository, one, k) for k in kept):
            continue
        kept.append(one)
    return kept
