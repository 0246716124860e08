"""Takes a recorded decision again, from Git and from what is recorded, and compares byte for byte.

    decision ──testimony──> witnesses ──landing_of, judged, whole──> the same decision, or refuted

Nothing is asked of a forge. What the clone does not have, or a tool of another version, leaves the
decision unverified, which is something else than refuted.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast, get_args

from gitops_gate.attestations.values import Decision, Entry
from gitops_gate.config.delivery_settings import delivery_targets
from gitops_gate.delivery.hydrated import hydrated_commit
from gitops_gate.delivery.judging import Judging, Witness, WitnessOf, judged, merged_at, whole
from gitops_gate.delivery.landing import landing_of
from gitops_gate.delivery.record import body_of, landed_numbers, landing_json, policies_of
from gitops_gate.delivery.testimony import Replayed, Testimony, testimony_of
from gitops_gate.delivery.values import Hold, Judged, Landing
from gitops_gate.delivery.walk import passes
from gitops_gate.errors import AttestationError
from gitops_gate.forges.values import ForgeKind, LandedChange
from gitops_gate.pipeline import Options
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository
from gitops_gate.source.recompute import steps_between


def refute(message: str) -> NoReturn:
    """Raise the `AttestationError` of what was looked at and is wrong."""
    error = AttestationError(message)
    error.refuted = True
    raise error


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A recorded step: how it says that commits landed, from where on it was judged, and by what.

    `value` is the whole of it, as it is recorded.
    """

    landing: Landing
    since: str
    ratifies: tuple[str, ...]
    testimony: tuple[Testimony, ...]
    value: Mapping[str, Any]


def check_git(repository: Repository, entry: Entry, earlier: Sequence[Entry]) -> tuple[Step, ...]:
    """Check that the branch is what the decision says, by Git alone; its steps.

    `earlier` are the decisions before it. Raises `AttestationError`, refuted where Git says
    otherwise, and `SourceError` where the clone does not have what is needed.
    """
    decision = entry.decision
    body = decision.body
    position = decision.previous.commit if decision.previous else body.get("start")
    if not isinstance(position, str):
        refute("the first decision names no commit that it begins after")
    numbers = set(landed_numbers([one.decision.body for one in earlier]))
    if decision.previous is None:
        _check_start(repository, decision, position)
    steps = []
    for value in body["steps"]:
        step = _landed(repository, decision, value, position, numbers)
        steps.append(step)
        numbers |= {change.number for change in step.landing.changes}
        position = step.landing.after
    if not steps or position != decision.commit:
        refute(f"its steps lead to {position[:12]}, and it is about {decision.commit[:12]}")
    return tuple(steps)


def _check_start(repository: Repository, decision: Decision, start: str) -> None:
    """A first delivery begins after the commit that its own configuration names, if it does."""
    channel = decision.channel
    settings = rules_of(repository, decision.commit).rules.settings.delivery
    targets = delivery_targets(settings, channel.branch.removeprefix("refs/heads/"))
    named = next((one.start for one in targets if one.ref == channel.ref), None)
    if named is not None and repository.resolve(named) != start:
        refute(f"it begins after {start[:12]}, and the configuration says {named[:12]}")


def _landed(
    repository: Repository,
    decision: Decision,
    value: Mapping[str, Any],
    since: str,
    earlier: Collection[int],
) -> Step:
    """One step with its landing made again."""
    try:
        before, ratifies = str(value["before"]), tuple(value["ratifies"])
        commits = [str(commit) for commit in value["commits"]]
        told = tuple(testimony_of(each) for each in value["testimony"])
    except (KeyError, TypeError):
        refute("a step of the decision is not of the form that one has")
    if not commits or value["since"] != since:
        refute("a step does not begin where the one before ends")
    if steps_between(repository, since, before) != ratifies:
        refute(f"what lies between {since[:12]} and {before[:12]} is not what the step ratifies")
    if steps_between(repository, before, commits[-1]) != tuple(commits):
        refute(f"the first parents of {commits[-1][:12]} are not those of the step")
    changes = tuple(one.landed for one in told)
    found = landing_of(
        repository,
        commits,
        before=before,
        branch=decision.channel.branch,
        landed=lambda _: changes,
        earlier=earlier,
    )
    if isinstance(found, Hold):
        refute(found.message)
    if any(value.get(key) != item for key, item in landing_json(found).items()):
        refute(f"{found.after[:12]} landed otherwise than the step says")
    if ratifies and not passes(repository, found, since, ratifies):
        refute(f"{found.after[:12]} does not ratify what landed before it")
    return Step(landing=found, since=since, ratifies=ratifies, testimony=told, value=value)


def check_verdict(
    repository: Repository, decision: Decision, steps: Sequence[Step], options: Options
) -> None:
    """Take the decision again: it must come out byte for byte as it is recorded.

    Raises `AttestationError`, refuted where something else comes out; `GitOpsGateError` where it
    cannot be taken here.
    """
    body = decision.body
    at = _moment(body)
    judging = Judging(
        repository=repository,
        witness_of=_witnesses(str(body.get("forge")), steps),
        options=options,
        at=at,
    )
    again: list[Judged] = []
    for step in steps:
        again.append(judged(judging, step.landing, step.since, step.ratifies))
    last = again[-1]
    everything = whole(judging, last.since, last.landing.after, merged_at(last.landing))
    tree = _check_hydrated(repository, decision, options)
    fresh = body_of(
        again,
        everything,
        forge=str(body.get("forge")),
        policies=policies_of(repository, last.since),
        at=at,
        start=None if decision.previous else last_start(body),
        hydrated=tree,
    )
    _compare(body, fresh)


def last_start(body: Mapping[str, Any]) -> str | None:
    """The commit that a first delivery began after, as it is recorded."""
    start = body.get("start")
    return start if isinstance(start, str) else None


def _compare(recorded: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    old = (recorded.get("verifier"), recorded.get("tools"))
    if old != (fresh["verifier"], fresh["tools"]):
        raise AttestationError(
            f"it was decided with other tools: {_tools(recorded)}; here are {_tools(fresh)}",
            remedy="install those, or leave the replay out: --no-replay",
        )
    for key in sorted({*recorded, *fresh}):
        if key != "steps" and recorded.get(key) != fresh.get(key):
            refute(f"its {key} is not what the recorded inputs give")
    for number, (old_step, new_step) in enumerate(
        zip(recorded["steps"], fresh["steps"], strict=True), start=1
    ):
        for key in sorted({*old_step, *new_step}):
            if old_step.get(key) != new_step.get(key):
                refute(f"step {number}: its {key} is not what the recorded inputs give")


def _tools(body: Mapping[str, Any]) -> str:
    tools = body.get("tools")
    named = tools if isinstance(tools, Mapping) else {}
    return ", ".join(f"{name} {version}" for name, version in sorted(named.items())) or "none"


def _check_hydrated(repository: Repository, decision: Decision, options: Options) -> str | None:
    """The tree of a hydrated ref, made again; None where the ref carries the branch's commits."""
    if decision.body.get("hydrated") is None:
        if decision.delivered != decision.commit:
            refute("what was delivered is another commit than the one that was verified")
        return None
    channel, previous = decision.channel, decision.previous
    base = previous.commit if previous else decision.commit
    settings = rules_of(repository, base).rules.settings.delivery
    targets = delivery_targets(settings, channel.branch.removeprefix("refs/heads/"))
    target = next((one for one in targets if one.ref == channel.ref), None)
    if target is None:
        refute(f"the configuration of {base[:12]} does not name {channel.ref}")
    before = previous.delivered if previous else None
    made, tree = hydrated_commit(repository, decision.commit, before, target, options)
    if made != decision.delivered:
        refute("the rendered manifests are not those that were delivered")
    return tree


def _moment(body: Mapping[str, Any]) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(str(body["at"]))
    except (KeyError, ValueError):
        refute("the decision does not say when it was taken")


def _witnesses(kind: str, steps: Sequence[Step]) -> WitnessOf:
    told = {one.landed.number: one for step in steps for one in step.testimony}

    def witness_of(change: LandedChange, _: Landing) -> Witness:
        testimony = told[change.number]
        recording = Replayed(testimony) if testimony.facts is not None else None
        return Witness(kind=cast(ForgeKind, kind), snapshot=testimony.snapshot, recording=recording)

    if kind not in get_args(ForgeKind):
        raise AttestationError("the decision does not say which forge it is about")
    return witness_of
