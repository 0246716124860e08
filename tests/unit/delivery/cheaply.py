"""A comparison of two trees that renders nothing: each changed file is a changed resource."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.evaluation.rules import Rules, load_rules
from gitops_gate.findings import Finding, Severity
from gitops_gate.pipeline import Deciding, Options
from gitops_gate.resources.values import ResourceReference
from gitops_gate.source.values import Revision, Tree
from gitops_gate.verdict.decide import decide
from gitops_gate.verdict.values import ApplicationOutcome, Report, Sides, Status
from tests.unit.delivery.lives import CONFIGURATION

PATHS = ("apps/a/a.yaml", "apps/b/b.yaml")
_RULES: dict[str, Rules] = {}


def rules(tree: Tree) -> Rules:
    """The rules of a tree, loaded once for each configuration."""
    oid = tree.entries[CONFIGURATION].oid
    if oid not in _RULES:
        _RULES[oid] = load_rules(tree)
    return _RULES[oid]


def compare(before: Revision, after: Revision, deciding: Deciding, options: Options) -> Report:
    settings = deciding.rules.settings
    applications, changes, findings = [], [], []
    for path in PATHS:
        name = path.rpartition("/")[0]
        old, new = before.tree.entries[path].oid, after.tree.entries[path].oid
        affected = old != new
        evaluated = affected or options.everything
        applications.append(
            ApplicationOutcome(
                name=name,
                path=name,
                renderer="directory",
                environment="default",
                status=Status.RENDERED if evaluated else Status.UNCHANGED,
                affected=affected,
                digest=Sides(base=old, head=new),
            )
        )
        values = _value(before.tree, path), _value(after.tree, path)
        if affected:
            changes.append(_change(name, *values))
        if evaluated and isinstance(values[1], int):
            findings.append(_finding(name, introduced=isinstance(values[0], str)))
    decision = decide(
        applications=applications,
        findings=findings,
        unreached=(),
        gate=settings.gate,
        broken=deciding.undecided,
    )
    return Report(
        verdict=decision.verdict,
        reasons=decision.reasons,
        base=before.commit,
        head=deciding.head or after.commit,
        applications=tuple(applications),
        changes=tuple(changes),
        findings=tuple(findings),
        mode=settings.gate.mode,
        gate=settings.gate,
    )


def _value(tree: Tree, path: str) -> Any:
    return _read(tree.read(path))


@cache
def _read(content: bytes) -> Any:
    return json.loads(content)["data"]["key"]


@cache
def _change(application: str, old: Any, new: Any) -> ResourceChange:
    name = application.rpartition("/")[2]
    return ResourceChange(
        application=application,
        operation=Operation.MODIFIED,
        resource=ResourceReference(api_version="v1", kind="ConfigMap", namespace="shop", name=name),
        fields=(FieldChange(path=("data", "key"), base=old, head=new),),
    )


def _finding(application: str, *, introduced: bool) -> Finding:
    return Finding(
        rule="schema",
        severity=Severity.ERROR,
        message="not a string",
        application=application,
        introduced=introduced,
    )
