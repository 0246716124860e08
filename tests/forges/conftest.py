"""Forges of our own for the tests of this folder."""

from tests.forges.github.fixtures import github_server

__all__ = ["github_server"]
