"""`gitops-gate rebuild`: what an operator gets who must build an environment from nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.cli import main
from gitops_gate.documents import load_yaml
from gitops_gate.recovery.rebuild_order import PHASES
from tests.e2e.repositories import (
    Files,
    Run,
    chart,
    config_map,
    container,
    crd,
    deployment,
    kustomization,
    manifest,
    repository,
)

CONFIGURATION = """
version: 1
environments:
  production: {match: ["**/prod"]}
  staging: {match: ["**/staging"]}
"""
NAMESPACE = manifest("v1", "Namespace", "shop", None)
Rebuild = Callable[..., Run]


@pytest.fixture
def rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Rebuild:
    """Commit these files and rebuild production from them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(files: Files, *arguments: object, environment: str = "production") -> Run:
        made = repository(tmp_path / "repository", {".gitops-gate.yaml": CONFIGURATION, **files})
        common = ["rebuild", "HEAD", "--repo", made.folder, "--environment", environment]
        capfd.readouterr()
        code = main([str(argument) for argument in (*common, *arguments)])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Run(code=code, out=said.out, err=said.err)

    return run


def values(run: Run) -> list[Any]:
    return list(load_yaml(run.out))


def objects(run: Run) -> list[tuple[str, str]]:
    return [(value["kind"], value["metadata"]["name"]) for value in values(run)]


def several(*documents: str) -> str:
    return "---\n".join(documents)


# ------------------------------------------------------------------------------------------ order


def test_what_others_need_comes_first_and_webhooks_last(rebuild: Rebuild) -> None:
    webhook = manifest(
        "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "hook", None
    )
    argo = manifest("argoproj.io/v1alpha1", "Application", "next", "shop")
    project = manifest("argoproj.io/v1alpha1", "AppProject", "shop", "shop")
    everything = several(
        webhook,
        argo,
        project,
        manifest("example.com/v1", "Widget", "w", "shop"),
        manifest("batch/v1", "Job", "migrate", "shop"),
        deployment(),
        manifest("v1", "Service", "web", "shop"),
        manifest("v1", "PersistentVolumeClaim", "data", "shop"),
        config_map(),
        manifest("v1", "Secret", "db", "shop"),
        manifest("rbac.authorization.k8s.io/v1", "RoleBinding", "b", "shop"),
        manifest("rbac.authorization.k8s.io/v1", "Role", "r", "shop"),
        manifest("v1", "ServiceAccount", "web", "shop"),
        manifest("rbac.authorization.k8s.io/v1", "ClusterRole", "c", None),
        crd(),
        NAMESPACE,
        manifest("argoproj.io/v1alpha1", "Application", "other", "shop"),
    )
    run = rebuild({"a/prod/all.yaml": several(everything, crd("Application", "argoproj.io"),
                                              crd("AppProject", "argoproj.io"))})  # fmt: skip
    assert [kind for kind, _ in objects(run) if kind != "CustomResourceDefinition"] == [
        *("Namespace", "ClusterRole", "ServiceAccount", "Role", "RoleBinding", "Secret"),
        *("ConfigMap", "PersistentVolumeClaim", "Service", "Deployment", "Job", "Widget"),
        *("AppProject", "Application", "Application", "ValidatingWebhookConfiguration"),
    ]
    assert objects(run)[1][0] == "CustomResourceDefinition"
    assert run.code == 0
    assert "Nothing that is known to be needed is missing." in run.err


def test_everything_of_the_environment_is_there_and_nothing_else(rebuild: Rebuild) -> None:
    files = {
        "a/prod/x.yaml": several(NAMESPACE, config_map("one")),
        "b/prod/x.yaml": config_map("two"),
        "b/staging/x.yaml": config_map("three"),
    }
    run = rebuild(files)
    assert objects(run) == [("Namespace", "shop"), ("ConfigMap", "one"), ("ConfigMap", "two")]
    assert "2 applications, 3 resources" in run.err


def test_a_document_says_where_it_comes_from(rebuild: Rebuild) -> None:
    run = rebuild({"a/prod/x.yaml": NAMESPACE})
    assert run.out.startswith("---\n# Application: a/prod\n# Source: a/prod/x.yaml\napiVersion: v1")


def test_hooks_that_an_installation_runs_come_before_and_after_the_workloads(
    rebuild: Rebuild,
) -> None:
    def job(name: str, **annotations: str) -> str:
        value = json.loads(manifest("batch/v1", "Job", name))
        value["metadata"]["annotations"] = annotations
        return json.dumps(value) + "\n"

    hook = "helm.sh/hook"
    argo = "argocd.argoproj.io/hook"
    text = several(
        NAMESPACE,
        job("after", **{hook: "post-install,post-upgrade"}),
        job("plain"),
        job("second", **{hook: "pre-install", "helm.sh/hook-weight": "5"}),
        job("first", **{hook: "pre-install", "helm.sh/hook-weight": "-5"}),
        job("gone", **{hook: "pre-delete"}),
        job("failed", **{argo: "SyncFail"}),
    )
    run = rebuild({"a/prod/x.yaml": text})
    names = [name for kind, name in objects(run) if kind == "Job"]
    assert names == ["first", "second", "plain", "after"]
    assert "the hook Job shop/failed" in run.err
    assert "the hook Job shop/gone" in run.err


# ------------------------------------------------------------------------------------------ files


def test_a_folder_gets_one_file_a_phase_that_its_owner_alone_can_read(
    rebuild: Rebuild, tmp_path: Path
) -> None:
    folder = tmp_path / "recovery"
    files = {"a/prod/x.yaml": several(config_map(), NAMESPACE, deployment())}
    run = rebuild(files, "--output", folder)
    assert run.code == 0
    assert run.out == ""
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["00-namespaces.yaml", "04-configuration.yaml", "07-workloads.yaml"]
    assert stat.S_IMODE((folder / names[0]).stat().st_mode) == 0o600
    [value] = load_yaml((folder / names[0]).read_bytes())
    assert value == json.loads(NAMESPACE)


def test_a_folder_with_something_in_it_is_refused(rebuild: Rebuild, tmp_path: Path) -> None:
    (tmp_path / "recovery").mkdir()
    (tmp_path / "recovery" / "old.yaml").write_text("kind: Old\n")
    run = rebuild({"a/prod/x.yaml": NAMESPACE}, "--output", tmp_path / "recovery")
    assert run.code == 2
    assert "is not empty" in run.err
    assert [path.name for path in (tmp_path / "recovery").iterdir()] == ["old.yaml"]


def test_phases_are_numbered_so_that_names_sort_in_their_order() -> None:
    assert len(PHASES) <= 100


# --------------------------------------------------------------------------------------- missing


def pods(**spec: Any) -> str:
    value = json.loads(deployment())
    value["spec"]["template"]["spec"] |= spec
    return json.dumps(value) + "\n"


def needed(run: Run) -> list[str]:
    """What stands behind `Needed, and not in Git`, each with its sort in front."""
    _, _, rest = run.err.partition("Needed, and not in Git:\n")
    lacks, what = [], ""
    for line in rest.partition("Comes from elsewhere:")[0].splitlines():
        if line.startswith("    "):
            lacks.append(f"{what} {line.strip()}")
        else:
            what, _, remedy = line.strip().partition(": ")
            assert remedy
    return lacks


def test_a_namespace_that_is_used_and_nowhere_defined_is_needed(rebuild: Rebuild) -> None:
    run = rebuild({"a/prod/x.yaml": config_map(), "b/prod/x.yaml": config_map("other")})
    assert run.code == 1
    assert needed(run) == ["namespace shop (for a/prod, b/prod)"]
    assert objects(run) == [("ConfigMap", "other"), ("ConfigMap", "settings")]


def test_secrets_that_pods_name_and_git_does_not_hold_are_needed(rebuild: Rebuild) -> None:
    env = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "by-key", "key": "a"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "may", "key": "b", "optional": True}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "maps", "key": "c"}}},
    ]
    spec = pods(
        containers=[container(env=env, envFrom=[{"secretRef": {"name": "there"}}])],
        volumes=[
            {"name": "a", "secret": {"secretName": "by-volume"}},
            {"name": "b", "secret": {"secretName": "perhaps", "optional": True}},
            {"name": "c", "projected": {"sources": [{"secret": {"name": "by-projection"}}]}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "e", "configMap": {"name": "kube-root-ca.crt"}},
        ],
        imagePullSecrets=[{"name": "registry"}],
        serviceAccountName="web",
        priorityClassName="system-cluster-critical",
    )
    run = rebuild({"a/prod/x.yaml": several(NAMESPACE, spec, manifest("v1", "Secret", "there"))})
    assert run.code == 1
    assert needed(run) == [
        "ConfigMap shop/maps (for a/prod)",
        "PersistentVolumeClaim shop/data (for a/prod)",
        *(
            f"Secret shop/{name} (for a/prod)"
            for name in ("by-key", "by-projection", "by-volume", "registry")
        ),
        "ServiceAccount shop/web (for a/prod)",
    ]


def test_a_secret_of_another_namespace_does_not_do(rebuild: Rebuild) -> None:
    spec = pods(imagePullSecrets=[{"name": "registry"}])
    other = several(
        manifest("v1", "Namespace", "other", None), manifest("v1", "Secret", "registry", "other")
    )
    run = rebuild({"a/prod/x.yaml": several(NAMESPACE, spec, other)})
    assert needed(run) == ["Secret shop/registry (for a/prod)"]


def test_definitions_of_custom_kinds_are_needed(rebuild: Rebuild) -> None:
    widgets = several(
        NAMESPACE, crd(), manifest("example.com/v1", "Widget", "w", "shop"),
        manifest("cert-manager.io/v1", "Certificate", "tls", "shop", spec={"secretName": "tls"}),
    )  # fmt: skip
    route = manifest(
        "networking.k8s.io/v1", "Ingress", "web",
        spec={"ingressClassName": "nginx", "tls": [{"secretName": "tls"}]},
    )  # fmt: skip
    run = rebuild({"a/prod/x.yaml": several(widgets, route)})
    assert needed(run) == ["definition Certificate.cert-manager.io (for a/prod)"]
    assert "nginx (for a/prod)" in run.err.partition("Comes from elsewhere:")[2]


def test_what_is_encrypted_needs_its_key(rebuild: Rebuild) -> None:
    sops = manifest(
        "v1", "Secret", "db", sops={"mac": "ENC[x]", "version": "3.9.0"}, data={"a": "ENC[y]"}
    )
    sealed = manifest("bitnami.com/v1alpha1", "SealedSecret", "api")
    user = pods(imagePullSecrets=[{"name": "api"}, {"name": "db"}])
    files = several(NAMESPACE, sops, sealed, user, crd("SealedSecret", "bitnami.com"))
    run = rebuild({"a/prod/x.yaml": files})
    assert run.code == 1
    assert needed(run) == [
        "key 1 resource encrypted with SOPS (for a/prod)",
        "key 1 resource sealed (for a/prod)",
    ]
    assert values(run)[-3]["sops"]["mac"] == "ENC[x]"


def test_charts_that_an_agent_fetches_are_said_to_come_from_elsewhere(rebuild: Rebuild) -> None:
    release = manifest(
        "helm.toolkit.fluxcd.io/v2", "HelmRelease", "redis",
        spec={"chart": {"spec": {"chart": "redis", "sourceRef": {"kind": "HelmRepository"}}}},
    )  # fmt: skip
    argo = manifest(
        "argoproj.io/v1alpha1", "Application", "db", spec={"source": {"chart": "postgres"}}
    )
    files = several(
        NAMESPACE, release, argo, crd("HelmRelease", "helm.toolkit.fluxcd.io"),
        crd("Application", "argoproj.io"),
    )  # fmt: skip
    run = rebuild({"a/prod/x.yaml": files})
    assert run.code == 0
    assert "postgres of Application shop/db" in run.err
    assert "redis of HelmRelease shop/redis" in run.err


def test_what_names_no_namespace_gets_the_one_that_an_agent_deploys_it_into(
    rebuild: Rebuild,
) -> None:
    argo = manifest(
        "argoproj.io/v1alpha1", "Application", "a", "argocd",
        spec={"source": {"path": "a/prod"}, "destination": {"namespace": "shop"}},
    )  # fmt: skip
    role = manifest("rbac.authorization.k8s.io/v1", "ClusterRole", "c", None)
    text = several(NAMESPACE, manifest("v1", "ConfigMap", "x", None), role)
    run = rebuild({"a/prod/x.yaml": text, "agents/staging/a.yaml": argo})
    assert [value["metadata"].get("namespace") for value in values(run)] == [
        None, None, "shop",
    ]  # fmt: skip
    assert run.code == 0
    assert "1 resource without a namespace put into the namespace shop" in run.err


def test_what_has_no_namespace_anywhere_is_said_to_have_none(rebuild: Rebuild) -> None:
    run = rebuild({"a/prod/x.yaml": manifest("v1", "ConfigMap", "x", None)})
    assert run.code == 1
    assert needed(run) == ["place the namespace of 1 resource of a/prod (for a/prod)"]


def test_objects_that_several_applications_have_alike_are_there_once(rebuild: Rebuild) -> None:
    run = rebuild({"a/prod/x.yaml": NAMESPACE, "b/prod/x.yaml": NAMESPACE})
    assert objects(run) == [("Namespace", "shop")]
    assert run.code == 0


def test_objects_that_differ_are_all_there_and_somebody_must_decide(rebuild: Rebuild) -> None:
    files = {
        "a/prod/x.yaml": several(NAMESPACE, config_map(colour="red")),
        "b/prod/x.yaml": config_map(colour="blue"),
    }
    run = rebuild(files)
    assert run.code == 1
    assert objects(run)[1:] == [("ConfigMap", "settings")] * 2
    assert needed(run) == [
        "decision ConfigMap shop/settings is there in 2 versions (for a/prod, b/prod)"
    ]


def test_an_object_without_a_name_of_its_own_is_said_to_need_creating(rebuild: Rebuild) -> None:
    metadata = {"generateName": "migrate-", "namespace": "default"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    run = rebuild({"a/prod/x.yaml": json.dumps(job) + "\n"})
    assert run.code == 0
    assert "of Job default/migrate-, which the server makes up" in run.err
    assert "kubectl create" in run.err


def test_no_secret_value_is_said(rebuild: Rebuild) -> None:
    secret = manifest("v1", "Secret", "db", stringData={"password": "tell-nobody"})
    run = rebuild({"a/prod/x.yaml": secret})
    assert "tell-nobody" in run.out
    assert "tell-nobody" not in run.err


# -------------------------------------------------------------------------- narrowing and errors


def test_one_application_can_be_looked_at_and_that_is_said_loudly(rebuild: Rebuild) -> None:
    files = {"a/prod/x.yaml": NAMESPACE, "b/prod/x.yaml": config_map()}
    run = rebuild(files, "--application", "a/prod", "--quiet")
    assert objects(run) == [("Namespace", "shop")]
    assert run.err.splitlines()[0] == (
        "gitops-gate: warning: narrowed to a/prod: this is not the whole environment"
    )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"environment": "prodution"}, "there is production"),
        ({"arguments": ("--application", "nope")}, "no such application"),
    ],
    ids=["environment", "application"],
)
def test_what_is_not_there_is_said_with_what_is(
    rebuild: Rebuild, arguments: dict[str, Any], hint: str
) -> None:
    more = arguments.pop("arguments", ())
    run = rebuild({"a/prod/x.yaml": NAMESPACE}, *more, **arguments)
    assert run.code == 2
    assert hint in run.err
    assert run.out == ""


def test_nothing_is_written_when_an_application_cannot_be_rendered(rebuild: Rebuild) -> None:
    files = {"a/prod/x.yaml": NAMESPACE, "b/prod/x.yaml": several(config_map(), "kind: [\n")}
    run = rebuild(files)
    assert run.code == 2
    assert run.out == ""
    assert "b/prod" in run.err


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
def test_charts_and_kustomizations_are_rendered_and_chance_is_named(rebuild: Rebuild) -> None:
    files = {
        "k/prod/kustomization.yaml": kustomization("x.yaml", namespace="shop"),
        "k/prod/x.yaml": several(NAMESPACE, config_map()),
        "c/prod/Chart.yaml": chart(),
        "c/prod/templates/x.yaml": config_map("password", value="{{ randAlpha 9 }}"),
    }
    run = rebuild(files)
    assert run.code == 1
    assert needed(run) == ["value ConfigMap shop/password data.value (for c/prod)"]
    assert objects(run) == [
        ("Namespace", "shop"), ("ConfigMap", "password"), ("ConfigMap", "settings"),
    ]  # fmt: skip
