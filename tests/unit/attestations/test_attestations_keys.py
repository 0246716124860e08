"""Trusted keys: read from PEM, named as TUF and in-toto name them, and private ones refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.signer import SSlibKey

from gitops_gate.attestations.keys import MAXIMUM_PEM, trusted_key, trusted_keys
from tests.unit.attestations.statements import (
    ecdsa,
    ed25519,
    failure,
    private_pem,
    public_pem,
    trust,
)


def test_a_key_has_the_id_that_securesystemslib_gives_it() -> None:
    for key in (ed25519(), ecdsa(), ecdsa(ec.SECP384R1())):
        pem = public_pem(key)
        assert trusted_key(pem).id == SSlibKey.from_crypto(load_pem_public_key(pem)).keyid


def test_the_id_of_a_key_stays_what_it_is() -> None:
    assert trust().id == "7ab6b86cb2c9684b0ddc10896153aa2595decf4d4327a5ff1a8ab7422c828b12"


def test_the_kinds_that_there_are() -> None:
    assert [trust(key).kind for key in (ed25519(), ecdsa(), ecdsa(ec.SECP384R1()))] == [
        "ed25519",
        "ecdsa-p256",
        "ecdsa-p384",
    ]


def test_several_keys_in_one_file_with_text_between_them() -> None:
    pem = b"\n".join(
        [b"the new one:", public_pem(ed25519(2)), b"# until 2027", public_pem(ecdsa())]
    )
    assert trusted_keys(pem) == (trust(ed25519(2)), trust(ecdsa()))


def test_a_file_may_be_as_large_as_that() -> None:
    pem = public_pem(ed25519())
    assert trusted_keys(pem.ljust(MAXIMUM_PEM)) == (trust(),)


def test_a_key_that_comes_twice_is_one_key() -> None:
    assert trusted_keys(public_pem(ed25519()) * 2) == (trust(),)


def test_lines_may_end_as_on_windows() -> None:
    assert trusted_keys(public_pem(ed25519()).replace(b"\n", b"\r\n")) == (trust(),)


def test_one_key_is_asked_for_where_one_is_meant() -> None:
    both = public_pem(ed25519(1)) + public_pem(ed25519(2))
    assert "there are 2 keys" in str(failure(lambda: trusted_key(both)))


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (b"", "there is no public key in PEM form"),
        (b"ssh-ed25519 AAAA", "there is no public key in PEM form"),
        (public_pem(ed25519())[:-20], "there is no public key in PEM form"),
        (public_pem(ed25519()) + public_pem(ed25519(2))[:-20], "a key is cut off"),
        (public_pem(ed25519()).replace(b"MCow", b"MCox"), "a key cannot be read"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a key cannot be read"),
        (public_pem(ecdsa(ec.SECP521R1())), "Ed25519 and ECDSA on P-256 or P-384"),
        (public_pem(ecdsa(ec.SECP256K1())), "Ed25519 and ECDSA on P-256 or P-384"),
        (b" " * (MAXIMUM_PEM + 1), "at most"),
    ],
)
def test_what_is_no_trusted_key_is_refused(pem: bytes, said: str) -> None:
    error = failure(lambda: trusted_keys(pem, "keys.pem"))
    assert said in error.message
    assert error.path == "keys.pem"
    assert not error.refuted


def test_an_rsa_key_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    assert "openssl genpkey" in str(failure(lambda: trusted_keys(public_pem(key))))


def test_a_private_key_among_trusted_ones_is_an_alarm() -> None:
    pem = public_pem(ed25519(2)) + private_pem(ed25519()).encode()
    error = failure(lambda: trusted_keys(pem, "keys.pem"))
    assert "private key" in error.message
    assert "make a new key" in error.message
    assert error.remedy == "take it from the private key: openssl pkey -in key.pem -pubout"
