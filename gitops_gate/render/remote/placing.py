"""Giving fetched bases to Kustomize as local folders.

The files of each base are written into `.remote/<number>` inside the workspace, and the
kustomizations that named it are written anew with the local path instead: only `resources`,
`bases` and `components` may name one. The file is written as JSON, which Kustomize reads as it
reads YAML, from the values that Kubernetes' reading of the original gives.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.values import Closure, RemoteReference
from gitops_gate.documents import load_document, split_stream
from gitops_gate.errors import ManifestError, RenderError
from gitops_gate.render.failures import failed
from gitops_gate.render.job import RenderJob
from gitops_gate.render.remote.references import CODE
from gitops_gate.render.remote.values import Remote
from gitops_gate.source import materialise

_FIELDS = frozenset({"resources", "bases", "components"})
_TELLING = frozenset({"originAnnotations", "transformerAnnotations"})
_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A base, and the folder relative to the workspace's tree that it is written into."""

    remote: Remote
    folder: str

    @property
    def base(self) -> str:
        """The kustomization's folder."""
        return posixpath.normpath(f"{self.folder}/{self.remote.source.path}")


def place_remotes(job: RenderJob, root: str) -> dict[str, str]:
    """Write all fetched bases of a job below `root`, and lead its kustomizations to them.

    Returns what the new folders stand for, for messages. Raises `RenderError` when a
    base was not fetched, or is named where no base can stand.
    """
    if not job.closure.remotes:
        return {}
    placed = _place(job, root)
    _refuse_annotations(job, root)
    _lead(job.closure, root, "", placed)
    for each in placed.values():
        _lead(each.remote.closure, root, each.folder, placed)
    meanings: dict[str, str] = {}
    for each in placed.values():
        meaning = f"{each.remote.source.url}@{each.remote.source.commit[:12]}"
        meanings |= {f"{root}/{each.folder}": meaning, each.folder: meaning}
    return meanings


def _place(job: RenderJob, root: str) -> dict[str, _Placed]:
    """Write each base, and the bases that it needs itself, once."""
    hidden = ".remote"
    while any(path == hidden or path.startswith(f"{hidden}/") for path in job.closure.files):
        hidden += "_"
    placed: dict[str, _Placed] = {}
    waiting = list(job.closure.remotes)
    while waiting:
        wanted = waiting.pop(0)
        if wanted.reference in placed:
            continue
        remote = _fetched(job, wanted)
        one = _Placed(remote=remote, folder=f"{hidden}/{len(placed)}")
        placed[wanted.reference] = one
        place = Path(root, one.folder)
        place.mkdir(parents=True)
        materialise(remote.tree.subset(remote.closure.files), str(place))
        waiting += remote.closure.remotes
    return placed


def _fetched(job: RenderJob, wanted: RemoteReference) -> Remote:
    result = job.remotes.get(wanted.reference)
    if isinstance(result, Remote):
        return result
    reason = "it was not fetched" if result is None else result.message
    error = failed(
        CODE if result is None else result.code,
        f"needs {wanted.reference}: {reason}",
        path=wanted.path,
        line=wanted.line or None,
        remedy=None if result is None else result.remedy,
    )
    raise error


def _refuse_annotations(job: RenderJob, root: str) -> None:
    """Annotations that tell where a resource is from would tell of our folder."""
    folder = "" if job.application.path == "." else f"{job.application.path}/"
    for path in (folder + name for name in NAMES):
        if path not in job.closure.files:
            continue
        wanted = _value(_read(root, path), "buildmetadata")
        if isinstance(wanted, list) and _TELLING.intersection(map(str, wanted)):
            raise failed(
                CODE,
                "buildMetadata asks for annotations that cannot be the same for fetched bases",
                path=path,
                remedy="leave out originAnnotations and transformerAnnotations",
            )


def _lead(closure: Closure, root: str, below: str, placed: Mapping[str, _Placed]) -> None:
    """Write a tree's kustomizations anew; `below` is the folder that the tree is in."""
    wanted: dict[str, list[RemoteReference]] = {}
    for remote in closure.remotes:
        wanted.setdefault(remote.path, []).append(remote)
    for path, remotes in sorted(wanted.items()):
        place = posixpath.join(below, path)
        document = _read(root, place)
        missing = _replace(document, remotes, posixpath.dirname(place), placed)
        for remote in missing:
            raise failed(
                CODE,
                f"takes {remote.reference} from elsewhere where only a file can stand",
                path=path,
                line=remote.line or None,
                remedy="copy the file into this repository",
            )
        text = json.dumps(document, ensure_ascii=False)
        text = _NOT_PRINTABLE.sub(lambda odd: f"\\u{ord(odd.group()):04x}", text)
        Path(root, place).write_text(text, encoding="utf-8")


def _replace(
    document: dict[str, Any],
    remotes: Iterable[RemoteReference],
    here: str,
    placed: Mapping[str, _Placed],
) -> list[RemoteReference]:
    """Put local paths into a kustomization; returns the references that were not found."""
    missing = {remote.reference: remote for remote in remotes}
    local = {
        reference: posixpath.relpath(placed[reference].base, here or ".") for reference in missing
    }
    for field, entries in document.items():
        if field.casefold() not in _FIELDS or not isinstance(entries, list):
            continue
        for index, entry in enumerate(entries):
            if isinstance(entry, str) and entry in local:
                entries[index] = local[entry]
                missing.pop(entry, None)
    return list(missing.values())


def _read(root: str, path: str) -> dict[str, Any]:
    """A kustomization of the workspace. Raises `RenderError` unless it is one plain mapping."""
    place = Path(root, path)
    try:
        documents = () if place.is_symlink() else split_stream(place.read_bytes())
        value = load_document(documents[0].text) if len(documents) == 1 else None
    except (ManifestError, OSError) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(value, dict):
        raise _unusable(path, "it is a link, or not one mapping")
    return value


def _unusable(path: str, reason: str) -> RenderError:
    return failed(CODE, f"cannot be led to its fetched bases: {reason}", path=path)


def _value(document: Mapping[str, Any], name: str) -> object:
    return next((value for key, value in document.items() if key.casefold() == name), None)
