"""The charts of an application and the values that their templates see, with their places.

Values are layered as Helm layers them (`pkg/chartutil/coalesce.go`): a subchart's own file, the
section of its parent's under its name or alias, and so on up, and the files that the release is
given on top. Of two files that give a value, the place is in the one that won.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gitops_gate.discovery.charts import CHART
from gitops_gate.discovery.references import inside, parent
from gitops_gate.evaluation.places.sources import Sources
from gitops_gate.evaluation.places.templates.text import NOWHERE
from gitops_gate.evaluation.places.traced import Traced, walk

_SHOWN_AS_FLOAT = 1_000_000
"""Numbers of values files are floats to Go, which prints them from here on with an exponent."""


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A chart below another: the directory of each from the application's own down to it.

    `names` are those under which each has its values, but for the first.
    """

    directories: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def directory(self) -> str:
        """The directory of the chart itself."""
        return self.directories[-1]


def chart_lines(path: str, sources: Sources) -> Iterator[ChartLine]:
    """The chart that a template is part of, once for each name that its parents give it."""
    root = sources.side.application.path
    directories: list[str] = []
    directory = path
    while directory not in (root, "."):
        directory = parent(directory)
        if sources.file(inside(directory, CHART)) is not None:
            directories.insert(0, directory)
    if directories and directories[0] == root:
        yield from _named(tuple(directories), sources)


def _named(directories: tuple[str, ...], sources: Sources) -> Iterator[ChartLine]:
    lines: list[tuple[str, ...]] = [()]
    for above, below in pairwise(directories):
        own = _text(sources, below, "name") or below.rpartition("/")[2]
        lines = [(*names, name) for names in lines for name in _aliases(sources, above, own)]
    for names in lines[:10]:
        yield ChartLine(directories, names)


def _aliases(sources: Sources, directory: str, name: str) -> list[str]:
    chart = sources.traced(inside(directory, CHART))
    dependencies = chart.get("dependencies") if chart is not None else None
    entries = dependencies.items if dependencies is not None else []
    found = [e.text_of("alias") or name for e in entries if e.text_of("name") == name]
    return found or [name]


def values_of(line: ChartLine, sources: Sources) -> Traced:
    """What `.Values` is for the templates of a chart."""
    release = sources.side.application.helm
    given = Traced({}, NOWHERE)
    for path in release.values if release is not None else ():
        layer(given, _file(sources, path))
    values = _with_defaults(sources, line.directories[0], given)
    for directory, name in zip(line.directories[1:], line.names, strict=True):
        shared = values.get("global")
        section = values.get(name) or Traced({}, NOWHERE)
        values = _with_defaults(sources, directory, section)
        if shared is not None:
            layer(values.fields.setdefault("global", Traced({}, NOWHERE)), shared)
    values.fields.setdefault("global", Traced({}, NOWHERE))
    for node in walk(values):
        if type(node.value) is int and abs(node.value) >= _SHOWN_AS_FLOAT:
            node.value = float(node.value)
    return values


def _with_defaults(sources: Sources, directory: str, given: Traced) -> Traced:
    values = _file(sources, inside(directory, "values.yaml")).copied()
    if not isinstance(values.value, dict):
        values = Traced({}, NOWHERE)
    layer(values, given)
    return values


def layer(under: Traced, over: Traced) -> None:
    """Put values over others: mappings are merged, null takes away, all else replaces."""
    if not isinstance(under.value, dict):
        return
    for name, member in over.fields.items():
        own = under.fields.get(name)
        if member.value is None:
            under.fields.pop(name, None)
        elif own is not None and isinstance(own.value, dict) and isinstance(member.value, dict):
            layer(own, member)
        else:
            under.fields[name] = member.copied()


def _file(sources: Sources, path: str) -> Traced:
    file = sources.file(path)
    found = sources.traced(file) if file is not None else None
    return found if found is not None else Traced({}, NOWHERE)


def metadata_of(directory: str, sources: Sources) -> Traced:
    """What `.Chart` is: the fields of `Chart.yaml` under Go's names."""
    chart = sources.traced(inside(directory, CHART))
    fields: dict[str, Traced] = {}
    for name, member in chart.fields.items() if chart is not None else ():
        go_name = name.replace("api", "API", 1) if name.startswith("api") else _capital(name)
        own = member.copied()
        if isinstance(own.value, int | float) and not isinstance(own.value, bool):
            own.value = str(own.value)
        fields[go_name] = own
    return Traced(fields, NOWHERE)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _text(sources: Sources, directory: str, field: str) -> str:
    chart = sources.traced(inside(directory, CHART))
    return chart.text_of(field) if chart is not None else ""
