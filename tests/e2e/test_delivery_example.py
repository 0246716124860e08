"""`examples/delivery`: what its agents follow is what its configuration delivers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.approvals.requirements import required
from gitops_gate.changes.sources import elsewhere
from gitops_gate.config import delivery_targets, load_settings
from gitops_gate.delivery.hydrate import hydrated_files
from gitops_gate.documents import load_yaml
from gitops_gate.pipeline import Options
from gitops_gate.source import folder_tree
from tests.e2e.conftest import Gate
from tests.e2e.repositories import edit
from tests.engines import ROOT
from tests.unit.approvals.making import change, production, resource
from tests.unit.source.repositories import GitRepository

EXAMPLE = ROOT / "examples" / "delivery"
SETTINGS = load_settings((EXAMPLE / ".gitops-gate.yaml").read_bytes())
PRODUCTION = "clusters/argocd/shop-production.yaml"


def objects() -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Every object of the agents, with its group and kind."""
    for path in sorted(EXAMPLE.glob("clusters/**/*.yaml")):
        for value in load_yaml(path.read_bytes()):
            assert isinstance(value, dict)
            yield (str(value["apiVersion"]).partition("/")[0], str(value["kind"])), value


@pytest.fixture
def example(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "gitops")
    shutil.copytree(EXAMPLE, made.folder, dirs_exist_ok=True)
    made.commit("The example")
    made.git("checkout", "--quiet", "-b", "change")
    return made


def risks(gate: Gate, example: GitRepository, old: str, new: str, path: str) -> set[str]:
    """The risks of a change that replaces a text in one file."""
    text = (example.folder / path).read_text("utf-8")
    assert old in text
    edit(example, {path: text.replace(old, new)})
    example.commit("A change")
    run = gate("check", "--repo", example.folder, "--base", "main")
    assert run.code == 0, run.out
    return {label for change in run.report["changes"] for label in change["risk"]}


def test_it_is_allowed_as_it_is(gate: Gate, example: GitRepository) -> None:
    run = gate("scan", example.folder)
    assert run.code == 0, run.out
    assert set(run.rules) <= {"schema"}
    assert all("no schema is known" in message for _, message in run.introduced)


def test_its_agents_follow_what_is_delivered_and_nothing_else() -> None:
    assert frozenset().union(*(elsewhere(*one, SETTINGS.delivery) for one in objects())) == set()
    refs = {target.ref for target in delivery_targets(SETTINGS.delivery, "main")}
    argo = {v["spec"]["source"]["targetRevision"] for (_, k), v in objects() if k == "Application"}
    flux = {v["spec"]["ref"]["name"] for (_, k), v in objects() if k == "GitRepository"}
    assert argo == flux == refs


def test_every_folder_that_an_agent_reads_is_where_it_looks() -> None:
    rendered = hydrated_files(folder_tree(EXAMPLE), Options(jobs=1), ("staging",))
    plain = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*.yaml")}
    sources = {
        v["metadata"]["name"]: v["spec"]["ref"]["name"]
        for (_, k), v in objects()
        if k == "GitRepository"
    }
    for (_, kind), value in objects():
        if kind == "GitRepository":
            continue
        spec = value["spec"]
        ref = sources[spec["sourceRef"]["name"]] if "sourceRef" in spec else ""
        ref = ref or spec["source"]["targetRevision"]
        path = str(spec.get("path") or spec["source"]["path"]).removeprefix("./")
        files = rendered if ref == "refs/heads/rendered/staging" else plain
        assert any(name.startswith(f"{path}/") for name in files), (value["metadata"], path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("targetRevision: refs/heads/deploy/production", "targetRevision: main"),
        ("repoURL: https://github.com/acme/gitops", "repoURL: https://github.com/mallory/gitops"),
    ],
)
def test_a_change_that_has_an_agent_follow_something_else_is_a_risk(
    gate: Gate, example: GitRepository, old: str, new: str
) -> None:
    assert "delivery-source" in risks(gate, example, old, new, PRODUCTION)


def test_a_change_of_what_is_deployed_is_none(gate: Gate, example: GitRepository) -> None:
    image = "apps/shop/production/deployment.yaml"
    found = risks(gate, example, "web:2.14.0", "web:2.15.0", image)
    assert found == {"image-changed", "rollout"}


def test_its_rules_ask_the_platform_team_for_what_the_cluster_follows() -> None:
    def asked(*labels: str) -> dict[str, tuple[int, tuple[str, ...]]]:
        clusters = production("clusters/argocd", path="clusters/argocd")
        followed = resource(
            "clusters/argocd", "Application", group="argoproj.io", risks=tuple(labels)
        )
        made = change(applications=(clusters,), resources=(followed,))
        wanted = required(made, SETTINGS.approvals).requirements
        return {one.name: (one.count, one.teams) for one in wanted}

    assert "what the cluster follows" not in asked()
    assert asked("delivery-source")["what the cluster follows"] == (2, ("platform",))
