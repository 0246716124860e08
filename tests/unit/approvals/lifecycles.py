"""Whole lifecycles of change requests, played twice: as a forge tells of them, and as they were.

`Life` keeps what really happened. From it comes what a forge would say (`facts`), which the code
under test gets, and what an independent model decides from the truth alone (`needed_and_given`).
The model knows nothing of pushes, moments or digests: it writes down for each approval what could
be seen when it was given, and looks at the end whether that is what would land.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field

from gitops_gate.approvals.binding import Moment, Seen
from gitops_gate.approvals.change import ChangeFacts
from gitops_gate.approvals.evaluate import Question, evaluate
from gitops_gate.approvals.facts import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
)
from gitops_gate.approvals.people import People
from gitops_gate.approvals.tree import Evaluation
from gitops_gate.config.approval_settings import ApprovalRule, ApprovalSettings, Require, When

Files = dict[str, int]

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
PATHS = ("apps/a", "apps/b", "docs/c")
AUTHOR = Account(id=1, login="ann")
WRITERS = tuple(
    Account(id=number, login=name) for number, name in ((2, "bo"), (3, "cy"), (4, "di"), (5, "ed"))
)
STRANGER = Account(id=9, login="zoe")
BOT = Account(id=8, login="helper", bot=True)
EVERYBODY = (AUTHOR, *WRITERS, STRANGER, BOT)
TEAM = frozenset({3, 4})


@dataclass
class Commit:
    """A commit of the change: a whole tree, and who is behind it."""

    files: Files
    start: str
    people: tuple[Account, ...]


@dataclass
class Given:
    """One approval as it truly was: by whom, of what, and whether anything undid it."""

    by: Account
    seen: tuple[object, object] | None
    undone: bool = False


@dataclass
class Life:
    """One change request from its opening on. `log` tells of a failure."""

    count: int
    team: bool
    clock: datetime.datetime = START
    targets: dict[str, Files] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    tip: str = "t0"
    head: str = "h0"
    pushes: list[Push] = field(default_factory=list)
    moves: list[Push] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    retargeted_at: datetime.datetime | None = None
    given: list[Given] = field(default_factory=list)
    pushed_by: set[int] = field(default_factory=set)
    tied: bool = False
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets["t0"] = dict.fromkeys(PATHS, 0)
        self.commits["h0"] = Commit({**self.targets["t0"], "apps/a": 1}, "t0", (AUTHOR,))
        self.pushes.append(Push(before=None, after="h0", at=self.tick(1), actor=AUTHOR))

    # ------------------------------------------------------------------ what can be seen

    def source(self, head: str) -> object:
        """The changed files of a head, from where it started."""
        commit = self.commits[head]
        start = self.targets[commit.start]
        return tuple(sorted((p, v) for p, v in commit.files.items() if start[p] != v))

    def lands(self, head: str, tip: str) -> object | None:
        """What merging does to the target, None for a conflict."""
        commit, target = self.commits[head], self.targets[tip]
        start = self.targets[commit.start]
        result = []
        for path in PATHS:
            ours, theirs, base = target[path], commit.files[path], start[path]
            if ours != base and theirs not in (base, ours):
                return None
            merged = theirs if theirs != base else ours
            # A template that another file changes: what `a` does depends on `c`.
            result.append((path, ours, merged))
        after = {path: merged for path, _, merged in result}
        effect = [
            (path, (old, target["docs/c"]), (new, after["docs/c"]))
            for path, old, new in result
            if (old, target["docs/c"]) != (new, after["docs/c"]) and path.startswith("apps")
        ]
        return tuple(effect)

    # ------------------------------------------------------------------ what happens

    def tick(self, seconds: int) -> datetime.datetime:
        self.clock += datetime.timedelta(seconds=seconds)
        self.tied |= seconds == 0
        return self.clock

    def push(self, who: Account, path: str, value: int, wait: int, *, co: Account | None) -> None:
        old = self.commits[self.head]
        people = tuple(dict.fromkeys((*old.people, who, *((co,) if co else ()))))
        self._move_head({**old.files, path: value}, old.start, people, who, wait)

    def force(self, who: Account, value: int, wait: int) -> None:
        """Throw the branch away and start again, with the same commit or with another."""
        files = {**self.targets[self.tip], "apps/a": value}
        self._move_head(files, self.tip, (who,), who, wait)

    def rebase(self, who: Account, wait: int) -> None:
        old = self.commits[self.head]
        start, target = self.targets[old.start], self.targets[self.tip]
        files = {p: old.files[p] if old.files[p] != start[p] else target[p] for p in PATHS}
        self._move_head(files, self.tip, old.people, who, wait)

    def _move_head(
        self, files: Files, start: str, people: tuple[Account, ...], who: Account, wait: int
    ) -> None:
        before, self.head = self.head, f"h{len(self.commits)}"
        self.commits[self.head] = Commit(files, start, people)
        self.pushed_by.add(who.id or 0)
        at = self.tick(wait)
        self.pushes.append(Push(before=before, after=self.head, at=at, actor=who, forced=True))

    def land_other(self, path: str, value: int, wait: int) -> None:
        before, self.tip = self.tip, f"t{len(self.targets)}"
        self.targets[self.tip] = {**self.targets[before], path: value}
        self.moves.append(Push(before=before, after=self.tip, at=self.tick(wait)))

    def retarget(self, wait: int) -> None:
        """To another branch and back: whatever was approved was for the other one."""
        self.retargeted_at = self.tick(wait)
        for given in self.given:
            given.undone = True

    def approve(self, who: Account, wait: int, *, moved: bool) -> None:
        """`moved`: the forge later says that it was given on the newest head."""
        at = self.tick(wait)
        commit = None if moved else self.head
        state, push = ReviewState.APPROVED, who in (AUTHOR, *WRITERS)
        self.reviews.append(
            Review(author=who, state=state, submitted_at=at, commit=commit, can_push=push)
        )
        lands = self.lands(self.head, self.tip)
        seen = None if lands is None else (self.source(self.head), lands)
        self.given.append(Given(who, seen))

    def undo(self, who: Account, state: ReviewState, wait: int) -> None:
        at = self.tick(wait)
        self.reviews.append(Review(author=who, state=state, submitted_at=at, can_push=True))
        for given in self.given:
            given.undone |= given.by == who and state is not ReviewState.COMMENTED

    # ------------------------------------------------------------------ both answers

    def needed_and_given(self) -> tuple[int, set[int]]:
        """The truth: how many are needed, and the ids of those whose approval is of what lands."""
        lands = self.lands(self.head, self.tip)
        now = None if lands is None else (self.source(self.head), lands)
        behind = {person.id for person in self.commits[self.head].people} | self.pushed_by
        behind |= {AUTHOR.id}
        good = {
            given.by.id or 0
            for given in self.given
            if now is not None
            and given.seen == now
            and not given.undone
            and given.by in WRITERS
            and given.by.id not in behind
        }
        bots = any(push.actor == BOT for push in self.pushes)
        return self.count + bots, good & TEAM if self.team else good

    def question(self) -> Question:
        """What the code under test is asked, with what the forge says."""
        lands = self.lands(self.head, self.tip)
        require = Require(count=self.count, teams=("sre",) if self.team else ())
        rule = ApprovalRule(name="rule", when=When(), require=require)
        return Question(
            change=ChangeFacts(author=AUTHOR, paths=PATHS[:1]),
            settings=ApprovalSettings(rules=(rule,), codeowners="off"),
            now=Moment(head=self.head, base=self.tip),
            at=self.clock,
            facts=ApprovalFacts(
                reviews=tuple(self.reviews),
                contributions=tuple(
                    Contribution(commit=self.head, people=(person,))
                    for person in self.commits[self.head].people
                ),
                pushes=tuple(self.pushes),
                retargeted_at=self.retargeted_at,
            ),
            target_moves=tuple(self.moves),
            seen=None if lands is None else self.seen(self.head, self.tip),
            people=People(teams={"sre": TEAM}),
        )

    def seen(self, head: str, tip: str) -> Seen:
        return Seen(source=repr(self.source(head)), changes=repr(self.lands(head, tip)))

    def answer(self) -> Evaluation:
        def seen_at(moment: Moment) -> Seen | None:
            if moment.head not in self.commits or self.lands(moment.head, moment.base) is None:
                return None
            return self.seen(moment.head, moment.base)

        return evaluate(self.question(), seen_at)


ACTIONS = ("push", "push", "force", "rebase", "other", "approve", "approve", "approve", "approve")
RARE = ("retarget", "comment", "changes", "dismiss", "bot")


def step(life: Life, dice: random.Random) -> None:
    """One thing that happens."""
    action = dice.choice(ACTIONS if dice.random() < 0.8 else RARE)
    who, wait = dice.choice(EVERYBODY), dice.choice((0, 1, 1, 1, 2, 5))
    life.log.append(f"{action} by {who.login} after {wait} s")
    value, path = dice.randrange(3), dice.choice(PATHS)
    match action:
        case "push":
            co = dice.choice(WRITERS) if dice.random() < 0.2 else None
            pusher = dice.choice((AUTHOR, AUTHOR, AUTHOR, *WRITERS))
            life.push(pusher, path, value, wait, co=co)
        case "force":
            life.force(AUTHOR, value, wait)
        case "rebase":
            life.rebase(AUTHOR, wait)
        case "other":
            life.land_other(path, value, wait)
        case "approve":
            life.approve(who, wait, moved=dice.random() < 0.2)
        case "retarget":
            life.retarget(wait)
        case "bot":
            life.push(BOT, path, value, wait, co=None)
        case _:
            states = {
                "comment": ReviewState.COMMENTED,
                "changes": ReviewState.CHANGES_REQUESTED,
                "dismiss": ReviewState.DISMISSED,
            }
            life.undo(who, states[action], wait)


def play(seed: int, check: object) -> Life:
    """A life of up to twenty-five steps; `check(life)` is called after each."""
    dice = random.Random(seed)
    life = Life(count=dice.choice((1, 1, 2)), team=dice.random() < 0.3)
    for _ in range(dice.randrange(2, 25)):
        step(life, dice)
        check(life)  # type: ignore[operator]
    return life
