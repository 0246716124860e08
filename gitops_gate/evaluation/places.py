"""Where in the sources a finding comes from: the line that a person has to change.

A document of a directory is its own source. What Kustomize renders is looked up in the files of
its closure: the patch or resource of that kind and name which sets the field to the rendered
value, the one nearest to the application first. Of what Helm renders the template is known, not
the line. `Location.exact` is only true for the very line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.documents import load_document, locate, split_stream
from gitops_gate.errors import GitOpsGateError
from gitops_gate.evaluation.values import Side
from gitops_gate.findings import FieldPath, Location
from gitops_gate.resources.values import Resource
from gitops_gate.tools import clean_text

_MANIFEST_ENDINGS = (".yaml", ".yml", ".json")
_LONGEST_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class _SourceDocument:
    path: str
    text: bytes
    line: int
    value: Mapping[str, Any]


class Places:
    """Finds places in the files of one side; reads them when the first finding asks."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._documents: dict[str, list[_SourceDocument]] | None = None
        self._lines: dict[str, list[str]] = {}

    def of(self, resource: Resource | None, field: FieldPath) -> Location | None:
        """The nearest known place of a field of a resource, or of the application as a whole."""
        if resource is None:
            return None
        origin = resource.origin
        if origin.path is None:
            return self._in_sources(resource, field)
        if self._side.application.renderer.value != "directory":
            return Location(path=origin.path, line=0, column=0, exact=False)
        try:
            place = locate(resource.text, (*origin.prefix, *field), first_line=origin.line)
        except GitOpsGateError:
            return Location(path=origin.path, line=origin.line, column=1, exact=False)
        return Location(path=origin.path, line=place.line, column=place.column, exact=place.exact)

    def excerpt(self, location: Location) -> str | None:
        """The source line at a place, as it may be shown."""
        if location.line < 1:
            return None
        lines = self._lines_of(location.path)
        if location.line > len(lines):
            return None
        line = clean_text(lines[location.line - 1].rstrip().replace("\t", "    "), limit=10_000)
        indent = len(lines[location.line - 1]) - len(lines[location.line - 1].lstrip(" "))
        shown = " " * min(indent, _LONGEST_EXCERPT) + line
        return shown if len(shown) <= _LONGEST_EXCERPT else f"{shown[: _LONGEST_EXCERPT - 1]}…"

    def documents(self) -> Iterator[Mapping[str, Any]]:
        """Every document in the files of this side that is a mapping."""
        if self._documents is None:
            self._documents = self._read_documents()
        for documents in self._documents.values():
            yield from (document.value for document in documents)

    def mentions_secrets(self, path: str) -> bool:
        """Whether a file speaks of Secrets, so that a document nobody can read may be one."""
        return any("Secret" in line for line in self._lines_of(path))

    def _lines_of(self, path: str) -> list[str]:
        if path not in self._lines:
            try:
                text = self._side.tree.read(path).decode("utf-8", "replace")
            except (GitOpsGateError, KeyError):
                text = ""
            self._lines[path] = text.split("\n") if text else []
        return self._lines[path]

    def _in_sources(self, resource: Resource, field: FieldPath) -> Location | None:
        best: tuple[tuple[int, int, int], Location] | None = None
        for document in self._candidates(resource):
            matched, equal = _follow(resource.value, document.value, field)
            nearness = _shared_segments(document.path, self._side.application.path)
            score = (int(equal), len(matched), nearness)
            if best is not None and score <= best[0]:
                continue
            try:
                place = locate(document.text, matched, first_line=document.line)
            except GitOpsGateError:
                continue
            exact = equal and len(matched) == len(field)
            location = Location(
                path=document.path, line=place.line, column=place.column, exact=exact
            )
            best = (score, location)
        return best[1] if best else None

    def _candidates(self, resource: Resource) -> Sequence[_SourceDocument]:
        if self._documents is None:
            self._documents = self._read_documents()
        name, namespace = resource.reference.name, resource.reference.namespace
        return [
            document
            for document in self._documents.get(resource.reference.kind, ())
            if _may_be(document.value, name, namespace)
        ]

    def _read_documents(self) -> dict[str, list[_SourceDocument]]:
        by_kind: dict[str, list[_SourceDocument]] = {}
        for path in sorted(self._side.closure.files):
            if not path.endswith(_MANIFEST_ENDINGS) or path not in self._side.tree.entries:
                continue
            try:
                documents = split_stream(self._side.tree.read(path))
            except GitOpsGateError:
                continue
            for raw in documents:
                try:
                    value = load_document(raw.text)
                except GitOpsGateError:
                    continue
                if isinstance(value, dict):
                    document = _SourceDocument(path, raw.text, raw.line, value)
                    by_kind.setdefault(str(value.get("kind")), []).append(document)
        return by_kind


def _may_be(value: Mapping[str, Any], name: str, namespace: str) -> bool:
    """Whether a source document can be what became `name`: affixes and hashes may be added."""
    metadata = value.get("metadata")
    if not isinstance(metadata, Mapping):
        return False
    own, own_namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(own, str) or not own:
        return False
    return own in name and (not own_namespace or not namespace or own_namespace == namespace)


def _follow(rendered: Any, source: Any, field: FieldPath) -> tuple[FieldPath, bool]:
    """How far a rendered field's path exists in a source document, and whether values agree.

    Items of a list are found by their name, since a patch has not the positions of the result.
    """
    path: list[str | int] = []
    for element in field:
        if isinstance(rendered, Mapping) and isinstance(source, Mapping) and element in source:
            rendered, source = rendered.get(element), source[element]
            path.append(element)
            continue
        if not isinstance(element, int) or not isinstance(rendered, list):
            break
        position = _position(rendered, source, element)
        if position is None or not isinstance(source, list):
            break
        rendered, source = rendered[element], source[position]
        path.append(position)
    complete = len(path) == len(field)
    return tuple(path), complete and (rendered == source or not field)


def _position(rendered: list[Any], source: Any, index: int) -> int | None:
    if not isinstance(source, list) or not 0 <= index < len(rendered):
        return None
    wanted = rendered[index]
    for position, item in enumerate(source):
        if item == wanted:
            return position
    for key in ("name", "containerPort", "port", "mountPath", "host", "key", "ip"):
        if not isinstance(wanted, Mapping) or key not in wanted:
            continue
        for position, item in enumerate(source):
            if isinstance(item, Mapping) and item.get(key) == wanted[key]:
                return position
    return None


def _shared_segments(path: str, other: str) -> int:
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count
