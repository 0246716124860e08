"""What a rebuilt environment needs and Git does not hold: what an operator must know beforehand.

Looked for in the desired state itself: namespaces that are used, definitions of custom kinds, and
what pods, routes and custom resources name (Secrets, ConfigMaps, accounts, claims, classes). Not
looked for: images, DNS names, what a controller fetches on its own, the data in volumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.delivery.hydrate import DesiredResource
from gitops_gate.documents import is_sops
from gitops_gate.recovery.rebuild_order import is_builtin, scopes_of
from gitops_gate.reports.wording import plural
from gitops_gate.resources.values import ResourceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that is not in Git. `what` is its sort, such as `namespace` or `Secret`.

    `needed`: without it the environment is not what it was; otherwise it usually comes from
    elsewhere, which is worth knowing. `applications` are those that use it, sorted.
    """

    what: str
    name: str
    needed: bool
    applications: tuple[str, ...] = ()
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """That some object names another one; `namespace` is "" where it is not known."""

    kind: str
    namespace: str
    name: str


Placed = tuple[str, DesiredResource]
"""An application's name, and one of its resources."""
_Uses = dict[tuple[str, str], set[str]]

_ALWAYS_THERE = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
_MADE_BY_KUBERNETES = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
_BY_NAME = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "secret": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "configMap": "ConfigMap",
}
"""Fields that hold a reference as a mapping, with the kind that it is to."""
_BY_TEXT = {
    "secretName": "Secret",
    "serviceAccountName": "ServiceAccount",
    "claimName": "PersistentVolumeClaim",
}
_CLASSES = {
    "storageClassName": "StorageClass",
    "priorityClassName": "PriorityClass",
    "runtimeClassName": "RuntimeClass",
    "ingressClassName": "IngressClass",
}
_SECRET_MAKERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("bitnami.com", "SealedSecret"): ("spec", "template", "metadata", "name"),
    ("cert-manager.io", "Certificate"): ("spec", "secretName"),
    ("external-secrets.io", "ExternalSecret"): ("spec", "target", "name"),
    ("secrets.hashicorp.com", "VaultDynamicSecret"): ("spec", "destination", "name"),
    ("secrets.hashicorp.com", "VaultPKISecret"): ("spec", "destination", "name"),
    ("secrets.hashicorp.com", "VaultStaticSecret"): ("spec", "destination", "name"),
}
"""Custom resources that a controller makes a Secret of, and where its name is, if not their own."""
_WITHOUT_REFERENCES = frozenset({"Secret", "ConfigMap", "CustomResourceDefinition"})
_REMEDIES = {
    "Secret": "create it before its users, from where it is kept",
    "ConfigMap": "create it before its users",
    "ServiceAccount": "create it: no pod of its users starts without it",
    "PersistentVolumeClaim": "create it, or restore the volume",
}


def lacks_of(placed: Iterable[Placed]) -> tuple[Lack, ...]:
    """Everything that the resources need and that is not among them, sorted."""
    resources = list(placed)
    return (
        *_namespaces(resources),
        *_definitions(resources),
        *_references(resources),
        *_keys(resources),
        *_charts(resources),
    )


def _namespaces(resources: list[Placed]) -> Iterator[Lack]:
    there = _ALWAYS_THERE | {r.reference.name for _, r in resources if _is(r, "", "Namespace")}
    used: dict[str, set[str]] = {}
    for application, resource in resources:
        namespace = resource.reference.namespace
        if namespace and namespace not in there:
            used.setdefault(namespace, set()).add(application)
    for name, applications in sorted(used.items()):
        yield Lack(
            what="namespace",
            name=name,
            needed=True,
            applications=tuple(sorted(applications)),
            remedy="create it before everything else",
        )


def _definitions(resources: list[Placed]) -> Iterator[Lack]:
    defined = scopes_of(r.value for _, r in resources if _is_definition(r)).keys()
    used: _Uses = {}
    for application, resource in resources:
        key = resource.reference.key
        if not is_builtin(key) and (key.group, key.kind) not in defined:
            used.setdefault((key.group, key.kind), set()).add(application)
    for (group, kind), applications in sorted(used.items()):
        yield Lack(
            what="definition",
            name=f"{kind}.{group}",
            needed=True,
            applications=tuple(sorted(applications)),
            remedy="install what brings the CustomResourceDefinition before the custom resources",
        )


def _references(resources: list[Placed]) -> Iterator[Lack]:
    there = set(_provided(resource for _, resource in resources))
    anywhere = {(named.kind, named.name) for named in there}
    used: dict[_Named, set[str]] = {}
    for application, resource in resources:
        for named in _named_by(resource):
            if named in there or (named.kind, named.name) in _MADE_BY_KUBERNETES:
                continue
            open_namespace = not named.namespace or _Named(named.kind, "", named.name) in there
            if not (open_namespace and (named.kind, named.name) in anywhere):
                used.setdefault(named, set()).add(application)
    for named in sorted(used, key=lambda each: (each.kind, each.namespace, each.name)):
        is_class = named.kind in _CLASSES.values()
        yield Lack(
            what=named.kind,
            name=f"{named.namespace}/{named.name}" if named.namespace else named.name,
            needed=not is_class,
            applications=tuple(sorted(used[named])),
            remedy="the cluster must have it" if is_class else _REMEDIES[named.kind],
        )


def _provided(resources: Iterable[DesiredResource]) -> Iterator[_Named]:
    """What is there, and what controllers make of what is there."""
    for resource in resources:
        key = resource.reference.key
        if not key.group or key.kind in _CLASSES.values():
            namespace = "" if key.kind in _CLASSES.values() else key.namespace
            yield _Named(key.kind, namespace, key.name)
        elif (way := _SECRET_MAKERS.get((key.group, key.kind))) is not None:
            name = _at(resource.value, way)
            yield _Named("Secret", key.namespace, name if isinstance(name, str) else key.name)


def _named_by(resource: DesiredResource) -> Iterator[_Named]:
    key = resource.reference.key
    if key.kind in _WITHOUT_REFERENCES or (key.group, key.kind) in _SECRET_MAKERS:
        return
    waiting: list[Any] = [resource.value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, Mapping):
            for field, member in value.items():
                found = _reference(field, member, key)
                if found:
                    yield from found
                elif found is None:
                    waiting.append(member)


def _reference(field: str, member: Any, key: ResourceKey) -> list[_Named] | None:
    """The objects that a field names; None for a field that is no reference."""
    if field in _BY_NAME and isinstance(member, Mapping):
        name = member.get("secretName") or member.get("name")
        if not isinstance(name, str) or not name:
            return None
        namespace = member.get("namespace") or key.namespace
        wanted = member.get("optional") is not True and isinstance(namespace, str)
        return [_Named(_BY_NAME[field], namespace, name)] if wanted else []
    if field in _BY_TEXT and isinstance(member, str) and member:
        return [_Named(_BY_TEXT[field], key.namespace, member)]
    if field in _CLASSES and isinstance(member, str) and member:
        built_in = field == "priorityClassName" and member.startswith("system-")
        return [] if built_in else [_Named(_CLASSES[field], "", member)]
    if field == "imagePullSecrets" and isinstance(member, list):
        names = [item.get("name") for item in member if isinstance(item, Mapping)]
        return [_Named("Secret", key.namespace, n) for n in names if isinstance(n, str) and n]
    return None


def _keys(resources: list[Placed]) -> Iterator[Lack]:
    """Keys and stores outside of Git, without which encrypted or external secrets are nothing."""
    encrypted = [placed for placed in resources if is_sops(placed[1].value)]
    sealed = [placed for placed in resources if _is(placed[1], "bitnami.com", "SealedSecret")]
    external = [
        placed
        for placed in resources
        if placed[1].reference.key.group in ("external-secrets.io", "secrets.hashicorp.com")
        and placed[1].reference.key[:2] in _SECRET_MAKERS
    ]
    for some, what, needed, remedy in (
        (
            encrypted,
            "encrypted with SOPS",
            True,
            "decrypt them first, or let Flux do it by its key",
        ),
        (sealed, "sealed", True, "restore the key of the Sealed Secrets controller first"),
        (external, "from an outside store", False, "the store must be reachable, with its login"),
    ):
        if some:
            yield Lack(
                what="key",
                name=f"{plural(len(some), 'resource')} {what}",
                needed=needed,
                applications=tuple(sorted({application for application, _ in some})),
                remedy=remedy,
            )


def _charts(resources: list[Placed]) -> Iterator[Lack]:
    """Charts that an agent fetches from elsewhere: what they deploy is not in Git."""
    used: dict[str, set[str]] = {}
    for application, resource in resources:
        for chart in _remote_charts(resource):
            used.setdefault(f"{chart} of {resource.reference}", set()).add(application)
    for name, applications in sorted(used.items()):
        yield Lack(
            what="chart",
            name=name,
            needed=False,
            applications=tuple(sorted(applications)),
            remedy="the agent fetches it; its repository must be reachable",
        )


def _remote_charts(resource: DesiredResource) -> Iterator[str]:
    key, value = resource.reference.key, resource.value
    if key.group == "argoproj.io" and key.kind in ("Application", "ApplicationSet"):
        way = ("spec",) if key.kind == "Application" else ("spec", "template", "spec")
        several = _at(value, (*way, "sources"))
        sources = [_at(value, (*way, "source")), *(several if isinstance(several, list) else ())]
        charts = [_at(source, ("chart",)) for source in sources]
        yield from (chart for chart in charts if isinstance(chart, str) and chart)
    elif key.group == "helm.toolkit.fluxcd.io" and key.kind == "HelmRelease":
        chart = _at(value, ("spec", "chart", "spec", "chart"))
        source = _at(value, ("spec", "chart", "spec", "sourceRef", "kind"))
        if isinstance(chart, str) and source not in ("GitRepository", "Bucket"):
            yield chart
        referred = _at(value, ("spec", "chartRef", "name"))
        if isinstance(referred, str):
            yield referred


def _at(value: Any, way: Iterable[str]) -> Any:
    for name in way:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _is(resource: DesiredResource, group: str, kind: str) -> bool:
    return resource.reference.key[:2] == (group, kind)


def _is_definition(resource: DesiredResource) -> bool:
    return _is(resource, "apiextensions.k8s.io", "CustomResourceDefinition")
