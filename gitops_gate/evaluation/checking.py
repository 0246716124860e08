"""All checks over the resources of one side of an application.

Schemas, policies and the rules that rendering itself must keep (no resource twice) each give
defects; this module asks them all, and counts what was looked at. A policy is told of the
operation: what the head adds is created, what differs is updated, what it leaves out is deleted;
a resource that is the same on both sides is judged as if it were created, as the base's are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitops_gate.changes.values import Pair
from gitops_gate.checks.interface import Defect, PolicySubject
from gitops_gate.discovery.values import Application
from gitops_gate.evaluation.engines import Engines
from gitops_gate.evaluation.values import SideName
from gitops_gate.findings import Severity
from gitops_gate.resources.values import Resource

Found = tuple[Resource | None, Defect]
"""A defect and the resource that has it; None for one of the application as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSide:
    """What the checks found on one side. `missing` are kinds that no schema is known for."""

    found: tuple[Found, ...] = ()
    schema_checked: int = 0
    missing: tuple[tuple[str, str], ...] = ()
    schema_missing: int = 0
    policy_checked: int = 0
    rules: frozenset[str] = frozenset()
    tools: Mapping[str, str] = field(default_factory=dict)


def check_side(
    application: Application,
    resources: Sequence[Resource],
    side: SideName,
    engines: Engines,
    *,
    pairs: Sequence[Pair] = (),
) -> CheckedSide:
    """Every defect of the side's resources; `pairs` say what became of the base's, for the head.

    Raises `SchemaError`, `PolicyError` or `ToolError` when an engine cannot answer.
    """
    kubernetes = engines.context.settings.kubernetes(application.environment)
    outcomes, validator = engines.validate(resources, kubernetes, side)
    found: list[Found] = list(_duplicates(resources))
    unknown: Counter[tuple[str, str]] = Counter()
    for resource, outcome in zip(resources, outcomes, strict=True):
        found.extend((resource, defect) for defect in outcome.defects)
        if not outcome.known:
            unknown[resource.reference.api_version, resource.reference.kind] += 1
    found.extend(_missing(sorted(unknown), engines))
    tools = dict([validator])
    policy_checked, rules = 0, frozenset[str]()
    if engines.context.rules.rules:
        subjects, of = _subjects(application, kubernetes, resources, pairs)
        answers, engine = engines.judge(subjects, [resource.value for resource in resources])
        tools.update([engine])
        for resource, answer in zip(of, answers, strict=True):
            found.extend((resource, defect) for defect in answer.defects)
            rules |= answer.evaluated
        policy_checked = len(resources)
    return CheckedSide(
        found=tuple(found),
        schema_checked=len(resources) - unknown.total(),
        missing=tuple(sorted(unknown)),
        schema_missing=unknown.total(),
        policy_checked=policy_checked,
        rules=rules,
        tools=tools,
    )


def _subjects(
    application: Application,
    kubernetes: str,
    resources: Sequence[Resource],
    pairs: Sequence[Pair],
) -> tuple[list[PolicySubject], list[Resource]]:
    """The questions for the policies, and the resource that each is about."""
    context = {
        "name": application.name,
        "path": application.path,
        "environment": application.environment,
        "renderer": application.renderer.value,
        "kubernetes": kubernetes,
        "namespace": application.destinations[0] if len(application.destinations) == 1 else "",
    }
    previous = {id(p.head): p.base for p in pairs if p.head is not None and p.base is not None}
    subjects, of = [], []
    for resource in resources:
        before = previous.get(id(resource))
        if before is not None and _same_document(before, resource):
            before = None
        subjects.append(_subject("UPDATE" if before else "CREATE", resource, before, context))
        of.append(resource)
    for pair in pairs:
        if pair.head is None and pair.base is not None:
            subjects.append(_subject("DELETE", pair.base, pair.base, context))
            of.append(pair.base)
    return subjects, of


def _subject(
    operation: str, resource: Resource, before: Resource | None, context: Mapping[str, str]
) -> PolicySubject:
    old = before and (before.text, before.origin.prefix)
    return PolicySubject(
        object=resource.value,
        old_object=before.value if before is not None else None,
        operation=operation,
        application=context,
        identity=(operation, resource.text, resource.origin.prefix, old),
    )


def _same_document(one: Resource, other: Resource) -> bool:
    return one.text == other.text and one.origin.prefix == other.origin.prefix


def _duplicates(resources: Sequence[Resource]) -> list[Found]:
    first: dict[object, Resource] = {}
    found: list[Found] = []
    for resource in resources:
        if not resource.value.get("metadata", {}).get("name"):
            continue
        if first.setdefault(resource.key, resource) is resource:
            continue
        defect = Defect(
            rule="render/duplicate-resource",
            severity=Severity.ERROR,
            message=f"{resource.reference} is there more than once: which one wins is chance",
            remediation="keep one of them, or give them different names or namespaces",
        )
        found.append((resource, defect))
    return found


def _missing(kinds: Sequence[tuple[str, str]], engines: Engines) -> list[Found]:
    handling = engines.context.settings.schemas.missing
    if handling == "ignore":
        return []
    return [
        (
            None,
            Defect(
                rule="schema",
                severity=Severity(handling),
                message=f"no schema is known for {api_version} {kind}",
                remediation="put its CustomResourceDefinition into the repository, name a folder "
                "of schemas under schemas.locations, or set schemas.missing to ignore",
            ),
        )
        for api_version, kind in kinds
    ]
