"""What every function of a template is made from: its type, truth, and values with places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gitops_gate.evaluation.places.templates.text import NOWHERE, UNKNOWN, Text, Unknown, flat
from gitops_gate.evaluation.places.traced import Traced

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.templates.execute import Execution

Arguments = Sequence[Traced]
Function = Callable[["Execution", Arguments], Traced]

LONGEST = 200_000
"""Characters of one value."""


def unknown() -> Traced:
    """A value that nobody knows here."""
    return Traced(UNKNOWN, NOWHERE, sure=False)


def is_true(value: Traced) -> bool:
    """Whether Go's templates take a value for true."""
    inner = value.value
    if isinstance(inner, Text):
        return bool(inner.joined())
    return not isinstance(inner, Unknown) and bool(inner)


def made_of(value: Any, *sources: Traced) -> Traced:
    """A value at the place of the last of its sources that has one. Raises `ValueError`."""
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError
    place = next((flat(s).place for s in reversed(sources) if flat(s).place.path), NOWHERE)
    return Traced(value, place, sure=all(flat(source).sure for source in sources))


def tested(decide: Callable[..., bool]) -> Function:
    """A function that answers yes or no."""

    def function(_: Execution, arguments: Arguments) -> Traced:
        return Traced(decide(*arguments), NOWHERE, sure=all(a.sure for a in arguments))

    return function
