"""Trees held in memory, and short ways to ask what discovery makes of them."""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import Affected, Closure, Discovery, affected, discover, discover_pair
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree, blob_id

Files = Mapping[str, "str | bytes | Link | Submodule"]


class Link(str):
    """The target of a symbolic link."""

    __slots__ = ()


class Submodule(str):
    """The commit of a submodule."""

    __slots__ = ()


def tree_of(files: Files, *, identity: str = "") -> Tree:
    """A tree with these files."""
    entries, contents = {}, {}
    for path, content in files.items():
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        oid = blob_id(raw)
        if isinstance(content, Submodule):
            entries[path] = Entry(Mode.SUBMODULE, oid)
            continue
        entries[path] = Entry(Mode.LINK if isinstance(content, Link) else Mode.FILE, oid)
        contents[oid] = raw
    return Tree(entries=entries, blobs=MemoryBlobs(contents=contents), identity=identity)


def kustomization(*resources: str, **fields: object) -> str:
    """A kustomization with these resources, and other fields as YAML flow values."""
    lines = ["kind: Kustomization", f"resources: {list(resources)!r}"]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in fields.items())]) + "\n"


def component(*resources: str) -> str:
    """A Component with these resources."""
    return (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        f"resources: {list(resources)!r}\n"
    )


def manifest(name: str = "web", kind: str = "ConfigMap", api_version: str = "v1") -> str:
    """A small object."""
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n"


def crd(group: str, kind: str) -> str:
    """The head of a CustomResourceDefinition, written as people write it."""
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata:\n  name: {kind.lower()}s.{group}\nspec:\n  group: {group}\n"
        f"  names:\n    kind: {kind}\n    plural: {kind.lower()}s\n"
    )


def chart(name: str = "shop", **fields: object) -> str:
    """A `Chart.yaml`, with other fields as YAML flow values."""
    lines = ["apiVersion: v2", f"name: {name}", "version: 1.0.0"]
    return "\n".join([*lines, *(f"{key}: {value}" for key, value in fields.items())]) + "\n"


def found(files: Files, settings: Settings | None = None) -> Discovery:
    """What is discovered in one tree."""
    return discover(tree_of(files), settings or Settings())


def names(files: Files, settings: Settings | None = None) -> list[str]:
    """The names of the applications in one tree."""
    return list(found(files, settings).applications)


def closure(files: Files, name: str, settings: Settings | None = None) -> Closure:
    """The closure of one application."""
    return found(files, settings).closures[name]


def codes(files: Files, name: str, settings: Settings | None = None) -> list[str]:
    """The codes of the refusals of one application."""
    return [refusal.code for refusal in closure(files, name, settings).refusals]


def blocked(discovery: Discovery) -> list[str]:
    """The unclaimed files whose change cannot be judged."""
    return [item.path for item in discovery.unclaimed if item.blocks]


def reasons(discovery: Discovery) -> dict[str, str]:
    """Why each unclaimed file is unclaimed."""
    return {item.path: item.reason for item in discovery.unclaimed}


def change(base: Files, head: Files, settings: Settings | None = None) -> Affected:
    """What a change between two trees touches."""
    before, after = tree_of(base), tree_of(head)
    one, other = discover_pair(before, after, settings or Settings())
    return affected(one, other, before, after)


def touched(base: Files, head: Files, settings: Settings | None = None) -> list[str]:
    """The names of the applications that a change affects."""
    return list(change(base, head, settings).applications)
