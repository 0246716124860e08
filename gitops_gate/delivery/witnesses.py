"""Asks the forge about the change requests that landed, and brings the commits that it names.

Each change request is read once. What an approver saw may be a commit that no branch leads to any
more; it is fetched by its id while the forge still has it, and kept as evidence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gitops_gate.approvals.binding import Moment, Refusal, moment_of
from gitops_gate.approvals.facts import ReviewState
from gitops_gate.delivery.judging import Witness
from gitops_gate.delivery.remote_state import Remote
from gitops_gate.delivery.testimony import Recording
from gitops_gate.delivery.values import Landing
from gitops_gate.errors import ForgeError, SourceError
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import LandedChange, Snapshot, Target
from gitops_gate.source.remote import fetch

_ONE_PUSH = 100
"""How many commits before the line are looked at: more changes than a merge queue lands at once."""

_PATIENCE = (2.0, 5.0)
"""Seconds before a forge that knows of no change request yet is asked again, once each a run."""


class Witnesses:
    """The forge's answers of one run. `line` goes from the last delivered commit to the tip."""

    def __init__(
        self,
        *,
        remote: Remote,
        forge: Forge,
        target: Target,
        connect: Callable[[Target], Forge],
        line: Sequence[str],
        sleep: Callable[[float], None],
    ) -> None:
        self._remote = remote
        self._forge = forge
        self._target = target
        self._connect = connect
        self._line = line
        self._sleep = sleep
        self._patience = list(_PATIENCE)
        self._landed: dict[str, tuple[LandedChange, ...]] = {}
        self._witnesses: dict[int, Witness] = {}
        self._evidence: set[str] = set()

    @property
    def evidence(self) -> tuple[str, ...]:
        """The commits that were looked at besides those of the branch, sorted."""
        return tuple(sorted(self._evidence))

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        """The change requests that landed a commit, their heads fetched. Raises `ForgeError`."""
        if commit not in self._landed:
            assert self._forge.landed is not None
            found = self._forge.landed.landed(commit)
            while not found and self._patience:
                self._sleep(self._patience.pop(0))
                found = self._forge.landed.landed(commit)
            for change in found:
                self._bring(change.head, self._head_ref(change))
            self._landed[commit] = found
        return self._landed[commit]

    def of(self, change: LandedChange, landing: Landing) -> Witness:
        """The forge, asked about one change request. Raises `ForgeError`."""
        if change.number not in self._witnesses:
            self._witnesses[change.number] = self._asked(change, landing)
        return self._witnesses[change.number]

    def _asked(self, change: LandedChange, landing: Landing) -> Witness:
        forge = self._connect(replace(self._target, number=change.number))
        snapshot = forge.change_requests.read()
        # The target's tip as Git has it: what a forge gives for a merged change may be older.
        tip = self._line[-1]
        snapshot = replace(snapshot, change=replace(snapshot.change, base_commit=tip))
        if change.merged_at is None or forge.approvals is None:
            return Witness(kind=forge.kind, snapshot=snapshot, recording=None)
        recording = Recording(forge.approvals, landing, self._longer_line(), change.merged_at)
        for moment in _moments(recording, snapshot, Moment(head=change.head, base=landing.before)):
            self._bring(moment.head)
            self._bring(moment.base)
        return Witness(kind=forge.kind, snapshot=snapshot, recording=recording)

    def _longer_line(self) -> tuple[str, ...]:
        """The line, with the commits before it that one push may have brought together with it."""
        older = self._remote.repository.first_parent_history(self._line[0], _ONE_PUSH)
        return (*reversed(older[1:]), *self._line)

    def _head_ref(self, change: LandedChange) -> str:
        """Where a forge keeps the head of a change request, also when its branch is gone."""
        kind = "pull" if self._forge.kind == "github" else "merge-requests"
        return f"refs/{kind}/{change.number}/head"

    def _bring(self, commit: str, *refs: str) -> None:
        """Have a commit, if it can still be had; whoever needs it says so when it cannot."""
        for want in (commit, *refs):
            if self._has(commit):
                break
            with contextlib.suppress(SourceError):
                fetch(self._remote.repository, self._remote.address, (want,))
        if self._has(commit):
            self._evidence.add(commit)

    def _has(self, commit: str) -> bool:
        try:
            self._remote.repository.resolve(commit)
        except SourceError:
            return False
        return True


def _moments(recording: Recording, snapshot: Snapshot, now: Moment) -> Iterable[Moment]:
    """What was current whenever somebody approved, as far as the forge tells."""
    try:
        facts = recording.approvals(snapshot)
        approved = [one for one in facts.reviews if one.state is ReviewState.APPROVED]
        if not approved:
            return
        moves = recording.target_moves(snapshot)
    except ForgeError:
        # The evaluation asks again, and then it is said that the forge could not be read.
        return
    for review in approved:
        moment = moment_of(review, facts, moves, now)
        if not isinstance(moment, Refusal) and moment != now:
            yield moment
