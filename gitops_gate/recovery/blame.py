"""Which step of a branch brought a rendered value into the cluster.

    tip ──walk first parents, newest to oldest──> steps that touch the application
        ──render both sides──> the first step across which the value differs

Every step that matters is looked at in turn: a value that changed and changed back would mislead a
search by halves. What is compared is what the cluster gets, so a step is found too that changed a
base, a values file or a component far away from the application.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gitops_gate.changes import compare, pair
from gitops_gate.changes.limits import bounded_fields
from gitops_gate.changes.values import FieldChange, Operation, Pair, ResourceChange
from gitops_gate.errors import ConfigurationError, RenderError, SourceError
from gitops_gate.findings import FieldPath
from gitops_gate.recovery.blame_history import NOTHING, History, Place, Rendering, Step
from gitops_gate.recovery.blame_selecting import (
    ResourceSelector,
    chosen_resource,
    stable_path,
    value_at,
)
from gitops_gate.reports.wording import path_text, plural
from gitops_gate.resources.canonical import canonical
from gitops_gate.resources.digests import without_volatile
from gitops_gate.resources.plain import text_of
from gitops_gate.resources.redact import redact, redact_pair
from gitops_gate.resources.values import Resource, ResourceReference
from gitops_gate.source.commits import CommitFacts

if TYPE_CHECKING:
    from gitops_gate.pipeline import Options
    from gitops_gate.source import Repository


class Answer(StrEnum):
    """What a walk came to: the step; nothing within the limit; or that it cannot be known."""

    FOUND = "found"
    OLDER = "older"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: an application, a resource of it or all, a field of it or all."""

    application: str
    resource: ResourceSelector | None = None
    field: FieldPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The answer, redacted as reports are.

    `resource` is the one that was asked about, as it is called at the tip.
    `steps` are empty unless it is found: usually one, and the newest first; several where what lies
    between them cannot be rendered, so that any of them may be it. `changes` are what they did:
    with a field asked for, one change with that field. `value` is the field's at the tip.
    `moved_from` is what the application was called before the step, where it moved in it.
    `seen` and `rendered` count steps and renders; `reason` says why it is unknown.
    """

    application: str
    resource: ResourceReference | None
    field: FieldPath
    answer: Answer
    tip: CommitFacts
    steps: tuple[CommitFacts, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    value: Any = None
    moved_from: str | None = None
    seen: int
    rendered: int
    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """What is looked for at the newer side of a step. `reference` is None where it is not there."""

    application: str
    selector: ResourceSelector | None
    reference: ResourceReference | None
    field: FieldPath
    patterns: tuple[str, ...]

    def changes(self, before: Rendering, after: Rendering) -> tuple[ResourceChange, ...]:
        """What differs between two renderings of what is watched."""
        pairs = self._pairs(before, after)
        if self.field:
            found = (self._field_change(each, before, after) for each in pairs)
            return tuple(change for change in found if change is not None)
        return compare(
            self.application,
            before.resources,
            after.resources,
            redact=self.patterns,
            volatile=(before.volatile, after.volatile),
            pairs=pairs,
        )

    def earlier(self, before: Rendering, after: Rendering) -> _Watched:
        """What is looked for in the next older step: generated names change with their content."""
        pairs = self._pairs(before, after) if self.reference is not None else ()
        older = next((each.base for each in pairs if each.base is not None), None)
        return replace(self, reference=older.reference) if older and self.selector else self

    def value(self, rendering: Rendering) -> Any:
        """The field's value as it may be shown."""
        found = [r for r in rendering.resources if r.reference == self.reference]
        if not found or not self.field:
            return None
        return value_at(redact(_normal(found[0], rendering), self.patterns), self.field)

    def _pairs(self, before: Rendering, after: Rendering) -> Sequence[Pair]:
        every = pair(before.resources, after.resources)
        if self.selector is None:
            return every
        if self.reference is None:
            gone = (each for each in every if each.head is None and each.base is not None)
            matching = self.selector.matches
            return [each for each in gone if each.base and matching(each.base.reference)]
        return [
            each for each in every if each.head is not None and each.head.key == self.reference.key
        ]

    def _field_change(
        self, paired: Pair, before: Rendering, after: Rendering
    ) -> ResourceChange | None:
        base = _normal(paired.base, before) if paired.base else None
        head = _normal(paired.head, after) if paired.head else None
        if text_of(value_at(base, self.field)) == text_of(value_at(head, self.field)):
            return None
        shown = redact_pair(base, head, self.patterns)
        field = FieldChange(
            path=self.field,
            base=value_at(shown.base, self.field),
            head=value_at(shown.head, self.field),
        )
        kept = bounded_fields([field])
        resource = paired.head or paired.base
        assert resource is not None
        moved = paired.base is not None and paired.base.key != resource.key
        return ResourceChange(
            application=self.application,
            operation=_operation(paired),
            resource=resource.reference,
            previous=paired.base.reference if paired.base is not None and moved else None,
            fields=kept.kept,
            redacted=shown.hidden,
            omitted=kept.omitted,
        )


def _operation(paired: Pair) -> Operation:
    if paired.base is None:
        return Operation.ADDED
    return Operation.REMOVED if paired.head is None else Operation.MODIFIED


def _normal(resource: Resource, rendering: Rendering) -> dict[str, Any]:
    """The normal form, with a fixed text for what differs between two renders."""
    reference = resource.reference
    name = (reference.api_version, reference.kind, reference.namespace, reference.name)
    paths = [each.field for each in rendering.volatile if each.resource == name and each.field]
    return canonical(without_volatile(resource.value, paths))


def blame(
    repository: Repository,
    question: Question,
    options: Options,
    *,
    revision: str = "HEAD",
    limit: int = 1000,
) -> Blame:
    """The newest step of a revision's first-parent history that changed what is asked about.

    At most `limit` steps are walked. Each commit is rendered by its own configuration, with the
    programs that the tip's names. Raises `ConfigurationError` for an application, resource or field
    that is not there, `RenderError` when the tip cannot be rendered, `SourceError` for the
    revision.
    """
    history = History(repository, options)
    tip = history.tip(question.application, revision)
    rendering = history.rendering(tip)
    if rendering.problem is not None:
        raise RenderError(f"{question.application}: {rendering.problem}")
    watched = _watched(question, rendering, tip)
    for thorough in (False, True):
        walk = _Walk(history, watched, tip, rendering, thorough=thorough)
        found = walk.run(limit, options.stage("walking history"))
        if found is not None:
            return found
    raise AssertionError("a thorough walk takes no shortcut")


def _watched(question: Question, rendering: Rendering, tip: Place) -> _Watched:
    patterns, references = tip.settings.redact, [r.reference for r in rendering.resources]
    selector, field = question.resource, question.field
    reference = None
    if selector is not None:
        reference = chosen_resource(selector, references, question.application)
    elif field:
        reference = _only_one_with(field, rendering, question.application)
        selector = _selector_of(reference)
    for resource in rendering.resources:
        if field and resource.reference == reference:
            field = stable_path(resource.value, canonical(resource.value), field)
    return _Watched(
        application=question.application,
        selector=selector,
        reference=reference,
        field=field,
        patterns=patterns,
    )


def _only_one_with(field: FieldPath, rendering: Rendering, application: str) -> ResourceReference:
    having = {}
    for resource in rendering.resources:
        normal = canonical(resource.value)
        if value_at(normal, stable_path(resource.value, normal, field)) is not None:
            having[resource.reference] = f"{resource.reference.kind}/{resource.reference.name}"
    if len(having) != 1:
        names = ", ".join(sorted(having.values())[:10])
        raise ConfigurationError(
            f"{plural(len(having), 'resource')} of {application} have the field "
            f"{path_text(field)}{': ' if names else ''}{names}",
            remedy="say which resource: --resource KIND/NAME",
        )
    return next(iter(having))


def _selector_of(reference: ResourceReference) -> ResourceSelector:
    key = reference.key
    return ResourceSelector(kind=key.kind, group=key.group, namespace=key.namespace, name=key.name)


class _Walk:
    """One walk from the tip; `run` gives None when a shortcut on the way turns out to be wrong."""

    def __init__(
        self,
        history: History,
        watched: _Watched,
        tip: Place,
        rendering: Rendering,
        *,
        thorough: bool,
    ) -> None:
        self._history = history
        self._watched = watched
        self._tip = tip
        self._place = tip
        self._known = rendering
        self._good = tip.side
        self._resource = watched.reference
        self._value = watched.value(rendering)
        self._unsure: list[CommitFacts] = []
        self._seen = 0
        self._thorough = thorough

    def run(self, limit: int, tell: Callable[[int, int], None]) -> Blame | None:
        """Walk at most `limit` steps."""
        while self._seen < limit:
            tell(self._seen, limit)
            if not self._place.commit.parents:
                return self._ended() if self._agrees(self._history.here(self._place)) else None
            try:
                also = self._good if self._unsure else None
                step = self._history.before(self._place, thorough=self._thorough, also=also)
            except SourceError as error:
                return self._unknown(error)
            self._seen += 1
            if step.touched:
                before = self._history.rendering(step.before)
                changes = () if before.problem else self._watched.changes(before, self._known)
                if changes:
                    return self._found(changes, step) if self._agrees(step.after) else None
                self._go_on(step, before)
                if before is NOTHING:
                    return self._never()
            self._place = step.before
        return self._older() if self._agrees(self._history.here(self._place)) else None

    def _go_on(self, step: Step, before: Rendering) -> None:
        """Nothing differs across the step, or nobody can know whether it does."""
        if before.problem is not None:
            self._unsure.append(step.after.commit)
            return
        self._watched = self._watched.earlier(before, self._known)
        self._known, self._good, self._unsure = before, step.before.side, []

    def _agrees(self, place: Place) -> bool:
        """Whether what is known is what the place renders to, so that no step was missed."""
        if self._thorough or self._unsure:
            return True
        rendering = self._history.rendering(place)
        return rendering.problem is not None or not self._watched.changes(rendering, self._known)

    def _ended(self) -> Blame:
        """The first commit of the history brought everything that is in it."""
        changes = self._watched.changes(NOTHING, self._known)
        if not changes:
            return self._never()
        steps = (*self._unsure, self._place.commit)
        return self._answer(Answer.FOUND, steps=steps, changes=changes)

    def _found(self, changes: tuple[ResourceChange, ...], step: Step) -> Blame:
        moved = step.before.name if step.before.name != step.after.name else None
        steps = (*self._unsure, step.after.commit)
        return self._answer(Answer.FOUND, steps=steps, changes=changes, moved_from=moved)

    def _older(self) -> Blame:
        if self._watched.selector is not None and self._watched.reference is None:
            return self._never()
        return self._answer(
            Answer.OLDER,
            reason=f"not changed in the newest {plural(self._seen, 'step')}",
            remedy="look further back: --limit N",
        )

    def _unknown(self, error: SourceError) -> Blame:
        return self._answer(
            Answer.UNKNOWN,
            reason=f"nothing is known before {self._place.commit.commit}: {error.message}",
            remedy=self._history.remedy or error.remedy,
        )

    def _never(self) -> Blame:
        selector, field = self._watched.selector, self._watched.field
        what = f"{selector.kind} {selector.name}" if selector else "anything of it"
        if field and self._watched.reference is not None:
            what = f"the field {path_text(field)} of {what}"
        raise ConfigurationError(
            f"{self._tip.name}: {what} was never there, in {plural(self._seen, 'step')} of history",
            remedy="gitops-gate render shows what is there now",
        )

    def _answer(
        self, answer: Answer, *, changes: tuple[ResourceChange, ...] = (), **more: Any
    ) -> Blame:
        resource = self._resource
        if resource is None and self._watched.selector is not None and changes:
            resource = changes[0].resource
        return Blame(
            application=self._tip.name,
            resource=resource,
            changes=changes,
            field=self._watched.field,
            answer=answer,
            tip=self._tip.commit,
            value=self._value,
            seen=self._seen,
            rendered=self._history.rendered,
            **more,
        )
