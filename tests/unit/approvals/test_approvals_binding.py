"""To what an approval is bound: the moment it was given at, and what was to be seen then."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.approvals.binding import (
    Moment,
    Refusal,
    RenderedApplication,
    Seen,
    change_digest,
    moment_of,
    source_digest,
)
from gitops_gate.approvals.facts import Review
from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.resources.values import ResourceReference
from gitops_gate.source.values import Entry, Mode, Tree
from tests.unit.approvals.making import (
    BASE,
    BOB,
    HEAD,
    NOW,
    OLD_BASE,
    OLDER,
    SEEN,
    evaluated,
    facts,
    minute,
    push,
    review,
    why_not,
)

THIRD = "e" * 40


def moment(given: Review, target_moves: Any = (), **others: Any) -> Any:
    """The moment of a review as `(head, base)`, or the code of why there is none."""
    found = moment_of(given, facts(**others), target_moves, NOW)
    return found.code.value if isinstance(found, Refusal) else (found.head, found.base)


class TestHead:
    """The head is what the forge's record of pushes says."""

    PUSHES = (push(OLDER, 0, before=THIRD), push(HEAD, 10, before=OLDER))

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (-1, (THIRD, BASE)),
            (0, "moment_unknown"),
            (0.5, (OLDER, BASE)),
            (9.5, (OLDER, BASE)),
            (10, "moment_unknown"),
            (10.5, (HEAD, BASE)),
            (None, "time_unknown"),
        ],
    )
    def test_at_the_time(self, at: float | None, expected: Any) -> None:
        assert moment(review(BOB, at), pushes=self.PUSHES) == expected
        assert moment(review(BOB, at), pushes=self.PUSHES[::-1]) == expected

    def test_before_everything_that_is_recorded(self) -> None:
        assert moment(review(BOB, -1), pushes=(push(HEAD, 0),)) == "moment_unknown"

    def test_the_forges_commit_has_to_agree(self) -> None:
        assert moment(review(BOB, 5, commit=OLDER), pushes=self.PUSHES) == (OLDER, BASE)
        assert moment(review(BOB, 5, commit=HEAD), pushes=self.PUSHES) == "commit_disagrees"
        assert moment(review(BOB, 20, commit=OLDER), pushes=self.PUSHES) == "commit_disagrees"

    def test_a_hole_in_the_record(self) -> None:
        holed = (push(OLDER, 0), push(HEAD, 10, before=THIRD))
        assert moment(review(BOB, 5), pushes=holed) == "moment_unknown"
        assert moment(review(BOB, 15), pushes=holed) == (HEAD, BASE)

    def test_a_record_that_does_not_reach_the_head(self) -> None:
        behind = (push(THIRD, 0), push(OLDER, 10, before=THIRD))
        assert moment(review(BOB, 15), pushes=behind) == "moment_unknown"
        assert moment(review(BOB, 5), pushes=behind) == (THIRD, BASE)

    def test_a_branch_that_was_made_again(self) -> None:
        again = (push(OLDER, 0), push(HEAD, 10, before=None))
        assert moment(review(BOB, 5), pushes=again) == (OLDER, BASE)


class TestWithoutPushes:
    """Only what is newer than the forge's first sighting of the head counts."""

    @pytest.mark.parametrize("pushes", [None, ()])
    def test_first_sighting(self, pushes: Any) -> None:
        seen = {"pushes": pushes, "head_seen_at": minute(10)}
        assert moment(review(BOB, 9, commit=HEAD), **seen) == "before_first_sighting"
        assert moment(review(BOB, 10, commit=HEAD), **seen) == "before_first_sighting"
        assert moment(review(BOB, 11, commit=HEAD), **seen) == (HEAD, BASE)
        assert moment(review(BOB, 11, commit=OLDER), **seen) == "commit_disagrees"
        assert moment(review(BOB, 11), **seen) == "moment_unknown"
        assert moment(review(BOB, 11), pushes=pushes) == "moment_unknown"

    def test_pushes_say_more_than_a_sighting(self) -> None:
        assert moment(review(BOB, 5), head_seen_at=minute(10)) == (HEAD, BASE)


class TestTarget:
    """The target's tip is what it was at the time."""

    MOVES = (push(OLD_BASE, 10, before=THIRD), push(BASE, 20, before=OLD_BASE))

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (5, (HEAD, THIRD)),
            (10, "moment_unknown"),
            (15, (HEAD, OLD_BASE)),
            (20, "moment_unknown"),
            (25, (HEAD, BASE)),
        ],
    )
    def test_at_the_time(self, at: float, expected: Any) -> None:
        assert moment(review(BOB, at), self.MOVES) == expected

    def test_that_never_moved(self) -> None:
        assert moment(review(BOB, 5), ()) == (HEAD, BASE)

    def test_that_cannot_be_read(self) -> None:
        assert moment(review(BOB, 5), None) == "moment_unknown"

    def test_whose_record_lags(self) -> None:
        assert moment(review(BOB, 15), self.MOVES[:1]) == "moment_unknown"

    def test_another_target_voids(self) -> None:
        for at, expected in ((4, "retargeted"), (5, "retargeted"), (6, (HEAD, BASE))):
            assert moment(review(BOB, at), retargeted_at=minute(5)) == expected


class TestWhatWasSeen:
    """An approval holds while the source set and what it does stay as they were."""

    PUSHED_SINCE = (push(OLDER, 0), push(HEAD, 10, before=OLDER))
    THEN = Moment(head=OLDER, base=BASE)

    def code(self, then: Seen | None) -> str | None:
        evaluation = evaluated(
            facts=facts(review(BOB, 5), pushes=self.PUSHED_SINCE),
            then={self.THEN: then} if then else {},
        )
        assert evaluation.satisfied is (why_not(evaluation) is None)
        return why_not(evaluation)

    def test_a_push_that_changes_nothing_of_it(self) -> None:
        assert self.code(SEEN) is None

    def test_other_files(self) -> None:
        assert self.code(replace(SEEN, source="sha256:other")) == "source_changed"

    def test_another_result(self) -> None:
        assert self.code(replace(SEEN, changes="sha256:other")) == "result_changed"

    def test_what_cannot_be_had_any_more(self) -> None:
        assert self.code(None) == "seen_unknown"

    def test_without_knowing_what_would_land_nothing_counts(self) -> None:
        assert why_not(evaluated(review(BOB), seen=None)) == "seen_unknown"

    def test_a_change_that_landed_in_between(self) -> None:
        moves = (push(BASE, 10, before=OLD_BASE),)
        then = Moment(head=HEAD, base=OLD_BASE)
        same, other = SEEN, replace(SEEN, changes="sha256:other")
        assert why_not(evaluated(review(BOB, 5), target_moves=moves, then={then: same})) is None
        evaluation = evaluated(review(BOB, 5), target_moves=moves, then={then: other})
        assert why_not(evaluation) == "result_changed"

    def test_what_is_current_is_not_asked_for(self) -> None:
        from gitops_gate.approvals.evaluate import evaluate
        from tests.unit.approvals.making import question

        asked: list[Moment] = []

        def seen_at(moment: Moment) -> Seen | None:
            asked.append(moment)
            return SEEN

        reviews = (review(BOB, 5), review(BOB, 6), review(BOB, 20))
        given = facts(*reviews, pushes=self.PUSHED_SINCE)
        assert evaluate(question(facts=given), seen_at).satisfied
        assert asked == []
        given = facts(*reviews[:2], pushes=self.PUSHED_SINCE)
        assert evaluate(question(facts=given), seen_at).satisfied
        assert asked == [self.THEN]


class NoBlobs:
    """Blobs that nobody may read: digests are over Git's own ids."""

    def read(self, entry: Entry) -> bytes:
        raise AssertionError(entry)

    def read_many(self, entries: Any) -> Any:
        assert not list(entries)
        return iter(())


BLOBS = NoBlobs()


def tree(**files: str) -> Tree:
    entries = {
        os.fsdecode(path.encode()): Entry(
            mode=Mode.EXECUTABLE if content.endswith("!") else Mode.FILE,
            oid=content.rstrip("!") * 40,
        )
        for path, content in files.items()
    }
    return Tree(entries=entries, blobs=BLOBS)


class TestSourceDigest:
    """Over path, mode and blob of what the change touches, and nothing else."""

    def test_what_others_changed_is_no_part_of_it(self) -> None:
        one = source_digest(tree(a="1", b="1"), tree(a="2", b="1"))
        other = source_digest(tree(a="1", b="5"), tree(a="2", b="5"))
        assert one == other
        assert one.startswith("sha256:")
        assert len(one) == 71

    def test_everything_of_it_counts(self) -> None:
        before = tree(a="1", b="1")
        digests = [
            source_digest(before, after)
            for after in (
                before,
                tree(a="2", b="1"),
                tree(a="2!", b="1"),
                tree(a="1!", b="1"),
                tree(a="3", b="1"),
                tree(a="2", b="2"),
                tree(b="1"),
                tree(a="1", b="2"),
                tree(a="1", b="1", c="2"),
            )
        ]
        assert len(set(digests)) == len(digests)

    def test_names_that_are_no_text(self) -> None:
        odd = Tree(entries={"\udcff": Entry(mode=Mode.FILE, oid="1" * 40)}, blobs=BLOBS)
        assert source_digest(tree(), odd) != source_digest(tree(), tree())


def modified(*fields: FieldChange, name: str = "web", **given: Any) -> ResourceChange:
    reference = ResourceReference(
        api_version="apps/v1", kind="Deployment", namespace="shop", name=name
    )
    defaults: dict[str, Any] = {"application": "shop", "operation": Operation.MODIFIED}
    return ResourceChange(resource=reference, fields=fields, **(defaults | given))


REPLICAS = FieldChange(path=("spec", "replicas"), base=1, head=2)
SHOP = RenderedApplication(name="shop", base="sha256:1", head="sha256:2")


class TestChangeDigest:
    """Over what the change does to every affected application."""

    def test_everything_of_a_change_counts(self) -> None:
        reference = modified().resource
        variants = [
            [],
            [modified(REPLICAS)],
            [modified(REPLICAS), modified(REPLICAS, name="api")],
            [modified(REPLICAS, name="api")],
            [modified(REPLICAS, application="other")],
            [modified(REPLICAS, operation=Operation.ADDED)],
            [modified(REPLICAS, previous=reference)],
            [modified(replace(REPLICAS, head=3))],
            [modified(replace(REPLICAS, base=3))],
            [modified(replace(REPLICAS, head="2"))],
            [modified(replace(REPLICAS, head=True))],
            [modified(replace(REPLICAS, path=("spec", "x")))],
            [modified(replace(REPLICAS, head={"a": 1}))],
            [replace(modified(REPLICAS), resource=replace(reference, api_version="apps/v2"))],
            [replace(modified(REPLICAS), resource=replace(reference, namespace="x"))],
        ]
        digests = {change_digest(changes, [SHOP]) for changes in variants}
        assert len(digests) == len(variants)

    def test_order_and_looks_do_not(self) -> None:
        one, other = modified(REPLICAS), modified(REPLICAS, name="api")
        assert change_digest([one, other], [SHOP]) == change_digest([other, one], [SHOP])
        told = replace(one, diff="-1\n+2", risk=("rollout",))
        assert change_digest([one], [SHOP]) == change_digest([told], [SHOP])

    def test_read_only_mappings_are_mappings(self) -> None:
        from types import MappingProxyType

        plain = modified(replace(REPLICAS, head={"a": 1, "b": 2}))
        frozen = modified(replace(REPLICAS, head=MappingProxyType({"b": 2, "a": 1})))
        assert change_digest([plain], []) == change_digest([frozen], [])
        with pytest.raises(TypeError, match="a rendered value is a set"):
            change_digest([modified(replace(REPLICAS, head={1}))], [])

    def test_what_the_rest_of_an_application_is_does_not(self) -> None:
        rest = replace(SHOP, base="sha256:8", head="sha256:9")
        assert change_digest([modified(REPLICAS)], [SHOP]) == change_digest(
            [modified(REPLICAS)], [rest]
        )

    @pytest.mark.parametrize("hidden", [{"redacted": 1}, {"omitted": 1}])
    def test_where_a_change_hides_something_the_application_stands_for_it(
        self, hidden: Any
    ) -> None:
        changes = [modified(REPLICAS, **hidden)]
        digests = {
            change_digest(changes, [application])
            for application in (
                SHOP,
                replace(SHOP, head="sha256:9"),
                replace(SHOP, base="sha256:9"),
            )
        }
        assert len(digests) == 3
        other = RenderedApplication(name="other", base=None, head="sha256:1")
        assert change_digest(changes, [SHOP, other]) == change_digest(
            changes, [replace(other, head="sha256:7"), SHOP]
        )

    def test_bound_to_the_result_only_the_head_counts(self) -> None:
        def digest(changes: Any, *applications: RenderedApplication) -> str:
            return change_digest(changes, applications, "result")

        other = RenderedApplication(name="other", base=None, head=None)
        expected = digest([], SHOP, other)
        assert digest([modified(REPLICAS)], other, replace(SHOP, base="sha256:0")) == expected
        assert digest([], replace(SHOP, head="sha256:0"), other) != expected
        assert digest([], SHOP) != expected
        assert digest([], SHOP) != change_digest([], [SHOP])
