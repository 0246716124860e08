"""A CODEOWNERS file as GitHub reads it: lines, owners, and what is skipped."""

from __future__ import annotations

import pytest

from gitops_gate.approvals.codeowners import Dialect, OwnerKind, owned_paths, owners_of, parse

EXAMPLE = """\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
/apps/github/ui @doctocat
"""
"""The example of docs.github.com, "About code owners", its comments left out."""


def owners(text: str, path: str) -> list[str]:
    matches = owners_of(parse(text, Dialect.GITHUB), path)
    assert len(matches) <= 1
    return [owner.text for match in matches for owner in match.owners]


def problems(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in parse(text, Dialect.GITHUB).problems]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ["@global-owner1", "@global-owner2"]),
        ("src/index.js", ["@js-owner"]),
        ("main.go", ["docs@example.com"]),
        ("notes.txt", ["@octo-org/octocats"]),
        ("build/logs/1.txt", ["@octocat"]),
        ("build/logs.js", ["@js-owner"]),
        ("docs/getting-started.md", ["@doctocat"]),
        ("docs/build-app/troubleshooting.md", ["@doctocat"]),
        ("x/docs/a.md", ["@global-owner1", "@global-owner2"]),
        ("x/apps/a.js", ["@octocat"]),
        ("scripts/run", ["@doctocat", "@octocat"]),
        ("scripts/logs/x", ["@octocat"]),
        ("deeply/nested/logs/x", ["@octocat"]),
        ("apps/a", ["@octocat"]),
        ("apps/github", []),
        ("apps/github/a/b", []),
        ("apps/github/ui/x", ["@doctocat"]),
    ],
)
def test_the_example_of_the_documentation(path: str, expected: list[str]) -> None:
    assert parse(EXAMPLE, Dialect.GITHUB).problems == ()
    assert owners(EXAMPLE, path) == expected


def test_the_last_match_wins_whatever_is_more_specific() -> None:
    assert owners("/a/b/c.js @a\n*.js @b\n", "a/b/c.js") == ["@b"]


def test_the_same_pattern_twice_counts_once() -> None:
    assert owners("a @one\na @two\n", "a") == ["@two"]


def test_a_pattern_without_owners_takes_the_path_away() -> None:
    (match,) = owners_of(parse("* @a\n/x\n", Dialect.GITHUB), "x")
    assert (match.owners, match.required, match.entry.line) == ((), 0, 2)
    assert [other.line for other in match.others] == [1]


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("@octocat", OwnerKind.USER, "octocat"),
        ("@octo-cat_acme", OwnerKind.USER, "octo-cat_acme"),
        ("@octo-org/octo_cats", OwnerKind.TEAM, "octo-org/octo_cats"),
        ("Docs+x@Example.com", OwnerKind.EMAIL, "docs+x@example.com"),
    ],
)
def test_owners(word: str, kind: OwnerKind, name: str) -> None:
    ((owner,),) = [entry.owners for entry in parse(f"* {word}", Dialect.GITHUB).entries]
    assert (owner.kind, owner.name) == (kind, name)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("!*.js @a", "negated"),
        ("[ab].js @a", "no ranges"),
        ("ceval*.[ch] @a @b", "no ranges"),
        ("a]b @a", "no ranges"),
        (r"\#file @a", "# cannot be part"),
        ("a#b @a", "# cannot be part"),
        ("***/*.rb @monalisa", "at most two *"),
        ("a/***", "at most two *"),
        ("*.txt docs@", "docs@ is no owner"),
        ("*.txt @a user", "user is no owner"),
        ("*.txt @a/b/c", "@a/b/c is no owner"),
        ("*.txt @@owner", "@@owner is no owner"),
        ("*.txt @", "@ is no owner"),
        ("*.txt @a,@b", "@a,@b is no owner"),
        ("path with spaces/ @a", "with is no owner"),
        ("/ @a", "empty part"),
        ("a//b @a", "empty part"),
        ("//a @a", "empty part"),
        ("a\\", "escapes nothing"),
        ("a\x07b @a", "cannot be seen"),
        ("a\u200bb @a", "cannot be seen"),
        ("a\u00a0@a", "cannot be seen"),
    ],
)
def test_a_line_with_a_mistake_is_skipped_and_named(line: str, reason: str) -> None:
    text = f"* @before\n{line}\n"
    ((number, said),) = problems(text)
    assert number == 2
    assert reason in said
    assert len(parse(text, Dialect.GITHUB).entries) == 1
    assert owners(text, "a") == ["@before"]


def test_the_lines_around_a_mistake_count() -> None:
    text = "*.a @a\n[x] @b\n*.c @c\n"
    assert (owners(text, "x.a"), owners(text, "x.c")) == (["@a"], ["@c"])
    assert [line for line, _ in problems(text)] == [2]


def test_an_owner_alone_is_a_pattern_and_is_warned_about() -> None:
    (problem,) = parse("@org/team\n", Dialect.GITHUB).problems
    assert (problem.skipped, "without a pattern" in problem.reason) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        "a @a # comment",
        "a @a#comment",
        "a\t@a\t",
        "  a   @a  ",
        "a @a\r\n",
        "\ufeffa @a",
        "a @a @A",
    ],
)
def test_layout_changes_nothing(text: str) -> None:
    assert owners(text, "a") == ["@a"]


def test_only_line_feeds_end_a_line() -> None:
    assert owners("a @a\rb @b\n", "b") == []
    assert owners("a @a\u2028b @b\n", "b") == []


def test_case_counts_in_paths_and_not_in_owners() -> None:
    file = parse("/A @User\n/b @user\n", Dialect.GITHUB)
    assert owners_of(file, "a") == ()
    (owned,) = owned_paths(file, ["A", "b", "c"])
    assert (owned.paths, owned.lines) == (("A", "b"), (1, 2))


def test_paths_are_grouped_by_their_owners() -> None:
    file = parse(EXAMPLE, Dialect.GITHUB, ".github/CODEOWNERS")
    paths = ["docs/a", "build/logs.js", "build/x", "apps/a", "apps/github/x", "x/logs/y", "z"]
    owned = owned_paths(file, paths)
    assert [(one.paths, [owner.text for owner in one.owners], one.lines) for one in owned] == [
        (("apps/a", "x/logs/y"), ["@octocat"], (11, 12)),
        (("build/logs.js",), ["@js-owner"], (3,)),
        (("build/x", "z"), ["@global-owner1", "@global-owner2"], (2,)),
        (("docs/a",), ["@doctocat"], (9,)),
    ]
    assert {(one.required, one.optional, one.section, one.file) for one in owned} == {
        (1, False, None, ".github/CODEOWNERS")
    }
