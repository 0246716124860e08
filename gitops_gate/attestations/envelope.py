"""DSSE envelopes: a payload with the signatures that it goes by.

    payload, signer ──signed_envelope──> one line of JSON ──verified (trusted keys)──> payload

https://github.com/secure-systems-lab/dsse, protocol and envelope 1.0. Which key signed is found by
trying the trusted ones: the id in an envelope is a hint that anybody can write.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.attestations.canonical import canonical_json, parsed_json
from gitops_gate.attestations.failures import refuted, unchecked
from gitops_gate.attestations.keys import Signature
from gitops_gate.attestations.signing import Signer, Trusted

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""The type of every payload here (in-toto Attestation, envelope layer)."""

_MAXIMUM_SIGNATURES = 16
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An envelope with nothing in it believed yet."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An envelope that trusted keys signed: `keys` are all those that did, in its order."""

    envelope: Envelope
    keys: tuple[Trusted, ...]

    @property
    def payload(self) -> bytes:
        """What was signed."""
        return self.envelope.payload


def signed_envelope(payload: bytes, signer: Signer, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """A payload in an envelope, as `written` gives it. Raises what the signer raises."""
    signature = signer.sign(pre_authentication(payload_type, payload))
    return written(Envelope(payload_type=payload_type, payload=payload, signatures=(signature,)))


def written(envelope: Envelope) -> bytes:
    """An envelope as one line of canonical JSON, without the end of the line."""
    return canonical_json(
        {
            "payload": base64.b64encode(envelope.payload).decode(),
            "payloadType": envelope.payload_type,
            "signatures": [_written(signature) for signature in envelope.signatures],
        }
    )


def verified(
    data: bytes,
    trusted: Sequence[Trusted],
    where: str,
    payload_type: str = PAYLOAD_TYPE,
) -> Verified:
    """The envelope that was signed by at least one of the trusted keys.

    Signatures by others, or that do not verify, are passed over, as the protocol says. Raises
    `AttestationError`: refuted when it is no envelope, is of another type, or has no more than a
    wrong signature in a trusted key's name; not refuted when no trusted key has to do with it.
    """
    envelope = read_envelope(data, where)
    signed = pre_authentication(envelope.payload_type, envelope.payload)
    keys: list[Trusted] = []
    for signature in envelope.signatures:
        named_first = sorted(trusted, key=lambda key: key.hint != signature.key_id)
        found = next((key for key in named_first if key.verifies(signature, signed)), None)
        if found is not None and found not in keys:
            keys.append(found)
    if not keys:
        raise _without_trusted(envelope, trusted, where)
    if envelope.payload_type != payload_type:
        raise refuted("the payload is of another type than in-toto statements", where)
    return Verified(envelope=envelope, keys=tuple(keys))


def read_envelope(data: bytes, where: str) -> Envelope:
    """An envelope's parts, with nothing verified. Raises `AttestationError` when it is none."""
    value = parsed_json(data, where)
    fields = {"payload", "payloadType", "signatures"}
    if not isinstance(value, dict) or value.keys() != fields:
        raise refuted("this is no DSSE envelope: payload, payloadType, signatures", where)
    signatures = value["signatures"]
    if not isinstance(value["payloadType"], str) or not isinstance(signatures, list):
        raise refuted("this is no DSSE envelope: a field is of another kind", where)
    if len(signatures) > _MAXIMUM_SIGNATURES:
        raise unchecked(f"it has more than {_MAXIMUM_SIGNATURES} signatures", where)
    try:
        payload_type = value["payloadType"].encode("utf-8").decode()
    except UnicodeEncodeError:
        raise refuted("the payload's type is no text", where) from None
    return Envelope(
        payload_type=payload_type,
        payload=_base64(value["payload"], where),
        signatures=tuple(_signature(item, where) for item in signatures),
    )


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What is signed: type and payload with their lengths (DSSE protocol, PAE)."""
    from securesystemslib.dsse import Envelope as LibraryEnvelope

    return LibraryEnvelope(payload, payload_type, {}).pae()


def envelope_digest(data: bytes) -> str:
    """`sha256:…` over an envelope as it is stored, without the end of its line."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _written(signature: Signature) -> dict[str, object]:
    fields: dict[str, object] = {
        "keyid": signature.key_id,
        "sig": base64.b64encode(signature.value).decode(),
    }
    if signature.extension is not None:
        fields["extension"] = signature.extension
    return fields


def _signature(value: Any, where: str) -> Signature:
    allowed = {"keyid", "sig", "extension"}
    if not isinstance(value, dict) or "sig" not in value or not value.keys() <= allowed:
        raise refuted("a signature has other fields than keyid, sig and extension", where)
    key_id, extension = value.get("keyid", ""), value.get("extension")
    if not isinstance(key_id, str) or not isinstance(extension, Mapping | None):
        raise refuted("a field of a signature is of another kind", where)
    return Signature(key_id=key_id, value=_base64(value["sig"], where), extension=extension)


def _base64(text: object, where: str) -> bytes:
    """Both alphabets, as the protocol asks, but one at a time and in one spelling."""
    if not isinstance(text, str) or not text.isascii():
        raise refuted("a field is not base64", where)
    standard = text
    if "-" in text or "_" in text:
        standard = "" if "+" in text or "/" in text else text.translate(_URL_SAFE)
    try:
        data = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise refuted("a field is not base64", where) from None
    if base64.b64encode(data).decode() != standard or bool(standard) != bool(text):
        raise refuted("a field is not base64 in its one spelling", where)
    return data


def _without_trusted(envelope: Envelope, trusted: Sequence[Trusted], where: str) -> Exception:
    if not trusted:
        return unchecked(
            "no trusted key is given, so its signature cannot be checked",
            where,
            remedy="give the public key from outside the repository that it is about",
        )
    if not envelope.signatures:
        return unchecked("it is not signed", where)
    if {key.hint for key in trusted if key.hint} & {
        signature.key_id for signature in envelope.signatures
    }:
        return refuted("the signature in the name of a trusted key does not verify", where)
    return unchecked(
        "no trusted key signed it",
        where,
        remedy="if the key was changed, give the former public key as well as the new one",
    )
