"""A CODEOWNERS file as GitLab reads it: sections, counts, default owners, exclusions, mistakes.

Headers and owners follow the cases that GitLab publishes with its parsers.
"""

from __future__ import annotations

import pytest

from gitops_gate.approvals.codeowners import Dialect, OwnerKind, owned_paths, owners_of, parse


def answers(text: str, path: str) -> dict[str | None, list[str]]:
    """The owners that each section asks for."""
    matches = owners_of(parse(text, Dialect.GITLAB), path)
    return {match.section: [one.text for one in match.owners] for match in matches}


def reasons(text: str) -> list[str]:
    return [one.reason for one in parse(text, Dialect.GITLAB).problems]


README = """\
* @admin

[README Owners]
README.md @user1 @user2
internal/README.md @user4

[README other owners]
README.md @user3
"""

DEFAULTS = """\
* @general-approvers

[Documentation] @docs-team
docs/
README.md
*.txt

[Database] @database-team @agarcia
model/db/
config/db/database-setup.md @docs-team
"""

EXCLUSIONS = """\
# All files require approval from @username
* @username
!pom.xml
[Ruby]
*.rb @ruby-team
!/config/**/*.rb
/config/routes.rb @ops
[Config]
/config/ @ops-team
"""

DUPLICATES = """\
[Documentation]
ee/docs/    @docs
docs/       @docs
[Database]
README.md  @database
model/db/   @database
[DOCUMENTATION]
README.md  @docs
"""


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (
            README,
            "README.md",
            {
                None: ["@admin"],
                "README Owners": ["@user1", "@user2"],
                "README other owners": ["@user3"],
            },
        ),
        (
            README,
            "internal/README.md",
            {
                None: ["@admin"],
                "README Owners": ["@user4"],
                "README other owners": ["@user3"],
            },
        ),
        (
            DEFAULTS,
            "model/db/CHANGELOG.txt",
            {
                None: ["@general-approvers"],
                "Documentation": ["@docs-team"],
                "Database": ["@database-team", "@agarcia"],
            },
        ),
        (
            DEFAULTS,
            "config/db/database-setup.md",
            {None: ["@general-approvers"], "Database": ["@docs-team"]},
        ),
        (EXCLUSIONS, "pom.xml", {None: []}),
        (EXCLUSIONS, "x/pom.xml", {None: []}),
        (EXCLUSIONS, "a.rb", {None: ["@username"], "Ruby": ["@ruby-team"]}),
        (
            EXCLUSIONS,
            "config/routes.rb",
            {None: ["@username"], "Ruby": [], "Config": ["@ops-team"]},
        ),
        (EXCLUSIONS, "config/a.yml", {None: ["@username"], "Config": ["@ops-team"]}),
        (DUPLICATES, "README.md", {"Database": ["@database"], "Documentation": ["@docs"]}),
        (DUPLICATES, "ee/docs/a", {"Documentation": ["@docs"]}),
        (DUPLICATES, "model/db/a", {"Database": ["@database"]}),
        ("*.md @doc-team\nterms.md @legal-team\n", "terms.md", {None: ["@legal-team"]}),
        ("* @a\n!*.rb\n/special/*.rb @b\n", "special/x.rb", {None: []}),
        ("!*.rb\n* @a\n", "x.rb", {None: []}),
        ("* @group-x\n!/app/temp/*\n!/app/*/temp/*\n", "app/temp/temp.rb", {None: []}),
        ("* @group-x\n!/app/temp/*\n!/app/*/temp/*\n", "app/m/temp/f.rb", {None: []}),
        ("* @group-x\n!/app/temp/*\n!/app/*/temp/*\n", "app/m/u.rb", {None: ["@group-x"]}),
        (
            "/path/* @group user_without_at_symbol @user_with_at_symbol\n",
            "path/a",
            {None: ["@group", "@user_with_at_symbol"]},
        ),
        ("folder with spaces/*.md @group\n", "x/folder", {None: ["@group"]}),
    ],
)
def test_the_examples_of_the_documentation(
    text: str, path: str, expected: dict[str | None, list[str]]
) -> None:
    assert answers(text, path) == expected


H = [
    # header, name, optional, count, default owners, what is said
    ("[Doc]", "Doc", False, 1, [], None),
    ("^[Doc]", "Doc", True, 1, [], None),
    ("[Two Words]", "Two Words", False, 1, [], None),
    ("[Double::Colon]", "Double::Colon", False, 1, [], None),
    ("[Doc][1]", "Doc", False, 1, [], None),
    ("[Doc][2]", "Doc", False, 2, [], None),
    ("[Doc][012]", "Doc", False, 12, [], None),
    ("[Doc][1] @doc", "Doc", False, 1, ["@doc"], None),
    ("^[Doc] @doc @rrr.dev @dev", "Doc", True, 1, ["@doc", "@rrr.dev", "@dev"], None),
    ("[Doc][2] @doc @rrr.dev @dev", "Doc", False, 2, ["@doc", "@rrr.dev", "@dev"], None),
    ("[Doc] @doc", "Doc", False, 1, ["@doc"], None),
    ("[Doc] @@developer", "Doc", False, 1, ["@@developer"], None),
    (
        "[Doc] @@DEVeloper @maintainers @OWNER",
        "Doc",
        False,
        1,
        ["@@developer", "@maintainers", "@OWNER"],
        None,
    ),
    ("[Doc] a@b.example", "Doc", False, 1, ["a@b.example"], None),
    ("[Doc][2] @group @group/sub", "Doc", False, 2, ["@group", "@group/sub"], None),
    ("[]", "", False, 1, [], "no name"),
    ("^[]", "", True, 1, [], "no name"),
    ("[][1]", "", False, 1, [], "no name"),
    ("[ ]", " ", False, 1, [], "no name"),
    ("[Doc][]", "Doc", False, 1, [], "no number"),
    ("^[Doc][]", "Doc", True, 1, [], "no number"),
    ("[Doc][] @doc", "Doc", False, 1, ["@doc"], "no number"),
    ("[Doc][1 0]", "Doc", False, 1, [], "no number"),
    ("[Doc][0]", "Doc", False, 1, [], "least number"),
    ("[Doc][00]", "Doc", False, 1, [], "least number"),
    ("^[Doc][1]", "Doc", True, 1, [], "optional section"),
    ("^[Doc][1] @gl/doc-1", "Doc", True, 1, ["@gl/doc-1"], "optional section"),
    ("^[Doc][2]@owner", "Doc", True, 2, ["@owner"], "optional section"),
    ("[Doc][2] @@dev", "Doc", False, 2, [], "@@dev"),
    ("[Doc] malformed", "Doc", False, 1, [], "malformed"),
    ("[Doc] @owner oops", "Doc", False, 1, ["@owner"], "oops"),
    ("[Doc] @owner+malformed", "Doc", False, 1, ["@owner"], "not understood"),
    ("[Doc] @owner # why", "Doc", False, 1, ["@owner"], "not understood"),
    ("[Doc][1_0]", "Doc", False, 1, [], "not understood"),
    ("[Doc][one]", "Doc", False, 1, [], "not understood"),
    ("[Doc][one] @owner", "Doc", False, 1, [], "not understood"),
    ("[Doc][-1]", "Doc", False, 1, [], "not understood"),
    ("^[Doc]]", "Doc", True, 1, [], "not understood"),
    ("[Doc]]", "Doc", False, 1, [], "not understood"),
    ("[Doc]] @owner", "Doc", False, 1, [], "not understood"),
    ("[Doc][2]@owner", "Doc", False, 2, ["@owner"], "not understood"),
    ("[Doc][ 1]", "Doc", False, 1, [], "not understood"),
    ("[Doc][  3  ]", "Doc", False, 3, [], "not understood"),
    ("[ab]*.rb @x", "ab", False, 1, [], "not understood"),
    ("[" + "n" * 256 + "]", "n" * 256, False, 1, [], "at most 255"),
    ("[Doc][99999999999999999999]", "Doc", False, 1_000_000, [], None),
    ("[Doc][             2]", "Doc", False, 2, [], "not understood"),
]


@pytest.mark.parametrize(("header", "name", "optional", "count", "defaults", "said"), H)
def test_headers(
    header: str, name: str, *, optional: bool, count: int, defaults: list[str], said: str | None
) -> None:
    file = parse(f"{header}\nfile\nother @set\n", Dialect.GITLAB)
    first, second = file.entries
    assert {first.section, second.section} == {name}
    assert {first.optional, second.optional} == {optional}
    assert {first.required, second.required} == {count}
    assert [owner.text for owner in first.owners] == defaults
    assert [owner.text for owner in second.owners] == ["@set"]
    of_header = [one.reason for one in file.problems if one.line == 1]
    assert len(of_header) == (said is not None)
    assert said is None or said in of_header[0]


@pytest.mark.parametrize("header", ["[Doc", "^[Doc", "[Section name"])
def test_a_header_without_its_end_has_no_effect(header: str) -> None:
    """GitLab reads it as an entry `[Section`, which matches nothing, of the section before."""
    text = f"* @group\n\n{header}\ndocs/ @docs_group\n"
    assert answers(text, "docs/a") == {None: ["@docs_group"]}
    assert answers(text, header.partition(" ")[0]) == {None: ["@group"]}
    assert reasons(text) == ["a header without a ]"]


def test_a_header_is_one_only_at_the_start_of_a_line() -> None:
    text = "    [Required]\n*_spec.rb @t\nSomething before [Partially optional]\n*.md @d\n"
    assert {entry.section for entry in parse(text, Dialect.GITLAB).entries} == {"Required"}


def test_sections_of_one_name_are_one_under_the_first_spelling() -> None:
    text = "[Docs][2] @a\nx\n[Other]\nx @o\n[DOCS] @b\ny\n^[docs][3] @c\nz\n"
    file = parse(text, Dialect.GITLAB)
    found = [(entry.section, entry.required, entry.owners[0].text) for entry in file.entries]
    assert found == [("Docs", 2, "@a"), ("Other", 1, "@o"), ("Docs", 1, "@b"), ("Docs", 3, "@c")]
    assert file.optional == frozenset()


@pytest.mark.parametrize(
    ("text", "optional"),
    [
        ("^[A]\nx @a\n", {"A"}),
        ("^[A]\nx @a\n[A]\ny @a\n", set()),
        ("[A]\n^[A]\ny @a\n", {"A"}),
        ("^[A]\nx @a\n[B]\ny @a\n^[a]\nz @a", {"A"}),
        ("x @a\n", set()),
        ("^[A]\nx @a\n[A]\n!x\n", set()),
    ],
)
def test_a_section_is_optional_if_all_its_entries_are(text: str, optional: set[str]) -> None:
    assert parse(text, Dialect.GITLAB).optional == optional


def test_an_optional_section_is_shown_and_says_so() -> None:
    (match,) = owners_of(parse("^[Go]\n*.go @root\n", Dialect.GITLAB), "a.go")
    assert (match.optional, match.owners[0].text) == (True, "@root")


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("x @a\n[codeowners]\ny @b\n", {None}),
        ("x @a\n[CodeOwners]\ny @b\n", {None, "CodeOwners"}),
        ("x @a\n[Other]\n[CodeOwners]\ny @b\n", {None}),
    ],
)
def test_the_section_without_a_header_has_a_name_for_gitlab(
    text: str, sections: set[str | None]
) -> None:
    assert {entry.section for entry in parse(text, Dialect.GITLAB).entries} == sections


def test_a_repeated_pattern_stands_where_it_stood_first() -> None:
    text = "*.rb @a\n/x/*.rb @b\n*.rb @c\n"
    assert answers(text, "y.rb") == {None: ["@c"]}
    assert answers(text, "x/y.rb") == {None: ["@b"]}
    (match,) = owners_of(parse(text, Dialect.GITLAB), "x/y.rb")
    assert [(other.line, other.replaced_by) for other in match.others] == [(3, None), (1, 3)]


def test_a_repeated_pattern_can_take_an_exclusion_back() -> None:
    assert answers("* @a\n!*.rb\n*.rb @b\n", "x.rb") == {None: ["@b"]}
    assert answers("*.rb @b\n!*.rb\n", "x.rb") == {None: []}


def test_an_exclusion_needs_a_pattern() -> None:
    assert answers("* @a\n! foo\n", "foo") == {None: ["@a"]}
    assert reasons("* @a\n! foo\n") == ["an exclusion without a pattern"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("@user", [("name", "user")]),
        ("@group/with-nested/subgroup", [("group", "group/with-nested/subgroup")]),
        ("@a.b-c_d", [("name", "a.b-c_d")]),
        ("@@developer", [("role", "developer")]),
        ("@@Maintainers", [("role", "maintainer")]),
        ("@@OWNER", [("role", "owner")]),
        ("@@guest", []),
        ("@@developerz", []),
        ("JaneDoe@GitLab.com", [("email", "janedoe@gitlab.com")]),
        ("janedoe@gitlab.com,", [("email", "janedoe@gitlab.com")]),
        ("@one,@two", [("email", "one,@two"), ("name", "one"), ("name", "two")]),
        ("(@one)", [("email", "(@one"), ("name", "one")]),
        ("@one.", [("name", "one")]),
        ("@x @X", [("name", "x")]),
        ("x@", []),
        ("@", []),
        ("@-x", []),
        ("malformed", []),
        (
            "@legal this does not match janedoe@gitlab.com",
            [("name", "legal"), ("email", "janedoe@gitlab.com")],
        ),
        (
            "@multiple @owners\t@tab-separated",
            [("name", "multiple"), ("name", "owners"), ("name", "tab-separated")],
        ),
        ("@docs # not @this-one", [("name", "docs"), ("name", "this-one")]),
    ],
)
def test_owners(words: str, expected: list[tuple[str, str]]) -> None:
    (entry,) = parse(f"* {words}", Dialect.GITLAB).entries
    assert [(owner.kind, owner.name) for owner in entry.owners] == [
        (OwnerKind(kind), name) for kind, name in expected
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*.rb\n", "nobody owns it"),
        ("*.js not_a_user\n", "nobody owns it"),
        ("*.js malformed @valid another\n", "ignored: malformed, another"),
        ("[D] @d\nx # why\n", "hides the section's default owners"),
        ("[D] @d\nx oops\n", "nobody owns it"),
    ],
)
def test_lines_with_mistakes_are_named_and_have_what_effect_they_have(text: str, said: str) -> None:
    (problem,) = parse(text, Dialect.GITLAB).problems
    assert said in problem.reason
    assert not problem.skipped


def test_an_entry_without_owners_asks_nobody() -> None:
    file = parse("* @a\nx oops\n", Dialect.GITLAB)
    (match,) = owners_of(file, "x")
    assert (match.owners, match.required) == ((), 0)
    assert owned_paths(file, ["x"]) == ()


def test_spaces_and_names_in_a_path_are_no_owners() -> None:
    line = r"a/weird\ path\ with/\ @username\ /\ and@lookalikes.com\ / @user-1 e@gitlab.org @user-2"
    path = "a/weird path with/ @username / and@lookalikes.com /test.rb"
    assert answers(line, path) == {None: ["@user-1", "e@gitlab.org", "@user-2"]}


def test_each_entry_asks_for_its_own_approvals() -> None:
    text = "[A][2] @a @b\n/x/\n/y/\n^[B]\n/x/ @c\n"
    owned = owned_paths(parse(text, Dialect.GITLAB), ["x/2", "x/1", "y/1", "z"])
    found = [(one.section, one.paths, one.required, one.optional, one.lines) for one in owned]
    assert found == [
        ("A", ("x/1", "x/2"), 2, False, (2,)),
        ("B", ("x/1", "x/2"), 1, True, (5,)),
        ("A", ("y/1",), 2, False, (3,)),
    ]


@pytest.mark.parametrize(
    "text", ["\ufeff[S]\na @a", "[S]\r\na @a\r\n", "[S]\n\t a \t @a\0", "[S]\n\x0b\na @a"]
)
def test_layout_changes_nothing(text: str) -> None:
    assert answers(text, "a") == {"S": ["@a"]}
