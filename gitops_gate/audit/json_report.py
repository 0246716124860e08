"""The audit as JSON: `schema/audit.json` in this package describes it."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.values import Audit, Outcome, State
from gitops_gate.reports.json_text import json_text

SCHEMA = "gitops-gate/audit/v1"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    file = importlib.resources.files("gitops_gate.audit") / "schema" / "audit.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def json_report(audit: Audit) -> str:
    """The audit as JSON; two audits that found the same are the same bytes."""
    value = {
        "schema": SCHEMA,
        "exitCode": audit.exit_code,
        "forge": audit.kind,
        "url": audit.web_url,
        "repository": audit.repository,
        "branches": list(audit.branches),
        "holes": [_hole(one, audit) for one in audit.of(State.HOLE)],
        "unknown": [{**_common(one), "needs": one.needs} for one in audit.of(State.UNKNOWN)],
        "fine": [_common(one) for one in audit.of(State.FINE)],
    }
    return json_text(value, 2, {"holes": 1})


def _common(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "severity": outcome.level.value,
        "ref": outcome.subject,
        "message": outcome.message,
    }


def _hole(outcome: Outcome, audit: Audit) -> dict[str, Any]:
    entry = CATALOGUE[outcome.id]
    remedy = entry.remedies[audit.kind]
    return {
        **_common(outcome),
        "title": entry.title,
        "threat": entry.threat,
        "remedy": {"menu": remedy.menu, "api": remedy.api},
    }
