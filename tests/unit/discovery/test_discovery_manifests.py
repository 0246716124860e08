"""The quick look at a manifest tells what the exact loader tells, or leaves it to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.discovery.agents import deployed_by
from gitops_gate.discovery.kustomizations import read_kustomization, read_plugins
from gitops_gate.discovery.manifests import read_manifests
from gitops_gate.documents import load_document, split_stream
from gitops_gate.errors import ManifestError

LINES = (
    "apiVersion: v1",
    "apiVersion: apps/v1 # comment",
    'apiVersion: "v1"',
    "apiVersion:",
    "apiVersion: &a v1",
    "apiVersion: |",
    "kind: Deployment",
    "kind: 'ConfigMap'",
    "kind: skaffold",
    "kind: *a",
    '"kind": X',
    "  kind: Nested",
    "  apiVersion: nested/v1",
    "metadata: {name: x}",
    "text: |",
    'quoted: "',
    'kind: Y"',
    "---",
    "--- # x",
    "...",
    "# comment",
    "",
    "- item",
    "\tx: y",
    "a: \u2028kind: Z",
    "a: {{ x }}",
    "apiVersion: skaffold/v1",
)


def exactly(data: bytes) -> set[tuple[str, str]] | None:
    """The kinds of a stream, read without any short cut; None when it cannot be read."""
    found = set()
    try:
        for raw in split_stream(data):
            value = load_document(raw.text, strict=False)
            if isinstance(value, dict) and None not in (value.get("apiVersion"), value.get("kind")):
                found.add((str(value["apiVersion"]), str(value["kind"])))
    except ManifestError:
        return None
    return found


@given(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from(["\n", "\r\n"]))
def test_a_quick_look_overlooks_no_manifest(lines, end):
    data = end.join(lines).encode()
    facts, expected = read_manifests(data), exactly(data)
    if expected:
        assert facts.kinds
        if not facts.problem:
            assert len(facts.kinds) == len(expected)
    if expected is not None and all("quoted" not in line for line in lines):
        assert set(facts.kinds) == expected


@given(st.binary(max_size=200))
def test_no_bytes_whatever_stop_discovery(data):
    read_manifests(data)
    read_kustomization(data)
    read_plugins(data)


short = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | short,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=12,
)


@given(
    st.sampled_from(
        [
            ("argoproj.io/v1alpha1", "Application"),
            ("argoproj.io/v1alpha1", "ApplicationSet"),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
            ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            ["source", "sources", "path", "generators", "template", "chart", "components"]
        ),
        json_values,
    ),
)
def test_no_object_whatever_stops_discovery(pair, spec):
    deployed_by({"apiVersion": pair[0], "kind": pair[1], "spec": spec})
    deployed_by({"apiVersion": pair[0], "kind": pair[1], "spec": {"template": {"spec": spec}}})


def test_a_large_file_that_is_no_manifest_costs_little():
    assert not read_manifests(b"x" * 20_000_000).manifest


def test_an_alias_bomb_is_a_manifest_with_a_problem_unless_it_is_plain():
    bomb = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((98 + i, 98 + i) + (97 + i,) * 9)
        for i in range(9)
    )
    assert read_manifests(b"{apiVersion: v1, kind: X}\n---\n" + bomb).manifest
