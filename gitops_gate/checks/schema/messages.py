"""From the errors of a JSON Schema validator to defects that a reader can act on.

Both engines end here: whichever of them judged the resource, the words come from the same errors
over the same schema. A message says what was found, what is allowed, and the nearest known word;
never the schema itself. What a Secret holds is never repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops_gate.checks.interface import Defect
from gitops_gate.checks.schema.alternatives import (
    best_branch,
    exclusive_fields,
    required_choices,
    required_only,
    shared_requirement,
    unknown_variant,
)
from gitops_gate.checks.schema.corrections import correction
from gitops_gate.checks.schema.formats import BASE64
from gitops_gate.checks.schema.nearest import nearest, place_of
from gitops_gate.checks.schema.requirements import requirement_of
from gitops_gate.checks.schema.wording import field_text, listing, quoted, type_of
from gitops_gate.documents import dump_yaml
from gitops_gate.findings import FieldPath, Severity

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

RULE = "schema"

MAXIMUM_DEFECTS = 100
"""Defects of one resource that are reported one by one; the rest are counted in one more."""

_FEW_FIELDS = 8
_ENCRYPTED = "ENC[AES256_GCM,"
_SECRET_KINDS = frozenset({"Secret", "SecretList"})
_SECRET_FIELDS = frozenset({"data", "stringData"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the errors are about: a resource, as its text and value, and the schema it was held to.

    `label` names the kind, as in `apps/v1 Deployment`.
    """

    label: str
    schema: Mapping[str, Any]
    value: Mapping[str, Any]
    text: bytes = b""


def defects_of(errors: Iterable[ValidationError], subject: Subject) -> tuple[Defect, ...]:
    """The defects behind the errors, each once, ordered by field.

    A scalar that SOPS has encrypted meets any restriction: its plain value is not known here.
    """
    drafts: dict[tuple[FieldPath, str], Defect] = {}
    for error in _without_repeated(tuple(errors)):
        for defect in _describe(error, subject):
            drafts.setdefault((defect.field, defect.message), defect)
    found = _without_explained(tuple(drafts.values()))
    ordered = sorted(found, key=lambda one: (_sort_key(one.field), one.message))
    if len(ordered) > MAXIMUM_DEFECTS:
        left = len(ordered) - MAXIMUM_DEFECTS
        return (*ordered[:MAXIMUM_DEFECTS], _defect((), f"{left} more violations of the schema."))
    return tuple(ordered)


def _without_repeated(errors: Sequence[ValidationError]) -> Iterable[ValidationError]:
    """Of a value that has neither the right type nor an allowed value, say only what is allowed."""
    listed = {tuple(error.instance_path) for error in errors if type(error.kind).__name__ == "Enum"}
    for error in errors:
        if type(error.kind).__name__ != "Type" or tuple(error.instance_path) not in listed:
            yield error


def is_secret_field(value: Mapping[str, Any], path: Sequence[str | int]) -> bool:
    """Whether a field is, or lies in, what a Secret keeps secret."""
    return value.get("kind") in _SECRET_KINDS and not _SECRET_FIELDS.isdisjoint(path)


def _describe(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    if _is_encrypted_scalar(error):
        return ()
    describe = _SPECIAL.get(type(error.kind).__name__, _single_value)
    return describe(error, subject)


def _is_encrypted_scalar(error: ValidationError) -> bool:
    value = error.instance
    if not isinstance(value, str) or not value.startswith(_ENCRYPTED):
        return False
    types = getattr(error.kind, "types", ("string",))
    return not set(types) <= {"array", "null", "object"}


def _single_value(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    """A keyword that restricts one value."""
    path = tuple(error.instance_path)
    requirement = requirement_of(error)
    if requirement is None:
        name = type(error.kind).__name__
        yield _defect(path, f"{field_text(path)} does not satisfy the schema ({name}).")
        return
    if _is_required_null(error, subject):
        yield _missing(path, subject, " (null counts as absent)")
        return
    if is_secret_field(subject.value, path):
        yield _secret_value(error, path, requirement.must)
        return
    yield _violation(error, subject, requirement.must, requirement.found)


def _violation(error: ValidationError, subject: Subject, must: str, found: str | None) -> Defect:
    path = tuple(error.instance_path)
    message = f"{field_text(path)} must {must}"
    if found is not None:
        message += f", not {found}"
    fix = correction(error, subject.text)
    if fix is not None and type(error.kind).__name__ == "Enum":
        message += f". Did you mean {quoted(fix)}?"
        return _defect(path, message, suggestion=dump_yaml(fix).rstrip("\n"))
    return _defect(path, f"{message}.", suggestion=fix)


def _secret_value(error: ValidationError, path: FieldPath, must: str) -> Defect:
    """A defect within a Secret; its value is not shown, and no replacement is offered."""
    is_base64 = getattr(error.kind, "pattern", None) == BASE64.pattern
    found = "" if is_base64 else f", not {type_of(error.instance)}"
    if type(error.kind).__name__ != "Type":
        found = " and is not"
    remedy = "encode the value with base64, or put it as plain text under stringData"
    return _defect(
        path,
        f"{field_text(path)} must {must}{found} (the value is not shown).",
        remediation=remedy if is_base64 and path[0] == "data" else None,
    )


def _unknown_fields(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    path = tuple(error.instance_path)
    node = _node(subject.schema, error.schema_path[:-1])
    fields = node.get("properties", {}) if isinstance(node, Mapping) else {}
    present = error.instance if isinstance(error.instance, dict) else {}
    for name in error.kind.unexpected:  # type: ignore[attr-defined]
        field = (*path, name)
        message = f"{field_text(field)} is not a field of {subject.label}."
        near = nearest(name, fields)
        if near in present:
            yield _defect(field, f"{message} {quoted(str(near))} is, and is there as well.")
            continue
        if near is not None:
            yield _defect(field, f"{message} Did you mean {quoted(near)}?", suggestion=f"{near}:")
            continue
        place = place_of(name, path, subject.schema)
        if place is not None:
            message += f" It is a field of {field_text(place)}."
        elif 0 < len(fields) <= _FEW_FIELDS:
            message += f" Known here: {listing(sorted(fields))}."
        yield _defect(field, message)


def _missing_field(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    path = (*error.instance_path, error.kind.property)  # type: ignore[attr-defined]
    yield _missing(path, subject)


def _missing(path: FieldPath, subject: Subject, why: str = "") -> Defect:
    return _defect(path, f"{field_text(path)} is missing{why}; {subject.label} requires it.")


def _no_alternative(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    """`anyOf` or `oneOf` of which no branch holds."""
    path = tuple(error.instance_path)
    branches = error.kind.context  # type: ignore[attr-defined]
    requirement = shared_requirement(branches, error.instance_path)
    if requirement is not None:
        if is_secret_field(subject.value, path):
            yield _secret_value(error, path, requirement.must)
        else:
            yield _violation(error, subject, requirement.must, requirement.found)
        return
    choices = required_choices(branches, error.instance_path)
    if choices:
        yield _defect(path, f"{field_text(path)} must have {listing(choices, last='or')}.")
        return
    variant = unknown_variant(branches, error.instance_path)
    if variant is not None and not is_secret_field(subject.value, path):
        yield _violation(variant[0], subject, variant[1].must, variant[1].found)
        return
    for inner in best_branch(branches, error.instance_path):
        yield from _describe(inner, subject)


def _several_alternatives(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    """`oneOf` of which more than one branch holds."""
    path = tuple(error.instance_path)
    names = exclusive_fields(_node(subject.schema, error.schema_path), error.instance)
    if len(names) > 1:
        yield _defect(path, f"{field_text(path)} may have only one of {listing(names)}.")
        return
    yield _defect(path, f"{field_text(path)} mixes alternatives of which only one may be used.")


def _excluded(error: ValidationError, subject: Subject) -> Iterable[Defect]:
    """`not` whose schema holds."""
    path = tuple(error.instance_path)
    schema = error.kind.schema  # type: ignore[attr-defined]
    required = required_only(schema)
    if required:
        together = " together" if len(required) > 1 else ""
        yield _defect(path, f"{field_text(path)} must not have {listing(required)}{together}.")
        return
    yield _defect(path, f"{field_text(path)} has a value that {subject.label} excludes.")


def _is_required_null(error: ValidationError, subject: Subject) -> bool:
    """Whether a null stands where the object that holds it requires a field."""
    place = error.schema_path
    if error.instance is not None or len(place) < 3 or place[-3] != "properties":
        return False
    holder = _node(subject.schema, place[:-3])
    return isinstance(holder, Mapping) and place[-2] in holder.get("required", ())


def _without_explained(defects: Sequence[Defect]) -> Iterable[Defect]:
    """Leave out a missing field that a misspelt one beside it stands for."""
    meant = {
        (*defect.field[:-1], defect.suggestion.removesuffix(":"))
        for defect in defects
        if defect.suggestion is not None and " is not a field of " in defect.message
    }
    for defect in defects:
        if defect.field not in meant or " is missing" not in defect.message:
            yield defect


def _node(schema: Mapping[str, Any], path: Sequence[str | int]) -> object:
    """The node of a schema at a path, or None where there is none."""
    node: Any = schema
    for part in path:
        if isinstance(node, Mapping):
            node = node.get(str(part))
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node


def _sort_key(path: FieldPath) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in path)


def _defect(
    field: FieldPath,
    message: str,
    *,
    suggestion: str | None = None,
    remediation: str | None = None,
) -> Defect:
    return Defect(
        rule=RULE,
        severity=Severity.ERROR,
        message=message,
        field=field,
        suggestion=suggestion,
        remediation=remediation,
    )


_SPECIAL: Mapping[str, Callable[[Any, Subject], Iterable[Defect]]] = {
    "AdditionalProperties": _unknown_fields,
    "AnyOf": _no_alternative,
    "Not": _excluded,
    "OneOfMultipleValid": _several_alternatives,
    "OneOfNotValid": _no_alternative,
    "Required": _missing_field,
}
