"""What people read of a delivery, and what machines do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.attestations.values import Channel, Decision, Entry
from gitops_gate.delivery.outcome import json_of, text_of, verdict_of, verified_json, verified_text
from gitops_gate.delivery.record import body_of
from gitops_gate.delivery.values import Delivered, Hold, Outcome
from gitops_gate.delivery.verify import Verified
from gitops_gate.verdict.values import Verdict
from tests.unit.delivery.branches import A, B, Branch
from tests.unit.delivery.lives import MAIN

pytestmark = pytest.mark.usefixtures("in_memory")

GOLDEN = Path(__file__).parent / "golden"
CHANNEL = Channel(
    repository_id=4711,
    url="https://forge.example/acme/shop",
    branch=MAIN,
    ref="refs/heads/deploy/production",
)


def entry(delivered: str, body: Mapping[str, Any]) -> Entry:
    decision = Decision(
        channel=CHANNEL,
        sequence=3,
        commit=delivered,
        delivered=delivered,
        previous=None,
        body=body,
    )
    return Entry(decision=decision, digest=f"sha256:{'d' * 64}", key="key ed25519:abc")


def delivery(branch: Branch, outcome: Outcome, **more: Any) -> Delivered:
    walked = branch.walk()
    last = walked.steps[-1].landing.after if walked.steps else branch.start
    moved = outcome in (Outcome.DELIVERED, Outcome.DRY_RUN)
    return replace(
        Delivered(
            channel=CHANNEL,
            outcome=outcome,
            tip=branch.life.tip,
            before=branch.start,
            after=last if moved else branch.start,
            commit=last if moved else branch.start,
            steps=walked.steps,
            hold=walked.hold,
        ),
        **more,
    )


def delivered() -> Delivered:
    branch = Branch()
    branch.land(branch.change(A))
    branch.direct({B: branch.life.value(B, 1)})
    branch.land(branch.request({B: branch.life.value(B, 0)}))
    return delivery(branch, Outcome.DELIVERED, entry=entry(branch.life.tip, {}))


def held() -> Delivered:
    branch = Branch()
    branch.direct({B: branch.life.value(B, 1)})
    return delivery(branch, Outcome.HELD)


def partly() -> Delivered:
    branch = Branch()
    branch.land(branch.change(A))
    branch.land(branch.change(B), by=False)
    return delivery(branch, Outcome.DELIVERED, entry=entry(branch.life.tip, {}))


def unreadable() -> Delivered:
    hold = Hold(
        commit="1" * 40,
        code="forge_unreadable",
        message="the forge is \x1b[31mdown\x1b[0m\nand \u202esays so",
        verdict=Verdict.INDETERMINATE,
        remedy="wait, and run again",
    )
    return replace(held(), hold=hold, before=None, after=None, commit=None)


def frozen() -> Delivered:
    hold = Hold(commit="2" * 40, code="frozen", message="frozen", verdict=Verdict.PENDING)
    return replace(held(), hold=hold)


def up_to_date() -> Delivered:
    branch = Branch()
    return delivery(branch, Outcome.UP_TO_DATE)


def dry() -> Delivered:
    branch = Branch()
    branch.land(branch.change(A), method="squash")
    return delivery(branch, Outcome.DRY_RUN, before=None)


def hydrated() -> Delivered:
    return replace(delivered(), after="3" * 40, hold=None)


CASES = (delivered, held, partly, unreadable, frozen, up_to_date, dry, hydrated)


def golden(name: str, text: str) -> None:
    """Compare with a golden file; one that is not there is written, for a look at it."""
    file = GOLDEN / name
    if not file.exists():
        file.write_text(text)
        pytest.fail(f"{name} is new")
    assert text == file.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_is_printed_for_people(case: Any) -> None:
    text = text_of([case()], width=78, color=False)
    assert text.endswith("\n")
    assert all(len(line) <= 78 for line in text.splitlines())
    golden(f"{case.__name__}.txt", text)


def test_is_printed_for_machines() -> None:
    text = json_of([case() for case in CASES])
    value = json.loads(text)
    assert value["schema"] == "gitops-gate/delivery/v1"
    assert [one["outcome"] for one in value["deliveries"]] == [
        "delivered", "held", "delivered", "held", "held", "up-to-date", "dry-run", "delivered",
    ]  # fmt: skip
    golden("deliveries.json", text)


def test_shows_nothing_that_moves_a_terminal() -> None:
    text = text_of([unreadable()], width=78, color=False)
    assert not {"\x1b", "\u202e"} & set(text)


def test_has_colours_where_they_are_wanted() -> None:
    assert "\x1b[" in text_of([held()], width=78, color=True)


@pytest.mark.parametrize(
    ("cases", "verdict"),
    [
        ((), Verdict.INDETERMINATE),
        ((up_to_date, delivered), Verdict.ALLOW),
        ((delivered, frozen), Verdict.PENDING),
        ((frozen, held, delivered), Verdict.DENY),
        ((held, unreadable, frozen), Verdict.INDETERMINATE),
    ],
)
def test_the_gravest_verdict_is_that_of_the_run(cases: Any, verdict: Verdict) -> None:
    assert verdict_of([case() for case in cases]) is verdict


class TestACommitThatHolds:
    def verified(self, **more: Any) -> Verified:
        branch = Branch()
        branch.land(branch.change(A), method="squash")
        walked = branch.walk()
        assert walked.whole is not None
        body = body_of(
            walked.steps,
            walked.whole,
            forge="github",
            policies="sha256:1",
            at=branch.life.clock,
            start=branch.start,
            hydrated=None,
        )
        return Verified(
            commit=branch.life.tip,
            channel=CHANNEL,
            entry=entry(branch.life.tip, body),
            decisions=3,
            **{"replayed": True, **more},
        )

    def test_is_printed_with_who_approved_it(self) -> None:
        found = [self.verified(), self.verified(replayed=False, notes=("it is not the newest",))]
        golden("verified.txt", verified_text(found))

    def test_says_where_nobody_had_to(self) -> None:
        found = self.verified()
        (step,) = found.entry.decision.body["steps"]
        step["approvals"] = []
        assert "of change request 1, nobody had to approve it\n" in verified_text([found])

    def test_is_printed_for_machines(self) -> None:
        golden("verified.json", verified_json([self.verified(notes=("it is not the newest",))]))
