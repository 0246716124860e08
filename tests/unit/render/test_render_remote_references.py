"""A remote reference is understood as Kustomize does, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.discovery.values import Closure, RemoteReference, Renderer
from gitops_gate.errors import RenderError
from gitops_gate.render.remote.references import is_allowed, understand
from tests.unit.render.applications import rendered

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("address", "url", "path"),
    [
        ("https://github.com/org/repo/config/x", "https://github.com/org/repo", "config/x"),
        ("https://github.com/org/repo", "https://github.com/org/repo", "."),
        ("https://github.com/org/repo/", "https://github.com/org/repo", "."),
        ("https://github.com/org/repo.git/k/", "https://github.com/org/repo.git", "k"),
        ("https://github.com/org/repo//k/../j", "https://github.com/org/repo", "j"),
        ("github.com/org/repo/k", "https://github.com/org/repo", "k"),
        ("GitHub.com/org/repo/k", "https://github.com/org/repo", "k"),
        ("git::https://github.com/org/repo//k", "https://github.com/org/repo", "k"),
        ("git@github.com:org/repo//k", "git@github.com:org/repo", "k"),
        ("ssh://git@github.com/org/repo//k", "git@github.com:org/repo", "k"),
        ("git@forge.example:org/repo.git/k", "git@forge.example:org/repo.git", "k"),
        ("ssh://git@forge.example:22/a/b//k", "ssh://git@forge.example:22/a/b", "k"),
        ("https://forge.example/a/b/c/d//k", "https://forge.example/a/b/c/d", "k"),
        ("https://forge.example/a/p/_git/repo/k", "https://forge.example/a/p/_git/repo", "k"),
        ("https://forge.example:8443/a/b/k", "https://forge.example:8443/a/b", "k"),
        ("file:///srv/repo//k", "file:///srv/repo", "k"),
        ("file:///srv/repo", "file:///srv/repo", "."),
    ],
)
def test_it_is_cut_into_repository_and_folder(address: str, url: str, path: str) -> None:
    source = understand(f"{address}?ref={SHA}")
    assert (source.url, source.path, source.commit) == (url, path, SHA)


@pytest.mark.parametrize(
    "query",
    [f"?ref={SHA}", f"?version={SHA}", f"?ref={SHA}&timeout=90s", f"?submodules=false&ref={SHA}"],
)
def test_the_commit_may_be_given_as_kustomize_takes_it(query: str) -> None:
    assert understand(f"https://github.com/o/r{query}").commit == SHA


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?ref=main",
        "?ref=v1.0.0",
        f"?ref={SHA[:12]}",
        f"?ref={SHA.upper()}",
        f"?ref=main&version={SHA}",
        f"?version={SHA}&ref=main",
        "?ref=--upload-pack=x",
        f"?ref={SHA};ref=main",
        f"?ref=%6d{SHA}",
        f"?ref={SHA}#main",
        f"?Ref={SHA}",
    ],
)
def test_anything_but_a_full_commit_id_is_refused(query: str) -> None:
    with pytest.raises(RenderError, match="takes") as caught:
        understand(f"https://github.com/o/r{query}")
    assert caught.value.code == "render/remote-base"
    assert "ref=" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    "address",
    [
        "http://github.com/o/r",
        "https://user@forge.example/o/r",
        "https://user:token@forge.example/o/r",
        "https://github.com@evil.example/o/r",
        "https://forge.example/o/r/../../x",
        "https://forge.example/o/../r//k",
        "https://forge.example/o/r//../k",
        "https://forge.example/o/%2e%2e/r",
        "https://forge.example/-o/r",
        "https://forge.example/o/r//-k",
        "https://forge.example/o",
        "https://forge.example/o r",
        "ext::sh -c id",
        "git::ext::sh",
        "-oProxyCommand=x@h:o/r",
        "s3::https://bucket/key",
        "hg::http://x/y",
        "../other",
        "",
    ],
)
def test_what_is_not_plain_is_refused(address: str) -> None:
    with pytest.raises(RenderError):
        understand(f"{address}?ref={SHA}")


@given(st.text(max_size=80))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        source = understand(text)
    except RenderError:
        return
    assert not source.url.startswith("-")
    assert ".." not in source.path.split("/")


@pytest.mark.parametrize(
    ("prefix", "allowed"),
    [
        ("https://github.com/org/", True),
        ("https://github.com/org", True),
        ("https://github.com/org/repo", True),
        ("https://GitHub.com/org/repo", True),
        ("github.com/org/", True),
        ("https://github.com/", True),
        ("https://github.com/or", False),
        ("https://github.com/org/rep", False),
        ("https://github.com/org/repo/config", False),
        ("http://github.com/org/", False),
        ("file:///", False),
        ("", False),
    ],
)
def test_a_prefix_allows_whole_segments_only(prefix: str, allowed: bool) -> None:
    assert is_allowed("https://github.com/org/repo", [prefix]) is allowed


def test_files_are_only_allowed_by_a_prefix_that_says_so() -> None:
    assert is_allowed("file:///srv/git/repo", ["file:///srv/git/"])
    assert not is_allowed("file:///srv/git/repo", ["https://", "/srv/git/", "file:///srv/gi"])


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (f"https://github.com/o/r/k?ref={SHA}", "render.allow_remote"),
        ("https://github.com/o/r/k?ref=main", "full commit id"),
        ("https://forge.example/raw/file.yaml", "full commit id"),
    ],
)
def test_rendering_refuses_it_with_file_line_and_remedy(reference: str, reason: str) -> None:
    remote = RemoteReference(reference=reference, path="app/kustomization.yaml", line=4)
    result = rendered(
        Renderer.KUSTOMIZE,
        {"app/kustomization.yaml": f"resources: ['{reference}']"},
        closure=Closure(files=frozenset({"app/kustomization.yaml"}), remotes=(remote,)),
    )
    failure = result.failure
    assert failure is not None
    assert failure.code == "render/remote-base"
    assert (failure.path, failure.line) == ("app/kustomization.yaml", 4)
    assert reason in f"{failure.message} {failure.remedy}"
    assert failure.remedy is not None
