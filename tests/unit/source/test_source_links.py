"""Symbolic links are followed inside a tree, and never out of it."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source import Entry, MemoryBlobs, Mode, Tree, blob_id, follow, resolve_path


def tree_of(files: dict[str, str] | None = None, links: dict[str, str] | None = None) -> Tree:
    """A tree in memory of files and links."""
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    for mode, some in ((Mode.FILE, files or {}), (Mode.LINK, links or {})):
        for path, content in some.items():
            data = content.encode("utf-8", "surrogateescape")
            entries[path] = Entry(mode, blob_id(data))
            contents[blob_id(data)] = data
    return Tree(entries=entries, blobs=MemoryBlobs(contents=contents))


def test_a_plain_file_is_itself() -> None:
    assert follow(tree_of({"a/b": ""}), "a/b") == "a/b"


def test_a_folder_is_itself_and_the_root_is_a_dot() -> None:
    tree = tree_of({"a/b": ""})
    assert follow(tree, "a") == "a"
    assert follow(tree, "a/") == "a"
    assert follow(tree, "a/..") == "."
    assert follow(tree, ".") == "."


def test_a_link_leads_to_its_target_relative_to_its_own_folder() -> None:
    tree = tree_of({"base/x": ""}, {"apps/one/x": "../../base/x"})
    resolved = resolve_path(tree, "apps/one/x")
    assert resolved.path == "base/x"
    assert resolved.links == ("apps/one/x",)


def test_links_of_folders_on_the_way_are_followed_and_named_in_order() -> None:
    tree = tree_of(
        {"real/deep/file": ""}, {"first": "second", "second": "real", "real/again": "deep"}
    )
    resolved = resolve_path(tree, "first/again/file")
    assert resolved.path == "real/deep/file"
    assert resolved.links == ("first", "second", "real/again")


def test_the_parent_of_a_linked_folder_is_the_parent_of_its_target() -> None:
    tree = tree_of({"x/y/file": "", "x/other": ""}, {"link": "x/y"})
    assert follow(tree, "link/../other") == "x/other"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "a/../../outside", "../.."])
def test_a_link_that_leaves_the_tree_is_unsafe(target: str) -> None:
    tree = tree_of({"a/file": ""}, {"link": target})
    with pytest.raises(UnsafePathError, match="link"):
        follow(tree, "link")


def test_a_link_that_only_seems_to_stay_inside_is_unsafe() -> None:
    tree = tree_of({"s/file": ""}, {"s/d": "..", "s/link": "d/../../x"})
    with pytest.raises(UnsafePathError):
        follow(tree, "s/link")


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "a/../../b"])
def test_a_path_that_leaves_the_tree_is_unsafe(path: str) -> None:
    with pytest.raises(UnsafePathError):
        follow(tree_of({"a/file": ""}), path)


def test_a_loop_is_an_error_that_names_it() -> None:
    tree = tree_of(links={"one": "two", "two": "one"})
    with pytest.raises(SourceError, match="loop"):
        follow(tree, "one")


def test_a_long_chain_ends_with_an_error_and_a_short_one_does_not() -> None:
    links = {f"link{number}": f"link{number + 1}" for number in range(60)}
    tree = tree_of({"link60": ""}, links)
    assert follow(tree, "link30") == "link60"
    with pytest.raises(SourceError, match="too many"):
        follow(tree, "link0")


def test_links_that_multiply_end_at_once() -> None:
    links = {f"d{number}": f"d{number + 1}/" * 2 + "." for number in range(30)}
    with pytest.raises(SourceError):
        follow(tree_of({"d30/x": ""}, links), "d0")


@pytest.mark.parametrize("target", ["nothing", "a/file/more", "a/nothing/../file", "a/file/."])
def test_a_dangling_link_is_an_error(target: str) -> None:
    tree = tree_of({"a/file": ""}, {"link": target})
    with pytest.raises(SourceError, match="leads nowhere"):
        follow(tree, "link")


def test_a_path_into_a_submodule_says_so() -> None:
    tree = Tree(entries={"sub": Entry(Mode.SUBMODULE, "0" * 40)}, blobs=MemoryBlobs(contents={}))
    with pytest.raises(SourceError, match="submodule"):
        follow(tree, "sub/file")


@pytest.mark.parametrize("target", ["", "x" * 5000])
def test_a_link_without_a_usable_target_is_an_error(target: str) -> None:
    with pytest.raises(SourceError, match="no usable target"):
        follow(tree_of(links={"link": target}), "link")


def test_a_target_with_a_null_byte_is_unsafe() -> None:
    with pytest.raises(UnsafePathError, match="NUL"):
        follow(tree_of(links={"link": "a\0b"}), "link")


names = st.sampled_from(["a", "b", "c", "..", "."])
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@given(path=paths)
def test_without_links_a_path_leads_where_the_lexical_rule_says(path: str) -> None:
    tree = tree_of(
        {f"{one}/{two}/{three}/f": "" for one in "abc" for two in "abc" for three in "abc"}
    )
    expected = posixpath.normpath(path)
    try:
        found = follow(tree, path)
    except UnsafePathError:
        return  # went above the root, if only for a moment
    except SourceError:
        return  # deeper than the folders that exist
    assert found == expected


@given(
    links=st.dictionaries(st.sampled_from(["a", "b", "c", "d/e"]), paths, max_size=4), path=paths
)
def test_whatever_links_say_the_result_is_inside_or_an_error(
    links: dict[str, str], path: str
) -> None:
    tree = tree_of({"d/f": "", "x/y/z": ""}, links)
    try:
        found = follow(tree, path)
    except SourceError:
        return
    assert ".." not in found.split("/")
    assert not found.startswith("/")
    assert found == "." or tree.entries.get(found) is None or tree.entries[found].mode != Mode.LINK
