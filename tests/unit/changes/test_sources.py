"""`delivery-source`: what comes to follow something else than what is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.changes import compare
from gitops_gate.config import load_settings
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.documents import load_document
from gitops_gate.resources.values import Resource
from tests.unit.resources.made import from_value

DELIVERY = load_settings(b"""
delivery:
  branches:
    main:
      - {ref: refs/heads/deploy/production}
      - {ref: refs/tags/deployed}
    "release/*": {ref: "refs/heads/deploy/{branch}"}
""").delivery
HERE = ("https://git.example.com/acme/gitops.git", "git@git.example.com:acme/gitops.git")
ADDRESSED = replace(DELIVERY, addresses=HERE)

VERSIONS = {
    "Application": "argoproj.io/v1alpha1",
    "ApplicationSet": "argoproj.io/v1alpha1",
    "FluxInstance": "fluxcd.controlplane.io/v1",
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "OCIRepository": "source.toolkit.fluxcd.io/v1",
}


def made(kind: str, content: str) -> Resource:
    value: Any = load_document(content.encode())
    head = {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": {"name": "shop"}}
    return from_value({**head, **value})


def risky(
    kind: str,
    head: str,
    base: str | None = None,
    *,
    delivery: DeliverySettings = DELIVERY,
) -> bool:
    before: Sequence[Resource] = () if base is None else (made(kind, base),)
    changes = compare("shop", before, (made(kind, head),), delivery=delivery)
    return any("delivery-source" in change.risk for change in changes)


def application(revision: str, *, address: str = HERE[0]) -> str:
    return f"{{spec: {{source: {{repoURL: '{address}', path: a, targetRevision: {revision}}}}}}}"


def git_repository(ref: str) -> str:
    return f"{{spec: {{url: '{HERE[0]}', ref: {ref}}}}}"


_MISLED = "{repoURL: a, revision: HEAD, targetRevision: deploy/production}"
"""A generator, which does not read `targetRevision`."""


class TestArgo:
    """What an Application or an ApplicationSet follows."""

    @pytest.mark.parametrize(
        "revision",
        [
            "refs/heads/deploy/production",
            "deploy/production",
            "refs/tags/deployed",
            "refs/heads/deploy/release/1.2",
            "deploy/release/1.2",
        ],
    )
    def test_a_delivery_ref_is_no_risk(self, revision: str) -> None:
        assert not risky("Application", application(revision))

    @pytest.mark.parametrize(
        "revision",
        [
            "main",
            "HEAD",
            "''",
            "null",
            "1.0",
            "'*'",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "refs/heads/main",
            "deployed",  # a branch of that name comes before the tag
            "refs/tags/deploy/production",
            "refs/deploy/production",
            "deploy/release/1/2",
            "'deploy/release/{{version}}'",
            "'deploy/release/${version}'",
        ],
    )
    def test_anything_else_is(self, revision: str) -> None:
        assert risky("Application", application(revision))

    def test_no_revision_is_the_default_branch(self) -> None:
        assert risky("Application", f"{{spec: {{source: {{repoURL: '{HERE[0]}', path: a}}}}}}")

    def test_every_source_counts(self) -> None:
        good = f"{{repoURL: '{HERE[0]}', targetRevision: deploy/production, ref: values}}"
        bad = f"{{repoURL: '{HERE[0]}', targetRevision: main, path: a}}"
        assert not risky("Application", f"{{spec: {{sources: [{good}]}}}}")
        assert risky("Application", f"{{spec: {{sources: [{good}, {bad}]}}}}")

    @pytest.mark.parametrize(
        "source",
        [
            "{repoURL: 'https://charts.example.com', chart: shop, targetRevision: 1.2.3}",
            "{repoURL: 'oci://registry.example.com/shop', targetRevision: 1.2.3, path: .}",
        ],
    )
    def test_what_is_no_git_repository_follows_no_ref(self, source: str) -> None:
        assert not risky("Application", f"{{spec: {{source: {source}}}}}")

    def test_what_is_hydrated_elsewhere_counts_by_where_it_comes_from(self) -> None:
        text = (
            "{spec: {sourceHydrator: {drySource: {repoURL: 'https://git/a', path: a, "
            "targetRevision: %s}, syncSource: {targetBranch: x, path: a}}}}"
        )
        assert risky("Application", text % "main")
        assert not risky("Application", text % "deploy/production")

    @pytest.mark.parametrize(
        ("spec", "risk"),
        [
            ("template: {spec: {source: {repoURL: a, targetRevision: deploy/production}}}", False),
            ("template: {spec: {source: {repoURL: a, targetRevision: main}}}", True),
            ("template: {spec: {source: {repoURL: a, targetRevision: '{{.at}}'}}}", True),
            ("template: {spec: {source: {repoURL: a, chart: '{{c}}', targetRevision: 1}}}", True),
            ("generators: [{git: {repoURL: a, revision: deploy/production}}]", False),
            ("generators: [{git: {repoURL: a, revision: main}}]", True),
            (f"generators: [{{matrix: {{generators: [{{git: {_MISLED}}}]}}}}]", True),
            ("templatePatch: 'spec: {source: {targetRevision: main}}'", True),
        ],
    )
    def test_a_set_has_sources_in_templates_and_generators(self, spec: str, risk: bool) -> None:
        assert risky("ApplicationSet", f"{{spec: {{{spec}}}}}") is risk

    def test_a_sync_that_is_asked_for_in_the_object_itself(self) -> None:
        quiet = application("deploy/production")
        loud = f"{{operation: {{sync: {{revision: main}}}}, {quiet[1:]}"
        assert risky("Application", loud, quiet)


class TestFlux:
    """What a source of Flux follows."""

    @pytest.mark.parametrize(
        ("ref", "risk"),
        [
            ("{branch: deploy/production}", False),
            ("{branch: deploy/release/1.2}", False),
            ("{tag: deployed}", False),
            ("{name: refs/heads/deploy/production}", False),
            ("{branch: main, name: refs/heads/deploy/production}", False),
            ("{branch: main}", True),
            ("{tag: deploy/production}", True),
            ("{branch: deploy/production, tag: v1}", True),
            ("{branch: deploy/production, semver: '>=1'}", True),
            ("{branch: deploy/production, name: refs/heads/main}", True),
            (
                "{branch: deploy/production, commit: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567}",
                True,
            ),
            ("{branch: 'deploy/release/${version}'}", True),
            ("{}", True),
            ("null", True),
            ("deploy/production", True),
        ],
    )
    def test_by_the_field_that_counts(self, ref: str, risk: bool) -> None:
        assert risky("GitRepository", git_repository(ref)) is risk

    @pytest.mark.parametrize(("ref", "risk"), [("deploy/production", False), ("main", True)])
    def test_an_instance_syncs_from_a_ref(self, ref: str, risk: bool) -> None:
        sync = f"{{kind: GitRepository, url: '{HERE[0]}', ref: refs/heads/{ref}, path: c}}"
        assert risky("FluxInstance", f"{{spec: {{sync: {sync}}}}}") is risk

    def test_an_artifact_follows_no_ref(self) -> None:
        assert not risky("OCIRepository", "{spec: {url: 'oci://a/b', ref: {tag: v1}}}")

    @pytest.mark.parametrize(
        ("kind", "spec"),
        [
            ("Kustomization", "{sourceRef: {kind: GitRepository, name: %s}, path: a}"),
            ("HelmRelease", "{chart: {spec: {chart: a, sourceRef: {name: %s}}}}"),
        ],
    )
    def test_what_comes_to_name_another_source(self, kind: str, spec: str) -> None:
        one, other = (f"{{spec: {spec % name}}}" for name in ("one", "other"))
        assert risky(kind, other, one)
        assert not risky(kind, one)
        assert not risky(kind, f"{{metadata: {{name: shop, labels: {{a: b}}}}, {one[1:]}", one)


class TestWhenItIsSaid:
    """The change that brings it in has the label, and no other."""

    def test_without_a_delivery_there_is_no_such_risk(self) -> None:
        assert not risky("Application", application("main"), delivery=DeliverySettings())
        named = "{spec: {sourceRef: {name: %s}}}"
        nothing = DeliverySettings()
        assert not risky("Kustomization", named % "b", named % "a", delivery=nothing)

    def test_what_was_so_before_is_not_said_again(self) -> None:
        main = application("main")
        assert not risky("Application", main.replace("path: a", "path: b"), main)
        assert risky("Application", application("next"), main)
        assert risky("Application", main, application("deploy/production"))
        assert not risky("Application", application("deploy/production"), main)

    def test_what_is_removed_follows_nothing(self) -> None:
        changes = compare(
            "shop", (made("Application", application("main")),), (), delivery=DELIVERY
        )
        assert [change.risk for change in changes] == [()]

    @pytest.mark.parametrize(
        ("address", "risk"),
        [
            (HERE[0], False),
            ("https://git.example.com/acme/gitops", False),
            ("https://git.example.com:443/acme/gitops/", False),
            ("ssh://git@git.example.com/acme/gitops.git", False),
            ("git@git.example.com:acme/gitops", False),
            ("https://user@GIT.example.com/acme/gitops", False),
            ("https://git.example.com/acme/other", True),
            ("https://git.example.com/Acme/gitops", True),
            ("https://git.example.com:8443/acme/gitops", True),
            ("https://git.example.com.evil.example/acme/gitops", True),
            ("https://git.example.com@evil.example/acme/gitops", True),
            ("https://evil.example/git.example.com/acme/gitops", True),
            ("https://git.example.com/acme/gitops?x", True),
            ("https://git.example.com:x/acme/gitops", True),
            ("{{address}}", True),
            ("", True),
        ],
    )
    def test_with_addresses_another_repository_is_elsewhere(self, address: str, risk: bool) -> None:
        text = application("deploy/production", address=address)
        assert risky("Application", text, delivery=ADDRESSED) is risk
        assert not risky("Application", text)

    def test_an_object_that_comes_to_name_another_repository(self) -> None:
        here, there = (application("deploy/production", address=f"https://git/{n}") for n in "ab")
        assert risky("Application", there, here)
        assert not risky("Application", here.replace("https:", "ssh:"), here)
        assert not risky("Application", there.replace("path: a", "path: b"), there)
        flux = git_repository("{branch: deploy/production}")
        assert risky("GitRepository", flux.replace("acme", "mallory"), flux)

    @pytest.mark.parametrize("kind", VERSIONS)
    @pytest.mark.parametrize(
        "content",
        [
            "{spec: null}",
            "{spec: text}",
            "{spec: {source: text, sources: 5, ref: [a], sync: x, sourceRef: []}}",
            "{operation: text}",
            "{operation: {sync: [a]}, spec: {template: []}}",
            "{spec: {source: {repoURL: [a], chart: 5, targetRevision: {a: b}}}}",
        ],
    )
    def test_whatever_is_written_it_breaks_nothing(self, kind: str, content: str) -> None:
        assert risky(kind, content) in (True, False)
