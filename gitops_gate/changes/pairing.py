"""Which resource of the base is which one of the head.

By key first: group, kind, namespace and name, so that another version of the same group is the
same object. What is left over is paired, in this order,

1. by name without hash suffix (ConfigMaps and Secrets that Kustomize generates);
2. across the groups that serve the same stored object (`extensions` and its successors);
3. where one side names no namespace, so that it depends on the destination, and the other does,
   if that leaves exactly one possibility.

A resource that moves from one named namespace to another is removed there and added here: so the
cluster sees it. Resources that share a key on one side (an error that is reported elsewhere) are
paired equal ones first, and then in order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from gitops_gate.changes.values import Pair
from gitops_gate.resources.canonical import canonical_text
from gitops_gate.resources.hash_names import base_name
from gitops_gate.resources.values import Resource, ResourceKey

_SUCCESSORS = {
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "Deployment"): "apps",
    ("extensions", "ReplicaSet"): "apps",
    ("extensions", "Ingress"): "networking.k8s.io",
    ("extensions", "NetworkPolicy"): "networking.k8s.io",
    ("extensions", "PodSecurityPolicy"): "policy",
    ("", "Event"): "events.k8s.io",
}
"""Kinds whose one stored object is served under two groups (Kubernetes' deprecation guide)."""

_Matched = list[tuple[Resource, Resource]]


def pair(base: Sequence[Resource], head: Sequence[Resource]) -> tuple[Pair, ...]:
    """Every resource of both sides once, paired where they are the same one, sorted by key."""
    matched: _Matched = []
    rest = _match_by_key(base, head, matched)
    for identity in (_stem, _successor):
        rest = _match(*rest, identity, matched)
        if not all(rest):
            break
    else:
        rest = _match_open_namespaces(*rest, matched)
    pairs = [Pair(base=one, head=other) for one, other in matched]
    pairs += [Pair(base=one, head=None) for one in rest[0]]
    pairs += [Pair(base=None, head=other) for other in rest[1]]
    return tuple(sorted(pairs, key=_order))


def _stem(resource: Resource) -> ResourceKey:
    return resource.key._replace(name=base_name(resource))


def _successor(resource: Resource) -> ResourceKey:
    key = _stem(resource)
    return key._replace(group=_SUCCESSORS.get((key.group, key.kind), key.group))


def _order(paired: Pair) -> tuple[ResourceKey, bool]:
    resource = paired.head or paired.base
    assert resource is not None
    return resource.key, paired.head is not None


def _match_by_key(
    base: Sequence[Resource], head: Sequence[Resource], matched: _Matched
) -> tuple[list[Resource], list[Resource]]:
    """Pair by key; quickly where no key is there twice, which is nearly always."""
    ones = {resource.key: resource for resource in base}
    others = {resource.key: resource for resource in head}
    if len(ones) < len(base) or len(others) < len(head):
        return _match(base, head, lambda resource: resource.key, matched)
    matched.extend((one, others[key]) for key, one in ones.items() if key in others)
    return (
        [one for key, one in ones.items() if key not in others],
        [other for key, other in others.items() if key not in ones],
    )


def _match(
    base: Iterable[Resource],
    head: Iterable[Resource],
    identity: Callable[[Resource], Hashable],
    matched: _Matched,
) -> tuple[list[Resource], list[Resource]]:
    """Pair what has the same identity; the rest of both sides is returned."""
    groups: dict[Hashable, tuple[list[Resource], list[Resource]]] = defaultdict(lambda: ([], []))
    for side, resources in enumerate((base, head)):
        for resource in resources:
            groups[identity(resource)][side].append(resource)
    rest: tuple[list[Resource], list[Resource]] = ([], [])
    for group in groups.values():
        ones, others = group if max(map(len, group)) == 1 else _equal_ones_first(*group, matched)
        matched.extend(zip(ones, others, strict=False))
        rest[0].extend(ones[len(others) :])
        rest[1].extend(others[len(ones) :])
    return rest


def _equal_ones_first(
    base: list[Resource], head: list[Resource], matched: _Matched
) -> tuple[list[Resource], list[Resource]]:
    """Pair those of one key that mean the same; what is left comes in the order of its content."""
    waiting: dict[str, list[Resource]] = defaultdict(list)
    for resource in head:
        waiting[canonical_text(resource.value)].append(resource)
    left: list[tuple[str, Resource]] = []
    for resource in base:
        text = canonical_text(resource.value)
        if waiting.get(text):
            matched.append((resource, waiting[text].pop()))
        else:
            left.append((text, resource))
    left.sort(key=lambda item: item[0])
    others = [resource for text in sorted(waiting) for resource in waiting[text]]
    return [resource for _, resource in left], others


def _match_open_namespaces(
    base: list[Resource], head: list[Resource], matched: _Matched
) -> tuple[list[Resource], list[Resource]]:
    def anywhere(resource: Resource) -> ResourceKey:
        return _successor(resource)._replace(namespace="")

    groups: dict[Hashable, tuple[list[Resource], list[Resource]]] = defaultdict(lambda: ([], []))
    for side, resources in enumerate((base, head)):
        for resource in resources:
            groups[anywhere(resource)][side].append(resource)
    rest: tuple[list[Resource], list[Resource]] = ([], [])
    for ones, others in groups.values():
        open_sides = [not side[0].key.namespace for side in (ones, others) if len(side) == 1]
        if len(open_sides) == 2 and any(open_sides):
            matched.append((ones[0], others[0]))
        else:
            rest[0].extend(ones)
            rest[1].extend(others)
    return rest
