"""What approvals have to know about a change itself, as values that the review fills in.

Everything about the change was found out by stages before this one; here it is only what rules
ask about. Where something could not be found out, it says so, and rules take the worst.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitops_gate.approvals.facts import Account
from gitops_gate.changes.values import ResourceChange
from gitops_gate.config.approval_settings import ApprovalSettings, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedApplication:
    """An application that the change affects.

    `environment` is None where it is not known, and then every environment matches.
    `changes_known` is false where an application could not be rendered at the base (or at all):
    what changes in the cluster is then unknown, and any kind, operation and risk matches.
    """

    name: str
    path: str
    environment: str | None
    changes_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFact:
    """One resource change as rules see it. `group` is "" for the core group."""

    application: str
    kind: str
    group: str
    operation: str
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFact:
    """That a rule found something; `application` is None for what belongs to none."""

    rule: str
    application: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPaths:
    """Changed paths that one CODEOWNERS entry is about, and any `count` of whose owners must agree.

    `users` are logins or numeric ids, `teams` as `ReadsApprovals.members` takes them, `roles` the
    least permissions of GitLab's `@@role`. `unresolved` are owners that stand for nobody known
    (an e-mail without an account, say): they are shown, and nobody can approve as them.
    `optional` entries are shown and never asked for. `place` is where the entry stands.
    """

    paths: tuple[str, ...]
    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    roles: tuple[Permission, ...] = ()
    unresolved: tuple[str, ...] = ()
    count: int = 1
    optional: bool = False
    section: str | None = None
    place: str = "CODEOWNERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesChange:
    """That the change edits what the gate itself goes by (design, invariant 2).

    `paths` are the changed files that are rules (`rules_paths` finds them). `applications` are
    those that the old and the new rules treat differently; all of them where that is not known.
    `new` are the head's approval settings, None where they do not load. `owned` is what CODEOWNERS
    asks for besides `ChangeFacts.owned`: the changed paths by the head's file, and the files of
    `applications` by both files.
    """

    paths: tuple[str, ...]
    applications: tuple[AffectedApplication, ...]
    new: ApprovalSettings | None
    owned: tuple[OwnedPaths, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """The change, as far as approvals are concerned.

    `paths` are all changed source paths. `owned` is what the base's CODEOWNERS asks for;
    `has_codeowners` whether the base has one at all. `triggered_by` is the person who made a bot
    open the change, None where that is unknown. `repair`: the base's own rules do not load, and
    those of an older commit decide.
    """

    author: Account
    paths: tuple[str, ...] = ()
    applications: tuple[AffectedApplication, ...] = ()
    resources: tuple[ResourceFact, ...] = ()
    findings: tuple[FindingFact, ...] = ()
    labels: tuple[str, ...] = ()
    owned: tuple[OwnedPaths, ...] = ()
    has_codeowners: bool = False
    rules: RulesChange | None = None
    triggered_by: Account | None = None
    repair: bool = False


def resource_facts(changes: Iterable[ResourceChange]) -> tuple[ResourceFact, ...]:
    """What rules ask about resource changes; one that changes its kind counts as both kinds."""
    facts = {
        ResourceFact(
            application=change.application,
            kind=reference.kind,
            group=reference.key.group,
            operation=change.operation.value,
            risks=change.risk,
        )
        for change in changes
        for reference in (change.resource, change.previous)
        if reference is not None
    }
    return tuple(
        sorted(facts, key=lambda f: (f.application, f.group, f.kind, f.operation, f.risks))
    )
