"""From a plan to applications: names, environments, Helm releases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gitops_gate.config.settings import ConfiguredApplication, ConfiguredHelm
from gitops_gate.discovery.chart_nodes import Chart
from gitops_gate.discovery.closures import values_paths
from gitops_gate.discovery.plans import Plan, renderer_of
from gitops_gate.discovery.selection import Selection, is_glob
from gitops_gate.discovery.values import Application, HelmRelease, Renderer
from gitops_gate.errors import ConfigurationError

_NO_ENTRY = ConfiguredApplication(path=".")


@dataclass(frozen=True, slots=True)
class _Named:
    """An application and whether its name comes from the configuration."""

    application: Application
    chosen: bool


def applications_of(
    plan: Plan, selection: Selection, plain: dict[tuple[str, Renderer], Application]
) -> dict[str, Application]:
    """All applications of a revision by name, in sorted order.

    `plain` holds those that nobody configured or named; two plans that are compared share it.

    The name is the path, with `@<name>` for a further values file of a chart, unless the
    configuration gives one; for a pattern that is `<name>@<path>`. An application whose path is
    the configured name of another one is called `./<path>`.

    Raises `ConfigurationError` when the configuration gives one name to two applications.
    """
    found = sorted(_all(plan, selection, plain), key=lambda named: named.application.path)
    chosen: dict[str, Application] = {}
    for named in found:
        if not named.chosen:
            continue
        other = chosen.setdefault(named.application.name, named.application)
        if other is not named.application:
            raise ConfigurationError(
                f"two applications are named {other.name}: {other.path} and "
                f"{named.application.path}",
                remedy="give each of applications[] a name of its own",
            )
    names = dict(chosen)
    for named in found:
        if not named.chosen:
            application = named.application
            name = application.name
            while name in names:
                name = f"./{name}"
            names[name] = (
                replace(application, name=name) if name != application.name else application
            )
    return {name: names[name] for name in sorted(names)}


def _all(
    plan: Plan, selection: Selection, plain: dict[tuple[str, Renderer], Application]
) -> Iterator[_Named]:
    """Every application, before names are made unique."""
    places = (
        (Renderer.KUSTOMIZE, plan.kustomizations),
        (Renderer.HELM, plan.releases),
        (Renderer.DIRECTORY, plan.directories.keys()),
    )
    for kind, paths in places:
        for path in paths:
            entries = plan.entries.get(path)
            if entries is None and kind is not Renderer.HELM and path not in plan.deployments:
                if (path, kind) not in plain:
                    plain[path, kind] = _application(path, kind, _NO_ENTRY, plan, selection)
                yield _Named(plain[path, kind], chosen=False)
                continue
            for entry in entries or (_NO_ENTRY,):
                if entries is None or renderer_of(entry, path, plan) is kind:
                    yield from _applications(path, kind, entry, plan, selection)


def _applications(
    path: str, kind: Renderer, entry: ConfiguredApplication, plan: Plan, selection: Selection
) -> Iterator[_Named]:
    """The applications of one directory with one renderer, as one entry has them."""
    application = _application(path, kind, entry, plan, selection)
    chosen = entry.name is not None
    if kind is not Renderer.HELM:
        yield _Named(application, chosen)
        return
    chart = plan.survey.charts[path]
    release = _release(path, chart, entry.helm)
    yield _Named(replace(application, helm=release), chosen)
    if entry.name is not None or entry.helm.values:
        return
    for name, values in chart.values_files(path):
        environment = entry.environment or selection.environment(path) or name
        variant = replace(
            application,
            name=f"{path}@{name}",
            environment=environment,
            helm=replace(release, values=(values,)),
        )
        yield _Named(variant, chosen=False)


def _application(
    path: str, kind: Renderer, entry: ConfiguredApplication, plan: Plan, selection: Selection
) -> Application:
    """The application of a directory, apart from its release if it is a chart."""
    deployments = plan.deployments.get(path, ())
    return Application(
        name=_name(entry, path),
        path=path,
        renderer=kind,
        environment=entry.environment or selection.environment_or_default(path),
        destinations=tuple(sorted({d.namespace for d in deployments if d.namespace})),
    )


def _name(entry: ConfiguredApplication, path: str) -> str:
    if entry.name is None:
        return path
    return f"{entry.name}@{path}" if is_glob(entry.path) else entry.name


def _release(path: str, chart: Chart, helm: ConfiguredHelm) -> HelmRelease:
    """How Helm is called; the release is named after the directory, at the root after the chart."""
    directory = path.rpartition("/")[2] if path != "." else chart.name or "chart"
    return HelmRelease(
        release=helm.release or directory,
        namespace=helm.namespace or "default",
        values=values_paths(path, helm.values),
        api_versions=helm.api_versions,
    )
