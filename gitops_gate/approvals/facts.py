"""What a forge has to say before approvals can be evaluated, as this room needs it.

The forges fill these in; nothing here knows how. Times are those of the forge's clock, with a
time zone, and never those of commits, which anybody can write. A None says that something could
not be read: it is unknown, and unknown is never approved.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who did something. `id` is numeric, and None for an account that is gone or not mapped."""

    id: int | None
    login: str
    bot: bool = False


class ReviewState(StrEnum):
    """What a review says. A comment undoes nothing; a dismissal undoes the review it names."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review. `commit` is the head that the forge says it was given on; it proves nothing.

    `can_push`: the reviewer may push to the repository; None where the forge does not say.
    """

    author: Account
    state: ReviewState
    submitted_at: datetime.datetime | None
    commit: str | None = None
    can_push: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The head moved from one commit to another, by the forge's own record of it."""

    before: str | None
    after: str
    at: datetime.datetime
    actor: Account | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """The people behind one commit of the change; `unmapped` are e-mails without an account."""

    commit: str
    people: tuple[Account, ...] = ()
    unmapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    """What approvals are evaluated from. A None says that it could not be read, and why is told.

    `pushes` are in the order of time. `retargeted_at` is when the base branch was last changed.
    `head_seen_at` is when the forge first did anything with the head (its oldest workflow run,
    say), and `head_seen_by` who made it: both stand in for pushes that cannot be read.
    `reviews_complete`: no review is left out; with one that is, nobody's latest word is known.
    """

    reviews: tuple[Review, ...] = ()
    contributions: tuple[Contribution, ...] | None = None
    pushes: tuple[Push, ...] | None = None
    retargeted_at: datetime.datetime | None = None
    head_seen_at: datetime.datetime | None = None
    head_seen_by: Account | None = None
    reviews_complete: bool = True
    unknown: tuple[str, ...] = ()
