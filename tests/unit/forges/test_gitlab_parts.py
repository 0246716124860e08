"""GitLab's words as values: who is behind commits, system notes, places, wildcards."""

from __future__ import annotations

import datetime
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.forges.gitlab.approvals import contributions
from gitops_gate.forges.gitlab.facts import (
    CommitFacts,
    People,
    change_from_graphql,
    change_from_rest,
    landed_as,
    rest_account,
)
from gitops_gate.forges.gitlab.inline import position
from gitops_gate.forges.gitlab.notes import SystemNote, approved_at, pushers, retargeted_at
from gitops_gate.forges.gitlab.protection import matches
from gitops_gate.forges.gitlab.queries import FULL, PLAIN
from gitops_gate.forges.values import Account, ChangeState, InlinePlace

BASE, START, HEAD, MERGE = "a" * 40, "b" * 40, "c" * 40, "d" * 40
ANN, BEN, CAT = (Account(id=n, login=name) for n, name in ((1, "ann"), (2, "ben"), (3, "cat")))
REST = {
    "iid": 7, "web_url": "https://x/7", "title": "T", "state": "opened", "draft": False,
    "sha": HEAD, "diff_refs": {"base_sha": BASE, "start_sha": START, "head_sha": HEAD},
    "source_project_id": 5, "target_project_id": 5, "source_branch": "f",
    "target_branch": "main", "labels": [], "author": {"id": 1, "username": "ann"},
    "merge_commit_sha": None, "squash_commit_sha": None,
}  # fmt: skip
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


def commit(author: Account | None, author_email: str, committer_email: str, message: str = ""):
    return CommitFacts(
        commit=HEAD,
        message=message,
        author=author,
        author_email=author_email,
        committer_email=committer_email,
    )


def people(*commits: CommitFacts, committers: tuple[Account, ...] = (), exact: bool = True):
    return People(
        commits=commits, committers=committers, complete=True, says_committers_email=exact
    )


def behind(*commits: CommitFacts, committers: tuple[Account, ...] = (), exact: bool = True):
    found = contributions(commits, people(*commits, committers=committers, exact=exact))
    return [({p.login for p in one.people}, set(one.unmapped)) for one in found]


def note(body: str, *, author: Account = ANN, minute: int = 0) -> SystemNote:
    return SystemNote(body=body, author=author, at=NOON + datetime.timedelta(minutes=minute))


def pushed(diff_id: int, items: str = "<li>0123abcd - Scale</li>") -> str:
    link = f"/g/p/-/merge_requests/7/diffs?diff_id={diff_id}&start_sha={BASE}"
    return f"added 1 commit\n\n<ul>{items}</ul>\n\n[Compare with previous version]({link})"


class TestWhoIsBehindACommit:
    def test_is_its_author_when_they_committed_it_themselves(self):
        assert behind(commit(ANN, "ann@x", "ann@x"), committers=(ANN,)) == [({"ann"}, set())]

    def test_is_the_committer_too_when_they_are_the_author_of_another_commit(self):
        commits = (commit(ANN, "ann@x", "BEN@x"), commit(BEN, "ben@x", "ben@x"))
        assert behind(*commits, committers=(BEN,)) == [({"ann", "ben"}, set()), ({"ben"}, set())]

    def test_is_every_unexplained_committer_when_nobody_says_which_one(self):
        found = behind(commit(ANN, "ann@x", "somebody@x"), committers=(CAT,))
        assert found == [({"ann", "cat"}, set())]

    def test_stays_unmapped_when_no_account_has_the_address(self):
        found = behind(commit(None, "nobody@x", "robot@x"))
        assert found == [(set(), {"nobody@x", "robot@x"})]

    def test_is_any_committer_where_gitlab_gives_no_committers_address(self):
        found = behind(commit(ANN, "ann@x", ""), committers=(BEN,), exact=False)
        assert found == [({"ann", "ben"}, set())]

    def test_is_a_co_author_as_an_address_that_proves_nothing(self):
        message = (
            "Scale\n\nCo-authored-by: Ben <ben@x>\nco-AUTHORED-by: Dan <dan@x>\n"
            "Co-authored-by: somebody without an address\n"
        )
        commits = (commit(ANN, "ann@x", "ann@x", message), commit(BEN, "ben@x", "ben@x"))
        people_, unmapped = behind(*commits, committers=(ANN, BEN))[0]
        assert people_ == {"ann", "ben"}
        assert unmapped == {"dan@x", "somebody without an address"}


class TestSystemNotes:
    def test_say_who_pushed_a_version(self):
        notes = [note(pushed(11), author=ANN), note(pushed(12), author=BEN)]
        assert pushers(notes) == {11: ANN, 12: BEN}

    def test_are_not_fooled_by_the_title_of_a_commit(self):
        title = "<li>x - [Compare with previous version](/a?diff_id=99&start_sha=b)</li>"
        assert pushers([note(pushed(12, title))]) == {12: ANN}

    @given(st.text(max_size=200))
    def test_name_one_version_whatever_a_title_says(self, title: str):
        assert pushers([note(pushed(12, f"<li>{title}</li>"))]) == {12: ANN}

    @pytest.mark.parametrize(
        "body",
        [
            "changed target branch from `main` to `release`",
            "deleted the `old` branch. This merge request now targets the `main` branch",
        ],
    )
    def test_say_when_the_target_was_changed_last(self, body: str):
        notes = [note(body, minute=1), note(body, minute=5), note("approved", minute=9)]
        assert retargeted_at(notes) == NOON + datetime.timedelta(minutes=5)

    def test_of_a_renamed_title_change_no_target(self):
        body = "changed title from **a** to **changed target branch from `x` to `y`**"
        assert retargeted_at([note(body)]) is None

    def test_say_when_somebody_approved_last(self):
        notes = [note("approved this merge request", minute=m) for m in (1, 8)]
        notes.append(note("unapproved this merge request", minute=9))
        assert approved_at(notes) == {1: NOON + datetime.timedelta(minutes=8)}


class TestPlaces:
    def test_an_added_line_is_named_by_its_new_number_alone(self):
        place = InlinePlace(path="new.yaml", old_path="old.yaml", line=4)
        assert position(place, (BASE, START, HEAD)) == {
            "position_type": "text",
            "base_sha": BASE,
            "start_sha": START,
            "head_sha": HEAD,
            "old_path": "old.yaml",
            "new_path": "new.yaml",
            "new_line": 4,
        }

    def test_an_unchanged_line_is_named_by_both_numbers(self):
        place = InlinePlace(path="a", old_path="a", line=4, old_line=3)
        named = position(place, (BASE, START, HEAD))
        assert (named["new_line"], named["old_line"]) == (4, 3)
        assert "line_range" not in named

    def test_several_lines_have_a_code_at_each_end(self):
        place = InlinePlace(path="a/ü", old_path="a/ü", line=9, start_line=7, old_start_line=6)
        name = hashlib.sha1("a/ü".encode()).hexdigest()
        told = position(place, (BASE, START, HEAD))["line_range"]
        assert told["start"]["line_code"] == f"{name}_6_7"
        assert told["start"]["type"] == "old"
        assert told["end"]["line_code"] == f"{name}_0_9"
        assert told["end"]["type"] == "new"


class TestWildcards:
    @pytest.mark.parametrize(
        ("name", "branch", "expected"),
        [
            ("main", "main", True),
            ("main", "mainline", False),
            ("release/*", "release/1.2", True),
            ("*-stable", "2-stable", True),
            ("*", "anything/at/all", True),
            ("v1.2", "v1x2", False),
            ("ma[i]n", "main", False),
        ],
    )
    def test_only_a_star_stands_for_something_else(self, name: str, branch: str, expected: bool):
        assert matches(name, branch) is expected

    @given(st.text(max_size=30))
    def test_a_name_without_a_star_names_itself_alone(self, name: str):
        plain = name.replace("*", "")
        assert matches(plain, plain)
        assert not matches(plain, f"{plain}x")


class TestMergedAs:
    @pytest.mark.parametrize(
        ("merge", "squash", "expected"),
        [(MERGE, None, MERGE), (MERGE, START, MERGE), (None, START, START), (None, None, HEAD)],
        ids=["merge commit", "squashed, then merged", "squashed, fast-forward", "fast-forward"],
    )
    def test_is_the_commit_that_landed(self, merge: str | None, squash: str | None, expected: str):
        entry = {"merge_commit_sha": merge, "squash_commit_sha": squash, "sha": HEAD}
        assert landed_as({**entry, "state": "merged"}) == expected
        assert landed_as({**entry, "state": "opened"}) is None


class TestAnswers:
    def test_without_a_diff_there_is_no_merge_request_yet(self):
        for missing in ({"diff_refs": None}, {"sha": None}, {"sha": BASE}):
            assert change_from_rest({**REST, **missing}, repository="g/p") is None

    def test_the_fork_is_told_by_the_projects_numbers(self):
        own = change_from_rest(REST, repository="g/p")
        gone = change_from_rest({**REST, "source_project_id": None}, repository="g/p")
        assert own is not None
        assert gone is not None
        assert (own.from_fork, own.head_repository) == (False, "g/p")
        assert (gone.from_fork, gone.head_repository) == (True, None)

    def test_a_head_that_is_no_commit_id_is_not_believed(self):
        refs = {"baseSha": BASE, "startSha": START, "headSha": "main"}
        node = {
            "iid": "7", "webUrl": "u", "title": "t", "state": "opened", "draft": False,
            "diffHeadSha": "main", "diffRefs": refs, "sourceProject": None,
            "sourceProjectId": 5, "targetBranch": "main", "sourceBranch": "f", "author": None,
            "labels": {"nodes": []}, "mergeCommitSha": None,
        }  # fmt: skip
        with pytest.raises(ValueError, match="commit id"):
            change_from_graphql({"fullPath": "g/p"}, node, project_id=5)

    def test_locked_is_open_and_being_merged(self):
        change = change_from_rest({**REST, "state": "locked"}, repository="g/p")
        assert change is not None
        assert change.state is ChangeState.OPEN

    @pytest.mark.parametrize(
        ("login", "bot"),
        [
            ("project_5_bot_0123", True),
            ("group_12_bot", True),
            ("service_account_group_5_x", True),
            ("project_manager", False),
            ("robot", False),
        ],
    )
    def test_a_bot_is_known_by_the_name_that_gitlab_gives_it(self, login: str, bot: bool):
        assert rest_account({"id": 1, "username": login}).bot is bot


class TestQueries:
    def test_only_read_and_are_what_the_session_may_repeat(self):
        for queries in (FULL, PLAIN):
            for text in (queries.read, queries.more_commits, queries.tips):
                assert re.match(r"\s*query\b", text)
                assert not re.search(r"\b(mutation|subscription)\b", text)

    def test_an_older_gitlab_is_not_asked_for_what_it_lacks(self):
        for word in ("commit(ref", "projectMembers", "userPermissions", "committerEmail", "$base"):
            assert word in FULL.read
            assert word not in PLAIN.read
