"""Who signs: a private key at hand, one that a key service keeps, or Sigstore.

    signing settings, environment ──signer_of──> Signer ──> envelopes

`SIGNERS` names the methods. A private key is read here and nowhere else, and what is held of it
shows itself in no message and no representation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from gitops_gate.attestations.keys import (
    MAKE_A_KEY,
    MAXIMUM_PEM,
    Signature,
    TrustedKey,
    key_of,
    library_key_of,
)
from gitops_gate.attestations.sigstore import SigstoreSigner, TrustedIdentity
from gitops_gate.config.delivery_settings import SigningSettings
from gitops_gate.errors import AttestationError, ConfigurationError

if TYPE_CHECKING:
    from securesystemslib.signer import Signer as LibrarySigner
    from securesystemslib.signer import SSlibKey

Trusted = TrustedKey | TrustedIdentity
"""Whose signatures may count."""

_SET_BY_CI = ("ACTIONS_", "CI_", "GITHUB_", "GITLAB_", "RUNNER_")
"""How names of variables begin that a CI sets: a commit's message can be one, and hold a key."""


class Signer(Protocol):
    """Makes the signatures of envelopes."""

    @property
    def public(self) -> TrustedKey | None:
        """The key that verifies what it signs; None where each signature has its own."""

    def sign(self, data: bytes) -> Signature:
        """Sign bytes. Raises `AttestationError` when that fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySigner:
    """Signs with a key of securesystemslib, at hand or in a key service."""

    public: TrustedKey
    library: LibrarySigner = field(repr=False)

    def sign(self, data: bytes) -> Signature:
        """Sign, and verify at once: what nobody could verify is never handed out."""
        try:
            made = self.library.sign(data)
            signature = Signature(key_id=self.public.id, value=bytes.fromhex(made.signature))
        except Exception as error:  # noqa: BLE001 - a key service raises what its client raises
            raise AttestationError(f"the key did not sign: {type(error).__name__}") from None
        if not self.public.verifies(signature, data):
            raise AttestationError("the key signed, but its public half does not verify that")
        return signature


def signer_of(settings: SigningSettings, environ: Mapping[str, str]) -> Signer:
    """The signer that the configuration asks for; variables are looked up in `environ`.

    Raises `ConfigurationError` when the settings name none, and `AttestationError` when the key
    cannot be had, is protected by a password, or is of a kind that is not used here.
    """
    return SIGNERS[settings.method](settings, environ)


def _key_signer(settings: SigningSettings, environ: Mapping[str, str]) -> Signer:
    address = settings.key or ""
    scheme, colon, rest = address.partition(":")
    if not colon or not rest or scheme not in _SOURCES:
        raise ConfigurationError(
            "delivery.signing.key does not say where the key is",
            remedy=f"env:NAME, file:PATH, or one of {', '.join(f'{s}:…' for s in _SERVICES)}",
        )
    return _SOURCES[scheme](address, rest, environ)


def _from_environment(address: str, name: str, environ: Mapping[str, str]) -> Signer:
    if name.startswith(_SET_BY_CI):
        raise AttestationError(
            f"the variable {name} is set by the CI, some of it to what others write",
            path="delivery.signing.key",
            remedy="hand the key over in a variable of its own: env:GITOPS_GATE_SIGNING_KEY",
        )
    text = environ.get(name, "").strip()
    if not text:
        raise AttestationError(
            f"the variable {name} holds no signing key",
            remedy=f"{MAKE_A_KEY} and hand it to the deliver job alone, as the secret {name}",
        )
    return _with_private_key(_decoded(text), address)


def _from_file(address: str, path: str, _: Mapping[str, str]) -> Signer:
    try:
        with Path(path).open("rb") as file:
            pem = file.read(MAXIMUM_PEM + 1)
    except OSError as error:
        raise AttestationError(
            f"the signing key cannot be read: {error.strerror}", path=path, remedy=MAKE_A_KEY
        ) from None
    return _with_private_key(pem, address)


def _decoded(text: str) -> bytes:
    """PEM, or its base64 on one line: a variable that GitLab masks cannot have several."""
    if "-----BEGIN" not in text:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    return text.encode("utf-8", "replace")


def _with_private_key(pem: bytes, where: str) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    if len(pem) > MAXIMUM_PEM:
        raise AttestationError(f"a signing key holds at most {MAXIMUM_PEM} bytes", path=where)
    try:
        private_key = load_pem_private_key(pem, None)
    except TypeError:
        raise AttestationError(
            "the signing key is protected by a password, which nobody could type here",
            path=where,
            remedy="take it off: openssl pkey -in key.pem -out bare.pem",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        public = b"PUBLIC KEY" in pem
        raise AttestationError(
            "this is the public key, and signing takes the private one"
            if public
            else "this is no private key in PEM form (PKCS #8)",
            path=where,
            remedy=MAKE_A_KEY,
        ) from None
    public_key = key_of(private_key.public_key(), where)
    return KeySigner(public=public_key, library=CryptoSigner(private_key))


def _from_service(address: str, _: str, __: Mapping[str, str]) -> Signer:
    """A key in a key service; its credentials are what that service's own client finds."""
    from securesystemslib.exceptions import UnsupportedLibraryError
    from securesystemslib.signer import Signer as LibrarySigner

    scheme = address.partition(":")[0]
    try:
        uri, public = _SERVICES[scheme](address)
        library = LibrarySigner.from_priv_key_uri(uri, public)
    except UnsupportedLibraryError:
        raise AttestationError(
            f"signing with {scheme}: takes a library that is not installed",
            path="delivery.signing.key",
            remedy=f"install it with: pip install 'gitops-gate[{_EXTRAS[scheme]}]'",
        ) from None
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - a key service raises what its client raises
        raise AttestationError(
            f"the key service did not give the key: {type(error).__name__}",
            path="delivery.signing.key",
            remedy="its own client has to find credentials that may read and sign with this key",
        ) from None
    return KeySigner(public=library_key_of(public, "delivery.signing.key"), library=library)


def _aws(address: str) -> tuple[str, SSlibKey]:
    from securesystemslib.signer import AWSSigner

    return AWSSigner.import_(address.partition(":")[2])


def _google(address: str) -> tuple[str, SSlibKey]:
    from securesystemslib.signer import GCPSigner

    return GCPSigner.import_(address.partition(":")[2])


def _azure(address: str) -> tuple[str, SSlibKey]:
    from securesystemslib.signer import AzureSigner

    parts = urlsplit(address)
    vault, folders = (parts.hostname or "").split(".")[0], parts.path.split("/")
    if not vault or len(folders) < 3 or folders[1] != "keys":
        raise ConfigurationError(
            "delivery.signing.key names no key of Azure Key Vault",
            remedy="azurekms://VAULT.vault.azure.net/keys/NAME",
        )
    return AzureSigner.import_(vault, folders[2])


def _vault(address: str) -> tuple[str, SSlibKey]:
    from securesystemslib.signer import VaultSigner

    return VaultSigner.import_(address.partition(":")[2])


_SERVICES: Mapping[str, Callable[[str], tuple[str, SSlibKey]]] = {
    "awskms": _aws,
    "azurekms": _azure,
    "gcpkms": _google,
    "hv": _vault,
}
_EXTRAS = {"awskms": "awskms", "azurekms": "azurekms", "gcpkms": "gcpkms", "hv": "vault"}
_SOURCES: Mapping[str, Callable[[str, str, Mapping[str, str]], Signer]] = {
    "env": _from_environment,
    "file": _from_file,
    **dict.fromkeys(_SERVICES, _from_service),
}


def _sigstore_signer(_: SigningSettings, __: Mapping[str, str]) -> Signer:
    return SigstoreSigner()


SIGNERS: Mapping[str, Callable[[SigningSettings, Mapping[str, str]], Signer]] = {
    "key": _key_signer,
    "sigstore": _sigstore_signer,
}
"""The methods of `delivery.signing.method`."""
