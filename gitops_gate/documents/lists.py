"""Takes lists of resources apart, as kubectl, Argo CD, Flux and Kustomize do."""

from __future__ import annotations

from gitops_gate.documents.limits import DEFAULT_LIMITS
from gitops_gate.errors import ManifestError

Path = tuple[str | int, ...]
"""A path into a JSON-like value: keys, and indexes into lists."""


def expand_lists(value: object) -> tuple[tuple[object, Path], ...]:
    """The resources that a document stands for, each with its path in the document.

    A resource that is no list is alone, with the empty path. To kubectl, Argo CD and Flux a list is
    whatever has a sequence `items` at the top, to Kustomize what has a kind that ends in `List`.
    Here it is what satisfies either: of the first sort only when every item is an object, since
    something else could not be applied anyway. So a custom resource of a kind such as `AllowList`
    without `items` stays whole, and nothing can hide as an item of an innocent kind. Lists inside
    lists are taken apart too. As with kubectl, an item of a typed list (`ConfigMapList`) that has
    neither `apiVersion` nor `kind` gets those of the list.

    Raises `ManifestError` when a list holds something that is not an object.

    Sources: `unstructured.UnstructuredList` in
    <https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1/unstructured>, and
    <https://kubernetes.io/docs/reference/using-api/api-concepts/#collections>.
    """
    resources: list[tuple[object, Path]] = []
    pending: list[tuple[object, Path]] = [(value, ())]
    while pending:
        resource, path = pending.pop()
        items = _items(resource, path)
        if items is None:
            resources.append((resource, path))
        elif len(path) >= DEFAULT_LIMITS.max_depth:
            raise ManifestError("lists of lists, nested too deeply")
        else:
            numbered = [(item, (*path, "items", index)) for index, item in enumerate(items)]
            pending += reversed(numbered)
    return tuple(resources)


def _items(resource: object, path: Path) -> list[object] | None:
    """The items of a list, with kinds of their own, or None for what is not a list."""
    if not isinstance(resource, dict) or "items" not in resource:
        return None
    kind, items = resource.get("kind"), resource["items"]
    if not isinstance(kind, str) or not kind:
        return None
    is_list_kind = kind.endswith("List")
    if items is None and is_list_kind:
        return []
    if not isinstance(items, list):
        return None
    objects = [item for item in items if isinstance(item, dict)]
    if is_list_kind and len(objects) < len(items):
        where = ".".join(map(str, (*path, "items")))
        raise ManifestError(f"{where} of a {kind} holds something that is not an object")
    if not is_list_kind and not (items and len(objects) == len(items)):
        return None
    return [_with_kind(item, resource.get("apiVersion"), kind) for item in objects]


def _with_kind(item: dict[str, object], api_version: object, list_kind: str) -> object:
    """The item, with the kind of a typed list when it has none of its own."""
    item_kind = list_kind.removesuffix("List")
    if item.get("kind") or item.get("apiVersion") or not item_kind:
        return item
    return {**item, "apiVersion": api_version, "kind": item_kind}
