"""A directory is handed on document by document, with the place each one comes from."""

from __future__ import annotations

import pytest

from gitops_gate.discovery.values import Closure, Renderer
from tests.unit.render.applications import config_map, rendered, texts

DIRECTORY = Renderer.DIRECTORY


def test_documents_come_in_the_order_of_paths_and_lines() -> None:
    result = rendered(
        DIRECTORY,
        {"app/b.yaml": config_map("b"), "app/a.yml": f"{config_map('a1')}---\n{config_map('a2')}"},
    )
    assert [text.split("name: ")[1].strip() for text in texts(result)] == ["a1", "a2", "b"]
    assert [(each.origin.path, each.origin.line) for each in result.manifests] == [
        ("app/a.yml", 1),
        ("app/a.yml", 6),
        ("app/b.yaml", 1),
    ]


def test_json_is_read_as_well() -> None:
    result = rendered(DIRECTORY, {"app/a.json": '{"apiVersion":"v1","kind":"Namespace"}'})
    assert len(texts(result)) == 1


def test_a_list_is_one_manifest() -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": "apiVersion: v1\nkind: List\nitems: []\n"})
    assert len(texts(result)) == 1


def test_no_files_render_to_nothing_without_failure() -> None:
    result = rendered(DIRECTORY, {})
    assert texts(result) == []


def test_only_the_files_of_the_closure_are_read() -> None:
    result = rendered(
        DIRECTORY,
        {"app/a.yaml": config_map("a"), "app/b.yaml": config_map("b")},
        closure=Closure(files=frozenset({"app/a.yaml"})),
    )
    assert len(texts(result)) == 1


def test_comments_and_empty_documents_vanish_silently() -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": f"---\n# nothing\n---\n---\n{config_map('a')}"})
    assert len(texts(result)) == 1
    assert result.findings == ()
    assert result.manifests[0].origin.line == 5


@pytest.mark.parametrize(
    "document",
    [
        "values: 1\n",
        "- op: replace\n",
        "kind: ConfigMap\nmetadata: {name: a}\n",
        "apiversion: v1\nkind: ConfigMap\n",
        "apiVersion:\nkind: ConfigMap\n",
        "just text\n",
    ],
)
def test_a_document_that_is_no_manifest_is_a_finding(document: str) -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": f"{config_map('a')}---\n{document}"})
    assert len(texts(result)) == 1
    [finding] = result.findings
    assert (finding.rule, finding.severity.value) == ("render/not-a-manifest", "warning")
    assert finding.application == "app"
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("app/a.yaml", 6)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ name }}\n", 4),
        ("{% if x %}\napiVersion: v1\nkind: ConfigMap\n{% endif %}\n", 1),
        ("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n {{- if .Values.x }}\n", 5),
    ],
)
def test_a_template_fails_the_application_at_its_line(template: str, line: int) -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": config_map("a"), "app/b.yaml": template})
    assert result.failure is not None
    assert result.failure.code == "render/unreadable"
    assert result.failure.path == "app/b.yaml"
    assert result.failure.line == line


def test_braces_in_a_value_are_no_template() -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": config_map("a", alert="'{{ $labels.pod }} {%'")})
    assert len(texts(result)) == 1


def test_the_line_of_a_broken_document_counts_from_the_start_of_the_file() -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": f"{config_map('a')}---\na: 'open\n"})
    assert result.failure is not None
    assert result.failure.line is not None
    assert result.failure.line >= 6


def test_a_separator_with_content_fails_at_its_line() -> None:
    result = rendered(DIRECTORY, {"app/a.yaml": f"{config_map('a')}--- x\n"})
    assert result.failure is not None
    assert (result.failure.path, result.failure.line) == ("app/a.yaml", 5)


def test_a_link_stands_for_the_file_it_leads_to() -> None:
    result = rendered(
        DIRECTORY, {"shared/a.yaml": config_map("a")}, links={"app/a.yaml": "../shared/a.yaml"}
    )
    assert [each.origin.path for each in result.manifests] == ["shared/a.yaml"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.yaml", "a.yaml", "missing.yaml"])
def test_a_link_that_leads_nowhere_safe_fails_the_application(target: str) -> None:
    result = rendered(DIRECTORY, {}, links={"app/a.yaml": target})
    assert result.failure is not None
    assert result.manifests == ()


def test_bytes_that_are_no_text_never_raise() -> None:
    result = rendered(
        DIRECTORY, {"app/a.yaml": b"\xff\xfe\x00\x00\x80", "app/b.json": b"\x00" * 99}
    )
    assert result.failure is not None


def test_a_refusal_of_discovery_comes_before_everything() -> None:
    from gitops_gate.discovery.values import Refusal

    refusal = Refusal(code="render/exec", message="a plug-in\x1b[31m", path="app/k.yaml", line=3)
    closure = Closure(files=frozenset({"app/a.yaml"}), refusals=(refusal,))
    result = rendered(DIRECTORY, {"app/a.yaml": config_map("a")}, closure=closure)
    assert result.failure is not None
    assert result.failure.code == "render/exec"
    assert result.failure.message == "a plug-in"
    assert (result.failure.path, result.failure.line) == ("app/k.yaml", 3)
