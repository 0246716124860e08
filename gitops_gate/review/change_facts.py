"""What approval rules ask about a change, from its report, from Git and from the forge.

Rules, CODEOWNERS and waivers are those of the target's tip. Where the change edits them, the
head's are read as well, and what they treat differently asks for both (design, invariant 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gitops_gate.approvals.change import (
    AffectedApplication,
    ChangeFacts,
    FindingFact,
    OwnedPaths,
    RulesChange,
    resource_facts,
)
from gitops_gate.approvals.codeowners import (
    Dialect,
    OwnersFile,
    find_codeowners,
    owned_paths,
    resolved,
)
from gitops_gate.approvals.requirements import rules_paths
from gitops_gate.config.settings import Settings
from gitops_gate.errors import GitOpsGateError
from gitops_gate.evaluation.rules import load_rules
from gitops_gate.forges.values import ChangeRequest, ForgeKind
from gitops_gate.source import Repository, Tree, changed_paths
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status

Members = Callable[[Iterable[str]], Mapping[str, frozenset[int] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSource:
    """Where the facts about a change come from. `members` is None where teams cannot be read.

    `rules_at` is the commit whose rules and CODEOWNERS ask; `forge` is whose CODEOWNERS is read.
    """

    repository: Repository
    report: Report
    change: ChangeRequest
    base: str
    rules_at: str
    settings: Settings
    repair: bool
    members: Members | None
    forge: ForgeKind


def change_facts(source: ChangeSource) -> ChangeFacts:
    """The change as rules ask about it. Raises `GitOpsGateError`."""
    report, repository = source.report, source.repository
    head = repository.revision(source.change.head_commit).tree
    start = repository.merge_base(source.base, source.change.head_commit)
    paths = tuple(changed_paths(repository.revision(start).tree, head))
    tip = repository.revision(source.rules_at).tree
    owners = find_codeowners(tip, Dialect(source.forge))
    affected = tuple(
        affected_application(outcome) for outcome in report.applications if outcome.affected
    )
    return ChangeFacts(
        author=source.change.author,
        paths=paths,
        applications=affected,
        resources=resource_facts(report.changes),
        findings=tuple(
            dict.fromkeys(
                FindingFact(rule=finding.rule, application=finding.application)
                for finding in report.findings
                if finding.introduced
            )
        ),
        labels=source.change.labels,
        owned=_owned(owners, paths, source),
        has_codeowners=owners is not None,
        rules=_rules_change(source, paths, tip, owners),
        repair=source.repair,
    )


def owners_warnings(source: ChangeSource) -> tuple[str, ...]:
    """What is wrong with lines of the base's CODEOWNERS, which then ask nobody."""
    tip = source.repository.revision(source.rules_at).tree
    owners = find_codeowners(tip, Dialect(source.forge))
    problems = owners.problems if owners else ()
    return tuple(f"{owners.path}:{one.line}: {one.reason}" for one in problems if owners)


def affected_application(outcome: ApplicationOutcome) -> AffectedApplication:
    """One with a reason beside its rendering could not be rendered at the base."""
    return AffectedApplication(
        name=outcome.name,
        path=outcome.path,
        environment=outcome.environment,
        changes_known=outcome.status is Status.RENDERED and outcome.reason is None,
    )


def _owned(
    owners: OwnersFile | None, paths: Iterable[str], source: ChangeSource
) -> tuple[OwnedPaths, ...]:
    if owners is None or source.settings.approvals.codeowners == "off":
        return ()

    def is_group(name: str) -> bool | None:
        return source.members([name])[name] is not None if source.members else None

    return resolved(owned_paths(owners, paths), is_group=is_group)


def _rules_change(
    source: ChangeSource, paths: tuple[str, ...], tip: Tree, owners: OwnersFile | None
) -> RulesChange | None:
    merged = source.repository.merged(source.base, source.change.head_commit).tree
    try:
        new = load_rules(merged).settings
    except GitOpsGateError:
        new = None
    edited = set(rules_paths(paths, source.settings))
    edited |= set(rules_paths(paths, new)) if new else set()
    if not edited:
        return None
    applications = _treated_differently(source.report, edited, source.settings)
    owned = set(_of_head(source, merged, paths))
    files = [
        path
        for path in {*tip.entries, *merged.entries}
        if any(_is_below(path, application.path) for application in applications)
    ]
    owned |= set(_owned(owners, files, source)) | set(_of_head(source, merged, files))
    return RulesChange(
        paths=tuple(sorted(edited)),
        applications=applications,
        new=new.approvals if new else None,
        owned=tuple(sorted(owned, key=lambda one: (one.place, one.paths))),
    )


def _of_head(source: ChangeSource, merged: Tree, paths: Iterable[str]) -> tuple[OwnedPaths, ...]:
    """What the head's CODEOWNERS asks for; nothing more than the base's where it cannot be read."""
    try:
        return _owned(find_codeowners(merged, Dialect(source.forge)), paths, source)
    except GitOpsGateError:
        return ()


def _treated_differently(
    report: Report, edited: set[str], settings: Settings
) -> tuple[AffectedApplication, ...]:
    """The applications about which old and new rules say something different.

    Of policies and waivers that is known from `rules_effect`; what else changes (environments,
    approvals, owners, the CI) may concern every application.
    """
    effect = report.rules_effect
    about_findings = tuple(f"{path.strip('/')}/" for path in settings.policies.paths)
    only_findings = all(
        path == settings.waivers or path.startswith(about_findings) for path in edited
    )
    names: set[str | None] | None = None
    if only_findings and effect is not None and effect.error is None:
        names = {one.application for one in (*effect.newly_denied, *effect.no_longer_denied)}
    return tuple(
        affected_application(outcome)
        for outcome in report.applications
        if names is None or outcome.name in names
    )


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder.rstrip('/')}/")
