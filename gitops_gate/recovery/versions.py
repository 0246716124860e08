"""Changes versions in an application's files, at the place that says them.

    files + bumps ──bumped──> edited files + the places that changed

What decides in the end is looked at first: an application's own kustomization, then those that it
builds on, then values of charts, then manifests. Where the same thing is said at several places
that do not agree, the application's own folder decides; where that says several things itself,
nothing is guessed: all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.values import Application, Renderer
from gitops_gate.documents import load_document
from gitops_gate.errors import ConfigurationError, ManifestError
from gitops_gate.recovery.bumps import Bump, ChartBump, Edit, ImageBump, ValueBump
from gitops_gate.recovery.charts import chart_versions, inline_values, values_files
from gitops_gate.recovery.images import (
    Contents,
    Place,
    kustomization_places,
    places_in,
    with_image,
)
from gitops_gate.recovery.scalars import Scalar, replaced, scalars

_MOST_NAMED = 10


def bumped(
    application: Application, contents: Contents, bumps: Sequence[Bump]
) -> tuple[dict[str, bytes], tuple[Edit, ...]]:
    """The application's files with everything that is asked for, and the places that changed.

    `contents` are the files that it is rendered from. Raises `ConfigurationError` when there is no
    place for one, or several that do not agree, and `SourceError` when one cannot be edited.
    """
    edited: dict[str, bytes] = dict(contents)
    edits: list[Edit] = []
    for bump in bumps:
        if isinstance(bump, ImageBump):
            edited, made = _image(application, edited, bump)
        elif isinstance(bump, ChartBump):
            edited, made = _chart(application, edited, bump)
        else:
            edited, made = _value(application, edited, bump)
        edits += made
    return edited, tuple(edits)


# ------------------------------------------------------------------------------- images


def _image(
    application: Application, contents: dict[str, bytes], bump: ImageBump
) -> tuple[dict[str, bytes], list[Edit]]:
    seen: list[Place] = []
    for level in _levels(application, contents):
        every = list(level)
        seen += every
        places = [one for one in every if one.is_of(bump.old) or one.name == bump.old]
        if not places:
            continue
        if not _agree(places):
            own = _own_first(application, [place.path for place in places])[0]
            places = [place for place in places if place.path in own] or places
        if not _agree(places):
            raise _ambiguous(
                f"{application.name} has {bump.old} at several places that may differ",
                (f"{place.where} ({place.current})" for place in places),
            )
        edits = []
        for place in places:
            contents = with_image(contents, place, bump.new)
            edits.append(
                Edit(
                    what="image",
                    before=str(place.current),
                    after=str(bump.new),
                    where=place.where,
                    image=place.current,
                )
            )
        return contents, edits
    known = sorted({place.current.repository for place in seen})
    raise ConfigurationError(
        f"no file of {application.name} names an image of {bump.old}",
        remedy=f"the images there are: {', '.join(known[:_MOST_NAMED])}"
        if known
        else "say where its values have it: values.KEY=VALUE",
    )


def _agree(places: Sequence[Place]) -> bool:
    """Whether several places may be changed as one: entries of kustomizations never do."""
    kustomized = any(place.form == "kustomization" for place in places)
    return len(places) == 1 or (len({place.current for place in places}) == 1 and not kustomized)


def _levels(application: Application, contents: Contents) -> Iterator[Iterable[Place]]:
    """Where images are looked for, what decides in the end first."""
    kustomizations = sorted(path for path in contents if _name(path) in NAMES)
    values = values_files(application, contents)
    rest = sorted(set(contents) - set(kustomizations) - set(values))
    if application.renderer is Renderer.KUSTOMIZE:
        own = [path for path in kustomizations if _folder(path) == application.path]
        yield from (
            [place for path in paths for place in kustomization_places(path, contents[path])]
            for paths in (own, [path for path in kustomizations if path not in own])
        )
    if values:
        yield list(places_in([(path, contents[path]) for path in values]))
    yield [place for path in rest for place in places_in([(path, contents[path])])]


def _chart(
    application: Application, contents: dict[str, bytes], bump: ChartBump
) -> tuple[dict[str, bytes], list[Edit]]:
    levels = (
        [
            (name, scalar)
            for path in paths
            for name, scalar in chart_versions(application, path, contents[path])
            if bump.name in (None, name)
        ]
        for paths in _own_first(application, sorted(contents))
    )
    found = next(filter(None, levels), [])
    if not found:
        named = f"the chart {bump.name}" if bump.name else "a chart with a version"
        raise ConfigurationError(f"no file of {application.name} depends on {named}")
    if len(found) > 1:
        raise _ambiguous(
            f"{application.name} depends on several charts",
            (f"{scalar.place} ({name} {scalar.value})" for name, scalar in found),
            remedy="name the one that is meant: chart.NAME=VERSION",
        )
    name, scalar = found[0]
    return _with(contents, scalar, bump.version, f"chart {name}")


def _value(
    application: Application, contents: dict[str, bytes], bump: ValueBump
) -> tuple[dict[str, bytes], list[Edit]]:
    files = values_files(application, contents)
    stacked = [
        one
        for path in files
        for one in scalars(contents[path], path)
        if one.document == 0 and one.field == bump.field
    ]
    levels = (
        [scalar for path in paths for scalar in inline_values(path, contents[path], bump.field)]
        for paths in _own_first(application, sorted(set(contents) - set(files)))
    )
    found = stacked[-1:] or next(filter(None, levels), [])
    key = ".".join(map(str, bump.field))
    if not found:
        where = f" ({', '.join(files)})" if files else ""
        raise ConfigurationError(
            f"the values of {application.name} have no {key}{where}",
            remedy="add the key to the file where it belongs, by a change request of your own",
        )
    if len(found) > 1:
        raise _ambiguous(f"several charts have {key}", (scalar.place for scalar in found))
    return _with(contents, found[0], _typed(bump.text, found[0].value), f"values.{key}")


def _own_first(
    application: Application, paths: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files of an application's own folder, whose patches decide, and those elsewhere."""
    own = tuple(
        path for path in paths if application.path == "." or path.startswith(f"{application.path}/")
    )
    return own, tuple(path for path in paths if path not in own)


def _typed(text: str, old: object) -> object:
    """What the words of a command line mean where `old` stands: text where text was."""
    if isinstance(old, str):
        return text
    try:
        value = load_document(text.encode())
    except ManifestError:
        return text
    return text if isinstance(value, dict | list) else value


def _with(
    contents: dict[str, bytes], scalar: Scalar, value: object, what: str
) -> tuple[dict[str, bytes], list[Edit]]:
    edited = {**contents, scalar.path: replaced(contents[scalar.path], scalar, value)}
    edit = Edit(what=what, before=str(scalar.value), after=str(value), where=scalar.place)
    return edited, [edit]


def _ambiguous(
    what: str, places: Iterable[str], *, remedy: str | None = None
) -> ConfigurationError:
    named = list(places)
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ConfigurationError(
        f"{what}: {', '.join(named[:_MOST_NAMED])}{more}",
        remedy=remedy or "edit the one that is meant by hand, and open the change request for that",
    )


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."
