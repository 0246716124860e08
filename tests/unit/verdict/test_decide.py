"""The verdict: what blocks, what cannot be decided, and what outranks what."""

from __future__ import annotations

import itertools

import pytest

from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding, Severity, WaiverUse
from gitops_gate.verdict.decide import blocks, decide
from gitops_gate.verdict.values import ApplicationOutcome, Reason, Status, Verdict


def application(status: Status = Status.RENDERED, *, affected: bool = True) -> ApplicationOutcome:
    return ApplicationOutcome(
        name="shop",
        path="shop",
        renderer="directory",
        environment="default",
        status=status,
        affected=affected,
    )


def finding(
    severity: Severity = Severity.ERROR, *, introduced: bool = True, waived: bool = False
) -> Finding:
    import datetime

    waiver = WaiverUse(rule="x", reason="y", owner="z", expires=datetime.date(2030, 1, 1))
    return Finding(
        rule="x",
        severity=severity,
        message="x",
        introduced=introduced,
        waiver=waiver if waived else None,
    )


def reason(verdict: Verdict) -> Reason:
    return Reason(code=verdict.value, message=verdict.value, verdict=verdict)


def verdict_of(**arguments: object) -> tuple[Verdict, list[str]]:
    given: dict[str, object] = {
        "applications": [application()],
        "findings": [],
        "unreached": [],
        "gate": GateSettings(),
    }
    decision = decide(**{**given, **arguments})  # type: ignore[arg-type]
    return decision.verdict, [one.code for one in decision.reasons]


def test_what_was_evaluated_and_has_nothing_that_blocks_is_allowed() -> None:
    assert verdict_of() == (Verdict.ALLOW, ["nothing_blocks"])


def test_nothing_affected_is_allowed_and_said() -> None:
    idle = application(Status.UNCHANGED, affected=False)
    assert verdict_of(applications=[idle]) == (Verdict.ALLOW, ["no_application_affected"])


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"applications": []}, "no_application_discovered"),
        ({"applications": [application(Status.FAILED)]}, "application_failed"),
        ({"applications": [application(Status.UNCHANGED)]}, "application_not_evaluated"),
        ({"unreached": ["x.yaml"]}, "unreached"),
        ({"broken": [reason(Verdict.INDETERMINATE)]}, "indeterminate"),
    ],
)
def test_what_was_not_evaluated_is_never_allowed(given: dict[str, object], code: str) -> None:
    assert verdict_of(**given) == (Verdict.INDETERMINATE, [code])
    both = verdict_of(**given, findings=[finding()])
    assert both == (Verdict.INDETERMINATE, [code, "findings"])


ORDER = [Verdict.INDETERMINATE, Verdict.DENY, Verdict.PENDING]


@pytest.mark.parametrize("order", list(itertools.permutations(ORDER)))
def test_the_worst_reason_decides_in_whatever_order_they_come(order: tuple[Verdict, ...]) -> None:
    for number in range(1, len(order) + 1):
        given = order[:number]
        worst = min(given, key=ORDER.index)
        verdict, codes = verdict_of(broken=[reason(one) for one in given])
        assert verdict is worst
        assert codes == sorted(codes, key=[one.value for one in ORDER].index)


def test_exit_codes_are_those_of_the_contract() -> None:
    codes = {verdict.value: verdict.exit_code for verdict in Verdict}
    assert codes == {"allow": 0, "deny": 1, "indeterminate": 2, "pending": 3}


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("introduced", [True, False])
@pytest.mark.parametrize("waived", [True, False])
@pytest.mark.parametrize("fail_on", list(Severity))
@pytest.mark.parametrize("scope", ["introduced", "all"])
def test_a_finding_blocks_by_severity_scope_and_waiver(
    severity: Severity, introduced: bool, waived: bool, fail_on: Severity, scope: str
) -> None:
    gate = GateSettings(fail_on=fail_on, scope=scope)  # type: ignore[arg-type]
    one = finding(severity, introduced=introduced, waived=waived)
    severe = severity is Severity.ERROR or fail_on is Severity.WARNING
    expected = severe and (introduced or scope == "all") and not waived
    assert blocks(one, gate) is expected
    verdict, _ = verdict_of(findings=[one], gate=gate)
    assert verdict is (Verdict.DENY if expected else Verdict.ALLOW)


def test_the_reason_counts_what_blocks() -> None:
    gate = GateSettings(fail_on=Severity.WARNING, scope="all")
    found = [
        finding(),
        finding(),
        finding(Severity.WARNING),
        finding(introduced=False),
        finding(waived=True),
    ]
    decision = decide(applications=[application()], findings=found, unreached=[], gate=gate)
    assert decision.reasons[0].message == "2 introduced errors, 1 older error, 1 introduced warning"


def test_advice_has_the_same_verdict() -> None:
    gate = GateSettings(mode="advisory")
    assert verdict_of(findings=[finding()], gate=gate)[0] is Verdict.DENY
