"""CustomResourceDefinitions found in the repository, as schemas.

A definition says which kind it defines and, a version, which schema its objects must satisfy.
Reading one finds the kinds; converting the schema (`structural`) waits until a resource of the
kind is there, so that a definition nobody uses costs nothing and can break nothing.

Sources: apiextensions.k8s.io/v1 and v1beta1 (which servers no longer take, but repositories still
hold); https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from gitops_gate.checks.schema.catalogue import KindKey
from gitops_gate.errors import SchemaError

_GROUP = "apiextensions.k8s.io"
_ANYTHING: Mapping[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrdDocument:
    """A CustomResourceDefinition: its parsed content, and the file it is in.

    What the head defines wins over what the base defines, which only fills in the kinds that the
    head lacks. Who validates the base names the two the other way round. `deployed` is whether an
    application deploys it: then it wins over definitions that only lie in the repository.
    """

    value: Mapping[str, Any]
    origin: str
    revision: Literal["head", "base"] = "head"
    deployed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSchema:
    """The schema of one version of a custom kind, not yet converted.

    `prunes`: unknown fields are dropped, or refused by a strict server. `keeps_status`: `status`
    is an ordinary field, because the version has no status subresource.
    """

    origin: str
    schema: object
    prunes: bool = True
    keeps_status: bool = True


def read_crds(documents: Sequence[CrdDocument]) -> Mapping[KindKey, tuple[CustomSchema, ...]]:
    """The schemas of every served version of every kind.

    Several definitions of one kind in one revision, as for clusters at different versions, are
    alternatives; equal ones count once. One that is not deployed counts only where none is, so
    that nobody loosens a schema by a file that no cluster sees. Definitions that do not say what
    they define are left out; `unusable_crds` names them.
    """
    found: dict[KindKey, tuple[CustomSchema, ...]] = {}
    for revision, deployed in product(("head", "base"), (True, False)):
        side: dict[KindKey, list[CustomSchema]] = {}
        for document in documents:
            if (document.revision, document.deployed) == (revision, deployed):
                _add_kinds(side, document)
        for key, schemas in side.items():
            found.setdefault(key, tuple(sorted(schemas, key=lambda one: one.origin)))
    return found


def unusable_crds(documents: Iterable[CrdDocument]) -> tuple[SchemaError, ...]:
    """One error for each definition from which no kind can be read."""
    errors = []
    for document in documents:
        try:
            _kinds(document)
        except SchemaError as error:
            error.path = document.origin
            errors.append(error)
    return tuple(errors)


def _add_kinds(side: dict[KindKey, list[CustomSchema]], document: CrdDocument) -> None:
    try:
        kinds = _kinds(document)
    except SchemaError:
        return
    for key, schema in kinds.items():
        known = side.setdefault(key, [])
        if not any(_same(one, schema) for one in known):
            known.append(schema)


def _same(one: CustomSchema, other: CustomSchema) -> bool:
    return (one.prunes, one.keeps_status, one.schema) == (
        other.prunes,
        other.keeps_status,
        other.schema,
    )


def _kinds(document: CrdDocument) -> dict[KindKey, CustomSchema]:
    """The served kinds of one definition. Raises `SchemaError` when it does not name them."""
    value = document.value
    api_version = value.get("apiVersion")
    if api_version not in (f"{_GROUP}/v1", f"{_GROUP}/v1beta1"):
        raise SchemaError("this is not a CustomResourceDefinition of a known version")
    legacy = api_version == f"{_GROUP}/v1beta1"
    spec = _part(value, "spec")
    group, kind = spec.get("group"), _part(spec, "names").get("kind")
    if not isinstance(group, str) or not isinstance(kind, str) or not group or not kind:
        raise SchemaError("the definition does not say its spec.group and spec.names.kind")
    versions = spec.get("versions")
    if versions is None and legacy:
        versions = [{"name": spec.get("version"), "served": True}]
    if not isinstance(versions, list):
        raise SchemaError("the definition has no spec.versions")
    kinds: dict[KindKey, CustomSchema] = {}
    for version in versions:
        if not isinstance(version, Mapping) or not isinstance(version.get("name"), str):
            raise SchemaError("each of spec.versions must be a mapping with a name")
        if version.get("served", legacy) is True:
            kinds[f"{group}/{version['name']}", kind] = _schema(document, spec, version, legacy)
    return kinds


def _schema(
    document: CrdDocument, spec: Mapping[str, Any], version: Mapping[str, Any], legacy: bool
) -> CustomSchema:
    holder = version.get("schema")
    subresources = version.get("subresources")
    if legacy:
        holder = holder or spec.get("validation")
        subresources = subresources or spec.get("subresources")
    schema = holder.get("openAPIV3Schema") if isinstance(holder, Mapping) else None
    if schema is None and legacy:
        schema = _ANYTHING
    has_status = isinstance(subresources, Mapping) and "status" in subresources
    return CustomSchema(
        origin=document.origin,
        schema=schema,
        prunes=spec.get("preserveUnknownFields", legacy) is not True,
        keeps_status=not has_status,
    )


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = value.get(name)
    if not isinstance(part, Mapping):
        raise SchemaError(f"the definition has no {name}")
    return part
