"""What the tests of the source room share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.source.repositories import GitRepository


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """An empty repository."""
    return GitRepository(tmp_path / "repository")
