"""Kustomization files and the configuration of Kustomize's plug-ins: what they refer to.

The fields are those of `types/kustomization.go` of `sigs.k8s.io/kustomize/api`, the deprecated
ones included; what a reference means is decided in `gitops_gate.discovery.nodes`, which knows the
tree. What must never run is recognised here: Helm from inside Kustomize, functions, plug-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops_gate.discovery.facts import Issue, Reference, References, Role
from gitops_gate.discovery.reading import (
    LFS_POINTER,
    AmbiguousKeyError,
    Lines,
    fields,
    first_document,
    items,
    lenient_documents,
    text,
    texts,
)
from gitops_gate.discovery.reading import documents as read_documents
from gitops_gate.discovery.references import injection, is_repository, is_web_file
from gitops_gate.errors import ManifestError

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The file names that Kustomize recognises (`konfig.RecognizedKustomizationFileNames`)."""

_GENERATORS = ("configmapgenerator", "secretgenerator")
_PLUGINS = ("generators", "transformers", "validators")
_FUNCTION_ANNOTATIONS = (
    "config.kubernetes.io/function",
    "config.k8s.io/function",
    "config.kubernetes.io/container",
)
_READ_BY_ENGINE = "make it a kustomization that kustomize itself can build"


def read_kustomization(data: bytes) -> References:
    """The facts of a kustomization file; never raises for its content."""
    lines = Lines(data.decode("utf-8", "replace"))
    if data.startswith(LFS_POINTER):
        remedy = "commit the content itself"
        issue = Issue("render/lfs-pointer", "the file is a Git LFS pointer", 1, remedy)
        return References((), (issue,), opaque=True)
    try:
        document = first_document(data)
        if document is not None and not isinstance(document, Mapping):
            return _unreadable("it is not a mapping", 1)
        return _kustomization(fields(document), lines)
    except ManifestError as error:
        return _unreadable(error.message, error.line or 1)
    except AmbiguousKeyError as error:
        return _unreadable(f"the field {error} is given twice, in different case", 1)


def read_plugins(data: bytes) -> References:
    """The facts of a file that configures generators, transformers or validators."""
    lines = Lines(data.decode("utf-8", "replace"))
    try:
        found = [plugin(document, lines) for document in read_documents(data)]
    except ManifestError as error:
        return _unreadable(error.message, error.line or 1)
    except AmbiguousKeyError as error:
        return _unreadable(f"the field {error} is given twice, in different case", 1)
    return _together(found)


def plugin(document: object, lines: Lines) -> References:
    """What one plug-in's configuration refers to. Raises `AmbiguousKeyError`."""
    if not isinstance(document, Mapping):
        return References()
    if text(document.get("kind")).endswith("List") and "items" in document:
        return _together([plugin(item, lines) for item in items(document["items"])])
    kind = text(document.get("kind"))
    hints = tuple(Reference(Role.HINT, value) for value in _scalars(document))
    if document.get("apiVersion") is None:
        return References(hints)
    if document.get("apiVersion") != "builtin":
        return References(hints, (_plugin_issue(document, kind, lines),), opaque=True)
    content = fields(document)
    if kind == "HelmChartInflationGenerator":
        found = _inflation([content], content, lines)
        return References(hints + found.references, found.issues, opaque=True)
    known = [
        text(content.get("path")),
        *(path for path in texts(content.get("paths")) if "\n" not in path),
        *(text(fields(entry).get("path")) for entry in items(content.get("replacements"))),
        *_generated([content]),
    ]
    references = _files(known, lines)
    return _with_injections(hints + references, lines, opaque=kind.endswith("Generator"))


def _kustomization(content: Mapping[str, Any], lines: Lines) -> References:
    references: list[Reference] = []
    for field in ("resources", "bases"):
        references += _found(Role.RESOURCE, texts(content.get(field)), lines)
    references += _found(Role.COMPONENT, texts(content.get("components")), lines)
    references += _files(_file_fields(content), lines)
    inflated = _helm(content, lines)
    plugins = _together(list(_plugin_fields(content, lines)))
    return _with_injections(
        (*references, *inflated.references, *plugins.references),
        lines,
        issues=inflated.issues + plugins.issues,
        component=text(content.get("kind")) == "Component",
        opaque=inflated.opaque or plugins.opaque or bool(texts(content.get("generators"))),
    )


def _file_fields(content: Mapping[str, Any]) -> Iterator[str]:
    """Every path that Kustomize loads as a file, from all fields that hold such."""
    for field in ("patches", "patchesjson6902", "replacements"):
        for entry in items(content.get(field)):
            yield text(fields(entry).get("path"))
    for patch in texts(content.get("patchesstrategicmerge")):
        if "\n" not in patch and not _is_inline(patch):
            yield patch
    for field in ("configurations", "crds"):
        yield from texts(content.get(field))
    yield text(fields(content.get("openapi")).get("path"))
    for field in _GENERATORS:
        yield from _generated(items(content.get(field)))


def _generated(entries: list[Any]) -> Iterator[str]:
    """The files of ConfigMap and Secret generators; `files` may be `key=path`."""
    for entry in entries:
        content = fields(entry)
        yield text(content.get("env"))
        yield from texts(content.get("envs"))
        for source in texts(content.get("files")):
            yield source.partition("=")[2] if "=" in source else source


def _plugin_fields(content: Mapping[str, Any], lines: Lines) -> Iterator[References]:
    for field in _PLUGINS:
        for entry in texts(content.get(field)):
            inline = _inline(entry)
            if inline is None or "\n" not in entry.strip():
                yield References(_found(Role.PLUGIN, [entry], lines))
            for document in inline or ():
                yield plugin(document, lines)


def _helm(content: Mapping[str, Any], lines: Lines) -> References:
    """`helmCharts`, `helmGlobals` and the deprecated `helmChartInflationGenerator`."""
    old = [fields(entry) for entry in items(content.get("helmchartinflationgenerator"))]
    charts = [fields(entry) for entry in items(content.get("helmcharts"))]
    shared = fields(content.get("helmglobals"))
    if not shared:
        for entry in old:
            for new, former in (("charthome", "charthome"), ("confighome", "helmhome")):
                shared[new] = text(entry.get(former)) or shared.get(new, "")
    charts += [
        {
            "name": entry.get("chartname"),
            "version": entry.get("chartversion"),
            "repo": entry.get("chartrepourl"),
            "valuesfile": entry.get("values"),
        }
        for entry in old
    ]
    return _inflation(charts, shared, lines)


def _inflation(charts: list[dict[str, Any]], shared: Mapping[str, Any], lines: Lines) -> References:
    """Charts that Kustomize would have Helm inflate; refused, but their files are known."""
    references: list[Reference] = []
    issues: list[Issue] = []
    for chart in charts:
        name, version, repository = (text(chart.get(key)) for key in ("name", "version", "repo"))
        home = text(shared.get("charthome")) or "charts"
        if version and repository:
            home = f"{home}/{name}-{version}"
        references.append(Reference(Role.CHART, f"{home}/{name}"))
        values = [text(chart.get("valuesfile")), *texts(chart.get("additionalvaluesfiles"))]
        references += _files(values, lines)
        issues.append(
            Issue(
                "render/helm-inflator",
                f"Kustomize would run Helm to inflate the chart {name or '(unnamed)'}",
                lines.of(name),
                "deploy the chart as an application of its own (applications[], renderer: helm), "
                "or commit what it renders to",
            )
        )
    if home_of_helm := text(shared.get("confighome")):
        issues.append(
            Issue(
                "render/config-home",
                f"Helm would be given the configuration folder {home_of_helm}",
                lines.of(home_of_helm),
                "leave out configHome: a folder of configuration can hold plug-ins that run",
            )
        )
    return References(tuple(references), tuple(issues), opaque=bool(charts))


def _plugin_issue(document: Mapping[str, Any], kind: str, lines: Lines) -> Issue:
    """Why a plug-in that is not built into Kustomize is refused, and under which name."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    annotations = metadata.get("annotations")
    annotations = annotations if isinstance(annotations, Mapping) else {}
    function = next(
        (text(annotations[key]) for key in _FUNCTION_ANNOTATIONS if annotations.get(key)), ""
    )
    if not function and metadata.get("configFn") is None:
        return Issue(
            "render/plugin",
            f"the plug-in {document.get('apiVersion')}/{kind} is a program that would run",
            lines.of(kind),
            "use the transformers and generators that are built into Kustomize",
        )
    executes = "exec" in function and "image" not in function
    code, what = (
        ("render/exec-function", "a program of the repository")
        if executes
        else ("render/container-function", "a container")
    )
    return Issue(
        code,
        f"the function {kind} would run {what}",
        lines.of(kind),
        "replace it by what is built into Kustomize, or commit what it generates",
    )


def _found(role: Role, targets: list[str], lines: Lines) -> tuple[Reference, ...]:
    return tuple(
        Reference(role, target, True, lines.of(target))
        if is_repository(target) or is_web_file(target)
        else Reference(role, target)
        for target in targets
    )


def _files(targets: Any, lines: Lines) -> tuple[Reference, ...]:
    """References to files; only what starts like a web address is fetched here."""
    return tuple(
        Reference(Role.FILE, target, True, lines.of(target))
        if is_web_file(target)
        else Reference(Role.FILE, target)
        for target in targets
        if target
    )


def _with_injections(
    references: tuple[Reference, ...],
    lines: Lines,
    *,
    issues: tuple[Issue, ...] = (),
    component: bool = False,
    opaque: bool = False,
) -> References:
    """Add what is wrong with the remote references themselves."""
    found = [
        Issue(
            "render/ref-injection",
            f"{reference.target}: {reason}",
            lines.of(reference.target),
            "name a commit, a branch or a tag",
        )
        for reference in references
        if reference.remote and (reason := injection(reference.target))
    ]
    far = any(reference.remote for reference in references)
    return References(references, (*issues, *found), component, opaque or far)


def _inline(entry: str) -> list[Any] | None:
    """The documents of an entry that is configuration itself, or None for a path."""
    if ":" not in entry:
        return None
    found = lenient_documents(entry)
    inline = found is not None and any(isinstance(item, Mapping) for item in found)
    return found if inline else None


def _is_inline(entry: str) -> bool:
    found = _inline(entry)
    return found is not None and all(
        isinstance(item, Mapping) and item.get("kind") and item.get("metadata") for item in found
    )


def _scalars(value: object) -> Iterator[str]:
    """Every short text in a document that could be the name of a file."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str) and 0 < len(value) < 512 and "\n" not in value:
        yield value


def _together(parts: list[References]) -> References:
    return References(
        tuple(reference for part in parts for reference in part.references),
        tuple(issue for part in parts for issue in part.issues),
        opaque=any(part.opaque for part in parts),
    )


def _unreadable(message: str, line: int) -> References:
    issue = Issue(
        "render/kustomization", f"the file cannot be understood: {message}", line, _READ_BY_ENGINE
    )
    return References((), (issue,), opaque=True)
