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


def applications_of(plan: Plan, selection: Selection) -> dict[str, Application]:
    """All applications of a revision by name, in sorted order.

    The name is the path, with `@<name>` for a further values file of a chart, unless the
    configuration gives one; for a pattern that is `<name>@<path>`. An application whose path is
    the configured name of another one is called `./<path>`.

    Raises `ConfigurationError` when the configuration gives one name to two applications.
    """
    found = list(_all(plan, selection))
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


def _all(plan: Plan, selection: Selection) -> Iterator[_Named]:
    """Every application, before names are made unique, in sorted order of path."""
    for path in sorted({*plan.kustomizations, *plan.releases, *plan.directories}):
        kinds = {
            Renderer.KUSTOMIZE: path in plan.kustomizations,
            Renderer.HELM: path in plan.releases,
            Renderer.DIRECTORY: path in plan.directories,
        }
        entries = plan.entries.get(path) or (_NO_ENTRY,)
        for entry in entries:
            for kind, there in kinds.items():
                spoken = entry is not _NO_ENTRY and renderer_of(entry, path, plan) is not kind
                if there and not spoken:
                    yield from _applications(path, kind, entry, plan, selection)


def _applications(
    path: str, kind: Renderer, entry: ConfiguredApplication, plan: Plan, selection: Selection
) -> Iterator[_Named]:
    """The applications of one directory with one renderer, as one entry has them."""
    destinations = {d.namespace for d in plan.deployments.get(path, ()) if d.namespace}
    application = Application(
        name=_name(entry, path),
        path=path,
        renderer=kind,
        environment=entry.environment or selection.environment_or_default(path),
        destinations=tuple(sorted(destinations)),
    )
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
