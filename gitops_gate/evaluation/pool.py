"""Many tasks over the processors of one machine; the same function as for one task.

Workers are processes, not threads: the engines they keep belong to one thread, and the work is
computation. A worker that dies takes the verdict with it, never silently: each of its tasks comes
back as failed.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import contextlib
import gc
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from gitops_gate.checks.schema.catalogue import load_catalogue
from gitops_gate.errors import SchemaError
from gitops_gate.evaluation.application import evaluate, resource_keys, unexpected
from gitops_gate.evaluation.engines import Engines
from gitops_gate.evaluation.values import Context, Result, Side, Task
from gitops_gate.render.rendering import prepare
from gitops_gate.resources.values import ResourceKey

Progress = Callable[[int, int], None]
Item = TypeVar("Item", Task, Side)
Answer = TypeVar("Answer")

FILES_IN_A_CHUNK = 64
TASKS_IN_A_CHUNK = 8
GARBAGE_THRESHOLD = 50_000
"""Allocations between two collections in a worker: parsed documents hold no cycles to find."""
WORTH_A_PROCESS = 24
"""Files below which starting workers costs more than it saves."""

GRACE = 1.0
"""Seconds that interrupted workers have to end the programs that they started."""

_engines: Engines | None = None
_stopping = False


def evaluate_all(
    tasks: Sequence[Task], context: Context, *, jobs: int, progress: Progress
) -> list[Result]:
    """The results of all tasks, in their order; `progress` is told (done, total)."""
    return _over_workers(
        _evaluate_one, unexpected, tasks, context=context, jobs=jobs, progress=progress
    )


def keys_of(sides: Sequence[Side], context: Context, *, jobs: int) -> list[frozenset[ResourceKey]]:
    """The resource keys that each side renders to; empty for one that does not render."""

    def nothing(_: Side, __: BaseException) -> frozenset[ResourceKey]:
        return frozenset()

    return _over_workers(
        resource_keys, nothing, sides, context=context, jobs=jobs, progress=lambda *_: None
    )


def default_jobs() -> int:
    """One worker for each processor that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _evaluate_one(task: Task, engines: Engines) -> Result:
    try:
        return evaluate(task, engines)
    except Exception as error:  # noqa: BLE001 - whatever breaks must become a failed application
        return unexpected(task, error)


def _over_workers(
    function: Callable[[Item, Engines], Answer],
    on_loss: Callable[[Item, BaseException], Answer],
    items: Sequence[Item],
    *,
    context: Context,
    jobs: int,
    progress: Progress,
) -> list[Answer]:
    chunks = list(_chunks(items, most=max(1, min(TASKS_IN_A_CHUNK, len(items) // (4 * jobs)))))
    processes = any(_starts_process(item) for item in items)
    small = sum(map(_weight, items)) < WORTH_A_PROCESS and not processes
    if jobs <= 1 or len(chunks) <= 1 or small:
        return _in_this_process(function, items, context, progress)
    _prepare(items, context)
    answers: list[Answer] = []
    with (
        concurrent.futures.ProcessPoolExecutor(
            max_workers=min(jobs, len(chunks)),
            mp_context=_start_method(),
            initializer=_start_worker,
            initargs=(context,),
        ) as executor,
        _ended_with_us(executor),
    ):
        waiting = [executor.submit(_work, function, chunk) for chunk in chunks]
        for chunk, future in zip(chunks, waiting, strict=True):
            try:
                answers.extend(future.result())
            except (concurrent.futures.process.BrokenProcessPool, OSError, MemoryError) as error:
                answers.extend(on_loss(item, error) for item in chunk)
            progress(len(answers), len(items))
    return answers


@contextlib.contextmanager
def _ended_with_us(executor: concurrent.futures.ProcessPoolExecutor) -> Iterator[None]:
    """Whoever is interrupted takes the workers along, and the programs that they started."""
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        workers = set(multiprocessing.active_children()) - others
        for worker in workers:
            worker.terminate()
        executor.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + GRACE
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.kill()  # one that waits for a lock whose holder is gone waits for ever
        raise


def _prepare(items: Sequence[Task | Side], context: Context) -> None:
    """Load what every worker needs before the first is forked, so that they share it."""
    prepare(context.settings.render, {item.application.renderer for item in items})
    environments = {item.application.environment for item in items}
    for kubernetes in {context.settings.kubernetes(name) for name in environments}:
        with contextlib.suppress(SchemaError):
            load_catalogue(kubernetes)
    gc.freeze()


def _in_this_process(
    function: Callable[[Item, Engines], Answer],
    items: Sequence[Item],
    context: Context,
    progress: Progress,
) -> list[Answer]:
    engines = Engines(context)
    answers: list[Answer] = []
    try:
        for item in items:
            answers.append(function(item, engines))
            progress(len(answers), len(items))
    finally:
        engines.close()
    return answers


def _start_method() -> multiprocessing.context.BaseContext:
    """Forked workers start in milliseconds; elsewhere the platform's own way is the safe one."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else None)


def _start_worker(context: Context) -> None:
    gc.set_threshold(GARBAGE_THRESHOLD)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    global _engines  # noqa: PLW0603 - a worker keeps its engines for all its chunks
    _engines = Engines(context)
    multiprocessing.util.Finalize(_engines, _close, exitpriority=10)


def _close() -> None:
    """End a worker's engines; all its answers are given, so that nobody asks how that went."""
    with contextlib.suppress(Exception):
        assert _engines is not None
        _engines.close()


def _stop(_: int, __: object) -> None:
    """End what a worker does now, by way of its `finally`, and what is waiting for it."""
    global _stopping  # noqa: PLW0603 - the executor would hand a worker its next chunk
    _stopping = True
    # What goes wrong from here on is nobody's concern.
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open until the end
    raise SystemExit


def _work(function: Callable[[Item, Engines], Answer], chunk: Sequence[Item]) -> list[Answer]:
    if _stopping:
        raise SystemExit
    assert _engines is not None
    return [function(item, _engines) for item in chunk]


def _chunks(items: Sequence[Item], *, most: int) -> Iterator[Sequence[Item]]:
    """Neighbours stay together, since they share most of their documents."""
    chunk: list[Item] = []
    files = 0
    for item in items:
        chunk.append(item)
        files += _weight(item)
        if files >= FILES_IN_A_CHUNK or len(chunk) >= most:
            yield chunk
            chunk, files = [], 0
    if chunk:
        yield chunk


def _weight(item: Task | Side) -> int:
    sides = (item.base, item.head) if isinstance(item, Task) else (item,)
    return sum(len(side.closure.files) for side in sides if side)


def _starts_process(item: Task | Side) -> bool:
    return item.application.renderer.value != "directory"
