"""One stored file: a decision and its summary, signed together.

    Decision ──signed (signer)──> two lines, each an envelope ──opened (trusted keys)──> Entry

in-toto's bundle form (JSON Lines, `.intoto.jsonl`), read more strictly than a bundle in general: in
the attestation branch stands nothing but what this module writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitops_gate.attestations.canonical import MAXIMUM_BYTES
from gitops_gate.attestations.envelope import envelope_digest, signed_envelope, verified, written
from gitops_gate.attestations.failures import refuted, unchecked
from gitops_gate.attestations.signing import Signer, Trusted
from gitops_gate.attestations.statement import decision_of, decision_statement, summary_statement
from gitops_gate.attestations.values import Decision, Entry
from gitops_gate.errors import AttestationError


def signed(decision: Decision, signer: Signer) -> bytes:
    """The file of a decision: its record, then its SLSA verification summary, each on a line.

    Raises `AttestationError` when the decision is not of the published form, or nothing signs it.
    """
    record = signed_envelope(decision_statement(decision), signer)
    digest = envelope_digest(record)
    summary = signed_envelope(summary_statement(decision, digest), signer)
    data = record + b"\n" + summary + b"\n"
    if len(data) > MAXIMUM_BYTES:
        raise AttestationError(f"the decision takes {len(data)} bytes, more than are read again")
    return data


def opened(data: bytes, trusted: Sequence[Trusted], where: str) -> Entry:
    """The decision of a file, whose two envelopes were signed by trusted keys.

    `where` names the file in messages. Raises `AttestationError`: refuted when the file was read
    and is wrong, not refuted when nobody trusted signed it.
    """
    if len(data) > MAXIMUM_BYTES:
        raise unchecked(f"it holds {len(data)} bytes, and {MAXIMUM_BYTES} are read at most", where)
    lines = data.split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise refuted("the file is not two lines, a decision and its summary", where)
    record, key = _payload(lines[0], trusted, where)
    decision = decision_of(record, where)
    digest = envelope_digest(lines[0])
    summary, _ = _payload(lines[1], trusted, where)
    if summary != summary_statement(decision, digest):
        raise refuted("the verification summary is not the one of this decision", where)
    return Entry(decision=decision, digest=digest, key=key.id)


def _payload(line: bytes, trusted: Sequence[Trusted], where: str) -> tuple[bytes, Trusted]:
    """The payload of a line as this module writes it, and the trusted key that it names."""
    found = verified(line, trusted, where)
    if written(found.envelope) != line:
        raise refuted("an envelope is not written as it is here", where)
    names = {signature.key_id for signature in found.envelope.signatures}
    if found.keys[0].hint not in names:
        raise refuted("a signature is in the name of another key than made it", where)
    return found.payload, found.keys[0]
