"""The text files of a chart: those in the tree, and those inside packed subcharts.

Archives are read here only to look for templates that depend on chance, time or the cluster; Helm
unpacks them itself. They are hostile: nothing is written, sizes and counts are capped, and an
archive that goes over a cap or is broken counts as one that cannot be looked into.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from gitops_gate.render.job import RenderJob
from gitops_gate.source.values import Mode

MAXIMUM_UNPACKED = 64 * 1024 * 1024
MAXIMUM_MEMBERS = 10_000
MAXIMUM_NESTING = 4

ARCHIVES = (".tgz", ".tar.gz")
_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFile:
    """A file of a chart. `path` is in the repository; `inner` is the way inside its archive.

    `content` is None for an archive that cannot be looked into.
    """

    path: str
    inner: str
    content: bytes | None


def chart_files(job: RenderJob) -> Iterator[ChartFile]:
    """Every file that the closure has, packed ones included. Raises `SourceError`."""
    paths = [
        path
        for path in sorted(job.closure.files)
        if path in job.tree.entries and job.tree.entries[path].mode in (Mode.FILE, Mode.EXECUTABLE)
    ]
    contents = job.tree.blobs.read_many(job.tree.entries[path] for path in paths)
    for path, content in zip(paths, contents, strict=True):
        if path.endswith(ARCHIVES):
            yield from _unpacked(path, "", content, MAXIMUM_NESTING)
        else:
            yield ChartFile(path=path, inner="", content=content)


def archive_files(path: str, archive: bytes) -> Iterator[ChartFile]:
    """The files of one packed chart, those of charts packed inside of it among them."""
    return _unpacked(path, "", archive, MAXIMUM_NESTING)


def _unpacked(path: str, inner: str, archive: bytes, nesting: int) -> Iterator[ChartFile]:
    closed = ChartFile(path=path, inner=inner, content=None)
    if not nesting:
        yield closed
        return
    total = 0
    try:
        unpacked = io.BytesIO(_decompressed(archive))
        with tarfile.open(fileobj=unpacked, mode="r:") as members:
            for count, member in enumerate(members):
                if count >= MAXIMUM_MEMBERS:
                    yield closed
                    return
                if not member.isfile():
                    continue
                file = members.extractfile(member)
                content = file.read(MAXIMUM_UNPACKED) if file else b""
                total += len(content)
                name = f"{inner}!{member.name}" if inner else member.name
                if name.endswith(ARCHIVES):
                    yield from _unpacked(path, name, content, nesting - 1)
                else:
                    yield ChartFile(path=path, inner=name, content=content)
    except _BROKEN:
        yield closed


def _decompressed(archive: bytes) -> bytes:
    """A gzip stream, unpacked up to the cap. Raises `ValueError` beyond it."""
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = machine.decompress(archive, MAXIMUM_UNPACKED)
    if machine.unconsumed_tail or not machine.eof:
        raise ValueError("more than may be unpacked, or cut short")
    return content
