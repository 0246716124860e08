"""Plays lives of a delivered branch: what may happen to it, in any order.

`play` throws dice for thirty or so events and calls a `Deliver` at random moments; the same seed
gives the same life. Most of what happens is honest work, so that the branch gets somewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from gitops_gate.approvals.facts import Account, ReviewState
from gitops_gate.errors import MergeConflictError
from tests.unit.delivery.lives import (
    ANN,
    BAD,
    BOT,
    CONFIGURATION,
    EVERYBODY,
    MAIN,
    OTHER,
    PATHS,
    RATIFIED,
    TEAM,
    WRITERS,
    Life,
    Request,
    Rules,
)

Deliver = Callable[[Life, random.Random], None]
"""Runs a delivery of a life as it is now, and looks at what comes of it."""

Files = Mapping[str, str | None]
"""Blobs by path, None for what is taken away."""

WORK = ("open", "open", "push", "rebase", "update", "settle", "settle", "settle", "settle")
PEOPLE = ("approve", "approve", "approve", "changes", "withdraw", "dismiss", "comment")
ODD = ("force", "retarget", "label", "bot", "share", "close", "empty", "stack", "configure", "late")
LAND = ("land", "land", "queue", "push_merge", "bypass", "elsewhere", "repush", "part")
ATTACK = ("direct", "direct_rules", "evil", "octopus", "foxtrot", "force_branch", "restore")
MEND = ("revert", "undo", "undo_badly", "ratify", "ratify", "ratify_stale", "ratify_unapproved")


class Play:
    """One life and the dice that it is played with."""

    def __init__(self, seed: int) -> None:
        dice = self.dice = random.Random(seed)
        rules = Rules(
            count=dice.choice((1, 1, 1, 1, 2, 2, 0)),
            team=dice.random() < 0.25,
            frozen=dice.random() < 0.1,
            whole=dice.random() < 0.1,
        )
        self.life = Life(
            forge=dice.choice(("github", "gitlab")), rules=rules, bad=dice.random() < 0.1
        )
        self.life.noise = dice.random() < 0.05
        self.life.holes = dice.random() < 0.03
        self.ties = dice.random() < 0.2
        self.attacks = dice.random() < 0.6

    # ------------------------------------------------------------------ dice

    def wait(self) -> int:
        return self.dice.choice((0, 1, 2)) if self.ties else self.dice.choice((1, 1, 2, 5))

    def writer(self) -> Account:
        return self.dice.choice((ANN, *WRITERS))

    def request(self) -> Request | None:
        """One that is open, mostly the newest; mostly a new one where there is none."""
        if not self.life.open_requests and self.dice.random() < 0.8:
            self.open()
        known = self.life.open_requests
        if not known:
            return None
        return known[-1] if self.dice.random() < 0.6 else self.dice.choice(known)

    def files(self) -> dict[str, str]:
        path = self.dice.choice(PATHS)
        value = BAD if self.dice.random() < 0.02 else self.dice.randrange(1, 4)
        return {path: self.life.value(path, value)}

    def step(self) -> str:
        kinds = (WORK, WORK, PEOPLE, ODD, LAND, LAND, *((ATTACK, MEND) if self.attacks else ()))
        action = self.dice.choice(self.dice.choice(kinds))
        self.life.log.append(f"{action} at {self.life.clock:%M:%S}")
        getattr(self, action)()
        return action

    # ------------------------------------------------------------------ work

    def open(self) -> None:
        who, life = self.writer(), self.life
        start = life.tip if self.dice.random() < 0.8 else life.delivered
        life.open(life.edited(start, self.files(), who), who, self.wait())

    def push(self) -> None:
        if request := self.request():
            who = request.author if self.dice.random() < 0.7 else self.writer()
            people = (who, self.writer()) if self.dice.random() < 0.2 else (who,)
            head = self.life.edited(request.head, self.files(), *people)
            self.life.push(request, head, who, self.wait())

    def empty(self) -> None:
        if request := self.request():
            head = self.life.edited(request.head, {}, request.author)
            self.life.push(request, head, request.author, self.wait())

    def bot(self) -> None:
        if request := self.request():
            self.life.push(
                request, self.life.edited(request.head, self.files(), BOT), BOT, self.wait()
            )

    def force(self) -> None:
        if request := self.request():
            head = self.life.edited(self.life.tip, self.files(), request.author)
            self.life.push(request, head, request.author, self.wait())

    def rebase(self) -> None:
        life, request = self.life, self.request()
        if request is None:
            return
        try:
            tip = life.tip
            for commit, tree in life.git.rebased(tip, request.head, tip):
                tip = life.written(life.git.listings[tree], (tip,), life.people[commit])
        except MergeConflictError:
            return
        if tip != life.tip:
            life.push(request, tip, request.author, self.wait())

    def update(self) -> None:
        """The branch is merged into a request."""
        life, request = self.life, self.request()
        if request is None or life.tip in life.git.ancestors(request.head):
            return
        try:
            tree = life.git.merged_tree(request.head, life.tip)
        except MergeConflictError:
            return
        parents = (request.head, life.tip)
        head = life.written(life.git.listings[tree], parents, (request.author,))
        life.push(request, head, request.author, self.wait())

    def settle(self) -> None:
        """A request gets what it needs, and lands."""
        if request := self.request():
            self.approve_enough(request)
            self._land([request])

    def approve_enough(self, request: Request, *, more: int = 0) -> None:
        life = self.life
        rules = life.rules_at(life.tip)
        behind = {push.actor for push in request.pushes} | {request.author}
        for commit in life.git.ancestors(request.head) - life.git.ancestors(life.tip):
            behind |= set(life.people[commit])
        able = [one for one in WRITERS if one not in behind]
        if rules.team:
            able.sort(key=lambda one: one.id not in TEAM)
        for who in able[: max(rules.count, 1) + more]:
            life.approve(request, who, self.wait())

    # ------------------------------------------------------------------ people

    def approve(self) -> None:
        if request := self.request():
            who = self.dice.choice(EVERYBODY)
            self.life.approve(request, who, self.wait(), named=self.dice.random() < 0.8)

    def _undo(self, state: ReviewState) -> None:
        if request := self.request():
            known = [given.by for given in request.given]
            self.life.undo(request, self.dice.choice(known or WRITERS), state, self.wait())

    def changes(self) -> None:
        self._undo(ReviewState.CHANGES_REQUESTED)

    def withdraw(self) -> None:
        self._undo(ReviewState.DISMISSED)

    def comment(self) -> None:
        self._undo(ReviewState.COMMENTED)

    def dismiss(self) -> None:
        request = self.request()
        approvals = [given.review for given in request.given] if request else []
        if request and approvals:
            self.life.dismiss(request, self.dice.choice(approvals), self.wait())

    def late(self) -> None:
        """Somebody approves, or takes it back, after the merge."""
        merged = [one for one in self.life.requests.values() if one.state == "merged"]
        if merged:
            request = self.dice.choice(merged)
            if self.dice.random() < 0.8:
                self.life.approve(request, self.writer(), self.wait())
            else:
                self.life.undo(request, self.writer(), ReviewState.CHANGES_REQUESTED, self.wait())

    # ------------------------------------------------------------------ odd things

    def retarget(self) -> None:
        if request := self.request():
            self.life.retarget(request, self.wait())

    def label(self) -> None:
        if request := self.request():
            request.labels = ("hotfix",)

    def close(self) -> None:
        if request := self.request():
            request.state = "closed"

    def share(self) -> None:
        """Another request with the same head, perhaps for another branch."""
        if request := self.request():
            base = MAIN if self.dice.random() < 0.5 else OTHER
            self.life.open(request.head, self.writer(), self.wait(), base)

    def stack(self) -> None:
        """A request on top of another one."""
        if request := self.request():
            who = self.writer()
            self.life.open(self.life.edited(request.head, self.files(), who), who, self.wait())

    def configure(self) -> None:
        who, life = self.writer(), self.life
        head = life.edited(life.tip, {CONFIGURATION: life.configured(self._rules())}, who)
        life.open(head, who, self.wait())

    def _rules(self) -> Rules:
        now, dice = self.life.rules_at(self.life.tip), self.dice
        return dice.choice(
            (
                replace(now, count=dice.randrange(3)),
                replace(now, team=not now.team),
                replace(now, frozen=not now.frozen),
                replace(now, whole=not now.whole),
                replace(now, advisory=dice.random() < 0.3),
            )
        )

    # ------------------------------------------------------------------ landing

    def _land(self, requests: list[Request]) -> None:
        methods = ("merge", "squash", "rebase")
        if self.life.forge == "gitlab":
            methods = ("merge", "ff", "rebase_merge")
        squash = self.life.forge == "gitlab" and self.dice.random() < 0.3
        here = [one for one in requests if one.base_ref == MAIN]
        if here:
            self.life.merge(here, self.dice.choice(methods), self.wait(), squash=squash)

    def land(self) -> None:
        if request := self.request():
            if self.dice.random() < 0.7:
                self.approve_enough(request, more=1)
            self._land([request])

    def bypass(self) -> None:
        """An administrator merges whatever there is."""
        if request := self.request():
            self._land([request])

    def queue(self) -> None:
        known = self.life.open_requests[-3:]
        for request in known:
            if self.dice.random() < 0.9:
                self.approve_enough(request)
        self._land(known)

    def push_merge(self) -> None:
        if request := self.request():
            if self.dice.random() < 0.7:
                self.approve_enough(request)
            self.life.push_merge(request, self.writer(), self.wait())

    def elsewhere(self) -> None:
        """A request for another branch lands there; somebody pushes that to the branch."""
        life, request = self.life, self.request()
        if request is None or life.tip in life.git.ancestors(request.head):
            return
        request.base_ref = OTHER
        self.approve_enough(request)
        try:
            tree = life.git.merged_tree(life.tip, request.head)
        except MergeConflictError:
            return
        made = life.written(life.git.listings[tree], (life.tip, request.head), (self.writer(),))
        request.state, request.merged_at, request.onto = "merged", life.tick(1), life.tip
        request.merge_commit, request.landed = made, (made,)
        life.tick(1)
        life.move(made, self.writer())

    def repush(self) -> None:
        """What landed once is pushed again, perhaps after its revert."""
        life = self.life
        merged = [one for one in life.requests.values() if one.state == "merged"]
        if not merged:
            return
        request, who = self.dice.choice(merged), self.writer()
        life.tick(self.wait())
        files = life.git.files(request.landed[-1]) if request.landed else {}
        parents = (life.tip, request.head) if self.dice.random() < 0.5 else (life.tip,)
        listing = {**life.git.files(life.tip), **{path: files[path] for path in PATHS}}
        made = life.written(listing, parents, (who,))
        if self.dice.random() < 0.5 and life.forge == "gitlab":
            request.landed = (*request.landed, made)
        life.move(made, who)

    def part(self) -> None:
        """The first commits of a request are pushed to the branch; it goes on open."""
        life, request = self.life, self.request()
        if request is None:
            return
        steps = life.git.steps(life.tip, request.head) if life.tip != request.head else None
        if steps and len(steps) > 1:
            life.tick(self.wait())
            life.parted.add(request.number)
            life.move(steps[self.dice.randrange(len(steps) - 1)], self.writer())

    # ------------------------------------------------------------------ attacks

    def direct(self) -> None:
        who = self.writer()
        self.life.tick(self.wait())
        files = self.files() if self.dice.random() < 0.9 else {}
        self.life.move(self.life.edited(self.life.tip, files, who), who)

    def direct_rules(self) -> None:
        """Rules that ask for nothing any more, and a change by them."""
        who, life = self.writer(), self.life
        life.tick(self.wait())
        mild = life.configured(replace(life.rules_at(life.tip), count=0))
        life.move(life.edited(life.tip, {CONFIGURATION: mild, **self.files()}, who), who)

    def evil(self) -> None:
        """A merge by hand that holds something else."""
        life, request, who = self.life, self.request(), self.writer()
        if request is None:
            return
        self.approve_enough(request)
        try:
            tree = life.git.merged_tree(life.tip, request.head)
        except MergeConflictError:
            tree = life.git.commits[life.tip].tree
        files = {**life.git.listings[tree], **self.files()}
        if life.git.tree(files) == tree:
            return
        life.tick(self.wait())
        life.move(life.written(files, (life.tip, request.head), (who,)), who)

    def octopus(self) -> None:
        life, who = self.life, self.writer()
        known = life.open_requests[-2:]
        if len(known) == 2:
            for request in known:
                self.approve_enough(request)
            heads = tuple(request.head for request in known)
            files = {**life.git.files(life.tip), **self.files()}
            life.tick(self.wait())
            life.move(life.written(files, (life.tip, *heads), (who,)), who)

    def foxtrot(self) -> None:
        """The branch is merged into a change, and that becomes the branch."""
        life, request, who = self.life, self.request(), self.writer()
        if request is None or life.tip in life.git.ancestors(request.head):
            return
        try:
            tree = life.git.merged_tree(request.head, life.tip)
        except MergeConflictError:
            return
        life.tick(self.wait())
        made = life.written(life.git.listings[tree], (request.head, life.tip), (who,))
        life.move(made, who)

    def force_branch(self) -> None:
        """The branch goes back, and on from there with something else."""
        life, who = self.life, self.writer()
        history = life.git.first_parent_history(life.tip, 4)
        life.tick(self.wait())
        made = life.edited(self.dice.choice(history), self.files(), who)
        life.move(made, who)

    def restore(self) -> None:
        """The branch is put back to where it was delivered, if it does not lead on from there."""
        life = self.life
        if life.git.steps(life.delivered, life.tip) is None or self.dice.random() < 0.2:
            life.tick(self.wait())
            life.move(life.delivered, self.writer())

    # ------------------------------------------------------------------ mending

    def _mending(self, files: Files, *, start: str, land: bool = True) -> None:
        life, who = self.life, self.writer()
        request = life.open(life.edited(start, files, who), who, self.wait())
        if land:
            if self.dice.random() < 0.8:
                self.approve_enough(request, more=1)
            self._land([request])

    def _all_of(self, commit: str) -> Files:
        """What it takes to have the tree of a commit again."""
        there, here = self.life.git.files(commit), self.life.git.files(self.life.tip)
        return {path: there.get(path) for path in {**there, **here}}

    def undo(self) -> None:
        """Everything since the last delivery is taken back."""
        self._mending(self._all_of(self.life.delivered), start=self.life.tip)

    def undo_badly(self) -> None:
        files = {**self._all_of(self.life.delivered), **self.files()}
        self._mending(files, start=self.life.tip)

    def revert(self) -> None:
        """One thing that landed is taken back, however long ago."""
        life = self.life
        if not life.units:
            return
        unit = self.dice.choice(list(life.units.values()))
        before, after = life.git.files(unit.before), life.git.files(unit.commits[-1])
        files = {path: before.get(path) for path in after if before.get(path) != after[path]}
        self._mending(files, start=life.tip, land=self.dice.random() < 0.7)

    def _entry(self) -> tuple[str, str] | None:
        line = self.life.git.steps(self.life.delivered, self.life.tip)
        return (self.dice.choice(line), self.life.delivered) if line else None

    def ratify(self) -> None:
        if entry := self._entry():
            self._mending({RATIFIED: self.life.ratifying(entry)}, start=self.life.tip)

    def ratify_stale(self) -> None:
        """One that does not stand on all that is held, or is about something else."""
        if entry := self._entry():
            start = self.life.tip
            if self.dice.random() < 0.5:
                start = self.life.delivered
            elif self.dice.random() < 0.5:
                entry = entry[0], self.life.git.first_parent_history(start, 20)[-1]
            else:
                entry = self.life.git.first_parent_history(start, 20)[-1], entry[1]
            self._mending({RATIFIED: self.life.ratifying(entry)}, start=start)

    def ratify_unapproved(self) -> None:
        if entry := self._entry():
            self._mending({RATIFIED: self.life.ratifying(entry)}, start=self.life.tip, land=False)
            self._land([self.life.requests[len(self.life.requests)]])


def play(seed: int, deliver: Deliver) -> Life:
    """A life of up to forty events; after some of them, and at the end, it is delivered."""
    one = Play(seed)
    for _ in range(one.dice.randrange(6, 40)):
        one.step()
        if one.dice.random() < 0.15:
            deliver(one.life, one.dice)
    deliver(one.life, one.dice)
    return one.life
