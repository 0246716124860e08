"""Extra schema directories of the repository, in the layout of the CRDs catalogue.

A file `<group>/<kind>_<version>.json` holds the JSON Schema of one kind, its name in lower case.
Files are parsed when a resource of their kind is there. They come from the tree that is checked:
nothing is fetched, and a schema that refers to another document is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gitops_gate.checks.schema.catalogue import KindKey
from gitops_gate.checks.schema.crds import CustomSchema
from gitops_gate.errors import SchemaError

MAXIMUM_BYTES = 16 * 1024 * 1024
_SUFFIX = ".json"


class SchemaDirectories:
    """The schemas below `schemas.locations`; of two for one kind, the earlier location wins."""

    def __init__(self, directories: Sequence[str], files: Mapping[str, bytes]) -> None:
        ranks = [_normalised(directory) for directory in directories]
        self._files = files
        self._paths: dict[tuple[str, str], str] = {}
        for path in sorted(files, key=lambda path: (_rank(path, ranks), path)):
            key = _key_of_path(path)
            if key is not None:
                self._paths.setdefault(key, path)

    def find(self, key: KindKey) -> CustomSchema | None:
        """The schema of a kind, or None. Raises `SchemaError` when its file is no JSON object."""
        api_version, kind = key
        path = self._paths.get((api_version.lower(), kind.lower()))
        return None if path is None else _read(path, self._files[path])


def _read(path: str, content: bytes) -> CustomSchema:
    if len(content) > MAXIMUM_BYTES:
        raise SchemaError(f"the schema is larger than {MAXIMUM_BYTES:,} bytes", path=path)
    try:
        schema = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"the schema is not JSON: {error}", path=path) from None
    if not isinstance(schema, Mapping):
        raise SchemaError("the schema must be a JSON object", path=path)
    return CustomSchema(origin=path, schema=schema, prunes=False)


def _key_of_path(path: str) -> tuple[str, str] | None:
    """`apiVersion` and `kind`, in lower case, of a file that follows the layout."""
    parts = path.lower().split("/")
    if len(parts) < 2 or not parts[-1].endswith(_SUFFIX):
        return None
    kind, separator, version = parts[-1].removesuffix(_SUFFIX).rpartition("_")
    if not separator or not kind or not version:
        return None
    return f"{parts[-2]}/{version}", kind


def _rank(path: str, directories: Sequence[str]) -> int:
    for rank, directory in enumerate(directories):
        if not directory or path.startswith(f"{directory}/"):
            return rank
    return len(directories)


def _normalised(directory: str) -> str:
    return directory.removeprefix("./").strip("/").removeprefix(".")
