"""Helm charts in a tree: every file that rendering one reads.

Helm loads the whole directory of a chart (helm, `pkg/chart/loader`), follows links in it, and
wants each dependency below `charts/`, unpacked or as an archive, before it renders anything.
`.helmignore` is not applied: a file too many only renders an application once more, and a file
left out by mistake would be a change that nobody sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitops_gate.discovery.charts import CHART, REQUIREMENTS
from gitops_gate.discovery.facts import Purpose
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.references import ancestors, inside, locate, parent
from gitops_gate.discovery.refusals import (
    dependency_outside,
    leads_outside,
    not_vendored,
    submodule,
)
from gitops_gate.discovery.values import Refusal

_FILE = "file://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart in a tree.

    `files` are all files of its directory, with the links that lead elsewhere and what they lead
    to. `local` are the directories of charts that it depends on by `file://`. `missing` are paths
    that would change it if they appeared. `folders` are all that are read as a whole.
    """

    name: str
    library: bool
    files: frozenset[str]
    missing: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def values_files(self, directory: str) -> list[tuple[str, str]]:
        """The (name, path) of each `values-<name>.yaml` beside the chart, in sorted order."""
        start = inside(directory, "values-")
        return sorted(
            (path[len(start) : -len(".yaml")], path)
            for path in self.files
            if path.startswith(start) and path.endswith(".yaml") and parent(path) == directory
        )


def is_subchart(directory: str, charts: Mapping[str, object]) -> bool:
    """Whether a chart lies below the `charts/` folder of another chart."""
    return any(
        above != directory and directory.startswith(inside(above, "charts/"))
        for above in ancestors(directory)
        if above in charts
    )


def build_chart(directory: str, listing: Listing, reader: FactReader) -> Chart:
    """Everything about the chart in a directory that has a `Chart.yaml`."""
    refusals: list[Refusal] = []
    folders: set[str] = set()
    files = set(_files(directory, listing, refusals, folders))
    main = inside(directory, CHART)
    facts = reader.chart(main)
    dependencies = [(*pair, main) for pair in facts.dependencies]
    extra = inside(directory, REQUIREMENTS)
    if extra in listing.entries:
        dependencies += [(*pair, extra) for pair in reader.chart(extra).dependencies]
    vendored = _vendored(directory, files, reader) if dependencies else set()
    local: list[str] = []
    missing: set[str] = set()
    for name, repository, path in dependencies:
        if repository.startswith(_FILE):
            found = locate(directory, repository[len(_FILE) :])
            place = None if found is None else listing.resolve(found)
            if place is None or place.outside:
                refusals.append(dependency_outside(repository, path))
            elif inside(place.path, CHART) in listing.entries:
                files.update(place.links)
                local.append(place.path)
            else:
                missing.add(inside(place.path, CHART))
        elif name not in vendored:
            missing.add(inside(directory, f"charts/{name}/{CHART}"))
            refusals.append(not_vendored(name, repository, path))
    return Chart(
        name=facts.name,
        library=facts.library,
        files=frozenset(files),
        missing=frozenset(missing),
        folders=tuple(sorted(folders)),
        local=tuple(sorted(set(local) - {directory})),
        refusals=tuple(refusals),
    )


def _files(
    directory: str, listing: Listing, refusals: list[Refusal], folders: set[str]
) -> Iterator[str]:
    """The files below a directory, through links as well; what cannot be read is refused."""
    waiting = [directory]
    while waiting:
        folder = waiting.pop()
        if folder in folders:
            continue
        folders.add(folder)
        for path in listing.below(folder):
            if path in listing.submodules:
                refusals.append(submodule(path))
                continue
            yield path
            if path not in listing.links:
                continue
            place = listing.resolve(path)
            yield from place.links
            if place.outside:
                refusals.append(leads_outside(path))
            elif place.path in listing.entries:
                yield place.path
            else:
                waiting.append(place.path)


def _vendored(directory: str, files: set[str], reader: FactReader) -> set[str]:
    """The names of the charts that `charts/` holds, unpacked or as archives.

    An archive is called `<name>-<version>.tgz`, and both parts may have dashes.
    """
    vendor = inside(directory, "charts/")
    found: set[str] = set()
    unpacked: dict[str, str] = {}
    for path in files:
        if not path.startswith(vendor):
            continue
        folder, _, rest = path[len(vendor) :].partition("/")
        if not rest and folder.endswith(".tgz"):
            parts = folder.split("-")
            found.update("-".join(parts[:count]) for count in range(1, len(parts)))
        elif rest == CHART:
            unpacked[folder] = path
    reader.prefetch(Purpose.CHART, unpacked.values())
    return found.union(unpacked, (reader.chart(path).name for path in unpacked.values()))
