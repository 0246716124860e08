"""Results of all applications -> one report: waivers, coverage, the verdict, a stable order."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitops_gate.checks.waivers import apply_waivers
from gitops_gate.discovery.values import Application, Unclaimed
from gitops_gate.evaluation.rules import Rules
from gitops_gate.evaluation.values import Result
from gitops_gate.findings import Finding
from gitops_gate.resources.values import ResourceKey
from gitops_gate.verdict.decide import decide
from gitops_gate.verdict.values import (
    ApplicationOutcome,
    Coverage,
    Reason,
    Report,
    RulesEffect,
    Status,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a report says about the run itself, besides what its applications found out.

    `known` are all applications of both revisions, by name. `unreached` and `unclaimed` are
    changed files that belong to no application; `unclaimed_total` counts those of the whole tree.
    In a run that `scanned` a tree, every finding counts as introduced.
    """

    rules: Rules
    source: str
    at: datetime.datetime
    scanned: bool = False
    base: str | None = None
    head: str | None = None
    known: Mapping[str, Application] = field(default_factory=dict)
    unreached: tuple[Unclaimed, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    unclaimed_total: int = 0
    findings: tuple[Finding, ...] = ()
    broken: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    rules_effect: RulesEffect | None = None


def assemble(results: Sequence[Result], run: Run) -> Report:
    """One report over all results. The same results and run give the same report."""
    outcomes = _outcomes(results, run.known)
    environments = {outcome.name: outcome.environment for outcome in outcomes}
    found = [finding for result in results for finding in result.findings]
    waived = apply_waivers(
        [*found, *run.findings],
        run.rules.waivers,
        environments,
        run.at.date(),
        locate=run.rules.locate_waiver,
        evaluated={result.outcome.name for result in results},
        introduced=run.scanned,
    )
    findings = tuple(sorted(waived.findings, key=_finding_order))
    decision = decide(
        applications=outcomes,
        findings=findings,
        unreached=[file.path for file in run.unreached],
        gate=run.rules.settings.gate,
        broken=(*run.broken, *_undecided(results, run)),
    )
    tools = {name: version for result in results for name, version in result.tools.items()}
    return Report(
        verdict=decision.verdict,
        reasons=decision.reasons,
        base=run.base,
        head=run.head,
        applications=outcomes,
        changes=tuple(
            sorted(
                (change for result in results for change in result.changes),
                key=lambda c: (c.application, c.resource, c.operation),
            )
        ),
        findings=findings,
        coverage=_coverage(results, outcomes, run),
        rules_effect=run.rules_effect,
        configuration={"source": run.source, "digest": run.rules.digest},
        tools=dict(sorted({**run.tools, **tools}.items())),
        warnings=_warnings(results, run),
        mode=run.rules.settings.gate.mode,
        gate=run.rules.settings.gate,
        excerpts={
            place: line for result in results for place, line in sorted(result.excerpts.items())
        },
    )


def _outcomes(
    results: Sequence[Result], known: Mapping[str, Application]
) -> tuple[ApplicationOutcome, ...]:
    evaluated = {result.outcome.name: result.outcome for result in results}
    moved = {outcome.moved_from for outcome in evaluated.values()}
    untouched = {
        name: ApplicationOutcome(
            name=name,
            path=application.path,
            renderer=application.renderer.value,
            environment=application.environment,
            status=Status.UNCHANGED,
            affected=False,
        )
        for name, application in known.items()
        if name not in evaluated and name not in moved
    }
    everything = {**untouched, **evaluated}
    return tuple(everything[name] for name in sorted(everything))


def _undecided(results: Sequence[Result], run: Run) -> Iterable[Reason]:
    yield from (reason for result in results for reason in result.undecided)
    missing = sum(result.counts.schema_missing for result in results)
    if missing and run.rules.settings.schemas.missing == "error":
        message = f"{missing} resources are of kinds that no schema is known for"
        yield Reason(code="schema_missing", message=message, verdict=Verdict.INDETERMINATE)


def _coverage(
    results: Sequence[Result], outcomes: Sequence[ApplicationOutcome], run: Run
) -> Coverage:
    counts = [result.counts for result in results]
    evaluated: set[str] = set()
    for result in results:
        evaluated |= result.rules
    not_understood = [*run.unreached, *run.unclaimed]
    return Coverage(
        applications_found=len(outcomes),
        applications_affected=sum(outcome.affected for outcome in outcomes),
        applications_rendered=sum(outcome.status is Status.RENDERED for outcome in outcomes),
        applications_failed=sum(outcome.status is Status.FAILED for outcome in outcomes),
        resources_seen=sum(count.resources for count in counts),
        schema_checked=sum(count.schema_checked for count in counts),
        schema_missing=sum(count.schema_missing for count in counts),
        policy_checked=sum(count.policy_checked for count in counts),
        rules_loaded=len(run.rules.rule_set.rules),
        rules_evaluated=len(evaluated),
        not_understood=tuple(
            {"path": file.path, "reason": file.reason}
            for file in sorted(not_understood, key=lambda file: file.path)
        ),
        unclaimed=run.unclaimed_total,
        redacted=sum(count.redacted for count in counts),
        omitted=sum(count.omitted for count in counts),
    )


def _warnings(results: Sequence[Result], run: Run) -> tuple[str, ...]:
    told = {warning for result in results for warning in result.warnings}
    shared = _shared_resources(results)
    return (*run.warnings, *sorted(told), *shared)


def _shared_resources(results: Sequence[Result]) -> tuple[str, ...]:
    """Resources that several applications of one environment have: one agent undoes another."""
    owners: defaultdict[tuple[str, ResourceKey], list[str]] = defaultdict(list)
    for result in results:
        for key in result.keys:
            owners[result.outcome.environment, key].append(result.outcome.name)
    shared = {key: names for key, names in owners.items() if len(names) > 1}
    if not shared:
        return ()
    (_, key), names = min(shared.items(), key=lambda item: (item[0][0], *item[0][1]))
    place = f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
    number = "1 resource is" if len(shared) == 1 else f"{len(shared)} resources are"
    example = " and ".join(sorted(names)[:2])
    return (f"{number} in more than one application of an environment: {place} in {example}",)


def _finding_order(finding: Finding) -> tuple[object, ...]:
    reference = finding.resource
    return (
        finding.severity.rank,
        not finding.introduced,
        finding.rule,
        finding.application or "",
        (reference.api_version, reference.kind, reference.namespace, reference.name)
        if reference
        else ("", "", "", ""),
        [str(part) for part in finding.field],
        finding.message,
    )
