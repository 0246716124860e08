"""Which file of a tree counts, and which ones are an error."""

from __future__ import annotations

import pytest

from gitops_gate.approvals.codeowners import Dialect, dialect_of_place, find_codeowners
from gitops_gate.approvals.codeowners.find import PLACES
from gitops_gate.errors import ConfigurationError
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree

MEGABYTE = 1024 * 1024


def tree(files: dict[str, bytes], mode: Mode = Mode.FILE) -> Tree:
    return Tree(
        entries={path: Entry(mode, path) for path in files}, blobs=MemoryBlobs(contents=files)
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_places_are_looked_at_in_the_order_of_the_forge(dialect: Dialect) -> None:
    places = list(PLACES[dialect])
    while places:
        file = find_codeowners(tree(dict.fromkeys(reversed(places), b"* @a\n")), dialect)
        assert file is not None
        assert file.path == places.pop(0)
    assert find_codeowners(tree({"x/CODEOWNERS": b"", "codeowners": b""}), dialect) is None


def test_each_forge_has_its_own_folder() -> None:
    assert find_codeowners(tree({".gitlab/CODEOWNERS": b""}), Dialect.GITHUB) is None
    assert find_codeowners(tree({".github/CODEOWNERS": b""}), Dialect.GITLAB) is None
    assert dialect_of_place(".github/CODEOWNERS") is Dialect.GITHUB
    assert dialect_of_place("/somewhere/.gitlab/CODEOWNERS") is Dialect.GITLAB
    assert dialect_of_place("docs/CODEOWNERS") is None


def test_an_empty_file_hides_the_next() -> None:
    file = find_codeowners(tree({"CODEOWNERS": b"* @a", ".github/CODEOWNERS": b""}), Dialect.GITHUB)
    assert file is not None
    assert (file.path, file.entries) == (".github/CODEOWNERS", ())


@pytest.mark.parametrize(
    ("dialect", "limit"), [(Dialect.GITHUB, 3 * MEGABYTE), (Dialect.GITLAB, 10 * MEGABYTE)]
)
def test_a_file_has_to_be_under_the_limit(dialect: Dialect, limit: int) -> None:
    text = b"#" * (limit - 1)
    assert find_codeowners(tree({"CODEOWNERS": text}), dialect) is not None
    with pytest.raises(ConfigurationError, match=r"CODEOWNERS: the file has .* bytes"):
        find_codeowners(tree({"CODEOWNERS": text + b"#"}), dialect)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("mode", [Mode.LINK, Mode.SUBMODULE])
def test_a_link_is_an_error_and_does_not_hide_behind_the_next_place(
    dialect: Dialect, mode: Mode
) -> None:
    with pytest.raises(ConfigurationError, match="CODEOWNERS is not a file of its own"):
        find_codeowners(tree(dict.fromkeys(PLACES[dialect], b"x"), mode), dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_binary_file_is_an_error(dialect: Dialect) -> None:
    with pytest.raises(ConfigurationError, match="binary"):
        find_codeowners(tree({"CODEOWNERS": b"* @a\n\0"}), dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_bytes_that_are_no_utf_8_are_read(dialect: Dialect) -> None:
    file = find_codeowners(tree({"CODEOWNERS": b"caf\xe9 @a\n"}), dialect)
    assert file is not None
    assert file.entries[0].pattern == "caf\udce9"
