"""The unit of work, as values that can cross a process boundary.

A `Task` is one application with the files of both sides; a `Context` is everything that all tasks
share; a `Result` is what one task found out. `evaluate(task, context) -> Result` is the same
function in this process, in a pool of workers and in the shards of a CI matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitops_gate.changes.values import ResourceChange
from gitops_gate.checks.policy import RuleSet
from gitops_gate.config.settings import Settings
from gitops_gate.discovery.values import Application, Closure
from gitops_gate.findings import Finding
from gitops_gate.render.remote.values import RemoteResult
from gitops_gate.resources.values import ResourceKey
from gitops_gate.source.values import Tree
from gitops_gate.verdict.values import ApplicationOutcome, Reason

SideName = Literal["base", "head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An application at one revision; `tree` holds the files of its closure and no others."""

    application: Application
    closure: Closure
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One application to evaluate. A side is None where the application does not exist.

    `moved_from` names the base's application where it has another name.
    """

    name: str
    base: Side | None
    head: Side | None
    moved_from: str | None = None

    @property
    def application(self) -> Application:
        """The head's application, or the base's where the head has none."""
        side = self.head or self.base
        assert side is not None
        return side.application


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFiles:
    """Where custom schemas come from at one revision: files with CRDs, and extra directories.

    `deployed` are those of the files with CRDs that an application deploys.
    """

    crds: Tree
    locations: Tree
    deployed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every task shares.

    `compare` is false for a scan, which has no base. `cache_folder` is where rendered manifests
    are kept, or None. `remotes` are the bases that were fetched beforehand, by reference.
    """

    settings: Settings
    rules: RuleSet
    base_schemas: SchemaFiles
    head_schemas: SchemaFiles
    compare: bool = True
    require_sandbox: bool = False
    remotes: Mapping[str, RemoteResult] = field(default_factory=dict)
    cache_folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was looked at in one application; numbers of the head's resources."""

    resources: int = 0
    schema_checked: int = 0
    schema_missing: int = 0
    policy_checked: int = 0
    redacted: int = 0
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one task found out. `undecided` are reasons why it could not be decided."""

    outcome: ApplicationOutcome
    changes: tuple[ResourceChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Reason, ...] = ()
    counts: Counts = Counts()
    rules: frozenset[str] = frozenset()
    tools: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    excerpts: Mapping[str, str] = field(default_factory=dict)
    keys: frozenset[ResourceKey] = frozenset()
    """Keys of the head's resources, to find those that several applications have."""
