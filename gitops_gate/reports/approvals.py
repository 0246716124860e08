"""The tree of approvals in words: the same phrases for a terminal, a comment, a page and a log.

    Report.approvals (plain data) ──branches──> every requirement, freeze and override, explained
                                  ──todo──────> who has to do what next
                                  ──standing──> "1 of 2 approvals missing", for the first line

Logins, names, reasons and messages in it are whatever somebody wrote, and a whole tree may have
been read from a stranger's report: each format escapes what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Tree = Mapping[str, Any]
Mark = Literal["met", "missing", "refused", "overridden", "note"]

SIGNS: Mapping[Mark, str] = {
    "met": "✓",
    "missing": "✗",
    "refused": "✗",
    "overridden": "!",
    "note": "·",
}
"""A character for each mark, the same in every terminal font."""

_MOST_NAMED = 10
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):(\d\d)Z")
_SUFFIXES = {"codeowners": " (CODEOWNERS)", "rules-change": " (the rules change)"}
_OWN_NAME = "a change to the rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of the tree, and what is under it. `name` comes before `text`, set apart."""

    mark: Mark = "note"
    name: str = ""
    text: str
    inner: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """What is missing for `name`, and who can give it."""

    name: str
    text: str


# ------------------------------------------------------------------------------- in one line


def standing(tree: Tree) -> str:
    """What is missing, `1 of 2 approvals missing, frozen until …`; "" where nothing is."""
    given, needed = counted(tree)
    parts = []
    if given < needed:
        verb = "approval" if needed == 1 else "approvals"
        parts.append(f"{needed - given:,} of {needed:,} {verb} missing")
    holding = [freeze for freeze in tree["freezes"] if freeze["holds"]]
    if holding:
        times = [freeze["opens_at"] for freeze in holding]
        known = sorted(time for time in times if time is not None)
        parts.append(
            f"frozen until {_moment(known[-1])}"
            if len(known) == len(times)
            else "frozen, and no end is in sight"
        )
    return ", ".join(parts)


def summary(tree: Tree) -> str:
    """What it all comes to, in a few words."""
    if any(reason["verdict"] == "indeterminate" for reason in tree["reasons"]):
        return "could not be read"
    return standing(tree) or ("overridden" if overridden(tree) else "nothing is missing")


def counted(tree: Tree) -> tuple[int, int]:
    """How many approvals there are of those that are needed, over all requirements."""
    asked = [each for each in _asked(tree) if not each["overridden"]]
    return (
        sum(each["needed"] - each["missing"] for each in asked),
        sum(each["needed"] for each in asked),
    )


def overridden(tree: Tree) -> bool:
    """Whether an override stands in for something that is missing."""
    return any(each["overridden"] for each in (*tree["requirements"], *tree["freezes"]))


def number_phrase(tree: Tree) -> str:
    """The figure among the numbers: `approvals 1 of 2`."""
    given, needed = counted(tree)
    if overridden(tree):
        return "approvals overridden"
    return f"approvals {given:,} of {needed:,}" if needed else "no approvals needed"


def _asked(tree: Tree) -> list[Mapping[str, Any]]:
    """Every requirement that counts, exceptions from freezes that somebody asked for included."""
    exceptions = [freeze["exception"] for freeze in tree["freezes"] if not freeze["overridden"]]
    every = [*tree["requirements"], *(each for each in exceptions if each is not None)]
    return [each for each in every if not each["optional"]]


# ------------------------------------------------------------------------------- what to do


def todo(tree: Tree) -> list[Todo]:
    """Who has to do what next, a line for each requirement and freeze that stands in the way."""
    lines = [
        Todo(name=_name(each), text=_wanted(each))
        for each in tree["requirements"]
        if not each["satisfied"]
    ]
    for freeze in tree["freezes"]:
        if freeze["holds"]:
            exception = freeze["exception"]
            if exception is not None:
                how = f"it may land before that with {_wanted(exception)}"
            elif freeze["labels"]:
                labels = _listed(freeze["labels"], " or ")
                how = f"it may land before that with the label {labels} and its own approvals"
            else:
                how = "nothing but an override lets it land before that"
            lines.append(Todo(name=freeze["name"], text=f"{_holds(freeze)}; {how}"))
    return lines


def _wanted(outcome: Mapping[str, Any]) -> str:
    """`1 more approval from sre: erin, or dave`, with what keeps that from being known."""
    missing = outcome["missing"]
    noun = "approval" if missing == 1 else "approvals"
    text = f"{missing:,} more {noun} from {_whom(outcome)}"
    able = _able(outcome)
    if able and able != _whom(outcome):
        text += f": {able} could give it"
    if outcome["unknown"]:
        text += f"; {_listed(outcome['unknown'])}"
    return text


def _able(outcome: Mapping[str, Any]) -> str:
    names = [*outcome["next"]]
    if outcome["next_more"]:
        return f"{', '.join(names)} and {outcome['next_more']:,} more"
    return _listed(names, " or ")


def _holds(freeze: Mapping[str, Any]) -> str:
    until = freeze["opens_at"]
    end = "no end is in sight" if until is None else f"it opens again at {_moment(until)}"
    return f"holds {_listed(freeze['applications'])}, {end}"


# ------------------------------------------------------------------------------- applications


def of_application(tree: Tree, name: str) -> list[tuple[Mark, str]]:
    """What is asked for because of one application: a mark and a few words for each of it."""
    mine = {f"application {name}", f"application {name} is treated differently"}
    found = [
        (_mark(each), f"{_share(each)} {_whom(each)}")
        for each in tree["requirements"]
        if not each["optional"] and not mine.isdisjoint(each["why"])
    ]
    for freeze in tree["freezes"]:
        if name in freeze["applications"]:
            until = freeze["opens_at"]
            words = "frozen" if until is None else f"frozen until {_moment(until)}"
            held: Mark = "missing" if freeze["holds"] else "met"
            found.append(("overridden" if freeze["overridden"] else held, words))
    return found


def _share(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['needed'] - outcome['missing']:,} of {outcome['needed']:,} from"


# ------------------------------------------------------------------------------- the whole tree


def branches(tree: Tree) -> tuple[Branch, ...]:
    """The whole tree: override, requirements, freezes, and what concerns all of them."""
    return (
        *_override(tree["override"], used=overridden(tree)),
        *(_requirement(each) for each in tree["requirements"]),
        *(_freeze(each) for each in tree["freezes"]),
        *_general(tree),
    )


def _requirement(outcome: Mapping[str, Any]) -> Branch:
    text = f"{_share(outcome)} {_whom(outcome)}"
    if outcome["optional"]:
        text += ", optional: nobody has to approve"
    elif outcome["overridden"]:
        text += f", {outcome['missing']:,} missing, replaced by the override"
    elif outcome["missing"]:
        text += f", {outcome['missing']:,} more needed"
    return Branch(
        mark=_mark(outcome), name=_name(outcome), text=text, inner=tuple(_explained(outcome))
    )


def _explained(outcome: Mapping[str, Any]) -> Iterator[Branch]:
    if outcome["why"]:
        yield Branch(text=f"because of {', '.join(outcome['why'])}")
    if outcome["by"]:
        yield Branch(mark="met", text=f"approved by {_people(outcome['by'])}")
    yield from _not_counted(outcome["not_counted"])
    if outcome["missing"] and not outcome["optional"]:
        if able := _able(outcome):
            yield Branch(text=f"could approve next: {able}")
        yield from (Branch(text=f"unknown: {each}") for each in outcome["unknown"])


def _not_counted(items: Iterable[Mapping[str, Any]]) -> Iterator[Branch]:
    for item in items:
        who, why = item["account"]["login"], item["message"]
        yield Branch(mark="refused", text=f"{who} does not count: {why} ({item['code']})")


def _freeze(freeze: Mapping[str, Any]) -> Branch:
    mark: Mark = "missing" if freeze["holds"] else "met"
    text = _holds(freeze)
    if freeze["overridden"]:
        mark, text = "overridden", f"{text}, ended by the override"
    elif not freeze["holds"]:
        text = f"{text}, and lets this change through"
    inner = []
    if freeze["labels"]:
        has = freeze["label"]
        labels = _listed(freeze["labels"], " or ")
        said = f"the change has {has}" if has is not None else "the change has none of them"
        inner.append(Branch(text=f"exception with the label {labels}: {said}"))
    if freeze["exception"] is not None:
        inner.append(_requirement(freeze["exception"]))
    return Branch(mark=mark, name=f"freeze {freeze['name']}", text=text, inner=tuple(inner))


def _override(override: Mapping[str, Any] | None, *, used: bool) -> Iterator[Branch]:
    if override is None:
        return
    inner = []
    for attempt in override["attempts"]:
        refusal = attempt["refusal"]
        text = f"{attempt['account']['login']} at {_moment(attempt['at'])}: {attempt['reason']}"
        text += "" if refusal is None else f" (does not hold: {refusal})"
        inner.append(Branch(mark="overridden" if refusal is None else "refused", text=text))
    mark: Mark = "note"
    text = "holds, and nothing needs it"
    if not override["holds"]:
        people = "person" if override["needed"] == 1 else "people"
        text, mark = f"does not hold: it takes {override['needed']:,} {people}", "refused"
    elif used:
        text, mark = "lets this change through without what is missing", "overridden"
    yield Branch(mark=mark, name="override", text=text, inner=tuple(inner))


def _general(tree: Tree) -> Iterator[Branch]:
    if not tree["requirements"]:
        yield Branch(mark="met", text="nothing asks for an approval")
    for line in tree["one_more"]:
        yield Branch(text=f"one more approval everywhere: {line}")
    yield from _not_counted(tree["not_counted"])
    yield from (Branch(text=f"unknown: {each}") for each in tree["unknown"])
    for reason in tree["reasons"]:
        if reason["verdict"] == "indeterminate":
            yield Branch(mark="refused", text=reason["message"])


def _mark(outcome: Mapping[str, Any]) -> Mark:
    if outcome["overridden"]:
        return "overridden"
    if outcome["optional"]:
        return "note"
    return "met" if outcome["satisfied"] else "missing"


def _name(outcome: Mapping[str, Any]) -> str:
    name: str = outcome["name"]
    return name if name == _OWN_NAME else f"{name}{_SUFFIXES.get(outcome['source'], '')}"


def _whom(outcome: Mapping[str, Any]) -> str:
    """Who is asked: people, teams and roles, or anybody."""
    permission = outcome["permission"]
    roles = [f"anybody with the permission {role}" for role in outcome["roles"]]
    named = [*outcome["users"], *outcome["teams"], *roles, *outcome["unresolved"]]
    if not named:
        return f"anybody with the permission {permission or 'write'}"
    least = f" with the permission {permission}" if permission is not None else ""
    return f"{_listed(named, ' or ')}{least}"


def _people(accounts: Sequence[Mapping[str, Any]]) -> str:
    return _listed([account["login"] for account in accounts])


def _listed(names: Sequence[str], last: str = " and ") -> str:
    """`a, b and c`; of many, the first and how many there are more."""
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED:,} more"
    return last.join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def _moment(text: str) -> str:
    """`2027-01-04 00:00 UTC`, with seconds only where there are any."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    seconds = "" if found[3] == "00" else f":{found[3]}"
    return f"{found[1]} {found[2]}{seconds} UTC"
