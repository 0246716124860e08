"""Changes as the page shows them: by the applications that they are in, the grave ones first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from gitops_gate.changes.values import FieldChange, Operation
from gitops_gate.reports import wording
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.grouping import ChangeGroup, Overview
from gitops_gate.reports.html.anchors import change_anchor, distinct
from gitops_gate.reports.html.diffs import changed_words, diff_html, diff_lines, marked
from gitops_gate.reports.html.facets import Facets

_MOST_FIELDS = 6
_MOST_OPEN_LINES = 160
"""Lines of diff that may be open when the page is: more is for the reader to ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A changed field; a side is None where the field does not exist."""

    path: str
    base: Markup | None
    head: Markup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCard:
    """One change. `anchors` has one name for each member of the group; `brief` are its fields."""

    group: ChangeGroup
    anchors: tuple[str, ...]
    attributes: Markup
    sign: str
    grave: tuple[str, ...]
    other: tuple[str, ...]
    brief: tuple[str, ...]
    fields: tuple[FieldRow, ...]
    diff: Markup
    opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePart:
    """The changes that are in the same applications."""

    applications: tuple[str, ...]
    environments: tuple[str, ...]
    signs: str
    cards: tuple[ChangeCard, ...]


def changes_in(overview: Overview, facets: Facets) -> tuple[ChangePart, ...]:
    """The changes of a report, ready to be shown; labels and definitions come last."""
    groups = overview.changes
    anchors = iter(distinct(change_anchor(c) for group in groups for c in group.members))
    lines = [diff_lines(group.change.diff) for group in groups]
    opened = sum(map(len, lines)) <= _MOST_OPEN_LINES
    by_application: dict[tuple[str, ...], list[ChangeCard]] = {}
    for group, diff in zip(groups, lines, strict=True):
        ids = tuple(next(anchors) for _ in group.members)
        card = _card(group, overview, facets, ids, diff, opened=opened and not group.minor)
        by_application.setdefault(group.applications, []).append(card)
    parts = [_part(names, cards, overview) for names, cards in by_application.items()]
    return tuple(sorted(parts, key=_weight))


def signs(operations: Counter[Operation]) -> str:
    """`+2 ~1 −1`, without zeros."""
    return " ".join(
        f"{wording.OPERATION_SIGNS[operation]}{operations[operation]:,}"
        for operation in (Operation.ADDED, Operation.MODIFIED, Operation.REMOVED)
        if operations[operation]
    )


def _weight(part: ChangePart) -> int:
    if any(card.grave for card in part.cards):
        return 0
    return 2 if all(card.group.minor for card in part.cards) else 1


def _part(names: tuple[str, ...], cards: Sequence[ChangeCard], overview: Overview) -> ChangePart:
    known = overview.environments
    counted = Counter(card.group.change.operation for card in cards)
    return ChangePart(
        applications=names,
        environments=tuple(dict.fromkeys(known[name] for name in names if name in known)),
        signs=signs(counted),
        cards=tuple(sorted(cards, key=lambda card: (not card.grave, card.group.minor))),
    )


def _card(
    group: ChangeGroup,
    overview: Overview,
    facets: Facets,
    anchors: tuple[str, ...],
    lines: Sequence[str],
    *,
    opened: bool,
) -> ChangeCard:
    change = group.change
    known = overview.environments
    modified = change.operation is Operation.MODIFIED
    return ChangeCard(
        group=group,
        anchors=anchors,
        attributes=facets.attributes(
            operation=[change.operation.value],
            risk=change.risk,
            environment=dict.fromkeys(known.get(name) for name in group.applications),
            application=group.applications,
            kind=[change.resource.kind],
        ),
        sign=wording.OPERATION_SIGNS[change.operation],
        grave=tuple(label for label in change.risk if label in wording.GRAVE_RISKS),
        other=tuple(label for label in change.risk if label not in wording.GRAVE_RISKS),
        brief=tuple(wording.field_texts(change, _MOST_FIELDS)) if modified else (),
        fields=tuple(_field(field) for field in change.fields),
        diff=diff_html(lines),
        opened=opened,
    )


def _field(field: FieldChange) -> FieldRow:
    base, head = (None if side is None else _value(side) for side in (field.base, field.head))
    path = wording.path_text(field.path)
    if base is None or head is None:
        one, two = (None if side is None else marked(side, ()) for side in (base, head))
        return FieldRow(path=path, base=one, head=two)
    before, after = changed_words(base, head)
    return FieldRow(path=path, base=before, head=after)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return visible(value) if value.strip() and "\n" in value else visible(_quoted(value))
    return visible(json.dumps(value, ensure_ascii=False, default=_plain))


def _quoted(value: str) -> str:
    return wording.value_text(value, len(value) + _MOST_FIELDS + len(json.dumps(value)))


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else list(value)
