"""Envelopes: the protocol's vectors, other implementations both ways, and every way to be wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from in_toto.models.metadata import Envelope as InTotoEnvelope
from securesystemslib.dsse import Envelope as LibraryEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from gitops_gate.attestations.envelope import (
    PAYLOAD_TYPE,
    envelope_digest,
    pre_authentication,
    read_envelope,
    signed_envelope,
    verified,
)
from gitops_gate.attestations.keys import Signature, key_of
from gitops_gate.attestations.sigstore import EXTENSION_KIND
from gitops_gate.attestations.statement import decision_statement
from tests.unit.attestations.statements import (
    TRUSTED,
    decision,
    ecdsa,
    ed25519,
    failure,
    signer,
    trust,
)

PAYLOAD = decision_statement(decision())
KEYS: list[PrivateKeyTypes] = [ed25519(), ecdsa(), ecdsa(ec.SECP384R1())]
each_kind = pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256", "p384"])


def envelope(**fields: Any) -> bytes:
    """An envelope that the trusted key signed, with other fields."""
    value = json.loads(signed_envelope(PAYLOAD, signer()))
    return json.dumps(value | fields).encode()


def signature(payload: bytes = PAYLOAD, key: PrivateKeyTypes | None = None, **fields: Any) -> Any:
    made = json.loads(signed_envelope(payload, signer(key)))["signatures"][0]
    return made | fields


# ------------------------------------------------------------------------ published vectors


def test_what_is_signed_is_the_protocols_own_example() -> None:
    assert pre_authentication("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_are_those_of_bytes() -> None:
    assert pre_authentication("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_the_protocols_own_signature_verifies() -> None:
    """Its example has r and s side by side; here, as elsewhere, a signature is their DER."""
    numbers = ec.EllipticCurvePublicNumbers(
        46950820868899156662930047687818585632848591499744589407958293238635476079160,
        5640078356564379163099075877009565129882514886557779369047442380624545832820,
        ec.SECP256R1(),
    )
    raw = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    line = json.dumps(
        {
            "payload": "aGVsbG8gd29ybGQ=",
            "payloadType": "http://example.com/HelloWorld",
            "signatures": [{"sig": base64.b64encode(der).decode()}],
        }
    ).encode()
    key = key_of(numbers.public_key(), "example")
    found = verified(line, [key], "example", "http://example.com/HelloWorld")
    assert found.payload == b"hello world"
    assert found.keys == (key,)


def test_the_key_of_rfc_8032_signs_as_everywhere() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert key.public_key().public_bytes_raw().hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    line = signed_envelope(b'{"_type":"https://in-toto.io/Statement/v1"}', signer(key))
    assert json.loads(line)["signatures"][0]["sig"] == (
        "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA=="
    )


# ------------------------------------------------------------------------ others read ours


@each_kind
def test_securesystemslib_verifies_ours(key: PrivateKeyTypes) -> None:
    line = signed_envelope(PAYLOAD, signer(key))
    theirs = LibraryEnvelope.from_dict(json.loads(line))
    accepted = theirs.verify([SSlibKey.from_crypto(key.public_key())], 1)
    assert list(accepted) == [trust(key).id]
    assert theirs.payload == PAYLOAD
    other = SSlibKey.from_crypto(ed25519(9).public_key())
    with pytest.raises(VerificationError):
        LibraryEnvelope.from_dict(json.loads(line)).verify([other], 1)


@each_kind
def test_in_toto_verifies_ours(key: PrivateKeyTypes) -> None:
    library_key = SSlibKey.from_crypto(key.public_key())
    theirs = InTotoEnvelope.from_dict(json.loads(signed_envelope(PAYLOAD, signer(key))))
    theirs.verify_signature(library_key.to_dict() | {"keyid": library_key.keyid})


def test_cryptography_alone_verifies_ours() -> None:
    for key in KEYS:
        value = json.loads(signed_envelope(PAYLOAD, signer(key)))
        raw = base64.b64decode(value["signatures"][0]["sig"])
        kind, payload = value["payloadType"].encode(), base64.b64decode(value["payload"])
        data = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        public: Any = key.public_key()
        if isinstance(key, ec.EllipticCurvePrivateKey):
            digest = hashes.SHA256() if key.curve.name == "secp256r1" else hashes.SHA384()
            public.verify(raw, data, ec.ECDSA(digest))
        else:
            public.verify(raw, data)


def test_an_ed25519_envelope_is_the_same_in_every_run() -> None:
    assert signed_envelope(PAYLOAD, signer()) == signed_envelope(PAYLOAD, signer())
    assert envelope_digest(b"abc") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


# ------------------------------------------------------------------------ ours reads others


@each_kind
def test_ours_verifies_what_securesystemslib_signed(key: PrivateKeyTypes) -> None:
    theirs = LibraryEnvelope(PAYLOAD, PAYLOAD_TYPE, {})
    theirs.sign(CryptoSigner(key))
    found = verified(json.dumps(theirs.to_dict(), indent=2).encode(), [trust(key)], "file")
    assert found.payload == PAYLOAD


def test_base64_may_be_of_either_alphabet() -> None:
    payload = b"\xfb\xff\xbf>?"
    line = json.loads(signed_envelope(payload, signer()))
    line["payload"] = base64.urlsafe_b64encode(payload).decode()
    assert line["payload"] == "-_-_Pj8="
    raw = base64.b64decode(line["signatures"][0]["sig"])
    line["signatures"][0]["sig"] = base64.urlsafe_b64encode(raw).decode()
    assert verified(json.dumps(line).encode(), [TRUSTED], "file").payload == payload


@pytest.mark.parametrize("payload", [b"\xfb\xef", b"\xff\xff", b"\xfb\xff", b"{}"])
def test_base64_is_read_in_both_alphabets_alike(payload: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        line = envelope(payload=encode(payload).decode())
        assert read_envelope(line, "file").payload == payload


@pytest.mark.parametrize("key_id", [None, "", "another tool's name for it"])
def test_the_key_id_is_no_more_than_a_hint(key_id: str | None) -> None:
    made = signature()
    del made["keyid"]
    if key_id is not None:
        made["keyid"] = key_id
    found = verified(envelope(signatures=[made]), [trust(ed25519(2)), TRUSTED], "file")
    assert found.keys == (TRUSTED,)


def test_one_of_many_signatures_is_enough() -> None:
    stranger, broken = signature(key=ed25519(7)), signature(sig="AAAA")
    found = verified(envelope(signatures=[stranger, broken, signature()]), [TRUSTED], "file")
    assert found.keys == (TRUSTED,)


def test_every_trusted_key_that_signed_is_told_once() -> None:
    trusted = [trust(ed25519(2)), trust(ecdsa()), TRUSTED]
    signatures = [signature(), signature(), signature(key=ed25519(2))]
    found = verified(envelope(signatures=signatures), trusted, "file")
    assert found.keys == (TRUSTED, trust(ed25519(2)))


def test_the_payload_of_an_empty_envelope_is_empty() -> None:
    assert verified(signed_envelope(b"", signer()), [TRUSTED], "file").payload == b""


def test_a_signature_keeps_the_extension_that_verifies_it() -> None:
    class Keyless:
        public = None

        def sign(self, _: bytes) -> Signature:
            extension = {"kind": EXTENSION_KIND, "ext": {"content": [1]}}
            return Signature(key_id="", value=b"s", extension=extension)

    (found,) = read_envelope(signed_envelope(PAYLOAD, Keyless()), "file").signatures
    assert found == Keyless().sign(b"")


# ------------------------------------------------------------------------ what is not believed


def test_a_record_that_nobody_signed_could_not_be_checked() -> None:
    error = failure(lambda: verified(envelope(signatures=[]), [TRUSTED], "decisions/1"))
    assert not error.refuted
    assert str(error) == "decisions/1: it is not signed"


def test_a_record_that_strangers_signed_could_not_be_checked() -> None:
    line = signed_envelope(PAYLOAD, signer(ed25519(2)))
    error = failure(lambda: verified(line, [TRUSTED], "file"))
    assert not error.refuted
    assert "no trusted key signed it" in error.message
    assert "give the former public key" in str(error.remedy)


def test_without_a_trusted_key_nothing_is_verified() -> None:
    error = failure(lambda: verified(envelope(), [], "file"))
    assert not error.refuted
    assert "no trusted key is given" in error.message


def test_a_wrong_signature_in_a_trusted_keys_name_is_refuted() -> None:
    error = failure(lambda: verified(envelope(signatures=[signature(b"other")]), [TRUSTED], "file"))
    assert error.refuted
    assert "in the name of a trusted key does not verify" in error.message


def test_a_payload_of_another_type_is_refuted_although_it_is_signed() -> None:
    line = signed_envelope(PAYLOAD, signer(), "text/plain")
    assert failure(lambda: verified(line, [TRUSTED], "file")).refuted


def test_a_signature_of_one_type_is_none_of_another() -> None:
    assert failure(lambda: verified(envelope(payloadType="text/plain"), [TRUSTED], "f")).refuted
    line = envelope(payloadType="text/plain")
    assert failure(lambda: verified(line, [TRUSTED], "file", "text/plain")).refuted


def test_more_signatures_than_anybody_needs_are_not_tried() -> None:
    strangers = [signature(key=ed25519(7))] * 15
    assert verified(envelope(signatures=[*strangers, signature()]), [TRUSTED], "file").keys
    line = envelope(signatures=[*strangers, signature(), signature()])
    assert "more than 16 signatures" in failure(lambda: verified(line, [TRUSTED], "f")).message


def without(field: str) -> bytes:
    value = json.loads(envelope())
    del value[field]
    return json.dumps(value).encode()


BASE64 = base64.b64encode(PAYLOAD).decode()
FORMS: dict[str, Callable[[], bytes]] = {
    "no JSON": lambda: b"nothing",
    "a list": lambda: b"[]",
    "no payload": lambda: without("payload"),
    "no type": lambda: without("payloadType"),
    "no signatures": lambda: without("signatures"),
    "one field more": lambda: envelope(more=1),
    "a type that is no text": lambda: envelope(payloadType=1),
    "a type that is no Unicode": lambda: envelope(payloadType="\ud800"),
    "signatures that are no list": lambda: envelope(signatures={}),
    "a signature that is no object": lambda: envelope(signatures=["x"]),
    "a signature without one": lambda: envelope(signatures=[{"keyid": TRUSTED.id}]),
    "a signature with a field more": lambda: envelope(signatures=[signature(cert="x")]),
    "a key id that is no text": lambda: envelope(signatures=[signature(keyid=1)]),
    "an extension that is no object": lambda: envelope(signatures=[signature(extension=1)]),
    "a payload that is no text": lambda: envelope(payload=None),
    "base64 with white space": lambda: envelope(payload=BASE64[:4] + "\n" + BASE64[4:]),
    "base64 without padding": lambda: envelope(payload="e30"),
    "base64 with more padding": lambda: envelope(payload="e30=="),
    "base64 with loose bits": lambda: envelope(payload="e31="),
    "base64 of both alphabets": lambda: envelope(payload="-_+/"),
    "base64 of both alphabets once each": lambda: envelope(payload="-A+A"),
    "base64 of both alphabets the other way": lambda: envelope(payload="_A/A"),
    "base64 that is no ASCII": lambda: envelope(payload="é==="),
    "the payload twice": lambda: envelope().replace(b'{"payload"', b'{"payload": "", "payload"', 1),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_anything_else_is_no_envelope(form: Callable[[], bytes]) -> None:
    line = form()
    error = failure(lambda: read_envelope(line, "file"))
    assert error.refuted
    assert failure(lambda: verified(line, [TRUSTED], "file")).message == error.message
