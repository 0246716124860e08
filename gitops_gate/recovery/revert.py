"""`gitops-gate revert`: the change request that brings back the state before a landed step.

It is an ordinary change: the same gate checks it, the same people approve it. Its text says what is
undone and why, and what the cluster gets compared with what it had, so that a reviewer in the
middle of an incident does not have to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.config.approval_settings import Freeze, Require
from gitops_gate.pipeline import Options
from gitops_gate.recovery.proposal import Proposal, Target, Wording, draft
from gitops_gate.recovery.restoring import Outcome, Restoration, Restored, restore
from gitops_gate.reports.escaping import markdown, markdown_code, markdown_sentence, one_line
from gitops_gate.reports.wording import plural
from gitops_gate.review.judging import rules_of
from gitops_gate.source.commits import CommitFacts

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_MOST_NAMED = 20
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """What is to be undone, why, and how it is called.

    `steps` are full commit ids, the newest first. `number` is the change request that they are,
    None where commits were named. `title` is None for one of our own.
    """

    steps: tuple[str, ...]
    reason: str = ""
    number: int | None = None
    title: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """A proposal that undoes steps, and the comparison that its text is made from."""

    proposal: Proposal
    restoration: Restoration


def revert(repository: Repository, target: Target, asked: Revert, options: Options) -> Reverted:
    """Undo steps on the tip of their branch; nothing is pushed.

    Raises `MergeConflictError` that names the files where later steps are in the way.
    """
    restoration = restore(repository, target, asked.steps, options)
    freezes = rules_of(repository, target.commit).rules.settings.freezes
    first = restoration.steps[0]
    called = _called(first, asked, len(restoration.steps))
    wording = Wording(
        what="revert " + " ".join(asked.steps),
        title=asked.title or f"Revert {called}",
        body="\n".join(_body(restoration, asked, freezes)) + "\n",
        short=f"revert-{first.commit[:_SHORT]}",
        reason=asked.reason,
        labels=asked.labels,
    )
    return Reverted(
        proposal=draft(repository, target, restoration.tree, wording), restoration=restoration
    )


def result_lines(restoration: Restoration) -> Iterator[str]:
    """The comparison for a terminal, a line each, safe to print."""
    before = restoration.before[:_SHORT]
    if restoration.unknown is not None:
        yield f"The rendered result could not be compared with {before}: " + one_line(
            restoration.unknown
        )
        return
    if not restoration.outcomes:
        yield "The reverted steps touch no application: nothing changes in a cluster."
        return
    yield f"The rendered result, compared with the state before ({before}):"
    for outcome in restoration.outcomes:
        name = one_line(outcome.application)
        yield f"  {name}  ({one_line(outcome.environment)})  {_result(outcome)}"
        for step in outcome.later[:_MOST_NAMED]:
            yield f"      {step.commit[:_SHORT]} {one_line(step.subject, 100)}"
    yield from (f"Warning: {one_line(warning)}" for warning in restoration.warnings)


def _called(first: CommitFacts, asked: Revert, count: int) -> str:
    """What the title names: the change request, the commit, or how many."""
    if asked.number is not None:
        return f"change request {asked.number}"
    if count > 1:
        return plural(count, "step")
    return f'"{one_line(first.subject, 80)}"' if first.subject else first.commit[:_SHORT]


def _body(restoration: Restoration, asked: Revert, freezes: Sequence[Freeze]) -> Iterator[str]:
    what = plural(len(restoration.steps), "step")
    if asked.number is not None:
        what = f"change request {asked.number} ({what})"
    yield f"Undoes {what}, and brings back the state before, {restoration.before}."
    yield ""
    if asked.reason:
        yield f"**Why:** {markdown_sentence(asked.reason)}"
        yield ""
    yield "| Undone | What it was |"
    yield "|---|---|"
    for step in restoration.steps[:_MOST_NAMED]:
        yield f"| {step.commit} | {markdown(step.subject, 100)} |"
    if len(restoration.steps) > _MOST_NAMED:
        yield f"| and {len(restoration.steps) - _MOST_NAMED} more | |"
    yield ""
    yield from _compared(restoration)
    yield ""
    yield "This change passes through the same gate as every other one, approvals included."
    yield from _hotfix(freezes, restoration.outcomes, asked.labels)


def _compared(restoration: Restoration) -> Iterator[str]:
    if restoration.unknown is not None:
        said = markdown_sentence(restoration.unknown, 500)
        yield f"⚠️ The rendered result could not be compared with the state before: {said}"
        return
    if not restoration.outcomes:
        yield "The undone steps touch no application: nothing changes in a cluster."
        return
    equal = sum(one.restored is Restored.EQUAL for one in restoration.outcomes)
    total = len(restoration.outcomes)
    yield f"**Rendered and compared with the state before:** {equal} of {total} equal."
    yield ""
    yield "| Application | Environment | Result |"
    yield "|---|---|---|"
    for outcome in restoration.outcomes:
        name = markdown_code(outcome.application, 200)
        cells = [name, markdown(outcome.environment, 60), _result(outcome, escape=True)]
        yield f"| {' | '.join(cells)} |"
    named = {step.commit: step for one in restoration.outcomes for step in one.later}
    if named:
        yield ""
        yield "Later changes that stay, and that make a difference:"
        yield ""
        for step in list(named.values())[:_MOST_NAMED]:
            yield f"- {step.commit} {markdown(step.subject, 100)}"
    for warning in restoration.warnings:
        yield ""
        yield f"⚠️ {markdown_sentence(warning, 500)}"


def _result(outcome: Outcome, *, escape: bool = False) -> str:
    if outcome.restored is Restored.EQUAL:
        return "equal"
    if outcome.restored is Restored.UNKNOWN:
        said = outcome.reason or "it was not evaluated"
        return f"unknown: {markdown_sentence(said, 300) if escape else one_line(said, 300)}"
    count = plural(outcome.resources, "resource")
    if not outcome.later:
        return f"differs in {count}"
    steps = ", ".join(step.commit[:_SHORT] for step in outcome.later[:3])
    more = f" and {len(outcome.later) - 3} more" if len(outcome.later) > 3 else ""
    shown = "" if escape else f" ({plural(len(outcome.later), 'step')})"
    because = f"later changes {steps}{more}" if escape else f"later changes{shown}:"
    return f"differs in {count}, because of {because}"


def _hotfix(
    freezes: Sequence[Freeze], outcomes: Iterable[Outcome], labels: Sequence[str]
) -> Iterator[str]:
    """Which freezes a label opens for this change, as the configuration has them."""
    environments = {outcome.environment for outcome in outcomes}
    lines = []
    for freeze in freezes:
        held = not freeze.environments or not environments.isdisjoint(freeze.environments)
        if not held or freeze.unless is None:
            continue
        names = " or ".join(markdown_code(label) for label in freeze.unless.labels)
        has = "has" if set(labels) & set(freeze.unless.labels) else "does not have"
        lines.append(
            f"- {markdown(freeze.name, 100)}: the label {names} ({has} it), and "
            f"{_required(freeze.unless.require)}"
        )
    if lines:
        yield ""
        yield "What lets it through a freeze:"
        yield ""
        yield from lines


def _required(require: Require) -> str:
    people = ", ".join(markdown(name) for name in (*require.teams, *require.users))
    return plural(require.count, "approval") + (f" of {people}" if people else "")
