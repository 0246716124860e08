"""Revisions of real repositories: names, ancestors, listings, and what may be missing."""

from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source import (
    Entry,
    GitBlobs,
    Mode,
    Tree,
    blob_id,
    changed_paths,
    folder_tree,
    materialise,
    open_repository,
)
from gitops_gate.source.blobs import MAXIMUM_BLOB
from tests.unit.source.repositories import ENVIRONMENT, GitRepository


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """An empty repository."""
    return GitRepository(tmp_path / "repository")


def clone(source: GitRepository, folder: Path, *options: str) -> GitRepository:
    """Clone over the file protocol, which transfers as a server does."""
    source.git("config", "uploadpack.allowFilter", "true")
    source.git("config", "uploadpack.allowAnySHA1InWant", "true")
    command = ["git", "clone", "--quiet", *options, f"file://{source.folder}", str(folder)]
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=60)
    cloned = GitRepository.__new__(GitRepository)
    cloned.folder = folder
    return cloned


def contents(tree: Tree) -> dict[str, bytes]:
    readable = {path: entry for path, entry in tree.entries.items() if entry.mode != "160000"}
    return dict(zip(readable, tree.blobs.read_many(readable.values()), strict=True))


class TestFinding:
    """Which repository a folder belongs to."""

    def test_from_a_folder_inside_a_checkout(self, made: GitRepository) -> None:
        made.write("a/b/file")
        commit = made.commit()
        with open_repository(made.folder / "a/b") as repository:
            assert repository.resolve("HEAD") == commit
            assert repository.location.worktree == str(made.folder)

    def test_a_bare_one(self, made: GitRepository, tmp_path: Path) -> None:
        made.write("file", "x")
        commit = made.commit()
        clone(made, tmp_path / "bare.git", "--bare")
        with open_repository(tmp_path / "bare.git") as repository:
            assert repository.revision("main").commit == commit
            assert repository.revision("main").tree.read("file") == b"x"
            with pytest.raises(SourceError, match="no working tree"):
                repository.worktree()

    def test_a_worktree_with_its_own_head(self, made: GitRepository, tmp_path: Path) -> None:
        made.commit("first")
        made.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "second"))
        made.write("file", "main")
        made.commit("second")
        with open_repository(tmp_path / "second") as repository:
            assert repository.revision("HEAD").tree.entries == {}
            assert repository.revision("main").tree.read("file") == b"main"
            assert repository.worktree().tree.entries == {}

    def test_objects_borrowed_from_another_repository(
        self, made: GitRepository, tmp_path: Path
    ) -> None:
        made.write("file", "x")
        made.commit()
        shared = tmp_path / "a\nfolder" / "shared"
        shared.parent.mkdir()
        made.git("clone", "--quiet", "--shared", str(made.folder), str(shared))
        (shared / ".git/objects/info/alternates").write_text(
            os.path.relpath(made.folder / ".git/objects", shared / ".git/objects") + "\n"
        )
        with open_repository(shared) as repository:
            assert repository.revision("HEAD").tree.read("file") == b"x"

    @pytest.mark.parametrize("name", ["a b", "new\nline", '"quoted\\', "-dash", "ü", "\udcff"])
    def test_a_folder_with_an_unusual_name(self, name: str, tmp_path: Path) -> None:
        made = GitRepository(tmp_path / name)
        made.write("file", "x")
        made.commit()
        with open_repository(made.folder) as repository:
            assert repository.revision("HEAD").tree.read("file") == b"x"
            assert repository.worktree().tree.read("file") == b"x"

    def test_one_with_sha256(self, tmp_path: Path) -> None:
        made = GitRepository(tmp_path / "new", "--object-format=sha256")
        made.write("file", "x")
        commit = made.commit()
        made.write("file", "y")
        made.commit()
        with open_repository(made.folder) as repository:
            assert len(commit) == 64
            assert repository.merge_base(commit, "HEAD") == commit
            first, second = repository.revision(commit).tree, repository.worktree().tree
            assert changed_paths(first, second) == ("file",)
            assert changed_paths(repository.revision("HEAD").tree, second) == ()
            assert second.read("file") == b"y"

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no Git repository") as caught:
            open_repository(tmp_path)
        assert caught.value.remedy is not None
        assert "--repo" in caught.value.remedy

    @pytest.mark.parametrize("path", ["missing", "a\0b", "x" * 5000])
    def test_no_folder(self, path: str, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="not a folder"):
            open_repository(f"{tmp_path}/{path}")

    def test_one_that_belongs_to_someone_else(self, made: GitRepository) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        made.write("file", "x")
        made.commit()
        for place in (made.folder, *made.folder.rglob("*")):
            os.chown(place, 12345, 12345)
        with open_repository(made.folder) as repository:
            assert repository.revision("HEAD").tree.read("file") == b"x"


class TestNames:
    """What revision names stand for."""

    def test_branches_tags_and_expressions(self, made: GitRepository) -> None:
        first = made.commit("first")
        second = made.commit("second")
        made.git("tag", "--annotate", "v1", "--message", "v1", first)
        with open_repository(made.folder) as repository:
            assert repository.resolve("main") == second
            assert repository.resolve("refs/heads/main") == second
            assert repository.resolve("v1") == first
            assert repository.resolve("HEAD~1") == first
            assert repository.resolve(second[:10]) == second

    @pytest.mark.parametrize("name", ["", "-h", "--all", "a\nb", "a\0b", "\ud800"])
    def test_what_is_no_name_is_refused(self, name: str, made: GitRepository) -> None:
        made.commit()
        with open_repository(made.folder) as repository, pytest.raises(SourceError):
            repository.resolve(name)

    @pytest.mark.parametrize(
        ("name", "fetch"),
        [
            ("feature", "git fetch origin feature"),
            ("origin/feature", "git fetch origin feature"),
            ("refs/remotes/origin/feature", "git fetch origin feature"),
            ("refs/heads/feature", "git fetch origin feature"),
            ("1" * 40, f"git fetch origin {'1' * 40}"),
            ("a;b", "git fetch origin 'a;b'"),
        ],
    )
    def test_an_unknown_name_says_what_to_fetch(
        self, name: str, fetch: str, made: GitRepository
    ) -> None:
        made.commit()
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="not known") as caught,
        ):
            repository.resolve(name)
        assert caught.value.remedy == fetch

    @pytest.mark.parametrize("name", ["main..main", "^main", "main:file", "HEAD^{tree}", "@{9}"])
    def test_what_is_no_commit_is_refused(self, name: str, made: GitRepository) -> None:
        made.write("file")
        made.commit()
        with open_repository(made.folder) as repository, pytest.raises(SourceError):
            repository.resolve(name)

    def test_a_name_of_a_branch_and_a_tag_is_refused(self, made: GitRepository) -> None:
        made.commit("first")
        made.git("tag", "main")
        second = made.commit("second")
        with open_repository(made.folder) as repository:
            with pytest.raises(SourceError, match="ambiguous") as caught:
                repository.resolve("main")
            assert "full ref name" in (caught.value.remedy or "")
            assert repository.resolve("refs/heads/main") == second

    def test_a_repository_without_commits_says_so(self, made: GitRepository) -> None:
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="no commit yet"),
        ):
            repository.revision("HEAD")


class TestDefaultBranch:
    """Against which branch changes are made."""

    def test_what_the_remote_says(self, made: GitRepository, tmp_path: Path) -> None:
        made.commit()
        made.git("checkout", "--quiet", "-b", "trunk")
        made.git("branch", "master")
        cloned = clone(made, tmp_path / "clone")
        with open_repository(cloned.folder) as repository:
            assert repository.default_branch() == "refs/remotes/origin/trunk"
        cloned.git("remote", "set-head", "origin", "--delete")
        with open_repository(cloned.folder) as repository:
            assert repository.default_branch() == "refs/remotes/origin/main"
            assert repository.resolve(repository.default_branch())

    def test_the_local_one_without_a_remote(self, made: GitRepository) -> None:
        made.commit()
        made.git("branch", "master")
        with open_repository(made.folder) as repository:
            assert repository.default_branch() == "refs/heads/main"
        made.git("branch", "--quiet", "-M", "main", "other")
        with open_repository(made.folder) as repository:
            assert repository.default_branch() == "refs/heads/master"

    def test_none(self, made: GitRepository) -> None:
        made.commit()
        made.git("branch", "--quiet", "-M", "main", "develop")
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="default branch is not known") as caught,
        ):
            repository.default_branch()
        assert "--base" in (caught.value.remedy or "")


class TestHistory:
    """Ancestors, in whole and in shallow histories."""

    def test_the_merge_base_of_two_branches(self, made: GitRepository) -> None:
        base = made.commit("base")
        made.commit("on main")
        made.git("checkout", "--quiet", "-b", "feature", base)
        made.commit("on feature")
        with open_repository(made.folder) as repository:
            assert repository.merge_base("main", "feature") == base
            assert repository.merge_base("feature", "main") == base
            assert repository.merge_base(base, "main") == base

    def test_of_several_merge_bases_the_newest_one(self, made: GitRepository) -> None:
        tree = made.git("mktree")
        root = made.commit_tree(tree)

        def commit(date: str, *parents: str) -> str:
            options = [part for parent in parents for part in ("-p", parent)]
            when = {"GIT_COMMITTER_DATE": date}
            return made.git("commit-tree", "-m", date, *options, tree, environment=when)

        older = commit("2030-02-01T00:00:00Z", root)
        newer = commit("2030-03-01T00:00:00Z", root)
        one = commit("2030-04-01T00:00:00Z", older, newer)
        other = commit("2030-04-02T00:00:00Z", newer, older)
        with open_repository(made.folder) as repository:
            assert repository.merge_base(one, other) == newer
            assert repository.merge_base(other, one) == newer

    def test_no_common_history(self, made: GitRepository) -> None:
        made.commit()
        unrelated = made.commit_tree(made.git("mktree"))
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="no common ancestor"),
        ):
            repository.merge_base("main", unrelated)

    def test_a_change_without_common_history_is_not_called_damaged(
        self, made: GitRepository
    ) -> None:
        made.commit()
        unrelated = made.commit_tree(made.git("mktree"))
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match=r"shares no history .*begins at the target"),
        ):
            repository.merged("main", unrelated)

    def test_first_parents_end_at_the_limit_or_the_root(self, made: GitRepository) -> None:
        first = made.commit("first")
        side = made.commit_tree(made.git("mktree"), first)
        second = made.commit("second")
        merged = made.commit_tree(made.git("mktree"), second, side)
        with open_repository(made.folder) as repository:
            assert repository.first_parent_history(merged, 10) == (merged, second, first)
            assert repository.first_parent_history(merged, 2) == (merged, second)

    def test_a_shallow_clone_knows_what_it_can_prove(
        self, made: GitRepository, tmp_path: Path
    ) -> None:
        commits = [made.commit(str(number)) for number in range(6)]
        cloned = clone(made, tmp_path / "clone", "--depth=2")
        feature = cloned.git("commit-tree", "-m", "x", "-p", "HEAD", "HEAD^{tree}")
        with open_repository(cloned.folder) as repository:
            assert repository.merge_base("HEAD", "HEAD~1") == commits[-2]
            assert repository.merge_base(feature, "origin/main") == commits[-1]
            assert repository.first_parent_history("HEAD", 2) == (commits[-1], commits[-2])

    def test_a_shallow_clone_never_gives_a_wrong_base(
        self, made: GitRepository, tmp_path: Path
    ) -> None:
        made.commit("root")
        base = made.commit("base")
        made.git("checkout", "--quiet", "-b", "feature")
        made.commit("on feature")
        made.git("checkout", "--quiet", "main")
        made.commit("on main")
        cloned = clone(made, tmp_path / "clone", "--depth=1", "--no-single-branch")
        with open_repository(cloned.folder) as repository:
            with pytest.raises(SourceError, match="too little history") as caught:
                repository.merge_base("origin/main", "origin/feature")
            assert "git fetch --unshallow" in (caught.value.remedy or "")
            assert "--deepen" in (caught.value.remedy or "")
            with pytest.raises(SourceError, match="not in the repository") as caught:
                repository.first_parent_history("origin/main", 2)
            assert "git fetch --unshallow" in (caught.value.remedy or "")
            with pytest.raises(SourceError, match="history ends before it") as caught:
                repository.resolve("HEAD~1")
            assert "git fetch --unshallow" in (caught.value.remedy or "")
        cloned.git("fetch", "--quiet", "--unshallow")
        with open_repository(cloned.folder) as repository:
            assert repository.merge_base("origin/main", "origin/feature") == base

    def test_a_base_that_may_hide_behind_a_boundary_is_not_guessed(
        self, made: GitRepository
    ) -> None:
        """`one` reaches the best base through a commit that was not fetched, an older one not."""
        tree = made.git("mktree")

        def commit(name: str, *parents: str) -> str:
            options = [part for parent in parents for part in ("-p", parent)]
            return made.git("commit-tree", "-m", name, *options, tree)

        older = commit("older")
        best = commit("best", older)
        lost = commit("lost", best)
        boundary = commit("boundary", lost)
        one, other = commit("one", older, boundary), commit("other", best)
        (made.folder / ".git/shallow").write_text(f"{boundary}\n")
        assert made.git("merge-base", one, other) == older  # what Git believes now

        with open_repository(made.folder) as repository:
            assert repository.merge_base(one, other) == best
        (made.folder / ".git/objects" / lost[:2] / lost[2:]).unlink()
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="too little history"),
        ):
            repository.merge_base(one, other)


class TestTrees:
    """Listing and reading the tree of a commit."""

    def test_every_kind_of_entry(self, made: GitRepository) -> None:
        made.write("a/file", "content")
        made.write("run", "").chmod(0o755)
        made.link("link", "a/file")
        made.commit()
        made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
        made.git("commit", "--quiet", "-m", "submodule")
        with open_repository(made.folder) as repository:
            revision = repository.revision("HEAD")
            tree = revision.tree
            assert tree.entries == {
                "a/file": Entry(Mode.FILE, blob_id(b"content")),
                "link": Entry(Mode.LINK, blob_id(b"a/file")),
                "run": Entry(Mode.EXECUTABLE, blob_id(b"")),
                "sub": Entry(Mode.SUBMODULE, "1" * 40),
            }
            assert contents(tree) == {"a/file": b"content", "link": b"a/file", "run": b""}
            assert tree.identity == made.git("rev-parse", "HEAD^{tree}")
            assert revision.name == "HEAD"
            with pytest.raises(SourceError, match="submodule"):
                tree.read("sub")

    def test_an_empty_commit_has_an_empty_tree(self, made: GitRepository) -> None:
        made.commit()
        with open_repository(made.folder) as repository:
            assert repository.revision("HEAD").tree.entries == {}

    def test_changed_paths_are_those_whose_mode_or_content_differ(
        self, made: GitRepository
    ) -> None:
        for name in ("same", "changed", "moved", "mode", "kind", "gone"):
            made.write(name, name)
        first = made.commit()
        made.write("changed", "new")
        (made.folder / "mode").chmod(0o755)
        (made.folder / "kind").unlink()
        made.link("kind", "same")
        (made.folder / "gone").unlink()
        (made.folder / "moved").rename(made.folder / "renamed")
        second = made.commit()
        with open_repository(made.folder) as repository:
            one, two = repository.revision(first).tree, repository.revision(second).tree
            expected = ("changed", "gone", "kind", "mode", "moved", "renamed")
            assert changed_paths(one, two) == expected
            assert changed_paths(two, one) == expected
            assert changed_paths(one, one) == ()

    @pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"."])
    def test_a_name_that_git_would_not_check_out_is_refused(
        self, name: bytes, made: GitRepository
    ) -> None:
        inner = made.make_tree(("100644", b"config", "x"))
        tree = made.make_tree(("100644", b"a", "x"), ("40000", name, inner))
        commit = made.commit_tree(tree)
        with open_repository(made.folder) as repository, pytest.raises(UnsafePathError):
            repository.revision(commit)

    def test_a_name_that_only_looks_unsafe_is_fine(self, made: GitRepository) -> None:
        made.write("x\t../file", "x")
        made.write(".github/x\t.git", "x")
        made.commit()
        with open_repository(made.folder) as repository:
            assert set(repository.revision("HEAD").tree.entries) == {
                "x\t../file",
                ".github/x\t.git",
            }

    def test_a_tree_that_names_a_path_twice_is_refused(self, made: GitRepository) -> None:
        tree = made.make_tree(("100644", b"a", "harmless"), ("100644", b"a", "other"))
        commit = made.commit_tree(tree)
        with open_repository(made.folder) as repository, pytest.raises(SourceError, match="twice"):
            repository.revision(commit)

    @pytest.mark.slow
    def test_a_tree_that_multiplies_ends_with_an_error(self, made: GitRepository) -> None:
        tree = made.make_tree(("100644", b"f", "x"))
        for _ in range(9):
            tree = made.make_tree(*(("40000", b"d%d" % number, tree) for number in range(10)))
        commit = made.commit_tree(tree)
        with (
            open_repository(made.folder) as repository,
            pytest.raises(SourceError, match="printed more than"),
        ):
            repository.revision(commit)

    names = st.binary(min_size=1, max_size=10).filter(lambda raw: not {0, 47} & set(raw))

    @pytest.mark.slow
    @settings(max_examples=25)
    @given(
        files=st.dictionaries(
            st.lists(names, min_size=1, max_size=3).map(b"/".join),
            st.binary(max_size=40),
            max_size=5,
        )
    )
    def test_any_names_survive_git_and_the_way_into_a_folder(
        self, files: dict[bytes, bytes], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        made = GitRepository(tmp_path_factory.mktemp("made") / "repository")
        try:
            made.git("fast-import", "--quiet", stdin=fast_import(files))
        except AssertionError:
            return  # names that Git itself refuses: `..`, `.git`
        listed = made.git("ls-tree", "-r", "-z", "--name-only", "main").split("\0")[:-1]
        try:
            kept = folder_contents(made, "main", tmp_path_factory)
        except UnsafePathError:
            return  # another spelling of `.git`
        assert set(kept) == set(listed)
        raw = {name.encode("utf-8", "surrogateescape"): kept[name] for name in kept}
        assert all(files[name] == content for name, content in raw.items())


def folder_contents(
    made: GitRepository, name: str, folders: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Write a revision's tree into a folder, and read that back."""
    target = folders.mktemp("target")
    with open_repository(made.folder) as repository:
        materialise(repository.revision(name).tree, str(target))
    return contents(folder_tree(target))


class TestMissingObjects:
    """An object that is missing matters only to who needs it."""

    def test_a_partial_clone_fetches_nothing_and_says_what_would(
        self, made: GitRepository, tmp_path: Path
    ) -> None:
        made.write("file", "old")
        first = made.commit()
        made.write("file", "new")
        second = made.commit()
        cloned = clone(made, tmp_path / "clone", "--filter=blob:none")
        with open_repository(cloned.folder) as repository:
            one, two = repository.revision(first).tree, repository.revision(second).tree
            assert changed_paths(one, two) == ("file",)
            assert two.read("file") == b"new"
            with pytest.raises(SourceError, match=blob_id(b"old")) as caught:
                one.read("file")
        assert caught.value.remedy is not None
        command = caught.value.remedy.partition(": git ")[2].split()
        cloned.git(*command)
        with open_repository(cloned.folder) as repository:
            assert repository.revision(first).tree.read("file") == b"old"

    def test_a_clone_without_trees_says_so(self, made: GitRepository, tmp_path: Path) -> None:
        made.write("a/file", "old")
        first = made.commit()
        made.write("a/file", "new")
        made.commit()
        cloned = clone(made, tmp_path / "clone", "--filter=tree:0")
        with open_repository(cloned.folder) as repository:
            assert repository.merge_base(first, "HEAD") == first
            assert repository.revision("HEAD").tree.read("a/file") == b"new"
            with pytest.raises(SourceError, match="tree") as caught:
                repository.revision(first)
            assert "--refetch" in (caught.value.remedy or "")

    def test_a_lost_object_is_an_error_only_when_it_is_needed(self, made: GitRepository) -> None:
        made.write("kept", "kept")
        made.write("lost", "lost")
        made.commit()
        oid = blob_id(b"lost")
        (made.folder / ".git/objects" / oid[:2] / oid[2:]).unlink()
        with open_repository(made.folder) as repository:
            tree = repository.revision("HEAD").tree
            assert tree.read("kept") == b"kept"
            with pytest.raises(SourceError, match=oid) as caught:
                tree.read("lost")
            assert "git fsck" in (caught.value.remedy or "")
            assert tree.read("kept") == b"kept"

    def test_a_damaged_object_is_an_error(self, made: GitRepository) -> None:
        made.write("good", "good")
        made.write("bad", "bad" * 1000)
        made.commit()
        oid = blob_id(b"bad" * 1000)
        place = made.folder / ".git/objects" / oid[:2] / oid[2:]
        raw = place.read_bytes()
        place.chmod(0o644)
        place.write_bytes(raw[: len(raw) // 2])
        with open_repository(made.folder) as repository:
            tree = repository.revision("HEAD").tree
            with pytest.raises(SourceError, match=oid):
                tree.read("bad")
            assert tree.read("good") == b"good"

    def test_an_object_of_another_kind_is_an_error(self, made: GitRepository) -> None:
        commit = made.commit()
        with open_repository(made.folder) as repository:
            blobs = repository.revision("HEAD").tree.blobs
            with pytest.raises(SourceError, match="is a commit"):
                blobs.read(Entry(Mode.FILE, commit))
            for oid in ("HEAD", "x\ny", ""):
                with pytest.raises(SourceError, match="not an object id"):
                    blobs.read(Entry(Mode.FILE, oid))


class TestReading:
    """Reading many blobs, in many processes."""

    def test_thousands_of_blobs_arrive_in_order(self, made: GitRepository) -> None:
        wanted = {f"d{number % 50}/f{number}": b"%d" % number * 300 for number in range(3000)}
        made.git("fast-import", "--quiet", stdin=fast_import(wanted))
        with open_repository(made.folder) as repository:
            assert contents(repository.revision("main").tree) == wanted

    @pytest.mark.slow
    def test_large_blobs_are_streamed_and_huge_ones_refused(self, made: GitRepository) -> None:
        wanted = {f"f{number}": bytes([number]) * 3_000_000 for number in range(8)}
        huge = {"huge": b"\0" * (MAXIMUM_BLOB + 1)}
        made.git("fast-import", "--quiet", stdin=fast_import(wanted | huge))
        with open_repository(made.folder) as repository:
            tree = repository.revision("main").tree
            assert contents(tree.subset(wanted)) == wanted
            with pytest.raises(SourceError, match="52,428,801 bytes"):
                tree.read("huge")
            assert tree.read("f1") == wanted["f1"]

    def test_reading_may_be_interleaved_and_left_unfinished(self, made: GitRepository) -> None:
        wanted = {f"f{number}": b"%d" % number for number in range(300)}
        made.git("fast-import", "--quiet", stdin=fast_import(wanted))
        with open_repository(made.folder) as repository:
            tree = repository.revision("main").tree
            order = list(tree.entries)
            reading = tree.blobs.read_many(tree.entries[path] for path in order)
            assert next(reading) == wanted[order[0]]
            assert tree.read(order[250]) == wanted[order[250]]
            assert next(reading) == wanted[order[1]]
            del reading
            assert tree.read(order[2]) == wanted[order[2]]

    @pytest.mark.slow
    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_each_process_reads_for_itself(self, method: str, made: GitRepository) -> None:
        wanted = {f"f{number}": b"%d" % number * 100 for number in range(200)}
        made.git("fast-import", "--quiet", stdin=fast_import(wanted))
        with open_repository(made.folder) as repository:
            tree = repository.revision("main").tree
            assert tree.read("f1") == wanted["f1"]
            with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
                found = list(pool.map(contents, [tree] * 6))
            assert found == [wanted] * 6
            assert contents(tree) == wanted

    def test_blobs_are_small_when_they_travel(self, made: GitRepository) -> None:
        made.commit()
        with open_repository(made.folder) as repository:
            blobs = repository.revision("HEAD").tree.blobs
            assert isinstance(blobs, GitBlobs)
            assert len(pickle.dumps(blobs)) < 500

    def test_nothing_is_left_behind_when_it_is_closed(self, made: GitRepository) -> None:
        made.write("file")
        made.commit()
        with open_repository(made.folder) as repository:
            tree = repository.revision("HEAD").tree
            tree.read("file")
            assert isinstance(tree.blobs, GitBlobs)
            scratch = Path(tree.blobs.git_dir)
            assert scratch.is_dir()
        assert not scratch.exists()
        with pytest.raises(SourceError, match="closed"):
            tree.read("file")


def fast_import(files: Mapping[str, bytes] | Mapping[bytes, bytes]) -> bytes:
    """One commit on `main` for git-fast-import(1)."""
    parts = [b"commit refs/heads/main\ncommitter A <a@example.com> 0 +0000\ndata 0\n"]
    for path, content in files.items():
        name = path if isinstance(path, bytes) else path.encode()
        quoted = b"".join(b"\\%03o" % byte for byte in name)
        parts.append(b'M 100644 inline "%s"\ndata %d\n' % (quoted, len(content)) + content)
        parts.append(b"\n")
    return b"".join(parts)
