"""What is written into a folder is the tree, and nothing outside of the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source import (
    Entry,
    MemoryBlobs,
    Mode,
    Tree,
    blob_id,
    check_path,
    folder_tree,
    materialise,
)

UNSAFE_NAMES = [
    "",
    "..",
    ".",
    "a/../b",
    "../a",
    "a//b",
    "/etc/passwd",
    "a/",
    "a/./b",
    "a\0b",
    ".git/config",
    "a/.GIT/hooks/post-checkout",
    ".git",
    "a/.git ",
    "a/.git./config",
    "git~1/config",
    "GIT~1",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    "\ufeff.git",
    "x\\.git\\config",
]

SAFE_NAMES = [
    "a",
    "-rf",
    "--output=x",
    "a b",
    "new\nline",
    "tab\tname",
    "\udcff\udcfe",
    "ünï/çödé",
    "...",
    "a/..b/c",
    ".gitignore",
    ".gitmodules",
    "digit",
    "git~2",
    ".github/workflows/x.yaml",
    "back\\slash",
]


def tree_of(*entries: tuple[str, Mode, bytes]) -> Tree:
    contents = {blob_id(content): content for _, _, content in entries}
    return Tree(
        entries={path: Entry(mode, blob_id(content)) for path, mode, content in entries},
        blobs=MemoryBlobs(contents=contents),
    )


@pytest.mark.parametrize("name", UNSAFE_NAMES)
def test_an_unsafe_name_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    tree = tree_of(("good", Mode.FILE, b""), (name, Mode.FILE, b""))
    with pytest.raises(UnsafePathError):
        materialise(tree, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SAFE_NAMES)
def test_an_unusual_name_survives(name: str, tmp_path: Path) -> None:
    check_path(name)
    materialise(tree_of((name, Mode.FILE, b"x")), str(tmp_path))
    assert (tmp_path / os.fsdecode(name.encode("utf-8", "surrogateescape"))).is_file()


def test_executable_bits_are_dropped(tmp_path: Path) -> None:
    materialise(tree_of(("run", Mode.EXECUTABLE, b"#!/bin/sh\n")), str(tmp_path))
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) & 0o111 == 0


def test_submodules_are_left_out(tmp_path: Path) -> None:
    tree = Tree(entries={"sub": Entry(Mode.SUBMODULE, "0" * 40)}, blobs=MemoryBlobs(contents={}))
    materialise(tree, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_links_that_stay_inside_are_written_as_links(tmp_path: Path) -> None:
    tree = tree_of(
        ("base/x", Mode.FILE, b"content"),
        ("apps/x", Mode.LINK, b"../base/x"),
        ("dangling", Mode.LINK, b"base/later/../y"),
    )
    materialise(tree, str(tmp_path))
    assert (tmp_path / "apps/x").readlink() == Path("../base/x")
    assert (tmp_path / "apps/x").read_bytes() == b"content"
    assert (tmp_path / "dangling").is_symlink()


@pytest.mark.parametrize(
    "target", [b"/etc/passwd", b"../secret", b"base/../../secret", b"missing/../../secret"]
)
def test_a_link_that_leaves_the_tree_is_refused_by_name(target: bytes, tmp_path: Path) -> None:
    tree = tree_of(("base/x", Mode.FILE, b""), ("apps-link", Mode.LINK, target))
    with pytest.raises(UnsafePathError, match="apps-link"):
        materialise(tree, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_links_that_leave_the_tree_only_together_are_refused(tmp_path: Path) -> None:
    tree = tree_of(("s/d", Mode.LINK, b".."), ("s/out", Mode.LINK, b"d/../../x"))
    with pytest.raises(UnsafePathError, match="s/out"):
        materialise(tree, str(tmp_path))


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.FILE])
def test_nothing_is_written_below_a_link_or_a_file(mode: Mode, tmp_path: Path) -> None:
    tree = tree_of(("a", mode, b"b"), ("a/x", Mode.FILE, b""), ("b/y", Mode.FILE, b""))
    with pytest.raises(UnsafePathError, match="lies below"):
        materialise(tree, str(tmp_path))


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(SourceError, match="not empty"):
        materialise(tree_of(("mine", Mode.FILE, b"theirs")), str(tmp_path))
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_name_that_the_file_system_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        materialise(tree_of(("x" * 300, Mode.FILE, b"")), str(tmp_path))


def test_missing_content_is_an_error(tmp_path: Path) -> None:
    tree = Tree(entries={"a": Entry(Mode.FILE, "0" * 40)}, blobs=MemoryBlobs(contents={}))
    with pytest.raises(SourceError, match="missing"):
        materialise(tree, str(tmp_path))


segments = st.binary(min_size=1, max_size=12).filter(lambda raw: not {0, 47} & set(raw))
listings = st.dictionaries(
    st.lists(segments, min_size=1, max_size=3).map(
        lambda parts: b"/".join(parts).decode("utf-8", "surrogateescape")
    ),
    st.binary(max_size=50),
    max_size=6,
)


@given(files=listings)
def test_any_tree_of_files_is_written_and_read_back_or_refused(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("written")
    tree = tree_of(*((path, Mode.FILE, content) for path, content in files.items()))
    try:
        materialise(tree, str(folder))
    except UnsafePathError:
        return
    back = folder_tree(folder)
    assert {path: back.read(path) for path in back.entries} == files
