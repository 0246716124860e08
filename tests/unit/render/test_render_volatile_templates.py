"""Templates that depend on chance, time or the cluster are recognised by what they call."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.discovery.values import Closure, Renderer
from gitops_gate.render import RenderJob
from gitops_gate.render.charts import ChartFile, chart_files
from gitops_gate.render.external import SecondRender
from gitops_gate.render.volatile import (
    cluster_findings,
    find_uses,
    second_render,
    unseen_findings,
)
from tests.unit.render.applications import application, tree_of


def uses(template: str | bytes, path: str = "app/templates/a.yaml") -> list[tuple[int, str]]:
    content = template.encode() if isinstance(template, str) else template
    return [
        (use.line, use.what) for use in find_uses([ChartFile(path=path, inner="", content=content)])
    ]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a: {{ randAlphaNum 8 }}", [(1, "randAlphaNum")]),
        ("\n\na: {{- $ca := genCA `x` 365 -}}", [(3, "genCA")]),
        ('{{ now | date "2006" }}', [(1, "now"), (1, "date")]),
        ("{{ if\n (lookup `v1` `Secret` `a` `b`) }}", [(2, "lookup")]),
        ("{{ .Capabilities.KubeVersion }}", [(1, ".Capabilities")]),
        ("{{ if $.Release.IsUpgrade }}{{ .Release.Revision }}", [(1, ".Release")] * 2),
        ("{{ $.Capabilities.APIVersions.Has `x` }}", [(1, ".Capabilities")]),
        ("{{ (uuidv4) }}{{ shuffle `x` }}", [(1, "uuidv4"), (1, "shuffle")]),
        ('{{ printf "}}" }}{{ now }}', [(1, "now")]),
        ('{{ printf "}}" | cat now }}', [(1, "now")]),
        ("{{ printf `}}` | cat now }}", [(1, "now")]),
    ],
)
def test_calls_are_found_with_their_line(template: str, expected: list[tuple[int, str]]) -> None:
    assert uses(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "now and lookup are words",
        "{{ .Values.now }}",
        "{{ $now }}",
        "{{ .Values.Capabilities }}",
        "{{ .Release.Name }}{{ .Values.Release.IsUpgrade }}",
        '{{ printf "now lookup genCA" }}',
        "{{ `randAlpha` }}",
        "{{/* now */}}",
        "{{- /* lookup }} now */ -}}",
        "{{ nowhere }}{{ lookups }}{{ knowsnow }}",
        '{{ include "now" . }}',
    ],
)
def test_what_only_looks_like_a_call_is_none(template: str) -> None:
    assert uses(template) == []


def test_after_a_quote_that_never_closes_words_count_wherever_they_are() -> None:
    assert uses('{{ " }}\n{{ "now" }}') == [(2, "now")]


@pytest.mark.parametrize("path", ["app/templates/NOTES.txt", "app/README.md", "app/values.yaml"])
def test_files_that_are_no_templates_do_not_count(path: str) -> None:
    assert uses("{{ now }}", path) == []


def test_values_count_when_a_template_evaluates_them() -> None:
    files = [
        ChartFile(path="app/values.yaml", inner="", content=b'a: "{{ cat \\"x\\" now }}"'),
        ChartFile(path="app/templates/a.yaml", inner="", content=b"{{ tpl .Values.a . }}"),
    ]
    assert [(use.path, use.what) for use in find_uses(files)] == [("app/values.yaml", "now")]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .Values.a }}{{ lookup }}", SecondRender.NONE),
        ("{{ uuidv4 }}", SecondRender.AT_ONCE),
        ("{{ uuidv4 }}{{ ago }}", SecondRender.LATER),
        ("{{ date `2006` .Values.a }}", SecondRender.LATER),
    ],
)
def test_what_may_differ_decides_about_the_second_render(
    template: str, expected: SecondRender
) -> None:
    file = ChartFile(path="templates/a.yaml", inner="", content=template.encode())
    assert second_render(find_uses([file])) is expected


def test_a_template_that_asks_the_cluster_is_one_finding_with_all_lines() -> None:
    template = b"{{ lookup `a` }}\n{{ lookup `b` }}\n{{ .Capabilities.KubeVersion }}\n"
    found = find_uses([ChartFile(path="app/templates/a.yaml", inner="", content=template)])
    findings = cluster_findings(found)
    assert [finding.rule for finding in findings] == ["render/cluster-dependent"] * 2
    places = [(each.location.path, each.location.line) for each in findings if each.location]
    assert places == [("app/templates/a.yaml", 3), ("app/templates/a.yaml", 1)]
    assert "lines 1, 2" in findings[1].message


def test_the_time_is_a_finding_even_when_two_renders_agree() -> None:
    file = ChartFile(path="app/templates/a.yaml", inner="", content=b"\n{{ now }}")
    [finding] = unseen_findings(find_uses([file]), frozenset())
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("app/templates/a.yaml", 2)
    assert unseen_findings(find_uses([file]), frozenset({"app/templates/a.yaml"})) == ()


@given(st.binary(max_size=300))
def test_no_content_makes_it_fail(content: bytes) -> None:
    uses(b"{{" + content)


@pytest.mark.parametrize(
    "piece", [b"{{", b"{{/*", b'{{"', b'{{"\\"', b"{{`", b"}}", b'\\"', b"{{}"]
)
def test_hostile_repetition_takes_no_time(piece: bytes) -> None:
    uses(b"{{ " + piece * 200_000)


def packed(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def files_of(files: dict[str, str | bytes]) -> list[ChartFile]:
    tree = tree_of(files)
    from gitops_gate.config.settings import RenderSettings

    job = RenderJob(
        application=application(Renderer.HELM),
        closure=Closure(files=frozenset(tree.entries)),
        tree=tree,
        settings=RenderSettings(),
        kubernetes="1.36",
    )
    return list(chart_files(job))


def test_packed_subcharts_are_looked_into_at_any_depth() -> None:
    inner = packed({"deep/templates/x.yaml": b"{{ now }}"})
    outer = packed({"sub/templates/a.yaml": b"{{ uuidv4 }}", "sub/charts/deep-1.tgz": inner})
    found = find_uses(files_of({"app/charts/sub-1.tgz": outer}))
    assert [(use.path, use.inner, use.what) for use in found] == [
        ("app/charts/sub-1.tgz", "sub/templates/a.yaml", "uuidv4"),
        ("app/charts/sub-1.tgz", "sub/charts/deep-1.tgz!deep/templates/x.yaml", "now"),
    ]


def test_an_archive_that_cannot_be_looked_into_is_rendered_twice() -> None:
    for archive in (b"no archive", packed({"a": b"x"})[:40], packed({"a": bytes(70 * 2**20)})):
        found = find_uses(files_of({"app/charts/sub-1.tgz": archive}))
        assert [use.what for use in found] == ["archive"]
        assert second_render(found) is SecondRender.LATER
        [finding] = unseen_findings(found, frozenset())
        assert finding.location is not None
        assert finding.location.path == "app/charts/sub-1.tgz"
