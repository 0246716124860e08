"""Signing without a key to keep, by Sigstore: the extra `sigstore`.

The job's own identity token gets a certificate for minutes, and the signature goes into a public
log. What is signed is the same as with a key, so the envelope stays one that every DSSE reader
parses; the bundle that verifies it rides in the signature's extension. Sigstore's own call for
in-toto statements is not used, since it takes no subject that is a Git commit.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.attestations.keys import Signature
from gitops_gate.errors import AttestationError

EXTENSION_KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The media type of a Sigstore bundle, which names the extension."""

_SILENCE = logging.NullHandler()
_MISSING = "install it with: pip install 'gitops-gate[sigstore]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIdentity:
    """Whose certificates count: the subject that they name, and the issuer who vouched for it.

    On GitHub the identity is the deliver workflow (`https://github.com/OWNER/REPOSITORY/.github/
    workflows/FILE@refs/heads/BRANCH`), the issuer `https://token.actions.githubusercontent.com`.
    """

    identity: str
    issuer: str

    @property
    def id(self) -> str:
        """How messages and entries name it."""
        return f"{self.identity} by {self.issuer}"

    @property
    def hint(self) -> str:
        """The id that its signatures carry in an envelope: none, each has a key of its own."""
        return ""

    def verifies(self, signature: Signature, data: bytes) -> bool:
        """Whether this identity made a signature of `data`, by what is known offline.

        Raises `AttestationError` when Sigstore's library is not there, or its own root of trust
        cannot be read.
        """
        bundle_json = _bundle_of(signature)
        if bundle_json is None:
            return False
        try:
            from sigstore.errors import Error
            from sigstore.models import Bundle, InvalidBundle
            from sigstore.verify import Verifier
            from sigstore.verify.policy import Identity
        except ImportError:
            raise AttestationError(
                "verifying this takes Sigstore's library", remedy=_MISSING
            ) from None
        # Without a handler it would warn on stderr that it is offline, which is what is wanted.
        logging.getLogger("sigstore").addHandler(_SILENCE)
        try:
            verifier = Verifier.production(offline=True)
        except Exception as error:  # noqa: BLE001 - whatever its store of roots raises
            raise AttestationError(
                f"Sigstore's root of trust cannot be read: {type(error).__name__}"
            ) from None
        try:
            bundle = Bundle.from_json(bundle_json)
            if bundle.signature != signature.value:
                return False
            policy = Identity(identity=self.identity, issuer=self.issuer)
            verifier.verify_artifact(data, bundle, policy)
        except (Error, InvalidBundle, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SigstoreSigner:
    """Signs with the identity that the CI gives the running job."""

    public: None = None

    def sign(self, data: bytes) -> Signature:
        """Sign `data`, which asks Sigstore's services.

        Raises `AttestationError` when the library is missing, the job has no identity token, or
        a service does not answer.
        """
        try:
            from sigstore.models import ClientTrustConfig
            from sigstore.oidc import IdentityToken, detect_credential
            from sigstore.sign import SigningContext
        except ImportError:
            raise AttestationError("signing takes Sigstore's library", remedy=_MISSING) from None
        try:
            token = detect_credential()
            if token is None:
                raise AttestationError(
                    "this job has no identity token to sign with",
                    remedy="on GitHub give the job `permissions: id-token: write`, on GitLab "
                    "`id_tokens: SIGSTORE_ID_TOKEN: {aud: sigstore}`",
                )
            context = SigningContext.from_trust_config(ClientTrustConfig.production())
            with context.signer(IdentityToken(token)) as signer:
                bundle = signer.sign_artifact(data)
        except AttestationError:
            raise
        except Exception as error:  # noqa: BLE001 - HTTP, TUF and token errors of many libraries
            raise AttestationError(f"Sigstore did not sign: {type(error).__name__}") from None
        content: dict[str, Any] = json.loads(bundle.to_json())
        return Signature(
            key_id="",
            value=base64.b64decode(content["messageSignature"]["signature"]),
            extension={"kind": EXTENSION_KIND, "ext": content},
        )


def _bundle_of(signature: Signature) -> str | None:
    extension = signature.extension
    if extension is None or extension.get("kind") != EXTENSION_KIND:
        return None
    content = extension.get("ext")
    return json.dumps(content) if isinstance(content, Mapping) else None
