"""Whatever a repository holds, discovery ends soon and raises nothing."""

from __future__ import annotations

import time

import pytest

from tests.unit.discovery.trees import (
    Files,
    Link,
    chart,
    closure,
    codes,
    found,
    kustomization,
    manifest,
    names,
)

SECONDS = 10.0
"""What the whole gate may take for hostile input; on a busy machine discovery stays far below."""


def chain_of_kustomizations(field: str) -> Files:
    files = {f"k{i}/kustomization.yaml": f"{field}: [../k{i + 1}]\n" for i in range(3000)}
    return files | {"k3000/kustomization.yaml": kustomization()}


def chain_of_linked_folders() -> Files:
    files: dict[str, str] = {"shop/Chart.yaml": chart(), "shop/l": Link("../d0")}
    return files | {f"d{i}/l": Link(f"../d{i + 1}") for i in range(1500)}


def deep_folders() -> Files:
    return {"a/" * 2000 + "x.yaml": manifest(), "a/" * 1999 + "kustomization.yaml": kustomization()}


def many_dependencies() -> Files:
    listed = ", ".join(f"{{name: n{i}, repository: 'https://x'}}" for i in range(20_000))
    files = {f"shop/charts/n{i}-1.0.0.tgz": "" for i in range(2000)}
    return files | {"shop/Chart.yaml": chart(dependencies=f"[{listed}]")}


def many_remote_resources() -> Files:
    listed = "".join(f"- https://example.com/org/repo//path/{i}?ref=v1\n" for i in range(50_000))
    return {"shop/kustomization.yaml": f"resources:\n{listed}"}


def one_long_line() -> Files:
    return {
        "shop/kustomization.yaml": "resources: [" + "a, " * 200_000 + "]\n",
        "web/x.yaml": manifest() + "x: " + "{{ " * 200_000 + "\n",
        "set/x.yaml": (
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\nspec:\n"
            "  template: {spec: {source: {path: '" + "{{ " * 50_000 + " " * 50_000 + "'}}}\n"
        ),
    }


def deep_documents() -> Files:
    deep = "[" * 100_000
    return {
        "shop/kustomization.yaml": f"resources: {deep}\n",
        "web/x.yaml": manifest() + f"x: {deep}\n",
        "chart/Chart.yaml": f"name: {deep}\n",
    }


def many_application_sets() -> Files:
    rows = ", ".join(f"{{a: v{i}, b: w{i}}}" for i in range(200))
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\nspec:\n"
        f"  generators: [{{matrix: {{generators: [{{list: {{elements: [{rows}]}}}},"
        f" {{list: {{elements: [{rows}]}}}}]}}}}]\n"
        "  template: {spec: {destination: {namespace: '{{a}}'},"
        " source: {path: '{{x}}{{y}}*/{{b}}{{z}}/[{{c}}'}}}\n"
    )
    files: dict[str, str] = {f"sets/{i}.yaml": text + f"# {i}\n" for i in range(40)}
    return files | {f"{'a' * 50}{i}/b/[c/kustomization.yaml": kustomization() for i in range(1000)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: chain_of_kustomizations("resources"),
        lambda: chain_of_kustomizations("transformers"),
        chain_of_linked_folders,
        deep_folders,
        many_dependencies,
        many_remote_resources,
        one_long_line,
        deep_documents,
        many_application_sets,
        lambda: {"web/x.yaml": (manifest() + "---\n") * 50_000},
        lambda: {"web/x.json": '{"apiVersion": "v1", "kind": "' + "y" * 20_000_000 + '"}'},
    ],
    ids=[
        "resources", "transformers", "links", "folders", "dependencies", "remotes", "lines",
        "depth", "sets", "documents", "text",
    ],
)  # fmt: skip
def test_hostile_repositories_are_discovered_in_time(make):
    files = make()
    start = time.process_time()
    found(files)
    assert time.process_time() - start < SECONDS


def test_a_long_chain_is_read_to_its_end():
    assert len(closure(chain_of_kustomizations("resources"), "k0").files) == 3001


def test_deep_folders_are_below_the_kustomization_they_are_below():
    assert names(deep_folders()) == ["/".join("a" * 1999)]


def test_what_cannot_be_read_is_refused_or_left_to_the_renderer():
    files = deep_documents()
    assert names(files) == ["chart", "shop", "web"]
    assert codes(files, "shop") == ["render/kustomization"]
