"""`pytest --update-golden` writes the golden files anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a golden file, byte by byte."""
    update = request.config.getoption("--update-golden", default=False)

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if update:
            file.write_bytes(text.encode())
        assert file.read_bytes().decode() == text

    return compare
