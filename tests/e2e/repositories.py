"""Small GitOps repositories, generated: a base, and a head that edits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.source.repositories import GitRepository

Files = Mapping[str, "str | bytes | Link | None"]

QUIET = "version: 1\npolicies: {builtin: []}\n"
"""A configuration without any rule of the library, for tests that are about something else."""


class Link(str):
    """The target of a symbolic link."""

    __slots__ = ()


@dataclass(frozen=True)
class Run:
    """What one run of the command left behind; `report` is the JSON report, {} without one."""

    code: int
    out: str
    err: str
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def reasons(self) -> list[str]:
        return [reason["code"] for reason in self.report["reasons"]]

    @property
    def introduced(self) -> list[tuple[str, str]]:
        """Rule and message of every finding that the change introduces."""
        return [(f["rule"], f["message"]) for f in self.report["findings"] if f["introduced"]]

    @property
    def rules(self) -> list[str]:
        """The rule of every finding, introduced or not."""
        return [finding["rule"] for finding in self.report["findings"]]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Application, operation and `Kind/name` of every change."""
        return [
            (c["application"], c["operation"], f"{c['resource']['kind']}/{c['resource']['name']}")
            for c in self.report["changes"]
        ]

    @property
    def affected(self) -> list[str]:
        return [a["name"] for a in self.report["applications"] if a["affected"]]

    def application(self, name: str) -> dict[str, Any]:
        (found,) = [a for a in self.report["applications"] if a["name"] == name]
        return found


def edit(repository: GitRepository, files: Files) -> None:
    """Write files of the working tree, or remove those that are None."""
    for path, content in files.items():
        place = repository.folder / path
        if place.is_symlink() or content is None or isinstance(content, Link):
            place.unlink(missing_ok=content is not None)
        if isinstance(content, Link):
            repository.link(path, content)
        elif content is not None:
            repository.write(path, content)


def repository(folder: Path, base: Files, head: Files | None = None) -> GitRepository:
    """A repository on `main` with the base; with a head, on `change` with its edits on top."""
    made = GitRepository(folder)
    edit(made, base)
    made.commit("base")
    if head is not None:
        made.git("checkout", "--quiet", "-b", "change")
        edit(made, head)
        made.commit("head")
    return made


def config_map(name: str = "settings", namespace: str = "shop", **data: str) -> str:
    """A ConfigMap with this data."""
    return manifest("v1", "ConfigMap", name, namespace, data=data or {"colour": "blue"})


def manifest(
    version: str, kind: str, name: str, namespace: str | None = "shop", **more: Any
) -> str:
    """Any object, as JSON, which is YAML."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    made = {"apiVersion": version, "kind": kind, "metadata": metadata, **more}
    return json.dumps(made, indent=2) + "\n"


def deployment(
    name: str = "web", *containers: Mapping[str, Any], replicas: Any = 2, namespace: str = "shop"
) -> str:
    """A Deployment with these containers, or with one."""
    labels = {"app": name}
    chosen = list(containers) or [container()]
    return manifest(
        "apps/v1",
        "Deployment",
        name,
        namespace,
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": chosen}},
        },
    )


def container(name: str = "app", image: str = "registry.example.com/app:1.2", **more: Any) -> Any:
    """A container."""
    return {"name": name, "image": image, **more}


def kustomization(*resources: str, **fields: Any) -> str:
    """A kustomization, as JSON."""
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return json.dumps({**head, "resources": list(resources), **fields}, indent=2) + "\n"


def chart(name: str = "shop", **fields: Any) -> str:
    """A `Chart.yaml`."""
    return json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0", **fields}) + "\n"


def crd(kind: str = "Widget", group: str = "example.com", /, **properties: Any) -> str:
    """A CustomResourceDefinition whose `spec` has these properties."""
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": properties}},
    }
    return manifest(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"{plural}.{group}",
        None,
        spec={
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    )


def rule(name: str, body: str, **custom: Any) -> str:
    """A policy `house/<name>` of the native dialect."""
    about = "".join(f"#   {key}: {json.dumps(value)}\n" for key, value in custom.items())
    block = f"# custom:\n{about}" if about else ""
    return f"# METADATA\n# title: {name}\n{block}package gitops_gate.house.{name}\n\n{body}\n"
