"""Where an application's files say which image runs, and how each place is given another one.

    image: registry.example.com/web:1.2@sha256:…        a manifest, or a value that is a reference
    image: {repository: …, tag: …, digest: …}           the values of a chart
    images: [{name: …, newTag: …, digest: …}]           a kustomization

A `Place` is one of them, with the scalars that it is written in, each in the file where it counts:
of several values files the last one that has a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gitops_gate.errors import ConfigurationError
from gitops_gate.recovery.references import ImageReference, parse_reference, same_repository
from gitops_gate.recovery.scalars import (
    Field,
    Scalar,
    inserted,
    renamed,
    replaced,
    scalars,
    values_of,
)

Contents = Mapping[str, bytes]
"""Files by their path."""

_PARTS = ("registry", "repository", "image", "tag", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place that names an image. `keys` are the scalars that it consists of, by their key."""

    form: Literal["reference", "values", "kustomization"]
    current: ImageReference
    keys: Mapping[str, Scalar]
    name: str | None = None
    """What a kustomization looks for; None for the other forms."""

    @property
    def where(self) -> str:
        """`apps/web.yaml:21`: the first of the scalars that say the version."""
        return self._first.place

    @property
    def path(self) -> str:
        """The file of `where`."""
        return self._first.path

    @property
    def _first(self) -> Scalar:
        wanted = ("newTag", "digest", "tag", "newName", "name", "repository", "image")
        return next(self.keys[key] for key in wanted if key in self.keys)

    def is_of(self, repository: str) -> bool:
        """Whether it names an image of a repository."""
        return same_repository(self.current.repository, repository)


def kustomization_places(path: str, data: bytes) -> Iterator[Place]:
    """The entries of `images` in a kustomization."""
    values = values_of(data)
    images = values[0].get("images") if values and isinstance(values[0], dict) else None
    there = {one.field: one for one in scalars(data, path) if one.document == 0}
    for index, entry in enumerate(images if isinstance(images, list) else ()):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            continue
        keys = {
            key: there["images", index, key]
            for key in ("name", "newName", "newTag", "digest")
            if ("images", index, key) in there
        }
        if "name" not in keys:
            continue
        current = ImageReference(
            repository=_text(entry.get("newName")) or entry["name"],
            tag=_text(entry.get("newTag")) or None,
            digest=_text(entry.get("digest")) or None,
        )
        yield Place(form="kustomization", current=current, keys=keys, name=entry["name"])


def places_in(stack: Sequence[tuple[str, bytes]]) -> Iterator[Place]:
    """The images that one file names, or several values files together, the last overriding."""
    groups: dict[tuple[int, Field], dict[str, Scalar]] = {}
    for path, data in stack:
        for scalar in scalars(data, path):
            key = scalar.field[-1] if scalar.field else None
            if key in _PARTS:
                group = groups.setdefault((scalar.document, scalar.field[:-1]), {})
                group[str(key)] = scalar
    for keys in groups.values():
        place = _of_values(keys)
        if place is not None:
            yield place
        elif "image" in keys and isinstance(keys["image"].value, str):
            current = parse_reference(keys["image"].value)
            if current is not None:
                yield Place(form="reference", current=current, keys={"image": keys["image"]})


def with_image(contents: Contents, place: Place, new: ImageReference) -> dict[str, bytes]:
    """The files with another image at a place.

    Raises `ConfigurationError` where the place cannot say what is asked for, and `SourceError`
    where it cannot be edited alone.
    """
    edited = dict(contents)
    if place.form == "reference":
        _set(edited, place.keys["image"], str(new))
    elif place.form == "values":
        _set_values(edited, place, new)
    else:
        _set_kustomization(edited, place, new)
    return edited


def _of_values(keys: Mapping[str, Scalar]) -> Place | None:
    """`repository` (or `image`) beside `tag` or `digest`, as charts have it."""
    named = "repository" if "repository" in keys else "image"
    if named not in keys or not {"tag", "digest"} & keys.keys():
        return None
    repository, registry = keys[named].value, _text(_value(keys, "registry"))
    if not isinstance(repository, str) or not repository:
        return None
    whole = f"{registry}/{repository}" if registry else repository
    if parse_reference(whole) is None:
        return None
    tag, _, behind = _text(_value(keys, "tag")).partition("@")
    digest = _text(_value(keys, "digest")) or behind
    if digest and ":" not in digest:
        digest = f"sha256:{digest}"
    current = ImageReference(repository=whole, tag=tag or None, digest=digest or None)
    parts = {key: keys[key] for key in (named, "registry", "tag", "digest") if key in keys}
    return Place(form="values", current=current, keys=parts)


def _set(contents: dict[str, bytes], scalar: Scalar, value: object) -> None:
    contents[scalar.path] = replaced(contents[scalar.path], scalar, value)


def _set_values(contents: dict[str, bytes], place: Place, new: ImageReference) -> None:
    keys = place.keys
    if not same_repository(place.current.repository, new.repository):
        _set_repository(contents, keys, new.repository)
    if "digest" in keys:
        bare = ":" not in (_text(keys["digest"].value) or ":")
        digest = new.digest or ""
        _set(contents, keys["digest"], digest.partition(":")[2] if bare else digest)
        if "tag" in keys and (new.tag or place.current.tag):
            _set(contents, keys["tag"], _asked_tag(place, new))
    elif new.digest is None:
        _set(contents, keys["tag"], new.tag)
    else:
        _set(contents, keys["tag"], f"{_asked_tag(place, new)}@{new.digest}")


def _set_repository(
    contents: dict[str, bytes], keys: Mapping[str, Scalar], repository: str
) -> None:
    if _text(_value(keys, "registry")):
        registry, _, repository = repository.partition("/")
        _set(contents, keys["registry"], registry)
    _set(contents, keys["repository" if "repository" in keys else "image"], repository)


def _set_kustomization(contents: dict[str, bytes], place: Place, new: ImageReference) -> None:
    keys, path = place.keys, place.keys["name"].path
    tag, digest = keys.get("newTag"), keys.get("digest")
    data = contents[path]
    if new.digest is None:
        if tag is not None and digest is not None:
            raise _cannot(place, "it has a digest, which would outlive its tag")
        if digest is not None:
            data = renamed(data, digest, "newTag", new.tag)
        else:
            data = _given(data, keys, "newTag", new.tag)
    elif tag is not None and digest is None and new.tag is None:
        data = renamed(data, tag, "digest", new.digest)
    else:
        data = _given(data, keys, "digest", new.digest)
        if tag is not None:
            data = replaced(data, tag, _asked_tag(place, new))
        elif new.tag is not None:
            data = inserted(data, keys["name"], "newTag", new.tag)
    if not same_repository(place.current.repository, new.repository):
        data = _given(data, keys, "newName", new.repository)
    contents[path] = data


def _given(data: bytes, keys: Mapping[str, Scalar], key: str, value: object) -> bytes:
    """An entry with a key that it has, or that is put behind the others of its kind."""
    if key in keys:
        return replaced(data, keys[key], value)
    beside = keys.get("newTag", keys["name"]) if key == "digest" else keys["name"]
    return inserted(data, beside, key, value)


def _asked_tag(place: Place, new: ImageReference) -> str:
    """The tag to write. An old tag beside a new digest would say what is not so."""
    if new.tag is None:
        raise _cannot(place, "it has a tag as well", "say both: REPOSITORY:TAG@DIGEST")
    return new.tag


def _cannot(place: Place, why: str, remedy: str | None = None) -> ConfigurationError:
    path, _, line = place.where.rpartition(":")
    return ConfigurationError(
        f"the image cannot be written as asked: {why}",
        path=path,
        line=int(line),
        remedy=remedy or "edit the file by hand, and open the change request for that",
    )


def _value(keys: Mapping[str, Scalar], key: str) -> Any:
    return keys[key].value if key in keys else None


def _text(value: object) -> str:
    """A value as the text that a template would make of it; "" for nothing."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return str(value)
