"""A GitHub of our own: `GitHubServer`, with what people do on it in `actions`."""

from tests.forges.github.server import GitHubServer

__all__ = ["GitHubServer"]
