"""Findings as the page shows them: by what they ask of the reader, then by rule.

    what must be fixed · what else is new · (folded) what a waiver accepts · (folded) what is older

A rule's remedy and its documentation stand once, where they are the same for all its findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from gitops_gate.findings import Finding, Severity
from gitops_gate.reports import wording
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.grouping import FindingGroup, Overview, group_findings
from gitops_gate.reports.html.anchors import distinct, finding_anchor
from gitops_gate.reports.html.diffs import marked
from gitops_gate.reports.html.facets import Facets
from gitops_gate.reports.links import safe_link, source_link
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.text_findings import caret
from gitops_gate.verdict.values import RulesEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One finding of the report among those that a card stands for."""

    anchor: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCard:
    """One defect. `remediation`, `suggestions` and `links` are what its findings give, once."""

    group: FindingGroup
    states: tuple[str, ...]
    members: tuple[Member, ...]
    attributes: Markup
    where: str
    place: str
    source: str | None
    excerpt: Markup | None
    remediation: tuple[str, ...]
    suggestions: tuple[str, ...]
    links: tuple[str, ...]
    others: tuple[str, ...]
    """Documentation addresses that are no safe links: shown as text."""

    @property
    def listed(self) -> bool:
        """Whether there is more to tell than a rule's findings may share."""
        return bool(self.suggestions or self.others or self.group.finding.waiver)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBlock:
    """The findings of one rule; `remediation` and `links` are those that all of them share."""

    rule: str
    severity: Severity
    remediation: tuple[str, ...]
    links: tuple[str, ...]
    cards: tuple[FindingCard, ...]

    @property
    def shared(self) -> bool:
        """Whether the remedy stands above the findings: with one alone, it stands below it."""
        return bool(self.remediation) and len(self.cards) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPart:
    """Findings that ask the same of a reader. `count` is of findings, not of cards."""

    id: str
    title: str
    folded: bool
    count: int
    blocks: tuple[RuleBlock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All findings of a report, and those of a change to the rules."""

    parts: tuple[FindingPart, ...]
    effect: tuple[FindingPart, ...]


def found_in(overview: Overview, facets: Facets, context: ReviewContext | None) -> Found:
    """The findings of a report, ready to be shown."""
    groups = overview.groups
    effect = overview.report.rules_effect
    newly, no_longer = _effect_groups(overview, effect)
    every = [*groups, *newly, *no_longer]
    anchors = iter(distinct(finding_anchor(f) for group in every for f in group.members))
    names = [tuple(next(anchors) for _ in group.members) for group in every]
    cards = [
        _card(group, overview, facets, context, states=states, anchors=ids)
        for group, states, ids in zip(
            every,
            [
                *(states_of(group, overview) for group in groups),
                *[("newly-denied",)] * len(newly),
                *[("no-longer-denied",)] * len(no_longer),
            ],
            names,
            strict=True,
        )
    ]
    return Found(parts=_parts(cards, overview), effect=_effect_parts(cards))


def states_of(group: FindingGroup, overview: Overview) -> tuple[str, ...]:
    """What a finding is to the verdict: `("blocking", "introduced")`, `("waived",)`."""
    if group.finding.waiver is not None:
        return ("waived",)
    age = () if overview.scanned else ("introduced" if group.finding.introduced else "older",)
    return ("blocking", *age) if group.blocking else age or ("introduced",)


def _effect_groups(
    overview: Overview, effect: RulesEffect | None
) -> tuple[list[FindingGroup], list[FindingGroup]]:
    if effect is None:
        return [], []
    newly, no_longer = (
        group_findings(replace(overview.report, findings=found))
        for found in (effect.newly_denied, effect.no_longer_denied)
    )
    return newly, no_longer


def _parts(cards: Sequence[FindingCard], overview: Overview) -> tuple[FindingPart, ...]:
    new = "Also found" if overview.scanned else "Also introduced, without blocking"
    blocking = "Worth a look first" if overview.advisory else "Must be fixed"
    made = (
        _part("blocking", blocking, [c for c in cards if "blocking" in c.states]),
        _part("introduced", new, [c for c in cards if c.states == ("introduced",)]),
        _part("waived", "Waived", [c for c in cards if c.states == ("waived",)], folded=True),
        _part(
            "older",
            "Older: the base has these too",
            [c for c in cards if c.states == ("older",)],
            folded=True,
        ),
    )
    return tuple(part for part in made if part.blocks)


def _effect_parts(cards: Sequence[FindingCard]) -> tuple[FindingPart, ...]:
    made = (
        _part(state, title, [c for c in cards if c.states == (state,)], folded=True)
        for state, title in (
            ("newly-denied", "Newly denied"),
            ("no-longer-denied", "No longer denied"),
        )
    )
    return tuple(part for part in made if part.blocks)


def _part(
    name: str, title: str, cards: Sequence[FindingCard], *, folded: bool = False
) -> FindingPart:
    rules: dict[tuple[str, Severity], list[FindingCard]] = {}
    for card in cards:
        finding = card.group.finding
        rules.setdefault((finding.rule, finding.severity), []).append(card)
    return FindingPart(
        id=name,
        title=title,
        folded=folded,
        count=sum(card.group.count for card in cards),
        blocks=tuple(
            _block(rule, severity, tuple(same)) for (rule, severity), same in rules.items()
        ),
    )


def _block(rule: str, severity: Severity, cards: tuple[FindingCard, ...]) -> RuleBlock:
    remedies = {card.remediation for card in cards}
    links = {card.links for card in cards}
    return RuleBlock(
        rule=rule,
        severity=severity,
        remediation=remedies.pop() if len(remedies) == 1 else (),
        links=links.pop() if len(links) == 1 else (),
        cards=cards,
    )


def _card(
    group: FindingGroup,
    overview: Overview,
    facets: Facets,
    context: ReviewContext | None,
    *,
    states: tuple[str, ...],
    anchors: tuple[str, ...],
) -> FindingCard:
    finding = group.finding
    known = overview.environments
    documents = _distinct(member.documentation for member in group.members)
    return FindingCard(
        group=group,
        states=states,
        members=tuple(
            Member(anchor=anchor, finding=member)
            for anchor, member in zip(anchors, group.members, strict=True)
        ),
        attributes=facets.attributes(
            severity=[finding.severity.value],
            state=states,
            rule=[finding.rule],
            environment=dict.fromkeys(known.get(name) for name in group.applications),
            application=group.applications,
            kind=[finding.resource.kind] if finding.resource else [],
        ),
        where=_where(group),
        place=wording.place(finding),
        source=source_link(context.blob_url, finding.location)
        if context and finding.location
        else None,
        excerpt=_excerpt(finding, overview),
        remediation=_distinct(member.remediation for member in group.members),
        suggestions=_distinct(member.suggestion for member in group.members),
        links=tuple(link for link in documents if safe_link(link)),
        others=tuple(link for link in documents if not safe_link(link)),
    )


def _where(group: FindingGroup) -> str:
    """`Deployment shop/web in apps/shop`, `StatefulSet redis in 12 applications`."""
    resource, names = group.finding.resource, group.applications
    if len(group.members) == 1:
        what = str(resource) if resource else ""
    else:
        what = f"{resource.kind} {resource.name}" if resource else ""
    extent = names[0] if len(names) == 1 else wording.plural(len(names), "application")
    if not names:
        return what or "Details"
    return f"{what} in {extent}" if what else f"In {extent}"


def _excerpt(finding: Finding, overview: Overview) -> Markup | None:
    """The source line; what the finding is about is marked."""
    location = finding.location
    text = location and overview.report.excerpts.get(f"{location.path}:{location.line}")
    if location is None or not text:
        return None
    begin = location.column - 1
    length = caret(text, location.column)[1]
    if not length:
        return marked(visible(text).strip(), ())
    before, word, after = (
        visible(part)
        for part in (text[:begin], text[begin : begin + length], text[begin + length :])
    )
    before = before.lstrip()
    return marked(f"{before}{word}{after.rstrip()}", ((len(before), len(before) + len(word)),))


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
