"""A decision as in-toto statements: the record itself, and the summary that SLSA defines.

    Decision ──decision_statement──> bytes ──decision_of──> Decision
        └────summary_statement──> bytes, which follow from the decision and are compared, not read

https://github.com/in-toto/attestation, spec/v1/statement; https://slsa.dev/spec/v1.2, "Source
verification summary attestation". What the summary claims, and why no more: docs/adr/0019.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gitops_gate.attestations.canonical import canonical_json, parsed_json, plain, spelled
from gitops_gate.attestations.failures import refuted
from gitops_gate.attestations.values import Channel, Decision, Previous
from gitops_gate.config.load import CONFIGURATION_PATH
from gitops_gate.errors import AttestationError
from gitops_gate.source.paths import shown

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
DECISION_TYPE = "https://gitops-gate.dev/attestations/decision/v1"
"""The predicate type of a decision; its form is `schema/decision.json`."""
SUMMARY_TYPE = "https://slsa.dev/verification_summary/v1"
"""The predicate type of a SLSA verification summary."""
VERIFIER = "https://gitops-gate.dev/deliver/v1"
"""Who verified, in a summary; to be accepted together with the key that signed alone."""
ALLOWED = "allow"
"""The only verdict that is attested."""
LEVELS = ("SLSA_SOURCE_LEVEL_1", "ORG_SOURCE_GITOPS_GATE_ALLOWED")
"""What a summary claims: docs/adr/0019-attestations.md."""


def decision_statement(decision: Decision) -> bytes:
    """The statement of the decision record, as canonical JSON.

    Its subjects are the commit and, where the ref carries rendered manifests, the commit that it is
    moved to. Raises `AttestationError` when the decision is not of the form that is published.
    """
    predicate = plain(_predicate(decision))
    problem = _form_problem(predicate) or _meaning_problem(decision)
    if problem is not None:
        raise AttestationError(f"the decision is not of the published form: {problem}")
    return _written(decision, predicate)


def summary_statement(decision: Decision, digest: str) -> bytes:
    """The SLSA verification summary of a decision, whose envelope has the digest `sha256:…`.

    The decision is one that `decision_statement` takes or `decision_of` gave; `AttestationError`
    for one that allows nothing.
    """
    channel, body = decision.channel, decision.body
    if body.get("verdict") != ALLOWED:
        raise AttestationError("nothing but what is allowed is summed up as passed")
    inputs = [_input(digest, decision.sequence)]
    if decision.previous is not None:
        inputs.append(_input(decision.previous.digest, decision.previous.sequence))
    statement = _statement(
        SUMMARY_TYPE,
        _summary_subjects(decision),
        {
            "verifier": {
                "id": VERIFIER,
                "version": {"gitops-gate": body["tools"]["gitops-gate"]},
            },
            "timeVerified": body["at"].replace("+00:00", "Z"),
            "resourceUri": f"git+{channel.url}",
            "policy": {
                "uri": f"git+{channel.url}@{_in_uri(channel.branch)}#{CONFIGURATION_PATH}",
                "digest": _digest_set(body["configuration"]["digest"]),
            },
            "inputAttestations": inputs,
            "verificationResult": "PASSED",
            "verifiedLevels": list(LEVELS),
            "slsaVersion": "1.2",
        },
    )
    return canonical_json(statement)


def decision_of(payload: bytes, where: str) -> Decision:
    """The decision that a statement records; of its own form, to the byte.

    Raises `AttestationError`, refuted, when it is anything else.
    """
    value = parsed_json(payload, where)
    if not isinstance(value, dict) or value.get("predicateType") != DECISION_TYPE:
        raise refuted("the statement is not a decision record", where)
    predicate = value.get("predicate")
    problem = _form_problem(predicate)
    if problem is not None or not isinstance(predicate, dict):
        raise refuted(f"the decision is not of the published form: {problem}", where)
    commits = _commits(value.get("subject"))
    if commits is None:
        raise refuted("the statement's subjects are not one or two commits", where)
    decision = _decision(predicate, *commits)
    problem = _meaning_problem(decision)
    if problem is not None:
        raise refuted(f"the decision is not of the published form: {problem}", where)
    if _written(decision, predicate) != payload:
        raise refuted("the statement says more or less than the decision that it records", where)
    return decision


def published_schema() -> dict[str, Any]:
    """The JSON Schema of the decision record's predicate."""
    text = Path(__file__).with_name("schema").joinpath("decision.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _predicate(decision: Decision) -> dict[str, Any]:
    channel, previous = decision.channel, decision.previous
    return {
        "channel": {
            "repositoryId": channel.repository_id,
            "url": channel.url,
            "branch": channel.branch,
            "ref": channel.ref,
        },
        "sequence": decision.sequence,
        "previous": None
        if previous is None
        else {
            "sequence": previous.sequence,
            "digest": previous.digest,
            "commit": previous.commit,
            "delivered": previous.delivered,
        },
        "body": decision.body,
    }


def _decision(predicate: Mapping[str, Any], commit: str, delivered: str) -> Decision:
    channel, previous = predicate["channel"], predicate["previous"]
    return Decision(
        channel=Channel(
            repository_id=channel["repositoryId"],
            url=channel["url"],
            branch=channel["branch"],
            ref=channel["ref"],
        ),
        sequence=predicate["sequence"],
        commit=commit,
        delivered=delivered,
        previous=None if previous is None else Previous(**previous),
        body=predicate["body"],
    )


def _commits(subjects: object) -> tuple[str, str] | None:
    if not isinstance(subjects, list) or len(subjects) not in (1, 2):
        return None
    try:
        commits = [subject["digest"]["gitCommit"] for subject in subjects]
    except (TypeError, KeyError):
        return None
    return (commits[0], commits[-1]) if all(isinstance(c, str) for c in commits) else None


def _written(decision: Decision, predicate: Mapping[str, Any]) -> bytes:
    subjects = [_subject(decision.channel.url, decision.commit)]
    if decision.delivered != decision.commit:
        name = f"{decision.channel.url}@{decision.channel.ref}"
        subjects.append(_subject(name, decision.delivered))
    return spelled(_statement(DECISION_TYPE, subjects, predicate))


def _meaning_problem(decision: Decision) -> str | None:
    """What no schema can say about a decision."""
    for commit in (decision.commit, decision.delivered):
        if len(commit) not in (40, 64) or set(commit) - set("0123456789abcdef"):
            return "a subject is not the full id of a commit"
    previous = decision.previous
    if decision.sequence != (1 if previous is None else previous.sequence + 1):
        return "the sequence does not follow on the decision before"
    try:
        datetime.datetime.fromisoformat(decision.body["at"])
    except ValueError:
        return "body.at is no moment that there is"
    return None


def _form_problem(predicate: object) -> str | None:
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(predicate))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path) or "the predicate"
    return f"{shown(place)[:200]} does not meet its `{error.validator}`"


@cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(published_schema())


def _statement(
    kind: str, subjects: list[dict[str, Any]], predicate: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": kind,
        "predicate": predicate,
    }


def _subject(name: str, commit: str) -> dict[str, Any]:
    return {"name": name, "digest": {"gitCommit": commit}}


def _summary_subjects(decision: Decision) -> list[dict[str, Any]]:
    """The commits with the refs that pointed to each, as SLSA's source track asks."""
    channel = decision.channel
    refs = {decision.commit: [channel.branch]}
    refs.setdefault(decision.delivered, []).append(channel.ref)
    return [
        {
            "uri": f"{channel.url}/commit/{commit}",
            "digest": {"gitCommit": commit},
            "annotations": {"sourceRefs": names},
        }
        for commit, names in refs.items()
    ]


def _input(digest: str, sequence: int) -> dict[str, Any]:
    return {"name": f"decision {sequence}", "digest": _digest_set(digest)}


def _in_uri(ref: str) -> str:
    return quote(ref.encode("utf-8", "surrogateescape"), safe="/")


def _digest_set(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
