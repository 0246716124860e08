"""Hydrated trees: what every application renders to, as files that a cluster's agent reads as is.

For teams whose cluster reads plain YAML: a delivery ref with `hydrate: true` carries these files
instead of the branch's own. After the verdict on the tree, before the ref moves. Here nothing is
shown or published: values are those that the cluster gets, secret ones too.

    tree ──render, read──> desired_state ──one file a resource──> hydrated_files

`gitops_gate.recovery.rebuild` orders the same desired state for an empty cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitops_gate import pipeline
from gitops_gate.discovery.values import Application, Renderer
from gitops_gate.documents import dump_yaml, expand_lists, load_document, load_yaml
from gitops_gate.errors import ConfigurationError, ManifestError, RenderError
from gitops_gate.render.values import Rendered, VolatileField
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.wording import path_text, plural
from gitops_gate.resources.plain import text_of
from gitops_gate.resources.read import read_resources
from gitops_gate.resources.values import Resource, ResourceReference
from gitops_gate.source.values import Tree

SKIPPED_BY_ARGO_CD = b"+argocd:skip-file-rendering"
"""Argo CD leaves out a file of a directory that holds these bytes anywhere ("Directory")."""

_JOINT = "+"
_SHORTENED = "~"
_LONGEST_NAME = 200
_MOST_NAMED = 20
_LOWER = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_ALPHANUMERIC = _LOWER | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OBJECT_NAME = _LOWER | frozenset(b".-")
_FOLDER_NAME = _ALPHANUMERIC | frozenset(b".-_@")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredResource:
    """One object as the agent would apply it; `value` is JSON-like and must not be changed.

    Unlike `Resource.value`, it has the block of SOPS, which Flux decrypts by. `source` is the file
    that the renderer names for it, else the application's folder.
    """

    reference: ResourceReference
    value: Mapping[str, Any] = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredApplication:
    """An application with everything that it deploys, sorted by reference.

    `volatile` are fields that differ between two renders of its files. `sandboxed` is false where
    its program ran with the rights of this process.
    """

    application: Application
    resources: tuple[DesiredResource, ...]
    volatile: tuple[VolatileField, ...] = ()
    sandboxed: bool = True


def desired_state(tree: Tree, options: pipeline.Options) -> tuple[DesiredApplication, ...]:
    """The complete desired state of a tree's applications, in the order of their names.

    Raises `RenderError` that names every application which cannot be rendered or read: a state
    without them is no state. Raises `GitOpsGateError` as `pipeline.render_applications` does.
    """
    states: list[DesiredApplication] = []
    problems: list[RenderError] = []
    for application, rendered in _progressing(tree, options):
        try:
            states.append(_desired(application, rendered))
        except RenderError as error:
            problems.append(error)
    if problems:
        raise _together(problems, "cannot be rendered")
    return tuple(states)


def hydrated_files(
    tree: Tree, options: pipeline.Options, environments: tuple[str, ...]
) -> Mapping[str, bytes]:
    """The files of a hydrated tree by path, sorted, for these environments (empty: for all).

    Each resource is one file, `<environment>/<application>/<Kind>.<group>+<namespace>+<name>.yaml`:
    a reviewer and `git log` see which resource changed by the path, where in one long file a diff
    shows lines without their object and a forge folds it away. Each application is one folder, and
    no folder is inside another application's: Argo CD reads a folder, and Flux all below it, so
    that one path is exactly one application, and the environment's folder is exactly that
    environment. The `/` of an application's name is a `+`; whatever else could mean something to a
    file system is written as `%` and two hexadecimal digits, so that two names never meet.

    The bytes depend on the tree alone: keys are sorted, and the values are those of the rendered
    document, so that what Kubernetes reads is the same. Comments name the application and the
    source file; the commit belongs into the message of the commit that carries the tree, since in
    a file it would make every file differ with every commit. The same object in two applications
    is in both folders.

    Raises `RenderError`, naming applications and resources, when one cannot be rendered (a missing
    sandbox counts), has a field that differs between two renders, has a resource twice, or holds
    what agents read in different ways. Raises `ConfigurationError` for options that narrow, and
    when there is no application at all, since an empty tree would empty the cluster.
    """
    if options.applications or options.environments or options.configuration:
        raise ConfigurationError(
            "a hydrated tree is never narrowed, nor made by a configuration that is only tried out",
            remedy="leave out --application, --environment and --config",
        )
    strict = replace(options, environments=environments, require_sandbox=True)
    states = desired_state(tree, strict)
    if not states:
        where = f" of {', '.join(map(one_line, environments))}" if environments else ""
        raise ConfigurationError(
            f"there is no application{where} to hydrate, and an empty tree would empty the cluster",
            remedy="see which there are: gitops-gate render --list",
        )
    problems = [problem for state in states for problem in _objections(state, tree)]
    files: dict[str, bytes] = {}
    for state in states:
        for path, content in _files(state):
            if files.setdefault(path, content) is not content:
                problems.append(RenderError(f"two resources share the file {one_line(path)}"))
            if SKIPPED_BY_ARGO_CD in content:
                problems.append(_skipped(state.application.name, path))
    if problems:
        raise _together(problems, "cannot be hydrated")
    return dict(sorted(files.items()))


def document_text(resource: DesiredResource, application: str) -> bytes:
    """A resource as YAML: where it comes from as comments, then its value, keys sorted.

    Raises `RenderError` for a value that would not be read back as the same.
    """
    try:
        text = dump_yaml(resource.value)
        same = [text_of(value) for value in load_yaml(text)] == [text_of(resource.value)]
    except ManifestError as error:
        raise _problem(application, f"{resource.reference}: {error.message}") from None
    if not same:
        raise _problem(
            application, f"{resource.reference} holds a number that YAML cannot carry exactly"
        )
    origin = f"# Application: {one_line(application)}\n# Source: {one_line(resource.source)}\n"
    return (origin + text).encode()


def _progressing(tree: Tree, options: pipeline.Options) -> Iterator[tuple[Application, Rendered]]:
    """Every application rendered, with the progress told."""
    total = len(pipeline.list_applications(tree, options))
    show = options.stage("rendering")
    for done, rendered in enumerate(pipeline.render_applications(tree, options)):
        show(done, total)
        yield rendered
    show(total, total)


def _desired(application: Application, rendered: Rendered) -> DesiredApplication:
    if rendered.failure is not None:
        failure = rendered.failure
        raise RenderError(
            f"{one_line(application.name)}: {failure.message}",
            path=failure.path,
            line=failure.line,
            remedy=failure.remedy,
        )
    read = read_resources(rendered.manifests)
    if read.unreadable:
        first = read.unreadable[0]
        what = f" ({first.reference})" if first.reference and first.reference.name else ""
        raise _problem(application.name, f"{first.message}{what}", path=first.origin.path)
    resources = [_desired_resource(application, resource) for resource in read.resources]
    return DesiredApplication(
        application=application,
        resources=tuple(sorted(resources, key=_order)),
        volatile=rendered.volatile,
        sandboxed=rendered.sandboxed,
    )


def _desired_resource(application: Application, resource: Resource) -> DesiredResource:
    value = resource.value
    if b"sops" in resource.text:
        parts = {path: part for part, path in expand_lists(load_document(resource.text))}
        whole = parts[resource.origin.prefix]
        assert isinstance(whole, Mapping)
        value = whole
    source = resource.origin.path or application.path
    return DesiredResource(reference=resource.reference, value=value, source=source)


def _order(resource: DesiredResource) -> tuple[Any, ...]:
    """By key; those that share one (generated names, duplicates) by what they hold."""
    return (*resource.reference.key, text_of(resource.value))


def _objections(state: DesiredApplication, tree: Tree) -> Iterator[RenderError]:
    """Why an application that renders must not be frozen into files."""
    application = state.application.name
    for volatile in state.volatile:
        api_version, kind, namespace, name = volatile.resource
        reference = ResourceReference(
            api_version=api_version, kind=kind, namespace=namespace, name=name
        )
        place = f" in {path_text(volatile.field)}" if volatile.field else ""
        yield _problem(
            application,
            f"{reference} differs between two renders of the same files{place}",
            remedy="set the value from the values file, or take it from a Secret that exists",
        )
    for before, resource in zip(state.resources, state.resources[1:], strict=False):
        if before.reference.key == resource.reference.key and _has_name(resource):
            yield _problem(application, f"{resource.reference} is there more than once")
    if state.application.renderer is Renderer.DIRECTORY:
        sources = {resource.source for resource in state.resources} & tree.entries.keys()
        for path in sorted(sources):
            if SKIPPED_BY_ARGO_CD in tree.read(path):
                yield _skipped(application, path)


def _skipped(application: str, path: str) -> RenderError:
    return _problem(
        application,
        f"{path} says {SKIPPED_BY_ARGO_CD.decode()}, so Argo CD leaves it out and Flux does not",
        remedy="remove the words, or leave the file out by discovery.exclude",
    )


def _has_name(resource: DesiredResource) -> bool:
    """Whether the name is the object's own, and not the start of one that the server makes up."""
    return bool(resource.value.get("metadata", {}).get("name"))


def _files(state: DesiredApplication) -> Iterator[tuple[str, bytes]]:
    application = state.application
    folder = f"{_folder(application.environment)}/{_folder(application.name)}"
    if not state.resources:
        # Git keeps no empty folder, and an agent whose folder is gone does not remove anything.
        text = f"# Application: {one_line(application.name)}\n# It renders to nothing.\n"
        yield f"{folder}/nothing.yaml", text.encode()
    seen: dict[str, int] = {}
    for resource in state.resources:
        name = _file_name(resource.reference)
        count = seen[name] = seen.get(name, 0) + 1
        suffix = "" if count == 1 else f"{_SHORTENED}{count}"
        yield f"{folder}/{name}{suffix}.yaml", document_text(resource, application.name)


def _folder(name: str) -> str:
    """A name as one folder; it never starts with a dot, which would hide it."""
    joined = _JOINT.join(_escaped(part, _FOLDER_NAME) for part in name.split("/"))
    return _bounded(f"%2E{joined[1:]}" if joined.startswith(".") else joined)


def _file_name(reference: ResourceReference) -> str:
    key = reference.key
    kind = _escaped(key.kind, _ALPHANUMERIC)
    group = f".{_escaped(key.group, _OBJECT_NAME)}" if key.group else ""
    names = [key.namespace, key.name] if key.namespace else [key.name]
    parts = [f"{kind}{group}", *(_escaped(name, _OBJECT_NAME) for name in names)]
    return _bounded(_JOINT.join(parts))


def _escaped(text: str, plain: frozenset[int]) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in raw)


def _bounded(name: str) -> str:
    """A name that every file system takes; of a longer one, the start and a digest of it all."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}{_SHORTENED}{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _problem(
    application: str, message: str, *, path: str | None = None, remedy: str | None = None
) -> RenderError:
    return RenderError(f"{one_line(application)}: {one_line(message)}", path=path, remedy=remedy)


def _together(problems: Sequence[RenderError], what: str) -> RenderError:
    """One error for all problems; alone, one keeps its place and its remedy."""
    if len(problems) == 1:
        return problems[0]
    lines = [str(problem).replace("\n", "\n  ") for problem in problems[:_MOST_NAMED]]
    if len(problems) > _MOST_NAMED:
        lines.append(f"and {plural(len(problems) - _MOST_NAMED, 'more problem')}")
    return RenderError(f"{what}: {plural(len(problems), 'problem')}\n  " + "\n  ".join(lines))
