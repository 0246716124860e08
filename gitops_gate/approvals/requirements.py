"""Which approvals a change needs: what must be true before it may land.

    rules of the base ──all that match──┐
    CODEOWNERS of the base ─────────────┼──> requirements; every one of them has to be met
    a change to the rules themselves ───┘

A rule matches when every key of its `when` does, and a key when any of its values does. The keys
about applications (`environments`, `applications`, `kinds`, `operations`, `risks`, `rules`) have to
match on one and the same application, and `kinds`, `operations` and `risks` on one and the same
resource change in it: a rule about removed claims in production is not met by a claim that is
removed in staging while production changes something else.

CODEOWNERS and rules are both asked for; one approval may serve several requirements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from gitops_gate.approvals.change import (
    AffectedApplication,
    ChangeFacts,
    FindingFact,
    OwnedPaths,
    ResourceFact,
    RulesChange,
)
from gitops_gate.approvals.people import is_named
from gitops_gate.config import Settings, matches_any
from gitops_gate.config.approval_settings import ApprovalRule, ApprovalSettings, Permission, When

Source = Literal["rule", "codeowners", "rules-change", "repair", "freeze"]

MOST_REASONS = 20
"""Lines that say why a requirement matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """`count` people have to approve, out of `users`, `teams` and `roles` where any is named.

    `permission` is the least that each of them has on the repository. `why` says, sorted, which
    paths, applications and resources made it match. `unresolved` are owners that nobody can
    approve as. An `optional` one is shown and not asked for.
    """

    name: str
    source: Source
    count: int = 1
    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    roles: tuple[Permission, ...] = ()
    unresolved: tuple[str, ...] = ()
    permission: Permission | None = None
    optional: bool = False
    why: tuple[str, ...] = ()

    @property
    def anybody(self) -> bool:
        """Whether it names nobody, so that everybody with the permission may approve."""
        return not (self.users or self.teams or self.roles or self.unresolved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """The requirements of a change, sorted. `no_rules`: the base asks for nothing of any change."""

    requirements: tuple[Requirement, ...]
    no_rules: bool = False


def required(change: ChangeFacts, settings: ApprovalSettings) -> Required:
    """Every requirement of a change under the base's settings."""
    found = [
        *_of_rules(change, settings.rules),
        *(_of_owners(change.owned) if settings.codeowners == "required" else ()),
        *(_of_changed_rules(change, change.rules, settings) if change.rules else ()),
    ]
    if change.repair:
        why = ("the rules of the target branch do not load; those of an older commit decide",)
        found.append(Requirement(name="repair of the rules", source="repair", why=why))
    unowned = settings.codeowners == "off" or not change.has_codeowners
    return Required(
        requirements=tuple(sorted(_merged(found), key=sort_key)),
        no_rules=not settings.rules and unowned,
    )


def sort_key(requirement: Requirement) -> tuple[object, ...]:
    """The order in which requirements are listed."""
    return (
        requirement.optional,
        requirement.source,
        requirement.name,
        requirement.count,
        requirement.users,
        requirement.teams,
        requirement.roles,
        requirement.unresolved,
        requirement.permission or "",
        requirement.why,
    )


def rules_paths(
    paths: Iterable[str], settings: Settings, included: Iterable[str] = ()
) -> tuple[str, ...]:
    """Those of the changed paths that are rules: configuration, policies, waivers, owners, CI.

    All files of `.gitops-gate/` are, those that ratify steps of delivery among them. `included`
    are patterns of further CI files, such as templates that `.gitlab-ci.yml` includes. Ask
    with the base's settings and with the head's, and take both answers.
    """
    policies = (path.removesuffix("/") for path in settings.policies.paths)
    patterns = [
        *_ALWAYS_RULES,
        settings.waivers,
        *(pattern for path in policies for pattern in (path, f"{path}/**")),
        *included,
    ]
    return tuple(sorted({path for path in paths if matches_any(patterns, path)}))


_ALWAYS_RULES = (
    ".gitops-gate.yaml",
    ".gitops-gate/**",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    ".github/workflows/**",
    ".github/actions/**",
    "**/action.yml",
    "**/action.yaml",
    ".gitlab-ci.yml",
    ".gitlab/ci/**",
)


# ------------------------------------------------------------------------------- rules


def _of_rules(change: ChangeFacts, rules: Iterable[ApprovalRule]) -> Iterable[Requirement]:
    for rule in rules:
        why = _why(rule.when, change)
        if why is not None:
            yield _asked(rule, "rule", why)


def _asked(rule: ApprovalRule, source: Source, why: Iterable[str]) -> Requirement:
    return Requirement(
        name=rule.name,
        source=source,
        count=rule.require.count,
        users=rule.require.users,
        teams=rule.require.teams,
        permission=rule.require.permission,
        why=tuple(sorted(set(why))),
    )


def _why(when: When, change: ChangeFacts) -> tuple[str, ...] | None:
    """What made the keys match, None where one does not; `()` for a rule without keys."""
    why: list[str] = []
    if when.authors:
        if not is_named(change.author, when.authors):
            return None
        why.append(f"author {change.author.login}")
    if when.paths:
        paths = [path for path in change.paths if matches_any(when.paths, path)]
        if not paths:
            return None
        why += [f"path {path}" for path in paths]
    if _is_about_applications(when) or when.rules:
        found = _where(when, change)
        if not found:
            return None
        why += found
    return tuple(why)


def _is_about_applications(when: When) -> bool:
    return bool(
        when.environments or when.applications or when.kinds or when.operations or when.risks
    )


def _where(when: When, change: ChangeFacts) -> list[str]:
    """The applications, resource changes and findings that the keys about them match on."""
    if not _is_about_applications(when):
        return [f"finding {fact.rule}" for fact in change.findings if _is_found(when, fact)]
    why: list[str] = []
    for application in _applications(change):
        if not in_scope(when, application):
            continue
        resources = [f for f in change.resources if f.application == application.name]
        about = _resources(when, application, resources)
        findings = [f for f in change.findings if f.application == application.name]
        rules = [f"finding {fact.rule}" for fact in findings if _is_found(when, fact)]
        if about is None or (when.rules and not rules):
            continue
        why += [f"application {application.name}", *about, *rules]
    return why


def _applications(change: ChangeFacts) -> tuple[AffectedApplication, ...]:
    """The affected applications, and those that only a change or finding speaks of."""
    known = {application.name for application in change.applications}
    named: set[str | None] = {fact.application for fact in change.resources}
    named |= {fact.application for fact in change.findings}
    strangers = sorted(name for name in named if name is not None and name not in known)
    return (
        *change.applications,
        *(AffectedApplication(name=name, path=name, environment=None) for name in strangers),
    )


def in_scope(when: When, application: AffectedApplication) -> bool:
    """Whether `environments` and `applications` match; globs are over names and paths."""
    environment = application.environment
    if when.environments and environment is not None and environment not in when.environments:
        return False
    names = (application.name, application.path)
    return not when.applications or any(matches_any(when.applications, name) for name in names)


def _resources(
    when: When, application: AffectedApplication, facts: Iterable[ResourceFact]
) -> list[str] | None:
    """The resource changes that match, None where there is none and one is asked for."""
    if not (when.kinds or when.operations or when.risks):
        return []
    if not application.changes_known:
        return [f"unknown changes of {application.name}"]
    found = [
        f"{fact.operation} {fact.kind} in {application.name}"
        for fact in facts
        if (not when.kinds or _is_kind(fact, when.kinds))
        and (not when.operations or fact.operation in when.operations)
        and (not when.risks or not set(when.risks).isdisjoint(fact.risks))
    ]
    return found or None


def _is_kind(fact: ResourceFact, kinds: tuple[str, ...]) -> bool:
    """`Kind` in any group, or `group/Kind`; the core group is `core`."""
    return fact.kind in kinds or f"{fact.group or 'core'}/{fact.kind}" in kinds


def _is_found(when: When, fact: FindingFact) -> bool:
    """Whether a finding's rule is one of the ids, or in one of the areas."""
    return any(fact.rule == rule or fact.rule.startswith(f"{rule}/") for rule in when.rules)


# ------------------------------------------------------------------------------- owners


def _of_owners(owned: Iterable[OwnedPaths]) -> Iterable[Requirement]:
    for entry in owned:
        yield Requirement(
            name=entry.section or "code owners",
            source="codeowners",
            count=entry.count,
            users=entry.users,
            teams=entry.teams,
            roles=entry.roles,
            unresolved=entry.unresolved,
            optional=entry.optional,
            why=tuple(sorted({f"path {path}" for path in entry.paths})),
        )


def _merged(found: Iterable[Requirement]) -> Iterable[Requirement]:
    """The same requirement once, with every reason for it."""
    reasons: dict[Requirement, set[str]] = {}
    for requirement in found:
        reasons.setdefault(replace(requirement, why=()), set()).update(requirement.why)
    for requirement, why in reasons.items():
        yield replace(requirement, why=_bounded(sorted(why)))


def _bounded(why: list[str]) -> tuple[str, ...]:
    if len(why) <= MOST_REASONS:
        return tuple(why)
    kept = why[: MOST_REASONS - 1]
    return (*kept, f"and {len(why) - len(kept)} more")


# ------------------------------------------------------------------------------- rules that change


def _of_changed_rules(
    change: ChangeFacts, rules: RulesChange, old: ApprovalSettings
) -> Iterable[Requirement]:
    """At least one approval, and what old and new rules ask for what they treat differently.

    What a rule asks of an application is asked whatever the change does to it today: the next
    change is judged by the new rules. A rule that is itself added, edited or removed asks its
    approvers, as it was and as it will be.
    """
    yield Requirement(
        name="a change to the rules",
        source="rules-change",
        why=tuple(sorted({f"path {path}" for path in rules.paths})),
    )
    new = old if rules.new is None else rules.new
    for rule in dict.fromkeys((*old.rules, *new.rules)):
        if (rule in old.rules) != (rule in new.rules):
            yield _asked(rule, "rules-change", (f"rule {rule.name} changes",))
            continue
        treated = [
            f"application {application.name} is treated differently"
            for application in rules.applications
            if _is_about_applications(rule.when) and in_scope(rule.when, application)
        ]
        if treated and (not rule.when.authors or is_named(change.author, rule.when.authors)):
            yield _asked(rule, "rules-change", treated)
    yield from _of_rules(change, (rule for rule in new.rules if rule not in old.rules))
    if "required" in (old.codeowners, new.codeowners):
        yield from _of_owners(rules.owned)
