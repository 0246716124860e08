"""`approvals` and `freezes` of a configuration that its schema accepted -> settings.

`approval_problems` finds what the schema cannot say; the loaders expect that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.config.approval_settings import (
    ApprovalRule,
    ApprovalSettings,
    Freeze,
    Require,
    Unless,
    When,
)
from gitops_gate.config.durations import long_seconds
from gitops_gate.config.times import moment
from gitops_gate.config.wording import Problem


def load_approvals(content: Mapping[str, Any]) -> ApprovalSettings:
    """The settings of `approvals`; what is not said has its default."""
    given = {key: content[key] for key in _PLAIN if key in content}
    return ApprovalSettings(
        **given,
        bots_may_approve=tuple(content.get("bots_may_approve", ())),
        rules=tuple(map(_rule, content.get("rules", ()))),
        override_teams=tuple(content.get("override", {}).get("teams", ())),
    )


def load_freezes(content: Sequence[Mapping[str, Any]]) -> tuple[Freeze, ...]:
    """The settings of `freezes`, in the order of the file."""
    return tuple(map(_freeze, content))


def approval_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `approvals` and `freezes` of a whole configuration, beyond the schema."""
    rules = value.get("approvals", {}).get("rules", ())
    yield from _repeated(rules, ("approvals", "rules"), "another rule has this name")
    freezes = value.get("freezes", ())
    yield from _repeated(freezes, ("freezes",), "another freeze has this name")
    for number, freeze in enumerate(freezes):
        message = _wrong_time(freeze)
        if message is not None:
            text = f"`freezes[{number}]`: {message}"
            yield Problem(field=("freezes", number), message=text)


_PLAIN = ("bind", "codeowners", "contributors_may_approve")


def _rule(content: Mapping[str, Any]) -> ApprovalRule:
    when = {key: tuple(map(str, values)) for key, values in content.get("when", {}).items()}
    return ApprovalRule(
        name=content["name"], when=When(**when), require=_require(content.get("require", {}))
    )


def _require(content: Mapping[str, Any]) -> Require:
    return Require(
        count=content.get("count", Require().count),
        teams=tuple(content.get("teams", ())),
        users=tuple(map(str, content.get("users", ()))),
        permission=content.get("permission"),
    )


def _freeze(content: Mapping[str, Any]) -> Freeze:
    unless = content.get("unless")
    return Freeze(
        name=content["name"],
        start=moment(content["from"]) if "from" in content else None,
        end=moment(content["until"]) if "until" in content else None,
        schedule=content.get("schedule"),
        duration=long_seconds(content["duration"]) if "duration" in content else None,
        timezone=content.get("timezone", "UTC"),
        environments=tuple(content.get("environments", ())),
        unless=unless
        and Unless(labels=tuple(unless["labels"]), require=_require(unless.get("require", {}))),
    )


def _repeated(
    entries: Sequence[Mapping[str, Any]], field: tuple[str, ...], message: str
) -> Iterator[Problem]:
    names: set[str] = set()
    for number, entry in enumerate(entries):
        if entry["name"] in names:
            where = f"`{'.'.join(field)}[{number}].name`"
            yield Problem(field=(*field, number, "name"), message=f"{where}: {message}")
        names.add(entry["name"])


def _wrong_time(freeze: Mapping[str, Any]) -> str | None:
    """What is wrong with when a freeze holds."""
    fixed = {"from", "until"} & freeze.keys()
    cron = {"schedule", "duration", "timezone"} & freeze.keys()
    if fixed and cron:
        return "it has either from and until, or schedule, duration and timezone"
    if cron and not {"schedule", "duration"} <= cron:
        return "a schedule has a duration, and a duration or time zone a schedule"
    if not cron and len(fixed) < 2:
        return "when it holds is missing: from and until, or schedule and duration"
    if fixed and moment(freeze["from"]) >= moment(freeze["until"]):
        return "it ends before it starts"
    return None
