"""Which requirements a change has."""

from __future__ import annotations

from typing import Any

import pytest

from gitops_gate.approvals.change import (
    AffectedApplication,
    FindingFact,
    OwnedPaths,
    ResourceFact,
    RulesChange,
    resource_facts,
)
from gitops_gate.approvals.requirements import Requirement, required, rules_paths
from gitops_gate.changes.values import Operation, ResourceChange
from gitops_gate.config.approval_settings import ApprovalSettings, Require
from gitops_gate.config.settings import PolicySettings, Settings
from gitops_gate.resources.values import ResourceReference
from tests.unit.approvals.making import RENOVATE, change, production, resource, rule, rules


def why(settings: ApprovalSettings, **given: Any) -> tuple[str, ...] | None:
    """What made the only rule match; None where it does not."""
    found = required(change(**given), settings).requirements
    assert len(found) <= 1
    return found[0].why if found else None


class TestRules:
    """All keys of `when` have to match, and one value of each key is enough."""

    def test_a_rule_without_keys_matches_everything(self) -> None:
        assert why(rules(rule())) == ()

    @pytest.mark.parametrize(
        ("when", "matches"),
        [
            ({"paths": ("apps/**",)}, ("path apps/shop/web.yaml",)),
            ({"paths": ("docs/**", "**/*.yaml")}, ("path apps/shop/web.yaml",)),
            ({"paths": ("docs/**",)}, None),
            ({"paths": ("web.yaml",)}, None),
            ({"authors": ("Alice",)}, ("author alice",)),
            ({"authors": ("@alice",)}, ("author alice",)),
            ({"authors": ("1",)}, ("author alice",)),
            ({"authors": ("bob", "2")}, None),
            ({"authors": ("alice",), "paths": ("docs/**",)}, None),
            ({"authors": ("bob",), "paths": ("apps/**",)}, None),
            (
                {"authors": ("alice",), "paths": ("apps/**",)},
                ("author alice", "path apps/shop/web.yaml"),
            ),
        ],
    )
    def test_about_paths_and_authors(self, when: Any, matches: Any) -> None:
        assert why(rules(rule(**when))) == matches

    def test_a_bot_is_not_the_person_of_its_name(self) -> None:
        assert why(rules(rule(authors=("renovate",))), author=RENOVATE) is None
        assert why(rules(rule(authors=("renovate[bot]",))), author=RENOVATE) is not None

    @pytest.mark.parametrize(
        ("when", "matches"),
        [
            ({"environments": ("production",)}, ("application shop",)),
            ({"environments": ("staging", "production")}, ("application shop",)),
            ({"environments": ("staging",)}, None),
            ({"environments": ("prod",)}, None),
            ({"applications": ("shop",)}, ("application shop",)),
            ({"applications": ("apps/*",)}, ("application shop",)),
            ({"applications": ("apps",)}, None),
            ({"applications": ("other", "sh*")}, ("application shop",)),
            ({"environments": ("staging",), "applications": ("shop",)}, None),
            ({"environments": ("production",), "applications": ("x",)}, None),
            ({"kinds": ("Deployment",)}, ("application shop", "modified Deployment in shop")),
            ({"kinds": ("apps/Deployment",)}, ("application shop", "modified Deployment in shop")),
            ({"kinds": ("batch/Deployment",)}, None),
            ({"kinds": ("deployment",)}, None),
            (
                {"operations": ("added", "modified")},
                ("application shop", "modified Deployment in shop"),
            ),
            ({"operations": ("removed",)}, None),
            ({"risks": ("rollout",)}, ("application shop", "modified Deployment in shop")),
            ({"risks": ("data-loss",)}, None),
            ({"kinds": ("Deployment",), "risks": ("data-loss",)}, None),
            ({"kinds": ("Service",), "risks": ("rollout",)}, None),
            ({"operations": ("removed",), "risks": ("rollout",)}, None),
            ({"rules": ("images/pinned",)}, ("finding images/pinned",)),
            ({"rules": ("images",)}, ("finding images/pinned",)),
            ({"rules": ("image",)}, None),
            ({"rules": ("images/pinned/x",)}, None),
            (
                {"rules": ("images",), "environments": ("production",)},
                ("application shop", "finding images/pinned"),
            ),
            ({"rules": ("rbac",), "environments": ("production",)}, None),
            ({"rules": ("images",), "environments": ("staging",)}, None),
            ({"rules": ("images",), "risks": ("data-loss",)}, None),
        ],
    )
    def test_about_what_the_change_does(self, when: Any, matches: Any) -> None:
        facts: dict[str, Any] = {
            "applications": (production(),),
            "resources": (resource(risks=("image-changed", "rollout")),),
            "findings": (FindingFact(rule="images/pinned", application="shop"),),
        }
        assert why(rules(rule(**when)), **facts) == matches

    def test_the_core_group_is_called_core(self) -> None:
        secret = (resource(kind="Secret", group=""),)
        for kind, matches in (("Secret", True), ("core/Secret", True), ("apps/Secret", False)):
            found = why(rules(rule(kinds=(kind,))), applications=(production(),), resources=secret)
            assert (found is not None) is matches

    def test_keys_about_resources_match_on_one_resource(self) -> None:
        removed_claims = rules(rule(kinds=("PersistentVolumeClaim",), operations=("removed",)))
        claim = resource(kind="PersistentVolumeClaim", group="")
        gone = resource(operation="removed")
        assert why(removed_claims, resources=(claim, gone)) is None
        both = resource(kind="PersistentVolumeClaim", group="", operation="removed")
        assert why(removed_claims, resources=(claim, gone, both)) is not None

    def test_keys_about_applications_match_on_one_application(self) -> None:
        removed_in_production = rules(rule(environments=("production",), operations=("removed",)))
        staging = production("shop-staging", environment="staging")
        applications = (production(), staging)
        changed = resource()
        for name, matches in (("shop-staging", False), ("shop", True)):
            removed = resource(name, operation="removed")
            found = why(
                removed_in_production, applications=applications, resources=(changed, removed)
            )
            assert (found is not None) is matches

    def test_every_application_that_matches_is_told(self) -> None:
        staging = production("a", environment="staging")
        unchanged = production("b")
        applications = (staging, unchanged, production("c"), production("d"))
        settings = rules(rule(environments=("production",), operations=("removed",)))
        removed = tuple(resource(name, operation="removed") for name in ("a", "c", "d"))
        assert why(settings, applications=applications, resources=removed) == (
            "application c",
            "application d",
            "removed Deployment in c",
            "removed Deployment in d",
        )

    def test_a_finding_in_another_application_does_not_count(self) -> None:
        settings = rules(rule(environments=("production",), rules=("images",)))
        elsewhere = FindingFact(rule="images/pinned", application="shop-staging")
        nowhere = FindingFact(rule="images/pinned")
        staging = production("shop-staging", environment="staging")
        for finding in (elsewhere, nowhere):
            given: dict[str, Any] = {
                "applications": (production(), staging),
                "findings": (finding,),
            }
            assert why(settings, **given) is None
        assert why(rules(rule(rules=("images",))), findings=(nowhere,)) is not None

    def test_what_is_unknown_matches(self) -> None:
        unknown_changes = production(changes_known=False)
        for key, value in (("kinds", "Secret"), ("operations", "removed"), ("risks", "exposure")):
            found = why(
                rules(rule("rule", None, **{key: (value,)})), applications=(unknown_changes,)
            )
            assert found == ("application shop", "unknown changes of shop")
        nowhere = production(environment=None)
        assert why(rules(rule(environments=("production",))), applications=(nowhere,))

    def test_what_is_only_spoken_of_counts_as_an_application(self) -> None:
        settings = rules(rule(environments=("production",)))
        assert why(settings, resources=(resource("unheard-of"),)) == ("application unheard-of",)
        finding = FindingFact(rule="schema", application="unheard-of")
        assert why(settings, findings=(finding,)) == ("application unheard-of",)
        assert why(rules(rule(applications=("shop",))), resources=(resource("x"),)) is None

    def test_of_many_reasons_the_first_are_named(self) -> None:
        paths = tuple(f"apps/{number:02}.yaml" for number in range(21))
        found = why(rules(rule(paths=("apps/*",))), paths=paths)
        assert found == (*(f"path {path}" for path in paths[:19]), "and 2 more")
        assert why(rules(rule(paths=("apps/*",))), paths=paths[:20]) == tuple(
            f"path {path}" for path in paths[:20]
        )

    def test_every_rule_that_matches_is_asked_for(self) -> None:
        two = Require(count=2, teams=("sre",), users=("bob",), permission="maintain")
        settings = rules(rule("b"), rule("a", two), rule("c", paths=("docs/**",)))
        assert required(change(), settings).requirements == (
            Requirement(
                name="a", source="rule", count=2, teams=("sre",), users=("bob",),
                permission="maintain",
            ),
            Requirement(name="b", source="rule"),
        )  # fmt: skip


class TestOwners:
    """CODEOWNERS asks besides the rules."""

    OWNED = OwnedPaths(
        paths=("b", "a"),
        users=("bob",),
        teams=("org/sre",),
        roles=("maintain",),
        unresolved=("x@y.example",),
        count=2,
        section="Infrastructure",
    )

    def test_both_are_asked_for(self) -> None:
        found = required(change(owned=(self.OWNED,), has_codeowners=True), rules(rule("r")))
        assert found.requirements == (
            Requirement(
                name="Infrastructure",
                source="codeowners",
                count=2,
                users=("bob",),
                teams=("org/sre",),
                roles=("maintain",),
                unresolved=("x@y.example",),
                why=("path a", "path b"),
            ),
            Requirement(name="r", source="rule"),
        )

    def test_entries_with_the_same_owners_are_one(self) -> None:
        owned = (OwnedPaths(paths=("b",), users=("bob",)), OwnedPaths(paths=("a",), users=("bob",)))
        (found,) = required(change(owned=owned), ApprovalSettings()).requirements
        assert (found.name, found.why) == ("code owners", ("path a", "path b"))

    def test_entries_with_other_owners_are_not(self) -> None:
        owned = (OwnedPaths(paths=("b",), users=("bob",)), OwnedPaths(paths=("a",), users=("al",)))
        assert len(required(change(owned=owned), ApprovalSettings()).requirements) == 2

    def test_optional_ones_stay_optional_and_are_listed_last(self) -> None:
        owned = OwnedPaths(paths=("a",), users=("bob",), section="A", optional=True)
        found = required(change(owned=(owned,)), rules(rule("z"))).requirements
        assert [(one.name, one.optional) for one in found] == [("z", False), ("A", True)]

    def test_they_can_be_turned_off(self) -> None:
        found = required(change(owned=(self.OWNED,)), ApprovalSettings(codeowners="off"))
        assert found.requirements == ()


class TestNothingIsRequired:
    """Which is said where the repository asks for nothing of any change."""

    @pytest.mark.parametrize(
        ("settings", "has_codeowners", "no_rules"),
        [
            (ApprovalSettings(), False, True),
            (ApprovalSettings(), True, False),
            (ApprovalSettings(codeowners="off"), True, True),
            (rules(rule(paths=("docs/**",))), False, False),
            (rules(rule(paths=("docs/**",)), codeowners="off"), True, False),
        ],
    )
    def test_no_rules(
        self, settings: ApprovalSettings, has_codeowners: bool, no_rules: bool
    ) -> None:
        found = required(change(has_codeowners=has_codeowners), settings)
        assert (found.requirements, found.no_rules) == ((), no_rules)


class TestChangedRules:
    """A change to the rules needs what old and new ask for, and at least one approval."""

    AT_LEAST_ONE = Requirement(
        name="a change to the rules", source="rules-change", why=("path .gitops-gate.yaml",)
    )

    def asked(self, old: ApprovalSettings, **given: Any) -> tuple[Requirement, ...]:
        defaults: dict[str, Any] = {"paths": (".gitops-gate.yaml",), "applications": (), "new": old}
        changed = RulesChange(**(defaults | given))
        found = required(change(paths=changed.paths, rules=changed), old).requirements
        assert self.AT_LEAST_ONE in found
        return tuple(one for one in found if one != self.AT_LEAST_ONE)

    def test_somebody_approves_even_where_nobody_is_asked(self) -> None:
        assert self.asked(ApprovalSettings()) == ()
        assert self.asked(ApprovalSettings(), new=None) == ()

    def test_a_removed_rule_asks_its_approvers(self) -> None:
        old = rules(rule("sre", Require(count=2, teams=("sre",)), paths=("clusters/**",)))
        (found,) = self.asked(old, new=ApprovalSettings())
        assert (found.source, found.count, found.teams) == ("rules-change", 2, ("sre",))
        assert found.why == ("rule sre changes",)

    def test_an_added_rule_asks_its_approvers(self) -> None:
        new = rules(rule("sre", Require(teams=("sre",)), paths=("clusters/**",)))
        (found,) = self.asked(ApprovalSettings(), new=new)
        assert (found.source, found.teams) == ("rules-change", ("sre",))

    def test_an_edited_rule_asks_both(self) -> None:
        old = rules(rule("prod", Require(count=2, teams=("sre",)), paths=("clusters/**",)))
        new = rules(rule("prod", Require(count=1), paths=("clusters/**",)))
        found = self.asked(old, new=new)
        assert [(one.count, one.teams) for one in found] == [(1, ()), (2, ("sre",))]

    def test_a_rule_that_stays_asks_for_what_is_treated_differently(self) -> None:
        old = rules(
            rule("production", environments=("production",), operations=("removed",)),
            rule("staging", environments=("staging",)),
            rule("paths", paths=("docs/**",)),
        )
        (found,) = self.asked(old, applications=(production(),))
        assert (found.name, found.source) == ("production", "rules-change")
        assert found.why == ("application shop is treated differently",)
        assert self.asked(old, new=None, applications=(production(),)) == (found,)
        assert self.asked(old) == ()

    def test_a_rule_about_others_does_not_ask_for_what_is_treated_differently(self) -> None:
        settings = rules(rule(environments=("production",), authors=("bob",)))
        assert self.asked(settings, applications=(production(),)) == ()
        settings = rules(rule(environments=("production",), authors=("alice",)))
        assert len(self.asked(settings, applications=(production(),))) == 1

    def test_the_new_rules_are_asked_of_this_change_too(self) -> None:
        new = rules(rule("config", paths=(".gitops-gate.yaml",)))
        assert [one.source for one in self.asked(ApprovalSettings(), new=new)] == [
            "rule",
            "rules-change",
        ]

    @pytest.mark.parametrize(
        ("old", "new", "asked"),
        [
            ("required", "required", True),
            ("required", "off", True),
            ("off", "required", True),
            ("off", "off", False),
        ],
    )
    def test_owners_are_asked_where_either_asks_them(self, old: Any, new: Any, asked: bool) -> None:
        owned = (OwnedPaths(paths=("a",), users=("bob",)),)
        found = self.asked(
            ApprovalSettings(codeowners=old), new=ApprovalSettings(codeowners=new), owned=owned
        )
        assert bool(found) is asked

    def test_a_repair_needs_somebody(self) -> None:
        (found,) = required(change(repair=True), ApprovalSettings()).requirements
        assert (found.source, found.count) == ("repair", 1)
        assert found.why == (
            "the rules of the target branch do not load; those of an older commit decide",
        )


class TestRulesPaths:
    """Which changed files are rules."""

    @pytest.mark.parametrize(
        "path",
        [
            ".gitops-gate.yaml",
            ".gitops-gate/waivers.yaml",
            ".gitops-gate/ratified.yaml",
            "CODEOWNERS",
            "docs/CODEOWNERS",
            ".github/CODEOWNERS",
            ".gitlab/CODEOWNERS",
            ".github/workflows/gate.yml",
            ".github/actions/x/y.sh",
            "action.yml",
            "tools/x/action.yaml",
            ".gitlab-ci.yml",
            ".gitlab/ci/jobs.yml",
            "policies/images/pinned.rego",
        ],
    )
    def test_rules(self, path: str) -> None:
        assert rules_paths((path, "apps/web.yaml"), Settings()) == (path,)

    @pytest.mark.parametrize(
        "path",
        [
            "apps/.gitops-gate.yaml",
            "apps/CODEOWNERS",
            ".github/dependabot.yml",
            "apps/policies/x.rego",
            "policies.md",
            "x-action.yml",
        ],
    )
    def test_no_rules(self, path: str) -> None:
        assert rules_paths((path,), Settings()) == ()

    def test_what_the_configuration_names(self) -> None:
        settings = Settings(
            policies=PolicySettings(paths=("rego", "one/rule.rego")), waivers="accepted.yaml"
        )
        paths = ("rego/x.rego", "one/rule.rego", "accepted.yaml", "policies/x.rego", "ci/a.yml")
        expected = ("accepted.yaml", "one/rule.rego", "rego/x.rego")
        assert rules_paths(paths, settings) == expected
        assert rules_paths(paths, settings, ("ci/*.yml",)) == (
            "accepted.yaml",
            "ci/a.yml",
            *expected[1:],
        )


def test_resource_changes_become_facts() -> None:
    def reference(api_version: str, kind: str) -> ResourceReference:
        return ResourceReference(api_version=api_version, kind=kind, namespace="n", name="x")

    moved = ResourceChange(
        application="shop",
        operation=Operation.MODIFIED,
        resource=reference("networking.k8s.io/v1", "Ingress"),
        previous=reference("extensions/v1beta1", "Ingress"),
        risk=("api-group-changed",),
    )
    added = ResourceChange(
        application="shop", operation=Operation.ADDED, resource=reference("v1", "Secret")
    )
    assert resource_facts([moved, added, added]) == (
        ResourceFact(application="shop", kind="Secret", group="", operation="added"),
        ResourceFact(
            application="shop",
            kind="Ingress",
            group="extensions",
            operation="modified",
            risks=("api-group-changed",),
        ),
        ResourceFact(
            application="shop",
            kind="Ingress",
            group="networking.k8s.io",
            operation="modified",
            risks=("api-group-changed",),
        ),
    )


def test_an_application_is_sought_by_name_and_by_path() -> None:
    application = AffectedApplication(name="shop@prod", path="charts/shop", environment="prod")
    for pattern in ("shop@prod", "charts/shop", "charts/*"):
        assert why(rules(rule(applications=(pattern,))), applications=(application,))
