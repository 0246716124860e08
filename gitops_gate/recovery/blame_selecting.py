"""What a question about a value names: a resource, a field of it, and where that is in a value.

Resources are named as kubectl and reports do, `Deployment/shop/web` or `deployment.apps/web`;
fields as reports write them, `spec.template.spec.containers[name=web].image`, or with indexes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.errors import ConfigurationError
from gitops_gate.findings import FieldPath
from gitops_gate.reports.escaping import one_line
from gitops_gate.resources.merge_keys import identify, is_keyed, list_field
from gitops_gate.resources.values import ResourceReference

ABSENT: Any = None
"""The value of a field that is not there, as in a change."""

_POD_TEMPLATES = (
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
"""Reports leave this part of a path out, so that a path from a report starts behind it."""
_NAME = re.compile(r"(?:[^.\[\]\\]|\\.)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSelector:
    """A kind, with its group or without, a name, and the namespace where it is given."""

    kind: str
    group: str | None
    namespace: str | None
    name: str

    def matches(self, reference: ResourceReference) -> bool:
        """Whether this resource may be meant. Kinds are compared without case."""
        key = reference.key
        return (
            key.kind.lower() == self.kind.lower()
            and key.name == self.name
            and self.group in (None, key.group)
            and self.namespace in (None, key.namespace)
        )


def parse_resource(text: str) -> ResourceSelector:
    """Read `KIND/NAME` or `KIND/NAMESPACE/NAME`, where KIND may be `Kind.group`.

    Raises `ConfigurationError` for anything else.
    """
    kind, *names = text.split("/")
    if len(names) not in (1, 2) or not all((kind, *names)):
        raise ConfigurationError(
            f"not a resource: {one_line(text, 100)}",
            remedy="write KIND/NAME or KIND/NAMESPACE/NAME, such as Deployment/shop/web",
        )
    name, _, group = kind.partition(".")
    return ResourceSelector(
        kind=name,
        group=group or None,
        namespace=names[0] if len(names) > 1 else None,
        name=names[-1],
    )


def parse_field(text: str) -> FieldPath:
    r"""Read a field path: names between dots, `[0]`, `[name=web]`, `["a.b"]`; `\.` is a plain dot.

    Raises `ConfigurationError` that says where it stops being one.
    """
    path: list[str | int] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            element, at = _bracketed(text, at)
            path.append(element)
        else:
            start = at + 1 if text[at] == "." and at > 0 else at
            found = _NAME.match(text, start)
            if found is None:
                raise _not_a_field(text, start)
            path.append(re.sub(r"\\(.)", r"\1", found.group()))
            at = found.end()
    if not path:
        raise _not_a_field(text, 0)
    return tuple(path)


def _bracketed(text: str, start: int) -> tuple[str | int, int]:
    """What stands in brackets, and where it ends; brackets and quotes inside are in pairs."""
    if text.startswith('["', start):
        try:
            name, end = json.JSONDecoder().raw_decode(text, start + 1)
        except ValueError:
            raise _not_a_field(text, start) from None
        if text[end : end + 1] == "]":
            return name, end + 1
    depth, quoted = 0, False
    for at in range(start, len(text)):
        character = text[at]
        if character == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0:
            count = re.compile(r"#[0-9]+").match(text, at + 1)
            end = count.end() if count else at + 1
            inner = text[start + 1 : at]
            return (int(inner) if re.fullmatch(r"[0-9]{1,9}", inner) else text[start:end]), end
    raise _not_a_field(text, start)


def _not_a_field(text: str, at: int) -> ConfigurationError:
    return ConfigurationError(
        f"not a field: {one_line(text, 100)} (from character {at + 1} on)",
        remedy="write it as reports do: spec.template.spec.containers[name=web].image",
    )


def chosen_resource(
    selector: ResourceSelector, references: Iterable[ResourceReference], application: str
) -> ResourceReference | None:
    """The one resource that is meant; None when there is none.

    Raises `ConfigurationError` that names them when there are several.
    """
    found = sorted({each for each in references if selector.matches(each)})
    if len(found) > 1:
        names = ", ".join(f"{r.kind}{_group(r)}/{r.namespace or ''}/{r.name}" for r in found)
        raise ConfigurationError(
            f"several resources of {application} are meant by it: {one_line(names)}",
            remedy="say which: KIND.GROUP/NAMESPACE/NAME",
        )
    return found[0] if found else None


def _group(reference: ResourceReference) -> str:
    return f".{reference.key.group}" if reference.key.group else ""


def stable_path(value: Mapping[str, Any], normal: Mapping[str, Any], path: FieldPath) -> FieldPath:
    """The path with what identifies an item in place of its index, as changes name it.

    `value` is the resource as rendered, whose indexes are meant, and `normal` its normal form.
    Where the field is not there, behind the pod template is tried as well, and otherwise it stays.
    """
    for start in ((), *_POD_TEMPLATES):
        found = _stable(value, normal, (*start, *path))
        if found is not None:
            return found
    return path


def _stable(value: Any, normal: Any, path: FieldPath) -> FieldPath | None:
    stable: list[str | int] = []
    for element in path:
        if isinstance(value, list | tuple):
            index = _index(stable, value, element)
            if index is None:
                return None
            identity = identify(stable, value)[index]
            if isinstance(normal, tuple) or is_keyed(list_field(stable), value):
                normal = value_at(normal, (identity,), under=tuple(stable))
                stable.append(identity)
            else:
                within = isinstance(normal, list) and index < len(normal)
                normal = normal[index] if within else None
                stable.append(index)
            value = value[index]
        elif isinstance(value, Mapping) and str(element) in value:
            stable.append(str(element))
            value = value[str(element)]
            normal = normal.get(str(element)) if isinstance(normal, Mapping) else None
        else:
            return None
    return tuple(stable)


def value_at(value: Any, path: FieldPath, *, under: FieldPath = ()) -> Any:
    """The value of a field of a normal form, `ABSENT` where it is not there.

    `under` is the path of `value` itself, by which lists know what identifies their items.
    """
    for depth, element in enumerate(path):
        if isinstance(value, list | tuple):
            index = _index((*under, *path[:depth]), value, element)
            if index is None:
                return ABSENT
            value = value[index]
        elif isinstance(value, Mapping):
            value = value.get(str(element))
        else:
            return ABSENT
    return value


def _index(path: Sequence[str | int], items: Sequence[Any], element: str | int) -> int | None:
    if isinstance(element, str) and element.isascii() and element.isdecimal():
        element = int(element[:10])
    if isinstance(element, int):
        return element if element < len(items) else None
    identities = identify(path, items)
    return identities.index(element) if element in identities else None
