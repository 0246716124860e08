"""The fixture that gives a test a GitHub; other folders' `conftest.py` may import it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forges.github.server import GitHubServer


@pytest.fixture
def github_server() -> Iterator[GitHubServer]:
    """A GitHub with nothing on it. At the end, whatever broke its descriptions fails the test."""
    with GitHubServer() as server:
        yield server
    server.check()
