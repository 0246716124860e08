"""Applications in memory for tests of the render room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Application, Closure, HelmRelease, Renderer
from gitops_gate.render import Rendered, render
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree, blob_id

Files = Mapping[str, str | bytes]


def tree_of(files: Files, *, links: Mapping[str, str] | None = None) -> Tree:
    """A tree with these files, and links to these targets."""
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    for mode, some in ((Mode.FILE, files), (Mode.LINK, links or {})):
        for path, text in some.items():
            content = text.encode() if isinstance(text, str) else text
            oid = blob_id(content)
            contents[oid] = content
            entries[path] = Entry(mode, oid)
    return Tree(entries=dict(sorted(entries.items())), blobs=MemoryBlobs(contents=contents))


def application(
    renderer: Renderer, path: str = "app", *, helm: HelmRelease | None = None
) -> Application:
    """An application at `path`; a chart's release is called as its directory."""
    if renderer is Renderer.HELM and helm is None:
        helm = HelmRelease(release=path.rpartition("/")[2])
    return Application(name=path, path=path, renderer=renderer, environment="default", helm=helm)


def rendered(
    renderer: Renderer,
    files: Files,
    *,
    path: str = "app",
    links: Mapping[str, str] | None = None,
    helm: HelmRelease | None = None,
    closure: Closure | None = None,
    settings: RenderSettings | None = None,
    kubernetes: str = "1.36",
    **options: Any,
) -> Rendered:
    """Render an application that reads all these files."""
    tree = tree_of(files, links=links)
    return render(
        application(renderer, path, helm=helm),
        closure or Closure(files=frozenset(tree.entries)),
        tree,
        settings or RenderSettings(),
        kubernetes=kubernetes,
        **options,
    )


def texts(result: Rendered) -> list[str]:
    """The manifests as text. Fails the test when rendering failed."""
    assert result.failure is None, result.failure
    return [manifest.text.decode() for manifest in result.manifests]


def config_map(name: str, **data: str) -> str:
    """A ConfigMap's manifest."""
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata:", f"  name: {name}"]
    lines += ["data:", *(f"  {key}: {value}" for key, value in data.items())] if data else []
    return "\n".join(lines) + "\n"
