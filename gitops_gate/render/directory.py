"""Applications that are directories of manifests: each document of each file, as it stands.

No program runs and nothing is written. A document that shows `apiVersion` and `kind` at the start
of a line is handed on unread, because the next stage reads it in any case; every other one, and
every one that could be a template, is read here. What is no manifest is a finding, so that a
misspelt key does not make a resource vanish without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gitops_gate.discovery.values import Closure
from gitops_gate.documents import RawDocument, load_document, split_stream
from gitops_gate.errors import ManifestError, RenderError, SourceError
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render.failures import failed
from gitops_gate.render.job import RenderJob
from gitops_gate.render.values import Manifest, Rendered
from gitops_gate.resources.values import Origin
from gitops_gate.source.links import follow
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Mode, Tree

_API_VERSION = re.compile(rb"^[\"']?apiVersion[\"']?[ \t]*:[ \t]*[^\s#]", re.MULTILINE)
_KIND = re.compile(rb"^[\"']?kind[\"']?[ \t]*:[ \t]*[^\s#]", re.MULTILINE)


def render_directory(job: RenderJob) -> Rendered:
    """Hand on the documents of all files, in the order of their paths.

    Raises `RenderError` for a file that is no YAML stream or cannot be read.
    """
    manifests: list[Manifest] = []
    findings: list[Finding] = []
    for path, content in _contents(job.tree, job.closure):
        for document in _documents(path, content):
            if _is_manifest(path, document):
                origin = Origin(path=path, line=document.line)
                manifests.append(Manifest(text=document.text, origin=origin))
            else:
                findings.append(_not_a_manifest(job.application.name, path, document.line))
    return Rendered(manifests=tuple(manifests), findings=tuple(findings))


def _contents(tree: Tree, closure: Closure) -> Iterator[tuple[str, bytes]]:
    """Each file of the closure by its own path; a link stands for the file that it leads to."""
    targets = set()
    for path in closure.files:
        entry = tree.entries.get(path)
        if entry is not None:
            targets.add(follow(tree, path) if entry.mode == Mode.LINK else path)
    paths = sorted(targets)
    try:
        yield from zip(
            paths, tree.blobs.read_many(tree.entries[path] for path in paths), strict=True
        )
    except SourceError as error:
        raise _unread(tree, paths, error) from None


def _unread(tree: Tree, paths: Sequence[str], error: SourceError) -> RenderError:
    """The error with the path that it is about: many files were read at once."""
    for path in paths:
        try:
            tree.read(path)
        except SourceError as found:
            return failed("render/unreadable", found.message, path=shown(path), remedy=found.remedy)
    return failed("render/unreadable", error.message, remedy=error.remedy)


def _documents(path: str, content: bytes) -> tuple[RawDocument, ...]:
    try:
        return split_stream(content)
    except ManifestError as error:
        raise _unreadable(path, error) from None


def _is_manifest(path: str, document: RawDocument) -> bool:
    text = document.text
    plain = _API_VERSION.search(text) is not None and _KIND.search(text) is not None
    if plain and b"{{" not in text and (b"%" not in text or b"{%" not in text):
        return True
    try:
        value = load_document(text, first_line=document.line)
    except ManifestError as error:
        raise _unreadable(path, error) from None
    return isinstance(value, dict) and bool(value.get("apiVersion")) and bool(value.get("kind"))


def _unreadable(path: str, error: ManifestError) -> RenderError:
    return failed(
        "render/unreadable",
        error.message,
        path=shown(path),
        line=error.line,
        remedy=error.remedy or "mend it, or leave it out by discovery.exclude if it is no manifest",
    )


def _not_a_manifest(application: str, path: str, line: int) -> Finding:
    return Finding(
        rule="render/not-a-manifest",
        severity=Severity.WARNING,
        message="a document without apiVersion and kind is not applied and not checked",
        application=application,
        location=Location(path=path, line=line, exact=True),
        remediation="complete it, or move what is no manifest out of the directory",
    )
