"""Work that a head may make endless, in a process of its own that can be ended.

A policy of the head is evaluated to show what it would do. Nothing inside one process stops an
engine that computes for ever, or survives one that crashes; the end of a child process does both.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gitops_gate.errors import GitOpsGateError, InternalError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Answer = TypeVar("Answer")


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, computed in a child process.

    Raises the `GitOpsGateError` that the work raises, and `InternalError` when it is not done in
    time, or ends without an answer. Outside Linux, `work` and its answer must be picklable.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(work, sender))
    child.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise InternalError(f"not done within {seconds:.0f} s")
        done, result = receiver.recv()
    except EOFError:
        raise InternalError("ended without an answer") from None
    finally:
        child.kill()
        child.join()
        receiver.close()
    if not done:
        raise result
    answer: Answer = result
    return answer


def _answer(work: Callable[[], Answer], sender: Connection) -> None:
    try:
        sender.send((True, work()))
    except GitOpsGateError as error:
        sender.send((False, error))
    except Exception as error:  # noqa: BLE001 - the parent has to hear of it whatever it is
        sender.send((False, InternalError(f"{type(error).__name__} inside gitops-gate")))
