"""Patterns match the paths that people expect, at once."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.config import is_glob, matches, matches_any
from gitops_gate.config.globs import check_glob, check_path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**", "a"),
        ("**", "a/b/c"),
        ("**", "."),
        (".", "."),
        ("**/.", "x/."),
        ("**/prod/**", "prod"),
        ("**/prod/**", "a/b/prod"),
        ("**/prod/**", "prod/a/b"),
        ("**/prod/**", "a/prod/b"),
        ("clusters/prod/**", "clusters/prod"),
        ("**/overlays/production", "overlays/production"),
        ("**/overlays/production", "apps/shop/overlays/production"),
        ("apps/*/base", "apps/shop/base"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("**/a/**/a/**/b", "a/x/a/a/b"),
        ("*.yaml", ".hidden.yaml"),
        ("*", "new\nline"),
        ("a?c", "abc"),
        ("a?c", "aüc"),
        ("[ab]x", "bx"),
        ("[!ab]x", "cx"),
        ("[a-c]x", "bx"),
        ("x[[]y", "x[y"),
        ("x[]]y", "x]y"),
        ("vendor/", "vendor"),
        ("vendor/", "vendor/a/b"),
        ("a**z", "abcz"),
        ("\udcff*", "\udcffx"),
    ],
)
def test_matches(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*", "a/b"),
        ("*", "."),
        (".", "a"),
        ("apps/*/base", "apps/a/b/base"),
        ("**/prod/**", "a/production/b"),
        ("**/prod", "prod/a"),
        ("a?c", "a/c"),
        ("a", "A"),
        ("a", "ab"),
        ("a/**/b", "a/x"),
        ("[!a]", "/"),
        ("vendor/", "a/vendor"),
        ("**/a/b", "a/a/c"),
    ],
)
def test_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


def test_one_of_several_is_enough() -> None:
    assert matches_any(["a", "b/**"], "b/c")
    assert not matches_any([], "a")


@pytest.mark.parametrize("text", ["*", "a/**", "a?", "[ab]", "a/"])
def test_what_can_match_several_paths_is_a_pattern(text: str) -> None:
    assert is_glob(text)
    assert not is_glob("apps/shop")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty"),
        ("/a", "first /"),
        ("a//b", "empty segments"),
        ("a/../b", "no .."),
        ("./a", "no . and"),
        ("a/[bc", "never closed"),
        ("a[", "never closed"),
        ("a[]", "never closed"),
        ("a[!]", "never closed"),
        ("a\\b", "backslashes"),
        ("a\nb", "control"),
    ],
)
def test_what_cannot_mean_anything_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_glob(pattern)


@pytest.mark.parametrize("pattern", [".", "a", "a/", "**", "[[]x", "[]]x", "[!]]x", "a/[b]/c"])
def test_what_can_is_accepted(pattern: str) -> None:
    check_glob(pattern)


@pytest.mark.parametrize("path", ["", "/etc", "../x", "a/..", "x\0"])
def test_a_path_stays_in_the_repository(path: str) -> None:
    with pytest.raises(ValueError, match="a path"):
        check_path(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 40 + "b", "a" * 4000),
        ("**/" * 40 + "b", "a/" * 400 + "a"),
        ("**/a/" * 40 + "b", "a/" * 400 + "a"),
        ("*" * 5000 + "b", "a" * 5000),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    start = time.perf_counter()
    assert not matches(pattern, path)
    assert time.perf_counter() - start < 2


segment = st.text("ab*?.", min_size=1, max_size=3).filter(lambda text: text.strip(".") != "")
patterns = st.lists(st.one_of(segment, st.just("**")), min_size=1, max_size=4).map("/".join)
paths = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=5).map("/".join)


def slowly(pattern: list[str], path: list[str]) -> bool:
    """The definition, spelled out."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(slowly(pattern[1:], path[skipped:]) for skipped in range(len(path) + 1))
    expression = re.escape(pattern[0]).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return bool(path and re.fullmatch(expression, path[0]) and slowly(pattern[1:], path[1:]))


@given(pattern=patterns, path=paths)
def test_it_agrees_with_the_definition(pattern: str, path: str) -> None:
    segments = [] if path == "." else path.split("/")
    assert matches(pattern, path) == slowly(pattern.split("/"), segments)


@given(path=paths)
def test_a_path_without_wildcards_matches_itself(path: str) -> None:
    assert matches(path, path)
    assert matches("**", path)
