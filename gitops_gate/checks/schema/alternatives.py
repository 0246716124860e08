"""Choosing what to say when none of several alternatives holds.

A dump of every branch of `anyOf` or `oneOf` helps nobody. Three cases cover what CRDs do with
them: branches that restrict one value ("an integer or a string"), branches that each ask for a
field ("one of a, b and c"), and variants of an object, of which the one that the resource
evidently means is explained alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gitops_gate.checks.schema.requirements import Requirement, requirement_of
from gitops_gate.checks.schema.structural import PRESENT
from gitops_gate.checks.schema.wording import listing

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

Branches = Sequence[Sequence["ValidationError"]]

_DISCRIMINATING = frozenset({"Constant", "Enum"})


def shared_requirement(branches: Branches, place: Sequence[str | int]) -> Requirement | None:
    """One requirement in place of many, when each branch restricts just the value at `place`."""
    wanted: list[Requirement] = []
    for branch in branches:
        if len(branch) != 1 or branch[0].instance_path != place:
            return None
        requirement = requirement_of(branch[0])
        if requirement is None:
            return None
        wanted.append(requirement)
    if not wanted:
        return None
    verbs = list(dict.fromkeys(requirement.must for requirement in wanted))
    return Requirement(must=_joined(verbs), found=wanted[0].found)


def _joined(verbs: Sequence[str]) -> str:
    """`be a, b or c` where every phrase starts with the same verb."""
    if all(verb.startswith("be ") for verb in verbs):
        return f"be {listing([verb.removeprefix('be ') for verb in verbs], last='or')}"
    return listing(verbs, last="or")


def required_choices(branches: Branches, place: Sequence[str | int]) -> tuple[str, ...]:
    """The fields of which one is needed, when each branch asks for just one at `place`."""
    names: list[str] = []
    for branch in branches:
        kinds = {type(error.kind).__name__ for error in branch}
        if kinds != {"Required"} or any(error.instance_path != place for error in branch):
            return ()
        names.append(" with ".join(error.kind.property for error in branch))  # type: ignore[attr-defined]
    return tuple(dict.fromkeys(names))


def best_branch(branches: Branches, place: Sequence[str | int]) -> Sequence[ValidationError]:
    """The errors of the branch that the value comes closest to.

    A branch whose type or whose discriminator (an enumeration or constant) differs is not meant
    as long as another one agrees; after that the fewest errors win, then the first branch.
    """
    depth = len(place)

    def score(branch: Sequence[ValidationError]) -> tuple[int, int, int]:
        wrong_type = sum(
            type(error.kind).__name__ == "Type" and len(error.instance_path) == depth
            for error in branch
        )
        other_variant = sum(_discriminates(error, depth) for error in branch)
        return wrong_type, other_variant, len(branch)

    return min(branches, key=score, default=())


def unknown_variant(
    branches: Branches, place: Sequence[str | int]
) -> tuple[ValidationError, Requirement] | None:
    """The discriminator and its allowed values, when no branch has the variant that is given."""
    errors: list[ValidationError] = []
    for branch in branches:
        own = [error for error in branch if _discriminates(error, len(place))]
        if not own or (errors and own[0].instance_path != errors[0].instance_path):
            return None
        errors.append(own[0])
    requirement = shared_requirement([[error] for error in errors], errors[0].instance_path)
    return None if requirement is None else (errors[0], requirement)


def _discriminates(error: ValidationError, depth: int) -> bool:
    kind = type(error.kind).__name__
    return kind in _DISCRIMINATING and len(error.instance_path) == depth + 1


def exclusive_fields(alternatives: object, value: object) -> tuple[str, ...]:
    """The fields present of which only one may be, when `oneOf` lists one required field each."""
    if not isinstance(alternatives, list) or not isinstance(value, Mapping):
        return ()
    names: list[str] = []
    for alternative in alternatives:
        required = required_only(alternative)
        if len(required) != 1:
            return ()
        names.extend(required)
    return tuple(name for name in dict.fromkeys(names) if value.get(name) is not None)


def required_only(schema: object) -> Sequence[str]:
    """The fields that a branch requires to be there, if it asks for nothing else."""
    if not isinstance(schema, Mapping) or not schema.keys() <= {"required", "properties"}:
        return ()
    fields = schema.get("properties", {})
    if any(field != PRESENT for field in fields.values()):
        return ()
    required: Sequence[str] = schema.get("required", ())
    return required
