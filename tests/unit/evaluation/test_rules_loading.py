"""The rules of one revision: what is loaded, what is refused, what the digest covers."""

from __future__ import annotations

import pytest

from gitops_gate.errors import ConfigurationError, PolicyError
from gitops_gate.evaluation.rules import edited_rules, load_rules
from tests.unit.discovery.trees import Link, manifest, tree_of

POLICY = 'package gitops_gate.house.one\n\ndeny contains "x" if {\n\tinput.object.kind == "X"\n}\n'
WAIVERS = "- {rule: schema, reason: r, owner: o, expires: 2030-01-01}\n"
NOTHING = "version: 1\npolicies: {builtin: []}\n"


def test_a_tree_without_rules_has_the_library_s() -> None:
    rules = load_rules(tree_of({"a/x.yaml": manifest()}))
    assert any(one.rule.id == "images/pinned" for one in rules.rule_set.rules)
    assert rules.waivers == ()


def test_configuration_waivers_and_policies_are_read() -> None:
    tree = tree_of(
        {
            ".gitops-gate.yaml": NOTHING,
            ".gitops-gate/waivers.yaml": WAIVERS,
            "policies/one.rego": POLICY,
            "policies/README.md": "no policy",
        }
    )
    rules = load_rules(tree)
    assert [one.rule.id for one in rules.rule_set.rules] == ["house/one"]
    assert rules.waivers[0].owner == "o"


def test_the_digest_is_over_all_rule_files_and_nothing_else() -> None:
    files = {".gitops-gate.yaml": NOTHING, "policies/one.rego": POLICY}
    same = load_rules(tree_of({**files, "README.md": "x"})).digest
    assert load_rules(tree_of(files)).digest == same
    for edit in (
        {".gitops-gate.yaml": NOTHING + "# other\n"},
        {"policies/one.rego": POLICY + "# other\n"},
        {".gitops-gate/waivers.yaml": WAIVERS},
    ):
        assert load_rules(tree_of({**files, **edit})).digest != same


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({".gitops-gate.yaml": Link("x.yaml"), "x.yaml": NOTHING}, "link"),
        ({".gitops-gate/waivers.yaml": Link("x.yaml"), "x.yaml": WAIVERS}, "link"),
        ({"policies/one.rego": "package a.b\n\ndeny contains 1 if true\n"}, "conftest"),
        ({"policies/one.rego": "nonsense"}, "declares no package"),
        ({"policies/one.rego": POLICY.replace("deny", "den y")}, "policies/one.rego:3"),
        ({"policies/a.rego": POLICY, "policies/b.rego": POLICY}, "already defined"),
        (
            {"policies/t.yaml": "apiVersion: templates.gatekeeper.sh/v1\nkind: X\n"},
            "Gatekeeper",
        ),
        ({".gitops-gate/waivers.yaml": "- {rule: x}\n"}, "waivers.yaml"),
    ],
)
def test_rules_that_do_not_load_say_which_file(files: dict[str, str], said: str) -> None:
    with pytest.raises((ConfigurationError, PolicyError)) as caught:
        load_rules(tree_of(files))
    assert said in str(caught.value)


def test_a_policy_that_is_a_link_is_not_followed() -> None:
    tree = tree_of(
        {".gitops-gate.yaml": NOTHING, "policies/one.rego": Link("../x.rego"), "x.rego": POLICY}
    )
    assert load_rules(tree).rule_set.rules == ()


def test_a_configuration_on_trial_replaces_the_file() -> None:
    tree = tree_of({".gitops-gate.yaml": "plicies: {}\n"})
    rules = load_rules(tree, configuration=NOTHING.encode(), name="trial.yaml")
    assert rules.rule_set.rules == ()
    with pytest.raises(ConfigurationError) as caught:
        load_rules(tree, configuration=b"nope: 1\n", name="trial.yaml")
    assert caught.value.path == "trial.yaml"


def test_edited_rules_are_those_whose_files_differ() -> None:
    before = tree_of({"policies/one.rego": POLICY, "apps/x.yaml": manifest()})
    after = tree_of(
        {
            "policies/two.rego": POLICY,
            "apps/x.yaml": manifest("y"),
            ".gitops-gate/waivers.yaml": WAIVERS,
            ".gitops-gate.yaml": NOTHING,
        }
    )
    assert edited_rules(before, after, load_rules(before).settings) == (
        ".gitops-gate.yaml",
        ".gitops-gate/waivers.yaml",
        "policies/one.rego",
        "policies/two.rego",
    )
