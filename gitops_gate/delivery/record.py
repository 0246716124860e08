"""What is attested about a delivery: inputs, rules, tools, findings, approvals and verdict.

Plain JSON, the same bytes for the same decision. What is long and can be made again from Git, the
rendered changes, is there by its digest alone.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate import __version__
from gitops_gate.approvals.tree import shown_time
from gitops_gate.delivery.judging import merged_at
from gitops_gate.delivery.values import Judged, Landing
from gitops_gate.reports.json_report import as_value
from gitops_gate.reports.reading import report_digest
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository
from gitops_gate.verdict.values import Report

_ABSENT_FROM_SUMMARY = ("changes", "excerpts", "approvals", "schema")


def body_of(
    steps: Sequence[Judged],
    whole: Report,
    *,
    forge: str,
    policies: str,
    at: datetime.datetime,
    start: str | None,
    hydrated: str | None,
) -> dict[str, Any]:
    """The body of a decision (`Decision.body`).

    `forge` is its kind. `policies` is `policies_of` what judged the last step, and `whole` the
    verdict on all applications of the commit that it leaves. `start` is the commit that the first
    delivery begins after, `hydrated` the tree of rendered manifests, where the ref carries those.
    """
    summary = report_summary(whole)
    body = {
        "at": shown_time(at),
        "verifier": {"name": "gitops-gate", "version": __version__},
        "forge": forge,
        "start": start,
        "hydrated": hydrated,
        "configuration": dict(whole.configuration),
        "policies": {"digest": policies},
        "tools": {**dict(sorted(whole.tools.items())), "gitops-gate": __version__},
        "steps": [_step(step) for step in steps],
        "whole": summary,
        "verdict": whole.verdict.value,
        "reasons": summary["reasons"],
    }
    # What is compared with it one day comes from JSON, where a tuple is a list.
    plain: dict[str, Any] = json.loads(json.dumps(body))
    return plain


def policies_of(repository: Repository, commit: str) -> str:
    """`sha256:` over the policies that a commit's configuration names.

    Those of the repository by path and blob; the shipped ones by their selection, since their text
    comes with the version, which is recorded as well. Raises `GitOpsGateError`.
    """
    settings, tree = rules_of(repository, commit).rules.settings, repository.revision(commit).tree
    folders = tuple(f"{path.strip('/')}/" for path in settings.policies.paths)
    own = sorted(
        (path, entry.oid) for path, entry in tree.entries.items() if path.startswith(folders)
    )
    text = json.dumps([list(settings.policies.builtin), own], ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def report_summary(report: Report) -> dict[str, Any]:
    """A report without what Git gives again; `digest` is over all of it (`report_digest`)."""
    value = as_value(report)
    summary = {key: item for key, item in value.items() if key not in _ABSENT_FROM_SUMMARY}
    return {**summary, "changes": len(report.changes), "digest": report_digest(report)}


def _step_summary(report: Report) -> dict[str, Any]:
    """The summary of a step's report, with the applications alone that the step is about.

    All of them, for each of hundreds of steps that wait behind a freeze, would be more than one
    attestation may hold; the whole tree's verdict names them once, and the digest is over all.
    """
    summary = report_summary(report)
    affected = [one for one in summary["applications"] if one["affected"]]
    return {**summary, "applications": affected}


def _step(step: Judged) -> dict[str, Any]:
    return {
        **step_json(step),
        "report": _step_summary(step.report),
        "testimony": [dict(told) for told in step.testimony],
        "membership": "as the forge told it at the delivery",
    }


def step_json(step: Judged) -> dict[str, Any]:
    """A step with the summary of its whole report, as plain data."""
    return {
        **landing_json(step.landing),
        "since": step.since,
        "ratifies": list(step.ratifies),
        "verdict": step.report.verdict.value,
        "report": report_summary(step.report),
        "approvals": [dict(tree) for tree in step.approvals],
    }


def landing_json(landing: Landing) -> dict[str, Any]:
    """How commits landed, as plain data."""
    return {
        "before": landing.before,
        "commits": list(landing.commits),
        "method": landing.method.value,
        "changes": [{"number": change.number, "head": change.head} for change in landing.changes],
        "merged_at": shown_time(merged_at(landing)),
    }


def approved_by(step: Mapping[str, Any]) -> tuple[str, ...]:
    """The logins of those whose approvals counted for a recorded step, sorted."""
    people = {
        account["login"]
        for tree in step["approvals"]
        for requirement in tree["requirements"]
        for account in requirement["by"]
    }
    return tuple(sorted(people))


def landed_numbers(bodies: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The change requests that were delivered in earlier decisions."""
    return frozenset(
        int(change["number"])
        for body in bodies
        for step in body["steps"]
        for change in step["changes"]
    )
