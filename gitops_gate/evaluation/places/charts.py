"""Follows one resource through the chart that made it: to a template's line, or a values file's.

The template that Helm names as the resource's source is executed here on the release's values, each
with its place. The documents that come out are read as YAML, and each of their values is asked for
the characters that it stands for. Helm itself is not run again; it has the last word, since what
it rendered is what everything is compared with.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.discovery.charts import CHART
from gitops_gate.discovery.references import inside
from gitops_gate.evaluation.places.chart_values import (
    ChartLine,
    chart_lines,
    metadata_of,
    values_of,
)
from gitops_gate.evaluation.places.sources import INSIDE, Sources, streamed
from gitops_gate.evaluation.places.templates.execute import (
    Budget,
    Execution,
    Template,
    definitions,
    template,
)
from gitops_gate.evaluation.places.templates.parse import TemplateError
from gitops_gate.evaluation.places.templates.text import NOWHERE, Piece, Text
from gitops_gate.evaluation.places.traced import Place, Spot, Traced, plain, traced
from gitops_gate.findings import FieldPath, Location
from gitops_gate.resources.values import Resource

_TEMPLATE_FILES = (".yaml", ".yml", ".tpl", ".txt", ".json")
_LARGEST = 1_000_000


class Charts:
    """Follows the resources of one application that is a chart.

    `kubernetes` is the version that it is rendered for, as `major.minor`.
    """

    def __init__(self, sources: Sources, kubernetes: str) -> None:
        self._sources = sources
        self._kubernetes = kubernetes
        self._documents: dict[str, list[Traced]] = {}
        self._named: dict[str, Template] | None = None
        self._budget = Budget()

    def follow(self, resource: Resource) -> Traced | None:
        """The resource as its template makes it; None where that is not known."""
        path = resource.origin.path
        if resource.reference.kind == "CustomResourceDefinition":
            # Helm's comment with the source is cut off where such a file begins with ---.
            path = self._definition_file(resource) or path
        if path is None:
            return None
        if path not in self._documents:
            self._documents[path] = [root for p in self._templates(path) for root in self._made(p)]
        steps = resource.origin.prefix
        found = [root for root in self._documents[path] if _is_of(root, resource)]
        if len(found) > 1:
            found = [root for root in found if plain(root) == resource.value]
        return found[0] if len(found) == 1 and not steps else None

    def _definition_file(self, resource: Resource) -> str | None:
        """The file below `crds/` that has a CustomResourceDefinition, if just one has it."""
        files = [p for p in self._sources.side.closure.files if "/crds/" in p and _is_template(p)]
        found = [
            path
            for path in sorted(files)
            if "/templates/" not in path
            and any(doc.value == resource.value for doc in self._sources.documents(path))
        ]
        return found[0] if len(found) == 1 else None

    def near(self, resource: Resource, field: FieldPath) -> Location | None:
        """The line of the template that names the field or the nearest one above it."""
        path = resource.origin.path
        raw = self._sources.read(path) if path is not None and _is_template(path) else None
        if path is None or raw is None or len(raw) > _LARGEST:
            return None
        lines = raw.decode("utf-8", "replace").split("\n")
        start = _first(lines, 0, "kind", resource.reference.kind) or 1
        line = start
        for element in field:
            if isinstance(element, str):
                line = _first(lines, line - 1, element) or line
        column = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
        return Location(path=path, line=line, column=column, exact=False)

    def _packed(self) -> Mapping[str, bytes]:
        return self._sources.packed()

    def _templates(self, path: str) -> list[str]:
        """The templates that a resource may be of.

        Where Helm's name for one leads to no file, its archive is known, or else its chart alone.
        """
        if _is_template(path):
            return [path]
        if not path.endswith(f"/{CHART}"):
            return [p for p in self._packed() if p.startswith(f"{path}{INSIDE}")]
        below = inside(path.removesuffix(f"/{CHART}"), "charts/")
        files = (*sorted(self._sources.side.closure.files), *self._packed())
        return [p for p in files if p.startswith(below) and _is_template(p)]

    def _made(self, path: str) -> list[Traced]:
        """The documents of a template, traced."""
        raw = self._sources.read(path) if _is_template(path) else None
        if raw is None or len(raw) > _LARGEST:
            return []
        found: list[Traced] = []
        for line in chart_lines(path, self._sources):
            if path.startswith(inside(line.directory, "crds/")):
                found += _whole(path, self._sources)
                continue
            try:
                printed = self._execute(path, raw.decode("utf-8"), line)
            except (TemplateError, UnicodeDecodeError, RuntimeError):
                continue
            found += _documents(printed)
        return found

    def _execute(self, path: str, source: str, line: ChartLine) -> Text:
        if self._named is None:
            self._named = self._definitions()
        files = _Files(line.directory, self._sources)
        execution = Execution(self._named, files, self._budget)
        return execution.run(template(path, source), self._context(path, line))

    def _definitions(self) -> dict[str, Template]:
        """The named templates of all charts; those of a chart above override those below it."""
        side = self._sources.side
        files = (*side.closure.files, *self._packed())
        paths = [p for p in files if "/templates/" in f"/{p}"]
        found: dict[str, Template] = {}
        for path in sorted(paths, key=lambda path: (-path.count("/"), path)):
            raw = self._sources.read(path) if path.endswith(_TEMPLATE_FILES) else None
            if raw is None or len(raw) > _LARGEST:
                continue
            try:
                found.update(definitions(template(path, raw.decode("utf-8"))))
            except (TemplateError, UnicodeDecodeError, RecursionError):
                continue
        return found

    def _context(self, path: str, line: ChartLine) -> Traced:
        application = self._sources.side.application
        release = application.helm
        name = release.release if release else application.path.rpartition("/")[2]
        major, _, minor = self._kubernetes.partition(".")
        version = f"v{self._kubernetes}.0"
        base = f"{inside(line.directory, 'templates')}"
        return _value(
            {
                "Values": values_of(line, self._sources),
                "Chart": metadata_of(line.directory, self._sources),
                "Release": {
                    "Name": name,
                    "Namespace": release.namespace if release else "default",
                    "Service": "Helm",
                    "IsInstall": True,
                    "IsUpgrade": False,
                    "Revision": 1,
                },
                "Capabilities": {
                    "KubeVersion": {
                        "Version": version,
                        "GitVersion": version,
                        "Major": major,
                        "Minor": minor,
                    },
                    "APIVersions": list(release.api_versions) if release else [],
                },
                "Template": {"Name": path, "BasePath": base},
                "Files": {},
            }
        )


class _Files(Mapping[str, tuple[str, str]]):
    """The files of a chart by their names in it, as paths and texts."""

    def __init__(self, directory: str, sources: Sources) -> None:
        self._directory = directory
        self._sources = sources

    def __getitem__(self, name: str) -> tuple[str, str]:
        path = self._sources.file(inside(self._directory, name))
        raw = self._sources.read(path) if path is not None else None
        if path is None or raw is None:
            raise KeyError(name)
        return path, raw.decode("utf-8", "replace")

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def _value(value: Any) -> Traced:
    if isinstance(value, Traced):
        return value
    if isinstance(value, dict):
        return Traced({name: _value(member) for name, member in value.items()}, NOWHERE)
    if isinstance(value, list):
        return Traced([_value(item) for item in value], NOWHERE)
    return Traced(value, NOWHERE)


def _whole(path: str, sources: Sources) -> list[Traced]:
    """The documents of a file that Helm takes as it is."""
    found = [sources.document(document) for document in sources.documents(path)]
    return [root for root in found if root is not None]


def _documents(printed: Text) -> list[Traced]:
    """What a template printed, cut into documents whose values know their places."""
    text = printed.joined()
    pieces = _Pieces(printed)
    roots = []
    for raw in streamed(text.encode("utf-8", "surrogatepass")):
        root = traced(raw.text, "", raw.line, pieces.where)
        if root is not None:
            roots.append(root)
    return roots


class _Pieces:
    """The pieces of a text by their lines and columns."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._lines: list[list[tuple[int, Piece]]] = [[]]
        column = 1
        for piece in pieces:
            if not piece.text:
                continue
            self._lines[-1].append((column, piece))
            column += len(piece.text)
            if piece.text.endswith("\n"):
                self._lines.append([])
                column = 1

    def where(self, start: Spot, end: Spot | None) -> tuple[Place, bool]:
        """The place of what stands between two spots: of the last value in it, if there is one."""
        if end is None or end <= start:
            start, end = (start[0], max(1, start[1] - 1)), (start[0], start[1] + 1)
        covered = self._covered(start, end)
        if not covered:
            return NOWHERE, False
        sure = all(piece.sure for _, piece in covered)
        given = [piece for _, piece in covered if not piece.literal and piece.text.strip()]
        if given:
            return given[-1].place, sure
        column, piece = covered[0]
        place = piece.place
        if piece.literal:
            place = Place(place.path, place.line, place.column + max(0, start[1] - column))
        return place, sure

    def _covered(self, start: Spot, end: Spot) -> list[tuple[int, Piece]]:
        found: list[tuple[int, Piece]] = []
        for line in range(start[0], min(end[0], len(self._lines)) + 1):
            row = self._lines[line - 1]
            first = start[1] if line == start[0] else 1
            last = end[1] if line == end[0] else 1 << 30
            columns = [column for column, _ in row]
            begin = max(0, bisect_right(columns, first) - 1)
            found += [
                (column, piece)
                for column, piece in row[begin:]
                if column < last and column + len(piece.text) > first
            ]
        return found


def _is_template(path: str) -> bool:
    """Whether Helm executes or takes this file, rather than an archive that it is packed in."""
    return path.endswith(_TEMPLATE_FILES) and ("templates/" in path or "crds/" in path)


def _is_of(root: Traced, resource: Resource) -> bool:
    reference = resource.reference
    kind, name = root.text_of("kind"), root.text_of("metadata", "name")
    return kind == reference.kind and name == reference.name


def _first(lines: Sequence[str], start: int, key: str, value: str = "") -> int | None:
    """The first line from `start` on (0-based) that has a key, 1-based."""
    pattern = re.compile(rf"\s*(?:- +)*[\"']?{re.escape(key)}[\"']?\s*:\s*{re.escape(value)}")
    for number in range(max(start, 0), len(lines)):
        if pattern.match(lines[number][:500]):
            return number + 1
    return None
