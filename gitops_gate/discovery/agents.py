"""What Argo CD and Flux objects deploy: the paths they name, with what goes with each path.

Argo CD: `Application` and `ApplicationSet` (argo-cd, `docs/operator-manual`). Flux: `Kustomization`
(kustomize-controller, API reference) and `HelmRelease` (helm-controller, API reference). Whether
the repository that an object names is this one cannot be known from the tree; a path that exists
here is taken to be meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops_gate.discovery.facts import Deployed
from gitops_gate.discovery.reading import items, text, texts

_LOCAL_CHART_SOURCES = ("GitRepository", "Bucket")


def deployed_by(value: Mapping[str, Any]) -> list[Deployed]:
    """What one object deploys from paths; nothing for any other kind of object."""
    group = text(value.get("apiVersion")).rpartition("/")[0]
    kind, spec = value.get("kind"), _mapping(value.get("spec"))
    if group == "argoproj.io" and kind == "Application":
        return list(_argo_sources(spec, ()))
    if group == "argoproj.io" and kind == "ApplicationSet":
        template = _mapping(_mapping(spec.get("template")).get("spec"))
        return list(_argo_sources(template, reduce_generators(spec.get("generators"))))
    if group == "kustomize.toolkit.fluxcd.io" and kind == "Kustomization":
        return _flux_kustomization(spec)
    if group == "helm.toolkit.fluxcd.io" and kind == "HelmRelease":
        return _flux_release(spec, text(_mapping(value.get("metadata")).get("namespace")))
    return []


def reduce_generators(value: object) -> tuple[Any, ...]:
    """The generators of an ApplicationSet, as far as they decide about paths.

    Each is a tuple that starts with its name: `("list", rows)`, `("directories", globs, excluded,
    values)`, `("files", globs, values)`, `("product", generators)`, `("other", values)`. Rows and
    values are tuples of (name, text) pairs, nested names joined by dots.
    """
    return tuple(_reduce(_mapping(generator)) for generator in items(value))


def _reduce(generator: Mapping[str, Any]) -> tuple[Any, ...]:
    for name in ("matrix", "merge"):
        if name in generator:
            inner = _mapping(generator[name]).get("generators")
            return ("product", reduce_generators(inner))
    if "list" in generator:
        rows = items(_mapping(generator["list"]).get("elements"))
        return ("list", tuple(_flat(row) for row in rows))
    git = _mapping(generator.get("git"))
    values = _values(git)
    if "directories" in git:
        found = [_mapping(entry) for entry in items(git["directories"])]
        wanted = tuple(text(e.get("path")) for e in found if not e.get("exclude"))
        excluded = tuple(text(e.get("path")) for e in found if e.get("exclude"))
        return ("directories", wanted, excluded, values)
    if "files" in git:
        globs = tuple(text(_mapping(entry).get("path")) for entry in items(git["files"]))
        return ("files", globs, values)
    inner = next((_mapping(item) for key, item in generator.items() if key != "selector"), {})
    return ("other", _values(inner))


def _argo_sources(spec: Mapping[str, Any], generators: tuple[Any, ...]) -> Iterator[Deployed]:
    namespace = text(_mapping(spec.get("destination")).get("namespace"))
    for source in [_mapping(spec.get("source")), *map(_mapping, items(spec.get("sources")))]:
        path = text(source.get("path"))
        if not path or source.get("chart"):
            continue
        kustomize, helm = _mapping(source.get("kustomize")), _mapping(source.get("helm"))
        jsonnet = bool(_mapping(source.get("directory")).get("jsonnet"))
        tool = "plugin" if source.get("plugin") else "jsonnet" if jsonnet else ""
        yield Deployed(
            path=path,
            components=tuple(texts(kustomize.get("components"))),
            values=tuple(map(_from_root, texts(helm.get("valueFiles")))),
            namespace=namespace,
            tool=tool,
            generators=generators,
        )


def _from_root(value: str) -> str:
    """`$ref/path` is a path from the root of the repository that `ref` stands for."""
    return f"/{value.partition('/')[2]}" if value.startswith("$") else value


def _flux_kustomization(spec: Mapping[str, Any]) -> list[Deployed]:
    path = text(spec.get("path"))
    if not path and _mapping(spec.get("sourceRef")).get("kind") != "GitRepository":
        return []
    return [
        Deployed(
            path=path or ".",
            components=tuple(texts(spec.get("components"))),
            namespace=text(spec.get("targetNamespace")),
        )
    ]


def _flux_release(spec: Mapping[str, Any], own_namespace: str) -> list[Deployed]:
    chart = _mapping(_mapping(spec.get("chart")).get("spec"))
    path = text(chart.get("chart"))
    if not path or _mapping(chart.get("sourceRef")).get("kind") not in _LOCAL_CHART_SOURCES:
        return []
    values = tuple("/" + value.lstrip("/") for value in texts(chart.get("valuesFiles")))
    namespace = text(spec.get("targetNamespace")) or own_namespace
    return [Deployed(path=path, values=values, namespace=namespace)]


def _values(generator: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((f"values.{name}", value) for name, value in _flat(generator.get("values")))


def _flat(value: object, prefix: str = "") -> tuple[tuple[str, str], ...]:
    """The texts of a nested mapping, by their dotted names."""
    found: list[tuple[str, str]] = []
    for key, item in _mapping(value).items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            found += _flat(item, f"{name}.")
        elif isinstance(item, str | int) and not isinstance(item, bool):
            found.append((name, str(item)))
    return tuple(found)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
