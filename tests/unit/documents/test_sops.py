"""Documents that SOPS has encrypted."""

from __future__ import annotations

import pytest

from gitops_gate.documents import is_sops, without_sops

ENCRYPTED = {
    "apiVersion": "v1",
    "kind": "Secret",
    "data": {"password": "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]"},
    "sops": {"mac": "ENC[x]", "version": "3.9.0", "age": []},
}


def test_an_encrypted_document_is_recognised() -> None:
    assert is_sops(ENCRYPTED)


@pytest.mark.parametrize(
    "value",
    [None, [], "sops", {"kind": "Secret"}, {"sops": "x"}, {"sops": {"mac": "x"}}, {"a": ENCRYPTED},
     {"sops": {"mac": 1, "version": 2}}],
)  # fmt: skip
def test_what_only_looks_like_it_is_not(value: object) -> None:
    assert not is_sops(value)
    assert without_sops(value) is value


def test_everything_but_the_block_is_checked() -> None:
    assert without_sops(ENCRYPTED) == {
        key: value for key, value in ENCRYPTED.items() if key != "sops"
    }
    assert "sops" in ENCRYPTED
