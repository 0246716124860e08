"""The custom schemas of both revisions, read when a process needs its first validator.

CustomResourceDefinitions are half of what real repositories render, and few of them matter to a
change: they are only read once a resource of a kind that Kubernetes does not have is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops_gate.documents import split_stream
from gitops_gate.errors import GitOpsGateError
from gitops_gate.evaluation.values import Context, SchemaFiles, SideName
from gitops_gate.render.values import Manifest
from gitops_gate.resources.read import DocumentMemo, read_resources
from gitops_gate.resources.values import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops_gate.checks.interface import SchemaValidator
    from gitops_gate.checks.schema import CrdDocument

_MARK = b"CustomResourceDefinition"


class CustomSchemas:
    """Builds the validator of one side; the other revision's definitions fill what it lacks."""

    def __init__(self, context: Context, documents: DocumentMemo) -> None:
        self._context = context
        self._documents = documents
        base, head = context.base_schemas, context.head_schemas
        self.equal = (
            base.crds.entries == head.crds.entries
            and base.deployed == head.deployed
            and base.locations.entries == head.locations.entries
        )
        """Whether both sides are validated against the same schemas."""
        self.problems: tuple[str, ...] = ()
        """What is wrong with definitions from which no kind can be read."""

    def validator(self, kubernetes: str, side: SideName) -> SchemaValidator:
        """A validator for a Kubernetes version. Raises `SchemaError` for one nobody knows."""
        from gitops_gate.checks.schema import build_validator

        files = self._context.base_schemas if side == "base" else self._context.head_schemas
        locations = {path: files.locations.read(path) for path in files.locations.entries}
        settings = self._context.settings.schemas
        return build_validator(settings, kubernetes, lambda: self._crds(side), locations=locations)

    def _crds(self, side: SideName) -> tuple[CrdDocument, ...]:
        """The definitions of both revisions; those called `head` win: here, the side's own."""
        from gitops_gate.checks.schema import unusable_crds

        head, base = self._context.head_schemas, self._context.base_schemas
        own, other = (head, base) if side == "head" else (base, head)
        documents = tuple(self._read(own, "head"))
        self.problems = tuple(f"no schema from {error}" for error in unusable_crds(documents))
        return documents if self.equal else (*documents, *self._read(other, "base"))

    def _read(self, files: SchemaFiles, revision: SideName) -> Iterator[CrdDocument]:
        """Every definition in the files; what cannot be read defines nothing and is no manifest."""
        from gitops_gate.checks.schema import CrdDocument

        paths = sorted(files.crds.entries)
        contents = files.crds.blobs.read_many(files.crds.entries[path] for path in paths)
        for path, content in zip(paths, contents, strict=True):
            if _MARK not in content:
                continue
            try:
                documents = split_stream(content)
            except GitOpsGateError:
                continue
            manifests = [
                Manifest(text=document.text, origin=Origin(path=path, line=document.line))
                for document in documents
                if _MARK in document.text
            ]
            for resource in read_resources(manifests, self._documents).resources:
                if resource.reference.kind == _MARK.decode():
                    yield CrdDocument(
                        value=resource.value,
                        origin=path,
                        revision=revision,
                        deployed=path in files.deployed,
                    )
