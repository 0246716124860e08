"""Base against head for one application: what is added, removed and modified, and how risky it is.

The last step before the checks. Resources are paired (`pairing`), compared in their normal form,
and described: fields without indexes, a unified diff, risk labels. Whatever must not be shown is
replaced before fields and diff are made (`gitops_gate.resources.redact`), so that nothing that
comes from here holds a secret. Risks alone are judged on the real values.

A ConfigMap or Secret that gets a new name with its new content is one modification. The workload
that refers to it is modified too, by that reference alone, and has the risk `rollout`: its pods are
replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gitops_gate.changes.differences import differences
from gitops_gate.changes.limits import bounded_diff, bounded_fields
from gitops_gate.changes.pairing import pair
from gitops_gate.changes.risk import Subject, risks
from gitops_gate.changes.text_diff import unified_diff
from gitops_gate.changes.values import Operation, Pair, ResourceChange
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.documents import dump_yaml
from gitops_gate.resources.canonical import canonical
from gitops_gate.resources.digests import without_volatile
from gitops_gate.resources.hash_names import plain_names
from gitops_gate.resources.paths import identified_path, locate
from gitops_gate.resources.plain import text_of
from gitops_gate.resources.redact import redact_pair
from gitops_gate.resources.values import Resource, ResourceReference

if TYPE_CHECKING:
    from gitops_gate.render.values import VolatileField

Volatile: TypeAlias = "tuple[Sequence[VolatileField], Sequence[VolatileField]]"
"""The volatile fields at the base and at the head."""


class _Settings(NamedTuple):
    redact: Sequence[str]
    delivery: DeliverySettings


class _Sides(NamedTuple):
    base: Mapping[str, Any] | None
    head: Mapping[str, Any] | None


def compare(
    application: str,
    base: Sequence[Resource],
    head: Sequence[Resource],
    *,
    redact: Sequence[str] = (),
    volatile: Volatile = ((), ()),
    pairs: Sequence[Pair] | None = None,
    delivery: DeliverySettings | None = None,
) -> tuple[ResourceChange, ...]:
    """The changes of one application, sorted by the key of the resource.

    `pairs` is what `pair` made of the two sides, where the caller has it already.
    `redact` are further field patterns to hide. A volatile field is compared with nothing, on
    both sides: it is shown as `(volatile)`. Resources that mean the same are left out. `delivery`
    says which refs are delivered to, for the risk `delivery-source`.
    """
    paired_up = pair(base, head) if pairs is None else pairs
    differing = [paired for paired in paired_up if not _same_document(paired)]
    names = _generated_names(differing)
    paths = tuple(_by_resource(fields) for fields in volatile)
    settings = _Settings(redact, delivery or DeliverySettings())
    changes = (
        _change(application, paired, names, settings, (paths[0], paths[1])) for paired in differing
    )
    return tuple(change for change in changes if change is not None)


def _same_document(paired: Pair) -> bool:
    one, other = paired.base, paired.head
    return (
        one is not None
        and other is not None
        and one.text == other.text
        and one.origin.prefix == other.origin.prefix
    )


def _generated_names(pairs: Iterable[Pair]) -> Mapping[str, str]:
    """Names with a hash among resources that differ, and what they are without it."""
    sides = (side for paired in pairs for side in (paired.base, paired.head))
    return plain_names(side for side in sides if side is not None)


_Paths = Mapping[ResourceReference, Sequence[tuple[str | int, ...]]]


def _by_resource(fields: Iterable[VolatileField]) -> _Paths:
    grouped: dict[ResourceReference, list[tuple[str | int, ...]]] = {}
    for field in fields:
        api_version, kind, namespace, name = field.resource
        reference = ResourceReference(
            api_version=api_version, kind=kind, namespace=namespace, name=name
        )
        grouped.setdefault(reference, []).append(field.field)
    return grouped


def _change(
    application: str,
    paired: Pair,
    names: Mapping[str, str],
    settings: _Settings,
    volatile: tuple[_Paths, _Paths],
) -> ResourceChange | None:
    sides = _normal_forms(paired, volatile)
    if text_of(sides.base) == text_of(sides.head):
        return None
    shown = redact_pair(sides.base, sides.head, settings.redact)
    fields = (
        differences(shown.base, shown.head, names)
        if shown.base is not None and shown.head is not None
        else ()
    )
    reference, previous = _references(paired)
    subject = Subject(
        reference=reference,
        previous=previous,
        base=sides.base,
        head=sides.head,
        fields=fields,
        delivery=settings.delivery,
    )
    kept_fields = bounded_fields(fields)
    diff = bounded_diff(unified_diff(_yaml_lines(shown.base), _yaml_lines(shown.head)))
    return ResourceChange(
        application=application,
        operation=_operation(paired),
        resource=reference,
        previous=previous,
        risk=risks(subject),
        fields=kept_fields.kept,
        diff=diff.kept,
        redacted=shown.hidden,
        omitted=kept_fields.omitted + diff.omitted,
    )


def _yaml_lines(value: Mapping[str, Any] | None) -> list[str]:
    return [] if value is None else dump_yaml(value).split("\n")[:-1]


def _operation(paired: Pair) -> Operation:
    if paired.base is None:
        return Operation.ADDED
    return Operation.REMOVED if paired.head is None else Operation.MODIFIED


def _references(paired: Pair) -> tuple[ResourceReference, ResourceReference | None]:
    """The resource, and its name at the base if that is another key."""
    resource = paired.head or paired.base
    assert resource is not None
    moved = paired.base is not None and paired.base.key != resource.key
    return resource.reference, paired.base.reference if paired.base and moved else None


def _normal_forms(paired: Pair, volatile: tuple[_Paths, _Paths]) -> _Sides:
    """Both sides in their normal form, without the values that are volatile on either side."""
    one, other = paired.base, paired.head
    paths = [
        volatile[side].get(resource.reference, ()) if resource else ()
        for side, resource in enumerate((one, other))
    ]
    if not any(paths):
        return _Sides(*(canonical(side.value) if side else None for side in (one, other)))
    identified = {
        identified_path(resource.value, path)
        for resource, own in zip((one, other), paths, strict=True)
        if resource
        for path in own
    }
    return _Sides(*(_without(side, identified) if side else None for side in (one, other)))


def _without(resource: Resource, identified: Iterable[tuple[str, ...]]) -> Mapping[str, Any]:
    found = (locate(resource.value, path) for path in sorted(identified))
    return canonical(without_volatile(resource.value, [path for path in found if path is not None]))
