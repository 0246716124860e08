"""Which findings get a comment on a line, and what is done about the threads that are there."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.findings import Finding, Location, Severity, WaiverUse
from gitops_gate.forges.values import Thread
from gitops_gate.reports.inline import fingerprint_of, gone_body, marker
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.review.diff_lines import DiffLines, HeadFile
from gitops_gate.review.inline import (
    InlinePlan,
    ThreadActions,
    inline_plan,
    paths_of,
    thread_actions,
)
from gitops_gate.verdict.values import (
    ApplicationOutcome,
    Reason,
    Report,
    Status,
    Verdict,
)
from tests.unit.reports.report_samples import UNPINNED, WAIVED

CONTEXT = ReviewContext(forge="github", head="1" * 40, base="2" * 40, base_ref="refs/heads/main")
LINES = DiffLines(
    files={
        "web.yaml": HeadFile(
            path="web.yaml",
            old_path="web.yaml",
            shown=dict.fromkeys(range(1, 20)),
            text="spec:\n  hostPID: true\n",
        )
    }
)


def finding(line: int, **more: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": "a/rule",
        "severity": Severity.ERROR,
        "message": "wrong",
        "application": "web",
        "fingerprint": f"{line:064x}",
        "location": Location(path="web.yaml", line=line, column=3, exact=True),
        **more,
    }
    return Finding(**given)


def report(*findings: Finding, **more: Any) -> Report:
    given: dict[str, Any] = {
        "verdict": Verdict.DENY,
        "reasons": (),
        "base": "b",
        "head": "h",
        "findings": findings,
        **more,
    }
    return Report(**given)


def plan(*findings: Finding, limit: int = 20, **more: Any) -> InlinePlan:
    return inline_plan(report(*findings, **more), LINES, limit, CONTEXT)


def lines_of(made: InlinePlan) -> list[int]:
    return [planned.comment.place.line for planned in made.comments]


def thread(mark: int | str, **more: Any) -> Thread:
    body = mark if isinstance(mark, str) else f"{marker(f'{mark:064x}', 'gitops-gate')}\nold"
    given: dict[str, Any] = {
        "id": f"t{mark}",
        "comment_id": f"c{mark}",
        "ours": True,
        "body": body,
        "path": "web.yaml",
        "line": 1,
        "resolved": False,
        "can_resolve": True,
        **more,
    }
    return Thread(**given)


class TestPlan:
    def test_the_worst_come_first_and_the_rest_is_left_to_the_summary(self) -> None:
        made = plan(
            finding(3, severity=Severity.WARNING), finding(9), finding(5), finding(4), limit=2
        )
        assert lines_of(made) == [4, 5]
        assert [(left.finding.location.line, left.reason) for left in made.left] == [  # type: ignore[union-attr]
            (9, "more than review.inline.maximum comments"),
            (3, "more than review.inline.maximum comments"),
        ]
        assert len(made.alive) == 4

    def test_older_and_waived_findings_get_none(self) -> None:
        waiver = WAIVED.waiver
        assert isinstance(waiver, WaiverUse)
        made = plan(finding(3, introduced=False), finding(4, waiver=waiver))
        assert made.comments == ()
        assert made.left == ()
        assert made.alive == frozenset()

    def test_what_lies_outside_of_the_diff_is_left_with_its_reason(self) -> None:
        made = plan(
            finding(30),
            finding(1, location=None),
            finding(2, location=Location(path="other.yaml", line=1)),
        )
        assert made.comments == ()
        assert sorted(left.reason for left in made.left) == [
            "no line is known",
            "the file is not part of the change request's head",
            "the line is outside of the diff",
        ]

    def test_one_rule_at_one_line_is_one_comment(self) -> None:
        made = plan(
            finding(3, message="one"),
            finding(3, message="two", fingerprint="f" * 64),
            finding(3, application="other", message="one", fingerprint="e" * 64),
            finding(3, rule="b/rule", fingerprint="d" * 64),
        )
        assert lines_of(made) == [3, 3]
        assert [len(planned.fingerprints) for planned in made.comments] == [3, 1]
        body = made.comments[0].comment.body
        assert "- one" in body
        assert "- two" in body

    def test_a_limit_of_none_leaves_everything(self) -> None:
        assert plan(finding(3), limit=0).comments == ()

    def test_the_files_to_compare_are_those_of_findings_with_a_line(self) -> None:
        assert paths_of(report(finding(1), finding(2, location=Location(path="x")), UNPINNED)) == {
            "web.yaml",
            "apps/cache/base/redis.yaml",
        }

    def test_a_suggestion_is_made_from_the_heads_own_line(self) -> None:
        made = plan(
            finding(
                2,
                field=("spec", "hostPID"),
                suggestion="false",
                location=Location(path="web.yaml", line=2, column=12, exact=True),
            )
        )
        assert "```suggestion\n  hostPID: false\n```" in made.comments[0].comment.body

    @given(seed=st.integers())
    def test_the_order_of_findings_does_not_matter(self, seed: int) -> None:
        found = [finding(line, rule=rule) for line in (3, 4, 5) for rule in ("a/b", "c/d")]
        shuffled = list(found)
        random.Random(seed).shuffle(shuffled)
        assert plan(*shuffled, limit=4).comments == plan(*found, limit=4).comments


def act(made: InlinePlan, *threads: Thread) -> ThreadActions:
    return thread_actions(made, threads)


def applied(threads: Sequence[Thread], actions: ThreadActions) -> list[Thread]:
    """The threads after a forge did what it was asked for."""
    bodies = {t.id: body for t, body in (*actions.edit, *actions.gone)}
    resolved = {t.id for t in actions.resolve}
    kept = [
        replace(t, body=bodies.get(t.id, t.body), resolved=t.resolved or t.id in resolved)
        for t in threads
    ]
    return kept + [
        thread(planned.comment.body, id=f"new {index}") for index, planned in enumerate(actions.add)
    ]


NOTHING = ThreadActions()


class TestThreads:
    def test_a_new_finding_is_added_and_a_second_run_does_nothing(self) -> None:
        made = plan(finding(3))
        actions = act(made)
        assert [planned.comment for planned in actions.add] == [made.comments[0].comment]
        assert actions.shown == {f"{3:064x}"}
        assert act(made, *applied([], actions)) == replace(NOTHING, shown=actions.shown)

    def test_a_thread_whose_words_differ_is_edited(self) -> None:
        made = plan(finding(3))
        actions = act(made, thread(3))
        assert [body for _, body in actions.edit] == [made.comments[0].comment.body]
        assert actions.add == ()

    def test_line_ends_that_a_forge_rewrote_are_no_difference(self) -> None:
        made = plan(finding(3))
        body = made.comments[0].comment.body.replace("\n", "\r\n") + "\n"
        assert act(made, thread(body)).edit == ()

    def test_a_thread_whose_finding_is_gone_is_resolved(self) -> None:
        actions = act(plan(), thread(3))
        assert [t.id for t in actions.resolve] == ["t3"]
        assert actions.gone == ()
        assert act(plan(), *applied([thread(3)], actions)) == NOTHING

    def test_where_it_may_not_be_resolved_it_says_so_once(self) -> None:
        old = thread(3, can_resolve=False)
        actions = act(plan(), old)
        assert actions.resolve == ()
        assert [body for _, body in actions.gone] == [gone_body(f"{3:064x}", "gitops-gate")]
        assert act(plan(), *applied([old], actions)) == NOTHING

    def test_a_finding_that_comes_back_is_told_in_its_old_thread(self) -> None:
        told = thread(gone_body(f"{3:064x}", "gitops-gate"), can_resolve=False)
        actions = act(plan(finding(3)), told)
        assert actions.add == ()
        assert len(actions.edit) == 1

    def test_what_people_resolved_stays_resolved_and_is_not_said_again(self) -> None:
        actions = act(plan(finding(3)), thread(3, resolved=True))
        assert actions == NOTHING

    def test_threads_of_people_and_of_other_checks_are_left_alone(self) -> None:
        forged = thread(marker("a" * 64, "gitops-gate") + "\n", ours=False)
        other = thread(marker("a" * 64, "another") + "\n")
        person = thread("what about this?", ours=True)
        assert act(plan(), forged, other, person) == NOTHING

    def test_a_forged_marker_keeps_no_comment_away(self) -> None:
        forged = thread(3, ours=False)
        assert len(act(plan(finding(3)), forged).add) == 1

    def test_nothing_is_called_gone_when_an_application_could_not_be_evaluated(self) -> None:
        failed = ApplicationOutcome(
            name="web",
            path="web",
            renderer="helm",
            environment="default",
            status=Status.FAILED,
            affected=True,
        )
        assert act(plan(applications=(failed,)), thread(3)) == NOTHING
        broken = Reason(code="internal_error", message="x", verdict=Verdict.INDETERMINATE)
        assert act(plan(reasons=(broken,)), thread(3)) == NOTHING

    def test_a_finding_over_the_limit_keeps_the_thread_that_it_has(self) -> None:
        actions = act(plan(finding(3), finding(4), limit=1), thread(4))
        assert [fingerprint_of(p.comment.body) for p in actions.add] == [f"{3:064x}"]
        assert actions.resolve == ()
        assert actions.gone == ()
        assert actions.shown == {f"{3:064x}", f"{4:064x}"}

    def test_of_two_threads_about_one_finding_one_stays(self) -> None:
        made = plan(finding(3))
        body = made.comments[0].comment.body
        twice = [thread(body, id="first"), thread(body, id="second")]
        actions = act(made, *twice)
        assert [t.id for t in actions.resolve] == ["second"]
        assert act(made, *applied(twice, actions)) == replace(NOTHING, shown=actions.shown)

    def test_the_thread_of_any_finding_at_the_line_is_that_of_the_comment(self) -> None:
        both = plan(finding(3), finding(3, message="two", fingerprint="f" * 64))
        second = thread(f"{marker('f' * 64, 'gitops-gate')}\nold")
        actions = act(both, second)
        assert actions.add == ()
        assert act(both, *applied([second], actions)) == replace(NOTHING, shown=actions.shown)

    @given(
        now=st.sets(st.integers(1, 6)),
        before=st.lists(st.tuples(st.integers(1, 8), st.booleans(), st.booleans()), max_size=6),
        limit=st.integers(0, 4),
    )
    def test_acting_twice_changes_nothing(
        self, now: set[int], before: list[tuple[int, bool, bool]], limit: int
    ) -> None:
        made = plan(*(finding(line) for line in now), limit=limit)
        threads = [
            thread(mark, id=f"t{index}", resolved=resolved, can_resolve=can)
            for index, (mark, resolved, can) in enumerate(before)
        ]
        first = act(made, *threads)
        again = act(made, *applied(threads, first))
        assert again == replace(NOTHING, shown=first.shown)
