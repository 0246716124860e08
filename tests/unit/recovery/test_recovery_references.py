"""References to images, as people and Kubernetes write them."""

from __future__ import annotations

import pytest

from gitops_gate.recovery.references import ImageReference, parse_reference, same_repository

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("nginx", "nginx", None, None),
        ("nginx:1.27", "nginx", "1.27", None),
        ("nginx:5000", "nginx", "5000", None),
        ("host:5000/a/b", "host:5000/a/b", None, None),
        ("host:5000/a/b:1.2", "host:5000/a/b", "1.2", None),
        (f"my_org/app@{DIGEST}", "my_org/app", None, DIGEST),
        (f"a.example.com/b:1@{DIGEST}", "a.example.com/b", "1", DIGEST),
    ],
)
def test_its_parts(text: str, repository: str, tag: str | None, digest: str | None) -> None:
    found = parse_reference(text)
    assert found == ImageReference(repository=repository, tag=tag, digest=digest)
    assert str(found) == text


@pytest.mark.parametrize(
    "text", ["", "a b", "-x", "a/B:1", "{{ .x }}:1", "a:b:c", "https://a/b", "a@sha256:0", "a:\n"]
)
def test_what_is_none(text: str) -> None:
    assert parse_reference(text) is None


def test_short_names_are_of_docker_hub() -> None:
    assert same_repository("nginx", "docker.io/library/nginx")
    assert same_repository("bitnami/nginx", "index.docker.io/bitnami/nginx")
    assert not same_repository("bitnami/nginx", "nginx")
    assert not same_repository("registry.example.com/nginx", "nginx")
