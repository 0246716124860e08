"""How new a run is, compared with what is on the forge: only newer or equal replaces.

Runs end in any order. What is published carries the head and the base that it is about; the one
that is about both live tips outranks one about the live head and an older base, and that one
outranks all others.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitops_gate.forges.values import ChangeState, Tips


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The head and the base that something is about.

    `base_ref` is the target branch's full ref name; None for what does not say it.
    """

    head: str
    base: str
    base_ref: str | None = None

    def rank(self, tips: Tips) -> int:
        """2 for both live tips, 1 for the live head alone, 0 for an older head."""
        if self.head != tips.head:
            return 0
        return 2 if self.base == tips.base else 1

    def superseded(self, tips: Tips) -> str | None:
        """Why nothing of this may be published any more, None while it may."""
        if tips.state is not ChangeState.OPEN:
            return f"the change request is {tips.state.value}"
        if self.base_ref not in (None, tips.base_ref):
            branch = tips.base_ref.removeprefix("refs/heads/")
            return f"the target is {branch} by now: its own run publishes"
        if self.rank(tips) == 0:
            return f"there is a newer head, {tips.head[:12]}: its own run publishes"
        return None
