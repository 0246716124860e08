"""From Helm's names of templates to files of the repository.

Helm names a template by chart names, `shop/charts/cache/templates/web.yaml`; in the repository
the chart `shop` is a folder of any name, and the subchart `cache` may be a folder, a packed
archive, or another chart under an alias.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet


class TemplatePaths:
    """The templates of the chart in the folder `chart` ("." for the root), among `files`."""

    def __init__(self, chart: str, files: AbstractSet[str]) -> None:
        self._files = files
        self._folder = "" if chart == "." else f"{chart}/"
        self._found: dict[str, str | None] = {}
        place = f"{self._folder}Chart.yaml"
        self.chart = place if place in files else None

    def exact(self, name: str) -> str | None:
        """The file that is that very template, or None."""
        path = self._folder + name.partition("/")[2]
        return path if path in self._files else None

    def find(self, name: str) -> str | None:
        """The template, else the archive that it is in, else the chart's own file."""
        if name not in self._found:
            self._found[name] = self.exact(name) or self._nearest(name)
        return self._found[name]

    def _nearest(self, name: str) -> str | None:
        place = self._folder
        rest = name.split("/")[1:]
        while len(rest) > 2 and rest[0] == "charts":
            subchart, rest = rest[1], rest[2:]
            below = [path for path in self._files if path.startswith(f"{place}charts/")]
            folder = f"{place}charts/{subchart}/"
            if any(path.startswith(folder) for path in below):
                place = folder
                continue
            ending = f"/{'/'.join(rest)}"
            archive = f"{place}charts/{subchart}-"
            candidates = [
                path
                for path in below
                if path.endswith(ending) or (path.startswith(archive) and path.endswith(".tgz"))
            ]
            return candidates[0] if len(candidates) == 1 else self.chart
        path = place + "/".join(rest)
        return path if path in self._files else self.chart
