"""What one file says that discovery needs to know, independent of where the file lies.

A fact is a function of a file's bytes and of the purpose it is read for, and of nothing else: so
it is kept by blob id (`gitops_gate.discovery.cache`) and a file that did not change is never
parsed again. Facts are small and hold plain values only; `to_json` and `from_json` turn them into
what the `json` module writes and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Purpose(StrEnum):
    """What a file is read for; the same bytes can be read for several purposes."""

    KUSTOMIZATION = "kustomization"
    PLUGIN = "plugin"
    CHART = "chart"
    MANIFEST = "manifest"
    CONTENT = "content"


class Role(StrEnum):
    """What a kustomization wants with something that it refers to."""

    RESOURCE = "resource"
    """A file of manifests, or a directory with a kustomization (`accumulateResources`)."""
    COMPONENT = "component"
    """A directory with a kustomization of kind Component."""
    FILE = "file"
    """A file that is loaded as it is."""
    PLUGIN = "plugin"
    """A file or directory with generators, transformers or validators."""
    CHART = "chart"
    """A directory with a Helm chart to inflate."""
    HINT = "hint"
    """A value inside a plugin's configuration that is a path if such a file exists."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference of a kustomization or plugin configuration, as written.

    `remote` says that Kustomize would fetch it. `line` is 1-based, 0 where nobody asks.
    """

    role: Role
    target: str
    remote: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Issue:
    """A refusal that does not know its file yet; see `values.Refusal`."""

    code: str
    message: str
    line: int
    remedy: str


@dataclass(frozen=True, slots=True)
class References:
    """What a kustomization, or the configuration of a plugin, refers to.

    `component` is whether its kind is Component. `opaque` is whether it makes resources whose
    kinds its files do not show.
    """

    references: tuple[Reference, ...] = ()
    issues: tuple[Issue, ...] = ()
    component: bool = False
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """What a `Chart.yaml` or `requirements.yaml` says. `dependencies` are (name, repository)."""

    name: str = ""
    library: bool = False
    dependencies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Deployed:
    """What an Argo CD or Flux object says about one path that it deploys from.

    `path` and the other texts may hold `{{ }}` of an ApplicationSet, whose reduced `generators`
    are there then (`gitops_gate.discovery.applicationsets` says in which form). `components` are
    relative to the path; `values` too, or to the root of the repository with a leading `/`.
    `tool` is "jsonnet" or "plugin" where the object asks for one.
    """

    path: str
    components: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    namespace: str = ""
    tool: str = ""
    generators: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """The Kubernetes objects of one YAML or JSON file.

    `kinds` are the distinct (apiVersion, kind) pairs, `crds` the (group, kind) pairs that its
    CustomResourceDefinitions define. `problem` says why the file could not be read although it
    looks like manifests; `template` that it is the source of some template instead, which nobody
    could read as YAML. `pointer` marks a Git LFS pointer.
    """

    kinds: tuple[tuple[str, str], ...] = ()
    deployed: tuple[Deployed, ...] = ()
    crds: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    template: bool = False
    pointer: bool = False

    @property
    def manifest(self) -> bool:
        """Whether the file looks like something that is deployed."""
        return bool(self.kinds or self.problem)


Fact = References | ChartFacts | ManifestFacts

NOTHING = ManifestFacts()
"""The facts of a file that holds no manifest; most files are like this."""


def to_json(fact: Fact) -> list[Any]:
    """A fact as lists, texts, numbers and booleans."""
    if isinstance(fact, References):
        return [
            [[r.role, r.target, r.remote, r.line] for r in fact.references],
            [[i.code, i.message, i.line, i.remedy] for i in fact.issues],
            fact.component,
            fact.opaque,
        ]
    if isinstance(fact, ChartFacts):
        return [fact.name, fact.library, [list(pair) for pair in fact.dependencies]]
    return [
        [list(pair) for pair in fact.kinds],
        [
            [d.path, list(d.components), list(d.values), d.namespace, d.tool, d.generators]
            for d in fact.deployed
        ],
        [list(pair) for pair in fact.crds],
        fact.problem,
        fact.template,
        fact.pointer,
    ]


def from_json(purpose: Purpose, value: Sequence[Any]) -> Fact:
    """The inverse of `to_json`. Raises `ValueError` or `TypeError` for what it never wrote."""
    if purpose in (Purpose.KUSTOMIZATION, Purpose.PLUGIN):
        references, issues, component, opaque = value
        return References(
            tuple(
                Reference(Role(role), target, bool(far), line)
                for role, target, far, line in references
            ),
            tuple(Issue(*issue) for issue in issues),
            bool(component),
            bool(opaque),
        )
    if purpose is Purpose.CHART:
        name, library, dependencies = value
        return ChartFacts(name, bool(library), _pairs(dependencies))
    kinds, deployed, crds, problem, template, pointer = value
    return ManifestFacts(
        _pairs(kinds),
        tuple(
            Deployed(path, tuple(components), tuple(values), namespace, tool, frozen(generators))
            for path, components, values, namespace, tool, generators in deployed
        ),
        _pairs(crds),
        problem,
        bool(template),
        bool(pointer),
    )


def frozen(value: Any) -> Any:
    """The same JSON-like value with tuples for lists."""
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def _pairs(value: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in value)
