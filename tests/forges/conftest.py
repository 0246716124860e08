"""Forges of our own for the tests of this folder."""

from tests.forges.github.fixtures import github_server
from tests.forges.gitlab.fixtures import (
    gitlab_repository,
    gitlab_server,
    gitlab_shop,
    start_gitlab,
)

__all__ = ["github_server", "gitlab_repository", "gitlab_server", "gitlab_shop", "start_gitlab"]
