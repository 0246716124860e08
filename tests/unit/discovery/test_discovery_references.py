"""References are what Kustomize takes them for: remote, a path, or a way out of the repository."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.discovery.references import injection, is_repository, is_web_file, locate


@pytest.mark.parametrize(
    "reference",
    [
        "github.com/org/repo",
        "github.com/org/repo//deploy/base?ref=v1.0.0",
        "GitHub.com/org/repo",
        "github.com:org/repo.git",
        "git@github.com:org/repo.git//base?ref=main",
        "git@gitlab.example.com:group/sub/repo.git",
        "user@host/org/repo",
        "https://gitlab.example.com/group/repo.git/path?ref=v1",
        "https://example.com/org/repo",
        "HTTPS://example.com/org/repo",
        "ssh://git@example.com/org/repo.git",
        "file:///srv/repo",
        "git::https://github.com/org/repo",
        "https://dev.azure.com/org/project/_git/repo/path",
    ],
)
def test_what_kustomize_would_clone_is_a_repository(reference):
    assert is_repository(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "../base",
        "base.git/overlay",
        "deploy/github.com/org/repo",
        "/srv/git/repo.git",
        "https://example.com/only-one-segment",
        "github.com/org",
        "https://example.com/org/repo//../../up",
        "a:b/c",
        "",
        ".",
    ],
)
def test_what_kustomize_would_look_for_in_the_tree_is_no_repository(reference):
    assert not is_repository(reference)


@pytest.mark.parametrize("reference", ["https://example.com/a.yaml", "HTTP://example.com/a.yaml"])
def test_a_web_address_is_fetched_where_a_file_is_wanted(reference):
    assert is_web_file(reference)
    assert not is_web_file("../" + reference)


@pytest.mark.parametrize(
    "reference",
    [
        "https://github.com/org/repo?ref=--upload-pack=touch+x",
        "https://github.com/org/repo?ref=%2D%2Dupload-pack=x",
        "github.com/org/repo?version=-x",
        "github.com/org/repo?ref=main%20--exec",
        "ssh://-oProxyCommand=x/org/repo",
        "git@github.com:-org/repo",
        "git::ext::sh -c touch% x",
        "https://example.com/org/re%0apo",
    ],
)
def test_a_reference_that_git_would_read_as_an_option_is_an_injection(reference):
    assert injection(reference)


def test_a_plain_remote_reference_is_no_injection():
    assert injection("https://github.com/org/repo//base?ref=v1.0.0&timeout=90s") is None


@pytest.mark.parametrize(
    ("directory", "reference", "path"),
    [
        ("apps/shop", "../base", "apps/base"),
        ("apps/shop", "./a/../b.yaml", "apps/shop/b.yaml"),
        ("apps/shop", "../..", "."),
        (".", "base/", "base"),
        (".", "../elsewhere", None),
        ("apps", "../../elsewhere", None),
        ("apps", "/etc/passwd", None),
    ],
)
def test_paths_are_joined_as_text_and_stay_in_the_repository(directory, reference, path):
    assert locate(directory, reference) == path


@given(st.text(max_size=40), st.sampled_from([".", "a", "a/b"]))
def test_no_reference_whatever_leaves_the_repository(reference, directory):
    path = locate(directory, reference)
    assert path is None or not (path.startswith("/") or path.split("/")[0] == "..")
    is_repository(reference)
    injection(reference)
