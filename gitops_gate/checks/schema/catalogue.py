"""The schemas of Kubernetes' own kinds: where they are and which kinds they know.

They are the files that the `kubernetes-validate` distribution carries: one folder a Kubernetes
version, whose `_definitions.json` holds every type of that version's OpenAPI document. They are
read directly, because importing that package costs more than reading its files. Everything here
is lazy and cached for the process; nothing is written.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops_gate.errors import SchemaError

_PACKAGE = "kubernetes_validate"
_FOLDER = "kubernetes-json-schema"
_VERSION_FOLDER = re.compile(r"v(\d+)\.(\d+)\.\d+-local")

# Types of the API machinery carry group, version and kind like resources do, but no server
# stores them: a manifest with one of these kinds is refused.
_MACHINERY = "io.k8s.apimachinery."

# Groups without a dot belong to Kubernetes: apiextensions demands a dot of every other group.
# Of the names under k8s.io only these are Kubernetes' own; gateway.networking.k8s.io,
# snapshot.storage.k8s.io, autoscaling.k8s.io, metrics.k8s.io and others come as CRDs or as
# aggregated servers.
_GROUPS_IN_K8S_IO = frozenset(
    f"{name}.k8s.io"
    for name in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "auditregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "lifecycle",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "settings",
        "storage",
        "storagemigration",
    )
)

KindKey = tuple[str, str]
"""`apiVersion` and `kind` of a resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The types of one Kubernetes version, as its OpenAPI document gives them.

    `definitions` maps type names (`io.k8s.api.apps.v1.Deployment`) to their schemas; `kinds` says
    which type each kind that a manifest may have is.
    """

    kubernetes: str
    definitions: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[KindKey, str]

    def api_versions(self, kind: str) -> tuple[str, ...]:
        """Every `apiVersion` that has `kind`: the stable ones first, of those the newest."""
        found = {version for version, name in self.kinds if name == kind}
        return tuple(sorted(found, key=_age))

    def kinds_of(self, api_version: str) -> tuple[str, ...]:
        """The kinds of one `apiVersion`, sorted."""
        return tuple(sorted(kind for version, kind in self.kinds if version == api_version))


def is_builtin_group(api_version: str) -> bool:
    """Whether Kubernetes itself owns the group of an `apiVersion`, in whatever version."""
    group = api_version.rpartition("/")[0]
    return "." not in group or group in _GROUPS_IN_K8S_IO


@functools.cache
def known_versions() -> tuple[str, ...]:
    """The Kubernetes versions that schemas exist for, as `major.minor`, oldest first.

    Raises `SchemaError` when the schemas are not installed.
    """
    return tuple(_version_folders())


@functools.cache
def load_catalogue(kubernetes: str) -> Catalogue:
    """The catalogue of a Kubernetes version given as `1.36`, `v1.36` or `1.36.2`.

    Raises `SchemaError` for a version that no schemas exist for, naming those that do.
    """
    wanted = ".".join(kubernetes.strip().removeprefix("v").split(".")[:2])
    folder = _version_folders().get(wanted)
    if folder is None:
        raise SchemaError(
            f"no schemas for Kubernetes {kubernetes!r}; known are {', '.join(known_versions())}",
            remedy="set schemas.kubernetes to one of these",
        )
    try:
        definitions = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SchemaError(f"the schemas of Kubernetes {wanted} cannot be read: {error}") from None
    return Catalogue(kubernetes=wanted, definitions=definitions, kinds=_index(definitions))


@functools.cache
def _version_folders() -> dict[str, Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SchemaError(
            "the schemas of Kubernetes are not installed", remedy="pip install kubernetes-validate"
        )
    root = Path(spec.submodule_search_locations[0]) / _FOLDER
    found = [
        (int(match[1]), int(match[2]), folder)
        for folder in (root.iterdir() if root.is_dir() else ())
        if (match := _VERSION_FOLDER.fullmatch(folder.name))
    ]
    return {f"{major}.{minor}": folder for major, minor, folder in sorted(found)}


def _index(definitions: Mapping[str, Mapping[str, Any]]) -> dict[KindKey, str]:
    kinds: dict[KindKey, str] = {}
    for name, schema in definitions.items():
        if name.startswith(_MACHINERY):
            continue
        for entry in schema.get("x-kubernetes-group-version-kind", ()):
            group, version = entry["group"], entry["version"]
            kinds[f"{group}/{version}" if group else version, entry["kind"]] = name
    return kinds


def _age(api_version: str) -> tuple[int, list[int], str]:
    group, _, version = api_version.rpartition("/")
    stability = 2 if "alpha" in version else 1 if "beta" in version else 0
    return stability, [-int(number) for number in re.findall(r"[0-9]+", version)], group
