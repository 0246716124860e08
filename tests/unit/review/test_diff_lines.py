"""Which line of a change request's head a comment can sit on, by Git's own diff."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.forges.values import ForgeKind, InlinePlace
from gitops_gate.review.diff_lines import DiffLines, Elsewhere, diff_lines_of, place_of
from gitops_gate.source import Repository, open_repository
from gitops_gate.source.line_diff import Hunk, new_line, shown_lines
from tests.unit.source.repositories import GitRepository

LINES = [f"line {number}" for number in range(1, 41)]


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


class Change:
    """A target and a head that forked from it, and what merging them gives."""

    def __init__(self, folder: Path) -> None:
        self.git = GitRepository(folder)
        self.git.write("app.yaml", text(*LINES))
        self.git.write("gone.yaml", text(*LINES))
        self.fork = self.git.commit("fork")
        self.git.git("branch", "head")

    def target(self, path: str, content: str | None) -> None:
        self._commit("main", path, content)

    def head(self, path: str, content: str | None) -> None:
        self._commit("head", path, content)

    def _commit(self, branch: str, path: str, content: str | None) -> None:
        self.git.git("checkout", "--quiet", branch)
        if content is None:
            (self.git.folder / path).unlink()
        else:
            self.git.write(path, content)
        self.git.commit()

    def lines(self, *paths: str, forge: ForgeKind = "github") -> DiffLines:
        self.git.git("checkout", "--quiet", "--detach", "main")
        self.git.git("merge", "--quiet", "--no-edit", "head")
        with self._opened() as repository:
            return diff_lines_of(
                repository,
                target="refs/heads/main",
                head="refs/heads/head",
                judged=repository.revision("HEAD").tree,
                paths=paths,
                forge=forge,
            )

    def _opened(self) -> Repository:
        return open_repository(self.git.folder)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    return Change(tmp_path / "repository")


def edited(line: int, to: str = "edited") -> list[str]:
    return [*LINES[: line - 1], to, *LINES[line:]]


def test_an_edited_line_and_three_around_it_take_comments(change: Change) -> None:
    change.head("app.yaml", text(*edited(20)))
    lines = change.lines("app.yaml")
    assert place_of(lines, "app.yaml", 20) == InlinePlace(
        path="app.yaml", line=20, old_path="app.yaml", old_line=None
    )
    assert place_of(lines, "app.yaml", 17) == InlinePlace(
        path="app.yaml", line=17, old_path="app.yaml", old_line=17
    )
    assert place_of(lines, "app.yaml", 16) is Elsewhere.UNCHANGED
    assert place_of(lines, "app.yaml", 24) is Elsewhere.UNCHANGED
    assert place_of(lines, "app.yaml", 0) is Elsewhere.NO_LINE
    assert place_of(lines, "other.yaml", 1) is Elsewhere.NOT_IN_HEAD


def test_a_line_behind_added_ones_has_its_old_number(change: Change) -> None:
    change.head("app.yaml", text(*LINES[:9], "one", "two", *LINES[9:]))
    lines = change.lines("app.yaml")
    place = place_of(lines, "app.yaml", 13)
    assert isinstance(place, InlinePlace)
    assert (place.line, place.old_line) == (13, 11)


def test_a_new_file_takes_comments_everywhere(change: Change) -> None:
    change.head("new.yaml", "one\ntwo")
    lines = change.lines("new.yaml")
    assert place_of(lines, "new.yaml", 2) == InlinePlace(
        path="new.yaml", line=2, old_path="new.yaml", old_line=None
    )
    assert place_of(lines, "new.yaml", 3) is Elsewhere.UNCHANGED


def test_what_the_target_added_moves_the_lines_between_merge_and_head(change: Change) -> None:
    change.target("app.yaml", text("from the target", "and more", *LINES))
    change.head("app.yaml", text(*edited(20)))
    lines = change.lines("app.yaml")
    place = place_of(lines, "app.yaml", 22)
    assert isinstance(place, InlinePlace)
    assert place.line == 20
    assert place_of(lines, "app.yaml", 1) is Elsewhere.MERGED_LINE


def test_a_file_of_the_target_alone_takes_none(change: Change) -> None:
    change.target("theirs.yaml", "a\n")
    change.head("app.yaml", text(*edited(3)))
    assert place_of(change.lines("theirs.yaml"), "theirs.yaml", 1) is Elsewhere.NOT_IN_HEAD


def test_a_renamed_file_keeps_its_old_name_and_numbers(change: Change) -> None:
    change.head("gone.yaml", None)
    change.head("moved.yaml", text(*edited(5)))
    assert place_of(change.lines("moved.yaml"), "moved.yaml", 4) == InlinePlace(
        path="moved.yaml", line=4, old_path="gone.yaml", old_line=4
    )


def test_gitlab_calls_a_file_renamed_that_github_takes_for_a_new_one(change: Change) -> None:
    change.head("gone.yaml", None)
    change.head("moved.yaml", text(*LINES[:16], *(f"other {n}" for n in range(20))))
    github = place_of(change.lines("moved.yaml", forge="github"), "moved.yaml", 16)
    gitlab = place_of(change.lines("moved.yaml", forge="gitlab"), "moved.yaml", 16)
    assert isinstance(github, InlinePlace)
    assert isinstance(gitlab, InlinePlace)
    assert (github.old_path, github.old_line) == ("moved.yaml", None)
    assert (gitlab.old_path, gitlab.old_line) == ("gone.yaml", 16)


def test_a_file_that_the_target_renamed_is_commented_on_under_the_heads_name(
    change: Change,
) -> None:
    change.target("gone.yaml", None)
    change.target("renamed.yaml", text(*LINES))
    change.head("gone.yaml", text(*edited(9)))
    place = place_of(change.lines("renamed.yaml"), "renamed.yaml", 9)
    assert place == InlinePlace(path="gone.yaml", line=9, old_path="gone.yaml", old_line=None)


def test_binary_files_take_none(change: Change) -> None:
    change.head("new.bin", "a\0b\n")
    assert place_of(change.lines("new.bin"), "new.bin", 1) is Elsewhere.UNCHANGED


def test_drivers_and_attributes_of_the_repository_do_not_matter(change: Change) -> None:
    change.git.git("config", "diff.external", "false")
    change.git.git("config", "diff.algorithm", "patience")
    change.head(".gitattributes", "*.yaml binary\n")
    change.head("app.yaml", text(*edited(20)))
    assert isinstance(place_of(change.lines("app.yaml"), "app.yaml", 20), InlinePlace)


def test_a_last_line_without_a_line_break_is_a_line(change: Change) -> None:
    change.head("app.yaml", text(*LINES).removesuffix("\n") + " more")
    place = place_of(change.lines("app.yaml"), "app.yaml", 40)
    assert isinstance(place, InlinePlace)
    assert place.old_line is None


SIDE = st.lists(st.sampled_from(["a", "b", "c", "@@ -1 +1 @@", "\\ x", "- y", "+ z"]), max_size=12)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return GitRepository(tmp_path_factory.mktemp("blobs"))


@given(old=SIDE, new=SIDE)
@settings(max_examples=25)
@pytest.mark.slow
def test_every_line_that_git_keeps_is_the_same_text_on_both_sides(
    scratch: GitRepository, old: list[str], new: list[str]
) -> None:
    from gitops_gate.source.line_diff import diff_blobs
    from gitops_gate.source.objects import GitBlobs

    ids = [
        scratch.git("hash-object", "-w", "--stdin", stdin=text(*side).encode())
        for side in (old, new)
    ]
    hunks = diff_blobs(GitBlobs(git_dir=str(scratch.folder / ".git")), *ids)
    assert hunks is not None or not old or not new
    kept = 0
    for number, line in enumerate(old, 1):
        own = new_line(hunks or (), number)
        if own is not None:
            kept += 1
            assert new[own - 1] == line
    longest = difflib.SequenceMatcher(None, old, new, autojunk=False).find_longest_match()
    assert kept >= longest.size * bool(old and new)
    for own, before in shown_lines(hunks or ()).items():
        assert before is None or old[before - 1] == new[own - 1]


def test_a_side_without_lines_starts_behind_the_named_one() -> None:
    hunk = Hunk(old_start=3, new_start=3, marks="++")
    assert hunk.rows() == [(None, 3), (None, 4)]
    assert new_line([hunk], 2) == 2
    assert new_line([hunk], 3) == 5
