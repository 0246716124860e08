"""Where in the sources a finding comes from: the line that a person has to change.

    directory   the document itself
    kustomize   `kustomize.follow`: the resource file, patch, generator, image … that set the field
    helm        `charts.follow`: the template's line, or the values file's that gave the value
    otherwise   `nearest`: a source document that resembles the resource

A resource is followed when its first finding asks, once. What was followed is compared with what
was rendered: `Location.exact` is only true where the two agree on the field and nothing on the way
is beyond what is understood here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gitops_gate.config.settings import NEWEST_KUBERNETES
from gitops_gate.discovery.values import Renderer
from gitops_gate.documents import locate
from gitops_gate.errors import GitOpsGateError
from gitops_gate.evaluation.places.nearest import nearest
from gitops_gate.evaluation.places.sources import INSIDE, SourceDocument, Sources
from gitops_gate.evaluation.values import Side
from gitops_gate.findings import FieldPath, Location
from gitops_gate.resources.values import Resource
from gitops_gate.tools import clean_text

if TYPE_CHECKING:
    from gitops_gate.evaluation.places.charts import Charts
    from gitops_gate.evaluation.places.traced import Traced

_MANIFEST_ENDINGS = (".yaml", ".yml", ".json")
_LONGEST_EXCERPT = 160


class Places:
    """Finds places in the files of one side; reads them when the first finding asks."""

    def __init__(self, side: Side, kubernetes: str = NEWEST_KUBERNETES) -> None:
        self._side = side
        self._kubernetes = kubernetes
        self._charts: Charts | None = None
        self._sources = Sources(side)
        self._followed: dict[int, tuple[Resource, Traced | None]] = {}
        self._lines: dict[str, list[str]] = {}

    def of(
        self, resource: Resource | None, field: FieldPath, *, name: bool = False
    ) -> Location | None:
        """The nearest known place of a field of a resource; with `name`, of the field's name."""
        if resource is None:
            return None
        origin = resource.origin
        if self._side.application.renderer is Renderer.DIRECTORY and origin.path is not None:
            path = (*origin.prefix, *field)
            try:
                place = locate(resource.text, path, first_line=origin.line, key=name)
            except GitOpsGateError:
                return Location(path=origin.path, line=origin.line, column=1, exact=False)
            return Location(
                path=origin.path, line=place.line, column=place.column, exact=place.exact
            )
        found = self._in_followed(resource, field, name=name)
        if found is not None:
            return found
        if origin.path is not None:
            near = self._chart().near(resource, field)
            return near or Location(path=origin.path, line=0, column=0, exact=False)
        return nearest(resource, field, self._all(), self._side.application.path)

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
        yield from (document.value for document in self._all())

    def mentions_secrets(self, path: str) -> bool:
        """Whether a file speaks of Secrets, so that a document nobody can read may be one."""
        return any("Secret" in line for line in self._lines_of(path))

    def _in_followed(self, resource: Resource, field: FieldPath, *, name: bool) -> Location | None:
        root = self._root_of(resource)
        if root is None:
            return None
        from gitops_gate.evaluation.places.traced import find

        found = find(resource.value, root, field)
        place = found.node.key or found.node.place if name and found.exact else found.node.place
        if not place.path:
            return None
        if place.path not in self._side.tree.entries:
            return Location(path=place.path.partition(INSIDE)[0])
        return Location(
            path=place.path,
            line=place.line,
            column=place.column,
            exact=found.exact and place.line > 0,
        )

    def _root_of(self, resource: Resource) -> Traced | None:
        """The resource as its sources make it, worked out once; None where that is not known."""
        known = self._followed.get(id(resource))
        if known is None:
            root = None
            if self._side.application.renderer is Renderer.KUSTOMIZE:
                from gitops_gate.evaluation.places import kustomize

                root = kustomize.follow(resource, self._sources)
            elif self._side.application.renderer is Renderer.HELM:
                root = self._chart().follow(resource)
            known = self._followed[id(resource)] = (resource, root)
        return known[1]

    def _chart(self) -> Charts:
        if self._charts is None:
            from gitops_gate.evaluation.places.charts import Charts

            self._charts = Charts(self._sources, self._kubernetes)
        return self._charts

    def _lines_of(self, path: str) -> list[str]:
        if path not in self._lines:
            try:
                text = self._side.tree.read(path).decode("utf-8", "replace")
            except (GitOpsGateError, KeyError):
                text = ""
            self._lines[path] = text.split("\n") if text else []
        return self._lines[path]

    def _all(self) -> Iterator[SourceDocument]:
        for path in sorted(self._side.closure.files):
            if path.endswith(_MANIFEST_ENDINGS) and path in self._side.tree.entries:
                yield from self._sources.documents(path)
