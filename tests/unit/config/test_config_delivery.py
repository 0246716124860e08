"""`delivery`: what a configuration may say, which refs a branch gets, and how mistakes are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.config import delivery_targets, load_settings, matches, settings_digest
from gitops_gate.config.delivery_settings import (
    DeliverySettings,
    DeliveryTarget,
    SigningSettings,
    is_delivered_to,
)
from gitops_gate.config.refs import can_meet, check_branch, check_branches, check_target
from gitops_gate.config.settings import Settings
from gitops_gate.errors import ConfigurationError

START = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
COMPLETE = f"""
delivery:
  branches:
    main:
      - {{ref: refs/heads/deploy/production, environments: [production], start: {START}}}
      - {{ref: refs/tags/deployed/staging, environments: [staging], hydrate: true}}
    "release/*": {{ref: "refs/heads/deploy/{{branch}}", hydrate: false}}
  addresses: ["https://github.com/acme/gitops", "git@github.com:acme/gitops.git"]
  attestations: refs/heads/attested
  signing: {{method: key, key: env:GITOPS_GATE_SIGNING_KEY}}
"""


def load(text: str) -> Settings:
    return load_settings(text.encode())


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return caught.value.message


def branches(**refs: str) -> str:
    """A configuration that delivers each branch to one ref."""
    entries = ", ".join(f'"{name}": {{ref: "{ref}"}}' for name, ref in refs.items())
    return f"delivery: {{branches: {{{entries}}}}}"


def test_everything_that_can_be_said_is_read() -> None:
    assert load(COMPLETE).delivery == DeliverySettings(
        branches={
            "main": (
                DeliveryTarget(
                    ref="refs/heads/deploy/production", environments=("production",), start=START
                ),
                DeliveryTarget(
                    ref="refs/tags/deployed/staging", environments=("staging",), hydrate=True
                ),
            ),
            "release/*": (DeliveryTarget(ref="refs/heads/deploy/{branch}"),),
        },
        attestations="refs/heads/attested",
        signing=SigningSettings(method="key", key="env:GITOPS_GATE_SIGNING_KEY"),
        addresses=("https://github.com/acme/gitops", "git@github.com:acme/gitops.git"),
    )


def test_what_is_left_out_has_its_default() -> None:
    assert load("delivery: {}") == load("delivery: {branches: {}, signing: null}") == Settings()
    settings = load("delivery: {signing: {method: sigstore}}")
    assert settings.delivery.signing == SigningSettings(method="sigstore", key=None)


@pytest.mark.parametrize(
    "key", ["env:KEY", "file:/run/secrets/key.pem", "awskms:arn:aws:kms:eu:1:key/2", "hv:key"]
)
def test_a_key_is_named_by_where_it_is(key: str) -> None:
    signing = load(f"delivery: {{signing: {{key: '{key}'}}}}").delivery.signing
    assert signing == SigningSettings(method="key", key=key)


class TestTargets:
    """Which refs a branch is delivered to."""

    SETTINGS = load(
        branches(
            **{
                "main": "refs/heads/deploy/production",
                "release/1.*": "refs/heads/old/{branch}/x",
                "release/*": "refs/heads/new/{branch}",
            }
        )
    ).delivery

    @pytest.mark.parametrize(
        ("branch", "refs"),
        [
            ("main", ["refs/heads/deploy/production"]),
            ("release/1.2", ["refs/heads/old/release/1.2/x"]),
            ("release/2", ["refs/heads/new/release/2"]),
            ("release/2/3", []),
            ("Main", []),
            ("refs/heads/main", []),
        ],
    )
    def test_of_a_branch_are_those_of_the_first_pattern_that_matches(
        self, branch: str, refs: list[str]
    ) -> None:
        assert [one.ref for one in delivery_targets(self.SETTINGS, branch)] == refs

    @pytest.mark.parametrize(
        ("ref", "delivered"),
        [
            ("refs/heads/deploy/production", True),
            ("refs/heads/deploy/production/x", False),
            ("refs/heads/new/release/2", True),
            ("refs/heads/new/release/1.2", False),  # that branch belongs to an earlier pattern
            ("refs/heads/old/release/1.2/x", True),
            ("refs/heads/old/release/2/x", False),
            ("refs/heads/main", False),
            ("refs/tags/deploy/production", False),
            ("refs/heads/new/", False),
            ("", False),
        ],
    )
    def test_a_ref_is_delivered_to_when_some_branch_has_it(self, ref: str, delivered: bool) -> None:
        assert is_delivered_to(self.SETTINGS, ref) is delivered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("delivery: {branchs: {}}", "unknown key `delivery.branchs`; did you mean `branches`?"),
        ("delivery: {branches: {main: {}}}", "`delivery.branches.main`: `ref` is missing"),
        ("delivery: {branches: {main: []}}", "must not be empty"),
        (
            "delivery: {branches: {main: [{ref: refs/heads/x, hydrated: true}]}}",
            "unknown key `delivery.branches.main[0].hydrated`; did you mean `hydrate`?",
        ),
        ("delivery: {branches: {main: refs/heads/x}}", "expected a mapping or a list"),
        (branches(main="deploy"), "a ref is named in full: refs/heads/NAME or refs/tags/NAME"),
        (branches(main="refs/notes/x"), "a ref is named in full"),
        (branches(main="refs/heads/a..b"), "Git allows no ref of this name"),
        (branches(main="refs/heads/{name}"), "{branch} may stand in a ref, once"),
        (branches(main="refs/heads/{branch}/{branch}"), "{branch} may stand in a ref, once"),
        (branches(**{"refs/heads/main": "refs/heads/x"}), "named without refs/heads/ here"),
        (branches(**{"a b": "refs/heads/x"}), "Git allows no ref of this name"),
        (branches(**{"/main": "refs/heads/x"}), "leave out the first /"),
        (
            f"delivery: {{branches: {{main: {{ref: refs/heads/x, start: {START[:7]}}}}}}}",
            "a commit is named by its full id",
        ),
        (
            f"delivery: {{branches: {{main: {{ref: refs/heads/x, start: {'1' * 40}}}}}}}",
            "put it in quotes if it is meant as text",
        ),
        ("delivery: {addresses: [github.com/acme/x]}", "an address looks like https://git."),
        ("delivery: {attestations: attestations}", "a branch is named in full here"),
        ("delivery: {attestations: refs/tags/x}", "a branch is named in full here"),
        ("delivery: {signing: {}}", "`delivery.signing`: the method `key` needs `key`"),
        ("delivery: {signing: {method: key}}", "the method `key` needs `key`"),
        ("delivery: {signing: {method: keys, key: env:A}}", "did you mean `key`?"),
        ("delivery: {signing: {method: sigstore, key: env:A}}", "`sigstore` takes no key"),
        ("delivery: {signing: {key: env:A B}}", "a key is named by where it is"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    assert message in problem(text)


def test_a_key_that_was_pasted_into_the_file_is_not_repeated() -> None:
    text = "delivery: {signing: {key: '-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2Vw'}}"
    assert "MC4C" not in problem(text)


def test_a_mistake_is_told_with_its_line() -> None:
    text = "delivery:\n  branches:\n    main:\n      - ref: refs/heads/a\n      - ref: refs/heads/a"
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert (caught.value.line, caught.value.column) == (5, 14)
    assert caught.value.message == (
        "`delivery.branches.main[1].ref`: `delivery.branches.main[0].ref` may give the same ref, "
        "or one that is inside it"
    )


class TestRefsThatMeet:
    """No ref is written for two branches, and none is where a delivery starts from."""

    @pytest.mark.parametrize(
        ("refs", "message"),
        [
            ({"*": "refs/heads/deploy/x"}, "several branches would be delivered to one ref"),
            ({"main": "refs/heads/main"}, "a branch that is delivered from itself"),
            ({"main": "refs/heads/{branch}"}, "a branch that is delivered from itself"),
            ({"release/*": "refs/heads/{branch}"}, "a branch that is delivered from itself"),
            ({"*": "refs/heads/deploy-{branch}"}, "a branch that is delivered from itself"),
            ({"**": "refs/heads/deploy/{branch}"}, "a branch that is delivered from itself"),
            ({"main": "refs/heads/a", "*": "refs/heads/x/{branch}"}, "delivered from itself"),
            ({"main": "refs/heads/main/deploy"}, "one inside the other"),
            ({"deploy/main": "refs/heads/deploy"}, "one inside the other"),
            ({"release/*": "refs/heads/{branch}/deploy"}, "one inside the other"),
            ({"main": "refs/heads/gitops-gate/attestations"}, "attestations are kept at"),
            ({"main": "refs/heads/gitops-gate"}, "attestations are kept at"),
            ({"att*": "refs/heads/gitops-gate/{branch}"}, "attestations are kept at"),
            ({"gitops-gate/*": "refs/heads/x/{branch}"}, "branch is one of these branches"),
            ({"main": "refs/heads/x", "next": "refs/heads/x"}, "may give the same ref"),
            ({"main": "refs/heads/x", "next": "refs/heads/x/y"}, "may give the same ref"),
            ({"main": "refs/heads/x/a", "a": "refs/heads/x/{branch}"}, "may give the same ref"),
            ({"a": "refs/heads/x/{branch}", "main": "refs/heads/x/a"}, "may give the same ref"),
            ({"main": "refs/heads/x/a", "*": "refs/heads/x/{branch}"}, "may give the same ref"),
            (
                {"a/*": "refs/heads/x/{branch}", "b/*": "refs/heads/x/a/{branch}"},
                None,
            ),
            (
                {"a/*": "refs/heads/x/b/{branch}", "b/**": "refs/heads/x/{branch}"},
                "may give the same ref",
            ),
        ],
    )
    def test_are_refused(self, refs: dict[str, str], message: str | None) -> None:
        if message is None:
            load(branches(**refs))
        else:
            assert message in problem(branches(**refs))

    @pytest.mark.parametrize(
        "refs",
        [
            {"main": "refs/heads/deploy/main", "*": "refs/heads/deploy/{branch}"},
            {"release/*": "refs/heads/deploy/{branch}", "hotfix/*": "refs/heads/deploy/{branch}"},
            {"main": "refs/tags/main", "release/*": "refs/tags/{branch}"},
            {"*": "refs/heads/deploy/{branch}"},
            {"main": "refs/heads/main-deploy", "next": "refs/heads/next-deploy"},
        ],
    )
    def test_and_others_are_not(self, refs: dict[str, str]) -> None:
        assert set(load(branches(**refs)).delivery.branches) == set(refs)

    def test_two_refs_of_one_pattern_may_not_meet(self) -> None:
        same = '{ref: "refs/heads/x/{branch}"}'
        assert "same ref" in problem(f'delivery: {{branches: {{"*": [{same}, {same}]}}}}')
        other = '{ref: "refs/heads/y/{branch}"}'
        assert load(f'delivery: {{branches: {{"*": [{same}, {other}]}}}}')

    def test_there_may_be_a_hundred_and_no_more(self) -> None:
        refs = {f"b{number}": f"refs/heads/x/{number}" for number in range(100)}
        assert len(load(branches(**refs)).delivery.branches) == 100
        assert "more than 100 refs" in problem(branches(**refs, more="refs/heads/y"))


NAMES = ["refs/heads/a.b", "refs/heads/a/b", "refs/heads/ä", "refs/heads/a@b", "refs/heads/a{b"]
NO_NAMES = ["", "/", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a..b", "a.", "a b"]
NO_NAMES += [
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*",
    "a[b",
    "a\\b",
    "a@{b",
    "HEAD",
    "a\x7fb",
    "a\nb",
    "-a",
]


class TestNames:
    """What git-check-ref-format(1) and git-branch(1) refuse."""

    @pytest.mark.parametrize("name", NAMES)
    def test_that_are_some(self, name: str) -> None:
        check_branch(name)

    @pytest.mark.parametrize("name", NO_NAMES)
    def test_that_are_none(self, name: str) -> None:
        with pytest.raises(ValueError, match="Git allows no ref"):
            check_branch(f"refs/heads/{name}")
        with pytest.raises(ValueError, match=r"Git allows no ref|nothing else in braces"):
            check_target(f"refs/tags/{name}")

    @pytest.mark.parametrize("pattern", ["main", "release/*", "**/x", "release/", "v[0-9]"])
    def test_patterns_of_branches(self, pattern: str) -> None:
        check_branches(pattern)

    def test_agree_with_git(self) -> None:
        from gitops_gate.source.git import run_git

        for name in [*NAMES, *(f"refs/heads/{one}" for one in NO_NAMES)]:
            short = name.removeprefix("refs/heads/")
            refused = run_git(["check-ref-format", "--branch", short]).code != 0
            assert refused is (name not in NAMES), name


PIECES = st.sampled_from(["a", "b", "-", "/", "*", "?", "**", "**/", "/**/", "[ab]", "a/b"])
PATTERNS = st.lists(PIECES, min_size=1, max_size=5).map("".join)
TEXTS = st.text("ab-/", min_size=1, max_size=6)


@given(one=PATTERNS, other=PATTERNS, text=TEXTS)
def test_patterns_that_match_one_name_can_meet(one: str, other: str, text: str) -> None:
    if matches(one, text) and matches(other, text):
        assert can_meet(one, other)


def test_the_order_of_branches_is_part_of_what_settings_mean() -> None:
    one = branches(**{"release/1": "refs/heads/x/{branch}", "release/*": "refs/heads/y/{branch}"})
    two = branches(**{"release/*": "refs/heads/y/{branch}", "release/1": "refs/heads/x/{branch}"})
    assert settings_digest(load(one)) != settings_digest(load(two))
    assert settings_digest(load(one)) == settings_digest(load(one.replace(": {ref", ":  {ref")))


def test_the_configuration_that_names_the_refs_is_one_of_the_rules() -> None:
    from gitops_gate.approvals.requirements import rules_paths

    assert rules_paths([".gitops-gate.yaml", "a"], Settings()) == (".gitops-gate.yaml",)
