"""Whole lives of a branch that is delivered: what happened to it, as it truly was.

A `Life` has a branch, the change requests to it and people who do everything that a forge lets
them. Each thing that lands as its change request gives it is a `Unit`; whatever else is on the
branch is nobody's. Of each approval is kept which head and which tip its giver had in sight
(`Given`). What the forge tells of all this is in `forge_of_life`, what is right in `model`.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitops_gate.approvals.facts import Account, Push, Review, ReviewState
from gitops_gate.errors import MergeConflictError
from gitops_gate.forges.values import Comment
from tests.unit.delivery.memory_git import Listing, MemoryGit

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FREEZE = START + datetime.timedelta(seconds=20), START + datetime.timedelta(seconds=45)
MAIN, OTHER = "refs/heads/main", "refs/heads/other"
CONFIGURATION, RATIFIED = ".gitops-gate.yaml", ".gitops-gate/ratified.yaml"
PATHS = ("apps/a/a.yaml", "apps/b/b.yaml", "docs/c.md")
BAD = 9
"""A value that the checks deny."""

ANN = Account(id=1, login="ann")
WRITERS = (
    ANN,
    Account(id=2, login="bo"),
    Account(id=3, login="cy"),
    Account(id=4, login="di"),
    Account(id=5, login="ed"),
)
STRANGER = Account(id=9, login="zoe")
BOT = Account(id=8, login="helper", bot=True)
EVERYBODY = (*WRITERS, STRANGER, BOT)
TEAM = frozenset({3, 4})


@dataclass(frozen=True)
class Rules:
    """What a configuration says: how many of whom approve, and what else holds."""

    count: int = 1
    team: bool = False
    frozen: bool = False
    whole: bool = False
    advisory: bool = False

    @property
    def content(self) -> bytes:
        require = {"count": self.count, **({"teams": ["sre"]} if self.team else {})}
        unless = {"labels": ["hotfix"], "require": {"count": 1}}
        begin, end = (moment.isoformat() for moment in FREEZE)
        freeze = {"name": "freeze", "from": begin, "until": end, "unless": unless}
        rules = [{"name": "rule", "require": require}] if self.count else []
        value = {
            "version": 1,
            "policies": {"builtin": []},
            "approvals": {"codeowners": "off", "rules": rules},
            "gate": {
                "mode": "advisory" if self.advisory else "enforce",
                "scope": "all" if self.whole else "introduced",
            },
            "freezes": [freeze] if self.frozen else [],
        }
        return f"{json.dumps(value)}\n".encode()


def content_of(path: str, value: int) -> bytes:
    if path.startswith("docs/"):
        return f"It is {value}.\n".encode()
    name = path.split("/")[1]
    data = {"key": value if value == BAD else str(value)}
    metadata = {"name": name, "namespace": "shop"}
    resource = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return f"{json.dumps(resource)}\n".encode()


def ratification(*entries: tuple[str, str]) -> bytes:
    """The file that says of held commits after which one they were held."""
    value = [
        {"commit": held, "after": after, "reason": "it was looked at", "owner": "sre"}
        for held, after in entries
    ]
    return f"{json.dumps(value)}\n".encode()


@dataclass
class Given:
    """One approval as it truly was: by whom, what was in sight, and when it was undone."""

    request: int
    by: Account
    head: str
    tip: str
    at: datetime.datetime
    review: int
    undone: datetime.datetime | None = None


@dataclass
class Request:
    """One change request from its opening on."""

    number: int
    author: Account
    head: str
    opened: datetime.datetime
    base_ref: str = MAIN
    state: str = "open"
    labels: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    pushes: list[Push] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    retargeted_at: datetime.datetime | None = None
    version: tuple[str, str, str] = ("", "", "")
    merged_at: datetime.datetime | None = None
    merge_commit: str | None = None
    squash_commit: str | None = None
    landed: tuple[str, ...] = ()
    onto: str = ""
    """The tip that it was merged into."""


@dataclass(frozen=True)
class Unit:
    """Commits of the first-parent line that are exactly what a change request gives.

    They came with a push to the tip `pushed`. `also` are requests that the forge called merged by
    the same push.
    """

    before: str
    commits: tuple[str, ...]
    request: int
    pushed: str
    also: tuple[int, ...] = ()


@dataclass
class Life:
    """A branch and its change requests. `log` tells of a failure, `doubts` of what is unclear.

    `delivered` is where the delivery ref was put, `numbers` what it brought so far. `parted` are
    requests of which some commits were pushed to the branch before.
    """

    forge: str
    rules: Rules
    bad: bool = False
    git: MemoryGit = field(default_factory=MemoryGit)
    clock: datetime.datetime = START
    tip: str = ""
    moves: list[Push] = field(default_factory=list)
    requests: dict[int, Request] = field(default_factory=dict)
    units: dict[tuple[str, str], Unit] = field(default_factory=dict)
    people: dict[str, tuple[Account, ...]] = field(default_factory=dict)
    configurations: dict[str, Rules] = field(default_factory=dict)
    ratifications: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    values: dict[tuple[str, int], str] = field(default_factory=dict)
    delivered: str = ""
    numbers: set[int] = field(default_factory=set)
    parted: set[int] = field(default_factory=set)
    tied: bool = False
    noise: bool = False
    holes: bool = False
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        listing = {path: self.value(path, 0) for path in PATHS}
        if self.bad:
            listing[PATHS[1]] = self.value(PATHS[1], BAD)
        listing[CONFIGURATION] = self.configured(self.rules)
        self.tip = self.git.commit(self.git.tree(listing), (), self.clock)
        self.delivered = self.tip

    # ------------------------------------------------------------------ contents

    def value(self, path: str, value: int) -> str:
        if (path, value) not in self.values:
            self.values[path, value] = self.git.blob(content_of(path, value))
        return self.values[path, value]

    def is_bad(self, path: str, oid: str | None) -> bool:
        return path.startswith("apps/") and oid == self.values.get((path, BAD))

    def configured(self, rules: Rules) -> str:
        oid = self.git.blob(rules.content)
        self.configurations[oid] = rules
        return oid

    def ratifying(self, *entries: tuple[str, str]) -> str:
        oid = self.git.blob(ratification(*entries))
        self.ratifications[oid] = entries
        return oid

    def rules_at(self, commit: str) -> Rules:
        return self.configurations[self.git.files(commit)[CONFIGURATION]]

    # ------------------------------------------------------------------ requests

    @property
    def open_requests(self) -> list[Request]:
        return [one for one in self.requests.values() if one.state == "open"]

    def tick(self, seconds: int) -> datetime.datetime:
        self.clock += datetime.timedelta(seconds=seconds)
        self.tied |= seconds == 0
        return self.clock

    def written(
        self, listing: Listing, parents: tuple[str, ...], people: tuple[Account, ...]
    ) -> str:
        commit = self.git.commit(self.git.tree(listing), parents, self.clock, people[0].login)
        self.people[commit] = people
        return commit

    def edited(self, start: str, files: Mapping[str, str | None], *people: Account) -> str:
        """A commit on another one, with some files written anew (or taken away)."""
        listing = {**self.git.files(start), **files}
        kept = {path: oid for path, oid in listing.items() if oid is not None}
        return self.written(kept, (start,), people)

    def open(self, head: str, who: Account, wait: int, base_ref: str = MAIN) -> Request:
        at = self.tick(wait)
        number = len(self.requests) + 1
        request = Request(number=number, author=who, head=head, opened=at, base_ref=base_ref)
        self.requests[number] = request
        self._pushed(request, None, who, at)
        return request

    def push(self, request: Request, head: str, who: Account, wait: int) -> None:
        """Move a request's head, by force or not."""
        before, request.head = request.head, head
        self._pushed(request, before, who, self.tick(wait))

    def _pushed(
        self, request: Request, before: str | None, who: Account, at: datetime.datetime
    ) -> None:
        request.pushes.append(Push(before=before, after=request.head, at=at, actor=who))
        base = self.git.merge_base(self.tip, request.head)
        request.version = base, self.tip, request.head

    def approve(self, request: Request, who: Account, wait: int, *, named: bool = True) -> None:
        """`named`: the forge says on which head it was given."""
        at = self.tick(wait)
        review = Review(
            author=who,
            state=ReviewState.APPROVED,
            submitted_at=at,
            commit=request.head if named else None,
            can_push=who in WRITERS,
        )
        given = Given(request.number, who, request.head, self.tip, at, len(request.reviews))
        request.given.append(given)
        request.reviews.append(review)

    def undo(self, request: Request, who: Account, state: ReviewState, wait: int) -> None:
        at = self.tick(wait)
        request.reviews.append(Review(author=who, state=state, submitted_at=at, can_push=True))
        for given in request.given:
            if given.by == who and state is not ReviewState.COMMENTED:
                given.undone = given.undone or at

    def dismiss(self, request: Request, review: int, wait: int) -> None:
        """Somebody else dismisses a review; it keeps its time, and older ones are void with it."""
        at = self.tick(wait)
        old = request.reviews[review]
        request.reviews[review] = replace(old, state=ReviewState.DISMISSED)
        for given in request.given:
            if given.by == old.author and given.review <= review:
                given.undone = given.undone or at

    def retarget(self, request: Request, wait: int) -> None:
        """To another branch and back: whatever was approved was for the other one."""
        request.retargeted_at = self.tick(wait)
        for given in request.given:
            given.undone = given.undone or self.clock

    # ------------------------------------------------------------------ landing

    def merge(self, requests: list[Request], method: str, wait: int, *, squash: bool) -> bool:
        """Land requests as the forge does, by one push; false where one does not merge."""
        at, tip, landings = self.tick(wait), self.tip, []
        try:
            for request in requests:
                made = self._made(request, tip, method, squash=squash)
                if not made[0]:
                    return False
                landings.append((request, tip, made))
                tip = made[0][-1]
        except MergeConflictError:
            return False
        before = self.tip
        for request, onto, (commits, merge_commit, squash_commit) in landings:
            request.state, request.merged_at, request.onto = "merged", at, onto
            request.merge_commit, request.squash_commit = merge_commit, squash_commit
            request.landed = commits
        also = self.move(tip, WRITERS[4])
        for request, onto, (commits, *_) in landings:
            steps = self.git.steps(onto, commits[-1])
            if steps and self._gives(onto, request, commits):
                self._unit(onto, steps, request, also)
        return before != self.tip

    def _gives(self, onto: str, request: Request, commits: tuple[str, ...]) -> bool:
        """Whether what landed is what merging gives, which is what people see before.

        A rebase may leave things out, and a squash on an older tip, merged then, bring others.
        """
        try:
            tree = self.git.merged_tree(onto, request.head)
        except MergeConflictError:
            return False
        return tree == self.git.commits[commits[-1]].tree

    def _unit(
        self, before: str, commits: tuple[str, ...], request: Request, also: tuple[int, ...]
    ) -> None:
        others = tuple(
            number
            for number in also
            if number != request.number and self.requests[number].merge_commit in commits
        )
        known = self.units.get((before, commits[0]))
        if known and len(known.commits) > len(commits):
            return
        self.units[before, commits[0]] = Unit(before, commits, request.number, self.tip, others)

    def _made(
        self, request: Request, tip: str, method: str, *, squash: bool
    ) -> tuple[tuple[str, ...], str | None, str | None]:
        """The commits, the merge commit and the squashed one, by the forge's own ways."""
        git, head, by = self.git, request.head, (WRITERS[4],)
        if head in git.ancestors(tip):
            return (), None, None
        if self.forge == "github" and (squash or method == "squash"):
            made = self.written(git.listings[git.merged_tree(tip, head)], (tip,), by)
            return (made,), made, None
        if self.forge == "github" and method == "rebase":
            commits = self._rebased(tip, head)
            return commits, (commits[-1] if commits else None), None
        squashed, source = None, head
        rebased: tuple[str, ...] = (head,)
        if squash:
            start = request.version[1]
            tree = git.listings[git.merged_tree(start, head)]
            squashed = source = self.written(tree, (start,), (request.author,))
        if method != "merge" and tip not in git.ancestors(source):
            rebased = self._rebased(tip, source)
            if not rebased:
                return (), None, None
            source = rebased[-1]
            squashed = squashed and source
        elif method == "ff":
            rebased = git.steps(tip, source) or (source,)
        if method == "ff":
            return rebased, squashed, None
        made = self.written(git.listings[git.merged_tree(tip, source)], (tip, source), by)
        return (made,), made, squashed

    def _rebased(self, tip: str, head: str) -> tuple[str, ...]:
        made = []
        for commit, tree in self.git.rebased(tip, head, tip):
            tip = self.written(self.git.listings[tree], (tip,), self.people[commit])
            made.append(tip)
        return tuple(made)

    def move(self, tip: str, who: Account) -> tuple[int, ...]:
        """The branch moves; requests whose head it brings are merged, whoever pushed."""
        before, self.tip = self.tip, tip
        if tip == before:
            return ()
        self.moves.append(Push(before=before, after=tip, at=self.clock, actor=who))
        steps, merged = self.git.steps(before, tip) or (tip,), []
        for request in self.open_requests:
            known = request.head in self.git.ancestors(before)
            if request.base_ref != MAIN or known or request.head not in self.git.ancestors(tip):
                continue
            holding = next(one for one in steps if request.head in self.git.ancestors(one))
            request.state, request.merged_at, request.onto = "merged", self.clock, before
            request.merge_commit = holding
            inside = self.git.ancestors(request.head)
            request.landed = (holding, *(one for one in steps if one in inside))
            merged.append(request.number)
        for number in merged:
            self._by_push(before, steps, self.requests[number], tuple(merged))
        return tuple(merged)

    def _by_push(
        self, before: str, steps: tuple[str, ...], request: Request, also: tuple[int, ...]
    ) -> None:
        """What a push brought is a unit where a request gives just that."""
        git, made = self.git, request.merge_commit or ""
        if made == request.head and before in git.ancestors(made):
            self._unit(before, steps[: steps.index(made) + 1], request, also)
            return
        facts = git.commits[made]
        if facts.parents[1:] == (request.head,):
            with contextlib.suppress(MergeConflictError):
                if git.merged_tree(facts.parents[0], request.head) == facts.tree:
                    self._unit(facts.parents[0], (made,), request, also)

    def push_merge(self, request: Request, who: Account, wait: int) -> bool:
        """Somebody makes the very merge of a request by hand, or its fast-forward, and pushes."""
        self.tick(wait)
        before, git = self.tip, self.git
        if request.head in git.ancestors(before) or request.base_ref != MAIN:
            return False
        if before in git.ancestors(request.head):
            made = request.head
        else:
            try:
                tree = git.merged_tree(before, request.head)
            except MergeConflictError:
                return False
            made = self.written(git.listings[tree], (before, request.head), (who,))
        self.move(made, who)
        return True
