"""Whether a place is true: what stands there is changed, and the field must change with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitops_gate.config.settings import RenderSettings, Settings
from gitops_gate.discovery import discover
from gitops_gate.evaluation.places import Places
from gitops_gate.evaluation.selection import side_of
from gitops_gate.findings import FieldPath, Location
from gitops_gate.render import render
from gitops_gate.resources.hash_names import base_name
from gitops_gate.resources.read import read_resources
from gitops_gate.resources.values import Resource
from tests.unit.discovery.trees import tree_of

Files = Mapping[str, str]


@dataclass
class Tally:
    """What became of every field of an application."""

    exact: int = 0
    near: list[str] = field(default_factory=list)
    nowhere: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.exact + len(self.near) + len(self.nowhere)


@dataclass
class Application:
    """A rendered application of generated files."""

    resources: tuple[Resource, ...]
    places: Places


def rendered(
    files: Mapping[str, str | bytes], name: str, settings: Settings | None = None
) -> Application | None:
    """The application, or None where the engine refuses the files."""
    tree = tree_of(files)
    side = side_of(name, discover(tree, settings or Settings()), tree)
    if side is None:
        return None
    made = render(side.application, side.closure, tree, RenderSettings(), kubernetes="1.36")
    if made.failure is not None:
        return None
    read = read_resources(made.manifests)
    return None if read.unreadable else Application(read.resources, Places(side))


def leaves(value: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, Any]]:
    """Every scalar of a resource."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def at(value: Any, path: FieldPath) -> Any:
    """The value of a field, or `...` where there is none."""
    for element in path:
        try:
            value = value[element]
        except (KeyError, IndexError, TypeError):
            return ...
    return value


def tally(files: Files, name: str, settings: Settings | None = None) -> Tally:
    """Look every field up, and put every place that is called exact to the proof."""
    original = rendered(files, name, settings)
    assert original is not None
    found = Tally()
    tried: dict[tuple[str, int, int], list[Application]] = {}
    for resource in original.resources:
        for path, value in leaves(resource.value):
            label = f"{resource.reference} {'.'.join(map(str, path))} = {value!r}"
            location = original.places.of(resource, path)
            if location is None:
                found.nowhere.append(label)
                continue
            shown = f"{label} @ {location.path}:{location.line}:{location.column}"
            if not location.exact:
                found.near.append(shown)
                continue
            found.exact += 1
            key = (location.path, location.line, location.column)
            if key not in tried:
                tried[key] = list(mutants(files, location, name, settings))
            if not tried[key]:
                found.untried.append(shown)
            elif not any(_differs(m, resource, path, value) for m in tried[key]):
                found.wrong.append(shown)
    return found


def mutants(
    files: Files, location: Location, name: str, settings: Settings | None
) -> Iterator[Application]:
    """The application with something else at a place, as far as an engine takes it."""
    lines = files[location.path].split("\n")
    for line in _mutated(lines[location.line - 1], location.column - 1):
        text = "\n".join([*lines[: location.line - 1], line, *lines[location.line :]])
        made = rendered({**files, location.path: text}, name, settings)
        if made is not None:
            yield made
            return


_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:(?!: )[^,\]}#\n])+")


def _mutated(line: str, column: int) -> Iterator[str]:
    """The line with another value at a column; the likeliest to be taken first."""
    match = _TOKEN.match(line, column)
    token = match[0].rstrip() if match else ""
    before, behind = line[:column], line[column + len(token) :]
    bare = token.strip("\"'")
    if bare in ("true", "false"):
        yield before + token.replace(bare, "false" if bare == "true" else "true") + behind
    if bare.isdecimal():
        yield before + token.replace(bare, str(int(bare) + 1)) + behind
    quoted = token[:1] in "\"'" and len(token) > 1
    yield before + (token[:-1] + "x" + token[-1] if quoted else token + "x") + behind
    yield before + (token[0] + "x" + token[1:] if quoted else "x" + token) + behind
    yield line + "x"


def _differs(mutant: Application, resource: Resource, path: FieldPath, value: Any) -> bool:
    """Whether the field of that resource is another one now, or is gone with its resource."""
    wanted = (resource.reference.kind, base_name(resource), resource.reference.namespace)
    for other in mutant.resources:
        reference = other.reference
        if (reference.kind, base_name(other), reference.namespace) == wanted:
            return bool(at(other.value, path) != value)
    return True
