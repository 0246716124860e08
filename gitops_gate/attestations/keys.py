"""Keys that are trusted: given from outside as PEM files, never taken from what is verified.

    trusted_keys(PEM) ──> TrustedKey, …      TrustedIdentity (Sigstore): whose certificate counts

The id of a key is the one of TUF and in-toto, which securesystemslib gives a key by default: the
SHA-256 of its type, scheme and public value as canonical JSON. So whoever verifies with those tools
and the same PEM file gets the same id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from gitops_gate.errors import AttestationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from securesystemslib.signer import SSlibKey

Kind = Literal["ed25519", "ecdsa-p256", "ecdsa-p384"]

MAKE_A_KEY = "make one with: openssl genpkey -algorithm ed25519 -out key.pem"
"""How a private key is made, for messages."""

TAKE_THE_PUBLIC_HALF = "take it from the private key: openssl pkey -in key.pem -pubout"
"""How a public key is made, for messages."""

MAXIMUM_PEM = 64 * 1024
"""What a file of keys may hold, in bytes."""

_SCHEMES: Mapping[str, Kind] = {
    "ed25519": "ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-p256",
    "ecdsa-sha2-nistp384": "ecdsa-p384",
}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature as an envelope carries it. `key_id` is a hint that proves nothing.

    `extension` is what else it takes to verify (DSSE, signature extensions): Sigstore's bundle.
    """

    key_id: str
    value: bytes
    extension: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key whose signatures count. `pem` is its SubjectPublicKeyInfo."""

    id: str
    kind: Kind
    pem: str = field(repr=False)

    @property
    def hint(self) -> str:
        """The id that its signatures carry in an envelope."""
        return self.id

    def verifies(self, signature: Signature, data: bytes) -> bool:
        """Whether this key made a signature of `data`, whatever key the signature names."""
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature as LibrarySignature

        try:
            _library_key(self.pem).verify_signature(
                LibrarySignature(self.id, signature.value.hex()), data
            )
        except UnverifiedSignatureError:
            return False
        return True


def trusted_keys(pem: bytes, where: str = "the trusted keys") -> tuple[TrustedKey, ...]:
    """The public keys of a PEM file, in its order; text around them is left alone.

    Raises `AttestationError` unless there is one and each is Ed25519 or ECDSA on P-256 or P-384;
    a private key among them is refused, since a file of trusted keys is for everybody to read.
    """
    if len(pem) > MAXIMUM_PEM:
        raise AttestationError(f"a file of keys holds at most {MAXIMUM_PEM} bytes", path=where)
    blocks = [(match.group(1), match.group()) for match in _PEM.finditer(pem)]
    if any(b"PRIVATE KEY" in label for label, _ in blocks):
        raise AttestationError(
            "this holds a private key, and public ones are asked for; if others could read it, "
            "make a new key",
            path=where,
            remedy=TAKE_THE_PUBLIC_HALF,
        )
    if not blocks or pem.count(b"-----BEGIN") != len(blocks):
        raise AttestationError(
            "there is no public key in PEM form" if not blocks else "a key is cut off",
            path=where,
            remedy=TAKE_THE_PUBLIC_HALF,
        )
    keys = [_trusted(block, where) for _, block in blocks]
    return tuple({key.id: key for key in keys}.values())


def trusted_key(pem: bytes, where: str = "the trusted key") -> TrustedKey:
    """The one public key of a PEM file. Raises `AttestationError` when it is not exactly one."""
    keys = trusted_keys(pem, where)
    if len(keys) != 1:
        raise AttestationError(f"there are {len(keys)} keys, and one is asked for", path=where)
    return keys[0]


def key_of(public_key: PublicKeyTypes, where: str) -> TrustedKey:
    """A public key of the `cryptography` library as a trusted one.

    Raises `AttestationError` for a kind that is not signed with here.
    """
    from securesystemslib.signer import SSlibKey

    try:
        library_key = SSlibKey.from_crypto(public_key)
        kind = _SCHEMES[library_key.scheme]
    except (ValueError, KeyError):
        raise AttestationError(
            "this kind of key is not used here; Ed25519 and ECDSA on P-256 or P-384 are",
            path=where,
            remedy=MAKE_A_KEY,
        ) from None
    return TrustedKey(id=library_key.keyid, kind=kind, pem=_written(public_key))


def library_key_of(library_key: SSlibKey, where: str) -> TrustedKey:
    """A public key of securesystemslib as a trusted one; raises as `key_of` does."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    value = library_key.keyval["public"]
    if library_key.keytype != "ed25519":
        return trusted_key(value.encode("ascii"), where)
    return key_of(Ed25519PublicKey.from_public_bytes(bytes.fromhex(value)), where)


def _trusted(block: bytes, where: str) -> TrustedKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public_key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        raise AttestationError(
            "a key cannot be read", path=where, remedy=TAKE_THE_PUBLIC_HALF
        ) from None
    return key_of(public_key, where)


def _written(public_key: PublicKeyTypes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


@cache
def _library_key(pem: str) -> SSlibKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(load_pem_public_key(pem.encode("ascii")))
