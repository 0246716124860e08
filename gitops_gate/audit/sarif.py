"""The audit as SARIF 2.1.0: each hole is a result, what is unknown a notification.

Settings of a forge are in no file. Code scanning shows nothing without one, so every result is at
the gate's configuration, with the ref as its logical place.
"""

from __future__ import annotations

import hashlib
from typing import Any

from gitops_gate import __version__
from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.values import Audit, Level, Outcome, State
from gitops_gate.config import CONFIGURATION_PATH
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.json_text import json_text

FINGERPRINT = "gitopsGateAudit/v1"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SECURITY = {Level.ERROR: "8.0", Level.WARNING: "5.0", Level.NOTE: "2.0"}


def sarif_report(audit: Audit) -> str:
    """The audit as a SARIF log."""
    holes = audit.of(State.HOLE)
    ids = sorted({outcome.id for outcome in holes})
    run = {
        "tool": {
            "driver": {
                "name": "gitops-gate",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name, audit) for name in ids],
            }
        },
        "automationDetails": {"id": "gitops-gate/audit/"},
        "invocations": [
            {
                "executionSuccessful": audit.exit_code != 2,
                "exitCode": audit.exit_code,
                "toolExecutionNotifications": [_unknown(one) for one in audit.of(State.UNKNOWN)],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, audit, ids.index(one.id)) for one in holes],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(log, 4, {"tool": 2, "invocations": 1})


def _rule(name: str, audit: Audit) -> dict[str, Any]:
    entry = CATALOGUE[name]
    remedy = entry.remedies[audit.kind]
    return {
        "id": name,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.threat},
        "help": {"text": f"{entry.threat}\n\nTo close it: {remedy.menu}\nAPI: {remedy.api}"},
        "defaultConfiguration": {"level": entry.level.value},
        "properties": {"tags": ["security"], "security-severity": _SECURITY[entry.level]},
    }


def _result(outcome: Outcome, audit: Audit, index: int) -> dict[str, Any]:
    place = visible(outcome.subject or audit.repository)
    key = f"{outcome.id}\0{audit.repository}\0{outcome.subject}"
    return {
        "ruleId": outcome.id,
        "ruleIndex": index,
        "level": outcome.level.value,
        "message": {"text": _text(f"{place}: {outcome.message}")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": CONFIGURATION_PATH, "uriBaseId": "%SRCROOT%"}
                },
                "logicalLocations": [{"name": place, "fullyQualifiedName": place}],
            }
        ],
        "partialFingerprints": {
            FINGERPRINT: hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
        },
    }


def _unknown(outcome: Outcome) -> dict[str, Any]:
    place = visible(outcome.subject or "repository")
    said = f"{place}: {outcome.message}; it takes {outcome.needs}"
    level = "error" if outcome.level.counts else "note"
    return {"descriptor": {"id": outcome.id}, "level": level, "message": {"text": _text(said)}}


def _text(text: str) -> str:
    """Plain text in which no part is a link: SARIF makes one of `[text](address)`."""
    return visible(text[:4_000]).replace("](", "]\u2060(")
