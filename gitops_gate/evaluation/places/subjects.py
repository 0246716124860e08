"""A resource on its way through kustomizations: who it is, was, and which selectors mean it.

Kustomize finds what to change by any name that a resource has or had (`resid.ResId`,
`types.Selector` of its API). Patterns are anchored regular expressions there; only those are
matched here that take linear time, and of any other it is said that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gitops_gate.evaluation.places.traced import Place, Traced

_LITERAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/: ")
_LONGEST_PATTERN = 300
_LONGEST_NAME = 300


@dataclass(slots=True)
class Subject:
    """A resource in the making. `names` are those that it had, with their namespaces."""

    root: Traced
    names: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remember()

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.root.text_of("kind")

    @property
    def group(self) -> str:
        """The group of its API, "" for the core."""
        return group_of(self.root.text_of("apiVersion"))

    @property
    def name(self) -> str:
        """Its name at this moment."""
        return self.root.text_of("metadata", "name")

    @property
    def namespace(self) -> str:
        """Its namespace at this moment, "" for none."""
        return self.root.text_of("metadata", "namespace")

    def remember(self) -> None:
        """Keep the present name as one that it had."""
        if (self.name, self.namespace) not in self.names:
            self.names.append((self.name, self.namespace))

    def is_called(self, name: str) -> bool:
        """Whether it has or had a name."""
        return any(name == own for own, _ in self.names)

    def metadata(self, place: Place) -> Traced:
        """Its metadata, made at a place where there is none."""
        found = self.root.get("metadata")
        if found is None or not isinstance(found.value, dict):
            found = self.root.fields["metadata"] = Traced({}, place)
        return found


def group_of(api_version: str) -> str:
    """The group in an apiVersion, "" for the core."""
    return api_version.rpartition("/")[0]


def is_builtin(group: str) -> bool:
    """Whether a group is Kubernetes' own, so that Kustomize knows the keys of its lists."""
    return "." not in group or group.endswith(".k8s.io")


def meant_by(patch: Traced, subject: Subject) -> bool:
    """Whether a strategic merge patch without a target is for a resource: by its own identity."""
    namespace = patch.text_of("metadata", "namespace")
    name = patch.text_of("metadata", "name")
    return (
        patch.text_of("kind") == subject.kind
        and group_of(patch.text_of("apiVersion")) == subject.group
        and any(
            name == own and (not namespace or namespace == space) for own, space in subject.names
        )
    )


def selects(selector: Traced, subject: Subject) -> bool | None:
    """Whether a selector selects a resource; None where that is not known here."""
    answers: list[bool | None] = []
    for key, value in (
        ("group", subject.group),
        ("version", subject.root.text_of("apiVersion").rpartition("/")[2]),
        ("kind", subject.kind),
    ):
        if pattern := selector.text_of(key):
            answers.append(matches(pattern, value))
    for key, index in (("name", 0), ("namespace", 1)):
        if pattern := selector.text_of(key):
            answers.append(any_of(matches(pattern, name[index]) for name in subject.names))
    for key, field_name in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
        if text := selector.text_of(key):
            answers.append(_meets(text, subject.root.get("metadata", field_name)))
    if False in answers:
        return False
    return None if None in answers else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """True if one is, None if one is not known, else False."""
    known = list(answers)
    if True in known:
        return True
    return None if None in known else False


def matches(pattern: str, text: str) -> bool | None:
    """Whether an anchored regular expression matches; None for one that is more than simple.

    Simple are literal characters, `.`, `.*`, `.+` and `|` between whole alternatives.
    """
    if len(pattern) > _LONGEST_PATTERN or len(text) > _LONGEST_NAME:
        return None
    return any_of(_alternative(one, text) for one in pattern.split("|"))


def _alternative(pattern: str, text: str) -> bool | None:
    pattern = pattern.removeprefix("^").removesuffix("$")
    reached = {0}
    index = 0
    while index < len(pattern):
        character = pattern[index]
        following = pattern[index + 1 : index + 2]
        if character == "\\" and following in (".", "-", "/"):
            index += 1
            reached = {at + 1 for at in reached if text[at : at + 1] == following}
        elif character == "." and following in ("*", "+"):
            index += 1
            first = min(reached, default=len(text) + 1) + (following == "+")
            reached = set(range(first, len(text) + 1))
        elif character == ".":
            reached = {at + 1 for at in reached if at < len(text)}
        elif character in _LITERAL and following not in ("*", "+", "?", "{"):
            reached = {at + 1 for at in reached if text[at : at + 1] == character}
        else:
            return None
        index += 1
    return len(text) in reached


def _meets(selector: str, labels: Traced | None) -> bool | None:
    """A label selector of equalities and existence, the forms that have no parentheses."""
    if "(" in selector:
        return None
    own = {name: member.text for name, member in labels.fields.items()} if labels else {}
    for part in selector.split(","):
        term = part.strip()
        if "!=" in term:
            key, _, value = term.partition("!=")
            met = own.get(key.strip()) != value.strip()
        elif "=" in term:
            key, _, value = term.partition("=")
            met = own.get(key.strip()) == value.removeprefix("=").strip()
        elif term.startswith("!"):
            met = term[1:].strip() not in own
        else:
            met = term in own
        if not met:
            return False
    return True
