"""The commit that a hydrated delivery ref is moved to: the manifests that a commit renders to."""

from __future__ import annotations

from dataclasses import replace

from gitops_gate.config import CONFIGURATION_PATH
from gitops_gate.config.delivery_settings import DeliveryTarget
from gitops_gate.delivery.hydrate import hydrated_files
from gitops_gate.pipeline import Options
from gitops_gate.source import Repository
from gitops_gate.source.commits import edited_tree, read_commit, write_commit

_TITLE = "Render "


def is_rendered_from(repository: Repository, delivered: str, commit: str) -> bool:
    """Whether a commit of a hydrated ref says that it was made from this commit of the branch.

    A commit of the branch itself, whose message anybody may have written, holds the configuration;
    what is rendered never does. Raises `SourceError`.
    """
    title = read_commit(repository, delivered).message.partition("\n")[0]
    tree = repository.revision(delivered).tree
    return title == f"{_TITLE}{commit}" and CONFIGURATION_PATH not in tree.entries


def hydrated_commit(
    repository: Repository,
    commit: str,
    before: str | None,
    target: DeliveryTarget,
    options: Options,
) -> tuple[str, str]:
    """The ids of a commit on top of `before`, and of its tree, which holds nothing but manifests.

    The same for the same commit, whenever and wherever it is made. Raises `GitOpsGateError` where
    an application cannot be rendered to what a cluster would read.
    """
    facts = read_commit(repository, commit)
    guarded = replace(options, require_sandbox=True)
    files = hydrated_files(repository.revision(commit).tree, guarded, target.environments)
    tree = edited_tree(repository, None, files)
    made = write_commit(
        repository,
        tree=tree,
        parents=(before,) if before else (),
        message=f"{_TITLE}{commit}\n\n{facts.subject}\n",
        at=facts.committed_at,
    )
    return made, tree
