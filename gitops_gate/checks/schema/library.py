"""Which schema a kind has: Kubernetes' own, or else that of a CRD, or else of an extra directory.

Nothing in a repository can define a kind in a group that Kubernetes owns: what such a group does
not have does not exist. A kind of any other group may well exist in the cluster, and is merely
unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gitops_gate.checks.interface import Defect
from gitops_gate.checks.schema.builtin import (
    DIALECT,
    Schema,
    kind_schema,
    object_meta_definitions,
)
from gitops_gate.checks.schema.catalogue import Catalogue, KindKey, is_builtin_group
from gitops_gate.checks.schema.crds import CrdDocument, CustomSchema, read_crds
from gitops_gate.checks.schema.locations import SchemaDirectories
from gitops_gate.checks.schema.nearest import nearest
from gitops_gate.checks.schema.structural import convert_root
from gitops_gate.checks.schema.wording import listing, quoted, shown
from gitops_gate.errors import SchemaError
from gitops_gate.findings import Severity

CrdSource = Sequence[CrdDocument] | Callable[[], Sequence[CrdDocument]]
"""The definitions of the repository, or a function that gives them when they are first needed."""

RULE = "schema"
_KIND_SIMILARITY = 0.88


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One self-contained schema of a kind, and the file that it comes from (None: Kubernetes)."""

    document: Schema
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSchema:
    """The schema of a kind. With several alternatives, satisfying one of them is enough."""

    label: str
    alternatives: tuple[Alternative, ...]


class SchemaLibrary:
    """Finds the schema of a kind; what was found is kept."""

    def __init__(
        self,
        catalogue: Catalogue,
        crds: CrdSource,
        directories: SchemaDirectories,
        *,
        strict: bool,
    ) -> None:
        self.kubernetes = catalogue.kubernetes
        self.strict = strict
        self._catalogue = catalogue
        self._crds = crds
        self._custom: Mapping[KindKey, tuple[CustomSchema, ...]] | None = None
        self._directories = directories
        self._found: dict[KindKey, KindSchema | Defect | None] = {}
        self._metadata: Schema | None = None

    def find(self, key: KindKey) -> KindSchema | Defect | None:
        """The schema of `apiVersion` and `kind`; a defect when there can be none; None if unknown.

        The defect says that Kubernetes has no such kind, or why its schema does not load.
        """
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def _look_up(self, key: KindKey) -> KindSchema | Defect | None:
        label = f"{shown(key[0])} {shown(key[1])}"
        if key in self._catalogue.kinds:
            document = kind_schema(self._catalogue, key, strict=self.strict)
            return KindSchema(label=label, alternatives=(Alternative(document=document),))
        if is_builtin_group(key[0]):
            return self._missing(key)
        try:
            custom = self._defined(key) or _only(self._directories.find(key))
            if custom:
                alternatives = tuple(self._convert(schema) for schema in custom)
                return KindSchema(label=label, alternatives=alternatives)
        except SchemaError as error:
            return unusable(label, error)
        return None

    def _defined(self, key: KindKey) -> tuple[CustomSchema, ...]:
        """What the CRDs define; they are read when the first kind that is not built in comes."""
        if self._custom is None:
            self._custom = read_crds(self._crds() if callable(self._crds) else self._crds)
        return self._custom.get(key, ())

    def _convert(self, custom: CustomSchema) -> Alternative:
        try:
            document = convert_root(
                custom.schema,
                strict=self.strict,
                prunes=custom.prunes,
                keeps_status=custom.keeps_status,
            )
        except SchemaError as error:
            error.path = custom.origin
            raise
        if self._metadata is None:
            self._metadata = object_meta_definitions(self._catalogue, strict=self.strict)
        document = {"$schema": DIALECT, **document, "$defs": self._metadata}
        return Alternative(document=document, origin=custom.origin)

    def _missing(self, key: KindKey) -> Defect | None:
        api_version, kind = key
        if key == ("v1", "List"):
            return None
        others = self._catalogue.api_versions(kind)
        if not api_version:
            message = "apiVersion is missing or empty"
            if others:
                message += f"; {shown(kind)} is in {listing(others)}"
            return _defect(f"{message}.", "apiVersion", others[0] if others else None)
        if not kind:
            return _defect("kind is missing or empty.", "kind", None)
        message = (
            f"{shown(api_version)} {shown(kind)} does not exist in Kubernetes {self.kubernetes}"
        )
        if others:
            names = listing([f"{other} {shown(kind)}" for other in others])
            verb = "does" if len(others) == 1 else "do"
            return _defect(f"{message}; {names} {verb}.", "apiVersion", others[0])
        near = nearest(kind, self._catalogue.kinds_of(api_version), similarity=_KIND_SIMILARITY)
        if near is not None:
            return _defect(f"{message}. Did you mean {quoted(near)}?", "kind", near)
        return _defect(f"{message}.", "kind", None)


def unusable(label: str, error: SchemaError) -> Defect:
    """The defect of a resource whose schema does not load."""
    place = f" in {shown(error.path, limit=200)}" if error.path else ""
    return Defect(
        rule=RULE,
        severity=Severity.ERROR,
        message=f"The schema of {label}{place} does not load: {shown(error.message, limit=300)}.",
        remediation="mend the CustomResourceDefinition or the schema file",
    )


def _defect(message: str, field: str, suggestion: str | None) -> Defect:
    return Defect(
        rule=RULE,
        severity=Severity.ERROR,
        message=message,
        field=(field,),
        suggestion=suggestion,
    )


def _only(schema: CustomSchema | None) -> tuple[CustomSchema, ...]:
    return () if schema is None else (schema,)
