"""The paths that Argo CD and Flux deploy from, as far as the tree itself tells.

A plain object names its path. An ApplicationSet has a template: its lists and Git generators are
evaluated; what depends on clusters, pull requests or the contents of files is unknown and stands
for any name of one segment. Finding a path too many only makes a directory an application of its
own that another one refers to; finding one too few would hide it.
"""

from __future__ import annotations

import fnmatch
import glob
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from gitops_gate.discovery.facts import Deployed
from gitops_gate.discovery.references import ancestors, below, locate

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}|\$\{[^{}]*\}")
_SEGMENT = re.compile(r"index\s+\.?path\.segments\s+(\d+)|path\.segments\[(\d+)\]|path\[(\d+)\]")
_UNKNOWN = "\0"
_MAXIMUM_ROWS = 2000
_MAXIMUM_ALL_ROWS = 50_000
_MAXIMUM_FOUND = 50_000
_MAXIMUM_NESTING = 4

Parameters = Mapping[str, str]


def expand(deployed: Iterable[Deployed], directories: Sequence[str]) -> list[Deployed]:
    """The entries with every template filled in; one entry for each directory that it means.

    `directories` are those with a kustomization, a chart or manifests, in sorted order. Entries
    whose path leaves the repository are left out. Past a limit, everything that a generator gives
    counts as unknown, and only the directories themselves are told apart.
    """
    left = _MAXIMUM_ALL_ROWS
    known: dict[str, list[str]] = {}
    rows: dict[tuple[Any, ...], list[dict[str, str]]] = {}
    found: dict[Deployed, None] = {}
    for entry in deployed:
        if entry.generators not in rows:
            rows[entry.generators] = _rows(entry.generators, directories) or [{}]
        some = rows[entry.generators] if left > 0 else [{}]
        left -= len(some)
        for row in some:
            path = _fill(entry.path, row)
            if path not in known:
                known[path] = _matching(path, directories)
            for directory in known[path]:
                if len(found) < _MAXIMUM_FOUND:
                    found[_at(entry, directory, row)] = None
                else:
                    found[Deployed(path=directory)] = None
    return list(found)


def _at(deployed: Deployed, path: str, row: Parameters) -> Deployed:
    """The entry for one directory, without what stayed unknown."""
    namespace = _fill(deployed.namespace, row)
    return Deployed(
        path=path,
        components=_known(deployed.components, row),
        values=_known(deployed.values, row),
        namespace="" if _UNKNOWN in namespace else namespace,
        tool=deployed.tool,
    )


def _known(templates: Iterable[str], row: Parameters) -> tuple[str, ...]:
    filled = (_fill(template, row) for template in templates)
    return tuple(value for value in filled if _UNKNOWN not in value)


def _matching(path: str, directories: Sequence[str]) -> list[str]:
    """The directories that a path with unknown parts can mean."""
    plain = locate(".", path.lstrip("/") or ".")
    if plain is None or _UNKNOWN not in path:
        return [] if plain is None else [plain]
    segments = plain.split("/")
    fixed = next(i for i, segment in enumerate(segments) if _UNKNOWN in segment)
    prefix = "/".join(segments[:fixed]) or "."
    wanted = ["*".join(map(glob.escape, segment.split(_UNKNOWN))) for segment in segments]
    return [
        directory
        for directory in _in_range(prefix, directories)
        if _same_segments(wanted, directory.split("/"))
    ]


def _in_range(prefix: str, directories: Sequence[str]) -> Iterator[str]:
    """The directories below a prefix; neighbours of it in sorted order."""
    start = 0 if prefix == "." else bisect_left(directories, prefix + "/")
    for directory in islice(directories, start, None):
        if not below(directory, prefix):
            return
        yield directory


def _same_segments(wanted: Sequence[str], given: Sequence[str]) -> bool:
    return len(wanted) == len(given) and all(map(fnmatch.fnmatchcase, given, wanted))


def _fill(template: str, row: Parameters, nesting: int = 0) -> str:
    """The template with what is known filled in, and `_UNKNOWN` for the rest."""
    if "{" not in template:
        return template

    def value(match: re.Match[str]) -> str:
        name = (match.group(1) or "").strip(" \t-").removeprefix(".")
        segment = _SEGMENT.fullmatch(name)
        if segment is not None:
            name = f"path[{next(group for group in segment.groups() if group)}]"
        if name not in row or nesting == _MAXIMUM_NESTING or len(row[name]) > 4096:
            return _UNKNOWN
        return _fill(row[name], row, nesting + 1)

    return _PLACEHOLDER.sub(value, template[:4096])


def _rows(generators: Iterable[Any], directories: Sequence[str]) -> list[dict[str, str]]:
    """The parameters that generators give; past the limit, everything is unknown as well."""
    found: list[dict[str, str]] = []
    for generator in generators:
        found += islice(_generate(generator, directories), _MAXIMUM_ROWS + 1)
        if len(found) > _MAXIMUM_ROWS:
            return [*found[:_MAXIMUM_ROWS], {}]
    return found


def _generate(generator: Sequence[Any], directories: Sequence[str]) -> Iterator[dict[str, str]]:
    match generator:
        case ("list", rows):
            yield from (dict(row) for row in rows)
        case ("directories", wanted, excluded, values):
            for directory in _all_directories(directories):
                if _any(wanted, directory) and not _any(excluded, directory):
                    yield dict(values) | _path_parameters(directory)
        case ("files", globs, values):
            folders = [pattern.strip("/").rpartition("/")[0] or "." for pattern in globs]
            for directory in _all_directories(directories):
                if _any(folders, directory):
                    yield dict(values) | _path_parameters(directory)
        case ("product", inner):
            sides = [_rows([part], directories) or [{}] for part in inner]
            for combination in product(*sides):
                yield {key: item for side in combination for key, item in side.items()}
        case ("other", values):
            yield dict(values)


def _path_parameters(directory: str) -> dict[str, str]:
    """What the Git generators give (argo-cd, "Generators-Git")."""
    segments = directory.split("/")
    normalized = re.sub(r"[^a-z0-9]+", "-", segments[-1].lower()).strip("-")
    parameters = {
        "path": directory,
        "path.path": directory,
        "path.basename": segments[-1],
        "path.basenameNormalized": normalized,
    }
    return parameters | {f"path[{index}]": part for index, part in enumerate(segments)}


def _all_directories(directories: Sequence[str]) -> list[str]:
    found = dict.fromkeys(directories)
    for directory in directories:
        found.update(dict.fromkeys(ancestors(directory)))
    return sorted(found)


def _any(patterns: Iterable[str], directory: str) -> bool:
    given = directory.split("/")
    return any(_glob_matches((p.strip("/") or ".").split("/"), given) for p in patterns)


def _glob_matches(wanted: Sequence[str], given: Sequence[str]) -> bool:
    """Go's `path.Match`, in which a star stays within a segment, with `**` for any number."""
    reached = {0}
    for pattern in wanted:
        if pattern == "**":
            reached = set(range(min(reached), len(given) + 1)) if reached else set()
        else:
            reached = {
                at + 1
                for at in reached
                if at < len(given) and fnmatch.fnmatchcase(given[at], pattern)
            }
    return len(given) in reached
