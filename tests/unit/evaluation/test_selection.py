"""Which applications a run evaluates, and which of them moved."""

from __future__ import annotations

from collections.abc import Sequence

from gitops_gate.config.settings import Environment, Settings
from gitops_gate.discovery import discover
from gitops_gate.evaluation.selection import side_of, tasks_of
from gitops_gate.evaluation.values import Side, Task
from gitops_gate.resources.values import ResourceKey
from tests.unit.discovery.trees import manifest, tree_of


def tasks(
    base: dict[str, str], head: dict[str, str], settings: Settings | None = None
) -> list[Task]:
    """The tasks of all applications; what a side has are the names in its files."""
    settings = settings or Settings()
    sides = [(discover(tree, settings), tree) for tree in (tree_of(base), tree_of(head))]
    names = {name for discovery, _ in sides for name in discovery.applications}

    def keys_of(wanted: Sequence[Side]) -> list[frozenset[ResourceKey]]:
        return [
            frozenset(
                ResourceKey("", "ConfigMap", "", side.tree.read(path).decode().split()[-1])
                for path in side.closure.files
            )
            for side in wanted
        ]

    return tasks_of(names, sides[0], sides[1], keys_of)


def moves(found: list[Task]) -> dict[str, str | None]:
    return {task.name: task.moved_from for task in found}


def test_an_application_is_evaluated_with_itself() -> None:
    (task,) = tasks({"a/x.yaml": manifest("x")}, {"a/x.yaml": manifest("y")})
    assert task.base is not None
    assert task.head is not None
    assert task.moved_from is None


def test_one_that_shares_resources_with_one_that_is_gone_moved() -> None:
    found = tasks({"a/x.yaml": manifest("x")}, {"b/x.yaml": manifest("x")})
    assert moves(found) == {"b": "a"}
    assert found[0].base is not None
    assert found[0].base.application.path == "a"


def test_one_that_shares_nothing_is_new_and_the_other_gone() -> None:
    found = tasks({"a/x.yaml": manifest("x")}, {"b/x.yaml": manifest("y")})
    assert moves(found) == {"a": None, "b": None}
    assert [(task.base is None, task.head is None) for task in found] == [
        (False, True),
        (True, False),
    ]


def test_nothing_moves_from_one_environment_to_another() -> None:
    settings = Settings(
        environments=(Environment(name="production", match=("prod/**",)),),
    )
    found = tasks({"test/x.yaml": manifest("x")}, {"prod/x.yaml": manifest("x")}, settings)
    assert moves(found) == {"prod": None, "test": None}


def test_most_in_common_goes_first_and_nobody_moves_twice() -> None:
    found = tasks(
        {"a/x.yaml": manifest("x"), "a/y.yaml": manifest("y")},
        {
            "b/x.yaml": manifest("x"),
            "c/x.yaml": manifest("x"),
            "c/y.yaml": manifest("y"),
        },
    )
    assert moves(found) == {"b": None, "c": "a"}


def test_of_two_with_as_much_in_common_the_likelier_name_moves() -> None:
    found = tasks(
        {"shop/prod/x.yaml": manifest("x"), "shop/test/x.yaml": manifest("x")},
        {"store/test/x.yaml": manifest("x"), "store/prod/x.yaml": manifest("x")},
    )
    assert moves(found) == {"store/prod": "shop/prod", "store/test": "shop/test"}


def test_a_side_has_the_files_that_the_application_reads_and_no_others() -> None:
    tree = tree_of({"a/x.yaml": manifest("x"), "b/y.yaml": manifest("y"), "README.md": "x"})
    discovery = discover(tree, Settings())
    side = side_of("a", discovery, tree)
    assert side is not None
    assert list(side.tree.entries) == ["a/x.yaml"]
    assert side_of("nope", discovery, tree) is None
