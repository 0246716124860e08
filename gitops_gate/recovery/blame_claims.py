"""What is said about a step by others than Git: its message, and its attestation.

A commit's message is whatever its author wrote; the forges put the number of the change request
into it, and so can anybody. It is a claim, and shown as one. An attestation is proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.source.git import run_git

if TYPE_CHECKING:
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
    """What an attestation says about a step: its change requests, and who approved them.

    `attestation` is the digest of the envelope. `verified` is whether a trusted key signed it.
    """

    changes: tuple[int, ...]
    approved_by: tuple[str, ...]
    attestation: str
    verified: bool


def claimed_changes(message: str) -> tuple[str, ...]:
    """The change requests that a message names as what it landed, as `#12` or `!12`."""
    text = message.lstrip()
    found = (f"{sign}{match['number']}" for sign, how in _CLAIMS if (match := how.search(text)))
    return tuple(dict.fromkeys(found))


def delivered_by(_repository: Repository, _commit: str) -> Delivery | None:
    """The delivery that brought a commit, as its attestation says; None where none was read.

    Attestations are believed with a trusted key alone, which is given from outside, so that here
    none is read: `gitops-gate verify` does.
    """
    return None


def attestation_branch(repository: Repository) -> str | None:
    """The ref of a clone that holds attestations, if it was fetched."""
    asked = run_git(
        ("for-each-ref", "--format=%(refname)", *ATTESTATIONS), git_dir=repository.location.git_dir
    )
    there = asked.stdout.decode("utf-8", "replace").split()
    return next((ref for ref in ATTESTATIONS if ref in there), None)
