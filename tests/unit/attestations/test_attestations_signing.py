"""Where signers come from, what each failure says, and that no secret is ever shown."""

from __future__ import annotations

import base64
import sys
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from securesystemslib.signer import AWSSigner, CryptoSigner, SSlibKey

from gitops_gate.attestations.envelope import signed_envelope, verified
from gitops_gate.attestations.keys import MAXIMUM_PEM, Signature
from gitops_gate.attestations.signing import SIGNERS, KeySigner, signer_of
from gitops_gate.attestations.sigstore import EXTENSION_KIND, TrustedIdentity
from gitops_gate.config.delivery_settings import SigningSettings
from gitops_gate.errors import AttestationError, ConfigurationError
from tests.unit.attestations.statements import (
    ecdsa,
    ed25519,
    failure,
    private_pem,
    public_pem,
    trust,
)

KEYS: list[PrivateKeyTypes] = [ed25519(), ecdsa(), ecdsa(ec.SECP384R1())]


def from_environment(value: str | None) -> object:
    return signer_of(SigningSettings(key="env:KEY"), {} if value is None else {"KEY": value})


def test_each_method_of_the_configuration_has_a_signer() -> None:
    assert set(SIGNERS) == {"key", "sigstore"}


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256", "p384"])
def test_a_key_from_a_file_signs_what_its_public_half_verifies(
    key: PrivateKeyTypes, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    file.write_text(private_pem(key))
    signer = signer_of(SigningSettings(key=f"file:{file}"), {})
    assert signer.public == trust(key)
    assert verified(signed_envelope(b"{}", signer), [trust(key)], "file").payload == b"{}"


def test_a_key_from_the_environment_may_be_base64_on_one_line() -> None:
    pem = private_pem(ed25519())
    for value in (pem, f"\n{pem}\n", base64.b64encode(pem.encode()).decode()):
        signer = from_environment(value)
        assert isinstance(signer, KeySigner)
        assert signer.public == trust()


def test_a_file_is_read_as_far_as_a_key_can_go(tmp_path: Path) -> None:
    file, pem = tmp_path / "key.pem", private_pem(ed25519())
    file.write_text(pem.ljust(MAXIMUM_PEM))
    assert signer_of(SigningSettings(key=f"file:{file}"), {}).public == trust()
    file.write_text(pem.ljust(MAXIMUM_PEM + 1))
    error = failure(lambda: signer_of(SigningSettings(key=f"file:{file}"), {}))
    assert error.message == "a signing key holds at most 65536 bytes"


def test_an_older_form_of_elliptic_curve_keys_is_read_too() -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption

    pem = ecdsa().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert b"EC PRIVATE KEY" in pem
    signer = from_environment(pem.decode())
    assert isinstance(signer, KeySigner)
    assert signer.public == trust(ecdsa())


def test_a_missing_variable_says_its_name_and_how_to_make_a_key() -> None:
    for value in (None, "", "  \n"):
        error = failure(lambda value=value: from_environment(value))  # type: ignore[misc]
        assert error.message == "the variable KEY holds no signing key"
        assert "openssl genpkey -algorithm ed25519 -out key.pem" in str(error.remedy)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    settings = SigningSettings(key=f"file:{tmp_path}/none.pem")
    error = failure(lambda: signer_of(settings, {}))
    assert error.message == "the signing key cannot be read: No such file or directory"
    assert error.path == f"{tmp_path}/none.pem"


ENCRYPTED = (
    ed25519()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    .decode()
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ENCRYPTED, "protected by a password"),
        (public_pem(ed25519()).decode(), "this is the public key"),
        ("hunter2hunter2", "no private key in PEM form"),
        ("hunter2 \udcff", "no private key in PEM form"),
        (private_pem(ed25519())[:60], "no private key in PEM form"),
        (private_pem(ecdsa(ec.SECP521R1())), "Ed25519 and ECDSA on P-256 or P-384"),
        (private_pem(rsa.generate_private_key(65537, 2048)), "Ed25519 and ECDSA"),
        ("x" * 200_000, "at most"),
    ],
    ids=["encrypted", "public", "no PEM", "no text", "cut off", "P-521", "RSA", "large"],
)
def test_what_cannot_sign_is_refused_without_showing_it(value: str, said: str) -> None:
    error = failure(lambda: from_environment(value))
    assert said in error.message
    shown = "".join(traceback.format_exception(error))
    assert not any(line in shown for line in value.split() if len(line) > 12)


@pytest.mark.parametrize("key", [None, "", "KEY", "env:", "gpg:ABC", "-----BEGIN PRIVATE KEY-----"])
def test_an_address_of_no_kind_names_those_that_there_are(key: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signer_of(SigningSettings(key=key), {})
    assert "env:NAME, file:PATH, or one of awskms:…" in str(caught.value)
    assert not key or key not in str(caught.value).replace("env:NAME", "")


def test_neither_signer_nor_key_shows_what_is_secret() -> None:
    pem = private_pem(ed25519())
    signer = from_environment(pem)
    assert isinstance(signer, KeySigner)
    for text in (repr(signer), str(signer), repr(signer.public)):
        assert pem.splitlines()[1] not in text
        assert "CryptoSigner" not in text
    assert trust().id in repr(signer)


def test_a_key_that_signs_wrongly_is_found_out_at_once() -> None:
    wrong = KeySigner(public=trust(ed25519(2)), library=CryptoSigner(ed25519(1)))
    assert "does not verify" in failure(lambda: wrong.sign(b"x")).message


def test_a_signer_that_breaks_says_only_what_kind_of_failure_it_was() -> None:
    class Broken:
        def sign(self, _: bytes) -> None:
            raise RuntimeError("token ghp_secret")

    signer = KeySigner(public=trust(), library=Broken())  # type: ignore[arg-type]
    error = failure(lambda: signer.sign(b"x"))
    assert str(error) == "the key did not sign: RuntimeError"
    assert "ghp_secret" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("address", "extra"),
    [
        ("awskms:alias/delivery", "awskms"),
        ("gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", "gcpkms"),
        ("azurekms://vault.vault.azure.net/keys/delivery", "azurekms"),
        ("hv:delivery", "vault"),
    ],
)
def test_a_key_service_without_its_library_says_what_to_install(address: str, extra: str) -> None:
    error = failure(lambda: signer_of(SigningSettings(key=address), {}))
    assert error.remedy == f"install it with: pip install 'gitops-gate[{extra}]'"


def test_a_key_of_azure_is_named_by_its_address() -> None:
    with pytest.raises(ConfigurationError) as caught:
        signer_of(SigningSettings(key="azurekms:delivery"), {})
    assert "azurekms://VAULT.vault.azure.net/keys/NAME" in str(caught.value)


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256", "p384"])
def test_a_key_service_gives_the_public_half_itself(
    key: PrivateKeyTypes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a file in the service's place: which client is asked is the library's affair."""
    file = tmp_path / "key.pem"
    file.write_text(private_pem(key))
    asked = []

    def import_(name: str) -> tuple[str, SSlibKey]:
        asked.append(name)
        return f"file2:{file}", SSlibKey.from_crypto(key.public_key())

    monkeypatch.setattr(AWSSigner, "import_", import_)
    signer = signer_of(SigningSettings(key="awskms:arn:aws:kms:eu:1:key/k"), {})
    assert asked == ["arn:aws:kms:eu:1:key/k"]
    assert signer.public == trust(key)
    assert verified(signed_envelope(b"{}", signer), [trust(key)], "file").payload == b"{}"


def test_a_key_service_that_refuses_is_told_without_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def import_(_: str) -> tuple[str, SSlibKey]:
        raise PermissionError("AKIA-secret")

    monkeypatch.setattr(AWSSigner, "import_", import_)
    error = failure(lambda: signer_of(SigningSettings(key="awskms:k"), {}))
    assert "the key service did not give the key: PermissionError" in str(error)
    assert "AKIA" not in "".join(traceback.format_exception(error))


@pytest.fixture
def without_sigstore(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.models", "sigstore.errors"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_sigstore")
def test_signing_with_sigstore_without_its_library_says_what_to_install() -> None:
    signer = signer_of(SigningSettings(method="sigstore"), {})
    error = failure(lambda: signer.sign(b"x"))
    assert error.remedy == "install it with: pip install 'gitops-gate[sigstore]'"


@pytest.mark.usefixtures("without_sigstore")
def test_verifying_a_bundle_without_sigstores_library_says_so_and_is_no_answer() -> None:
    identity = TrustedIdentity(identity="https://example.com/deliver", issuer="https://example.com")
    extension = {"kind": EXTENSION_KIND, "ext": {}}
    signature = Signature(key_id="", value=b"s", extension=extension)
    with pytest.raises(AttestationError, match=r"gitops-gate\[sigstore\]") as caught:
        identity.verifies(signature, b"x")
    assert not caught.value.refuted


@pytest.mark.usefixtures("without_sigstore")
def test_a_signature_without_a_bundle_is_never_an_identitys() -> None:
    identity = TrustedIdentity(identity="https://example.com/deliver", issuer="https://example.com")
    for extension in (None, {}, {"kind": "other", "ext": {}}, {"kind": EXTENSION_KIND, "ext": 1}):
        signature = Signature(key_id="", value=b"s", extension=extension)
        assert not identity.verifies(signature, b"x")


@pytest.mark.parametrize("name", ["CI_COMMIT_MESSAGE", "GITHUB_HEAD_REF", "GITLAB_USER_NAME"])
def test_a_variable_that_others_can_write_is_no_place_for_a_key(name: str) -> None:
    settings = SigningSettings(key=f"env:{name}")
    error = failure(lambda: signer_of(settings, {name: private_pem(ed25519())}))
    assert f"the variable {name} is set by the CI" in error.message
