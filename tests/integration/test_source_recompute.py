"""Merges, squashes, rebases and picks computed again, against what Git itself makes of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.errors import MergeConflictError, SourceError
from gitops_gate.source import open_repository
from gitops_gate.source.recompute import (
    merged_tree_id,
    picked_tree_id,
    reachable,
    rebased_tree_ids,
    reverted_tree_id,
    steps_between,
)
from tests.unit.source.repositories import ENVIRONMENT, GitRepository

LINES = [f"line {number}" for number in range(12)]


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """A repository with one commit of a few files."""
    made = GitRepository(tmp_path / "repository")
    for name in ("one", "two", "folder/three"):
        made.write(name, "".join(f"{name} {line}\n" for line in LINES))
    made.write("binary", bytes(range(256)))
    made.commit("base")
    return made


def tries(made: GitRepository, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Let Git try something that may conflict."""
    return subprocess.run(
        ["git", *arguments], cwd=made.folder, env=ENVIRONMENT, capture_output=True, check=False
    )


def tree_of(made: GitRepository, name: str = "HEAD") -> str:
    return made.git("rev-parse", f"{name}^{{tree}}")


def edit(made: GitRepository, path: str, number: int, text: str) -> str:
    """Replace one line of a file, whose name is given back."""
    place = made.folder / path
    lines = place.read_text().splitlines()
    lines[number] = text
    place.write_text("".join(f"{line}\n" for line in lines))
    return path


def branch(made: GitRepository, name: str, *changes: Callable[[], object]) -> str:
    """A branch from the base with one commit for each change; its tip."""
    made.git("checkout", "--quiet", "-B", name, "base")
    for change in changes:
        change()
        made.commit(f"{name}: change")
    return made.git("rev-parse", "HEAD")


class TestMerge:
    """What a merge and a squash give."""

    def test_both_sides_of_one_file(self, made: GitRepository) -> None:
        made.git("tag", "base")
        theirs = branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        ours = branch(made, "other", lambda: edit(made, "one", 9, "ours"))
        made.git("merge", "--quiet", "--no-edit", "topic")
        with open_repository(made.folder) as repository:
            assert merged_tree_id(repository, ours, theirs) == tree_of(made)

    def test_a_rename_meets_a_change(self, made: GitRepository) -> None:
        made.git("tag", "base")
        theirs = branch(made, "topic", lambda: made.git("mv", "one", "moved"))
        ours = branch(made, "other", lambda: edit(made, "one", 9, "ours"))
        made.git("merge", "--quiet", "--no-edit", "topic")
        with open_repository(made.folder) as repository:
            assert merged_tree_id(repository, ours, theirs) == tree_of(made)

    def test_a_conflict_names_the_files(self, made: GitRepository) -> None:
        made.git("tag", "base")
        theirs = branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        ours = branch(made, "other", lambda: edit(made, "one", 1, "ours"))
        with (
            open_repository(made.folder) as repository,
            pytest.raises(MergeConflictError, match="conflicts in one"),
        ):
            merged_tree_id(repository, ours, theirs)


class TestPick:
    """What a cherry-pick and a revert give."""

    def test_only_what_the_commit_changed_is_taken(self, made: GitRepository) -> None:
        made.git("tag", "base")
        picked = branch(
            made,
            "topic",
            lambda: made.write("left-behind", "x"),
            lambda: edit(made, "one", 1, "picked"),
        )
        onto = branch(made, "other", lambda: edit(made, "one", 9, "ours"))
        made.git("cherry-pick", picked)
        with open_repository(made.folder) as repository:
            assert picked_tree_id(repository, picked, onto) == tree_of(made)
        assert not (made.folder / "left-behind").exists()

    def test_a_root_commit(self, made: GitRepository) -> None:
        onto = made.git("rev-parse", "HEAD")
        made.git("checkout", "--quiet", "--orphan", "new")
        made.git("rm", "--quiet", "-rf", ".")
        made.write("new", "x")
        root = made.commit("root")
        made.git("checkout", "--quiet", onto)
        made.git("cherry-pick", root)
        with open_repository(made.folder) as repository:
            assert picked_tree_id(repository, root, onto) == tree_of(made)

    def test_what_is_there_already_changes_nothing(self, made: GitRepository) -> None:
        made.git("tag", "base")
        picked = branch(made, "topic", lambda: edit(made, "one", 1, "same"))
        onto = branch(made, "other", lambda: edit(made, "one", 1, "same"))
        with open_repository(made.folder) as repository:
            assert picked_tree_id(repository, picked, onto) == tree_of(made)

    def test_a_conflict_names_the_commit_and_the_files(self, made: GitRepository) -> None:
        made.git("tag", "base")
        picked = branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        onto = branch(made, "other", lambda: edit(made, "one", 1, "ours"))
        with (
            open_repository(made.folder) as repository,
            pytest.raises(MergeConflictError, match=f"{picked} does not apply.* one"),
        ):
            picked_tree_id(repository, picked, onto)

    def test_a_merge_commit_cannot_be_picked_but_reverted(self, made: GitRepository) -> None:
        made.git("tag", "base")
        branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        branch(made, "other", lambda: edit(made, "two", 9, "ours"))
        made.git("merge", "--quiet", "--no-edit", "topic")
        merge = made.git("rev-parse", "HEAD")
        edit(made, "two", 1, "later")
        made.commit("later")
        made.git("revert", "--no-edit", "--mainline", "1", merge)
        with open_repository(made.folder) as repository:
            with pytest.raises(SourceError, match="merge commit"):
                picked_tree_id(repository, merge, "base")
            assert reverted_tree_id(repository, merge, "HEAD~1") == tree_of(made)


class TestRebase:
    """What a rebase lands."""

    def by_git(self, made: GitRepository, onto: str, base: str, head: str) -> list[str] | None:
        """The trees that `git rebase` makes, oldest first; None where it stops."""
        made.git("checkout", "--quiet", "--detach", head)
        if tries(made, "rebase", "--no-ff", "--onto", onto, base).returncode:
            made.git("rebase", "--abort")
            return None
        commits = made.git("rev-list", "--reverse", f"{onto}..HEAD").split()
        return [tree_of(made, commit) for commit in commits]

    def test_each_commit_on_top_of_the_one_before(self, made: GitRepository) -> None:
        made.git("tag", "base")
        head = branch(
            made,
            "topic",
            lambda: edit(made, "one", 1, "first"),
            lambda: made.git("mv", "one", "moved"),
            lambda: edit(made, "moved", 2, "third"),
        )
        onto = branch(made, "other", lambda: edit(made, "one", 9, "ours"))
        with open_repository(made.folder) as repository:
            landed = rebased_tree_ids(repository, "base", head, onto)
        assert [commit for commit, _ in landed] == made.git(
            "rev-list", "--reverse", "base..topic"
        ).split()
        assert [tree for _, tree in landed] == self.by_git(made, onto, "base", head)

    def test_merges_and_what_is_there_already_are_left_out(self, made: GitRepository) -> None:
        made.git("tag", "base")
        onto = branch(
            made,
            "other",
            lambda: edit(made, "one", 1, "same"),
            lambda: [edit(made, "two", 1, "same"), edit(made, "two", 9, "more")],
        )
        head = branch(
            made,
            "topic",
            lambda: edit(made, "one", 1, "same"),  # its patch is there already
            lambda: edit(made, "two", 1, "same"),  # becomes empty
            lambda: None,  # is empty from the beginning
            lambda: edit(made, "folder/three", 1, "new"),
        )
        made.git("merge", "--quiet", "--no-edit", "-X", "ours", "other")
        edit(made, "folder/three", 2, "newer")
        head = made.commit("after the merge")
        with open_repository(made.folder) as repository:
            landed = rebased_tree_ids(repository, onto, head, onto)
        assert len(landed) == 3
        assert [tree for _, tree in landed] == self.by_git(made, onto, onto, head)

    def test_a_commit_that_does_not_apply_is_named(self, made: GitRepository) -> None:
        made.git("tag", "base")
        head = branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        onto = branch(made, "other", lambda: edit(made, "one", 1, "ours"))
        assert self.by_git(made, onto, onto, head) is None
        with (
            open_repository(made.folder) as repository,
            pytest.raises(MergeConflictError, match=head),
        ):
            rebased_tree_ids(repository, onto, head, onto)

    def test_nothing_to_rebase(self, made: GitRepository) -> None:
        tip = made.git("rev-parse", "HEAD")
        with open_repository(made.folder) as repository:
            assert rebased_tree_ids(repository, tip, tip, tip) == ()


EDITS = st.one_of(
    st.tuples(st.just("line"), st.sampled_from(["one", "two", "folder/three", "moved"]),
              st.integers(0, 11), st.sampled_from(["x", "y"])),
    st.tuples(st.just("move"), st.sampled_from(["one", "two", "folder/three"]),
              st.sampled_from(["moved", "folder/moved", "other/new"])),
    st.tuples(st.just("remove"), st.sampled_from(["one", "two", "binary"])),
    st.tuples(st.just("mode"), st.sampled_from(["one", "two", "moved"])),
    st.tuples(st.just("binary"), st.binary(max_size=2)),
    st.tuples(st.just("file"), st.sampled_from(["new", "folder", "one/below"]),
              st.sampled_from(["a\n", "b\n"])),
    st.tuples(st.just("nothing")),
)  # fmt: skip
HISTORY = st.lists(st.lists(EDITS, min_size=1, max_size=2), min_size=1, max_size=3)


def apply(made: GitRepository, change: Sequence[object]) -> None:
    """Make one edit, where it can be made."""
    kind, *values = change
    place = made.folder / str(values[0]) if values and kind != "binary" else made.folder
    if kind == "line" and place.is_file() and place.read_text().count("\n") > 11:
        edit(made, str(values[0]), int(str(values[1])), str(values[2]))
    elif kind == "move" and place.is_file() and not (made.folder / str(values[1])).exists():
        (made.folder / str(values[1])).parent.mkdir(exist_ok=True)
        place.rename(made.folder / str(values[1]))
    elif kind == "remove" and place.is_file():
        place.unlink()
    elif kind == "mode" and place.is_file():
        place.chmod(0o755)
    elif kind == "binary" and isinstance(values[0], bytes):
        made.write("binary", bytes(range(256)) + values[0])
    elif kind == "file" and not place.is_dir() and not place.parent.is_file():
        made.write(str(values[0]), str(values[1]))


@pytest.mark.slow
@settings(max_examples=25)
@given(ours=HISTORY, theirs=HISTORY)
def test_any_two_histories_come_out_as_git_makes_them(
    ours: list[list[tuple[object, ...]]],
    theirs: list[list[tuple[object, ...]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = GitRepository(tmp_path_factory.mktemp("made"))
    for name in ("one", "two", "folder/three"):
        made.write(name, "".join(f"{name} {line}\n" for line in LINES))
    made.write("binary", bytes(range(256)))
    made.commit("base")
    made.git("tag", "base")
    for name, history in (("topic", theirs), ("other", ours)):
        made.git("checkout", "--quiet", "-B", name, "base")
        for changes in history:
            for change in changes:
                apply(made, change)
            made.commit(f"{name}: {changes}")
    onto, head = made.git("rev-parse", "other"), made.git("rev-parse", "topic")
    with open_repository(made.folder) as repository:

        def computed(function: Callable[..., object], *names: str) -> object:
            try:
                return function(repository, *names)
            except MergeConflictError:
                return None

        rebased = computed(rebased_tree_ids, onto, head, onto)
        trees = None if rebased is None else [tree for _, tree in rebased]  # type: ignore[attr-defined]
        assert trees == TestRebase().by_git(made, onto, onto, head)
        assert computed(merged_tree_id, onto, head) == made_by(
            made, onto, "merge", "--no-edit", head
        )
        picked = computed(picked_tree_id, head, onto)
        assert picked == made_by(
            made, onto, "cherry-pick", "--allow-empty", "--keep-redundant-commits", head
        )
        reverted = computed(reverted_tree_id, onto, head)
        assert reverted == made_by(made, head, "revert", "--no-edit", onto)


def made_by(made: GitRepository, at: str, *arguments: str) -> str | None:
    """The tree that a Git command makes on top of a commit; None where it conflicts."""
    made.git("checkout", "--quiet", "--force", "--detach", at)
    done = tries(made, *arguments)
    conflict = done.returncode and b"CONFLICT" in done.stdout + done.stderr
    tree = None if conflict else made.git("write-tree")
    made.git("reset", "--quiet", "--hard", at)
    made.git("clean", "--quiet", "-ffdx")
    return tree


class TestWalks:
    """Ancestors and the steps of a branch."""

    def test_the_steps_after_the_last_delivered_one(self, made: GitRepository) -> None:
        old = made.git("rev-parse", "HEAD")
        first = made.commit("first")
        made.git("checkout", "--quiet", "-b", "topic")
        topic = made.commit("topic")
        made.git("checkout", "--quiet", "main")
        made.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
        merge = made.git("rev-parse", "HEAD")
        with open_repository(made.folder) as repository:
            assert steps_between(repository, old, merge) == (first, merge)
            assert steps_between(repository, merge, merge) == ()
            assert reachable(repository, topic, merge)
            assert reachable(repository, merge, merge)
            assert not reachable(repository, merge, topic)

    def test_a_walk_that_does_not_meet_the_old_commit(self, made: GitRepository) -> None:
        start = made.git("rev-parse", "HEAD")
        old = made.commit("delivered")
        made.git("checkout", "--quiet", "-b", "topic", start)
        made.commit("topic")
        made.git("merge", "--quiet", "--no-ff", "--no-edit", "main")
        foxtrot = made.git("rev-parse", "HEAD")
        with open_repository(made.folder) as repository:
            assert reachable(repository, old, foxtrot)
            assert steps_between(repository, old, foxtrot) is None
            assert steps_between(repository, foxtrot, old) is None

    def test_more_steps_than_the_limit_is_an_error(self, made: GitRepository) -> None:
        old = made.git("rev-parse", "HEAD")
        for number in range(4):
            made.commit(f"{number}")
        with open_repository(made.folder) as repository:
            assert len(steps_between(repository, old, "main", limit=4) or ()) == 4
            with pytest.raises(SourceError, match="more than 3 steps"):
                steps_between(repository, old, "main", limit=3)

    def test_a_shallow_clone_tells_what_it_can(self, made: GitRepository, tmp_path: Path) -> None:
        commits = [made.commit(f"{number}") for number in range(5)]
        subprocess.run(
            ["git", "clone", "--quiet", "--depth=4", f"file://{made.folder}", str(tmp_path / "s")],
            env=ENVIRONMENT,
            check=True,
        )
        clone = GitRepository(tmp_path / "s")
        stranger = clone.commit_tree(tree_of(clone))
        with open_repository(clone.folder) as repository:
            assert steps_between(repository, commits[1], "main") == tuple(commits[2:])
            with pytest.raises(SourceError, match="not known"):
                steps_between(repository, commits[0], "main")
            with pytest.raises(SourceError) as caught:
                steps_between(repository, commits[4], commits[3])
            assert "--unshallow" in str(caught.value)
            with pytest.raises(SourceError, match="cannot be known"):
                reachable(repository, stranger, "main")
            assert not reachable(repository, commits[4], commits[3])

    def test_history_that_is_missing_is_no_answer(self, made: GitRepository) -> None:
        old = made.git("rev-parse", "HEAD")
        lost = made.commit("lost")
        made.commit("tip")
        (made.folder / ".git/objects" / lost[:2] / lost[2:]).unlink()
        with open_repository(made.folder) as repository:
            for ask in (reachable, steps_between, merged_tree_id):
                with pytest.raises(SourceError):
                    ask(repository, old, "main")


class TestHostileRepositories:
    """What a checkout is set up to do to merges does not happen in ours."""

    def test_nothing_of_it_runs_or_counts(self, made: GitRepository) -> None:
        made.write(".gitattributes", "* merge=evil diff=evil filter=evil\n")
        made.commit("attributes")
        made.git("tag", "base")
        theirs = branch(made, "topic", lambda: edit(made, "one", 1, "theirs"))
        ours = branch(made, "other", lambda: edit(made, "one", 9, "ours"))
        made.git("merge", "--quiet", "--no-edit", "topic")
        merge = made.git("rev-parse", "HEAD")
        expected = tree_of(made)
        stranger = made.commit_tree(tree_of(made, "base"))
        ran = made.folder / "ran"
        for key in (
            "merge.evil.driver",
            "diff.evil.command",
            "filter.evil.clean",
            "core.fsmonitor",
        ):
            made.git("config", key, f"touch {ran}")
        made.git("config", "merge.default", "evil")
        made.git("config", "diff.renames", "false")
        made.git("replace", "--force", theirs, stranger)
        (made.folder / ".git/info/grafts").write_text(f"{merge} {stranger}\n")
        (made.folder / ".git/info/attributes").write_text("* merge=union\n")
        with open_repository(made.folder) as repository:
            assert merged_tree_id(repository, ours, theirs) == expected
            assert picked_tree_id(repository, theirs, ours) == expected
            assert rebased_tree_ids(repository, ours, theirs, ours) == ((theirs, expected),)
            assert steps_between(repository, ours, merge) == (merge,)
            assert reachable(repository, theirs, merge)
        assert not ran.exists()
