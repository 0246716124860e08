"""What holds of every CODEOWNERS file, whoever wrote it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.approvals.codeowners import (
    Dialect,
    all_owners,
    owned_paths,
    owners_of,
    parse,
)

DIALECTS = st.sampled_from(Dialect)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\n\0", exclude_categories=["C"]))
PIECES = st.sampled_from(["a", "b", "*", "**", "?", "/", "a*", "*.b", "[ab]", "\\*", " ", "!", "#"])
LINES = st.builds(
    lambda pattern, owners: f"{pattern} {owners}",
    st.lists(PIECES, max_size=6).map("".join),
    st.sampled_from(["@a", "@b @c", "", "oops", "# x", "@@owner", "a@b.example"]),
)
HEADERS = st.sampled_from(["[A]", "^[A]", "[a][2]", "[B] @d", "[C", "[codeowners]"])
FILES = st.lists(LINES | HEADERS, max_size=12).map("\n".join)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "*"]), min_size=1, max_size=4).map(
    "/".join
)


@given(st.text(), DIALECTS, st.text(min_size=1))
def test_every_text_is_read(text: str, dialect: Dialect, path: str) -> None:
    file = parse(text, dialect)
    lines = text.count("\n") + 1
    assert all(1 <= entry.line <= lines for entry in file.entries)
    assert all(1 <= problem.line <= lines for problem in file.problems)
    owners_of(file, path)


@given(FILES, DIALECTS)
def test_every_line_is_an_entry_a_header_a_comment_or_named(text: str, dialect: Dialect) -> None:
    file = parse(text, dialect)
    told = {entry.line for entry in file.entries} | {problem.line for problem in file.problems}
    for number, line in enumerate(text.split("\n"), start=1):
        silent = not line.strip() or line.lstrip().startswith("#")
        header = dialect is Dialect.GITLAB and re.match(r"\s*\^?\[.*\]", line)
        assert number in told or silent or header


def _escaped(name: str, dialect: Dialect) -> str:
    special = r"[\\*?\[\] ]" if dialect is Dialect.GITHUB else r"[\\*?\[\] #!^]"
    return re.sub(special, r"\\\g<0>", name)


@given(NAMES, DIALECTS)
def test_an_escaped_name_matches_itself(name: str, dialect: Dialect) -> None:
    if not name or any(c.isspace() and c != " " for c in name):
        return
    if dialect is Dialect.GITHUB and ("#" in name or name.startswith("!")):
        return
    if dialect is Dialect.GITLAB and ("  " in name or name.endswith("\\")):
        return  # it makes one space of several, and takes any backslash before one for an escape
    file = parse(f"/{_escaped(name, dialect)} @owner", dialect)
    assert [match.entry.line for match in owners_of(file, name)] == [1]
    assert owners_of(file, f"{name}x") == ()


@given(st.lists(LINES, max_size=8).map("\n".join), PATHS)
def test_on_github_the_last_match_wins(text: str, path: str) -> None:
    alone = [
        number
        for number, line in enumerate(text.split("\n"), start=1)
        if owners_of(parse(line, Dialect.GITHUB), path)
    ]
    matches = owners_of(parse(text, Dialect.GITHUB), path)
    assert [match.entry.line for match in matches] == alone[-1:]
    assert [other.line for match in matches for other in match.others] == alone[-2::-1]


@given(FILES, PATHS)
def test_on_gitlab_each_section_answers_by_itself(text: str, path: str) -> None:
    """Leaving out the lines of all other sections changes no answer of a section."""
    file = parse(text, Dialect.GITLAB)
    for match in owners_of(file, path):
        mine = {entry.line for entry in file.entries if entry.section == match.section}
        lines = text.split("\n")
        kept = [
            line if at in mine or re.match(r"\s*\^?\[.*\]", line) else ""
            for at, line in enumerate(lines, start=1)
        ]
        assert match in owners_of(parse("\n".join(kept), Dialect.GITLAB), path)


@given(FILES, DIALECTS, st.lists(PATHS, max_size=6))
def test_grouping_loses_and_invents_nothing(text: str, dialect: Dialect, paths: list[str]) -> None:
    file = parse(text, dialect)
    grouped = sorted(
        (path, one.section or "", tuple(owner.identity for owner in one.owners), one.required)
        for one in owned_paths(file, paths)
        for path in one.paths
    )
    single = sorted(
        (
            path,
            match.section or "",
            tuple(sorted(owner.identity for owner in match.owners)),
            match.required,
        )
        for path, matches in all_owners(file, sorted(set(paths))).items()
        for match in matches
        if match.owners
    )
    assert grouped == single


@given(FILES, DIALECTS, st.lists(PATHS, max_size=6))
def test_the_order_of_paths_does_not_matter(text: str, dialect: Dialect, paths: list[str]) -> None:
    file = parse(text, dialect)
    assert owned_paths(file, paths) == owned_paths(file, [*reversed(paths), *paths])


COUNT = 10_000
MANY = {
    "one file each": lambda n: f"/apps/team{n % 100}/service{n}/deployment.yaml",
    "any depth": lambda n: f"service{n}/",
    "suffixes": lambda n: f"*.ext{n}",
    "stars inside": lambda n: f"*a{n}*b*",
    "everything": lambda _: "*",
    "everything, in as many ways": lambda n: (
        f"**/*{'/**' * (n % 3)}/*" if n % 2 else f"{'?' * (n % 50)}*"
    ),
    "depth on depth": lambda n: "**/a/" * 5 + f"x{n}",
}


@pytest.mark.slow
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", MANY)
def test_many_lines_and_many_paths_take_seconds(kind: str, dialect: Dialect) -> None:
    text = "\n".join(f"{MANY[kind](number)} @owner{number}" for number in range(COUNT))
    paths = [f"apps/team{n % 100}/service{n}/a{n}xb.ext{n}" for n in range(COUNT)]
    paths += ["apps/team7/service7/deployment.yaml", "a/a/a/a/a/x7"]
    started = time.process_time()
    owned = owned_paths(parse(text, dialect), paths)
    assert time.process_time() - started < 10
    assert owned


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 200 + "b", "a" * 5_000),
        ("?*" * 200 + "b", "a" * 2_000),
        ("**/a/" * 100 + "b", "a/" * 500 + "c"),
        ("a" * 100_000, "a" * 100_000 + "b"),
    ],
)
def test_no_pattern_makes_matching_explode(dialect: Dialect, pattern: str, path: str) -> None:
    started = time.process_time()
    assert owners_of(parse(f"/{pattern} @owner", dialect), path) == ()
    assert time.process_time() - started < 5


@pytest.mark.parametrize("dialect", Dialect)
def test_a_long_name_against_texts_of_many_lengths(dialect: Dialect) -> None:
    text = "\n".join(f"*{'x' * number}y* @owner" for number in range(2_000))
    started = time.process_time()
    (match,) = owners_of(parse(text, dialect), f"{'x' * 4_000}z/{'x' * 999}y")
    assert (match.entry.line, len(match.others)) == (1_000, 999)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "* " + "a" * 1_000_000 + "@b",
        "* " + "@" * 300_000,
        "* " + "@a/" * 300_000,
        "[" * 300_000,
        "[" + "]" * 300_000,
        "* " + "a@" * 300_000,
        "\\" * 300_001,
        "* @a " * 100_000,
        "[a] " + "@x " * 100_000,
        " " * 1_000_000 + "x",
        "*" * 100_001,
    ],
)
def test_no_line_makes_reading_explode(dialect: Dialect, text: str) -> None:
    started = time.process_time()
    owners_of(parse(text, dialect), "a")
    assert time.process_time() - started < 5
