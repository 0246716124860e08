"""Follows one resource through the kustomizations that made it.

    resource files, generators -> components -> patches -> namespace, affixes, labels -> JSON
    patches -> replicas -> images -> replacements, and the same again in whatever refers to that

The order is that of `configureBuiltinTransformers` of `kusttarget_configplugin.go` in Kustomize's
API. Only documents that can have become the resource are followed, and only files of the
application's closure are read; Kustomize itself is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.references import locate
from gitops_gate.evaluation.places import generators, replacements, transformers
from gitops_gate.evaluation.places.patches import (
    PatchFailedError,
    apply_operations,
    inner_documents,
    merge_patch,
)
from gitops_gate.evaluation.places.sources import Sources, resources_of, streamed
from gitops_gate.evaluation.places.subjects import Subject, is_builtin, meant_by, selects
from gitops_gate.evaluation.places.traced import Place, Traced
from gitops_gate.resources.hash_names import base_name
from gitops_gate.resources.values import Resource

_MAXIMUM_DEPTH = 40
_MAXIMUM_VISITS = 400
"""Kustomizations that are entered for one resource; each may be entered more than once."""
_OPAQUE = ("transformers", "generators")
"""Fields that may change anything in ways that are not followed."""


def follow(resource: Resource, sources: Sources) -> Traced | None:
    """The resource as its sources make it; None when they do not make exactly one like it."""
    name = base_name(resource)
    walk = _Walk(resource, name, sources)
    subjects = walk.of(sources.side.application.path)
    reference = resource.reference
    named = [
        subject
        for subject in subjects
        if subject.kind == reference.kind
        and subject.group == reference.api_version.rpartition("/")[0]
        and subject.name in (name, reference.name)
    ]
    exact = [subject for subject in named if subject.namespace == reference.namespace]
    found = exact or named
    if len(found) != 1:
        return None
    root = found[0].root
    named_by = root.get("metadata", "name")
    if named_by is not None and named_by.value == name:
        named_by.value = reference.name
    return root.copied(sure=False) if walk.opaque else root


class _Walk:
    """One way through the kustomizations of an application, for one resource."""

    def __init__(self, resource: Resource, name: str, sources: Sources) -> None:
        self.opaque = False
        self._sources = sources
        self._kind = resource.reference.kind
        self._namespace = resource.reference.namespace
        self._name = name
        self._visits = 0
        self._copied: set[tuple[str, str]] = set()

    def of(self, directory: str) -> list[Subject]:
        """What the kustomization of a directory makes, as far as it matters here."""
        self._note_replacements(directory)
        self._visits = 0
        subjects: list[Subject] = []
        self._enter(directory, subjects, 0)
        return subjects

    def _matters(self, kind: str, name: str) -> bool:
        likely = kind == self._kind and (name in self._name or kind == "Namespace")
        return likely or (kind, name) in self._copied or (kind, "") in self._copied

    def _enter(self, directory: str, subjects: list[Subject], depth: int) -> None:
        fields = self._fields(directory)
        self._visits += 1
        affordable = self._sources.spend(sum(1 + len(field.items) for field in fields.values()))
        if depth > _MAXIMUM_DEPTH or self._visits > _MAXIMUM_VISITS or not affordable:
            self.opaque = True
            return
        self.opaque = self.opaque or any(_items(fields, name) for name in _OPAQUE)
        for entry in (*_items(fields, "resources"), *_items(fields, "bases")):
            self._add(directory, entry, subjects, depth)
        for name, kind in generators.KINDS.items():
            for entry in _items(fields, name):
                if self._matters(kind, entry.text_of("name")):
                    read = partial(generators.content, directory, self._sources)
                    generators.generate(subjects, entry, kind, fields, read)
        for entry in _items(fields, "components"):
            located = self._located(directory, entry.text)
            if located is not None:
                self._enter(located, subjects, depth + 1)
        self._transform(directory, fields, subjects)

    def _add(self, directory: str, entry: Traced, subjects: list[Subject], depth: int) -> None:
        located = locate(directory, entry.text)
        path = self._sources.file(located) if located is not None else None
        if path is None:
            below = self._located(directory, entry.text)
            if below is not None:
                inner: list[Subject] = []
                self._enter(below, inner, depth + 1)
                subjects += inner
            return
        for document in self._sources.documents(path):
            for value, steps in resources_of(document.value):
                metadata = value.get("metadata")
                name = metadata.get("name") if isinstance(metadata, dict) else None
                if not self._matters(str(value.get("kind")), str(name)):
                    continue
                root = self._sources.document(document)
                for step in steps:
                    if root is not None and isinstance(step, int):
                        root = root.items[step] if step < len(root.items) else None
                    elif root is not None:
                        root = root.fields.get(str(step))
                if root is not None:
                    subjects.append(Subject(root=root.copied()))

    def _transform(
        self, directory: str, fields: dict[str, Traced], subjects: list[Subject]
    ) -> None:
        if not subjects:
            return
        for entry in _items(fields, "patchesstrategicmerge"):
            for patch in self._patch(directory, entry):
                self._apply_merge(subjects, patch, None, None)
        for entry in _items(fields, "patches"):
            self._apply_patch(directory, entry, subjects)
        if (namespace := fields.get("namespace")) is not None and namespace.text:
            transformers.set_namespace(subjects, namespace, self._namespace)
        for name in ("nameprefix", "namesuffix"):
            if (affix := fields.get(name)) is not None and affix.text:
                transformers.add_affix(subjects, affix, prefix=name == "nameprefix")
        self._label(fields, subjects)
        for entry in _items(fields, "patchesjson6902"):
            self._apply_patch(directory, entry, subjects)
        for entry in _items(fields, "replicas"):
            transformers.set_replicas(subjects, entry)
        for entry in _items(fields, "images"):
            transformers.set_images(subjects, entry)
        for entry in self._replacements(directory, fields):
            replacements.replace(subjects, entry)

    def _label(self, fields: dict[str, Traced], subjects: list[Subject]) -> None:
        for entry in _items(fields, "labels"):
            pairs = entry.get("pairs")
            if pairs is not None:
                transformers.set_labels(
                    subjects,
                    pairs,
                    selectors=_is_true(entry, "includeSelectors"),
                    templates=_is_true(entry, "includeTemplates"),
                )
        if (pairs := fields.get("commonlabels")) is not None:
            transformers.set_labels(subjects, pairs, selectors=True, templates=True)
        if (pairs := fields.get("commonannotations")) is not None:
            transformers.set_annotations(subjects, pairs)

    def _patch(self, directory: str, entry: Traced) -> tuple[Traced, ...]:
        """The documents of a patch, which is a file's path or stands there as text itself.

        They are shared by all resources, and so are looked at and never changed.
        """
        patches = self._sources.patches
        if "\n" in entry.text or ": " in entry.text or entry.text.startswith("["):
            if entry.place not in patches:
                patches[entry.place] = tuple(inner_documents(entry, self._sources))
            return patches[entry.place]
        located = locate(directory, entry.text)
        path = self._sources.file(located) if located is not None else None
        if path is None:
            return ()
        place = Place(path)
        if place not in patches:
            raws = streamed(self._sources.read(path) or b"")
            found = [self._sources.follow(raw, path) for raw in raws]
            patches[place] = tuple(document for document in found if document is not None)
        return patches[place]

    def _apply_patch(self, directory: str, entry: Traced, subjects: list[Subject]) -> None:
        source = entry.get("path")
        if source is None or not source.text:
            source = entry.get("patch")
        if source is None:
            return
        target = entry.get("target")
        for document in self._patch(directory, source):
            if isinstance(document.value, dict):
                self._apply_merge(subjects, document, target, entry.get("options"))
            elif target is not None:
                self._apply_operations(subjects, document, target)

    def _apply_merge(
        self,
        subjects: Iterable[Subject],
        patch: Traced,
        target: Traced | None,
        options: Traced | None,
    ) -> None:
        identity = options is not None and bool(
            _is_true(options, "allowNameChange") or _is_true(options, "allowKindChange")
        )
        for subject in list(subjects):
            chosen = selects(target, subject) if target is not None else meant_by(patch, subject)
            if chosen is False:
                continue
            if patch.text_of("$patch") == "delete":
                if chosen and isinstance(subjects, list):
                    subjects.remove(subject)
                continue
            own = patch.copied(sure=chosen is True)
            merge_patch(subject.root, own, keyed=is_builtin(subject.group), identity=identity)
            subject.remember()

    def _apply_operations(
        self, subjects: Iterable[Subject], operations: Traced, target: Traced
    ) -> None:
        for subject in subjects:
            chosen = selects(target, subject)
            if chosen is False:
                continue
            try:
                apply_operations(subject.root, operations.items, sure=chosen is True)
            except PatchFailedError:
                subject.root = subject.root.copied(sure=False)
            subject.remember()

    def _replacements(self, directory: str, fields: dict[str, Traced]) -> list[Traced]:
        """The replacements of a kustomization, those in files of their own taken apart."""
        found: list[Traced] = []
        for entry in _items(fields, "replacements"):
            path = entry.get("path")
            if path is None:
                found.append(entry)
                continue
            for document in self._patch(directory, path):
                found += document.items or [document]
        return found

    def _note_replacements(self, directory: str) -> None:
        """Find out from which resources replacements take values: those are followed as well."""

        def look(directory: str, fields: dict[str, Traced]) -> None:
            for entry in self._replacements(directory, fields):
                self._copied.add(replacements.source_names(entry))

        self._each(directory, look, 0)
        self._copied.discard(("", ""))

    def _each(
        self, directory: str, look: Callable[[str, dict[str, Traced]], None], depth: int
    ) -> None:
        self._visits += 1
        if depth > _MAXIMUM_DEPTH or self._visits > _MAXIMUM_VISITS:
            return
        fields = self._fields(directory)
        look(directory, fields)
        for name in ("resources", "bases", "components"):
            for entry in _items(fields, name):
                below = self._located(directory, entry.text)
                if below is not None:
                    self._each(below, look, depth + 1)

    def _located(self, directory: str, reference: str) -> str | None:
        """The directory of the kustomization that a reference leads to."""
        located = locate(directory, reference)
        place = self._sources.listing.resolve(located) if located is not None else None
        if place is None or place.outside or not self._file_of(place.path):
            return None
        return place.path

    def _file_of(self, directory: str) -> str | None:
        found = self._sources.listing.named(directory, NAMES)
        return self._sources.file(found[0]) if found else None

    def _fields(self, directory: str) -> dict[str, Traced]:
        """The fields of a kustomization by their names in lower case, as Go finds them."""
        path = self._file_of(directory)
        root = self._sources.traced(path) if path is not None else None
        return {} if root is None else {k.casefold(): v for k, v in root.fields.items()}


def _items(fields: dict[str, Traced], name: str) -> list[Traced]:
    found = fields.get(name)
    return found.items if found is not None else []


def _is_true(holder: Traced, name: str) -> bool:
    found = holder.get(name)
    return found is not None and found.value is True
