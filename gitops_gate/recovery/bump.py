"""`gitops-gate bump`: the change request that brings another image, chart or value to a cluster.

    files ──edited──> tree ──render both──> what changes in the cluster ──as asked, and no more?

An application repository's pipeline asks for its deployment with it. What is edited is read back
from the rendered resources: a bump that changes nothing there, or something that nobody asked for,
is refused and says what.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
from gitops_gate.discovery import FactCache, discover
from gitops_gate.discovery.values import Application
from gitops_gate.errors import ConfigurationError, RenderError
from gitops_gate.pipeline import Options, compare
from gitops_gate.recovery.bumps import Bump, Edit, ImageBump
from gitops_gate.recovery.proposal import Proposal, Target, Wording, draft_edits
from gitops_gate.recovery.references import ImageReference, parse_reference, same_repository
from gitops_gate.recovery.versions import bumped
from gitops_gate.reports.escaping import markdown, markdown_code, markdown_sentence, one_line
from gitops_gate.reports.wording import field_texts, path_text, plural
from gitops_gate.review.judging import rules_of
from gitops_gate.source.values import Mode, Tree
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_YAML = (".yaml", ".yml", ".json", "Kustomization")
_NOT_RENDERED = ("render/", "yaml")
_MOST_NAMED = 10
_MOST_FIELDS = 4
_SHORT_DIGEST = len("sha256:") + 12


class NotAsAskedError(ConfigurationError):
    """The bump changes nothing in the cluster, or something that was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bumped:
    """A proposal that brings what was asked for, where it stands, and what it changes."""

    proposal: Proposal
    application: Application
    edits: tuple[Edit, ...]
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be bumped in which application, by its name, and how the proposal is called.

    `also` are other applications that may change as well, since they read the same files.
    """

    application: str
    bumps: tuple[Bump, ...]
    also: tuple[str, ...] = ()
    reason: str = ""
    title: str | None = None
    labels: tuple[str, ...] = ()


def bump(repository: Repository, target: Target, asked: Asked, options: Options) -> Bumped:
    """Edit an application's files on the tip of the branch; nothing is pushed.

    Raises `NotAsAskedError` when the rendered result does not change as asked, and only so,
    `ConfigurationError` when there is no place to edit, `RenderError` when it cannot be rendered.
    """
    tree = repository.revision(target.commit).tree
    deciding = rules_of(repository, target.commit)
    cache = FactCache(options.cache_folder) if options.cache_folder else None
    discovery = discover(tree, deciding.rules.settings, cache=cache)
    application = discovery.applications.get(asked.application)
    if application is None:
        raise _unknown(asked.application, discovery.applications)
    for name in asked.also:
        if name not in discovery.applications:
            raise _unknown(name, discovery.applications)
    contents = _contents(tree, discovery.closures[application.name].files)
    edited, edits = bumped(application, contents, asked.bumps)
    changed = {path: data for path, data in edited.items() if data != contents[path]}
    if not changed:
        places = ", ".join(dict.fromkeys(edit.where for edit in edits))
        raise NotAsAskedError(f"nothing changes: {places} says so already")
    first = draft_edits(repository, target, changed, _wording(asked, application, edits, ""))
    report = compare(
        repository.revision(target.commit), repository.revision(first.commit), deciding, options
    )
    require_asked(asked, edits, report)
    body = "\n".join(_body(asked, application, edits, report)) + "\n"
    wording = _wording(asked, application, edits, body)
    return Bumped(
        proposal=draft_edits(repository, target, changed, wording),
        application=application,
        edits=edits,
        report=report,
    )


def require_asked(asked: Asked, edits: Sequence[Edit], report: Report) -> None:
    """Raise `NotAsAskedError` unless the rendered result changes as asked, and no more than that.

    `RenderError` when something could not be rendered, so that it is not known.
    """
    for outcome in report.applications:
        if outcome.status is Status.FAILED or (outcome.affected and outcome.reason):
            raise _unrendered(outcome, report)
    changes = report.changes
    others = sorted({one.application for one in changes} - {asked.application, *asked.also})
    if others:
        raise NotAsAskedError(
            f"{plural(len(others), 'other application')} would change as well: {_some(others)}; "
            f"{_some(_places(edits))} is theirs too",
            remedy=f"say it in a file that only {asked.application} reads, or let them change: "
            "--also NAME",
        )
    if all(one.application != asked.application for one in changes):
        raise NotAsAskedError(
            f"nothing changes in the cluster: {_some(_places(edits))} has no effect on what "
            f"{asked.application} renders to",
            remedy=f"look for what overrides it: gitops-gate render {asked.application}",
        )
    images = [one for one in asked.bumps if isinstance(one, ImageBump)]
    if len(images) < len(asked.bumps):
        return
    unasked = [text for change in changes for text in _unasked(change, images, edits)]
    if unasked:
        raise NotAsAskedError(f"something else would change as well: {_some(unasked)}")
    for image in images:
        if not any(_is_asked(one, image, edits) for change in changes for one in change.fields):
            texts = [text for change in changes for text in field_texts(change, 2)]
            raise NotAsAskedError(f"no container gets {image.new}; what changes is {_some(texts)}")


def _unrendered(outcome: ApplicationOutcome, report: Report) -> RenderError:
    """Why an application is not known to change as asked, with the place at fault."""
    for finding in report.findings:
        place = finding.location
        if finding.application == outcome.name and finding.rule.startswith(_NOT_RENDERED) and place:
            return RenderError(
                f"{outcome.name}: {finding.message}",
                path=place.path,
                line=place.line or None,
                remedy=finding.remediation,
            )
    return RenderError(f"{outcome.name}: {outcome.reason or 'it was not evaluated'}")


def _unasked(
    change: ResourceChange, images: Sequence[ImageBump], edits: Sequence[Edit]
) -> Iterator[str]:
    """What a bump of images does to a resource beyond changing them."""
    if change.operation is not Operation.MODIFIED or change.omitted:
        yield f"{change.resource} is {change.operation.value}"
        return
    for field in change.fields:
        if not any(
            _is_asked(field, image, edits) or _follows(field, image, edits) for image in images
        ):
            yield f"{change.resource} {path_text(field.path)}"


def _is_asked(field: FieldChange, image: ImageBump, edits: Sequence[Edit]) -> bool:
    """Whether a field had an image of the old repository, or its version, and has the new one."""
    if not isinstance(field.base, str) or not isinstance(field.head, str):
        return False
    before, after = parse_reference(field.base), parse_reference(field.head)
    if before is not None and after is not None and same_repository(before.repository, image.old):
        same = same_repository(after.repository, image.new.repository)
        tags = (image.new.tag, None) if image.new.digest else (image.new.tag,)
        return same and after.digest == image.new.digest and after.tag in tags
    olds = {old for edit in edits if edit.image is not None for old in _versions(edit.image)}
    return field.base in olds and field.head in _versions(image.new)


def _follows(field: FieldChange, image: ImageBump, edits: Sequence[Edit]) -> bool:
    """Whether a field only repeats the version, as the label of a chart does."""
    if not isinstance(field.base, str) or not isinstance(field.head, str):
        return False
    return any(
        field.base.replace(old, new) == field.head
        for edit in edits
        if edit.image is not None
        for old in _versions(edit.image)
        for new in _versions(image.new)
    )


def _versions(image: ImageReference) -> tuple[str, ...]:
    """How the version of an image is written apart from its repository."""
    tag, digest = image.version
    return tuple(
        part for part in (f"{tag}@{digest}" if tag and digest else None, tag, digest) if part
    )


def _contents(tree: Tree, files: frozenset[str]) -> Mapping[str, bytes]:
    """The files of an application that may be edited: YAML, and no links."""
    return {
        path: tree.read(path)
        for path in sorted(files)
        if path.endswith(_YAML)
        and path in tree.entries
        and tree.entries[path].mode in (Mode.FILE, Mode.EXECUTABLE)
    }


def _unknown(name: str, known: Mapping[str, Application]) -> ConfigurationError:
    near = difflib.get_close_matches(name, known, 1)
    remedy = "gitops-gate render --list names them all"
    return ConfigurationError(
        f"{name}: no such application",
        remedy=f"did you mean {near[0]}? {remedy}" if near else remedy,
    )


def _wording(asked: Asked, application: Application, edits: Sequence[Edit], body: str) -> Wording:
    versions = ", ".join(dict.fromkeys(f"{edit.what} {edit.after}" for edit in edits))
    what = one_line(f"bump {application.name} to {versions}")
    digest = sha256(what.encode("utf-8", "replace")).hexdigest()
    words = re.findall(r"[A-Za-z0-9]+", application.name)
    slug = "-".join(words)[:60].lower() or "application"
    return Wording(
        what=what,
        title=asked.title or f"Bump {application.name}: {', '.join(_short(edits))}",
        body=body,
        short=f"bump-{slug}-{digest[:8]}",
        reason=asked.reason,
        labels=asked.labels,
    )


def _short(edits: Sequence[Edit]) -> list[str]:
    """The new versions as a title has them, each once: `web 1.4`, `values.replicas 5`."""
    texts = []
    for edit in edits:
        new = parse_reference(edit.after) if edit.image is not None else None
        if new is None:
            texts.append(f"{edit.what} {edit.after}")
        else:
            version = new.tag or str(new.digest)[:_SHORT_DIGEST]
            texts.append(f"{new.repository.rpartition('/')[2]} {version}")
    return list(dict.fromkeys(texts))


def _body(
    asked: Asked, application: Application, edits: Sequence[Edit], report: Report
) -> Iterator[str]:
    name = markdown_code(application.name, 200)
    yield f"Brings another version to {name} ({markdown(application.environment, 60)})."
    if asked.reason:
        yield ""
        yield f"**Why:** {markdown_sentence(asked.reason)}"
    yield ""
    yield "| What | Before | After | Where |"
    yield "|---|---|---|---|"
    for edit in edits:
        cells = (edit.what, edit.before, edit.after, edit.where)
        yield f"| {' | '.join(markdown_code(cell, 200) if cell else '' for cell in cells)} |"
    yield ""
    yield f"**In the cluster:** {plural(len(report.changes), 'resource')} would change."
    yield ""
    for change in report.changes[:_MOST_NAMED]:
        fields = "; ".join(markdown_code(text, 200) for text in field_texts(change, _MOST_FIELDS))
        yield f"- {change.operation.value} {markdown(str(change.resource), 200)}: {fields}"
    if len(report.changes) > _MOST_NAMED:
        yield f"- and {len(report.changes) - _MOST_NAMED} more"


def _places(edits: Sequence[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.where for edit in edits))


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return ", ".join(texts[:_MOST_NAMED]) + more
