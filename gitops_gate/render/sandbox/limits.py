"""Resource limits of a renderer, from `getrlimit(2)`: what a hostile input can use up."""

from __future__ import annotations

import math
import os
import resource

MAXIMUM_MEMORY = 2 * 1024**3
MAXIMUM_FILE = 64 * 1024**2
MAXIMUM_OPEN_FILES = 1024
MAXIMUM_THREADS = 1024


def apply(*, timeout: float, own_users: bool) -> None:
    """Limit this process and all it starts.

    `timeout` is the wall-clock limit in seconds; as many processor seconds are allowed on each
    processor. Memory is limited as private data rather than as address space, of which Go
    programs reserve far more than they use. `own_users` says that the process is in a user
    namespace: only there are threads counted apart from all others of the same user.
    """
    processor = math.ceil(timeout) * (os.cpu_count() or 1) + 1
    _lower(resource.RLIMIT_CPU, processor)
    _lower(resource.RLIMIT_DATA, MAXIMUM_MEMORY)
    _lower(resource.RLIMIT_FSIZE, MAXIMUM_FILE)
    _lower(resource.RLIMIT_NOFILE, MAXIMUM_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    if own_users:
        _lower(resource.RLIMIT_NPROC, MAXIMUM_THREADS)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
