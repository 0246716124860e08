"""Kustomizations come out exactly as `kustomize build` makes them of a whole checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Closure, Renderer
from gitops_gate.render import RenderCache, Rendered, engines, prepare, sandbox_status
from gitops_gate.render.engines import kustomize
from tests.engines import engine, require_engine
from tests.unit.render.applications import Files, config_map, rendered, texts

pytestmark = pytest.mark.engine

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example/web:1
"""

SHOP = {
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "base/deployment.yaml": DEPLOYMENT,
    "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "patches:\n- patch: |-\n    - {op: replace, path: /spec/replicas, value: 5}\n"
    "  target: {kind: Deployment}\n",
    "app/kustomization.yaml": """\
resources: [../base]
components: [../part]
namePrefix: shop-
namespace: shop
labels:
- pairs: {team: shop}
  includeSelectors: false
images:
- name: example/web
  newTag: "2"
configMapGenerator:
- name: settings
  files: [settings.txt]
  literals: [a=b]
secretGenerator:
- name: keys
  literals: [key=hunter2]
patches:
- path: patch.yaml
replacements:
- source: {kind: Deployment, name: web, fieldPath: spec.replicas}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [metadata.annotations.replicas]
    options: {create: true}
""",
    "app/settings.txt": "two\nlines\n",
    "app/patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    "spec: {template: {spec: {terminationGracePeriodSeconds: 5}}}\n",
}


@pytest.fixture
def settings() -> RenderSettings:
    return RenderSettings(kustomize_command=require_engine("kustomize"))


def built(files: Files, settings: RenderSettings, **options: object) -> Rendered:
    return rendered(Renderer.KUSTOMIZE, files, settings=settings, **options)  # type: ignore[arg-type]


def plainly_built(files: Files, folder: Path, path: str = "app") -> str:
    """What the program makes of a checkout, without any of our care."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    command = [require_engine("kustomize"), "build", path]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env={"HOME": str(folder)}
    ).stdout


def test_every_feature_comes_out_as_in_a_checkout(settings: RenderSettings, tmp_path: Path) -> None:
    result = built(SHOP, settings)
    assert "---\n".join(texts(result)) == plainly_built(SHOP, tmp_path)
    assert len(result.manifests) == 3
    assert result.tools == {"kustomize": "v5.8.1"}
    assert result.sandboxed is sandbox_status().complete


def test_a_kustomization_at_the_root_is_built(settings: RenderSettings) -> None:
    files = {"kustomization.yml": "resources: [a.yaml]\n", "a.yaml": config_map("a")}
    assert len(texts(built(files, settings, path="."))) == 1


@pytest.mark.parametrize("path", ["-rf", "with space/and 'quote'", "ünïcode", "odd\udcff", "a\nb"])
def test_odd_names_are_only_names(path: str, settings: RenderSettings) -> None:
    files = {
        f"{path}/kustomization.yaml": "resources: [a.yaml]\n",
        f"{path}/a.yaml": config_map("a"),
    }
    assert len(texts(built(files, settings, path=path))) == 1


def test_an_empty_result_is_no_failure(settings: RenderSettings) -> None:
    files = {
        "app/kustomization.yaml": "resources: [a.yaml]\npatches:\n- patch: '{apiVersion: v1, "
        "kind: ConfigMap, metadata: {name: a}, $patch: delete}'\n",
        "app/a.yaml": config_map("a"),
    }
    assert texts(built(files, settings)) == []


def test_a_file_that_the_closure_lacks_fails_the_application(settings: RenderSettings) -> None:
    closure = Closure(files=frozenset(SHOP) - {"app/patch.yaml"})
    failure = built(SHOP, settings, closure=closure).failure
    assert failure is not None
    assert failure.code == "render/failed"
    assert "patch.yaml" in failure.message
    assert failure.path == "app/kustomization.yaml"


def test_the_tools_own_words_are_shown_with_repository_paths(settings: RenderSettings) -> None:
    files = {"app/kustomization.yaml": "resources: [../gone]\n"}
    failure = built(files, settings).failure
    assert failure is not None
    assert failure.message.startswith("accumulating resources")
    assert "'gone'" in failure.message
    assert "/tmp" not in failure.message
    assert "gitops-gate-" not in failure.message


def test_an_unknown_field_is_the_tools_error(settings: RenderSettings) -> None:
    failure = built({"app/kustomization.yaml": "resourcs: []\n"}, settings).failure
    assert failure is not None
    assert "resourcs" in failure.message


def test_secrets_are_masked_in_what_the_tool_says(settings: RenderSettings) -> None:
    files = {
        "app/kustomization.yaml": "resources: [s.yaml]\n",
        "app/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
        "stringData:\n  key: topsecret99\nspec: 'topsecret99\n---\n",
    }
    failure = built(files, settings).failure
    assert failure is not None
    assert "topsecret99" not in failure.message


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: [/etc/passwd]\n",
        "resources: [../../../../../etc/passwd]\n",
        "configMapGenerator: [{name: a, files: [/etc/passwd]}]\n",
        "configMapGenerator: [{name: a, files: [../other/secret.txt]}]\n",
        "helmCharts: [{name: a, repo: 'https://charts.example', version: 1.0.0}]\n",
        "generators: [plugin.yaml]\n",
        "transformers: [function.yaml]\n",
        "resources: ['https://forge.example/o/r//k?ref=main']\n",
    ],
)
def test_what_reaches_outside_fails_even_if_nobody_refused_it(
    kustomization: str, settings: RenderSettings
) -> None:
    files = {
        "app/kustomization.yaml": kustomization,
        "other/secret.txt": "secret",
        "app/plugin.yaml": "apiVersion: example.com/v1\nkind: Maker\nmetadata: {name: a}\n",
        "app/function.yaml": "apiVersion: example.com/v1\nkind: Maker\nmetadata:\n  name: a\n"
        "  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n",
        "app/run.sh": "#!/bin/sh\necho hacked\n",
    }
    result = built(files, settings)
    assert result.failure is not None
    assert result.manifests == ()


def test_a_link_out_of_the_tree_is_refused_before_anything_is_written(
    settings: RenderSettings,
) -> None:
    files = {"app/kustomization.yaml": "resources: [a.yaml]\n"}
    result = built(files, settings, links={"app/a.yaml": "/etc/passwd"})
    assert result.failure is not None
    assert result.failure.code == "render/unreadable"


def test_a_link_inside_the_tree_works(settings: RenderSettings) -> None:
    files = {"app/kustomization.yaml": "resources: [a.yaml]\n", "app/real.yaml": config_map("a")}
    assert len(texts(built(files, settings, links={"app/a.yaml": "real.yaml"}))) == 1


def test_an_alias_bomb_ends_with_an_error(settings: RenderSettings) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)
    )
    files = {
        "app/kustomization.yaml": "resources: [a.yaml]\n",
        "app/a.yaml": config_map("a") + bomb,
    }
    quick = RenderSettings(kustomize_command=settings.kustomize_command, timeout=10)
    assert built(files, quick).failure is not None


def test_the_cache_gives_the_same_without_running_anything(
    settings: RenderSettings, tmp_path: Path
) -> None:
    cache = RenderCache(folder=str(tmp_path))
    first = built(SHOP, settings, cache=cache)
    entries = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(entries) == 1
    marked = entries[0].stat().st_mtime_ns
    second = built(SHOP, settings, cache=cache)
    assert second == first
    assert entries[0].stat().st_mtime_ns >= marked
    entries[0].write_bytes(b"damaged")
    assert built(SHOP, settings, cache=cache) == first


def test_a_failure_is_not_kept(settings: RenderSettings, tmp_path: Path) -> None:
    built({"app/kustomization.yaml": "bad: 1\n"}, settings, cache=RenderCache(folder=str(tmp_path)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_was_prepared_is_not_asked_for_again(
    settings: RenderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(settings, [Renderer.KUSTOMIZE, Renderer.HELM])

    def again(*_: object, **__: object) -> None:
        raise AssertionError("a program was started to tell its version")

    monkeypatch.setattr(engines, "run", again)
    assert built(SHOP, settings).failure is None


def test_kubectl_builds_the_same(settings: RenderSettings, tmp_path: Path) -> None:
    kubectl = engine("kubectl") or shutil.which("kubectl", path="/usr/local/bin:/usr/bin")
    if kubectl is None:
        pytest.skip("there is no kubectl: `scripts/engines kubectl` builds one")
    result = built(SHOP, RenderSettings(kustomize_command=f"{kubectl} kustomize"))
    assert "---\n".join(texts(result)) == plainly_built(SHOP, tmp_path)
    assert list(result.tools) == ["kubectl kustomize"]

    link = tmp_path / "kustomize"
    link.symlink_to(kubectl)
    assert built(SHOP, RenderSettings(kustomize_command=str(link))) == result


def test_the_version_is_the_programs_own(settings: RenderSettings) -> None:
    found = kustomize(settings.kustomize_command)
    assert (found.version, found.major) == ("v5.8.1", 5)
