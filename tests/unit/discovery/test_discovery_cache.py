"""What was found out before saves time, and never changes a result."""

from __future__ import annotations

import multiprocessing
import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import FactCache, discover, discover_pair
from gitops_gate.discovery.facts import (
    ChartFacts,
    Deployed,
    Fact,
    Issue,
    ManifestFacts,
    Purpose,
    Reference,
    References,
    Role,
    from_json,
    to_json,
)
from gitops_gate.source import Blobs, Entry, Mode, Tree
from tests.unit.discovery.trees import Link, Submodule, chart, kustomization, manifest, tree_of

FILES = {
    "apps/\udcff x/kustomization.yaml": kustomization("web.yaml", "github.com/a/b", "../none"),
    "apps/\udcff x/web.yaml": manifest(),
    "chart/Chart.yaml": chart(dependencies="[{name: x, repository: 'https://x'}]"),
    "chart/templates/x.yaml": "{{ x }}",
    "plain/x.yaml": manifest("p"),
    "plain/y.yaml": "apiVersion: v1\nkind: [\n",
    "plain/more.jsonnet": "{}",
    "plain/sub": Submodule("1"),
    "link.yaml": Link("plain/x.yaml"),
    "inflate/kustomization.yaml": "helmCharts: [{name: x}]\nhelmGlobals: {chartHome: ..}\n",
    "lfs/kustomization.yaml": "configMapGenerator: [{files: [a.png]}]",
    "lfs/a.png": "version https://git-lfs.github.com/spec/v1\n",
}


@dataclass
class Counting:
    """Blobs that tell which files were read; links are read wherever they are followed."""

    blobs: Blobs
    read_so_far: list[str] = field(default_factory=list)

    def read(self, entry: Entry) -> bytes:
        if entry.mode is not Mode.LINK:
            self.read_so_far.append(entry.oid)
        return self.blobs.read(entry)

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        return map(self.read, entries)


def counted(tree: Tree) -> tuple[Tree, list[str]]:
    blobs = Counting(tree.blobs)
    return Tree(entries=tree.entries, blobs=blobs, identity=tree.identity), blobs.read_so_far


def test_a_tree_that_is_known_is_not_read_again(tmp_path: Path):
    tree, read = counted(tree_of(FILES, identity="one"))
    cache = FactCache(tmp_path)
    first = discover(tree, Settings(), cache=cache)
    assert read
    read.clear()
    assert discover(tree, Settings(), cache=FactCache(tmp_path)) == first
    assert read == []


def test_of_the_next_revision_only_what_changed_is_read(tmp_path: Path):
    cache = FactCache(tmp_path)
    discover(tree_of(FILES, identity="one"), Settings(), cache=cache)
    changed = {path: text for path, text in FILES.items() if path not in ("link.yaml", "plain/sub")}
    discover(tree_of(changed, identity="two"), Settings(), cache=cache)
    tree, read = counted(tree_of(changed | {"plain/x.yaml": manifest("q")}, identity="three"))
    found = discover(tree, Settings(), cache=cache)
    assert len(read) == 1
    assert found == discover(tree, Settings())


def test_a_head_is_read_only_where_it_differs_from_its_base():
    base = tree_of(FILES)
    head, read = counted(tree_of(FILES | {"plain/x.yaml": manifest("q")}))
    discover_pair(base, head, Settings())
    assert len(set(read)) == 1


def test_facts_of_blobs_are_known_wherever_they_turn_up(tmp_path: Path):
    discover(tree_of(FILES, identity="one"), Settings(), cache=FactCache(tmp_path))
    moved = {f"moved-{path}": text for path, text in FILES.items() if not isinstance(text, Link)}
    tree, read = counted(tree_of(moved, identity="two"))
    discover(tree, Settings(), cache=FactCache(tmp_path))
    assert read == []


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("discovery-*"))


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_replaced(tmp_path: Path, damage: bytes):
    tree = tree_of(FILES, identity="one")
    first = discover(tree, Settings(), cache=FactCache(tmp_path))
    for path in files_of(tmp_path):
        path.write_bytes(damage)
    assert discover(tree, Settings(), cache=FactCache(tmp_path)) == first
    again, read = counted(tree)
    assert discover(again, Settings(), cache=FactCache(tmp_path)) == first
    assert read == []


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"facts": 1}', "[[[1]]]", "null"])
def test_a_cache_with_strange_values_is_not_believed(tmp_path: Path, value: str):
    tree = tree_of(FILES, identity="one")
    first = discover(tree, Settings(), cache=FactCache(tmp_path))
    with sqlite3.connect(files_of(tmp_path)[0]) as database:
        database.execute("UPDATE surveys SET survey = ?", (value,))
        database.execute("UPDATE facts SET value = ?", (value,))
    database.close()
    assert discover(tree, Settings(), cache=FactCache(tmp_path)) == first


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path):
    (tmp_path / "file").write_text("")
    cache = FactCache(tmp_path / "file" / "below")
    tree = tree_of(FILES, identity="one")
    assert discover(tree, Settings(), cache=cache) == discover(tree, Settings())


def test_what_could_not_be_read_is_not_remembered(tmp_path: Path):
    whole = tree_of(FILES, identity="one")
    broken = Tree(entries=whole.entries, blobs=tree_of({}).blobs, identity="one")
    discover(broken, Settings(), cache=FactCache(tmp_path))
    assert discover(whole, Settings(), cache=FactCache(tmp_path)) == discover(whole, Settings())


def test_a_folder_that_git_does_not_know_is_never_remembered(tmp_path: Path):
    tree = tree_of(FILES)
    discover(tree, Settings(), cache=FactCache(tmp_path))
    with sqlite3.connect(files_of(tmp_path)[0]) as database:
        assert database.execute("SELECT COUNT(*) FROM surveys").fetchone() == (0,)
    database.close()


def _run(folder: str, number: int) -> int:
    files = {f"a{i}/x.yaml": manifest(f"n{number}-{i}") for i in range(30)}
    tree = tree_of(files, identity=str(number))
    return len(discover(tree, Settings(), cache=FactCache(folder)).applications)


@pytest.mark.slow
def test_runs_at_the_same_time_share_a_cache(tmp_path: Path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        results = pool.starmap(_run, [(str(tmp_path), number % 5) for number in range(20)])
    assert results == [30] * 20


def test_a_discovery_can_be_sent_to_another_process():
    found = discover(tree_of(FILES), Settings())
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("purpose", "fact"),
    [
        (
            Purpose.KUSTOMIZATION,
            References(
                (Reference(Role.RESOURCE, "../x"), Reference(Role.FILE, "https://y", True, 3)),
                (Issue("render/plugin", "message", 3, "remedy"),),
                component=True,
                opaque=True,
            ),
        ),
        (Purpose.CHART, ChartFacts("x", True, (("a", "b"),))),
        (
            Purpose.MANIFEST,
            ManifestFacts(
                kinds=(("v1", "X"),),
                deployed=(Deployed("a", ("b",), ("c",), "d", "e", (("list", ((("k", "v"),),)),)),),
                crds=(("g", "K"),),
                problem="p",
                template=True,
                pointer=True,
            ),
        ),
    ],
)
def test_facts_survive_their_way_through_json(purpose: Purpose, fact: Fact):
    assert from_json(purpose, to_json(fact)) == fact
