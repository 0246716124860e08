"""Waivers accept findings for a while, and say so when they no longer should."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from gitops_gate.checks.waivers import WaivedFindings, apply_waivers, is_waivable
from gitops_gate.config.waivers import WaivedResource, Waiver
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.resources.values import ResourceReference

TODAY = datetime.date(2026, 6, 15)
ENVIRONMENTS = {"shop": "production", "cache": "staging"}


def waiver(rule: str = "images/pinned", **fields: Any) -> Waiver:
    given = {
        "reason": "the vendor publishes no digest",
        "owner": "team-shop",
        "expires": datetime.date(2026, 12, 31),
        **fields,
    }
    return Waiver(rule=rule, **given)


def finding(rule: str = "images/pinned", application: str | None = "shop") -> Finding:
    reference = ResourceReference(
        api_version="apps/v1", kind="Deployment", namespace="shop", name="web"
    )
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        message="web:latest can change",
        application=application,
        resource=reference,
    )


def applied(findings: list[Finding], waivers: list[Waiver], **options: Any) -> WaivedFindings:
    return apply_waivers(findings, waivers, ENVIRONMENTS, TODAY, **options)


def rules(result: WaivedFindings) -> list[str]:
    return [one.rule for one in result.findings]


def test_a_waived_finding_stays_and_names_its_waiver():
    result = applied([finding()], [waiver()])
    (kept,) = result.findings
    assert kept.waiver is not None
    assert (kept.waiver.owner, kept.waiver.reason) == (
        "team-shop",
        "the vendor publishes no digest",
    )
    assert result.used == (waiver(),)


@pytest.mark.parametrize(
    "scope",
    [
        {"rule": "images/other"},
        {"resources": (WaivedResource(kind="StatefulSet"),)},
        {"resources": (WaivedResource(name="api-*"),)},
        {"applications": ("cache",)},
        {"environments": ("staging",)},
    ],
)
def test_a_waiver_accepts_only_what_it_is_about(scope):
    result = applied([finding()], [waiver(**scope)])
    assert result.findings[0].waiver is None


def test_globs_select_resources_applications_and_environments():
    scope: dict[str, Any] = {
        "resources": (WaivedResource(kind="Deploy*", namespace="shop", name="w?b"),),
        "applications": ("sh*",),
        "environments": ("prod*",),
    }
    assert applied([finding()], [waiver(**scope)]).findings[0].waiver is not None


def test_a_waiver_counts_on_its_last_day():
    assert applied([finding()], [waiver(expires=TODAY)]).findings[0].waiver is not None


def test_an_expired_waiver_no_longer_counts_and_is_a_finding_at_its_line():
    expired = waiver(expires=TODAY - datetime.timedelta(days=1))
    place = Location(path="waivers.yaml", line=7, exact=True)
    result = applied([finding()], [expired], locate=lambda _: place)
    kept, about = result.findings
    assert kept.waiver is None
    assert (about.rule, about.severity, about.location) == (
        "waiver/expired",
        Severity.WARNING,
        place,
    )
    assert about.message == "The waiver of images/pinned by team-shop expired on 2026-06-14."
    assert not about.introduced
    assert result.expired == (expired,)


def test_a_waiver_that_nothing_needs_is_a_finding():
    result = applied([], [waiver()])
    assert rules(result) == ["waiver/unused"]
    assert result.findings[0].severity is Severity.WARNING


def test_a_waiver_of_an_application_that_was_not_evaluated_is_not_called_unused():
    elsewhere = waiver(applications=("cache",))
    assert rules(applied([], [elsewhere], evaluated={"shop"})) == []
    assert rules(applied([], [elsewhere], evaluated={"shop", "cache"})) == ["waiver/unused"]


def test_a_waiver_of_an_application_that_does_not_exist_is_unused():
    assert rules(applied([], [waiver(applications=("gone",))], evaluated=set())) == [
        "waiver/unused"
    ]


@pytest.mark.parametrize(
    "rule", ["render/failed", "render/remote-base", "yaml", "rules/invalid", "waiver/expired"]
)
def test_what_was_not_evaluated_cannot_be_waived(rule):
    result = applied([finding(rule)], [waiver(rule)])
    kept, about = result.findings
    assert kept.waiver is None
    assert about.rule == "waiver/not-waivable"
    assert about.message.startswith(f"{rule} cannot be waived")
    assert result.used == ()


def test_an_expired_waiver_of_what_cannot_be_waived_is_one_finding():
    past = waiver("yaml", expires=datetime.date(2020, 1, 1))
    assert rules(applied([], [past])) == ["waiver/not-waivable"]


@pytest.mark.parametrize("rule", ["render/volatile", "render/cluster-dependent", "schema"])
def test_judgements_about_fields_can_be_waived(rule):
    assert is_waivable(rule)
    assert applied([finding(rule)], [waiver(rule)]).findings[0].waiver is not None


def test_of_two_waivers_for_one_finding_the_first_accepts_it_and_both_are_used():
    first, second = waiver(owner="first"), waiver(owner="second")
    result = applied([finding()], [first, second])
    (kept,) = result.findings
    assert kept.waiver is not None
    assert kept.waiver.owner == "first"
    assert result.used == (first, second)


def test_a_finding_of_no_application_needs_a_waiver_without_applications():
    loose = finding("repository/link", application=None)
    assert applied([loose], [waiver("repository/link")]).findings[0].waiver is not None
    narrow = waiver("repository/link", environments=("production",))
    assert applied([loose], [narrow]).findings[0].waiver is None


def test_two_waivers_of_one_rule_are_different_findings():
    result = applied([], [waiver(applications=("a",)), waiver(applications=("b",))])
    assert len({one.fingerprint for one in result.findings}) == 2
