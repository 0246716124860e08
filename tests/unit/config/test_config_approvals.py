"""`approvals` and `freezes`: what a configuration may say, and what is told about mistakes."""

from __future__ import annotations

import datetime

import pytest

from gitops_gate.changes.risk import LABELS
from gitops_gate.config import load_settings, settings_digest
from gitops_gate.config.approval_settings import (
    ApprovalRule,
    ApprovalSettings,
    Freeze,
    Require,
    Unless,
    When,
)
from gitops_gate.config.durations import long_seconds, seconds
from gitops_gate.config.settings import Settings
from gitops_gate.config.times import check_schedule, check_timezone, moment
from gitops_gate.config.validation import published_schema
from gitops_gate.errors import ConfigurationError


def load(text: str) -> Settings:
    return load_settings(text.encode())


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return caught.value.message


COMPLETE = """
approvals:
  bind: result
  codeowners: "off"
  contributors_may_approve: true
  bots_may_approve: [49699333]
  rules:
    - name: production needs SRE
      when:
        environments: [production]
        paths: ["clusters/**"]
        applications: [shop-*]
        kinds: [Secret, rbac.authorization.k8s.io/ClusterRole]
        operations: [removed]
        risks: [data-loss]
        rules: [images/pinned]
        authors: ["renovate[bot]", 583231]
      require: {count: 2, teams: [sre], users: [octocat, 1], permission: maintain}
    - name: everything
  override: {teams: [incident-commander]}
freezes:
  - name: year end
    from: 2026-12-20T00:00:00+01:00
    until: 2027-01-04T00:00:00Z
    environments: [production]
    unless: {labels: [hotfix], require: {count: 2, teams: [sre]}}
  - {name: weekends, schedule: "0 18 * * FRI", duration: 2d14h, timezone: Europe/Berlin}
"""


def test_everything_that_can_be_said_is_read() -> None:
    settings = load(COMPLETE)
    assert settings.approvals == ApprovalSettings(
        bind="result",
        codeowners="off",
        contributors_may_approve=True,
        bots_may_approve=(49699333,),
        rules=(
            ApprovalRule(
                name="production needs SRE",
                when=When(
                    environments=("production",),
                    paths=("clusters/**",),
                    applications=("shop-*",),
                    kinds=("Secret", "rbac.authorization.k8s.io/ClusterRole"),
                    operations=("removed",),
                    risks=("data-loss",),
                    rules=("images/pinned",),
                    authors=("renovate[bot]", "583231"),
                ),
                require=Require(
                    count=2, teams=("sre",), users=("octocat", "1"), permission="maintain"
                ),
            ),
            ApprovalRule(name="everything"),
        ),
        override_teams=("incident-commander",),
    )
    assert settings.freezes == (
        Freeze(
            name="year end",
            start=datetime.datetime(2026, 12, 19, 23, tzinfo=datetime.UTC),
            end=datetime.datetime(2027, 1, 4, tzinfo=datetime.UTC),
            environments=("production",),
            unless=Unless(labels=("hotfix",), require=Require(count=2, teams=("sre",))),
        ),
        Freeze(
            name="weekends", schedule="0 18 * * FRI", duration=62 * 3600, timezone="Europe/Berlin"
        ),
    )


def test_what_is_left_out_has_its_default() -> None:
    assert load("approvals: {}\nfreezes: []") == Settings()
    assert load("approvals: {rules: [{name: x, require: {}}]}").approvals.rules == (
        ApprovalRule(name="x", when=When(), require=Require(count=1)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("approvals: {bnd: change}", "unknown key `approvals.bnd`; did you mean `bind`?"),
        ("approvals: {bind: results}", "did you mean `result`?"),
        ("approvals: {bots_may_approve: [renovate]}", "expected a whole number, not `renovate`"),
        ("approvals: {rules: [{}]}", "`approvals.rules[0]`: `name` is missing"),
        ("approvals: {rules: [{name: ''}]}", "a name has no line breaks"),
        (
            "approvals: {rules: [{name: x, when: {env: [a]}}]}",
            "unknown key `approvals.rules[0].when.env`",
        ),
        ("approvals: {rules: [{name: x, when: {risks: [data-los]}}]}", "did you mean `data-loss`?"),
        (
            "approvals: {rules: [{name: x, when: {operations: [delete]}}]}",
            "allowed: added, removed, modified",
        ),
        (
            "approvals: {rules: [{name: x, when: {kinds: [deployment]}}]}",
            "a kind looks like Deployment",
        ),
        ("approvals: {rules: [{name: x, when: {paths: [/etc]}}]}", "leave out the first /"),
        ("approvals: {rules: [{name: x, require: {count: 0}}]}", "minimum of 1"),
        (
            "approvals: {rules: [{name: x, require: {users: [a b]}}]}",
            "a user is a login or a numeric id",
        ),
        ("approvals: {rules: [{name: x, require: {teams: [true]}}]}", "expected text, not true"),
        (
            "approvals: {rules: [{name: x, require: {permission: triage}}]}",
            "allowed: write, maintain, admin",
        ),
        (
            "approvals: {rules: [{name: x}, {name: x}]}",
            "`approvals.rules[1].name`: another rule has this name",
        ),
        ("freezes: [{name: x}]", "`freezes[0]`: when it holds is missing"),
        ("freezes: [{name: x, from: 2026-12-20T00:00:00Z}]", "when it holds is missing"),
        ("freezes: [{name: x, from: 2026-12-20, until: 2026-12-21}]", "written with its offset"),
        (
            "freezes: [{name: x, from: 2026-12-20T00:00:00, until: 2026-12-21T00:00:00Z}]",
            "its offset",
        ),
        (
            "freezes: [{name: x, from: 2026-13-20T00:00:00Z, until: 2026-12-21T00:00:00Z}]",
            "its offset",
        ),
        (
            "freezes: [{name: x, from: 2026-12-20T00:00:00Z, until: 2026-12-20T01:00:00+01:00}]",
            "it ends before it starts",
        ),
        ("freezes: [{name: x, schedule: 0 18 * * 5}]", "a schedule has a duration"),
        ("freezes: [{name: x, duration: 1h}]", "a schedule has a duration"),
        (
            (
                "freezes: [{name: x, from: 2026-12-20T00:00:00Z, until: 2026-12-21T00:00:00Z, "
                "timezone: UTC}]"
            ),
            "either from and until",
        ),
        (
            "freezes: [{name: x, schedule: 0 18 * * * 5, duration: 1h}]",
            "a schedule has five fields",
        ),
        (
            "freezes: [{name: x, schedule: 0 25 * * 5, duration: 1h}]",
            "a schedule is a cron expression: Bad hour",
        ),
        (
            "freezes: [{name: x, schedule: 0 0 30 2 *, duration: 1h}]",
            "a schedule is a cron expression",
        ),
        (
            "freezes: [{name: x, schedule: 0 18 * * 5, duration: 30s}]",
            "at least 1m and at most 366d",
        ),
        (
            "freezes: [{name: x, schedule: 0 18 * * 5, duration: 367d}]",
            "at least 1m and at most 366d",
        ),
        ("freezes: [{name: x, schedule: 0 18 * * 5, duration: a week}]", "a number with a unit"),
        (
            "freezes: [{name: x, schedule: 0 18 * * 5, duration: 1h, timezone: Mars}]",
            "an IANA name",
        ),
        (
            "freezes: [{name: x, schedule: 0 18 * * 5, duration: 1h, timezone: ../etc/passwd}]",
            "an IANA name",
        ),
        ("freezes: [{name: x, unless: {}}]", "`freezes[0].unless`: `labels` is missing"),
        ("freezes: [{name: x, unless: {labels: []}}]", "must not be empty"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    assert message in problem(text)


def test_two_freezes_of_one_name_are_told_at_the_second() -> None:
    one = "{name: x, schedule: 0 18 * * 5, duration: 1h}"
    with pytest.raises(ConfigurationError) as caught:
        load(f"freezes:\n  - {one}\n  - {one}")
    assert (caught.value.line, caught.value.column) == (3, 12)
    assert caught.value.message == "`freezes[1].name`: another freeze has this name"


def test_the_risks_are_the_labels_that_changes_get() -> None:
    rule = published_schema("configuration")["$defs"]["approval_rule"]
    assert tuple(rule["properties"]["when"]["properties"]["risks"]["items"]["enum"]) == LABELS


def test_the_examples_are_accepted() -> None:
    import json

    keys = published_schema("configuration")["properties"]
    for rules in keys["approvals"]["properties"]["rules"]["examples"]:
        assert load(json.dumps({"approvals": {"rules": rules}})).approvals.rules
    for freezes in keys["freezes"]["examples"]:
        assert len(load(json.dumps({"freezes": freezes})).freezes) == len(freezes)


def test_what_settings_mean_decides_their_digest() -> None:
    other = COMPLETE.replace("2027-01-04T00:00:00Z", "2027-01-04T01:00:00+01:00")
    assert settings_digest(load(COMPLETE)) == settings_digest(load(other))
    for old, new in (("2027", "2028"), ("count: 2", "count: 3"), ("[sre]", "[ops]")):
        assert settings_digest(load(COMPLETE.replace(old, new))) != settings_digest(load(COMPLETE))


class TestDurations:
    """What a run waits for is at most an hour, a freeze at most a year."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [("1m", 60), ("90s", 90), ("2d", 172_800), ("1d1h1m1s", 90_061), ("366d", 31_622_400)],
    )
    def test_of_freezes(self, text: str, value: float) -> None:
        assert long_seconds(text) == value

    @pytest.mark.parametrize("text", ["59s", "0d", "366d1s", "1h1d", "d", "", "1w", "-1d"])
    def test_that_are_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="duration"):
            long_seconds(text)

    def test_of_what_a_run_waits_for(self) -> None:
        assert seconds("1h") == 3600
        with pytest.raises(ValueError, match="at most 1h"):
            seconds("1d")


class TestTimes:
    """Moments have an offset, schedules five fields, zones an IANA name."""

    def test_a_moment_is_in_utc(self) -> None:
        assert moment("2026-12-20t10:30+05:30") == datetime.datetime(
            2026, 12, 20, 5, tzinfo=datetime.UTC
        )

    @pytest.mark.parametrize(
        "text", ["", "now", "2026-02-29T00:00:00Z", "0001-01-01T00:00:00+01:00"]
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="offset"):
            moment(text)

    def test_a_schedule_that_never_comes(self) -> None:
        check_schedule("0 0 29 2 *")
        with pytest.raises(ValueError, match="schedule"):
            check_schedule("0 0 31 4 *")

    def test_a_time_zone(self) -> None:
        check_timezone("America/St_Johns")
        for name in ("", "/etc/localtime", "Europe/Berlin\0", "Europe"):
            with pytest.raises(ValueError, match="IANA"):
                check_timezone(name)
