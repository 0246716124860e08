"""What a forge tells of a life, and a run of delivery that listens to it.

`Delivery` is `gitops_gate.delivery.run` without a remote: the same walk over the same answers,
from where the ref is to where the branch is.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from gitops_gate.approvals.facts import Account, ApprovalFacts, Contribution, Push
from gitops_gate.approvals.people import Access
from gitops_gate.delivery.judging import Judging
from gitops_gate.delivery.values import Judged
from gitops_gate.delivery.walk import Told, Walked, Way, walk
from gitops_gate.delivery.witnesses import Witnesses
from gitops_gate.errors import ForgeError
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import ChangeRequest, ChangeState, LandedChange, Snapshot, Target
from gitops_gate.pipeline import Options
from gitops_gate.source import Repository
from tests.unit.delivery.lives import MAIN, TEAM, Life, Request
from tests.unit.delivery.memory_git import steps_between


def landed_change(request: Request) -> LandedChange:
    return LandedChange(
        number=request.number,
        base_ref=request.base_ref,
        head=request.head,
        merged_at=request.merged_at,
        merge_commit=request.merge_commit,
        squash_commit=request.squash_commit,
    )


@dataclass
class Telling:
    """The forge of a life, connected for one request, or for none.

    `silent` are requests that it cannot be asked about just now.
    """

    life: Life
    request: Request | None = None
    silent: frozenset[int] = frozenset()

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        found = []
        for request in self.life.requests.values():
            named = commit in (request.merge_commit, request.squash_commit, *request.landed)
            if request.state == "merged" and (named or self.life.noise):
                found.append(landed_change(request))
        if any(change.number in self.silent for change in found):
            raise ForgeError("the forge is down")
        return tuple(found)

    def read(self) -> Snapshot:
        request = self.request
        assert request is not None
        change = ChangeRequest(
            number=request.number,
            url="",
            title="",
            state=ChangeState(request.state),
            draft=False,
            repository="acme/shop",
            repository_id=1,
            head_repository="acme/shop",
            from_fork=False,
            base_ref=request.base_ref,
            base_commit=None,
            head_ref=f"change-{request.number}",
            head_commit=request.head,
            author=request.author,
            labels=request.labels,
            merge_commit=request.merge_commit,
            versions=request.version if self.life.forge == "gitlab" else None,
        )
        return Snapshot(change=change, comments=request.comments, own_id=99)

    def approvals(self, _: Snapshot) -> ApprovalFacts:
        life, request = self.life, self.request
        assert request is not None
        until = request.merged_at or life.clock
        return ApprovalFacts(
            reviews=tuple(request.reviews),
            contributions=tuple(
                Contribution(commit=commit, people=life.people[commit])
                for commit in sorted(part_of(life, request))
            ),
            pushes=tuple(push for push in request.pushes if push.at <= until),
            retargeted_at=request.retargeted_at,
        )

    def target_moves(self, _: Snapshot) -> tuple[Push, ...] | None:
        assert self.request is not None
        opened = self.request.opened
        return (
            None if self.life.holes else tuple(one for one in self.life.moves if one.at >= opened)
        )

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        return {team: TEAM if team == "sre" else None for team in teams}

    def access(self, _: Account) -> Access | None:
        return None


def part_of(life: Life, request: Request) -> frozenset[str]:
    """The commits of a request that its target did not have when it was merged."""
    onto = request.onto or life.tip
    return life.git.ancestors(request.head) - life.git.ancestors(onto)


def forge_of(telling: Telling) -> Forge:
    return Forge(
        kind=cast(Any, telling.life.forge),
        change_requests=cast(Any, telling),
        approvals=cast(Any, telling),
        summary=None,
        inline=None,
        status=None,
        sarif=None,
        protection=None,
        opening=None,
        landed=cast(Any, telling),
    )


@dataclass
class Delivery:
    """A run for the delivery ref of a life, in a repository that answers for it."""

    life: Life
    repository: Any
    silent: frozenset[int] = frozenset()
    options: Options = field(default_factory=lambda: Options(jobs=1))
    told: Told = lambda _: None

    def run(self, at: datetime.datetime) -> Walked | None:
        """How far the ref may go; None where the branch does not lead on from it."""
        life = self.life
        line = steps_between(life.git, life.delivered, life.tip)
        if line is None:
            return None
        witnesses = Witnesses(
            remote=cast(Any, SimpleNamespace(repository=self.repository, address=None)),
            forge=forge_of(Telling(life, silent=self.silent)),
            target=Target(repository="acme/shop"),
            connect=self.connect,
            line=(life.delivered, *line),
            sleep=lambda _: None,
        )
        judging = Judging(
            repository=cast(Repository, self.repository),
            witness_of=witnesses.of,
            options=self.options,
            at=at,
        )
        way = Way(branch=MAIN, line=(life.delivered, *line), earlier=frozenset(life.numbers))
        return walk(judging, way, witnesses.landed, self.told)

    def connect(self, target: Target) -> Forge:
        assert target.number is not None
        return forge_of(Telling(self.life, self.life.requests[target.number], self.silent))


def take(life: Life, steps: tuple[Judged, ...]) -> None:
    """Move the ref of a life to where the last step leads."""
    for step in steps:
        life.numbers |= {change.number for change in step.landing.changes}
        life.delivered = step.landing.after
