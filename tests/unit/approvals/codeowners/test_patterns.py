"""Which paths a pattern matches, dialect by dialect."""

from __future__ import annotations

import pytest

from gitops_gate.approvals.codeowners import Dialect, owners_of, parse
from tests.unit.approvals.codeowners.tables import GITHUB, GITLAB, cases


def matches(dialect: Dialect, pattern: str, path: str) -> bool:
    file = parse(f"{pattern} @owner\n", dialect)
    assert file.problems == ()
    return bool(owners_of(file, path))


@pytest.mark.parametrize(("pattern", "path", "expected"), cases(GITHUB))
def test_github(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(Dialect.GITHUB, pattern, path) is expected


@pytest.mark.parametrize(("pattern", "path", "expected"), cases(GITLAB))
def test_gitlab(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(Dialect.GITLAB, pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "github", "gitlab"),
    [
        ("docs/*", "a/docs/b", False, True),
        ("foo/bar", "x/foo/bar", False, True),
        ("docs", "docs/a", True, False),
        ("/docs", "docs/a", True, False),
        ("/docs/**", "docs/a/b", True, False),
        ("/docs/*.d", "docs/x.d/a", True, False),
        ("**/docs", "docs/a", True, False),
        ("/", "a", False, True),
        ("**/*.md", "x.md/y", True, False),
    ],
)
def test_the_dialects_differ(pattern: str, path: str, *, github: bool, gitlab: bool) -> None:
    """The same line, and another answer."""
    lines = f"{pattern} @owner"
    assert bool(owners_of(parse(lines, Dialect.GITHUB), path)) is github
    assert bool(owners_of(parse(lines, Dialect.GITLAB), path)) is gitlab


@pytest.mark.parametrize("dialect", Dialect)
def test_spaces_are_escaped(dialect: Dialect) -> None:
    assert matches(dialect, r"/path\ with\ spaces/*.md", "path with spaces/a.md")
    assert not matches(dialect, r"/path\ with\ spaces/*.md", "path")


@pytest.mark.parametrize("dialect", Dialect)
def test_bytes_that_are_no_utf_8_match_themselves(dialect: Dialect) -> None:
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    assert matches(dialect, name, f"x/{name}")
    assert not matches(dialect, name, "x/café.txt")
