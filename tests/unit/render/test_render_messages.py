"""What a tool says is shown without our paths, without secrets, and without tricks."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.discovery.values import Closure
from gitops_gate.errors import ManifestError, SourceError
from gitops_gate.render.cleaning import MASK, clean_message, secret_values
from gitops_gate.render.failures import failed, failure_of
from tests.unit.render.applications import Files, tree_of

PLACES = {
    "/tmp/x/tree/.remote/0": "https://forge.example/a/b@0123",
    ".remote/0": "https://forge.example/a/b@0123",
    "/tmp/x/tree": "",
}


def cleaned(text: str | bytes, *secrets: str) -> str:
    return clean_message(text, places=PLACES, secrets=secrets)


def test_temporary_paths_become_repository_paths() -> None:
    assert cleaned("open /tmp/x/tree/app/a.yaml: no") == "open app/a.yaml: no"
    assert cleaned("in '/tmp/x/tree'") == "in '.'"
    assert cleaned("at '../../.remote/0'") == "at 'https://forge.example/a/b@0123'"
    assert cleaned("/tmp/x/tree/.remote/0/k") == "https://forge.example/a/b@0123/k"


def test_terminal_sequences_and_control_characters_are_removed() -> None:
    assert cleaned("\x1b[31mred\x1b]0;title\x07\x00\u202e!") == "red!"


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert "\ufffd" in cleaned(b"bad \xff byte")


def test_long_output_is_cut() -> None:
    assert len(cleaned("x" * 1_000_000)) < 5_000


def test_secrets_are_masked_longest_first() -> None:
    assert cleaned("got hunter2hunter2", "hunter2", "hunter2hunter2") == f"got {MASK}"


@pytest.mark.parametrize("words", ["password: abcdef", "TOKEN=abcdef", '"apiKey": "abcdef"'])
def test_what_is_named_like_a_secret_is_masked_even_if_unknown(words: str) -> None:
    assert "abcdef" not in cleaned(f"near {words} there")


def secrets(files: Files) -> frozenset[str]:
    tree = tree_of(files)
    return secret_values(tree, Closure(files=frozenset(tree.entries)))


def test_secrets_are_known_as_written_encoded_and_decoded() -> None:
    encoded = base64.b64encode(b"hunter2!").decode()
    found = secrets(
        {"s.yaml": f"kind: Secret\ndata: {{a: {encoded}}}\nstringData: {{b: s3cret-b}}\n"}
    )
    assert {"hunter2!", encoded, "s3cret-b", base64.b64encode(b"s3cret-b").decode()} <= found


def test_every_line_of_a_secret_is_one() -> None:
    found = secrets({"s.yaml": "kind: Secret\nstringData:\n  key: |\n    line-one\n    line-two\n"})
    assert {"line-one", "line-two"} <= found


def test_generated_secrets_are_known() -> None:
    found = secrets(
        {
            "k/kustomization.yaml": "secretGenerator:\n- name: a\n  literals: [user=literal1]\n"
            "  files: [key=secret.txt]\n  envs: [secret.env]\n",
            "k/secret.txt": "filecontent\n",
            "k/secret.env": "A=envvalue\n",
        }
    )
    assert {"literal1", "filecontent", "envvalue"} <= found


def test_values_named_like_secrets_are_known() -> None:
    found = secrets({"values.yaml": "db: {adminPassword: topsecret1, user: alice-b}\n"})
    assert "topsecret1" in found
    assert "alice-b" not in found


def test_short_values_and_broken_files_hold_no_secrets() -> None:
    assert secrets({"a.yaml": "kind: Secret\nstringData: {a: abc}\n---\n}", "b.yaml": b"\xff"}) == (
        frozenset({base64.b64encode(b"abc").decode()})
    )


@given(st.text(min_size=6, max_size=30), st.text(max_size=50))
def test_a_known_secret_never_survives(secret: str, around: str) -> None:
    assert secret not in clean_message(
        f"{around} {secret} {around}", places={}, secrets=[secret]
    ) or (secret in MASK)


def test_an_error_of_this_room_keeps_its_rule() -> None:
    error = failed("render/timeout", "slow", path="app", line=3, remedy="wait")
    failure = failure_of(error)
    assert (failure.code, failure.message, failure.path) == ("render/timeout", "slow", "app")
    assert (failure.line, failure.remedy) == (3, "wait")


@pytest.mark.parametrize("error", [SourceError("gone"), ManifestError("no YAML", line=2)])
def test_an_error_of_another_room_is_about_reading(error: SourceError | ManifestError) -> None:
    assert failure_of(error).code == "render/unreadable"
