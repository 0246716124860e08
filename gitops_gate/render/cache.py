"""Rendered streams, kept by what they are made of.

A key is the SHA-256 of everything that can influence the result: the renderer and its version,
the application's place and arguments, the Kubernetes version, and the path, mode and blob id of
every file of the closure. Whoever has the same key has the same result, whichever revision or
branch it is from. Only successes are kept.

Each entry is one file `<first two digits>/<key>`: a line of JSON with the digest of the rest, a
line of JSON with what is known about the stream, and the stream. Files appear whole (written
aside and renamed), are readable by their owner alone, and are dropped when their digest does not
agree. The digest finds damage, not forgery: the folder must be one that only the user writes to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 2
"""Part of every key: raised when what is kept, or how a renderer is called, changes."""

DEFAULT_MAXIMUM_BYTES = 512 * 1024 * 1024

_PRUNED_TO = 0.8
_STALE = 3600.0
_ASIDE = "new-"


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedStream:
    """A rendered stream, and a JSON-like description of it."""

    stream: bytes
    about: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderCache:
    """A folder of rendered streams, shared by any number of processes.

    It grows to about `maximum_bytes`; what was used longest ago goes first. A folder that cannot
    be read or written makes the cache useless, never the render.
    """

    folder: str
    maximum_bytes: int = DEFAULT_MAXIMUM_BYTES

    def get(self, key: str) -> CachedStream | None:
        """The stream of a key, or None when there is none that is whole."""
        place = self._place(key)
        try:
            content = place.read_bytes()
        except OSError:
            return None
        found = _unpack(content)
        with contextlib.suppress(OSError):
            if found is None:
                place.unlink()
            else:
                os.utime(place)
        return found

    def put(self, key: str, stream: CachedStream) -> None:
        """Keep a stream. One in about thirty writes also prunes."""
        place = self._place(key)
        with contextlib.suppress(OSError):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Path(self.folder).chmod(0o700)
            descriptor, aside = tempfile.mkstemp(prefix=_ASIDE, dir=place.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(_pack(stream))
                os.replace(aside, place)  # noqa: PTH105 - the name aside is text
            except OSError:
                Path(aside).unlink(missing_ok=True)
                raise
            if int(key[:2], 16) % 32 == 0:
                self.prune()

    def prune(self) -> None:
        """Remove what was used longest ago until the folder is well below its bound."""
        kept = sorted(self._files(), reverse=True)
        total = 0
        full = sum(size for _, size, _ in kept) > self.maximum_bytes
        for used, size, path in kept:
            total += size
            stale = path.name.startswith(_ASIDE) and used < time.time() - _STALE
            if stale or (full and total > self.maximum_bytes * _PRUNED_TO):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _place(self, key: str) -> Path:
        return Path(self.folder, key[:2], key)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Each file with the time of its last use and its size in bytes."""
        for path in Path(self.folder).glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(OSError):
                facts = path.lstat()
                yield facts.st_mtime, facts.st_size, path


def _pack(stream: CachedStream) -> bytes:
    body = json.dumps(stream.about, sort_keys=True).encode("ascii") + b"\n" + stream.stream
    header = {"format": FORMAT, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(header).encode("ascii") + b"\n" + body


def _unpack(content: bytes) -> CachedStream | None:
    first, _, body = content.partition(b"\n")
    try:
        header = json.loads(first)
        if header != {"format": FORMAT, "sha256": hashlib.sha256(body).hexdigest()}:
            return None
        about, _, stream = body.partition(b"\n")
        return CachedStream(stream=stream, about=json.loads(about))
    except (ValueError, RecursionError):
        return None
