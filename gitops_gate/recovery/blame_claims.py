"""What is said about a step by others than Git: its message, and its attestation.

A commit's message is whatever its author wrote; the forges put the number of the change request
into it, and so can anybody. It is a claim, and shown as one. An attestation is proof.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops_gate.attestations.values import Channel
from gitops_gate.delivery.record import approved_by
from gitops_gate.source.git import run_git

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Trusted
    from gitops_gate.source import Repository

ATTESTATIONS = (
    "refs/remotes/origin/gitops-gate/attestations",
    "refs/heads/gitops-gate/attestations",
)
"""Where the branch of attestations is in a clone, by its default name."""

_NUMBER = r"(?P<number>[1-9][0-9]{0,8})"
_CLAIMS = (
    ("#", re.compile(rf"\AMerge pull request #{_NUMBER} from ")),
    ("#", re.compile(rf"\A[^\n]*\(#{_NUMBER}\)[ \t\r]*$", re.MULTILINE)),
    ("!", re.compile(rf"\A[^\n]*\(!{_NUMBER}\)[ \t\r]*$", re.MULTILINE)),
    ("!", re.compile(rf"^See merge request [\w./-]*!{_NUMBER}[ \t\r]*$", re.MULTILINE)),
)
"""How GitHub and GitLab write numbers into the messages of merges and squashed commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a verified attestation says about a step: its change requests, and who approved them.

    `attestation` is the digest of the envelope. A step that was ratified has those of the change
    that ratified it.
    """

    changes: tuple[int, ...]
    approved_by: tuple[str, ...]
    attestation: str


def claimed_changes(message: str) -> tuple[str, ...]:
    """The change requests that a message names as what it landed, as `#12` or `!12`."""
    text = message.lstrip()
    found = (f"{sign}{match['number']}" for sign, how in _CLAIMS if (match := how.search(text)))
    return tuple(dict.fromkeys(found))


def deliveries(
    repository: Repository, repository_id: int, trusted: Sequence[Trusted]
) -> Mapping[str, Delivery]:
    """The delivery of every commit that one of the clone's verified chains speaks of.

    Signatures and chains are checked here; that a decision follows from its inputs is what
    `gitops-gate verify` says. Raises `AttestationError` where a chain is not what it must be.
    """
    from gitops_gate.attestations.chain import channels_at, read_chain

    ref = attestation_branch(repository)
    if ref is None:
        return {}
    tree = repository.revision(ref).tree
    found: dict[str, Delivery] = {}
    for branch, to in channels_at(tree, repository_id):
        channel = Channel(repository_id=repository_id, url="", branch=branch, ref=to)
        for entry in read_chain(tree, channel, trusted):
            for step in entry.decision.body["steps"]:
                delivery = _delivery(step, entry.digest)
                found |= dict.fromkeys((*step["ratifies"], *step["commits"]), delivery)
    return found


def _delivery(step: Mapping[str, Any], digest: str) -> Delivery:
    return Delivery(
        changes=tuple(change["number"] for change in step["changes"]),
        approved_by=approved_by(step),
        attestation=digest,
    )


def attestation_branch(repository: Repository) -> str | None:
    """The ref of a clone that holds attestations, if it was fetched."""
    asked = run_git(
        ("for-each-ref", "--format=%(refname)", *ATTESTATIONS), git_dir=repository.location.git_dir
    )
    there = asked.stdout.decode("utf-8", "replace").split()
    return next((ref for ref in ATTESTATIONS if ref in there), None)
