"""What is never a place to go on from: a delivery ref that somebody else has touched.

Each of these ends a run with exit code 2 and a message for people. Nothing here mends anything: a
ref that moved is what the cluster has applied since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitops_gate.attestations.values import Decision, Entry
from gitops_gate.delivery.hydrated import is_rendered_from
from gitops_gate.errors import SourceError
from gitops_gate.source import Repository
from gitops_gate.source.remote import fetch
from gitops_gate.source.remote_values import RemoteAddress

PREFIXES = ("refs/heads/", "refs/tags/")
"""Where refs are that are delivered to."""


def refuse_twins(there: Mapping[str, str], *refs: str) -> None:
    """Refuse names that Git could take for those of our refs; `there` are the remote's.

    A push to `refs/heads/x` is ambiguous where there is `refs/heads/refs/heads/x` as well, which
    everybody may make who may push branches (gitrevisions(7), the order in which a name is tried).
    Raises `SourceError`.
    """
    meant = [f"{prefix}{ref}" for ref in refs for prefix in PREFIXES]
    strange = next((name for name in meant if name in there), None)
    if strange is not None:
        raise SourceError(
            f"somebody made {strange}, a name that Git takes for the delivery ref as well",
            remedy=f"find out who, and delete it: git push origin --delete {strange}",
        )


def refuse_moved(
    repository: Repository,
    address: RemoteAddress,
    name: str,
    ref: str | None,
    chain: Sequence[Entry],
) -> None:
    """Refuse a delivery ref that is not where the newest decision of its chain put it.

    `ref` is where it is, None where it does not exist. Raises `SourceError`.
    """
    if not chain:
        if ref is not None:
            raise SourceError(
                f"{name} is at {ref[:12]}, and nothing attests that gitops-gate put it there",
                remedy="find out who made it; delete it, and the next delivery makes it anew",
            )
        return
    ours = chain[-1].decision.delivered
    if ref is None:
        raise SourceError(
            f"{name} was deleted: it was delivered as {ours[:12]}",
            remedy=f"find out by whom, then put it back: git push origin {ours}:{name}",
        )
    if ref != ours:
        raise SourceError(
            f"{name} was moved by somebody else: it is at {ref[:12]}, and the newest attestation "
            f"put it at {ours[:12]}",
            remedy="find out by whom and what the cluster made of it, then put it back: "
            f"git push --force-with-lease={name}:{ref} origin {ours}:{name}",
        )
    _refuse_other_origin(repository, address, name, chain[-1].decision)


def _refuse_other_origin(
    repository: Repository, address: RemoteAddress, name: str, decision: Decision
) -> None:
    """Compare what a decision is about with the ref, which nobody else can write.

    Who may push to the branch may say there where attestations are, and by whom they are signed;
    so a chain says nothing about a commit that the ref itself does not say.
    """
    commit, delivered = decision.commit, decision.delivered
    if repository.blobs.find(delivered) is None:
        fetch(repository, address, (name,))
    if commit != delivered and not is_rendered_from(repository, delivered, commit):
        raise SourceError(
            f"{name} is at {delivered[:12]}, which was not made from {commit[:12]}, as the newest "
            "attestation says",
            remedy="find out who wrote it, and who changed delivery.attestations or "
            "delivery.signing in the configuration",
        )
