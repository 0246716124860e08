"""Bases from other repositories are fetched beforehand, pinned and allowed, or refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Closure, Renderer
from gitops_gate.render import Failure, Remote, RemoteResult, Rendered, fetch_remotes
from gitops_gate.render.remote.closures import base_closure
from tests.engines import require_engine
from tests.unit.render.applications import Files, config_map, rendered, texts, tree_of
from tests.unit.source.repositories import GitRepository

MAP = config_map("deep")

SHOP_BASE = {
    "config/default/kustomization.yaml": "resources: [../parts, own.yaml]\n",
    "config/default/own.yaml": config_map("own"),
    "config/parts/kustomization.yaml": "resources: [part.yaml]\nnamePrefix: part-\n",
    "config/parts/part.yaml": config_map("a"),
    "elsewhere/huge.yaml": "never read",
}


class Forge:
    """Repositories in a folder, each reachable by a file address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"file://{folder}/"

    def commit(self, name: str, files: Files) -> str:
        """Make a repository with one commit of these files, and return a pinned address."""
        made = GitRepository(self.folder / name)
        for path, content in files.items():
            place = made.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        made.git("add", "-A")
        made.git("commit", "--quiet", "-m", "one")
        self.head = made.git("rev-parse", "HEAD").strip()
        return f"{self.prefix}{name}"


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def kept(tmp_path: Path) -> str:
    """The folder that fetched commits are kept in."""
    return str(tmp_path / "kept")


def closure_of(files: Files, path: str = "app") -> Closure:
    return base_closure(tree_of(files), path)


def fetched(
    files: Files, forge: Forge, kept: str, *, offline: bool = False, prefix: str | None = None
) -> Mapping[str, RemoteResult]:
    settings = RenderSettings(allow_remote=(prefix or forge.prefix,))
    return fetch_remotes([closure_of(files)], settings, kept, offline=offline)


def built(files: Files, forge: Forge, kept: str, **options: object) -> Rendered:
    settings = RenderSettings(
        allow_remote=(forge.prefix,), kustomize_command=require_engine("kustomize")
    )
    closure = closure_of(files)
    remotes = fetch_remotes([closure], settings, kept)
    return rendered(
        Renderer.KUSTOMIZE,
        files,
        settings=settings,
        closure=closure,
        remotes=options.pop("remotes", remotes),
        **options,  # type: ignore[arg-type]
    )


def app(*references: str, more: str = "") -> dict[str, str]:
    listed = "".join(f"- {reference}\n" for reference in references)
    return {"app/kustomization.yaml": f"resources:\n{listed}{more}"}


def test_a_commit_is_fetched_with_only_what_the_base_reads(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    reference = f"{address}//config/default?ref={forge.head}"
    [(key, remote)] = fetched(app(reference), forge, kept).items()
    assert key == reference
    assert isinstance(remote, Remote)
    assert (remote.source.url, remote.source.commit) == (address, forge.head)
    assert remote.source.path == "config/default"
    assert remote.closure.files == frozenset(SHOP_BASE) - {"elsewhere/huge.yaml"}
    assert remote.tree.read("config/default/own.yaml").decode() == config_map("own")


def test_a_commit_is_fetched_once_and_then_kept(forge: Forge, kept: str) -> None:
    files = app(f"{forge.commit('base', SHOP_BASE)}//config/default?ref={forge.head}")
    first = fetched(files, forge, kept)
    shutil.rmtree(forge.folder)
    assert fetched(files, forge, kept) == first
    assert fetched(files, forge, kept, offline=True) == first


def test_offline_without_a_kept_commit_says_so(forge: Forge, kept: str) -> None:
    files = app(f"{forge.commit('base', SHOP_BASE)}//config/default?ref={forge.head}")
    [result] = fetched(files, forge, kept, offline=True).values()
    assert isinstance(result, Failure)
    assert "not in the cache" in result.message
    assert result.remedy is not None
    assert "--offline" in result.remedy
    assert not Path(kept).exists()


def test_another_commit_of_a_kept_repository_is_fetched(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    first = forge.head
    fetched(app(f"{address}//config/default?ref={first}"), forge, kept)
    made = GitRepository(forge.folder / "base")
    made.git("commit", "--quiet", "--allow-empty", "-m", "two")
    second = made.git("rev-parse", "HEAD").strip()
    both = fetched(
        app(*(f"{address}//config/default?ref={commit}" for commit in (first, second))), forge, kept
    )
    assert all(isinstance(result, Remote) for result in both.values())
    assert len(list(Path(kept).iterdir())) == 1


@pytest.mark.parametrize("prefix", ["https://forge.example/", "file:///somewhere/else/"])
def test_what_is_not_allowed_is_never_asked_for(prefix: str, forge: Forge, kept: str) -> None:
    files = app(f"{forge.commit('base', SHOP_BASE)}//config/default?ref={forge.head}")
    [result] = fetched(files, forge, kept, prefix=prefix).values()
    assert isinstance(result, Failure)
    assert (result.code, result.path, result.line) == (
        "render/remote-base",
        "app/kustomization.yaml",
        2,
    )
    assert not Path(kept).exists()


def test_a_commit_that_is_not_there_is_a_failure_in_gits_words(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    [result] = fetched(app(f"{address}//config?ref={'0' * 40}"), forge, kept).values()
    assert isinstance(result, Failure)
    assert result.code == "render/remote-base"
    assert "cannot be fetched" in result.message


def test_a_folder_without_kustomization_is_a_failure(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    [result] = fetched(app(f"{address}//elsewhere?ref={forge.head}"), forge, kept).values()
    assert isinstance(result, Failure)
    assert "no kustomization in elsewhere" in result.message


def test_hooks_and_settings_of_the_other_repository_do_nothing(
    forge: Forge, kept: str, tmp_path: Path
) -> None:
    address = forge.commit("base", SHOP_BASE)
    mark = tmp_path / "hacked"
    git_dir = forge.folder / "base" / ".git"
    for hook in ("post-checkout", "reference-transaction", "pre-receive", "post-update"):
        script = git_dir / "hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {mark}\n")
        script.chmod(0o755)
    with (git_dir / "config").open("a") as config:
        config.write(f'[uploadpack]\n\tpackObjectsHook = "touch {mark}; exit 1"\n')
    [result] = fetched(app(f"{address}//config/default?ref={forge.head}"), forge, kept).values()
    assert isinstance(result, Remote)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("kustomization", "code"),
    [
        ("resources: [/etc/passwd]\n", "render/path-outside"),
        ("resources: [../../../../app]\n", "render/path-outside"),
        ("helmCharts: [{name: a, repo: 'https://charts.example'}]\n", None),
        ("resources: ['https://forge.example/o/r//k?ref=main']\n", "render/remote-base"),
    ],
)
def test_a_fetched_base_is_held_to_the_same_rules(
    kustomization: str, code: str | None, forge: Forge, kept: str
) -> None:
    address = forge.commit("base", {"k/kustomization.yaml": kustomization})
    reference = f"{address}//k?ref={forge.head}"
    [result] = [
        each for key, each in fetched(app(reference), forge, kept).items() if key == reference
    ]
    assert isinstance(result, Failure)
    assert code in (None, result.code)
    assert reference in result.message


@pytest.mark.engine
def test_a_fetched_base_is_built_as_if_it_were_local(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    files = app(f"{address}//config/default?ref={forge.head}", more="namePrefix: app-\n")
    assert [text.split("name: ")[1].strip() for text in texts(built(files, forge, kept))] == [
        "app-own",
        "app-part-a",
    ]


@pytest.mark.engine
def test_bases_of_bases_are_fetched_too(forge: Forge, kept: str) -> None:
    inner = forge.commit(
        "inner", {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": config_map("deep")}
    )
    pinned = f"{inner}?ref={forge.head}"
    outer = forge.commit("outer", {"k/kustomization.yaml": f"resources: ['{pinned}']\n"})
    files = app(f"{outer}//k?ref={forge.head}")
    assert "name: deep" in texts(built(files, forge, kept))[0]


@pytest.mark.engine
def test_a_base_below_the_application_and_a_component_are_led_there(
    forge: Forge, kept: str
) -> None:
    address = forge.commit("base", SHOP_BASE)
    reference = f"{address}//config/default?ref={forge.head}"
    part = forge.commit(
        "part",
        {
            "kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"
            "namePrefix: part-\n"
        },
    )
    files = {
        "app/kustomization.yaml": "resources: [../base]\n"
        f"components: ['{part}?ref={forge.head}']\n",
        "base/kustomization.yml": f'Resources:\n- "{reference}"\n- own.yaml\n',
        "base/own.yaml": config_map("mine"),
    }
    names = [text.split("name: ")[1].strip() for text in texts(built(files, forge, kept))]
    assert sorted(names) == ["part-mine", "part-own", "part-part-a"]


@pytest.mark.engine
def test_the_rest_of_a_rewritten_kustomization_keeps_its_meaning(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    reference = f"{address}//config/default?ref={forge.head}"
    more = (
        "commonAnnotations:\n  source: " + reference + "\n  octal: '017'\n"
        '  text: "odd \\u2028 \\U0001F600"\n'
        "patches:\n- target: {kind: ConfigMap, name: own}\n  patch: |\n"
        "    - op: add\n      path: /data\n      value: {key: 'on'}\n"
    )
    [own, _] = texts(built(app(reference, more=more), forge, kept))
    assert f"source: {reference}" in own
    assert 'octal: "017"' in own
    assert 'key: "on"' in own
    assert "\U0001f600" in own or "\\U0001F600" in own


@pytest.mark.engine
def test_an_own_folder_with_our_hidden_name_is_left_alone(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    files = app("../.remote/0", f"{address}//config/default?ref={forge.head}") | {
        ".remote/0/kustomization.yaml": "resources: [a.yaml]\n",
        ".remote/0/a.yaml": config_map("mine"),
    }
    assert len(texts(built(files, forge, kept))) == 3


@pytest.mark.engine
def test_an_error_in_a_fetched_base_names_its_repository(forge: Forge, kept: str) -> None:
    address = forge.commit("base", {"k/kustomization.yaml": "resources: [gone.yaml]\n"})
    failure = built(app(f"{address}//k?ref={forge.head}"), forge, kept).failure
    assert failure is not None
    assert failure.code == "render/failed"
    assert f"base@{forge.head[:12]}/k/gone.yaml" in failure.message
    assert ".remote" not in failure.message


@pytest.mark.engine
def test_annotations_that_would_tell_of_our_copy_are_refused(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    reference = f"{address}//config/default?ref={forge.head}"
    files = app(reference, more="buildMetadata: [originAnnotations]\n")
    failure = built(files, forge, kept).failure
    assert failure is not None
    assert failure.code == "render/remote-base"
    assert "buildMetadata" in failure.message


@pytest.mark.engine
def test_a_base_where_a_file_belongs_is_refused(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    [remote] = fetched(app(f"{address}//config/default?ref={forge.head}"), forge, kept).values()
    reference = f"https://forge.example/org/base/config/default?ref={forge.head}"
    files = {"app/kustomization.yaml": f"patches:\n- path: {reference}\n"}
    settings = RenderSettings(
        allow_remote=("https://forge.example/",), kustomize_command=require_engine("kustomize")
    )
    failure = rendered(
        Renderer.KUSTOMIZE,
        files,
        settings=settings,
        closure=closure_of(files),
        remotes={reference: remote},
    ).failure
    assert failure is not None
    assert failure.code == "render/remote-base"
    assert "where only a file can stand" in failure.message
    assert (failure.path, failure.line) == ("app/kustomization.yaml", 2)


@pytest.mark.engine
def test_without_the_step_before_nothing_is_fetched(forge: Forge, kept: str) -> None:
    address = forge.commit("base", SHOP_BASE)
    files = app(f"{address}//config/default?ref={forge.head}")
    failure = built(files, forge, kept, remotes={}).failure
    assert failure is not None
    assert failure.code == "render/remote-base"
    assert "was not fetched" in failure.message
    assert (failure.path, failure.line) == ("app/kustomization.yaml", 2)


@pytest.mark.engine
def test_the_result_is_what_kustomize_makes_when_it_fetches_by_itself(
    forge: Forge, kept: str, tmp_path: Path
) -> None:
    inner = forge.commit("inner", {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": MAP})
    more = f"resources: ['{inner}?ref={forge.head}']\nnamePrefix: outer-\n"
    outer = forge.commit("outer", {"k/kustomization.yaml": more})
    files = app(f"{outer}//k?ref={forge.head}", more="labels: [{pairs: {a: b}}]\n")
    place = tmp_path / "app" / "kustomization.yaml"
    place.parent.mkdir()
    place.write_text(files["app/kustomization.yaml"])
    plain = subprocess.run(
        [require_engine("kustomize"), "build", "app"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert texts(built(files, forge, kept)) == [plain.stdout]
