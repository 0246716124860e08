"""What `gitops-gate bump` is asked to change, as its command line says it.

image=registry/app:1.2@sha256:…        the image of a repository
registry/app=other/app:1.2@sha256:…    another one in the place of a repository's
chart=1.2.3   chart.NAME=1.2.3         the version of a chart that is depended on
values.image.tag=1.4                   a key of the values of a chart
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitops_gate.errors import ConfigurationError
from gitops_gate.recovery.references import ImageReference, parse_reference
from gitops_gate.recovery.scalars import Field

_KEY = r"(?:[^.\[\]\\]|\\.)+"
_PATH = re.compile(rf"{_KEY}(?:\.{_KEY}|\[[0-9]{{1,9}}\])*")
_SEGMENT = re.compile(rf"({_KEY})|\[([0-9]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBump:
    """Another image for those of the repository `old`."""

    old: str
    new: ImageReference


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartBump:
    """Another version of a chart that is depended on; of the only one where `name` is None."""

    name: str | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueBump:
    """Another value for a key of a chart's values, in the words of the command line."""

    field: Field
    text: str


Bump = ImageBump | ChartBump | ValueBump


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One place that was changed: what it said and says, and where (`path:line`)."""

    what: str
    before: str
    after: str
    where: str
    image: ImageReference | None = None
    """The image that the place named before, for the bump of one."""


def parse_bump(argument: str, *, allow_tag: bool = False) -> Bump:
    """What one NAME=VALUE asks for. Raises `ConfigurationError`."""
    name, separator, value = argument.partition("=")
    if not separator or not name or not value:
        raise ConfigurationError(
            f"{argument!r} is not NAME=VALUE",
            remedy="for example image=registry.example.com/app:1.2@sha256:…",
        )
    if name == "chart" or (name.startswith("chart.") and "/" not in name):
        return ChartBump(name=name.partition(".")[2] or None, version=value)
    if name.startswith("values."):
        return ValueBump(field=_field(name.removeprefix("values.")), text=value)
    new = parse_reference(value)
    old = new if name == "image" else parse_reference(name)
    if new is None or old is None:
        wrong = value if old is not None or name == "image" else name
        raise ConfigurationError(f"{wrong!r} is no reference to an image")
    if name != "image" and (old.tag or old.digest):
        raise ConfigurationError(
            f"{name!r} is more than a repository", remedy=f"say {old.repository}={value}"
        )
    if new.digest is None and not allow_tag:
        raise ConfigurationError(
            f"{value} has no digest, and a tag can be moved to another image",
            remedy="say REPOSITORY:TAG@sha256:…, or --allow-tag if a tag is what you want",
        )
    if new.digest is None and new.tag is None:
        raise ConfigurationError(f"{value} names no version")
    return ImageBump(old=old.repository, new=new)


def _field(text: str) -> Field:
    r"""A path into values: dots between keys, `\.` for a dot in one, `[0]` for an item."""
    if not _PATH.fullmatch(text):
        raise ConfigurationError(f"values.{text} is no path of keys, such as values.image.tag")
    return tuple(
        int(index) if index else re.sub(r"\\(.)", r"\1", key)
        for key, index in _SEGMENT.findall(text)
    )
