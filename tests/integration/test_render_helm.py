"""Charts come out exactly as `helm template` makes them of a whole checkout, by Helm 3 and 4."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Closure, HelmRelease, Renderer
from gitops_gate.render import RenderCache, Rendered
from tests.engines import engine_table, require_engine
from tests.unit.render.applications import Files, rendered, texts

pytestmark = pytest.mark.engine

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-%s}\n"

SHOP = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: store\nversion: 1.0.0\n"
    "dependencies: [{name: cache, version: 0.1.0, condition: cache.enabled}]\n",
    "charts/shop/values.yaml": "replicas: 1\nmessage: plain\ncache: {enabled: true}\n",
    "charts/shop/values-production.yaml": "replicas: 3\n",
    "charts/shop/templates/_helpers.tpl": '{{ define "label" }}team: shop{{ end }}\n',
    "charts/shop/templates/NOTES.txt": "Thank you for installing {{ now }}.\n",
    "charts/shop/templates/config.yaml": CONFIG
    % "config"
    + 'data:\n  replicas: "{{ .Values.replicas }}"\n  message: {{ .Values.message | quote }}\n'
    "  namespace: {{ .Release.Namespace }}\n  kubernetes: {{ .Capabilities.KubeVersion }}\n"
    '  file: {{ .Files.Get "files/data.txt" | quote }}\n'
    '  api: "{{ .Capabilities.APIVersions.Has "example.com/v1" }}"\n---\n' + CONFIG % "second",
    "charts/shop/templates/hook.yaml": "apiVersion: batch/v1\nkind: Job\n"
    "metadata:\n  name: migrate\n"
    "  annotations: {helm.sh/hook: pre-install}\n",
    "charts/shop/templates/tests/ping.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: ping\n"
    "  annotations: {helm.sh/hook: test}\n",
    "charts/shop/templates/empty.yaml": "{{ if false }}\na: b\n{{ end }}\n",
    "charts/shop/files/data.txt": "from a file",
    "charts/shop/crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\n"
    "kind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n",
    "charts/shop/charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.1.0\n",
    "charts/shop/charts/cache/templates/svc.yaml": "apiVersion: v1\nkind: Service\n"
    "metadata: {name: cache}\n",
}


@pytest.fixture(params=["helm", "helm3"])
def settings(request: pytest.FixtureRequest) -> RenderSettings:
    return RenderSettings(helm_command=require_engine(request.param))


def templated(files: Files, settings: RenderSettings, **options: object) -> Rendered:
    options.setdefault("path", "charts/shop")
    return rendered(Renderer.HELM, files, settings=settings, **options)  # type: ignore[arg-type]


def small(template: str, **more: str | bytes) -> dict[str, str | bytes]:
    """A chart of one template."""
    return {
        "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "charts/shop/templates/a.yaml": template,
        **{f"charts/shop/{name}": content for name, content in more.items()},
    }


def plainly_templated(files: Files, folder: Path, command: str, *more: str) -> str:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    words = [command, "template", "shop", "charts/shop", "--namespace", "default", "--include-crds"]
    return subprocess.run(
        [*words, "--kube-version", "1.36", "--skip-tests", *more],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={"HOME": str(folder)},
    ).stdout


def test_every_feature_comes_out_as_in_a_checkout(settings: RenderSettings, tmp_path: Path) -> None:
    result = templated(SHOP, settings)
    assert "---\n" + "---\n".join(texts(result)) == plainly_templated(
        SHOP, tmp_path, settings.helm_command
    )
    kinds = [re.findall(r"^kind: (\w+)", text, re.M)[0] for text in texts(result)]
    assert sorted(kinds) == ["ConfigMap", "ConfigMap", "CustomResourceDefinition", "Job", "Service"]


def test_a_hook_that_is_a_test_among_other_things_is_rendered(settings: RenderSettings) -> None:
    hook = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  annotations: {helm.sh/hook: '%s'}\n"
    events = {"a": "pre-install,test", "b": "Test", "c": " test-success , test", "d": "post-delete"}
    template = "---\n".join(hook % each for each in events.items())
    names = re.findall(r"name: (\w)", "".join(texts(templated(small(template), settings))))
    assert sorted(names) == ["a", "d"]


def test_what_is_printed_as_a_definition_is_never_taken_for_a_test(
    settings: RenderSettings,
) -> None:
    posing = "kind: A\n---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: Pod\n"
    posing += "metadata: {name: pod, annotations: {helm.sh/hook: test}}\n"
    result = templated(small("", **{"crds/x.yaml": posing}), settings)
    assert "kind: Pod" in "".join(texts(result))


def test_configured_values_namespace_and_versions_are_given(
    settings: RenderSettings, tmp_path: Path
) -> None:
    release = HelmRelease(
        release="shop",
        namespace="store",
        values=("charts/shop/values-production.yaml",),
        api_versions=("example.com/v1",),
    )
    result = templated(SHOP, settings, helm=release, kubernetes="1.33")
    [config] = [text for text in texts(result) if "shop-config" in text]
    for expected in ('replicas: "3"', "namespace: store", "kubernetes: v1.33", 'api: "true"'):
        assert expected in config
    assert "---\n" + "---\n".join(texts(result)) == plainly_templated(
        SHOP,
        tmp_path,
        settings.helm_command,
        *("--namespace", "store", "--kube-version", "1.33", "--api-versions", "example.com/v1"),
        *("--values", "charts/shop/values-production.yaml"),
    )


def test_documents_tell_the_template_that_they_come_from(settings: RenderSettings) -> None:
    origins = {each.origin.path for each in templated(SHOP, settings).manifests}
    assert origins == {
        "charts/shop/crds/crd.yaml",
        "charts/shop/templates/config.yaml",
        "charts/shop/templates/hook.yaml",
        "charts/shop/charts/cache/templates/svc.yaml",
    }


def test_the_version_of_helm_is_recorded(settings: RenderSettings) -> None:
    [(name, version)] = templated(SHOP, settings).tools.items()
    assert name == "helm"
    wanted = {str(engine_table()[helm]["version"]).lstrip("v") for helm in ("helm", "helm3")}
    assert any(full.startswith(version.lstrip("v")) for full in wanted)


def test_a_packed_subchart_is_rendered_and_named(settings: RenderSettings) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in {
            "queue/Chart.yaml": "apiVersion: v2\nname: queue\nversion: 1.0.0\n",
            "queue/templates/q.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: "
            "q-{{ randAlpha 9 }}}\n",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    files = small("", **{"charts/queue-1.0.0.tgz": raw.getvalue()})
    result = templated(files, settings)
    assert [each.origin.path for each in result.manifests] == ["charts/shop/charts/queue-1.0.0.tgz"]
    [field] = result.volatile
    assert field.field == ("metadata", "name")


@pytest.mark.parametrize("name", ["a,b.yaml", 'a"b.yaml', "-x.yaml", "sp ace.yaml", "http:x.yaml"])
def test_odd_names_of_values_files_are_only_names(name: str, settings: RenderSettings) -> None:
    files = small(CONFIG % "a" + "data: {v: {{ .Values.v }}}\n", **{name: "v: yes-it-is\n"})
    release = HelmRelease(release="shop", values=(f"charts/shop/{name}",))
    assert "yes-it-is" in texts(templated(files, settings, helm=release))[0]


def test_a_chart_at_the_root_is_rendered(settings: RenderSettings) -> None:
    files = {
        "Chart.yaml": "apiVersion: v2\nname: top\nversion: 1.0.0\n",
        "templates/a.yaml": CONFIG % "a",
    }
    result = templated(files, settings, path=".", helm=HelmRelease(release="top"))
    assert [each.origin.path for each in result.manifests] == ["templates/a.yaml"]


@pytest.mark.parametrize(
    ("template", "message", "line"),
    [
        (CONFIG % "a" + "data: {x: {{ .Values.a.b.c }}}\n", "nil pointer", 4),
        ("\n{{ fail `no replicas given` }}\n", "no replicas given", 2),
        ("a: b\n{{ if }}\n", "missing value for if", 2),
        ("a: [b\n", "did not find expected", None),
        ("a: {{ required `say a` .Values.a }}\n", "say a", 1),
    ],
)
def test_a_template_that_fails_is_named_with_its_line(
    template: str, message: str, line: int | None, settings: RenderSettings
) -> None:
    failure = templated(small(template), settings).failure
    assert failure is not None
    assert failure.code == "render/failed"
    assert message in failure.message
    assert failure.path == "charts/shop/templates/a.yaml"
    if line is not None:
        assert failure.line == line
    assert "gitops-gate-" not in failure.message


def test_a_dependency_that_is_not_there_fails(settings: RenderSettings) -> None:
    files = {path: text for path, text in SHOP.items() if "/charts/cache/" not in path}
    failure = templated(files, settings).failure
    assert failure is not None
    assert "cache" in failure.message
    assert failure.path == "charts/shop/Chart.yaml"


def test_a_values_file_that_the_closure_lacks_fails(settings: RenderSettings) -> None:
    release = HelmRelease(release="shop", values=("charts/shop/values-production.yaml",))
    closure = Closure(files=frozenset(SHOP) - {"charts/shop/values-production.yaml"})
    failure = templated(SHOP, settings, helm=release, closure=closure).failure
    assert failure is not None
    assert "charts/shop/values-production.yaml" in failure.message


def test_values_that_are_secret_do_not_show_in_an_error(settings: RenderSettings) -> None:
    files = small(
        "a: {{ fail (printf `bad: %s` .Values.db.password) }}\n",
        **{"values.yaml": "db: {password: hunter2hunter2}\n"},
    )
    failure = templated(files, settings).failure
    assert failure is not None
    assert "hunter2" not in failure.message


def test_chance_is_found_on_the_fields_that_it_sets(settings: RenderSettings) -> None:
    template = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n"
        "data:\n  password: {{ randAlphaNum 12 | b64enc }}\n  user: {{ `me` | b64enc }}\n"
    )
    result = templated(small(template), settings)
    [field] = result.volatile
    assert field.resource == ("v1", "Secret", "shop", "s")
    assert field.field == ("data", "password")
    [finding] = result.findings
    assert (finding.rule, finding.severity.value) == ("render/volatile", "warning")
    assert finding.resource is not None
    assert str(finding.resource) == "Secret shop/s"
    assert finding.field == ("data", "password")
    assert finding.location is not None
    assert finding.location.path == "charts/shop/templates/a.yaml"
    assert finding.application == "charts/shop"


@pytest.mark.slow
@pytest.mark.parametrize(
    "expression",
    [
        "now | unixEpoch",
        '(now | date "2006")',
        '(now | date "15")',
        '(date "2006-01-02" .Values.nothing)',
        "(now | date `Jan`)",
    ],
)
def test_time_is_found_however_coarsely_it_is_written(
    expression: str, settings: RenderSettings
) -> None:
    template = CONFIG % "a" + f'data: {{at: "{{{{ {expression} }}}}"}}\n'
    result = templated(small(template), settings)
    assert [each.field for each in result.volatile] == [("data", "at")]
    assert [each.rule for each in result.findings] == ["render/volatile"]


@pytest.mark.slow
def test_time_in_a_fixed_zone_is_at_least_said(settings: RenderSettings) -> None:
    template = CONFIG % "a" + 'data: {at: "{{ dateInZone `2006` (now) `UTC` }}"}\n'
    result = templated(small(template), settings)
    assert result.volatile == ()
    [finding] = result.findings
    assert finding.rule == "render/volatile"
    assert finding.location is not None
    assert (finding.location.line, finding.location.exact) == (4, True)


@pytest.mark.slow
def test_generated_certificates_are_found(settings: RenderSettings) -> None:
    template = (
        "{{ $ca := genCA `x` 1 }}{{ $c := genSignedCert `y` nil (list `y`) 1 $ca }}"
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
        "data: {ca: {{ $ca.Cert | b64enc }}, key: {{ $c.Key | b64enc }}, same: eA==}\n"
    )
    fields = [each.field for each in templated(small(template), settings).volatile]
    assert fields == [("data", "ca"), ("data", "key")]


def test_what_asks_the_cluster_is_found_with_its_line(settings: RenderSettings) -> None:
    template = CONFIG % "a" + (
        "data:\n  v: {{ .Capabilities.KubeVersion.Minor | quote }}\n"
        "  s: {{ (lookup `v1` `Secret` `n` `s`).data | quote }}\n"
    )
    findings = templated(small(template), settings).findings
    assert {each.rule for each in findings} == {"render/cluster-dependent"}
    lines = {each.location.line for each in findings if each.location}
    assert lines == {5, 6}


def test_a_plain_chart_has_no_such_finding(settings: RenderSettings) -> None:
    result = templated(small(CONFIG % "a"), settings)
    assert (result.findings, result.volatile) == ((), ())


def test_the_cache_keeps_findings_and_volatile_fields(
    settings: RenderSettings, tmp_path: Path
) -> None:
    files = small(CONFIG % "a" + "data: {x: {{ uuidv4 }}, v: {{ .Capabilities.KubeVersion }}}\n")
    cache = RenderCache(folder=str(tmp_path))
    first = templated(files, settings, cache=cache)
    assert len(first.findings) == 2
    assert templated(files, settings, cache=cache) == first
    other = templated(files, settings, cache=cache, kubernetes="1.35")
    assert other != first


def test_plugins_and_settings_of_the_user_have_no_effect(
    settings: RenderSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = templated(small(CONFIG % "a"), settings)
    for name in ("HOME", "HELM_PLUGINS", "HELM_CONFIG_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    monkeypatch.setenv("HELM_DEBUG", "true")
    assert templated(small(CONFIG % "a"), settings) == before
