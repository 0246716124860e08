"""ConfigMaps and Secrets that a kustomization generates, each value with the place that gave it.

A literal is where it stands in the kustomization, a value of an env file on its line there, a
file's content in the file. The rules are those of `api/kv/kv.go` of Kustomize.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from gitops_gate.discovery.references import locate
from gitops_gate.evaluation.places.sources import Sources
from gitops_gate.evaluation.places.subjects import Subject
from gitops_gate.evaluation.places.traced import Place, Traced

Reader = Callable[[str], tuple[str, str]]
"""From a name in a generator to the path and text of the file (`content`)."""

KINDS = {"configmapgenerator": "ConfigMap", "secretgenerator": "Secret"}


def generate(
    subjects: list[Subject],
    entry: Traced,
    kind: str,
    fields: Mapping[str, Traced],
    read: Reader,
) -> None:
    """Add what one entry of a generator makes to the subjects, or merge it into what is there.

    `fields` are those of the kustomization.
    """
    name = entry.get("name")
    if name is None or not name.text:
        return
    data = _data(entry, kind, read)
    behavior = entry.text_of("behavior")
    if behavior in ("merge", "replace"):
        for subject in subjects:
            if subject.kind == kind and subject.is_called(name.text):
                _combine(subject, data, entry, replace=behavior == "replace")
        return
    subjects.append(Subject(root=_made(entry, name, kind, data, fields.get("generatoroptions"))))


def _made(
    entry: Traced, name: Traced, kind: str, data: dict[str, Traced], options: Traced | None
) -> Traced:
    place = entry.place
    metadata: dict[str, Traced] = {"name": Traced(name.value, name.place, key=name.key)}
    namespace = entry.get("namespace")
    if namespace is not None and namespace.text:
        metadata["namespace"] = namespace.copied()
    for field in ("labels", "annotations"):
        found: dict[str, Traced] = {}
        for holder in (options, entry.get("options")):
            given = holder.get(field) if holder is not None else None
            if given is not None:
                found.update(given.copied().fields)
        if found:
            metadata[field] = Traced(found, place)
    root: dict[str, Traced] = {
        "apiVersion": Traced("v1", place, sure=False),
        "kind": Traced(kind, place, sure=False),
        "metadata": Traced(metadata, place),
    }
    if data:
        root["data"] = Traced(data, place)
    if kind == "Secret":
        given = entry.get("type")
        root["type"] = given.copied() if given is not None else Traced("Opaque", place, sure=False)
    return Traced(root, place)


def _combine(subject: Subject, data: dict[str, Traced], entry: Traced, *, replace: bool) -> None:
    own = subject.root.get("data")
    if own is None or replace or not isinstance(own.value, dict):
        own = subject.root.fields["data"] = Traced({}, entry.place)
    own.fields.update(data)


def _data(entry: Traced, kind: str, read: Reader) -> dict[str, Traced]:
    found: dict[str, Traced] = {}
    envs = [*_items(entry, "envs"), *([one] if (one := entry.get("env")) is not None else [])]
    for env in envs:
        found.update(_from_env(env, read))
    for file in _items(entry, "files"):
        found.update(_from_file(file, read))
    for literal in _items(entry, "literals"):
        key, equals, value = literal.text.partition("=")
        if key and equals:
            found[key] = Traced(_unquoted(value), literal.place)
    if kind == "Secret":
        for made in found.values():
            made.value = base64.b64encode(made.text.encode("utf-8", "replace")).decode("ascii")
    return found


def _items(entry: Traced, field: str) -> list[Traced]:
    found = entry.get(field)
    return found.items if found is not None else []


def _from_env(env: Traced, read: Reader) -> dict[str, Traced]:
    path, content = read(env.text)
    found = {}
    for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.removesuffix("\r").lstrip()
        key, _, value = stripped.partition("=")
        if key and not key.startswith("#"):
            column = len(line) - len(line.lstrip()) + 1
            found[key] = Traced(value, Place(path, number, column))
    return found


def _from_file(file: Traced, read: Reader) -> dict[str, Traced]:
    key, equals, name = file.text.partition("=")
    if not equals:
        name = file.text
        key = name.rpartition("/")[2]
    path, content = read(name)
    if not path:
        return {key: Traced(None, file.place, sure=False)}
    return {key: Traced(content, Place(path, 1, 1))}


def content(directory: str, sources: Sources, name: str) -> tuple[str, str]:
    """The path and text of a file that a generator reads; both empty when it is not there."""
    located = locate(directory, name)
    path = sources.file(located) if located is not None else None
    raw = sources.read(path) if path is not None else None
    if path is None or raw is None:
        return "", ""
    return path, raw.decode("utf-8", "replace")


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
