"""The refusals that more than one part of discovery gives, in one wording.

A refusal keeps a renderer from being started. Those that a file's content alone calls for are in
`gitops_gate.discovery.kustomizations`; these need the tree.
"""

from __future__ import annotations

from gitops_gate.discovery.values import Refusal

_VENDOR = "run `helm dependency build` and commit the charts/ folder"


def submodule(path: str) -> Refusal:
    """Something lies in a submodule, which is never read."""
    return Refusal(
        code="render/submodule",
        message=f"{path} is a submodule, whose content is not part of this repository",
        path=path,
        remedy="commit the files themselves",
    )


def leads_outside(path: str) -> Refusal:
    """A link leads out of the repository, or round in circles."""
    return Refusal(
        code="render/link-outside",
        message="the link leads out of the repository, or round in circles",
        path=path,
        remedy="let the link point to a file of this repository",
    )


def path_outside(reference: str, path: str, line: int = 0) -> Refusal:
    """A reference is an absolute path, or climbs out of the repository."""
    return Refusal(
        code="render/path-outside",
        message=f"{reference} lies outside the repository",
        path=path,
        line=line,
        remedy="refer to files of this repository by relative paths",
    )


def dependency_outside(repository: str, path: str) -> Refusal:
    """A chart depends on a folder that is not part of the repository."""
    return Refusal(
        code="render/path-outside",
        message=f"the dependency {repository} lies outside the repository",
        path=path,
        remedy=_VENDOR,
    )


def not_vendored(name: str, repository: str, path: str) -> Refusal:
    """A chart depends on one that would have to be downloaded."""
    origin = f" of {repository}" if repository else ""
    return Refusal(
        code="render/chart-dependency",
        message=f"the dependency {name}{origin} is not in the repository",
        path=path,
        remedy=_VENDOR,
    )


def plugins_too_far(path: str) -> Refusal:
    """The configuration of plug-ins leads through more kustomizations than are followed."""
    return Refusal(
        code="render/kustomization",
        message="its plug-ins are configured through more kustomizations than are followed",
        path=path,
        remedy="name the files that configure plug-ins directly",
    )


def pointer(path: str) -> Refusal:
    """A file's content is kept elsewhere by Git LFS."""
    return Refusal(
        code="render/lfs-pointer",
        message="the file is a Git LFS pointer, its content is not part of this repository",
        path=path,
        remedy="commit the content itself",
    )


def argocd_source(path: str) -> Refusal:
    """Argo CD would override parameters by a file that is not read here."""
    return Refusal(
        code="render/argocd-source",
        message="Argo CD overrides parameters by this file, which is not read here",
        path=path,
        remedy="put the parameters into the Application, the kustomization or a values file",
    )


def jsonnet(path: str) -> Refusal:
    """Argo CD would evaluate Jsonnet."""
    return Refusal(
        code="render/jsonnet",
        message="Argo CD evaluates Jsonnet here, which is not evaluated here",
        path=path,
        remedy="commit the manifests that it generates",
    )


def config_plugin(path: str) -> Refusal:
    """Argo CD would run a configuration management plug-in."""
    return Refusal(
        code="render/plugin",
        message="an Argo CD Application has this path rendered by a plug-in, which is not run here",
        path=path,
        remedy="commit the manifests that it generates",
    )
