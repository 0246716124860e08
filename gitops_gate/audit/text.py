"""The audit for a terminal: holes, the worst first, then what is unknown, then what is fine."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.values import Audit, Level, Outcome, State
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.wording import plural

_WIDTH = 100
_HEADINGS = {Level.ERROR: "Errors", Level.WARNING: "Warnings", Level.NOTE: "Notes"}
_CONCLUSIONS = {
    0: "Nothing was found that lets a change pass the gate by.",
    1: "The gate can be passed by: close the errors and warnings above.",
    2: "It is not known whether the gate can be passed by: see what could not be read.",
}
_LONGEST = 600


def text_report(audit: Audit, *, quiet: bool = False) -> str:
    """The audit as text. With `quiet`, without what is fine."""
    lines = [f"{one_line(audit.repository)} on {audit.web_url}"]
    lines += [f"branches: {', '.join(map(one_line, audit.branches)) or 'none'}"]
    holes, unknown, fine = (audit.of(state) for state in (State.HOLE, State.UNKNOWN, State.FINE))
    for level in Level:
        lines += _section(_HEADINGS[level], [one for one in holes if one.level is level], audit)
    lines += _unknown(unknown)
    if not quiet:
        lines += _fine(fine)
    lines += ["", _counts(holes, unknown, fine), _CONCLUSIONS[audit.exit_code]]
    return "\n".join(lines) + "\n"


def _section(heading: str, outcomes: Sequence[Outcome], audit: Audit) -> Iterator[str]:
    """One level's holes. Those of one kind are together, so that the remedy is said once."""
    if not outcomes:
        return
    yield from ("", heading)
    for name in dict.fromkeys(outcome.id for outcome in outcomes):
        entry = CATALOGUE[name]
        remedy = entry.remedies[audit.kind]
        yield from ("", f"  {entry.title}  [{name}]")
        for outcome in outcomes:
            if outcome.id == name:
                yield from _wrapped(f"{_place(outcome)}: {_said(outcome)}", "    - ")
        yield from _wrapped(entry.threat, "    risk   ")
        yield from _wrapped(remedy.menu, "    close  ")
        yield from _wrapped(remedy.api, "    set    ")


def _unknown(outcomes: Sequence[Outcome]) -> Iterator[str]:
    if not outcomes:
        return
    yield from ("", "Unknown: not fine, but not read")
    for needs in dict.fromkeys(outcome.needs for outcome in outcomes):
        yield ""
        for outcome in outcomes:
            if outcome.needs == needs:
                mark = "" if outcome.level.counts else " (a note)"
                said = f"{_place(outcome)}: {_said(outcome)}  [{outcome.id}]{mark}"
                yield from _wrapped(said, "  - ")
        yield from _wrapped(str(needs), "    needs  ")


def _fine(outcomes: Sequence[Outcome]) -> Iterator[str]:
    if not outcomes:
        return
    yield from ("", "Fine", "")
    for outcome in outcomes:
        yield from _wrapped(f"{_place(outcome)}: {_said(outcome)}", "  - ")


def _counts(*groups: Sequence[Outcome]) -> str:
    holes, unknown, fine = groups
    words = [plural(sum(1 for one in holes if one.level is level), level.value) for level in Level]
    return f"{', '.join(words)}, {len(unknown)} unknown, {len(fine)} fine"


def _place(outcome: Outcome) -> str:
    if outcome.subject is None:
        return "repository"
    return one_line(outcome.subject.removeprefix("refs/heads/"))


def _said(outcome: Outcome) -> str:
    return one_line(outcome.message, _LONGEST)


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
