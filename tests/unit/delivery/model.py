"""What is right in a life: which trees people approved, and how far the ref goes.

The model knows nothing of forges, moments, digests, proofs or walks. An approval is what its giver
had in sight, compared with what landed; a tree is approved if what leads to it from an approved
tree is. `Line` writes that down for the branch from the last delivered commit to its tip.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from functools import cached_property

from gitops_gate.errors import MergeConflictError
from tests.unit.delivery.forge_of_life import part_of
from tests.unit.delivery.lives import (
    BOT,
    CONFIGURATION,
    FREEZE,
    RATIFIED,
    TEAM,
    WRITERS,
    Given,
    Life,
    Request,
    Rules,
    Unit,
)
from tests.unit.delivery.memory_git import Listing

Changes = set[tuple[str, object]]
Sight = tuple[Changes, Changes]
"""The changed files, and what landing does to the cluster."""


class UnclearError(Exception):
    """The model does not say what is right here."""


@dataclass(frozen=True)
class Good:
    """Whether a unit is approved; `waits` where nothing but a freeze is against it."""

    approved: bool
    waits: bool = False


@dataclass(frozen=True)
class Line:
    """The branch from the last delivered commit on, looked at in one moment."""

    life: Life
    at: datetime.datetime

    @cached_property
    def commits(self) -> tuple[str, ...]:
        steps = self.life.git.steps(self.life.delivered, self.life.tip)
        assert steps is not None
        return (self.life.delivered, *steps)

    def unit_at(self, place: int) -> Unit | None:
        """What begins after a place of the line, if all of it is there."""
        if place + 1 >= len(self.commits):
            return None
        unit = self.life.units.get((self.commits[place], self.commits[place + 1]))
        if unit is None:
            return None
        # Where the branch was forced back to within it, the rest may have changed nothing.
        found = self.commits[place + 1 :][: len(unit.commits)]
        git = self.life.git
        while found and found != unit.commits[: len(found)]:
            found = found[:-1]
        complete = found and git.files(found[-1]) == git.files(unit.commits[-1])
        return replace(unit, commits=found) if complete else None

    def approved(self) -> dict[str, frozenset[int]]:
        """Every commit of the line that people approved, with the requests that lead to it."""
        known = {self.commits[0]: frozenset(self.life.numbers)}
        for place, since in enumerate(self.commits):
            if since not in known:
                continue
            for start in range(place, len(self.commits)):
                if self.life.git.files(self.commits[start]) == self.life.git.files(since):
                    known.setdefault(self.commits[start], known[since])
                unit = self.unit_at(start)
                if unit is None or unit.request in known[since]:
                    continue
                held = self.commits[place + 1 : start + 1]
                ways = [unit] if not held or self.mends(unit, since, held) else []
                if held and self.gives(unit, since):
                    ways.append(replace(unit, before=since))
                others = [replace(way, request=number) for way in ways for number in unit.also]
                ways += [one for one in others if self.gives(one, one.before)]
                if any(self.good(one, since).approved for one in ways):
                    known.setdefault(unit.commits[-1], known[since] | {unit.request, *unit.also})
        return known

    def gives(self, unit: Unit, since: str) -> bool:
        """Whether a change holds all that is between as well, as one on top of another does."""
        git, head = self.life.git, self.life.requests[unit.request].head
        try:
            return git.merged_tree(since, head) == git.commits[unit.commits[-1]].tree
        except MergeConflictError:
            return False

    def furthest(self) -> tuple[str, bool]:
        """How far the ref goes where all is clear, and whether anything is left over."""
        place, since, held, numbers = 0, self.commits[0], 0, set(self.life.numbers)
        reached = since
        while place + 1 < len(self.commits):
            unit = self.unit_at(place)
            twice = unit is not None and unit.request in numbers
            if unit is None or twice:
                place, held = place + 1, held + 1
                continue
            place += len(unit.commits)
            if held and not self.mends(unit, since, self.commits_after(since, unit)):
                held += len(unit.commits)
                continue
            goods = [self.good(one, since) for one in self.alike(unit)]
            if any(good.approved and not good.waits for good in goods):
                since = reached = unit.commits[-1]
                held, numbers = 0, numbers | {unit.request, *unit.also}
                continue
            if all(good.waits for good in goods):
                break
            held += len(unit.commits)
        return reached, reached != self.commits[-1]

    def commits_after(self, since: str, unit: Unit) -> tuple[str, ...]:
        return self.commits[self.commits.index(since) + 1 : self.commits.index(unit.before) + 1]

    def alike(self, unit: Unit) -> list[Unit]:
        """The unit by every request that gives just it: what one was approved for, landed."""
        if unit.pushed not in self.commits:
            raise UnclearError("the branch was forced back to within what came by one push")
        others = [replace(unit, request=number) for number in unit.also]
        found = [unit, *(one for one in others if self.gives(one, unit.before))]
        heads = {self.life.requests[one.request].head for one in found}
        merges = [c for c in unit.commits if len(self.life.git.commits[c].parents) > 1]
        if len(unit.commits) > 1 and merges and not heads & set(unit.commits):
            raise UnclearError("a rebase drops the merges that landed with it")
        if len(heads) > 1:
            raise UnclearError("changes on top of each other that come to the same")
        if any(one.request in self.life.parted for one in found):
            raise UnclearError("some of it was pushed before")
        return found

    # ------------------------------------------------------------------ mending

    def mends(self, unit: Unit, since: str, held: tuple[str, ...]) -> bool:
        """Whether a change says itself that it goes on past what is held, and stands on it."""
        life = self.life
        head = life.requests[unit.request].head
        if unit.before not in life.git.ancestors(head):
            return False
        before, after = life.git.files(since), life.git.files(unit.commits[-1])
        if before == after:
            return True
        new = self.entries(unit.commits[-1]) - self.entries(unit.before)
        named = any(commit in held for commit, _ in new)
        return named and all(start == since for _, start in new)

    def entries(self, commit: str) -> frozenset[tuple[str, str]]:
        """The held commits that a tree names, and after which one each was held."""
        file = self.life.git.files(commit).get(RATIFIED)
        return frozenset(self.life.ratifications[file] if file else ())

    # ------------------------------------------------------------------ approvals

    def good(self, unit: Unit, since: str) -> Good:
        """Whether people approved what a unit does to the tree of `since`, by the rules there."""
        life = self.life
        request, after = life.requests[unit.request], unit.commits[-1]
        rules = life.rules_at(since)
        if rules.advisory or self.findings(rules, since, after):
            return Good(False)
        sight = self.sight(request.head, life.git.files(after), since)
        by = self.approvers(request, sight, since if since != unit.before else None)
        extra = int(any(push.actor == BOT for push in request.pushes))
        if since != unit.before and life.git.files(since) != life.git.files(after):
            # Those who pushed what is held, and one more for those who wrote it.
            by -= self.pushers(request, since, unit.before)
            extra += 1
        edited = {path for path, _ in sight[0]} & {CONFIGURATION, RATIFIED}
        for count, team in self.asked(rules, self.rules_of(since, request.head), edited):
            if len(by & TEAM if team else by) < count + extra:
                return Good(False)
        return Good(True, waits=self.frozen(rules, request, bool(sight[1] or edited), by, extra))

    def asked(self, old: Rules, new: Rules, edited: set[str]) -> list[tuple[int, bool]]:
        asked = [(old.count, old.team)]
        if edited:
            asked.append((1, False))
            if (old.count, old.team) != (new.count, new.team):
                asked.append((new.count, new.team))
        return [(count, team) for count, team in asked if count]

    def rules_of(self, since: str, head: str) -> Rules:
        """The rules that a head leads to. They load in every life."""
        git = self.life.git
        listing = git.listings[git.merged_tree(since, head)]
        return self.life.configurations[listing[CONFIGURATION]]

    def findings(self, rules: Rules, since: str, after: str) -> bool:
        before, files = self.life.git.files(since), self.life.git.files(after)
        bad = {path for path, oid in files.items() if self.life.is_bad(path, oid)}
        older = {path for path in bad if self.life.is_bad(path, before.get(path))}
        return bool(bad if rules.whole else bad - older)

    def frozen(
        self, rules: Rules, request: Request, touches: bool, by: frozenset[int], extra: int
    ) -> bool:
        if not rules.frozen or not touches or not FREEZE[0] <= self.at < FREEZE[1]:
            return False
        return not ("hotfix" in request.labels and len(by) >= 1 + extra)

    def approvers(self, request: Request, now: Sight, since: str | None) -> frozenset[int]:
        """Those who approved just this, before it was merged, and had no part in it."""
        life, merged_at = self.life, request.merged_at
        assert merged_at is not None
        behind = {request.author.id, *(push.actor.id for push in request.pushes if push.actor)}
        for commit in part_of(life, request):
            behind |= {person.id for person in life.people[commit]}
        return frozenset(
            given.by.id or 0
            for given in request.given
            if given.at <= merged_at
            and (given.undone is None or given.undone > merged_at)
            and given.by in WRITERS
            and given.by.id not in behind
            and self.seen(given, since) == now
        )

    def pushers(self, request: Request, since: str, tip: str) -> frozenset[int]:
        """Who pushed what lies between, as far as the record for a request goes back."""
        held = self.life.git.steps(since, tip) or ()
        known = [one for one in self.life.moves if one.at >= request.opened]
        return frozenset(one.actor.id or 0 for one in known if one.after in held and one.actor)

    def seen(self, given: Given, since: str | None) -> Sight | None:
        git, request = self.life.git, self.life.requests[given.request]
        # A forge's clock counts seconds: what is of the very second of the merge was before it.
        tip = request.onto if given.at == request.merged_at else given.tip
        try:
            merged = git.listings[git.merged_tree(tip, given.head)]
        except MergeConflictError:
            return None
        if since is not None and not self.showed(given.head, tip, merged, since):
            return None
        return self.sight(given.head, merged, since or tip)

    def showed(self, head: str, tip: str, merged: Listing, since: str) -> bool:
        """Whether a change said at some time what it says now: that all since then is its part."""
        git, file = self.life.git, merged.get(RATIFIED)
        if merged == git.files(since):
            return True
        new = set(self.life.ratifications[file] if file else ()) - self.entries(tip)
        steps = git.steps(since, tip) or ()
        told = all(start == since and commit in steps for commit, start in new)
        return bool(new) and told and tip in git.ancestors(head)

    def sight(self, head: str, after: Listing, since: str) -> Sight:
        """The files that a head changes, and what landing it does to what is in use."""
        git = self.life.git
        source = changed(git.files(git.merge_base(since, head)), git.files(head))
        effect = changed(git.files(since), after, both=True)
        return source, {one for one in effect if one[0].startswith("apps/")}


def changed(before: Listing, after: Listing, *, both: bool = False) -> Changes:
    """The paths that differ, with what is there now, or with both."""
    return {
        (path, (before.get(path), after.get(path)) if both else after.get(path))
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    }
