"""Decisions, keys and trees of attestations, as tests write them: one line for what they are about.

Keys are made from fixed numbers, so that Ed25519 signatures and digests are the same in every run.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gitops_gate.attestations.bundle import opened, signed
from gitops_gate.attestations.chain import entry_path, previous_of
from gitops_gate.attestations.keys import TrustedKey, trusted_key
from gitops_gate.attestations.signing import Signer, signer_of
from gitops_gate.attestations.values import Channel, Decision, Previous
from gitops_gate.config.delivery_settings import SigningSettings
from gitops_gate.errors import AttestationError
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree, blob_id

CHANNEL = Channel(
    repository_id=123456,
    url="https://github.com/acme/fleet",
    branch="refs/heads/main",
    ref="refs/heads/deploy/production",
)
COMMIT, RENDERED = "c" * 40, "d" * 40
AT = "2026-11-24T12:00:00Z"


def body(**fields: Any) -> dict[str, Any]:
    """What a decision was taken from; the shortest that is of the published form."""
    return {
        "at": AT,
        "configuration": {"source": "base", "digest": "sha256:" + "a" * 64},
        "policies": {"digest": "sha256:" + "b" * 64},
        "tools": {"gitops-gate": "0.1.0", "helm": "v4.3.1"},
        "steps": [{"commit": COMMIT, "method": "merge", "changes": [7]}],
        "whole": None,
        "verdict": "allow",
        "reasons": [{"code": "allowed", "message": "every check passed"}],
        **fields,
    }


def decision(
    sequence: int = 1,
    *,
    channel: Channel = CHANNEL,
    commit: str = COMMIT,
    delivered: str | None = None,
    previous: Previous | None = None,
    **fields: Any,
) -> Decision:
    if previous is None and sequence > 1:
        previous = Previous(
            sequence=sequence - 1, digest="sha256:" + "e" * 64, commit="b" * 40, delivered="b" * 40
        )
    return Decision(
        channel=channel,
        sequence=sequence,
        commit=commit,
        delivered=delivered or commit,
        previous=previous,
        body=body(**fields),
    )


def ed25519(number: int = 1) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def ecdsa(curve: ec.EllipticCurve | None = None, number: int = 1) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number + 2**200, curve or ec.SECP256R1())


def private_pem(key: PrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signer(key: PrivateKeyTypes | None = None) -> Signer:
    return signer_of(SigningSettings(key="env:KEY"), {"KEY": private_pem(key or ed25519())})


def trust(key: PrivateKeyTypes | None = None) -> TrustedKey:
    return trusted_key(public_pem(key or ed25519()))


TRUSTED = trust()


def payload_of(line: bytes) -> bytes:
    return base64.b64decode(json.loads(line)["payload"])


def chain_files(
    length: int,
    *,
    channel: Channel = CHANNEL,
    sign: Signer | None = None,
    keys: Iterable[TrustedKey] = (TRUSTED,),
) -> dict[str, bytes]:
    """The files of a chain of decisions, each about another commit."""
    files: dict[str, bytes] = {}
    previous = None
    for number in range(1, length + 1):
        made = decision(number, channel=channel, commit=f"{number:040x}", previous=previous)
        path = entry_path(channel, number)
        files[path] = signed(made, sign or signer())
        previous = previous_of(opened(files[path], tuple(keys), path))
    return files


def tree_of(files: Mapping[str, bytes], mode: Mode = Mode.FILE) -> Tree:
    entries = {path: Entry(mode, blob_id(data)) for path, data in files.items()}
    return Tree(
        entries=entries, blobs=MemoryBlobs(contents={blob_id(d): d for d in files.values()})
    )


def failure(call: Callable[[], object]) -> AttestationError:
    """The error that a call ends in."""
    with pytest.raises(AttestationError) as caught:
        call()
    return caught.value
