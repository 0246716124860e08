"""Whole lifecycles of change requests, played twice: as a forge tells of them, and as they were.

`Life` is a repository with its target branch and change requests. Each `Request` keeps what really
happened to it. From it comes what a forge would say (`question`), which the code under test gets,
and what an independent model decides from the truth alone (`needed_and_given`). The model knows
nothing of pushes, moments or digests: it writes down for each approval what could be seen when it
was given, and looks at the end whether that is what would land.

A request lands as a forge lets it: its head has a success that was set at the target's tip. What
was approved then is kept (`Landed`), for whatever comes after the merge.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

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
Sight = tuple[object, object]
"""The changed files, and what landing does to the cluster."""

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
    """A commit of a change: a whole tree, and who is behind it."""

    files: Files
    start: str
    people: tuple[Account, ...]


@dataclass
class Tip:
    """A tip of the target: its tree, and the heads that are in its history."""

    files: Files
    heads: frozenset[str] = frozenset()


@dataclass
class Given:
    """One approval as it truly was: by whom, of what, and whether anything undid it."""

    by: Account
    seen: Sight | None
    review: int
    undone: bool = False


@dataclass(frozen=True)
class Landed:
    """A request that landed: what, who approved exactly that, and what the code said of it.

    `approved` are the ids of those that the model counts, of the `needed` ones.
    """

    request: int
    head: str
    before: str
    after: str
    seen: Sight
    needed: int
    approved: frozenset[int]
    evaluation: Evaluation


@dataclass
class Life:
    """A target branch, and the change requests to it. `log` tells of a failure.

    `status` is the decision on each head, and the tip that it was made at.
    """

    count: int
    team: bool
    clock: datetime.datetime = START
    targets: dict[str, Tip] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    tip: str = "t0"
    moves: list[Push] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    status: dict[str, tuple[bool, str]] = field(default_factory=dict)
    landed: list[Landed] = field(default_factory=list)
    tied: bool = False
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets["t0"] = Tip(dict.fromkeys(PATHS, 0))
        self.commits["h0"] = Commit({**self.targets["t0"].files, "apps/a": 1}, "t0", (AUTHOR,))
        self.open("h0", AUTHOR, 1)

    @property
    def open_requests(self) -> list[Request]:
        return [request for request in self.requests if request.state == "open"]

    def tick(self, seconds: int) -> datetime.datetime:
        self.clock += datetime.timedelta(seconds=seconds)
        self.tied |= seconds == 0
        return self.clock

    # ------------------------------------------------------------------ what can be seen

    def base(self, head: str, tip: str) -> Files:
        """The tree that a head and a target have in common."""
        if head in self.targets[tip].heads:
            return self.commits[head].files
        return self.targets[self.commits[head].start].files

    def source(self, head: str, tip: str) -> object:
        """The changed files of a head, from where it started."""
        start = self.base(head, tip)
        return tuple(sorted((p, v) for p, v in self.commits[head].files.items() if start[p] != v))

    def merged(self, head: str, tip: str) -> Files | None:
        """The tree that merging gives, None for a conflict."""
        result: Files = {}
        start = self.base(head, tip)
        for path in PATHS:
            ours, theirs = self.targets[tip].files[path], self.commits[head].files[path]
            if ours != start[path] and theirs not in (start[path], ours):
                return None
            result[path] = theirs if theirs != start[path] else ours
        return result

    def lands(self, head: str, tip: str) -> object | None:
        """What merging does to the cluster, None for a conflict."""
        before, after = self.targets[tip].files, self.merged(head, tip)
        if after is None:
            return None
        # A template that another file changes: what `a` does depends on `c`.
        pairs = [(p, (before[p], before["docs/c"]), (after[p], after["docs/c"])) for p in PATHS]
        return tuple(one for one in pairs if one[1] != one[2] and one[0].startswith("apps"))

    def sight(self, head: str, tip: str) -> Sight | None:
        lands = self.lands(head, tip)
        return None if lands is None else (self.source(head, tip), lands)

    def seen(self, head: str, tip: str) -> Seen | None:
        sight = self.sight(head, tip)
        return sight and Seen(source=repr(sight[0]), changes=repr(sight[1]))

    # ------------------------------------------------------------------ what happens

    def open(self, head: str, who: Account, wait: int, *, count: int | None = None) -> Request:
        opened = Request(
            self, len(self.requests) + 1, head, who, self.count if count is None else count
        )
        opened.pushes.append(Push(before=None, after=head, at=self.tick(wait), actor=who))
        self.requests.append(opened)
        return opened

    def commit(self, files: Files, start: str, people: tuple[Account, ...]) -> str:
        head = f"h{len(self.commits)}"
        self.commits[head] = Commit(files, start, people)
        return head

    def move(self, tip: Tip, wait: int) -> None:
        before, self.tip = self.tip, f"t{len(self.targets)}"
        self.targets[self.tip] = tip
        self.moves.append(Push(before=before, after=self.tip, at=self.tick(wait)))

    def land_other(self, path: str, value: int, wait: int) -> None:
        """Something that is none of the requests lands."""
        now = self.targets[self.tip]
        self.move(Tip({**now.files, path: value}, now.heads), wait)

    def decide(self, request: Request, gate: Gate) -> bool:
        """A run for a request: its answer becomes the status of the head, whoever else has it."""
        allowed = gate(self, request)
        self.status[request.head] = (allowed, self.tip)
        return allowed

    def merge(self, request: Request, wait: int) -> bool:
        """Land as the forge lets it: by the status of the head, if it was set at this tip."""
        files, before = self.merged(request.head, self.tip), self.tip
        succeeded = self.status.get(request.head) == (True, self.tip)
        if files is None or request.state != "open" or not succeeded:
            return False
        seen = self.sight(request.head, self.tip)
        assert seen is not None
        needed, approved = request.needed_and_given()
        answer, head = request.answer(), request.head
        self.move(Tip(files, self.targets[before].heads | {head}), wait)
        request.state = "merged"
        self.landed.append(
            Landed(
                request.number, head, before, self.tip, seen, needed, frozenset(approved), answer
            )
        )
        return True

    def revert(self, landed: Landed, who: Account, wait: int) -> Request:
        """A request that takes back what another one landed, from the tip as it is now."""
        old, new = self.targets[landed.before].files, self.targets[landed.after].files
        now = self.targets[self.tip].files
        back = {path: old[path] if old[path] != new[path] else now[path] for path in PATHS}
        return self.open(self.commit(back, self.tip, (who,)), who, wait)


@dataclass
class Request:
    """One change request from its opening on. `count` is what the rules of its target ask for."""

    life: Life
    number: int
    head: str
    author: Account
    count: int
    state: str = "open"
    pushes: list[Push] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    retargeted_at: datetime.datetime | None = None
    given: list[Given] = field(default_factory=list)
    pushed_by: set[int] = field(default_factory=set)

    # ------------------------------------------------------------------ what happens

    def push(self, who: Account, path: str, value: int, wait: int, *, co: Account | None) -> None:
        old = self.life.commits[self.head]
        people = tuple(dict.fromkeys((*old.people, who, *((co,) if co else ()))))
        self._move_head({**old.files, path: value}, old.start, people, who, wait)

    def force(self, who: Account, value: int, wait: int) -> None:
        """Throw the branch away and start again, with the same content or with another."""
        files = {**self.life.targets[self.life.tip].files, "apps/a": value}
        self._move_head(files, self.life.tip, (who,), who, wait)

    def rebase(self, who: Account, wait: int) -> None:
        life, old = self.life, self.life.commits[self.head]
        start, target = life.base(self.head, life.tip), life.targets[life.tip].files
        files = {p: old.files[p] if old.files[p] != start[p] else target[p] for p in PATHS}
        self._move_head(files, life.tip, old.people, who, wait)

    def _move_head(
        self, files: Files, start: str, people: tuple[Account, ...], who: Account, wait: int
    ) -> None:
        before, self.head = self.head, self.life.commit(files, start, people)
        self.pushed_by.add(who.id or 0)
        at = self.life.tick(wait)
        self.pushes.append(Push(before=before, after=self.head, at=at, actor=who, forced=True))

    def retarget(self, wait: int) -> None:
        """To another branch and back: whatever was approved was for the other one."""
        self.retargeted_at = self.life.tick(wait)
        for given in self.given:
            given.undone = True

    def approve(self, who: Account, wait: int, *, moved: bool) -> None:
        """`moved`: the forge later says that it was given on the newest head."""
        at = self.life.tick(wait)
        commit = None if moved else self.head
        state, push = ReviewState.APPROVED, who in (AUTHOR, *WRITERS)
        seen = self.life.sight(self.head, self.life.tip)
        self.given.append(Given(who, seen, len(self.reviews)))
        self.reviews.append(
            Review(author=who, state=state, submitted_at=at, commit=commit, can_push=push)
        )

    def undo(self, who: Account, state: ReviewState, wait: int) -> None:
        at = self.life.tick(wait)
        self.reviews.append(Review(author=who, state=state, submitted_at=at, can_push=True))
        for given in self.given:
            given.undone |= given.by == who and state is not ReviewState.COMMENTED

    def dismiss(self, review: int, wait: int) -> None:
        """Somebody else dismisses a review, which keeps its time; older ones stay replaced by it.

        https://docs.github.com/rest/pulls/reviews#dismiss-a-review-for-a-pull-request
        """
        self.life.tick(wait)
        old = self.reviews[review]
        if old.state is ReviewState.COMMENTED:
            return
        self.reviews[review] = replace(old, state=ReviewState.DISMISSED)
        for given in self.given:
            given.undone |= given.by == old.author and given.review <= review

    # ------------------------------------------------------------------ both answers

    def needed_and_given(self) -> tuple[int, set[int]]:
        """The truth: how many are needed, and the ids of those whose approval is of what lands."""
        now = self.life.sight(self.head, self.life.tip)
        behind = {person.id for person in self.life.commits[self.head].people} | self.pushed_by
        behind |= {self.author.id}
        good = {
            given.by.id or 0
            for given in self.given
            if now is not None
            and given.seen == now
            and not given.undone
            and given.by in (AUTHOR, *WRITERS)
            and given.by.id not in behind
        }
        bots = any(push.actor == BOT for push in self.pushes)
        return self.count + bots, good & TEAM if self.life.team else good

    def question(self) -> Question:
        """What the code under test is asked, with what the forge says."""
        life = self.life
        require = Require(count=self.count, teams=("sre",) if life.team else ())
        rule = ApprovalRule(name="rule", when=When(), require=require)
        return Question(
            change=ChangeFacts(author=self.author, paths=PATHS[:1]),
            settings=ApprovalSettings(rules=(rule,), codeowners="off"),
            now=Moment(head=self.head, base=life.tip),
            at=life.clock,
            facts=ApprovalFacts(
                reviews=tuple(self.reviews),
                contributions=tuple(
                    Contribution(commit=self.head, people=(person,))
                    for person in life.commits[self.head].people
                ),
                pushes=tuple(self.pushes),
                retargeted_at=self.retargeted_at,
            ),
            target_moves=tuple(life.moves),
            seen=life.seen(self.head, life.tip),
            people=People(teams={"sre": TEAM}),
        )

    def answer(self) -> Evaluation:
        life = self.life

        def seen_at(moment: Moment) -> Seen | None:
            return life.seen(moment.head, moment.base) if moment.head in life.commits else None

        return evaluate(self.question(), seen_at)


Gate = Callable[[Life, Request], bool]
"""What the code under test decides about a request: whether its head gets a success."""
Check = Callable[[Life, Request], None]

ACTIONS = ("push", "push", "force", "rebase", "other", "approve", "approve", "approve", "approve")
OFTEN = (*ACTIONS, "merge", "merge")
RARE = (
    "retarget", "comment", "changes", "withdraw", "bot", "dismiss", "close", "reopen", "revert",
    "share", "share", "open",
)  # fmt: skip


def step(life: Life, request: Request, dice: random.Random) -> Request:
    """One thing that happens; returns the request that it happened to."""
    action = dice.choice(OFTEN if dice.random() < 0.8 else RARE)
    who, wait = dice.choice(EVERYBODY), dice.choice((0, 1, 1, 1, 2, 5))
    life.log.append(f"{action} of {request.number} by {who.login} after {wait} s")
    value, path = dice.randrange(3), dice.choice(PATHS)
    match action:
        case "push":
            co = dice.choice(WRITERS) if dice.random() < 0.2 else None
            pusher = dice.choice((AUTHOR, AUTHOR, AUTHOR, *WRITERS))
            request.push(pusher, path, value, wait, co=co)
        case "force":
            request.force(request.author, value, wait)
        case "rebase":
            request.rebase(request.author, wait)
        case "other":
            life.land_other(path, value, wait)
        case "approve":
            request.approve(who, wait, moved=dice.random() < 0.2)
        case "retarget":
            request.retarget(wait)
        case "bot":
            request.push(BOT, path, value, wait, co=None)
        case "comment" | "changes" | "withdraw":
            request.undo(who, _STATES[action], wait)
        case "dismiss" if request.reviews:
            request.dismiss(dice.randrange(len(request.reviews)), wait)
        case "close":
            request.state = "closed"
        case _:
            return _of_several(life, request, action, dice, wait)
    return request


_STATES = {
    "comment": ReviewState.COMMENTED,
    "changes": ReviewState.CHANGES_REQUESTED,
    "withdraw": ReviewState.DISMISSED,
}


def _of_several(
    life: Life, request: Request, action: str, dice: random.Random, wait: int
) -> Request:
    """What a request does to the others, or they to it."""
    who = dice.choice((AUTHOR, *WRITERS))
    closed = [one for one in life.requests if one.state == "closed"]
    match action:
        case "merge":
            life.merge(request, wait)
        case "reopen" if closed:
            request = dice.choice(closed)
            request.state = "open"
        case "revert" if life.landed:
            return life.revert(dice.choice(life.landed), who, wait)
        case "share":
            # For a branch with other rules, say.
            return life.open(request.head, who, wait, count=dice.choice((0, 1, 2)))
        case "open":
            files = {**life.targets[life.tip].files, dice.choice(PATHS): dice.randrange(3)}
            return life.open(life.commit(files, life.tip, (who,)), who, wait)
    return request


def play(seed: int, gate: Gate, check: Check) -> Life:
    """A life of up to thirty steps. After each, `gate` runs for the request and `check` is called.

    Only an open request has runs. Of several open ones, one after another has its turn.
    """
    dice = random.Random(seed)
    life = Life(count=dice.choice((1, 1, 2)), team=dice.random() < 0.3)
    for _ in range(dice.randrange(2, 30)):
        turns = life.open_requests or life.requests[-1:]
        touched = step(life, turns[0] if dice.random() < 0.6 else dice.choice(turns), dice)
        if touched.state == "open":
            life.decide(touched, gate)
            check(life, touched)
    return life
