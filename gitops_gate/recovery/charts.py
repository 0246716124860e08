"""Where an application's files say which chart it depends on, and what the values of one are.

Versions are those of `helmCharts` in a kustomization, of `dependencies` in the application's own
`Chart.yaml`, of a Flux `HelmRelease` or the `OCIRepository` that it takes its chart from, and of an
Argo CD `Application` whose source is a chart. Values are those of the files that a release is
rendered with, and those that such objects hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.values import Application, Renderer
from gitops_gate.recovery.images import Contents
from gitops_gate.recovery.scalars import Field, Scalar, scalars, values_of


def values_files(application: Application, contents: Contents) -> tuple[str, ...]:
    """The values files that a release is rendered with, the one that counts most last."""
    if application.renderer is not Renderer.HELM or application.helm is None:
        return ()
    folder = "" if application.path == "." else f"{application.path}/"
    order = dict.fromkeys((f"{folder}values.yaml", *application.helm.values))
    return tuple(path for path in order if path in contents)


def chart_versions(
    application: Application, path: str, data: bytes
) -> Iterator[tuple[str, Scalar]]:
    """The name of each chart that a file asks for, with the scalar of its version."""
    there = {(one.document, one.field): one for one in scalars(data, path)}
    for number, value in enumerate(values_of(data)):
        for name, field in _asked_charts(application, path, value):
            if (number, field) in there:
                yield name, there[number, field]


def _asked_charts(application: Application, path: str, value: Any) -> Iterator[tuple[str, Field]]:
    folder = "" if application.path == "." else f"{application.path}/"
    if _name(path) in NAMES:
        yield from _listed(value, ("helmCharts",), "name", "version")
    elif path == f"{folder}Chart.yaml" and application.renderer is Renderer.HELM:
        yield from _listed(value, ("dependencies",), "name", "version")
    elif isinstance(value, dict) and value.get("kind") == "HelmRelease":
        name = _inside(value, ("spec", "chart", "spec", "chart")) or _metadata_name(value)
        yield name, ("spec", "chart", "spec", "version")
    elif isinstance(value, dict) and value.get("kind") == "OCIRepository":
        url = _inside(value, ("spec", "url"))
        name = url.rpartition("/")[2] if isinstance(url, str) else _metadata_name(value)
        ref = _inside(value, ("spec", "ref"))
        tagged = isinstance(ref, dict) and "tag" in ref
        yield name, ("spec", "ref", "tag" if tagged else "semver")
    elif isinstance(value, dict) and value.get("kind") == "Application":
        yield from _one(value, ("spec", "source"), "chart", "targetRevision")
        yield from _listed(value, ("spec", "sources"), "chart", "targetRevision")


def _metadata_name(value: Any) -> str:
    """What stands for the name of a chart in a patch, which need not repeat it."""
    return str(_inside(value, ("metadata", "name")))


def _listed(value: Any, field: Field, name: str, version: str) -> Iterator[tuple[str, Field]]:
    items = _inside(value, field)
    for index in range(len(items) if isinstance(items, list) else 0):
        yield from _one(value, (*field, index), name, version)


def _one(value: Any, field: Field, name: str, version: str) -> Iterator[tuple[str, Field]]:
    entry = _inside(value, field)
    if isinstance(entry, dict) and isinstance(entry.get(name), str):
        yield entry[name], (*field, version)


def inline_values(path: str, data: bytes, field: Field) -> Iterator[Scalar]:
    """The key in the values that a HelmRelease, an Application or a kustomization holds itself."""
    there = {(one.document, one.field): one for one in scalars(data, path)}
    for number, value in enumerate(values_of(data)):
        for prefix in _values_prefixes(path, value):
            if (number, (*prefix, *field)) in there:
                yield there[number, (*prefix, *field)]


def _values_prefixes(path: str, value: Any) -> Iterator[Field]:
    if not isinstance(value, dict):
        return
    if _name(path) in NAMES:
        charts = value.get("helmCharts")
        count = len(charts) if isinstance(charts, list) else 0
        yield from (("helmCharts", index, "valuesInline") for index in range(count))
    elif value.get("kind") == "HelmRelease":
        yield ("spec", "values")
    elif value.get("kind") == "Application":
        yield ("spec", "source", "helm", "valuesObject")
        sources = _inside(value, ("spec", "sources"))
        count = len(sources) if isinstance(sources, list) else 0
        yield from (("spec", "sources", index, "helm", "valuesObject") for index in range(count))


def _inside(value: Any, field: Field) -> Any:
    for segment in field:
        try:
            value = value[segment]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _name(path: str) -> str:
    return path.rpartition("/")[2]
