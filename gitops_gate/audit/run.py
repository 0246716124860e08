"""Reads what the forge and Git say, and runs every check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gitops_gate.audit.branches import branch_checks
from gitops_gate.audit.delivered import Delivered, delivered
from gitops_gate.audit.deliveries import delivery_checks
from gitops_gate.audit.files import delivering_jobs, read_files, settings_of
from gitops_gate.audit.owners import owner_checks
from gitops_gate.audit.settings import repository_checks
from gitops_gate.audit.statuses import status_checks
from gitops_gate.audit.values import Audit, Branch, Facts, Outcome, State
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.config.refs import HEADS
from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.interface import Forge, ReadsProtection
from gitops_gate.forges.values import Protection, RepositoryProtection
from gitops_gate.source.values import Tree

MOST_BRANCHES = 30
"""How many branches are looked at unless they are named: each takes a few requests."""
_VARIABLE = "env:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be audited: short names of branches, () for those that matter; full ref names."""

    branches: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()


def audit(forge: Forge, web_url: str, asked: Asked, tree_of: Callable[[str], Tree | None]) -> Audit:
    """Look at everything, with requests that only read.

    `tree_of` gives the tree of a branch's tip by its short name, or None where it was not fetched.
    Raises `ForgeError` when the token may read nothing of the protection or the forge fails, and
    `ConfigurationError` for a delivery ref that is none or a configuration that does not load.
    """
    if forge.protection is None:
        told = next((line for line in forge.missing if "protection" in line), None)
        raise ForgeError(told or "the forge gives this token nothing of its protection")
    facts = _facts(forge, forge.protection, web_url, asked, tree_of)
    return Audit(
        kind=facts.kind,
        repository=facts.repository.repository,
        web_url=web_url,
        branches=tuple(branch.protection.branch for branch in facts.branches),
        outcomes=outcomes(facts),
    )


def _facts(
    forge: Forge,
    reader: ReadsProtection,
    web_url: str,
    asked: Asked,
    tree_of: Callable[[str], Tree | None],
) -> Facts:
    for ref in asked.deliveries:
        if not ref.startswith("refs/") or ref.count("/") < 2:
            raise ConfigurationError(
                f"{ref!r} is no full ref name", remedy="write it as refs/heads/NAME"
            )
    repository = reader.repository()
    tree = tree_of(repository.default_branch)
    settings = DeliverySettings() if tree is None else settings_of(tree).delivery
    named = asked.branches or (repository.default_branch, *(repository.branches or ()))
    found = delivered(
        settings, asked.deliveries, named[:MOST_BRANCHES], everywhere=not asked.branches
    )
    sources = (repository.default_branch, *settings.branches)
    names, left_out = _chosen(repository, asked, found, sources)
    key = (settings.signing.key if settings.signing else None) or ""
    return Facts(
        kind=forge.kind,
        web_url=web_url,
        repository=repository,
        branches=tuple(_branch(forge, reader, repository, name, tree_of) for name in names),
        deliveries=tuple(_protection(reader, name, found) for name in found.branches),
        attestations=None
        if found.attestations is None
        else reader.protection(found.attestations.removeprefix(HEADS)),
        deliveries_unread=tree is None,
        sources=sources,
        delivering=delivering_jobs(tree) if tree and forge.kind == "github" else (),
        signing_variables=(key.removeprefix(_VARIABLE),) if key.startswith(_VARIABLE) else (),
        other_refs=found.others,
        not_looked_at=left_out,
    )


def _protection(reader: ReadsProtection, name: str, found: Delivered) -> Protection:
    """The protection of a branch; of one of them, where the name stands for several."""
    return replace(reader.protection(found.asked_as.get(name, name)), branch=name)


def _chosen(
    repository: RepositoryProtection, asked: Asked, found: Delivered, sources: Sequence[str]
) -> tuple[list[str], tuple[str, ...]]:
    """The branches to look at, and a line for each reason why others are not.

    A delivery ref is judged by other rules than a branch that changes are merged into.
    """
    if asked.branches:
        return list(dict.fromkeys(asked.branches)), ()
    protected = repository.branches
    names = list(dict.fromkeys((repository.default_branch, *(protected or ()))))
    names = [name for name in names if not found.holds(name, sources)]
    lines = []
    if protected is None:
        lines.append("could not be read: which other branches are protected")
    if len(names) > MOST_BRANCHES:
        lines.append(f"{len(names) - MOST_BRANCHES} more protected branches are not looked at")
    return names[:MOST_BRANCHES], tuple(lines)


def _branch(
    forge: Forge,
    reader: ReadsProtection,
    repository: RepositoryProtection,
    name: str,
    tree_of: Callable[[str], Tree | None],
) -> Branch:
    tree = tree_of(name)
    files = None if tree is None else read_files(tree, forge.kind, repository.ci_definition)
    return Branch(protection=reader.protection(name), files=files)


def outcomes(facts: Facts) -> tuple[Outcome, ...]:
    """What every check comes to, the worst first."""
    return tuple(sorted(_outcomes(facts), key=_order))


def _outcomes(facts: Facts) -> Iterator[Outcome]:
    for branch in facts.branches:
        yield from branch_checks(facts, branch)
        yield from status_checks(facts, branch)
        if "*" not in branch.protection.branch:  # a pattern of GitLab's has no files
            yield from owner_checks(facts, branch)
    yield from delivery_checks(facts)
    yield from repository_checks(facts)


def _order(outcome: Outcome) -> tuple[int, int, str, str]:
    """The worst first, then by place and id; what holds everywhere comes after the refs."""
    state = list(State).index(outcome.state)
    return state, outcome.level.rank, outcome.subject or "~", outcome.id
