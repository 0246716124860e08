"""Folders, single files and streams become trees that are read when asked."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source import (
    Entry,
    FolderBlobs,
    MemoryBlobs,
    Mode,
    Tree,
    blob_id,
    changed_paths,
    folder_tree,
    scan_tree,
    stream_tree,
)
from gitops_gate.source.blobs import MAXIMUM_BLOB


def test_a_folder_lists_its_files_links_and_executables_but_no_git_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file.yaml").write_text("x: 1\n")
    (tmp_path / "run").write_text("")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("a/file.yaml")
    (tmp_path / "folder").symlink_to("a")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("")
    os.mkfifo(tmp_path / "pipe")

    tree = folder_tree(tmp_path)

    assert {path: entry.mode for path, entry in tree.entries.items()} == {
        "a/file.yaml": Mode.FILE,
        "run": Mode.EXECUTABLE,
        "link": Mode.LINK,
        "folder": Mode.LINK,
    }
    assert tree.read("a/file.yaml") == b"x: 1\n"
    assert tree.blobs.read(tree.entries["folder"]) == b"a"


def test_names_that_are_not_utf8_are_listed_and_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\n-x")).write_bytes(b"content")
    tree = folder_tree(tmp_path)
    assert list(tree.entries) == ["\udcff\n-x"]
    assert tree.read("\udcff\n-x") == b"content"


def test_one_file_is_a_tree_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("one")
    (tmp_path / "other.yaml").write_text("other")
    (tmp_path / "link.yaml").symlink_to("one.yaml")
    for name in ("one.yaml", "link.yaml"):
        tree = scan_tree(tmp_path / name)
        assert list(tree.entries) == [name]
        assert tree.read(name) == b"one"


def test_a_stream_is_a_tree_of_one_file() -> None:
    tree = stream_tree(b"a: 1\n")
    assert list(tree.entries) == ["-"]
    assert tree.read("-") == b"a: 1\n"
    assert tree.entries["-"].oid == blob_id(b"a: 1\n")


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", "a\0b", "x" * 5000):
        with pytest.raises(SourceError):
            scan_tree(path)


def test_a_pipe_is_no_file_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="standard input"):
        folder_tree(tmp_path / "pipe")


def test_contents_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    for folder in "ba":
        (tmp_path / folder).mkdir()
        for number in range(3):
            (tmp_path / folder / str(number)).write_text(f"{folder}{number}")
    tree = folder_tree(tmp_path)
    paths = ["b/2", "a/0", "b/0", "a/2"]
    found = tree.blobs.read_many(tree.entries[path] for path in paths)
    assert list(found) == [b"b2", b"a0", b"b0", b"a2"]


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "file").write_text("x")
    (root / "sub/file").write_text("x")
    tree = folder_tree(root)
    (root / "file").unlink()
    (root / "file").symlink_to("../secret")
    (root / "sub/file").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to("..")
    (tmp_path / "file").write_text("secret")
    for path in ("file", "sub/file"):
        with pytest.raises(SourceError):
            tree.read(path)


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    tree = folder_tree(tmp_path)
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    with pytest.raises(SourceError, match="not a regular file"):
        tree.read("file")


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd", ""])
def test_an_entry_outside_the_root_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root").mkdir()
    blobs = FolderBlobs(root=str(tmp_path / "root"))
    with pytest.raises(SourceError):
        blobs.read(Entry(Mode.FILE, f"path:{path}"))
    with pytest.raises(UnsafePathError):
        blobs.read(Entry(Mode.FILE, "path:../x/y"))


def test_a_file_that_is_too_large_is_an_error_and_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(MAXIMUM_BLOB + 1)
    with pytest.raises(SourceError, match=r"huge\.yaml has 52,428,801 bytes"):
        folder_tree(tmp_path).read("huge.yaml")


def test_bytes_in_memory_are_bounded_and_complete_or_an_error() -> None:
    blobs = MemoryBlobs(contents={"x": b"\0" * (MAXIMUM_BLOB + 1)})
    with pytest.raises(SourceError, match="never read"):
        blobs.read(Entry(Mode.FILE, "x"))
    with pytest.raises(SourceError, match="missing"):
        blobs.read(Entry(Mode.FILE, "y"))
    with pytest.raises(SourceError, match="submodule"):
        blobs.read(Entry(Mode.SUBMODULE, "x"))


def test_trees_cross_a_process_boundary(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for tree in (folder_tree(tmp_path), stream_tree(b"x", "file")):
        copy: Tree = pickle.loads(pickle.dumps(tree))
        assert copy.read("file") == b"x"


class TestChangedPaths:
    """Comparing trees that were not made by Git."""

    def test_two_folders_are_compared_by_content(self, tmp_path: Path) -> None:
        for name, changed in (("one", "old"), ("two", "new")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "same").write_text("same")
            (tmp_path / name / "changed").write_text(changed)
            (tmp_path / name / f"only-{name}").write_text("")
        (tmp_path / "two/same").chmod(0o755)

        one, two = folder_tree(tmp_path / "one"), folder_tree(tmp_path / "two")
        assert changed_paths(one, two) == ("changed", "only-one", "only-two", "same")
        (tmp_path / "two/same").chmod(0o644)
        assert changed_paths(one, folder_tree(tmp_path / "two")) == (
            "changed",
            "only-one",
            "only-two",
        )

    def test_a_folder_does_not_differ_from_itself(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        assert changed_paths(folder_tree(tmp_path), folder_tree(tmp_path)) == ()

    def test_a_folder_is_compared_with_hashed_content(self, tmp_path: Path) -> None:
        (tmp_path / "-").write_text("x")
        assert changed_paths(stream_tree(b"x"), folder_tree(tmp_path)) == ()
        assert changed_paths(folder_tree(tmp_path), stream_tree(b"x")) == ()
        assert changed_paths(stream_tree(b"y"), folder_tree(tmp_path)) == ("-",)

    def test_ids_of_different_hashes_are_compared_by_content(self) -> None:
        def tree(content: bytes, algorithm: str) -> Tree:
            oid = blob_id(content, algorithm)
            blobs = MemoryBlobs(contents={oid: content})
            return Tree(entries={"f": Entry(Mode.FILE, oid)}, blobs=blobs)

        assert changed_paths(tree(b"x", "sha1"), tree(b"x", "sha256")) == ()
        assert changed_paths(tree(b"x", "sha1"), tree(b"y", "sha256")) == ("f",)

    def test_submodules_are_compared_by_commit(self) -> None:
        def tree(oid: str) -> Tree:
            return Tree(entries={"sub": Entry(Mode.SUBMODULE, oid)}, blobs=MemoryBlobs(contents={}))

        assert changed_paths(tree("1" * 40), tree("1" * 40)) == ()
        assert changed_paths(tree("1" * 40), tree("2" * 40)) == ("sub",)
        assert changed_paths(tree("1" * 40), tree("2" * 64)) == ("sub",)
