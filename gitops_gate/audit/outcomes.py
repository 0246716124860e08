"""How a check says what it came to, and which permission it would take to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops_gate.audit.catalogue import CATALOGUE
from gitops_gate.audit.values import Level, Outcome, State
from gitops_gate.forges.values import ForgeKind

_MAINTAINER = "a token of a Maintainer of the project, with the scope read_api"
_NEEDS: Mapping[tuple[ForgeKind, str], str] = {
    ("github", "protection"): "administration: read",
    ("github", "bypass"): "administration: write, and for a ruleset of the organisation "
    "organization_administration: write: GitHub shows its bypass list to nobody else",
    ("github", "jobs"): "administration: read",
    ("github", "merging"): "contents: write: GitHub shows merge methods to nobody else",
    ("github", "rulesets"): "metadata: read",
    ("github", "environments"): "actions: read",
    ("github", "apps"): "a token that may read GET /apps/github-actions",
    ("gitlab", "protection"): _MAINTAINER,
    ("gitlab", "merging"): "a token of a member of the project, with the scope read_api",
    ("gitlab", "approvals"): _MAINTAINER,
    ("gitlab", "variables"): _MAINTAINER,
    ("gitlab", "tags"): _MAINTAINER,
}
FETCH = "the branch in the checkout: git fetch origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Makes outcomes about one thing: a ref, or the repository as a whole."""

    kind: ForgeKind
    subject: str | None = None

    def judge(
        self,
        name: str,
        closed: bool | None,
        *,
        hole: str,
        fine: str,
        needs: str,
        level: Level | None = None,
    ) -> Outcome:
        """The outcome of a check that is closed, open, or neither, since it could not be read.

        `needs` is the area that a permission is named for, or the permission itself.
        """
        if closed is None:
            return self.unknown(name, needs=needs, level=level)
        state, message = (State.FINE, fine) if closed else (State.HOLE, hole)
        return self._outcome(name, state, message, level=level)

    def hole(self, name: str, message: str, *, level: Level | None = None) -> Outcome:
        """A hole."""
        return self._outcome(name, State.HOLE, message, level=level)

    def fine(self, name: str, message: str) -> Outcome:
        """Something that was looked for and is not there."""
        return self._outcome(name, State.FINE, message)

    def unknown(
        self, name: str, *, needs: str, message: str | None = None, level: Level | None = None
    ) -> Outcome:
        """Something that could not be read; it may be a hole."""
        entry = CATALOGUE[name]
        return Outcome(
            id=name,
            level=level or entry.level,
            state=State.UNKNOWN,
            subject=self.subject,
            message=message or f"not known: {entry.title}",
            needs=_NEEDS.get((self.kind, needs), needs),
        )

    def _outcome(
        self, name: str, state: State, message: str, *, level: Level | None = None
    ) -> Outcome:
        return Outcome(
            id=name,
            level=level or CATALOGUE[name].level,
            state=state,
            subject=self.subject,
            message=message,
        )
