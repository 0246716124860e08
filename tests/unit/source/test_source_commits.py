"""What commits say whoever wrote them, and commits and trees that are made without a checkout."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source import (
    Repository,
    blob_id,
    edited_tree,
    open_repository,
    read_commit,
    write_commit,
)
from gitops_gate.source.commits import parse_commit
from tests.unit.source.repositories import GitRepository

AT = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
WHO = "Somebody <somebody@example.com> 1893456000 +0130"


def raw_commit(*header: str, message: bytes = b"subject\n") -> bytes:
    return "\n".join(header).encode() + b"\n\n" + message


def files(repository: Repository, tree: str) -> dict[str, tuple[str, bytes]]:
    """The mode and the content of each file of a tree."""
    commit = write_commit(repository, tree=tree, parents=(), message="x", at=AT)
    listed = repository.revision(commit).tree
    return {path: (entry.mode.value, listed.read(path)) for path, entry in listed.entries.items()}


def fingerprint(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that writing to a folder would change."""
    found: dict[str, tuple[object, ...]] = {}
    for place in sorted(folder.rglob("*")):
        status = place.lstat()
        content = place.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(place)] = (status.st_mode, status.st_mtime_ns, content)
    return found


class TestReading:
    """What a commit object says."""

    def test_an_ordinary_commit(self, made: GitRepository) -> None:
        first = made.commit("first")
        second = made.commit("subject\n\nbody")
        with open_repository(made.folder) as repository:
            facts = read_commit(repository, "main")
        assert facts.commit == second
        assert facts.tree == TREE
        assert facts.parents == (first,)
        assert facts.committed_at == datetime(2030, 1, 1, tzinfo=UTC)
        assert facts.message == "subject\n\nbody\n"
        assert facts.subject == "subject"

    def test_the_parents_of_a_merge_in_their_order(self, made: GitRepository) -> None:
        parents = [made.commit(f"{number}") for number in range(3)]
        merge = made.commit_tree(TREE, *reversed(parents))
        with open_repository(made.folder) as repository:
            assert read_commit(repository, merge).parents == tuple(reversed(parents))

    def test_the_time_keeps_its_zone(self) -> None:
        facts = parse_commit("c", raw_commit(f"tree {TREE}", f"author {WHO}", f"committer {WHO}"))
        assert facts.committed_at.utcoffset() == timedelta(hours=1, minutes=30)
        assert facts.committed_at == datetime(2030, 1, 1, tzinfo=UTC)

    def test_what_calls_itself_a_parent_further_down_is_none(self) -> None:
        other = "1" * 40
        facts = parse_commit(
            "c",
            raw_commit(
                f"tree {TREE}",
                f"author {WHO}",
                f"committer {WHO}",
                f"parent {other}",
                "gpgsig -----BEGIN",
                f" parent {other}",
                message=f"parent {other}\n".encode(),
            ),
        )
        assert facts.parents == ()

    def test_git_and_the_walk_of_first_parents_agree_on_it(self, made: GitRepository) -> None:
        hidden = made.commit("hidden")
        raw = raw_commit(f"tree {TREE}", f"author {WHO}", f"committer {WHO}", f"parent {hidden}")
        root = made.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
        assert made.git("rev-list", root) == root
        with open_repository(made.folder) as repository:
            assert repository.first_parent_history(root, 10) == (root,)

    @pytest.mark.parametrize(
        "committer",
        [
            "",
            "committer",
            "committer nobody",
            "committer a <b> 99999999999999999999999 +0000",
            "committer a <b> 999999999999999999 +0000",
            "committer a <b> -999999999999999999 +0000",
            "committer a <b> ٣ +0000",
        ],
    )
    def test_an_unreadable_time_is_the_beginning_of_all(self, committer: str) -> None:
        facts = parse_commit("c", raw_commit(f"tree {TREE}", f"author {WHO}", committer))
        assert facts.committed_at == datetime.fromtimestamp(0, UTC)

    def test_an_impossible_zone_is_utc(self) -> None:
        facts = parse_commit(
            "c", raw_commit(f"tree {TREE}", f"author {WHO}", "committer a <b> 60 +9999")
        )
        assert facts.committed_at == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)

    def test_a_message_that_is_no_text_is_replaced(self) -> None:
        facts = parse_commit("c", raw_commit(f"tree {TREE}", message=b"\xff\x1b[31mred\nbody"))
        assert facts.message == "\ufffd\x1b[31mred\nbody"
        assert facts.subject == "\ufffdred"

    @given(raw=st.binary(max_size=300))
    def test_any_bytes_are_facts_or_an_error(self, raw: bytes) -> None:
        for content in (raw, f"tree {TREE}\n".encode() + raw):
            try:
                facts = parse_commit("c", content)
            except SourceError:
                continue
            assert facts.tree == TREE
            assert facts.committed_at.tzinfo is not None
            facts.message.encode()

    def test_what_is_no_commit_is_an_error(self, made: GitRepository) -> None:
        made.write("file")
        made.commit()
        blob = made.git("rev-parse", "HEAD:file")
        with open_repository(made.folder) as repository:
            for name in (blob, "1" * 40, "nowhere", "-x"):
                with pytest.raises(SourceError):
                    read_commit(repository, name)


class TestWriting:
    """Commits that are made from objects."""

    def test_git_reads_what_was_written(self, made: GitRepository) -> None:
        parent = made.commit("first")
        with open_repository(made.folder) as repository:
            commit = write_commit(
                repository, tree=TREE, parents=(parent,), message="subject\n\nbody", at=AT
            )
            facts = read_commit(repository, commit)
            raw = repository.blobs.read_object(commit, "commit")
        assert facts.parents == (parent,)
        assert facts.committed_at == AT
        assert facts.message == "subject\n\nbody\n"
        assert b"committer gitops-gate <gitops-gate@localhost> 1893501000 +0000\n" in raw
        assert made.git("hash-object", "-t", "commit", "--stdin", stdin=raw) == commit

    def test_the_same_again_is_the_same_commit(self, made: GitRepository) -> None:
        made.commit()
        zone = timezone(timedelta(hours=-8))
        ids = set()
        for at in (AT, AT.astimezone(zone), AT + timedelta(microseconds=999_999)):
            with open_repository(made.folder) as repository:
                ids.add(write_commit(repository, tree=TREE, parents=(), message="x\r\n", at=at))
        assert len(ids) == 1

    def test_the_message_is_cleaned(self, made: GitRepository) -> None:
        made.commit()
        message = "\n\x1b[31mred\x00 \u202eturned\ud800\r\n\n\n"
        with open_repository(made.folder) as repository:
            commit = write_commit(repository, tree=TREE, parents=(), message=message, at=AT)
            assert read_commit(repository, commit).message == "red turned\n"

    @pytest.mark.parametrize("message", ["", " \n", "\x00", "x" * 70_000])
    def test_a_message_that_none_can_have_is_refused(
        self, message: str, made: GitRepository
    ) -> None:
        made.commit()
        with open_repository(made.folder) as repository, pytest.raises(SourceError):
            write_commit(repository, tree=TREE, parents=(), message=message, at=AT)

    @pytest.mark.parametrize(
        "name", ["", " ", "a\nparent b", "a <b>", "a\x00", "\u202ea", "\ud800"]
    )
    def test_an_identity_that_none_can_have_is_refused(
        self, name: str, made: GitRepository
    ) -> None:
        made.commit()
        with open_repository(made.folder) as repository:
            for who in ({"name": name}, {"email": name}):
                with pytest.raises(SourceError, match="committer"):
                    write_commit(repository, tree=TREE, parents=(), message="x", at=AT, **who)

    def test_missing_and_wrong_objects_are_refused(self, made: GitRepository) -> None:
        commit = made.commit()
        with open_repository(made.folder) as repository:
            for tree, parent in (
                (commit, commit),
                ("1" * 40, commit),
                (TREE, TREE),
                ("-h", commit),
            ):
                with pytest.raises(SourceError, match="is no"):
                    write_commit(repository, tree=tree, parents=(parent,), message="x", at=AT)

    def test_a_time_without_a_zone_is_refused(self, made: GitRepository) -> None:
        made.commit()
        with open_repository(made.folder) as repository, pytest.raises(SourceError, match="zone"):
            write_commit(repository, tree=TREE, parents=(), message="x", at=AT.replace(tzinfo=None))

    def test_with_sha256(self, tmp_path: Path) -> None:
        made = GitRepository(tmp_path / "new", "--object-format=sha256")
        made.write("file", "x")
        parent = made.commit()
        with open_repository(made.folder) as repository:
            tree = edited_tree(repository, read_commit(repository, parent).tree, {"a/b": b"y"})
            commit = write_commit(repository, tree=tree, parents=(parent,), message="x", at=AT)
            assert len(commit) == 64
            assert repository.revision(commit).tree.read("a/b") == b"y"
            assert repository.merge_base(commit, parent) == parent


class TestEditing:
    """Trees with some files replaced, added or removed."""

    def test_files_are_replaced_added_and_removed(self, made: GitRepository) -> None:
        for name in ("kept", "replaced", "removed", "folder/kept", "gone/deep/last"):
            made.write(name, name)
        made.commit()
        with open_repository(made.folder) as repository:
            tree = edited_tree(
                repository,
                read_commit(repository, "main").tree,
                {
                    "replaced": b"new",
                    "removed": None,
                    "gone/deep/last": None,
                    "folder/added": b"",
                    "new/folder/file": b"\x00",
                    "never/there": None,
                },
            )
            assert files(repository, tree) == {
                "folder/added": ("100644", b""),
                "folder/kept": ("100644", b"folder/kept"),
                "kept": ("100644", b"kept"),
                "new/folder/file": ("100644", b"\x00"),
                "replaced": ("100644", b"new"),
            }

    def test_a_replaced_file_keeps_its_mode(self, made: GitRepository) -> None:
        made.write("run", "x").chmod(0o755)
        made.commit()
        with open_repository(made.folder) as repository:
            tree = edited_tree(repository, read_commit(repository, "main").tree, {"run": b"y"})
            assert files(repository, tree) == {"run": ("100755", b"y")}

    def test_a_mode_from_old_times_becomes_one_of_today(self, made: GitRepository) -> None:
        tree = made.make_tree(("100664", b"old", b"x"), ("100664", b"other", b"x"))
        with open_repository(made.folder) as repository:
            edited = edited_tree(repository, tree, {"old": b"y"})
            raw = repository.blobs.read_object(edited, "tree")
            assert raw.startswith(b"100644 old\0")
            assert b"100664 other\0" in raw

    def test_a_new_tree(self, made: GitRepository) -> None:
        with open_repository(made.folder) as repository:
            assert edited_tree(repository, None, {}) == TREE
            assert edited_tree(repository, None, {"a": None}) == TREE
            assert files(repository, edited_tree(repository, None, {"a/b": b"x"})) == {
                "a/b": ("100644", b"x")
            }

    def test_a_folder_is_made_of_a_file_that_is_removed(self, made: GitRepository) -> None:
        made.write("a", "x")
        made.commit()
        with open_repository(made.folder) as repository:
            tree = edited_tree(
                repository, read_commit(repository, "main").tree, {"a/b": b"y", "a": None}
            )
            assert files(repository, tree) == {"a/b": ("100644", b"y")}

    def test_no_edit_gives_the_same_tree(self, made: GitRepository) -> None:
        made.write("a/b", "x")
        made.write("a.c", "x")
        made.write("a0", "x")
        made.commit()
        with open_repository(made.folder) as repository:
            tree = read_commit(repository, "main").tree
            assert edited_tree(repository, tree, {}) == tree
            assert edited_tree(repository, tree, {"a/b": b"x"}) == tree

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("link", "a symbolic link"),
            ("link/below", "through a symbolic link"),
            ("module", "a submodule"),
            ("module/below", "through a submodule"),
            ("file/below", "through a file"),
            ("folder", "a folder"),
            ("../out", r"\.\."),
            ("/absolute", "absolute"),
            ("a//b", "empty segment"),
            (".git/config", "Git folder"),
            ("folder/.GIT/hooks/x", "Git folder"),
            ("nul\0", "NUL"),
        ],
    )
    def test_what_is_in_the_way_is_refused(
        self, path: str, reason: str, made: GitRepository
    ) -> None:
        made.write("file", "x")
        made.write("folder/file", "x")
        made.link("link", "folder")
        commit = made.commit()
        made.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
        made.git("commit", "--quiet", "-m", "module")
        with open_repository(made.folder) as repository:
            tree = read_commit(repository, "main").tree
            with pytest.raises(UnsafePathError, match=reason):
                edited_tree(repository, tree, {path: b"evil"})

    def test_links_and_submodules_can_be_removed_but_no_folder(self, made: GitRepository) -> None:
        made.write("folder/file", "x")
        made.link("link", "folder")
        commit = made.commit()
        made.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
        made.git("commit", "--quiet", "-m", "module")
        with open_repository(made.folder) as repository:
            tree = read_commit(repository, "main").tree
            left = edited_tree(repository, tree, {"link": None, "module": None, "link/x": None})
            assert list(files(repository, left)) == ["folder/file"]
            with pytest.raises(UnsafePathError, match="is a folder"):
                edited_tree(repository, tree, {"folder": None})

    def test_two_edits_that_exclude_each_other_are_refused(self, made: GitRepository) -> None:
        with open_repository(made.folder) as repository, pytest.raises(UnsafePathError):
            edited_tree(repository, None, {"a": b"x", "a/b": b"y"})

    @pytest.mark.parametrize(
        "raw",
        [
            b"100644",
            b"100644 a",
            b"100644 a\0short",
            b"100644 a\0" + bytes(20) + b"100644 a\0" + bytes(20),
            b"100644 a/b\0" + bytes(20),
            b"100644 \0" + bytes(20),
            b"1e3 a\0" + bytes(20),
        ],
    )
    def test_a_tree_that_git_did_not_make_is_refused(self, raw: bytes, made: GitRepository) -> None:
        tree = made.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
        with open_repository(made.folder) as repository, pytest.raises(SourceError):
            edited_tree(repository, tree, {"b": b"x"})

    @pytest.mark.parametrize("tree", ["1" * 40, "HEAD", "", "-h"])
    def test_a_tree_that_is_not_there_is_refused(self, tree: str, made: GitRepository) -> None:
        made.commit()
        with open_repository(made.folder) as repository, pytest.raises(SourceError, match="is not"):
            edited_tree(repository, tree, {"b": b"x"})

    def test_the_users_repository_is_not_written(self, made: GitRepository) -> None:
        made.write("a", "x")
        made.write("b/c", "y")
        parent = made.commit()
        before = fingerprint(made.folder)
        with open_repository(made.folder) as repository:
            tree = read_commit(repository, parent).tree
            edited_tree(repository, tree, {"a": b"y", "b/d": b"x"})
            edited_tree(repository, tree, {"a": b"x", "b/c": b"y"})
            changed = edited_tree(repository, tree, {"e": b"new"})
            commit = write_commit(repository, tree=changed, parents=(parent,), message="x", at=AT)
            raw = repository.blobs.read_object(commit, "commit")
        assert fingerprint(made.folder) == before
        made.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
        before = fingerprint(made.folder)
        with open_repository(made.folder) as repository:
            tree = edited_tree(repository, read_commit(repository, parent).tree, {"e": b"new"})
            again = write_commit(repository, tree=tree, parents=(parent,), message="x", at=AT)
            assert again == commit
        assert fingerprint(made.folder) == before

    @pytest.mark.slow
    def test_a_thousand_files_at_once(self, made: GitRepository) -> None:
        edits = {f"app-{number}/{name}.yaml": f"{number}{name}".encode()
                 for number in range(100) for name in range(10)}  # fmt: skip
        with open_repository(made.folder) as repository:
            tree = edited_tree(repository, None, edits)
            assert {
                path: content for path, (_, content) in files(repository, tree).items()
            } == edits

    NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "b", "ü", "\udcff", "A b", '"q"'])
    PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)

    @settings(max_examples=40)
    @given(
        before=st.dictionaries(PATHS, st.binary(max_size=3), max_size=6),
        edits=st.dictionaries(PATHS, st.none() | st.binary(max_size=3), max_size=6),
    )
    def test_git_makes_the_same_tree_of_the_same_files(
        self,
        before: dict[str, bytes],
        edits: dict[str, bytes | None],
        tmp_path_factory: pytest.TempPathFactory,
    ) -> None:
        made = GitRepository(tmp_path_factory.mktemp("made"))
        with open_repository(made.folder) as repository:
            try:
                first = edited_tree(repository, None, before)
                second = edited_tree(repository, first, edits)
            except UnsafePathError:
                return
            after = {
                path: content for path, content in (before | edits).items() if content is not None
            }
            assert second == tree_by_git(made, after)
            assert files(repository, second) == {
                path: ("100644", content) for path, content in after.items()
            }


def tree_by_git(made: GitRepository, contents: dict[str, bytes]) -> str:
    """The tree of an index that holds these files, written by Git."""
    lines = b""
    for path, content in contents.items():
        made.git("hash-object", "-w", "--stdin", stdin=content)
        lines += f"100644 {blob_id(content)}\t{path}\0".encode("utf-8", "surrogateescape")
    made.git("read-tree", "--empty")
    made.git("update-index", "-z", "--index-info", stdin=lines)
    return made.git("write-tree")
