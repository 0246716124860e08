"""A stored file: signed and opened again, and refused when anything at all in it was changed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.attestations import bundle
from gitops_gate.attestations.bundle import opened, signed
from gitops_gate.attestations.canonical import canonical_json
from gitops_gate.attestations.envelope import envelope_digest, signed_envelope, verified
from gitops_gate.attestations.statement import decision_statement, summary_statement
from gitops_gate.errors import AttestationError
from tests.unit.attestations.statements import (
    COMMIT,
    RENDERED,
    TRUSTED,
    decision,
    ecdsa,
    ed25519,
    failure,
    payload_of,
    signer,
    trust,
)

DECISION = decision(2, delivered=RENDERED)
DATA = signed(DECISION, signer())
RECORD, SUMMARY, _ = DATA.split(b"\n")


def open_it(data: bytes) -> None:
    opened(data, [TRUSTED], "decisions/file")


@pytest.mark.parametrize(
    "key", [ed25519(), ecdsa(), ecdsa(ec.SECP384R1())], ids=["ed25519", "p256", "p384"]
)
def test_a_decision_is_opened_as_it_was_signed(key: PrivateKeyTypes) -> None:
    data = signed(DECISION, signer(key))
    entry = opened(data, [trust(ed25519(5)), trust(key)], "file")
    assert entry.decision == DECISION
    assert entry.digest == envelope_digest(data.split(b"\n")[0])
    assert entry.key == trust(key).id


def test_a_file_is_the_record_and_its_summary_each_on_a_line() -> None:
    assert payload_of(RECORD) == decision_statement(DECISION)
    assert payload_of(SUMMARY) == summary_statement(DECISION, envelope_digest(RECORD))
    assert DATA.isascii()


def test_the_same_decision_gives_the_same_file() -> None:
    assert signed(DECISION, signer()) == DATA


def test_a_key_that_follows_another_is_trusted_beside_it() -> None:
    new, old = trust(ed25519(2)), TRUSTED
    assert opened(DATA, [new, old], "file").key == old.id
    assert opened(signed(DECISION, signer(ed25519(2))), [new, old], "file").key == new.id
    error = failure(lambda: opened(DATA, [new], "file"))
    assert not error.refuted
    assert "no trusted key signed it" in error.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        RECORD,
        RECORD + b"\n",
        RECORD + b"\n" + SUMMARY,
        DATA + b"\n",
        DATA + SUMMARY + b"\n",
        b"\n" + DATA,
        DATA.replace(b"\n", b"\r\n"),
        SUMMARY + b"\n" + RECORD + b"\n",
        RECORD + b"\n" + RECORD + b"\n",
    ],
    ids=range(10),
)
def test_a_file_is_those_two_lines_and_nothing_else(data: bytes) -> None:
    error = failure(lambda: open_it(data))
    assert error.refuted
    assert error.path == "decisions/file"


def respelled(**how: Any) -> bytes:
    return json.dumps(json.loads(RECORD), **how).encode()


@pytest.mark.parametrize(
    "record",
    [
        respelled(),
        respelled(separators=(", ", ":")),
        json.dumps(dict(reversed(json.loads(RECORD).items())), separators=(",", ":")).encode(),
        RECORD.replace(b'"payload"', b'"payl\\u006fad"'),
        RECORD.replace(b"application/vnd", b"application\\/vnd"),
    ],
    ids=["spaces", "some spaces", "another order", "an escaped key", "an escaped value"],
)
def test_an_envelope_of_another_spelling_is_refuted_although_it_verifies(record: bytes) -> None:
    assert verified(record, [TRUSTED], "file").payload == payload_of(RECORD)
    error = failure(lambda: open_it(record + b"\n" + SUMMARY + b"\n"))
    assert error.refuted
    assert "not written as it is here" in error.message


def test_what_is_too_large_to_be_read_again_is_neither_written_nor_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bundle, "MAXIMUM_BYTES", len(DATA))
    assert signed(DECISION, signer()) == DATA
    open_it(DATA)
    monkeypatch.setattr(bundle, "MAXIMUM_BYTES", len(DATA) - 1)
    assert "more than are read again" in failure(lambda: signed(DECISION, signer())).message
    error = failure(lambda: open_it(DATA))
    assert not error.refuted
    assert "are read at most" in error.message


def test_a_summary_of_another_decision_is_refuted() -> None:
    other = signed(replace(DECISION, commit="9" * 40), signer()).split(b"\n")[1]
    error = failure(lambda: open_it(RECORD + b"\n" + other + b"\n"))
    assert error.refuted
    assert "not the one of this decision" in error.message


def test_a_summary_that_claims_more_is_refuted_although_it_is_signed() -> None:
    statement = json.loads(payload_of(SUMMARY))
    statement["predicate"]["verifiedLevels"] = ["SLSA_SOURCE_LEVEL_4"]
    summary = signed_envelope(canonical_json(statement), signer())
    assert failure(lambda: open_it(RECORD + b"\n" + summary + b"\n")).refuted


def test_a_summary_that_a_stranger_signed_is_not_believed() -> None:
    summary = signed_envelope(payload_of(SUMMARY), signer(ed25519(2)))
    assert not failure(lambda: open_it(RECORD + b"\n" + summary + b"\n")).refuted


def test_a_signature_in_another_trusted_keys_name_is_refuted() -> None:
    other = trust(ed25519(2))
    data = DATA.replace(TRUSTED.id.encode(), other.id.encode())
    error = failure(lambda: opened(data, [TRUSTED, other], "file"))
    assert error.refuted
    assert "in the name of another key" in error.message


def test_where_a_file_was_found_is_shown_without_what_a_terminal_obeys() -> None:
    error = failure(lambda: opened(b"", [TRUSTED], "decisions/\x1b[2J"))
    assert "\x1b" not in str(error)


# ------------------------------------------------------------------------ tampering


@pytest.mark.slow
def test_a_bit_flipped_anywhere_is_noticed() -> None:
    """In every byte of the file; Ed25519 signatures have no second form."""
    accepted = []
    for place in range(len(DATA)):
        for bit in (1, 2, 32):
            data = DATA[:place] + bytes([DATA[place] ^ bit]) + DATA[place + 1 :]
            try:
                open_it(data)
            except AttestationError:
                continue
            accepted.append((place, bit))
    assert accepted == []


@settings(max_examples=300)
@given(st.data())
def test_bytes_taken_out_or_put_in_anywhere_are_noticed(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DATA)))
    end = data.draw(st.integers(start, min(len(DATA), start + 40)))
    instead = data.draw(st.binary(max_size=8) | st.sampled_from([b" ", b"\n", b"{}", b",", b'""']))
    edited = DATA[:start] + instead + DATA[end:]
    if edited != DATA:
        failure(lambda: open_it(edited))


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within JSON."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [way, *(place for key, item in inner for place in places(item, (*way, key)))]


def at(value: Any, way: tuple[Any, ...]) -> Any:
    for part in way:
        value = value[part]
    return value


def changed(value: Any, way: tuple[Any, ...], instead: Any) -> Any:
    if not way:
        return instead
    copy = value.copy()
    copy[way[0]] = changed(value[way[0]], way[1:], instead)
    return copy


def removed(value: Any, way: tuple[Any, ...]) -> Any:
    if len(way) == 1:
        copy = value.copy()
        del copy[way[0]]
        return copy
    return changed(value, way[:1], removed(value[way[0]], way[1:]))


def added(value: Any) -> Any:
    if isinstance(value, dict):
        return value | {"more": "x"}
    return [*value, "x"] if isinstance(value, list) else f"{value}x"


INSTEAD: list[Any] = [None, "", "x", 1, [], {}]
STATEMENTS = {"record": json.loads(payload_of(RECORD)), "summary": json.loads(payload_of(SUMMARY))}
EDITS = [
    (which, edited)
    for which, statement in STATEMENTS.items()
    for place in places(statement)
    for edited in (
        changed(statement, place, None),
        changed(statement, place, "x"),
        *([removed(statement, place)] if place else []),
        changed(statement, place, added(at(statement, place))),
    )
    if edited != statement
]


@pytest.mark.parametrize("which", STATEMENTS)
def test_no_edited_field_of_a_payload_passes_with_the_signature_it_had(which: str) -> None:
    line = {"record": RECORD, "summary": SUMMARY}[which]
    for edited in [edit for kind, edit in EDITS if kind == which]:
        envelope = json.loads(line)
        envelope["payload"] = base64.b64encode(canonical_json(edited)).decode()
        data = DATA.replace(line, canonical_json(envelope))
        assert failure(lambda data=data: open_it(data)).refuted, edited  # type: ignore[misc]


@pytest.mark.parametrize("which", STATEMENTS)
def test_no_field_of_an_envelope_can_be_edited(which: str) -> None:
    line = {"record": RECORD, "summary": SUMMARY}[which]
    envelope = json.loads(line)
    for place in places(envelope):
        for instead in INSTEAD:
            edited = canonical_json(changed(envelope, place, instead))
            failure(lambda edited=edited: open_it(DATA.replace(line, edited)))  # type: ignore[misc]


def test_a_commit_cannot_be_exchanged_even_by_who_holds_a_key_for_another_place() -> None:
    """Signed again by a stranger's key: readable, and still not believed."""
    for commit in (COMMIT, RENDERED):
        moved = json.loads(payload_of(RECORD).replace(commit.encode(), b"9" * 40))
        record = signed_envelope(canonical_json(moved), signer(ed25519(3)))
        assert not failure(lambda record=record: open_it(record + b"\n" + SUMMARY + b"\n")).refuted  # type: ignore[misc]
