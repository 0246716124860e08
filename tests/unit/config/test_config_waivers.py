"""A waiver file becomes waivers, or an error that helps to mend it."""

from __future__ import annotations

import datetime

import pytest

from gitops_gate.config import WaivedResource, Waiver, load_waivers, locate_waiver
from gitops_gate.errors import ConfigurationError
from gitops_gate.resources.values import ResourceReference

PATH = ".gitops-gate/waivers.yaml"

MINIMAL = "- {rule: images/pinned, reason: why, owner: team, expires: 2027-03-31}\n"


def load(text: str) -> tuple[Waiver, ...]:
    return load_waivers(text.encode(), PATH)


def with_keys(keys: str) -> str:
    return MINIMAL.replace("}\n", f", {keys}}}\n")


@pytest.mark.parametrize("text", ["", "# none\n", "[]\n"])
def test_an_empty_file_has_none(text: str) -> None:
    assert load(text) == ()


def test_every_key_arrives() -> None:
    text = """\
# accepted for now
- rule: images/pinned
  reason: The vendor publishes no digests.
  owner: platform team
  expires: 2027-03-31
  resources:
    - {kind: Deployment, namespace: shop, name: "web-*"}
    - {kind: Job}
  applications: ["apps/shop/**"]
  environments: [production, "stag*"]
- {rule: probes, reason: why, owner: me, expires: "2027-01-01", resources: {name: x}}
"""
    first, second = load(text)
    assert first == Waiver(
        rule="images/pinned",
        reason="The vendor publishes no digests.",
        owner="platform team",
        expires=datetime.date(2027, 3, 31),
        resources=(
            WaivedResource(kind="Deployment", namespace="shop", name="web-*"),
            WaivedResource(kind="Job"),
        ),
        applications=("apps/shop/**",),
        environments=("production", "stag*"),
        index=0,
    )
    assert second.resources == (WaivedResource(name="x"),)
    place = locate_waiver(second, text.encode(), PATH)
    assert (place.path, place.line, place.exact) == (PATH, 11, True)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- {}", 1, "`rule` is missing"),
        ("- {}", 1, "`expires` is missing"),
        ("rule: x", 1, "expected a list, not a mapping"),
        (MINIMAL.replace("2027-03-31", "2027-02-30"), 1, "YYYY-MM-DD, and must exist"),
        (MINIMAL.replace("2027-03-31", "20270331"), 1, "expected text, not the number"),
        (MINIMAL.replace("2027-03-31", "2027-3-1"), 1, "YYYY-MM-DD"),
        (MINIMAL.replace("2027-03-31", "2027-W01-1"), 1, "YYYY-MM-DD"),
        (MINIMAL.replace("why", '" "'), 1, "`[0].reason`: must not be empty"),
        (MINIMAL.replace("rule:", "rules:"), 1, "unknown key `[0].rules`; did you mean `rule`?"),
        (MINIMAL + "- {rul: 1}\n", 2, "unknown key `[1].rul`"),
        (with_keys("resources: {}"), 1, "must not be empty"),
        (with_keys("resources: []"), 1, "must not be empty"),
        (with_keys("resources: {kinds: x}"), 1, "did you mean `kind`?"),
        (with_keys("resources: [{nam: x}]"), 1, "`[0].resources[0].nam`; did you mean `name`?"),
        (with_keys("resources: x"), 1, "expected a mapping or a list, not `x`"),
        (with_keys("applications: []"), 1, "must not be empty"),
        (with_keys("environments: ['[x']"), 1, "never closed"),
    ],
)
def test_what_is_wrong_is_told(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (PATH, line)


DEPLOYMENT = ResourceReference(
    api_version="apps/v1", kind="Deployment", namespace="shop", name="web-1"
)


@pytest.mark.parametrize(
    ("keys", "matched"),
    [
        ("", True),
        ("resources: {kind: Deployment}", True),
        ("resources: {kind: 'D*', namespace: shop, name: 'web-?'}", True),
        ("resources: [{kind: Job}, {name: web-1}]", True),
        ("resources: {kind: Deployment, namespace: other}", False),
        ("applications: ['apps/**']", True),
        ("applications: ['apps/*']", False),
        ("environments: [production]", True),
        ("environments: [staging]", False),
        ("resources: {kind: Deployment}, environments: [staging]", False),
    ],
)
def test_everything_that_is_named_must_match(keys: str, matched: bool) -> None:
    (waiver,) = load(with_keys(keys) if keys else MINIMAL)
    finding = {
        "resource": DEPLOYMENT,
        "application": "apps/shop/production",
        "environment": "production",
    }
    assert waiver.matches(rule="images/pinned", **finding) is matched  # type: ignore[arg-type]
    assert not waiver.matches(rule="images/other", **finding)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys", ["resources: {kind: '*'}", "applications: ['**']", "environments: ['**']"]
)
def test_a_finding_without_what_is_named_does_not_match(keys: str) -> None:
    (waiver,) = load(with_keys(keys))
    assert not waiver.matches(
        rule="images/pinned", resource=None, application=None, environment=None
    )


def test_it_counts_on_its_last_day_and_not_after() -> None:
    (waiver,) = load(MINIMAL)
    assert not waiver.expired(datetime.date(2027, 3, 31))
    assert waiver.expired(datetime.date(2027, 4, 1))


def test_resources_without_a_namespace_match_a_pattern_for_any() -> None:
    (waiver,) = load(with_keys("resources: {namespace: '*'}"))
    cluster = ResourceReference(api_version="v1", kind="Namespace", namespace="", name="x")
    assert waiver.matches(
        rule="images/pinned", resource=cluster, application=None, environment=None
    )
