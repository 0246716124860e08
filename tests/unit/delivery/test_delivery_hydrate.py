"""A hydrated tree: one file a resource, read by Kubernetes as what the sources render to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.delivery import hydrate
from gitops_gate.delivery.hydrate import hydrated_files
from gitops_gate.discovery.values import Application, Renderer
from gitops_gate.documents import dump_yaml, load_yaml
from gitops_gate.errors import ConfigurationError, GitOpsGateError
from gitops_gate.pipeline import Options
from gitops_gate.render.values import Manifest, Rendered, VolatileField
from gitops_gate.resources.read import read_resources
from gitops_gate.resources.values import Origin
from gitops_gate.source.values import Tree
from tests.e2e.repositories import config_map, deployment, manifest
from tests.unit.discovery.trees import Files, tree_of
from tests.unit.documents.test_dump_yaml import VALUES

CONFIGURATION = """
version: 1
environments:
  production: {match: ["**/prod"]}
  staging: {match: ["**/staging"]}
"""


def hydrated(files: Files, *environments: str, options: Options | None = None) -> dict[str, bytes]:
    tree = tree_of({".gitops-gate.yaml": CONFIGURATION, **files})
    return dict(hydrated_files(tree, options or Options(), environments))


def refused(files: Files, *environments: str, options: Options | None = None) -> str:
    with pytest.raises(GitOpsGateError) as raised:
        hydrated(files, *environments, options=options)
    return str(raised.value)


# ------------------------------------------------------------------------------------------ files


def test_each_resource_is_a_file_named_after_it_in_the_folder_of_its_application() -> None:
    files = hydrated(
        {
            "apps/shop/prod/web.yaml": deployment() + "---\n" + config_map(),
            "apps/shop/staging/web.yaml": deployment(),
            "rbac/prod/view.yaml": manifest(
                "rbac.authorization.k8s.io/v1", "ClusterRole", "shop:View", None
            ),
        }
    )
    assert list(files) == [
        "production/apps+shop+prod/ConfigMap+shop+settings.yaml",
        "production/apps+shop+prod/Deployment.apps+shop+web.yaml",
        "production/rbac+prod/ClusterRole.rbac.authorization.k8s.io+shop%3A%56iew.yaml",
        "staging/apps+shop+staging/Deployment.apps+shop+web.yaml",
    ]


def test_a_file_says_where_its_resource_comes_from_and_then_the_resource_with_sorted_keys() -> None:
    files = hydrated({"shop/prod/x.yaml": config_map(zebra="1", ant="yes")})
    assert files["production/shop+prod/ConfigMap+shop+settings.yaml"].decode() == (
        "# Application: shop/prod\n"
        "# Source: shop/prod/x.yaml\n"
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: settings\n"
        "  namespace: shop\n"
        "data:\n"
        '  ant: "yes"\n'
        '  zebra: "1"\n'
    )


def test_only_the_environments_asked_for_are_there() -> None:
    files = {"shop/prod/x.yaml": config_map(), "shop/staging/x.yaml": config_map()}
    assert [path.split("/")[0] for path in hydrated(files)] == ["production", "staging"]
    assert [path.split("/")[0] for path in hydrated(files, "staging")] == ["staging"]


def test_the_files_do_not_depend_on_how_the_sources_are_laid_out() -> None:
    one = {"a/prod/x.yaml": config_map() + "---\n" + deployment()}
    other = {"a/prod/x.yaml": deployment().replace("  ", " ") + "---\n" + config_map()}
    assert hydrated(one) == hydrated(other)


def test_hooks_and_sync_waves_stay_and_lists_become_their_items() -> None:
    wave = {"argocd.argoproj.io/sync-wave": "-1", "helm.sh/hook": "pre-install"}
    items = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": wave}}
        for name in ("one", "two")
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    files = hydrated({"a/prod/x.yaml": listed})
    assert list(files) == [f"production/a+prod/ConfigMap+{name}.yaml" for name in ("one", "two")]
    assert [load_yaml(content) for content in files.values()] == [(item,) for item in items]


def test_what_sops_encrypted_keeps_the_block_that_flux_decrypts_it_by() -> None:
    sops = {"mac": "ENC[…]", "version": "3.9.0", "age": [{"recipient": "age1"}]}
    secret = manifest("v1", "Secret", "db", sops=sops, stringData={"password": "ENC[AES]"})
    [content] = hydrated({"a/prod/x.yaml": secret}).values()
    assert load_yaml(content) == (json.loads(secret),)


def test_an_application_that_renders_to_nothing_keeps_a_folder_so_that_an_agent_prunes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    render_as(monkeypatch, Rendered())
    files = hydrated({"a/prod/x.yaml": config_map()})
    assert list(files) == ["production/a+prod/nothing.yaml"]
    assert load_yaml(files["production/a+prod/nothing.yaml"]) == ()


def test_objects_whose_names_the_server_makes_up_are_numbered() -> None:
    jobs = [
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "m-"}, "spec": n}
        for n in ({"a": 1}, {"a": 2})
    ]
    files = hydrated({"a/prod/x.yaml": "---\n".join(json.dumps(job) + "\n" for job in jobs)})
    assert list(files) == [
        "production/a+prod/Job.batch+m-.yaml",
        "production/a+prod/Job.batch+m-~2.yaml",
    ]


def test_a_name_cannot_leave_its_folder_nor_become_a_file_that_means_something() -> None:
    files = {
        ".hidden\n/prod/x.yaml": config_map(name="../../.git/config", namespace=".."),
        "a" * 300 + "/prod/x.yaml": config_map(name="a" * 300),
    }
    for path in hydrated(files):
        environment, application, name = path.split("/")
        assert environment == "production"
        assert not application.startswith(".")
        assert not name.startswith(".")
        assert max(len(application), len(name)) < 256
        assert path.isprintable()


NAMES = st.text(st.sampled_from("ab.-+/%~:_ A\n"), min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=2, max_size=6, unique=True))
def test_two_resources_never_share_a_file(names: list[tuple[str, str]]) -> None:
    documents = [config_map(name=name, namespace=namespace) for namespace, name in names]
    files = hydrated({"a/prod/x.yaml": "---\n".join(documents)})
    assert len(files) == len(names)


@given(st.lists(NAMES, min_size=2, max_size=8, unique=True))
def test_two_applications_never_share_a_folder(names: list[str]) -> None:
    folders = [hydrate._folder(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all("/" not in folder and not folder.startswith(".") for folder in folders)


@pytest.mark.slow
@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4))
def test_what_is_written_reads_as_the_same_resource(spec: dict[str, Any]) -> None:
    value = {"apiVersion": "x.example.com/v1", "kind": "X", "metadata": {"name": "x"}, "spec": spec}
    text = dump_yaml(value)
    [content] = hydrated({"a/prod/x.yaml": text}).values()
    assert load_yaml(content) == load_yaml(text)
    origin = Origin()
    before = read_resources([Manifest(text=text.encode(), origin=origin)]).resources
    after = read_resources([Manifest(text=content, origin=origin)]).resources
    assert [(r.reference, r.value) for r in after] == [(r.reference, r.value) for r in before]


# ------------------------------------------------------------------------------------- fail closed


def render_as(monkeypatch: pytest.MonkeyPatch, rendered: Rendered, name: str = "a/prod") -> None:
    application = Application(
        name=name, path=name, renderer=Renderer.HELM, environment="production"
    )
    monkeypatch.setattr(
        "gitops_gate.pipeline.render_applications", lambda *_: iter([(application, rendered)])
    )


def test_applications_that_cannot_be_rendered_are_all_named() -> None:
    said = refused(
        {
            "a/prod/x.yaml": config_map() + "---\nkind: [\n",
            "b/prod/kustomization.yaml": "resources: [missing.yaml]\n",
            "c/prod/x.yaml": config_map(),
        }
    )
    assert "a/prod" in said
    assert "b/prod" in said
    assert "c/prod" not in said


def test_a_document_that_is_no_resource_is_not_left_out() -> None:
    said = refused({"a/prod/x.yaml": "apiVersion: v1\nkind: ConfigMap\n"})
    assert said == "a/prod/x.yaml: a/prod: metadata.name is missing"


def test_a_field_that_differs_between_two_renders_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    volatile = VolatileField(resource=("v1", "Secret", "shop", "db"), field=("data", "password"))
    secret = Manifest(text=manifest("v1", "Secret", "db").encode(), origin=Origin())
    render_as(monkeypatch, Rendered(manifests=(secret,), volatile=(volatile,)))
    said = refused({"a/prod/x.yaml": config_map()})
    assert "a/prod: Secret shop/db differs between two renders" in said
    assert "data.password" in said


def test_a_resource_that_is_there_twice_is_named() -> None:
    said = refused({"a/prod/x.yaml": config_map(), "a/prod/y.yaml": config_map(other="1")})
    assert said == "a/prod: ConfigMap shop/settings is there more than once"


def test_the_same_object_in_two_applications_is_in_both_folders() -> None:
    files = hydrated({"a/prod/x.yaml": config_map(), "b/prod/x.yaml": config_map()})
    assert len(files) == 2


@pytest.mark.parametrize(
    "text",
    [f"# +argocd:skip-file-rendering\n{config_map()}", config_map(a="+argocd:skip-file-rendering")],
    ids=["comment", "value"],
)
def test_what_argo_cd_would_leave_out_and_flux_would_not_is_refused(text: str) -> None:
    assert "Argo CD leaves it out" in refused({"a/prod/x.yaml": text})


def test_an_empty_tree_is_refused_since_it_would_empty_the_cluster() -> None:
    said = refused({"a/staging/x.yaml": config_map()}, "production")
    assert "there is no application of production" in said
    assert "empty the cluster" in said


@pytest.mark.parametrize(
    "options",
    [
        Options(applications=("a/prod",)),
        Options(environments=("production",)),
        Options(configuration=("x.yaml", b"version: 1\n")),
    ],
    ids=["application", "environment", "configuration"],
)
def test_a_hydrated_tree_is_never_narrowed(options: Options) -> None:
    with pytest.raises(ConfigurationError, match="never narrowed"):
        hydrated({"a/prod/x.yaml": config_map()}, options=options)


def test_programs_run_in_a_sandbox_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Options] = []

    def nothing(_: Tree, options: Options) -> Iterator[tuple[Application, Rendered]]:
        asked.append(options)
        return iter(())

    monkeypatch.setattr("gitops_gate.pipeline.render_applications", nothing)
    refused({"a/prod/x.yaml": config_map()}, "production")
    assert [(each.require_sandbox, each.environments) for each in asked] == [
        (True, ("production",))
    ]


# ------------------------------------------------------------------------------------ real engines


@pytest.mark.slow
@pytest.mark.engine
def test_kustomize_reads_an_environment_s_folder_as_flux_does(
    path_with_engines: str, tmp_path: Path
) -> None:
    """Flux lists every YAML file below its path in a kustomization and builds that."""
    files = hydrated(
        {
            "apps/prod/x.yaml": config_map() + "---\n" + deployment(),
            "rbac/prod/x.yaml": manifest("rbac.authorization.k8s.io/v1", "Role", "a:b"),
        }
    )
    files["production/nothing.yaml"] = b"# It renders to nothing.\n"
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    listed = [path.removeprefix("production/") for path in files]
    (tmp_path / "production/kustomization.yaml").write_text(json.dumps({"resources": listed}))
    built = subprocess.run(
        ["kustomize", "build", tmp_path / "production"],
        capture_output=True, check=True, env={**os.environ, "PATH": path_with_engines},
    )  # fmt: skip
    read = {json.dumps(value, sort_keys=True) for value in load_yaml(built.stdout)}
    written = {
        json.dumps(value, sort_keys=True)
        for content in files.values()
        for value in load_yaml(content)
    }
    assert read == written


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
def test_charts_and_kustomizations_are_hydrated_and_chance_is_refused() -> None:
    files = {
        "apps/prod/kustomization.yaml": "namePrefix: my-\nresources: [x.yaml]\n",
        "apps/prod/x.yaml": config_map(),
        "charts/prod/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "charts/prod/templates/x.yaml": config_map(colour="{{ .Release.Name }}"),
    }
    made = hydrated(files)
    assert list(made) == [
        "production/apps+prod/ConfigMap+shop+my-settings.yaml",
        "production/charts+prod/ConfigMap+shop+settings.yaml",
    ]
    assert b"# Source: charts/prod/templates/x.yaml\n" in made[list(made)[1]]
    random = config_map(colour="{{ randAlpha 8 }}")
    said = refused({**files, "charts/prod/templates/x.yaml": random})
    assert "ConfigMap shop/settings differs between two renders" in said
    assert "data.colour" in said
