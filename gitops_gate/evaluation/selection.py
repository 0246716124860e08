"""Discovery of both revisions -> the tasks of a run: what has to be evaluated, and as what.

An affected application is evaluated with itself at the base. One that only the base has and one
that only the head has, with resources in common, are one application that moved. Not so between
environments: what was accepted in one is new in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gitops_gate.discovery.values import Application, Discovery
from gitops_gate.evaluation.values import Side, Task
from gitops_gate.resources.values import ResourceKey
from gitops_gate.source.values import Tree

KeysOf = Callable[[Sequence[Side]], Sequence[frozenset[ResourceKey]]]


def side_of(name: str, discovery: Discovery, tree: Tree) -> Side | None:
    """An application at one revision with the files that it reads; None where it is not."""
    application = discovery.applications.get(name)
    if application is None:
        return None
    closure = discovery.closures[name]
    return Side(application=application, closure=closure, tree=tree.subset(closure.files))


def tasks_of(
    names: Iterable[str],
    base: tuple[Discovery, Tree],
    head: tuple[Discovery, Tree],
    keys_of: KeysOf,
) -> list[Task]:
    """One task for each affected application, sorted by name; moves are found by `keys_of`."""
    tasks = [
        Task(name=name, base=side_of(name, *base), head=side_of(name, *head))
        for name in sorted(names)
    ]
    gone = [task for task in tasks if task.head is None and task.base is not None]
    new = [task for task in tasks if task.base is None and task.head is not None]
    if not gone or not new:
        return tasks
    moves = _moves(gone, new, keys_of)
    moved = {old.name for old in moves.values()}
    kept = [task for task in tasks if task.name not in moved or task.head is not None]
    return [_moved(task, moves.get(task.name)) for task in kept]


def _moved(task: Task, old: Task | None) -> Task:
    if old is None:
        return task
    return Task(name=task.name, base=old.base, head=task.head, moved_from=old.name)


def _moves(gone: Sequence[Task], new: Sequence[Task], keys_of: KeysOf) -> dict[str, Task]:
    """New applications by name, with the one that each continues: most in common goes first."""
    sides = [task.base or task.head for task in (*gone, *new)]
    keys = dict(
        zip(
            [id(task) for task in (*gone, *new)],
            keys_of([side for side in sides if side is not None]),
            strict=True,
        )
    )
    candidates = sorted(
        (-len(keys[id(old)] & keys[id(task)]), _unlike(old, task), old.name, task.name)
        for old in gone
        for task in new
        if old.application.environment == task.application.environment
        and keys[id(old)] & keys[id(task)]
    )
    by_name = {task.name: task for task in gone}
    taken: set[str] = set()
    moves: dict[str, Task] = {}
    for _, _, old_name, new_name in candidates:
        if old_name not in taken and new_name not in moves:
            taken.add(old_name)
            moves[new_name] = by_name[old_name]
    return moves


def _unlike(old: Task, new: Task) -> int:
    """Applications that move keep what they are called more often than not."""
    one, other = _place(old.application), _place(new.application)
    return -len(set(one) & set(other))


def _place(application: Application) -> list[str]:
    return [*application.path.split("/"), application.renderer.value]
