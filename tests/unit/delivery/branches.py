"""A branch that is told what happens to it, for tests of a few steps."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace

from gitops_gate.delivery.walk import Walked
from tests.unit.delivery.forge_of_life import Delivery
from tests.unit.delivery.lives import ANN, PATHS, RATIFIED, WRITERS, Life, Request, Rules

A, B, DOCS = PATHS
BO, CY, DI = WRITERS[1:4]


class Branch:
    """A life whose events are a minute apart. Changes are by ann, and bo approves them."""

    def __init__(self, rules: Rules | None = None, *, forge: str = "github") -> None:
        self.life = Life(forge=forge, rules=rules or Rules())
        self.start = self.life.tip

    def request(self, files: Mapping[str, str | None], *, start: str | None = None) -> Request:
        head = self.life.edited(start or self.life.tip, files, ANN)
        return self.life.open(head, ANN, 60)

    def change(self, path: str = A, value: int = 1) -> Request:
        return self.request({path: self.life.value(path, value)})

    def land(self, request: Request, *, by: bool = True, method: str = "merge") -> str:
        if by:
            self.life.approve(request, BO, 60)
        assert self.life.merge([request], method, 60, squash=False)
        return self.life.tip

    def direct(self, files: dict[str, str]) -> str:
        self.life.tick(60)
        self.life.move(self.life.edited(self.life.tip, files, CY), CY)
        return self.life.tip

    def relaxed(self) -> str:
        return self.life.configured(replace(self.life.rules, count=0))

    def ratify(self, held: str, *, by: bool = True, start: str | None = None) -> str:
        """Who wrote what is held is not known for sure, so that it takes one more: di."""
        entry = self.life.ratifying((held, self.life.delivered))
        request = self.request({RATIFIED: entry}, start=start)
        if by:
            self.life.approve(request, DI, 60)
        return self.land(request, by=by)

    def walk(self, *silent: int, at: datetime.datetime | None = None) -> Walked:
        run = Delivery(self.life, self.life.git, frozenset(silent)).run(at or self.life.clock)
        assert run is not None
        return run
