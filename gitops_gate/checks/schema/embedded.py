"""The embedded engine: jsonschema-rs over the schemas of the library.

A validator is compiled once a kind, when the first resource of the kind comes, and kept. A
resource is first asked for a plain yes or no (microseconds); only a no is asked for its errors.
Compiled validators hold no thread, file or socket, so a process that forked may go on using them.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect, SchemaOutcome
from gitops_gate.checks.schema.catalogue import KindKey
from gitops_gate.checks.schema.library import Alternative, KindSchema, SchemaLibrary, unusable
from gitops_gate.checks.schema.messages import Subject, defects_of
from gitops_gate.errors import SchemaError

if TYPE_CHECKING:
    from jsonschema_rs import Validator

    from gitops_gate.resources.values import Resource

_UNKNOWN = SchemaOutcome(known=False)
_VALID = SchemaOutcome(known=True)
_REGEX_SIZE = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a resource does not satisfy its schema.

    `violated` is true as soon as the validator objects, also where the objection is excused and
    there is no defect (values that SOPS has encrypted).
    """

    violated: bool
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledKind:
    """A kind's schema with a validator for each of its alternatives."""

    schema: KindSchema
    validators: tuple[Validator, ...]

    def accepts(self, value: Mapping[str, Any]) -> bool:
        """Whether one of the alternatives accepts the value."""
        return any(validator.is_valid(value) for validator in self.validators)

    def explain(self, resource: Resource) -> Explanation:
        """The defects against the alternative that the resource comes closest to."""
        explanations = [
            self._explain(resource, validator, alternative)
            for validator, alternative in zip(
                self.validators, self.schema.alternatives, strict=True
            )
        ]
        return min(explanations, key=lambda one: (one.violated, len(one.defects)))

    def _explain(
        self, resource: Resource, validator: Validator, alternative: Alternative
    ) -> Explanation:
        errors = list(validator.iter_errors(resource.value))
        broken = [error for error in errors if type(error.kind).__name__ in _BROKEN_SCHEMA]
        if broken:
            raise SchemaError(
                f"the schema of {self.schema.label} cannot be evaluated: {broken[0].message}",
                path=alternative.origin,
            )
        subject = Subject(
            label=self.schema.label,
            schema=alternative.document,
            value=resource.value,
            text=resource.text,
        )
        return Explanation(violated=bool(errors), defects=defects_of(errors, subject))


_BROKEN_SCHEMA = frozenset({"BacktrackLimitExceeded", "Referencing", "RegexEngineFailure"})


@functools.cache
def _version() -> str:
    return importlib.metadata.version("jsonschema-rs")


class EmbeddedValidator:
    """Validates in this process; see `gitops_gate.checks.interface.SchemaValidator`."""

    def __init__(self, library: SchemaLibrary) -> None:
        self.library = library
        self._compiled: dict[KindKey, CompiledKind | Defect | None] = {}

    @property
    def tool(self) -> tuple[str, str]:
        """`jsonschema-rs` and its version."""
        return "jsonschema-rs", _version()

    def validate(self, resources: Sequence[Resource]) -> Sequence[SchemaOutcome]:
        """One outcome a resource, in order; see `SchemaValidator.validate`."""
        return [self._validate(resource) for resource in resources]

    def close(self) -> None:
        """Nothing was started."""

    def compiled(self, key: KindKey) -> CompiledKind | Defect | None:
        """The validators of a kind; a defect where its schema does not load; None if unknown."""
        if key not in self._compiled:
            self._compiled[key] = _compile(self.library.find(key))
        return self._compiled[key]

    def _validate(self, resource: Resource) -> SchemaOutcome:
        reference = resource.reference
        kind = self.compiled((reference.api_version, reference.kind))
        if kind is None:
            return _UNKNOWN
        if isinstance(kind, Defect):
            return SchemaOutcome(known=True, defects=(kind,))
        if kind.accepts(resource.value):
            return _VALID
        return SchemaOutcome(known=True, defects=kind.explain(resource).defects)


def _compile(found: KindSchema | Defect | None) -> CompiledKind | Defect | None:
    if not isinstance(found, KindSchema):
        return found
    validators = []
    for alternative in found.alternatives:
        try:
            validators.append(_validator(alternative.document))
        except ValueError as error:
            reason = str(error).partition("\n")[0]
            return unusable(found.label, SchemaError(reason, path=alternative.origin))
    return CompiledKind(schema=found, validators=tuple(validators))


def _validator(document: Mapping[str, Any]) -> Validator:
    """A compiled schema: linear-time patterns only, and nothing is ever retrieved."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        dict(document),
        pattern_options=jsonschema_rs.RegexOptions(size_limit=_REGEX_SIZE),
        validate_formats=False,
        offline=True,
    )
