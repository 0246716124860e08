"""Publishes one report: the comment, the inline comments, the status, each where it can be.

Everything is planned from one reading of the forge, and nothing is sent that would change
nothing. Just before the first write the tips are read again, so that an older run stays silent.
What fails is told and does not stop the rest: a verdict never depends on publishing.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitops_gate.errors import ForgeError
from gitops_gate.forges.interface import Forge, PublishesStatus
from gitops_gate.forges.values import CommitStatus, Snapshot, Tips
from gitops_gate.review.inline import InlinePlan, thread_actions
from gitops_gate.review.standing import Standing
from gitops_gate.review.status import already_set
from gitops_gate.review.summary import publish_summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is to be seen on the forge. `bodies` are the comment's parts; None leaves it alone.

    `status` goes to `commit`; None where a report decides nothing. `sarif` is for the forge's own
    list of alerts, under the full name of the head's ref.
    """

    commit: str
    check_name: str
    standing: Standing
    bodies: Sequence[str] | None = None
    inline: InlinePlan | None = None
    status: CommitStatus | None = None
    sarif: str | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of it: lines for people, and whether anything could not be written.

    `standing`: the status that was to be set is there, or none was to be set.
    """

    lines: tuple[str, ...] = ()
    failed: bool = False
    standing: bool = True


class _Account:
    """What happened so far, in lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed = False
        self.wrote = False

    def attempt(self, what: str, step: Callable[[], str | None]) -> bool:
        """Do one step, and tell whether all is as it should be; a refusal becomes a line."""
        try:
            done = step()
        except ForgeError as error:
            self.failed = True
            self.lines.append(f"{what}: could not be written: {error}")
            return False
        if done is None:
            return False
        self.lines.append(f"{what}: {done}")
        left = done.startswith("not written")
        self.wrote |= not done.endswith("unchanged") and not left
        return not left


def publish(
    forge: Forge,
    snapshot: Snapshot,
    material: Material,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Published:
    """Bring the forge to what the material says, writing only what differs."""
    account = _Account()
    tips = functools.cache(forge.change_requests.tips)
    account.attempt("comment", lambda: _comment(forge, snapshot, material, tips, sleep))
    account.attempt("inline comments", lambda: _inline(forge, snapshot, material, tips))
    # Writing may have waited for a limit: what is live is looked up anew before a success is set.
    success = material.status is not None and material.status.state == "success"
    latest = forge.change_requests.tips if success and account.wrote else tips
    set_now = account.attempt("status", lambda: _status(forge, snapshot, material, latest))
    if account.wrote:
        account.attempt("code scanning", lambda: _sarif(forge, material))
    standing = set_now or material.status is None
    return Published(lines=tuple(account.lines), failed=account.failed, standing=standing)


def set_status(status: PublishesStatus, commit: str, wanted: CommitStatus) -> Published:
    """Set the status of a commit that has no change request, unless it is there already."""
    account = _Account()

    def step() -> str:
        if already_set(wanted, status.statuses(commit)):
            return f"{wanted.state}, unchanged"
        status.set_status(commit, wanted)
        return wanted.state

    standing = account.attempt("status", step)
    return Published(lines=tuple(account.lines), failed=account.failed, standing=standing)


def _comment(
    forge: Forge,
    snapshot: Snapshot,
    material: Material,
    tips: Callable[[], Tips],
    sleep: Callable[[float], None],
) -> str | None:
    if forge.summary is None or material.bodies is None:
        return None
    written = publish_summary(
        forge.change_requests,
        forge.summary,
        snapshot.comments,
        material.bodies,
        check_name=material.check_name,
        standing=material.standing,
        tips=tips,
        sleep=sleep,
    )
    if written.superseded:
        return f"not written: {written.superseded}"
    return "written" if written.changed else "unchanged"


def _inline(
    forge: Forge, snapshot: Snapshot, material: Material, tips: Callable[[], Tips]
) -> str | None:
    if forge.inline is None or material.inline is None:
        return None
    actions = thread_actions(material.inline, snapshot.threads)
    edits = (*actions.edit, *actions.gone)
    if not (actions.add or edits or actions.resolve):
        return "unchanged"
    if why := material.standing.superseded(tips()):
        return f"not written: {why}"
    for thread, body in edits:
        forge.inline.edit(thread, body)
    for thread in actions.resolve:
        forge.inline.resolve(thread)
    added = [planned.comment for planned in actions.add]
    refused = forge.inline.add(snapshot, added) if added else ()
    done = f"{len(added) - len(refused)} added, {len(edits)} edited"
    left = f", {len(refused)} not taken by the forge" if refused else ""
    return f"{done}, {len(actions.resolve)} resolved{left}"


def _status(
    forge: Forge, snapshot: Snapshot, material: Material, tips: Callable[[], Tips]
) -> str | None:
    if forge.status is None or material.status is None:
        return None
    there = snapshot.statuses if snapshot.change.head_commit == material.commit else ()
    if already_set(material.status, there):
        return f"{material.status.state}, unchanged"
    if why := material.standing.superseded(tips()):
        return f"not written: {why}"
    forge.status.set_status(material.commit, material.status)
    return material.status.state


def _sarif(forge: Forge, material: Material) -> str | None:
    if material.sarif is None:
        return None
    if forge.sarif is None:
        return "not written: this forge or token takes none"
    forge.sarif.upload(material.commit, material.ref, material.sarif)
    return "written"
