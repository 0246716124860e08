"""What an attestation says, as values: one decision in the chain of a delivery ref."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What a chain of decisions is about: a repository, a branch of it, and the ref that follows.

    `repository_id` is the forge's numeric id and decides; `url` is the repository's web address,
    for people. `branch` and `ref` are full ref names.
    """

    repository_id: int
    url: str
    branch: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The decision before: its place in the chain, the digest of its envelope, its commits."""

    sequence: int
    digest: str
    commit: str
    delivered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """That a commit of a branch was verified, and what the delivery ref is moved to for it.

    `sequence` counts from 1 within the channel. `commit` is the commit of the branch; `delivered`
    is what the ref points to: the same commit, or the one that carries its rendered manifests.
    `previous` is None for the first. `body` is everything that the decision was taken from and
    what it says, as plain JSON (`schema/decision.json`).
    """

    channel: Channel
    sequence: int
    commit: str
    delivered: str
    previous: Previous | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decision as it is stored: `digest` (`sha256:…`) is over the envelope of its statement.

    `key` names the trusted key that its signature was verified with.
    """

    decision: Decision
    digest: str
    key: str
