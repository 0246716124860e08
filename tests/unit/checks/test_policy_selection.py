"""Which rules a configuration selects, with which severity and parameters; what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_gate.checks.interface import Defect
from gitops_gate.checks.policy.library import RuleSet, SelectedRule, select, shipped_rules
from gitops_gate.checks.policy.outcome import read_results
from gitops_gate.checks.policy.testing import run_tests
from gitops_gate.config.settings import PolicySettings, RuleOverride
from gitops_gate.errors import ConfigurationError, PolicyError
from gitops_gate.findings import Severity


def policy(
    name: str = "one", body: str = 'deny contains "x" if input.object.x', **custom: Any
) -> bytes:
    about = "".join(f"#   {key}: {value}\n" for key, value in custom.items())
    head = f"# METADATA\n# title: {name}\n# custom:\n{about}" if custom else ""
    return f"{head}package gitops_gate.house.{name}\n\n{body}\n".encode()


def ids(rules: RuleSet) -> set[str]:
    return {one.rule.id for one in rules.rules}


def chosen(**settings: Any) -> RuleSet:
    return select(PolicySettings(**settings), {})


def one_of(rules: RuleSet, name: str) -> SelectedRule:
    (found,) = [one for one in rules.rules if one.rule.id == name]
    return found


# -------------------------------------------------------------------------- profiles and areas


def test_a_profile_an_area_and_a_rule_select() -> None:
    everything = {rule.id for rule in shipped_rules()[0]}
    assert ids(chosen(builtin=())) == set()
    assert ids(chosen(builtin=("images/pinned",))) == {"images/pinned"}
    images = ids(chosen(builtin=("images",)))
    assert {"images/pinned", "images/registry-allowed"} <= images
    recommended = ids(chosen())
    assert {"images/pinned", "workloads/probes"} <= recommended <= everything
    assert len(everything) >= 12


def test_a_rule_with_a_severity_is_selected_by_that() -> None:
    rules = {"images/pinned": RuleOverride(severity=Severity.WARNING)}
    assert ids(chosen(builtin=(), rules=rules)) == {"images/pinned"}


def test_a_rule_that_is_off_is_off() -> None:
    rules = {"images/pinned": RuleOverride(severity="off")}
    assert one_of(chosen(rules=rules), "images/pinned").severity("x") is None


def test_the_particular_has_the_last_word_over_the_general() -> None:
    rules = {
        "images": RuleOverride(severity="off"),
        "images/pinned": RuleOverride(severity=Severity.WARNING),
    }
    found = chosen(builtin=("images",), rules=rules)
    assert one_of(found, "images/pinned").severity("x") is Severity.WARNING
    assert one_of(found, "images/registry-allowed").severity("x") is None


def test_an_override_is_only_for_its_environments() -> None:
    rules = {
        "images/pinned": RuleOverride(
            severity=Severity.WARNING, environments=("test",), parameters={"allow": ["x"]}
        )
    }
    pinned = one_of(chosen(rules=rules), "images/pinned")
    assert pinned.severity("test") is Severity.WARNING
    assert pinned.severity("production") is Severity.ERROR
    assert pinned.parameters("test", "1.36") == {"allow": ["x"]}
    assert pinned.parameters("production", "1.36") == {}


def test_a_rule_that_asks_for_the_version_is_given_it() -> None:
    removed = one_of(chosen(), "api/removed-versions")
    assert removed.parameters("x", "1.30")["kubernetes"] == "1.30"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"builtin": ("recomended",)}, 'did you mean "recommended"?'),
        ({"builtin": ("images/pined",)}, 'did you mean "images/pinned"?'),
        ({"builtin": ("zzz",)}, "policy list"),
        ({"rules": {"images/pined": RuleOverride()}}, "images/pinned"),
        ({"rules": {"recommended": RuleOverride()}}, "policies.rules"),
        ({"rules": {"images/pinned": RuleOverride(parameters={"alow": 1})}}, "allow"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(
    settings: dict[str, Any], hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        chosen(**settings)
    assert hint in str(caught.value)


# -------------------------------------------------------------------------- the repository's own


def test_the_repository_s_rules_are_always_selected() -> None:
    found = select(PolicySettings(builtin=()), {"policies/one.rego": policy()})
    assert ids(found) == {"house/one"}
    assert found.rules[0].rule.source == "repository"
    assert [module.path for module in found.modules] == ["policies/one.rego"]


def test_metadata_says_what_a_rule_looks_at() -> None:
    raw = policy(severity="warning", kinds="[apps/Deployment, core/Pod]", operations="[DELETE]")
    rule = select(PolicySettings(builtin=()), {"policies/one.rego": raw}).rules[0].rule
    assert rule.severity is Severity.WARNING
    assert rule.operations == ("DELETE",)
    assert rule.applies("apps", "Deployment")
    assert rule.applies("", "Pod")
    assert not rule.applies("", "Deployment")


def test_what_a_rule_reads_around_it_can_be_said_to_only_lift() -> None:
    body = 'deny contains "x" if not data.inventory[0]'
    plain = select(PolicySettings(builtin=()), {"policies/a.rego": policy(body=body)})
    lifts = select(
        PolicySettings(builtin=()), {"policies/a.rego": policy(body=body, context="lifts")}
    )
    assert (plain.rules[0].rule.contextual, plain.rules[0].rule.lifted) == (True, False)
    assert (lifts.rules[0].rule.contextual, lifts.rules[0].rule.lifted) == (True, True)
    assert plain.needs_inventory


def test_what_a_module_imports_counts_for_the_rule() -> None:
    files = {
        "policies/lib.rego": b"package gitops_gate.lib.house\n\nall := data.inventory\n",
        "policies/one.rego": policy(
            body='import data.gitops_gate.lib.house\n\ndeny contains "x" if house.all'
        ),
    }
    found = select(PolicySettings(builtin=()), files)
    assert found.rules[0].rule.inventory
    assert len(found.modules) == 2


GATEKEEPER = b"apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"policies/x.rego": b"package main\n\ndeny contains 1 if true\n"}, "conftest"),
        ({"policies/x.yaml": GATEKEEPER}, "Gatekeeper"),
        ({"policies/x.yaml": b"# c\n---\n" + GATEKEEPER}, "Gatekeeper"),
        ({"policies/x.rego": b"\xff"}, "UTF-8"),
        ({"policies/x.rego": b"deny = 1"}, "package"),
        ({"policies/x.rego": policy(body="x := 1")}, "is no rule"),
        ({"policies/x.rego": b"package gitops_gate.a\n\ndeny := set()\n"}, "is no rule"),
        ({"policies/x.rego": policy(), "policies/y.rego": policy()}, "already defined"),
        (
            {"policies/x.rego": b"package gitops_gate.images.pinned\n\ndeny := set()\n"},
            "shipped library",
        ),
        ({"policies/x.rego": policy(severity="fatal")}, "severity"),
        ({"policies/x.rego": policy(operations="[CONNECT]")}, "operations"),
        ({"policies/x.rego": policy(kinds="Pod")}, "list of strings"),
        ({"policies/x.rego": policy(sevrity="error")}, "sevrity"),
        ({"policies/x.rego": policy(context="maybe")}, "context"),
    ],
)
def test_a_file_that_is_no_rule_is_refused_by_name(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        select(PolicySettings(), files)
    assert said in str(caught.value)
    assert caught.value.path in files


def test_manifests_and_tests_below_the_policies_are_no_rules() -> None:
    files = {
        "policies/x.yaml": b"apiVersion: v1\nkind: ConfigMap\n",
        "policies/x_test.rego": b"package whatever\n\ntest_x if true\n",
    }
    assert ids(select(PolicySettings(builtin=()), files)) == set()


# -------------------------------------------------------------------------- outcomes

RULE = select(PolicySettings(builtin=()), {"policies/one.rego": policy(remediation="mend it")})


def results(*given: Any) -> tuple[Defect, ...]:
    return read_results(RULE.rules[0].rule, Severity.WARNING, list(given))


def test_a_string_and_an_object_are_results() -> None:
    plain, full = results(
        "a", {"message": "b", "field": ["spec", 0], "remediation": "so", "suggestion": "x"}
    )
    assert (plain.message, plain.field, plain.remediation) == ("a", (), "mend it")
    assert (full.field, full.remediation, full.suggestion) == (("spec", 0), "so", "x")
    assert full.severity is Severity.WARNING
    assert full.rule == "house/one"


def test_results_have_one_order() -> None:
    given = ["b", "a", {"message": "a", "field": ["x"]}]
    assert results(*given) == results(*reversed(given))


BAD_FIELDS: list[Any] = [5, {}, [True], [None], [1.5]]
BAD_RESULTS: list[Any] = [
    *(1, None, [], {}, {"msg": "x"}, {"message": 1}),
    {"message": "x", "details": {}},
    {"message": "x", "remediation": 1},
    *({"message": "x", "field": field} for field in BAD_FIELDS),
]


@pytest.mark.parametrize("given", BAD_RESULTS)
def test_anything_else_is_an_error(given: Any) -> None:
    with pytest.raises(PolicyError, match="house/one"):
        results(given)


@pytest.mark.parametrize("answer", [None, "<undefined>", {}, 1, "x"])
def test_an_answer_that_is_no_set_is_an_error(answer: Any) -> None:
    with pytest.raises(PolicyError, match="undefined or not a set"):
        read_results(RULE.rules[0].rule, Severity.ERROR, answer)


# -------------------------------------------------------------------------- tests of policies

TEST = b"""package gitops_gate.house.one_test

import data.gitops_gate.house.one

test_denied if count(one.deny) == 1 with input.object as {"x": 1}

test_wrong if count(one.deny) == 9 with input.object as {"x": 1}

test_undefined if input.nothing
"""


def test_rego_tests_pass_or_say_what_happened() -> None:
    outcome = run_tests({"one.rego": policy(), "one_test.rego": TEST})
    assert outcome.passed == 1
    assert [failure.name for failure in outcome.failures] == ["test_undefined", "test_wrong"]
    assert outcome.coverage == 100


def test_a_test_that_does_not_load_is_an_error() -> None:
    with pytest.raises(PolicyError) as caught:
        run_tests({"one.rego": policy(), "one_test.rego": TEST + b"nonsense {"})
    assert caught.value.path == "one_test.rego"


def test_nothing_to_test_is_nothing_passed() -> None:
    outcome = run_tests({"one.rego": policy()})
    assert (outcome.passed, outcome.failures) == (0, ())
