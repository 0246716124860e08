"""Which change request brought a commit, by every way to merge, as Git itself proves it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gitops_gate.delivery.landing import landing_of
from gitops_gate.delivery.values import Hold, Landing, Method
from gitops_gate.forges.values import LandedChange
from tests.unit.delivery.lives import MAIN, OTHER, START
from tests.unit.delivery.memory_git import MemoryGit
from tests.unit.delivery.real_git import opened


@dataclass
class Branch:
    """A branch with a base commit, and a change that stands on it.

    `one` and `two` are the change's commits, each of its own file; `moved` is what the branch got
    in the meantime.
    """

    git: MemoryGit = field(default_factory=MemoryGit)
    folder: Path = Path()

    def __post_init__(self) -> None:
        self.base = self.commit({"a": "0", "b": "0", "c": "0"})
        self.one = self.commit({"a": "1"}, self.base)
        self.two = self.commit({"b": "1"}, self.one)
        self.moved = self.commit({"c": "1"}, self.base)

    def commit(self, files: dict[str, str], *parents: str) -> str:
        """A commit on the tree of its first parent, with some files written."""
        listing = {
            **(self.git.files(parents[0]) if parents else {}),
            **{path: self.git.blob(f"{value}\n".encode()) for path, value in files.items()},
        }
        return self.git.commit(self.git.tree(listing), parents, START)

    def merge(self, ours: str, theirs: str, *more: str) -> str:
        return self.git.commit(self.git.merged_tree(ours, theirs), (ours, theirs, *more), START)

    def landing(
        self,
        before: str,
        commits: tuple[str, ...],
        *changes: LandedChange,
        earlier: tuple[int, ...] = (),
    ) -> Landing | Hold:
        with opened(self.git, self.folder) as repository:
            return landing_of(
                repository,
                commits,
                before=before,
                branch=MAIN,
                landed=lambda _: changes,
                earlier=earlier,
            )


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(folder=tmp_path / "r.git")


def change(
    head: str, merge_commit: str | None = None, *, number: int = 1, squash: str | None = None
) -> LandedChange:
    return LandedChange(
        number=number,
        base_ref=MAIN,
        head=head,
        merged_at=START,
        merge_commit=merge_commit,
        squash_commit=squash,
    )


def landed(found: Landing | Hold) -> Landing:
    assert isinstance(found, Landing), found
    return found


def why(found: Landing | Hold, code: str = "not_reproduced") -> str:
    assert isinstance(found, Hold), found
    assert found.code == code
    return found.message


class TestAMerge:
    def test_is_of_the_head(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        found = landed(branch.landing(branch.moved, (merge,), change(branch.two, merge)))
        assert (found.method, found.before) == (Method.MERGE, branch.moved)
        assert found.after == merge
        assert [one.number for one in found.changes] == [1]

    def test_leaves_what_came_after_it_for_itself(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        later = branch.commit({"c": "2"}, merge)
        found = landed(branch.landing(branch.moved, (merge, later), change(branch.two, merge)))
        assert found.commits == (merge,)

    def test_need_not_be_named_by_the_forge(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        assert landed(branch.landing(branch.moved, (merge,), change(branch.two)))

    def test_that_holds_something_else_is_not_one(self, branch: Branch) -> None:
        evil = branch.commit({"a": "1", "b": "1", "c": "evil"}, branch.moved, branch.two)
        found = branch.landing(branch.moved, (evil,), change(branch.two, evil))
        assert "the merge commit holds something else than the merge gives" in why(found)

    def test_of_something_else_with_the_right_tree_is_not_one(self, branch: Branch) -> None:
        other = branch.commit({"a": "1", "b": "1"}, branch.commit({"a": "7"}, branch.base))
        tree = branch.git.merged_tree(branch.moved, branch.two)
        crooked = branch.git.commit(tree, (branch.moved, other), START)
        found = branch.landing(branch.moved, (crooked,), change(branch.two, crooked))
        assert "what was merged is" in why(found)

    def test_that_the_forge_calls_another_is_not_one(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        found = branch.landing(branch.moved, (merge,), change(branch.two, branch.one))
        assert f"it landed as {branch.one[:12]}" in why(found)

    def test_may_be_of_commits_that_were_rebased_first(self, branch: Branch) -> None:
        first = branch.commit({"a": "1"}, branch.moved)
        second = branch.commit({"b": "1"}, first)
        merge = branch.merge(branch.moved, second)
        found = landed(branch.landing(branch.moved, (merge,), change(branch.two, merge)))
        assert found.method is Method.MERGE

    def test_may_be_of_a_squashed_commit(self, branch: Branch) -> None:
        squashed = branch.commit({"a": "1", "b": "1"}, branch.base)
        merge = branch.merge(branch.moved, squashed)
        named = change(branch.two, merge, squash=squashed)
        assert landed(branch.landing(branch.moved, (merge,), named)).method is Method.MERGE

    def test_is_not_of_a_squashed_commit_with_a_strange_history(self, branch: Branch) -> None:
        strange = branch.commit({"c": "1"}, branch.base)
        squashed = branch.commit({"a": "1", "b": "1"}, strange)
        merge = branch.merge(branch.moved, squashed)
        named = change(branch.two, merge, squash=squashed)
        assert "what was merged is" in why(branch.landing(branch.moved, (merge,), named))

    def test_that_conflicts_is_not_one(self, branch: Branch) -> None:
        other = branch.commit({"a": "2"}, branch.base)
        merge = branch.commit({"a": "1", "b": "1"}, other, branch.two)
        found = branch.landing(other, (merge,), change(branch.two, merge))
        assert "it does not merge: " in why(found)

    def test_of_three_is_none_that_a_forge_makes(self, branch: Branch) -> None:
        octopus = branch.merge(branch.moved, branch.one, branch.two)
        found = branch.landing(branch.moved, (octopus,), change(branch.two, octopus))
        assert "a merge of 3 parents" in why(found, "octopus")


class TestASquash:
    def test_is_one_commit_with_what_the_merge_gives(self, branch: Branch) -> None:
        squash = branch.commit({"a": "1", "b": "1"}, branch.moved)
        later = branch.commit({"c": "2"}, squash)
        found = landed(branch.landing(branch.moved, (squash, later), change(branch.two, squash)))
        assert (found.method, found.commits) == (Method.SQUASH, (squash,))

    def test_is_found_by_the_squashed_commit_alone(self, branch: Branch) -> None:
        squash = branch.commit({"a": "1", "b": "1"}, branch.moved)
        named = change(branch.two, squash=squash)
        assert landed(branch.landing(branch.moved, (squash,), named)).method is Method.SQUASH

    def test_with_something_else_is_not_one(self, branch: Branch) -> None:
        squash = branch.commit({"a": "1", "b": "evil"}, branch.moved)
        found = branch.landing(branch.moved, (squash,), change(branch.two, squash))
        assert "neither squashing nor rebasing it gives these commits" in why(found)

    def test_that_is_not_on_the_branch_is_not_one(self, branch: Branch) -> None:
        squash = branch.commit({"a": "1", "b": "1"}, branch.moved)
        found = branch.landing(branch.moved, (squash,), change(branch.two, branch.moved))
        assert f"it landed as {branch.moved[:12]}" in why(found)


class TestARebase:
    def test_is_every_commit_made_anew(self, branch: Branch) -> None:
        first = branch.commit({"a": "1"}, branch.moved)
        second = branch.commit({"b": "1"}, first)
        later = branch.commit({"c": "2"}, second)
        named = change(branch.two, second)
        found = landed(branch.landing(branch.moved, (first, second, later), named))
        assert (found.method, found.commits) == (Method.REBASE, (first, second))

    def test_is_found_where_the_forge_names_no_commit(self, branch: Branch) -> None:
        first = branch.commit({"a": "1"}, branch.moved)
        second = branch.commit({"b": "1"}, first)
        later = branch.commit({"c": "2"}, second)
        found = landed(branch.landing(branch.moved, (first, second, later), change(branch.two)))
        assert found.commits == (first, second)

    def test_with_another_order_is_not_one(self, branch: Branch) -> None:
        first = branch.commit({"b": "1"}, branch.moved)
        second = branch.commit({"a": "1"}, first)
        found = branch.landing(branch.moved, (first, second), change(branch.two, second))
        assert "neither squashing nor rebasing" in why(found)

    def test_with_a_commit_between_is_not_one(self, branch: Branch) -> None:
        first = branch.commit({"a": "1"}, branch.moved)
        evil = branch.commit({"c": "evil"}, first)
        second = branch.commit({"b": "1"}, evil)
        found = branch.landing(branch.moved, (first, evil, second), change(branch.two, second))
        assert "neither squashing nor rebasing" in why(found)

    def test_that_ends_before_the_change_does_is_not_one(self, branch: Branch) -> None:
        first = branch.commit({"a": "1"}, branch.moved)
        found = branch.landing(branch.moved, (first,), change(branch.two))
        assert "neither squashing nor rebasing" in why(found)

    def test_may_keep_or_leave_out_what_changes_nothing(self, branch: Branch) -> None:
        empty = branch.commit({}, branch.one)
        head = branch.commit({"b": "1"}, empty)
        first = branch.commit({"a": "1"}, branch.moved)
        kept = branch.commit({}, first)
        last = branch.commit({"b": "1"}, kept)
        assert landed(branch.landing(branch.moved, (first, kept, last), change(head, last)))
        short = branch.commit({"b": "1"}, first)
        found = landed(branch.landing(branch.moved, (first, short), change(head, short)))
        assert found.commits == (first, short)

    def test_brings_its_empty_commits_at_the_end(self, branch: Branch) -> None:
        """Such as one that is there to start a pipeline again."""
        head = branch.commit({}, branch.one)
        first = branch.commit({"a": "1"}, branch.moved)
        last = branch.commit({}, first)
        later = branch.commit({"c": "2"}, last)
        for commits in ((first, last, later), (first, last)):
            found = landed(branch.landing(branch.moved, commits, change(head)))
            assert found.commits == (first, last)

    def test_brings_no_empty_commit_of_another(self, branch: Branch) -> None:
        """Such as the merge of a change that the branch had already."""
        first = branch.commit({"a": "1"}, branch.moved)
        merge = branch.commit({}, first, branch.one)
        found = landed(branch.landing(branch.moved, (first, merge), change(branch.one)))
        assert found.commits == (first,)

    @pytest.mark.parametrize("named", [True, False])
    def test_of_a_change_that_changes_nothing_is_one(self, branch: Branch, named: bool) -> None:
        head = branch.commit({}, branch.commit({}, branch.base))
        first = branch.commit({}, branch.moved)
        last = branch.commit({}, first)
        later = branch.commit({"c": "2"}, last)
        told = change(head, last if named else None)
        found = landed(branch.landing(branch.moved, (first, last, later), told))
        assert (found.method, found.commits) == (Method.REBASE, (first, last))

    def test_of_a_change_that_changes_nothing_brings_nothing_else(self, branch: Branch) -> None:
        head = branch.commit({}, branch.base)
        direct = branch.commit({"c": "evil"}, branch.moved)
        assert "neither" in why(branch.landing(branch.moved, (direct,), change(head)))
        assert "neither" in why(branch.landing(branch.moved, (direct,), change(head, direct)))

    def test_that_leaves_out_what_the_merge_would_bring_is_not_one(self, branch: Branch) -> None:
        """What the branch had in the same words, and took back: its review showed it come again."""
        had = branch.commit({"a": "1"}, branch.base)
        back = branch.commit({"a": "0"}, had)
        last = branch.commit({"b": "1"}, back)
        found = branch.landing(back, (last,), change(branch.two, last))
        assert "something else than the merge that was reviewed" in why(found)


class TestAFastForward:
    def test_is_the_head_itself_with_all_before_it(self, branch: Branch) -> None:
        later = branch.commit({"c": "2"}, branch.two)
        commits = (branch.one, branch.two, later)
        found = landed(branch.landing(branch.base, commits, change(branch.two)))
        assert (found.method, found.commits) == (Method.FAST_FORWARD, (branch.one, branch.two))

    def test_may_begin_with_a_merge(self, branch: Branch) -> None:
        """Of some older branch into the change's own."""
        merge = branch.merge(branch.moved, branch.one)
        head = branch.commit({"b": "2"}, merge)
        found = landed(branch.landing(branch.moved, (merge, head), change(head)))
        assert (found.method, found.commits) == (Method.FAST_FORWARD, (merge, head))

    def test_that_the_forge_calls_something_else_is_not_one(self, branch: Branch) -> None:
        named = change(branch.two, branch.one)
        found = branch.landing(branch.base, (branch.one, branch.two), named)
        assert f"it landed as {branch.one[:12]}" in why(found)


class TestSeveralChanges:
    def test_that_each_give_it_all_landed_together(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        told = [change(branch.two, merge, number=number) for number in (9, 2)]
        found = landed(branch.landing(branch.moved, (merge,), *told))
        assert [one.number for one in found.changes] == [2, 9]

    def test_of_different_length_are_the_longest(self, branch: Branch) -> None:
        lower, upper = change(branch.one, number=1), change(branch.two, number=2)
        found = landed(branch.landing(branch.base, (branch.one, branch.two), lower, upper))
        assert [one.number for one in found.changes] == [2]
        assert found.commits == (branch.one, branch.two)

    def test_are_each_named_where_none_of_them_gives_it(self, branch: Branch) -> None:
        evil = branch.commit({"c": "evil"}, branch.moved)
        told = [change(branch.two, evil, number=number) for number in (9, 2)]
        message = why(branch.landing(branch.moved, (evil,), *told))
        assert message.index("change request 2: ") < message.index("; change request 9: ")


class TestNobodysCommit:
    def test_was_pushed_directly(self, branch: Branch) -> None:
        found = branch.landing(branch.base, (branch.moved,))
        assert "no merged change request brought" in why(found, "direct_push")
        assert branch.moved[:12] in why(found, "direct_push")

    def test_is_one_whose_change_landed_on_another_branch(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        elsewhere = replace(change(branch.two, merge), base_ref=OTHER)
        assert why(branch.landing(branch.moved, (merge,), elsewhere), "direct_push")

    def test_is_a_change_that_landed_before(self, branch: Branch) -> None:
        merge = branch.merge(branch.moved, branch.two)
        told = change(branch.two, merge, number=7)
        found = branch.landing(branch.moved, (merge,), told, earlier=(5, 7))
        assert "change request 7 landed once already" in why(found, "landed_twice")
        assert landed(branch.landing(branch.moved, (merge,), told, earlier=(5,)))
