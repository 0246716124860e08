"""Progress on long work: to stderr, and only to a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, int], None]

WORTH_SAYING = 0.5
"""Seconds before which nothing is shown, so that short work stays silent."""


def stage(*, quiet: bool) -> Callable[[str], Progress]:
    """What the pipeline tells of its stages; silent unless stderr is a terminal."""
    started = time.monotonic()

    def silent(_: int, __: int) -> None:
        return None

    def begin(name: str) -> Progress:
        if quiet or not sys.stderr.isatty():
            return silent

        def show(done: int, total: int) -> None:
            if done >= total:
                sys.stderr.write("\r\x1b[K")
            elif time.monotonic() - started > WORTH_SAYING:
                sys.stderr.write(f"\r\x1b[K{name}: {done} of {total}")
            sys.stderr.flush()

        return show

    return begin
