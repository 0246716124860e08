"""Whether a change of RBAC objects allows anybody more than before.

Compared as the API server's own escalation check does: every single permission of the head (one
verb on one resource of one group, under one name) must be covered by one rule of the base.
Anything that cannot be compared so, or not in reasonable time, counts as wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from typing import Any, NamedTuple

from gitops_gate.resources.plain import text_of

GROUP = "rbac.authorization.k8s.io"
ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_MOST = 500_000
"""Comparisons after which a role counts as wider: no real one comes near."""


class _Rule(NamedTuple):
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    urls: frozenset[str]
    verbs: frozenset[str]


def widens(kind: str, base: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> bool:
    """Whether the head of a role or binding allows something that its base does not."""
    if head is None:
        return False
    if kind in ROLES:
        return _rules_widen(base or {}, head) or _aggregates_more(base or {}, head)
    if kind in BINDINGS:
        return _binds_more(base, head)
    return False


def binds_cluster_admin(base: Mapping[str, Any] | None, head: Mapping[str, Any] | None) -> bool:
    """Whether the head gives the built-in role `cluster-admin` to somebody new."""
    reference = _mapping((head or {}).get("roleRef"))
    return head is not None and reference.get("name") == "cluster-admin" and _binds_more(base, head)


def _binds_more(base: Mapping[str, Any] | None, head: Mapping[str, Any]) -> bool:
    if base is None or base.get("roleRef") != head.get("roleRef"):
        return bool(head.get("subjects"))
    before, after = _items(base.get("subjects")), _items(head.get("subjects"))
    return any(subject not in before for subject in after)


def _rules_widen(base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    before = [_rule(item) for item in _items(base.get("rules"))]
    known = {text_of(item) for item in _items(base.get("rules"))}
    new = [_rule(item) for item in _items(head.get("rules")) if text_of(item) not in known]
    if sum(_permissions(rule) for rule in new) * len(before) > _MOST:
        return True
    return any(
        not any(_covers(rule, one) for rule in before)
        for item in new
        for one in _single_permissions(item)
    )


def _aggregates_more(base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """A selector that collects other roles, or a label that puts this role into a built-in one."""
    one, other = base.get("aggregationRule"), head.get("aggregationRule")
    if other and one != other:
        return True
    before, after = (
        _mapping(_mapping(side.get("metadata")).get("labels")) for side in (base, head)
    )
    return any(
        label.startswith(_AGGREGATE) and value == "true" and before.get(label) != "true"
        for label, value in after.items()
    )


def _rule(item: Any) -> _Rule:
    mapping = _mapping(item)
    names = ("apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs")
    return _Rule(*(frozenset(map(str, _items(mapping.get(name)))) for name in names))


def _permissions(rule: _Rule) -> int:
    """How many single permissions a rule gives."""
    resources = len(rule.groups) * len(rule.resources) * max(1, len(rule.names))
    return (resources + len(rule.urls)) * len(rule.verbs)


def _single_permissions(rule: _Rule) -> Iterator[_Rule]:
    """One rule for each verb on each resource or URL."""
    names = rule.names or {""}
    empty: frozenset[str] = frozenset()
    on_resources = (
        _Rule(
            frozenset({group}),
            frozenset({resource}),
            frozenset({name} if name else ()),
            empty,
            frozenset({verb}),
        )
        for group, resource, name, verb in product(rule.groups, rule.resources, names, rule.verbs)
    )
    on_urls = (
        _Rule(empty, empty, empty, frozenset({url}), frozenset({verb}))
        for url, verb in product(rule.urls, rule.verbs)
    )
    return chain(on_resources, on_urls)


def _covers(rule: _Rule, one: _Rule) -> bool:
    """Whether `rule` allows the single permission `one` (`rbac.validation.ruleCovers`)."""
    if not _has(rule.verbs, one.verbs):
        return False
    if one.urls:
        return any(_covers_url(allowed, url) for url in one.urls for allowed in rule.urls)
    return (
        _has(rule.groups, one.groups)
        and _covers_resource(rule.resources, one.resources)
        and (not rule.names or (bool(one.names) and one.names <= rule.names))
    )


def _has(allowed: frozenset[str], wanted: frozenset[str]) -> bool:
    return "*" in allowed or wanted <= allowed


def _covers_resource(allowed: frozenset[str], wanted: frozenset[str]) -> bool:
    """`*` allows all, `*/scale` the subresource of all."""
    if _has(allowed, wanted):
        return True
    return all(
        "/" in resource and f"*/{resource.partition('/')[2]}" in allowed for resource in wanted
    )


def _covers_url(allowed: str, url: str) -> bool:
    if allowed in (url, "*"):
        return True
    return allowed.endswith("*") and url.startswith(allowed[:-1])


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
