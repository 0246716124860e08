"""Where a repository is, from what is pinned and what the forge calls it.

Only the path is the forge's to say. The host is the pinned one, so that no answer chooses where
Git sends a credential that may write.
"""

from __future__ import annotations

import re

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.values import Endpoint, RepositoryIdentity, Target

# docs.gitlab.com/user/reserved_names and GitHub's names have no other characters.
_PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+")


def identify(
    endpoint: Endpoint, target: Target, *, number: int, path: str, default_branch: str | None
) -> RepositoryIdentity:
    """The identity of the repository that a forge answered with.

    Raises `ForgeError` when another id is pinned, or for a path that no repository has.
    """
    if target.repository_id not in (None, number):
        raise forge_error(
            f"{target.repository} is repository {number} on the forge, and not the pinned "
            f"{target.repository_id}",
            remedy="if this is meant, change forge.repository_id in the approved configuration",
        )
    if _PATH.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        raise forge_error("the forge gives the repository a path that cannot be one")
    url = f"{endpoint.web_url}/{path}"
    return RepositoryIdentity(
        id=number, path=path, url=url, clone_url=f"{url}.git", default_branch=default_branch
    )
