"""The two statements of a decision: what they say, to whom, and that they say it in one way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft202012Validator

from gitops_gate.attestations.statement import (
    DECISION_TYPE,
    SUMMARY_TYPE,
    decision_of,
    decision_statement,
    published_schema,
    summary_statement,
)
from gitops_gate.attestations.values import Decision, Previous
from tests.unit.attestations.statements import (
    AT,
    CHANNEL,
    COMMIT,
    RENDERED,
    body,
    decision,
    failure,
)

DIGEST = "sha256:" + "f" * 64


def said(statement: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(statement)
    return value


def test_a_decision_record_is_a_statement_about_the_commit() -> None:
    statement = said(decision_statement(decision()))
    assert statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "https://github.com/acme/fleet", "digest": {"gitCommit": COMMIT}}],
        "predicateType": "https://gitops-gate.dev/attestations/decision/v1",
        "predicate": {
            "channel": {
                "repositoryId": 123456,
                "url": "https://github.com/acme/fleet",
                "branch": "refs/heads/main",
                "ref": "refs/heads/deploy/production",
            },
            "sequence": 1,
            "previous": None,
            "body": body(),
        },
    }


def test_a_ref_of_rendered_manifests_has_its_own_commit_as_second_subject() -> None:
    statement = said(decision_statement(decision(delivered=RENDERED)))
    assert statement["subject"] == [
        {"name": "https://github.com/acme/fleet", "digest": {"gitCommit": COMMIT}},
        {
            "name": "https://github.com/acme/fleet@refs/heads/deploy/production",
            "digest": {"gitCommit": RENDERED},
        },
    ]


@pytest.mark.parametrize(
    "made",
    [
        decision(),
        decision(7, delivered=RENDERED),
        decision(commit="a" * 64),
        decision(steps=[{"path": "\udcff", "nested": [[], {}, "\u2028"]}], more={"x": 2**53 - 1}),
    ],
    ids=["first", "hydrated", "sha-256", "odd text"],
)
def test_a_decision_is_read_as_it_was_written(made: Decision) -> None:
    statement = decision_statement(made)
    assert decision_of(statement, "file") == made
    assert decision_statement(decision_of(statement, "file")) == statement


def test_the_order_in_which_a_body_was_put_together_makes_no_difference() -> None:
    turned = dict(reversed(body().items()))
    assert decision_statement(replace(decision(), body=turned)) == decision_statement(decision())


def test_a_summary_is_one_of_the_source_track() -> None:
    statement = said(summary_statement(decision(), DIGEST))
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert statement["subject"] == [
        {
            "uri": f"https://github.com/acme/fleet/commit/{COMMIT}",
            "digest": {"gitCommit": COMMIT},
            "annotations": {"sourceRefs": ["refs/heads/main", "refs/heads/deploy/production"]},
        }
    ]
    assert statement["predicate"] == {
        "verifier": {
            "id": "https://gitops-gate.dev/deliver/v1",
            "version": {"gitops-gate": "0.1.0"},
        },
        "timeVerified": AT,
        "resourceUri": "git+https://github.com/acme/fleet",
        "policy": {
            "uri": "git+https://github.com/acme/fleet@refs/heads/main#.gitops-gate.yaml",
            "digest": {"sha256": "a" * 64},
        },
        "inputAttestations": [{"name": "decision 1", "digest": {"sha256": "f" * 64}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_SOURCE_LEVEL_1", "ORG_SOURCE_GITOPS_GATE_ALLOWED"],
        "slsaVersion": "1.2",
    }


def test_a_summary_names_the_decision_that_its_own_follows_on() -> None:
    inputs = said(summary_statement(decision(3), DIGEST))["predicate"]["inputAttestations"]
    assert inputs == [
        {"name": "decision 3", "digest": {"sha256": "f" * 64}},
        {"name": "decision 2", "digest": {"sha256": "e" * 64}},
    ]


def test_a_summary_says_which_ref_points_to_which_of_two_commits() -> None:
    subjects = said(summary_statement(decision(delivered=RENDERED), DIGEST))["subject"]
    assert [(s["digest"]["gitCommit"], s["annotations"]["sourceRefs"]) for s in subjects] == [
        (COMMIT, ["refs/heads/main"]),
        (RENDERED, ["refs/heads/deploy/production"]),
    ]


def test_a_summary_tells_the_time_in_zulu_and_branches_as_part_of_a_uri() -> None:
    channel = replace(CHANNEL, branch="refs/heads/größe#1")
    made = decision(channel=channel, at="2026-11-24T12:00:00.5+00:00")
    predicate = said(summary_statement(made, DIGEST))["predicate"]
    assert predicate["timeVerified"] == "2026-11-24T12:00:00.5Z"
    assert predicate["policy"]["uri"].endswith("@refs/heads/gr%C3%B6%C3%9Fe%231#.gitops-gate.yaml")


@pytest.mark.parametrize(
    "statement",
    [
        decision_statement(decision(2, delivered=RENDERED)),
        summary_statement(decision(2, delivered=RENDERED), DIGEST),
    ],
    ids=["decision", "summary"],
)
def test_in_totos_own_types_take_the_statement(statement: bytes) -> None:
    parsed = json_format.Parse(statement, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert [subject.digest["gitCommit"] for subject in parsed.subject] == [COMMIT, RENDERED]


def test_in_totos_own_type_of_a_verification_summary_takes_ours() -> None:
    predicate = said(summary_statement(decision(2), DIGEST))["predicate"]
    del predicate["verifiedLevels"]  # that type has one text where the specification has a list
    parsed = json_format.ParseDict(
        predicate, vsa_pb2.VerificationSummary(), ignore_unknown_fields=True
    )
    assert parsed.time_verified.ToJsonString() == AT
    assert parsed.policy.digest["sha256"] == "a" * 64
    assert [item.digest["sha256"][0] for item in parsed.input_attestations] == ["f", "e"]
    assert parsed.verification_result == "PASSED"
    assert parsed.slsa_version == "1.2"


WRONG = {
    "a verdict that allows nothing": {"verdict": "deny"},
    "no digest of the configuration": {"configuration": {"source": "base"}},
    "a digest of another kind": {"policies": {"digest": "md5:" + "a" * 32}},
    "a digest with an end of line": {"policies": {"digest": "sha256:" + "a" * 64 + "\n"}},
    "a local time": {"at": "2026-11-24T12:00:00"},
    "a time elsewhere": {"at": "2026-11-24T12:00:00+01:00"},
    "a day that there is not": {"at": "2026-02-30T12:00:00Z"},
    "no version of its own": {"tools": {}},
    "steps that are no list": {"steps": {}},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG.keys())
def test_a_body_of_another_form_is_not_written(fields: dict[str, Any]) -> None:
    error = failure(lambda: decision_statement(decision(**fields)))
    assert error.message.startswith("the decision is not of the published form: body")
    assert not error.refuted


@pytest.mark.parametrize("key", body().keys())
def test_every_key_of_the_body_has_to_be_there(key: str) -> None:
    partial = {name: value for name, value in body().items() if name != key}
    assert "body" in str(failure(lambda: decision_statement(replace(decision(), body=partial))))


@pytest.mark.parametrize(
    "made",
    [
        decision(0),
        replace(decision(), sequence=2),
        replace(decision(2), sequence=1),
        replace(decision(3), sequence=2),
        decision(commit="C" * 40),
        decision(commit="c" * 39),
        decision(commit=COMMIT + "\n"),
        decision(delivered="refs/heads/main"),
        decision(channel=replace(CHANNEL, repository_id=0)),
        decision(channel=replace(CHANNEL, branch="main")),
        decision(channel=replace(CHANNEL, ref="refs/heads/a b")),
        decision(channel=replace(CHANNEL, ref="refs/heads/a\n")),
        decision(channel=replace(CHANNEL, url="https://token@github.com/acme/fleet")),
        decision(channel=replace(CHANNEL, url="git@github.com:acme/fleet")),
        replace(decision(2), previous=Previous(sequence=1, digest="", commit="", delivered="")),
    ],
)
def test_a_decision_that_cannot_be_one_is_not_written(made: Decision) -> None:
    assert "not of the published form" in failure(lambda: decision_statement(made)).message


def test_nothing_else_than_what_is_allowed_is_summed_up_as_passed() -> None:
    error = failure(lambda: summary_statement(decision(verdict="pending"), DIGEST))
    assert "nothing but what is allowed" in error.message


def edited(change: dict[str, Any], *path: str | int) -> bytes:
    """The statement with one value of it replaced or added."""
    value = said(decision_statement(decision()))
    inner: Any = value
    for part in path:
        inner = inner[part]
    inner.update(change)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"[]",
        summary_statement(decision(), DIGEST),
        decision_statement(decision()) + b"\n",
        b" " + decision_statement(decision()),
        decision_statement(decision()).replace(b'"_type"', b'"\\u005ftype"'),
        edited({"_type": "https://in-toto.io/Statement/v0.1"}),
        edited({"predicateType": SUMMARY_TYPE}),
        edited({"more": 1}),
        edited({"subject": []}),
        edited({"subject": [{"name": "x", "digest": {"gitCommit": COMMIT}}]}),
        edited({"sha256": "a" * 64}, "subject", 0, "digest"),
        edited({"gitCommit": ["a"]}, "subject", 0, "digest"),
        edited({"more": 1}, "predicate"),
        edited({"sequence": 2}, "predicate"),
        edited({"sequence": True}, "predicate"),
        edited({"verdict": "deny"}, "predicate", "body"),
        edited({"predicate": None}),
    ],
)
def test_any_other_statement_is_refuted(payload: bytes) -> None:
    error = failure(lambda: decision_of(payload, "file"))
    assert error.refuted
    assert str(error).startswith("file: ")


def test_the_schema_is_one_and_carries_the_predicate_type_as_its_id() -> None:
    Draft202012Validator.check_schema(published_schema())
    assert published_schema()["$id"] == DECISION_TYPE
