"""Reports with approvals, each tree evaluated from facts: one for each way that it can end."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from gitops_gate.approvals.change import OwnedPaths
from gitops_gate.approvals.evaluate import evaluate
from gitops_gate.approvals.override import Remark
from gitops_gate.approvals.tree import Evaluation, tree_json
from gitops_gate.config.approval_settings import Freeze, Require, Unless
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Verdict
from tests.unit.approvals.making import (
    ALICE,
    BASE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    HEAD,
    RENOVATE,
    change,
    facts,
    minute,
    production,
    question,
    review,
    rule,
    rules,
    teams,
)
from tests.unit.reports.report_samples import ALLOWED, DENIED, SAMPLES

SHOP, CACHE = "clusters/production/shop", "clusters/production/cache"
RULES = rules(
    rule("production needs SRE", Require(count=2, teams=("sre",)), environments=("production",)),
    rule("the cache has an owner", Require(users=("carol",)), applications=(CACHE,)),
    override_teams=("commanders",),
)
PEOPLE = teams(sre=(BOB, DAVE, ERIN), commanders=(ERIN,))
FREEZE = Freeze(
    name="year end",
    start=datetime.datetime(2026, 10, 20, tzinfo=datetime.UTC),
    end=datetime.datetime(2027, 1, 4, tzinfo=datetime.UTC),
    environments=("production",),
    unless=Unless(labels=("hotfix",), require=Require(count=2, teams=("sre",))),
)
OVERRIDE = Remark(
    author=ERIN,
    body=f"/gitops-gate override {HEAD[:9]} the payment provider is down, see INC-4711",
    created_at=minute(30),
    edited=False,
)


def tree(*reviews: Any, seen_at: Any = lambda _: None, **given: Any) -> Evaluation:
    """What is asked for a change to shop and cache in production, and to a file with owners."""
    asked = change(
        applications=(
            production(SHOP),
            production(CACHE),
            production("clusters/staging/cache", environment="staging"),
        ),
        owned=(OwnedPaths(paths=("apps/cache/base/redis.yaml",), teams=("sre",)),),
        has_codeowners=True,
        labels=given.pop("labels", ()),
    )
    defaults = {"change": asked, "settings": RULES, "people": PEOPLE}
    return evaluate(question(*reviews, **(defaults | given)), seen_at)


def reviewed(evaluation: Evaluation, report: Report = ALLOWED) -> Report:
    """The report with a tree, and the verdict of both halves, as a review makes it."""
    more = [
        Reason(code=each.code, message=each.message, verdict=Verdict(each.verdict))
        for each in evaluation.reasons
    ]
    shown = {**tree_json(evaluation), "head": report.head, "base": report.base}
    return with_reasons(replace(report, approvals=shown), more)


EVERYBODY = (review(BOB), review(DAVE), review(CAROL))
EVALUATIONS = {
    "satisfied": tree(*EVERYBODY),
    "missing": tree(review(BOB), review(ALICE), review(RENOVATE, can_push=None)),
    "frozen": tree(*EVERYBODY, freezes=(FREEZE,)),
    "exception": tree(*EVERYBODY, freezes=(FREEZE,), labels=("hotfix",)),
    "overridden": tree(review(BOB), remarks=(OVERRIDE,), freezes=(FREEZE,)),
    "unknown": tree(
        review(BOB),
        review(CAROL, at=None),
        people=teams(sre=None),
        facts=replace(
            facts(review(BOB), review(CAROL, at=None)),
            unknown=("this token cannot read teams",),
        ),
    ),
    "unreadable": tree(facts=None),
    "nothing": tree(settings=rules(codeowners="off")),
}
APPROVALS = {
    **{name: reviewed(evaluation) for name, evaluation in EVALUATIONS.items()},
    "denied": reviewed(EVALUATIONS["missing"], DENIED),
}
assert BASE != HEAD
EVERY = {**SAMPLES, **{f"approvals-{name}": report for name, report in APPROVALS.items()}}
