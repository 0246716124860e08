"""The cache gives back what was put in under the same key, or nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Closure, HelmRelease, Renderer
from gitops_gate.render import CachedStream, RenderCache, RenderJob
from gitops_gate.render.engines import Engine
from gitops_gate.render.job import cache_key
from gitops_gate.source import Entry, Mode, scan_tree
from tests.unit.render.applications import application, tree_of

KEY = "ab" * 32
ENGINE = Engine(name="helm", command=("/usr/bin/helm",), version="v4.0.0", major=4)


@pytest.fixture
def cache(tmp_path: Path) -> RenderCache:
    return RenderCache(folder=str(tmp_path / "cache"))


def stored(cache: RenderCache, key: str = KEY) -> Path:
    return Path(cache.folder, key[:2], key)


def test_what_was_put_comes_back(cache: RenderCache) -> None:
    stream = CachedStream(stream=b"a\n---\n\xff", about={"path": "odd \udcff name", "list": [1]})
    cache.put(KEY, stream)
    assert cache.get(KEY) == stream


def test_what_was_not_put_is_not_there(cache: RenderCache) -> None:
    assert cache.get(KEY) is None


@given(stream=st.binary(max_size=200), place=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_changed_byte_is_never_given_back(
    tmp_path_factory: pytest.TempPathFactory, stream: bytes, place: int, byte: int
) -> None:
    cache = RenderCache(folder=str(tmp_path_factory.mktemp("cache")))
    whole = CachedStream(stream=stream, about={"n": 1})
    cache.put(KEY, whole)
    content = bytearray(stored(cache).read_bytes())
    content[place % len(content)] = byte
    stored(cache).write_bytes(content)
    assert cache.get(KEY) in (None, whole)


def test_a_damaged_entry_is_dropped(cache: RenderCache) -> None:
    cache.put(KEY, CachedStream(stream=b"x" * 100, about={}))
    stored(cache).write_bytes(stored(cache).read_bytes()[:-1])
    assert cache.get(KEY) is None
    assert not stored(cache).exists()


def test_only_the_owner_can_read_it(cache: RenderCache) -> None:
    cache.put(KEY, CachedStream(stream=b"", about={}))
    assert stat.S_IMODE(stored(cache).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(cache.folder).stat().st_mode) == 0o700


def test_nothing_but_whole_entries_is_left_behind(cache: RenderCache) -> None:
    cache.put(KEY, CachedStream(stream=b"", about={}))
    assert [path.name for path in stored(cache).parent.iterdir()] == [KEY]


def test_a_folder_that_cannot_be_written_makes_no_difference(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cache = RenderCache(folder=str(file / "cache"))
    cache.put(KEY, CachedStream(stream=b"", about={}))
    assert cache.get(KEY) is None
    cache.prune()


def test_pruning_removes_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = RenderCache(folder=str(tmp_path), maximum_bytes=5_000)
    keys = [f"{number:02x}{'0' * 62}" for number in range(1, 11)]
    for age, key in enumerate(keys):
        cache.put(key, CachedStream(stream=b"x" * 900, about={}))
        os.utime(stored(cache, key), (1_000_000 + age, 1_000_000 + age))
    assert cache.get(keys[0]) is not None
    cache.prune()
    kept = [key for key in keys if cache.get(key) is not None]
    assert kept[0] == keys[0]
    assert kept[1:] == keys[-len(kept) + 1 :]
    assert 2 <= len(kept) <= 4


def test_pruning_leaves_a_small_cache_alone(cache: RenderCache) -> None:
    cache.put(KEY, CachedStream(stream=b"", about={}))
    cache.prune()
    assert cache.get(KEY) is not None


def test_it_prunes_by_itself_now_and_then(tmp_path: Path) -> None:
    cache = RenderCache(folder=str(tmp_path), maximum_bytes=5_000)
    for number in range(256):
        cache.put(f"{number:02x}{'0' * 62}", CachedStream(stream=b"x" * 900, about={}))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 40_000


def job(**changes: object) -> RenderJob:
    tree = tree_of({"app/Chart.yaml": "name: app\n", "app/values.yaml": "a: 1\n"})
    plain = RenderJob(
        application=application(Renderer.HELM),
        closure=Closure(files=frozenset(tree.entries)),
        tree=tree,
        settings=RenderSettings(),
        kubernetes="1.36",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_key_is_the_same_for_the_same_content() -> None:
    assert cache_key(job(), ENGINE) == cache_key(job(), ENGINE)


@pytest.mark.parametrize(
    "other",
    [
        job(kubernetes="1.35"),
        job(application=application(Renderer.KUSTOMIZE)),
        job(application=application(Renderer.HELM, helm=HelmRelease(release="other"))),
        job(application=application(Renderer.HELM, helm=HelmRelease(release="app", values=("a",)))),
        job(application=application(Renderer.HELM, "app/sub")),
        job(closure=Closure(files=frozenset({"app/Chart.yaml"}))),
        job(tree=tree_of({"app/Chart.yaml": "name: app\n", "app/values.yaml": "a: 2\n"})),
        job(tree=tree_of({"app/Chart.yaml": "name: app\n"}, links={"app/values.yaml": "a: 1\n"})),
    ],
)
def test_the_key_differs_when_anything_that_counts_differs(other: RenderJob) -> None:
    assert cache_key(other, ENGINE) != cache_key(job(), ENGINE)


def test_the_key_differs_for_another_version_of_the_program() -> None:
    assert cache_key(job(), ENGINE) != cache_key(job(), replace(ENGINE, version="v4.0.1"))


def test_the_key_does_not_depend_on_files_outside_the_closure() -> None:
    tree = job().tree
    more = {**tree.entries, "README.md": Entry(Mode.FILE, "0" * 40)}
    assert cache_key(job(tree=replace(tree, entries=more)), ENGINE) == cache_key(job(), ENGINE)


def test_the_key_of_a_folder_is_made_of_contents(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    chart = tmp_path / "app" / "Chart.yaml"
    chart.write_text("name: app\n")
    closure = Closure(files=frozenset({"app/Chart.yaml"}))
    first = cache_key(job(tree=scan_tree(tmp_path), closure=closure), ENGINE)
    chart.write_text("name: new\n")
    assert cache_key(job(tree=scan_tree(tmp_path), closure=closure), ENGINE) != first
