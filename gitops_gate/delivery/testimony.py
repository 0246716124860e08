"""What a forge said about one change request, kept so that the same question can be asked again.

`Recording` stands between the forge and the evaluation of approvals, and remembers every answer as
it stood when the change was merged; `Replayed` gives them again, years later and offline. Both are
read by the same evaluation, so that recorded inputs give the recorded verdict.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from gitops_gate.approvals.facts import ApprovalFacts, Push
from gitops_gate.approvals.override import Remark, is_attempt
from gitops_gate.approvals.people import Access
from gitops_gate.delivery.values import Landing
from gitops_gate.errors import AttestationError
from gitops_gate.forges.interface import ReadsApprovals
from gitops_gate.forges.values import Account, ChangeRequest, Comment, LandedChange, Snapshot

if TYPE_CHECKING:
    from cattrs import Converter

_MOST_OF_A_COMMENT = 1_000
"""Characters of a comment that are looked at; an override's reason has half as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """Everything that the forge was asked about one change request, and its answers.

    `facts` and `target_moves` are None where the forge could not say. `teams` and `access` hold
    what was asked for alone, numeric ids as text. They are of the moment of the delivery: no forge
    says who was a member when.
    """

    change: ChangeRequest
    landed: LandedChange
    comments: tuple[Comment, ...] = ()
    own_id: int | None = None
    facts: ApprovalFacts | None = None
    target_moves: tuple[Push, ...] | None = None
    teams: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    access: Mapping[str, Access | None] = field(default_factory=dict)

    @property
    def snapshot(self) -> Snapshot:
        """The change request as the evaluation reads it."""
        return Snapshot(change=self.change, comments=self.comments, own_id=self.own_id)


class Recording:
    """Asks the forge, and remembers the answers as they stood when a landing was merged.

    `line` are the branch's first-parent commits up to the tip, with some from before the last
    delivered one: what one push landed may be delivered in parts.
    """

    def __init__(
        self,
        reading: ReadsApprovals,
        landing: Landing,
        line: Sequence[str],
        until: datetime.datetime,
    ) -> None:
        self._reading = reading
        self._landing = landing
        self._line = line
        self._until = until
        self._facts: ApprovalFacts | None = None
        self._moves: tuple[Push, ...] | None = None
        self._asked_for_moves = False
        self._teams: dict[str, frozenset[int] | None] = {}
        self._access: dict[str, Access | None] = {}

    def approvals(self, snapshot: Snapshot) -> ApprovalFacts:
        """See `ReadsApprovals.approvals`; what came later is left out."""
        if self._facts is None:
            self._facts = _as_it_stood(self._reading.approvals(snapshot), self._until)
        return self._facts

    def target_moves(self, snapshot: Snapshot) -> tuple[Push, ...] | None:
        """See `ReadsApprovals.target_moves`: those before the landing, None where that is not."""
        if not self._asked_for_moves:
            moves = self._reading.target_moves(snapshot)
            # One without any move does not show the landing either: it lags, or was cut.
            if moves is not None:
                self._moves = moves_before(moves, self._landing, self._line)
            self._asked_for_moves = True
        return self._moves

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        """See `ReadsApprovals.members`."""
        asked = tuple(teams)
        missing = [team for team in asked if team not in self._teams]
        if missing:
            self._teams.update(self._reading.members(missing))
        return {team: self._teams.get(team) for team in asked}

    def access(self, account: Account) -> Access | None:
        """See `ReadsApprovals.access`."""
        key = str(account.id)
        if key not in self._access:
            self._access[key] = self._reading.access(account)
        return self._access[key]

    def testimony(self, snapshot: Snapshot, landed: LandedChange) -> Testimony:
        """What was asked so far, with the change request that it was about."""
        return Testimony(
            change=snapshot.change,
            landed=landed,
            comments=overrides_in(snapshot.comments),
            own_id=snapshot.own_id,
            facts=self._facts,
            target_moves=self._moves,
            teams={
                team: None if ids is None else tuple(sorted(ids))
                for team, ids in sorted(self._teams.items())
            },
            access=dict(sorted(self._access.items())),
        )


class Replayed:
    """Gives recorded answers. What was not asked then is unknown now."""

    def __init__(self, testimony: Testimony) -> None:
        self._testimony = testimony

    def approvals(self, snapshot: Snapshot) -> ApprovalFacts:
        """The recorded facts; raises `AttestationError` where there are none."""
        if self._testimony.facts is None:
            raise AttestationError(
                f"what was approved in change request {snapshot.change.number} is not recorded"
            )
        return self._testimony.facts

    def target_moves(self, _: Snapshot) -> tuple[Push, ...] | None:
        """The recorded moves."""
        return self._testimony.target_moves

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        """The recorded members."""
        known = self._testimony.teams
        return {
            team: None if (ids := known.get(team)) is None else frozenset(ids) for team in teams
        }

    def access(self, account: Account) -> Access | None:
        """The recorded permission."""
        return self._testimony.access.get(str(account.id))

    def testimony(self, _: Snapshot, __: LandedChange) -> Testimony:
        """What is recorded."""
        return self._testimony


def overrides_in(comments: Iterable[Comment]) -> tuple[Comment, ...]:
    """The comments that are overrides, or try to be, cut to what is read of them.

    Nothing else of what people say is weighed or recorded: whoever may comment could otherwise
    make an attestation larger than one may be.
    """
    found = []
    for comment in comments:
        first = comment.body[:_MOST_OF_A_COMMENT].splitlines()[:1]
        cut = replace(comment, body="".join(first))
        remark = Remark(author=cut.author, body=cut.body, created_at=cut.created_at)
        if not cut.ours and is_attempt(remark):
            found.append(cut)
    return tuple(found)


def moves_before(
    moves: Sequence[Push], landing: Landing, line: Sequence[str]
) -> tuple[Push, ...] | None:
    """The target's moves until a landing; None where the record does not show that it was one.

    One push can land several changes, as a merge queue's does: the ones before this one are then a
    move of their own, at the same time. A landing that took two pushes is none: what the first of
    them brought was not part of the change when it was merged.
    """
    places = {commit: place for place, commit in enumerate(line)}
    first, last = places[landing.before], places[landing.after]
    for number, move in enumerate(moves):
        start = places.get(move.before or "", len(line))
        if start <= first and last <= places.get(move.after, -1):
            earlier = tuple(moves[:number])
            if move.before == landing.before:
                return earlier
            return (*earlier, replace(move, after=landing.before))
    return None


def _as_it_stood(facts: ApprovalFacts, until: datetime.datetime) -> ApprovalFacts:
    """The facts without what came after a moment.

    A forge's clock counts seconds, and an automatic merge follows the approval within one: what is
    of the very second still counts.
    """
    return replace(
        facts,
        reviews=tuple(
            review
            for review in facts.reviews
            if review.submitted_at is None or review.submitted_at <= until
        ),
        pushes=None
        if facts.pushes is None
        else tuple(push for push in facts.pushes if push.at <= until),
    )


# ------------------------------------------------------------------------------- JSON


def testimony_json(testimony: Testimony) -> dict[str, Any]:
    """A testimony as plain data; `testimony_of` reads it again."""
    value: dict[str, Any] = _converter().unstructure(testimony)
    return value


def testimony_of(value: Mapping[str, Any]) -> Testimony:
    """The testimony that plain data holds. Raises `AttestationError` when it holds none."""
    from cattrs.errors import BaseValidationError

    try:
        return _converter().structure(value, Testimony)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError):
        raise AttestationError("an attestation holds a testimony that cannot be read") from None


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(datetime.datetime, _written)
    converter.register_structure_hook(datetime.datetime, lambda text, _: _read(text))
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _strictly)
    # An enumeration of texts is a text as well, and has its own reading.
    converter.register_structure_hook(StrEnum, lambda text, kind: kind(text))
    return converter


def _strictly(value: object, kind: type) -> object:
    if type(value) is not kind:
        raise ValueError(f"not a {kind.__name__}")
    return value


def _written(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat()


def _read(text: object) -> datetime.datetime:
    if not isinstance(text, str):
        raise ValueError("not a time")
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    return moment
