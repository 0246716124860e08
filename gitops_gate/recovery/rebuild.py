"""The complete desired state of an environment at a commit, in the order of an empty cluster.

For recovery in another place: what Git holds is written out, and what it does not hold is named.
Nothing here asks a forge or a cluster.

    tree ──desired_state──> resources ──place: namespaces, phases──> Rebuilt ──> stream or files
                                                └──lacks_of──> what is not in Git
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gitops_gate import pipeline
from gitops_gate.delivery.hydrate import (
    DesiredApplication,
    DesiredResource,
    desired_state,
    document_text,
)
from gitops_gate.discovery.values import Application
from gitops_gate.errors import ConfigurationError
from gitops_gate.recovery.rebuild_missing import Lack, Placed, lacks_of
from gitops_gate.recovery.rebuild_order import (
    PHASES,
    is_for_other_occasions,
    is_namespaced,
    phase_of,
    place_in_phase,
    scopes_of,
)
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.wording import path_text, plural
from gitops_gate.resources.plain import text_of
from gitops_gate.resources.values import ResourceKey, ResourceReference
from gitops_gate.source.values import Tree

_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """An environment to be applied phase by phase.

    `phases` holds those of `rebuild_order.PHASES` in which there is anything, in order. `placed`
    counts the resources that were put into the namespace that an agent deploys them into, by that
    namespace. `left_out` are hooks that an installation does not run.
    """

    environment: str
    applications: tuple[str, ...]
    phases: Mapping[str, tuple[Placed, ...]]
    lacks: tuple[Lack, ...] = ()
    placed: Mapping[str, int]
    left_out: tuple[ResourceReference, ...] = ()
    sandboxed: bool = True

    @property
    def complete(self) -> bool:
        """Whether nothing is needed that Git does not hold."""
        return not any(lack.needed for lack in self.lacks)


def rebuild(tree: Tree, options: pipeline.Options, environment: str) -> Rebuilt:
    """Everything that the applications of an environment deploy, ordered for an empty cluster.

    A resource without a namespace gets the one that its application is deployed into, where the
    tree says exactly one: an agent would do that, kubectl would not. An object that several
    applications have alike is there once.

    Raises `ConfigurationError` for an environment without applications, `RenderError` that names
    every application which cannot be rendered, and what `pipeline.render_applications` raises.
    """
    everywhere = pipeline.list_applications(tree, replace(options, environments=()))
    known = sorted({application.environment for application in everywhere})
    if environment not in known:
        there = f"there is {', '.join(known)}" if known else "there is no application at all"
        raise ConfigurationError(
            f"no application belongs to the environment {environment}",
            remedy=f"{there}; see environments in .gitops-gate.yaml",
        )
    return _rebuilt(desired_state(tree, replace(options, environments=(environment,))), environment)


def as_files(rebuilt: Rebuilt) -> Mapping[str, bytes]:
    """One file a phase, `00-namespaces.yaml` first, each a YAML stream."""
    numbers = {phase: number for number, phase in enumerate(PHASES)}
    return {
        f"{numbers[phase]:02}-{phase}.yaml": b"".join(_documents(resources))
        for phase, resources in rebuilt.phases.items()
    }


def as_stream(rebuilt: Rebuilt) -> bytes:
    """All phases in order as one YAML stream."""
    return b"".join(as_files(rebuilt).values())


def _documents(resources: Iterable[Placed]) -> Iterator[bytes]:
    for application, resource in resources:
        yield b"---\n" + document_text(resource, application)


def _rebuilt(states: Iterable[DesiredApplication], environment: str) -> Rebuilt:
    states = tuple(states)
    definitions = (
        resource.value
        for state in states
        for resource in state.resources
        if resource.reference.kind == "CustomResourceDefinition"
    )
    scopes = scopes_of(definitions)
    found: list[Placed] = []
    left_out: list[ResourceReference] = []
    placed: dict[str, int] = {}
    homeless: dict[str, int] = {}
    for state in states:
        for resource in state.resources:
            application = state.application.name
            if is_for_other_occasions(resource.value):
                left_out.append(resource.reference)
                continue
            key = resource.reference.key
            if not key.namespace and is_namespaced(key, scopes):
                if namespace := _destination(state.application):
                    resource = _moved(resource, namespace)  # noqa: PLW2901
                    placed[namespace] = placed.get(namespace, 0) + 1
                else:
                    homeless[application] = homeless.get(application, 0) + 1
            found.append((application, resource))
    kept, conflicts = _once(found)
    return Rebuilt(
        environment=environment,
        applications=tuple(state.application.name for state in states),
        phases=_in_phases(kept),
        lacks=(
            *lacks_of(kept),
            *_places(homeless),
            *_names(kept),
            *_values(states),
            *conflicts,
        ),
        placed=dict(sorted(placed.items())),
        left_out=tuple(sorted(left_out)),
        sandboxed=all(state.sandboxed for state in states),
    )


def _destination(application: Application) -> str | None:
    """The one namespace that an application is deployed into, as far as the tree tells."""
    if len(application.destinations) == 1:
        return application.destinations[0]
    helm = application.helm
    if application.destinations or helm is None or helm.namespace == _DEFAULT_NAMESPACE:
        return None
    return helm.namespace


def _moved(resource: DesiredResource, namespace: str) -> DesiredResource:
    metadata = {**resource.value["metadata"], "namespace": namespace}
    return replace(
        resource,
        reference=replace(resource.reference, namespace=namespace),
        value={**resource.value, "metadata": metadata},
    )


def _once(found: Iterable[Placed]) -> tuple[list[Placed], list[Lack]]:
    """Objects that are alike once; those that differ all, and said: the last one wins."""
    kept: list[Placed] = []
    seen: dict[ResourceKey, dict[str, str]] = {}
    references: dict[ResourceKey, ResourceReference] = {}
    for application, resource in found:
        key = resource.reference.key
        if resource.value["metadata"].get("name"):
            texts = seen.setdefault(key, {})
            references[key] = resource.reference
            text = text_of(resource.value)
            if text in texts:
                continue
            texts[text] = application
        kept.append((application, resource))
    conflicts = [
        Lack(
            what="decision",
            name=f"{references[key]} is there in {plural(len(texts), 'version')}",
            needed=True,
            applications=tuple(sorted(set(texts.values()))),
            remedy="all are written, and the last one wins: remove the others",
        )
        for key, texts in sorted(seen.items())
        if len(texts) > 1
    ]
    return kept, conflicts


def _in_phases(resources: Iterable[Placed]) -> Mapping[str, tuple[Placed, ...]]:
    by_phase: dict[str, list[Placed]] = {phase: [] for phase in PHASES}
    for application, resource in resources:
        by_phase[phase_of(resource.reference.key)].append((application, resource))
    return {phase: tuple(sorted(some, key=_place)) for phase, some in by_phase.items() if some}


def _place(placed: Placed) -> tuple[object, ...]:
    application, resource = placed
    return (*place_in_phase(resource.reference.key, resource.value), application)


def _places(homeless: Mapping[str, int]) -> Iterator[Lack]:
    for application, count in sorted(homeless.items()):
        yield Lack(
            what="place",
            name=f"the namespace of {plural(count, 'resource')} of {one_line(application)}",
            needed=True,
            applications=(application,),
            remedy="kubectl would put them into its current one: say which by --namespace",
        )


def _names(resources: Iterable[Placed]) -> Iterator[Lack]:
    """Objects that only `kubectl create` takes, since nothing tells one from the next."""
    for application, resource in resources:
        if not resource.value["metadata"].get("name"):
            yield Lack(
                what="name",
                name=f"of {resource.reference}, which the server makes up",
                needed=False,
                applications=(application,),
                remedy="kubectl apply refuses it: create it by kubectl create",
            )


def _values(states: Iterable[DesiredApplication]) -> Iterator[Lack]:
    """Fields that chance or time make: what ran has other values than those written here."""
    for state in states:
        for volatile in state.volatile:
            _, kind, namespace, name = volatile.resource
            resource = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
            where = f" {path_text(volatile.field)}" if volatile.field else ""
            yield Lack(
                what="value",
                name=f"{resource}{where}",
                needed=True,
                applications=(state.application.name,),
                remedy="made anew by each render: set the value that ran, if anything keeps it",
            )
