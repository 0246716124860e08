"""A change request that ratifies what landed unverified: shown and approved as a whole.

Delivery stops before a step that it cannot verify. A change request that adds an entry to
`.gitops-gate/ratified.yaml` lets it go on: so what its reviewers see and approve is everything from
the last delivered commit to what would land, by the rules of that commit and of the tip. Whether
that commit really is the one that was delivered last is for the delivery to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitops_gate.approvals.facts import Contribution, Push
from gitops_gate.config.ratifications import RATIFICATIONS_PATH, Ratification, load_ratifications
from gitops_gate.errors import ConfigurationError
from gitops_gate.source import Repository, Tree
from gitops_gate.source.commits import emails_between
from gitops_gate.source.recompute import reachable, steps_between
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratified:
    """What a change goes on from, `since`, past the commit `held`; `problem` is why it may not."""

    since: str
    held: str
    problem: str | None = None


def ratified_in(repository: Repository, base: str, head: str) -> Ratified | None:
    """What a change to a branch whose tip is `base` ratifies; None where it ratifies nothing.

    Raises `SourceError` where Git cannot say.
    """
    tip, merged = repository.revision(base).tree, repository.merged(base, head).tree
    if tip.entries.get(RATIFICATIONS_PATH) == merged.entries.get(RATIFICATIONS_PATH):
        return None
    try:
        added = added_entries(tip, merged)
    except ConfigurationError as error:
        return Ratified(since=base, held=base, problem=str(error))
    if not added:
        return None
    since, held = added[0].after, added[0].commit
    return Ratified(since=since, held=held, problem=_problem(repository, base, head, added))


def added_entries(before: Tree, after: Tree) -> tuple[Ratification, ...]:
    """The entries that a change from one tree to another adds, in the order of the file.

    One that was there already, such as by a direct push, was shown to nobody with this change.
    Raises `ConfigurationError` where the file does not load after it, and `SourceError` where it
    is none.
    """
    proposed = _entries(after)
    known = {(one.commit, one.after) for one in _older_entries(before)}
    return tuple(one for one in proposed if (one.commit, one.after) not in known)


def behind_held(
    repository: Repository, since: str, base: str, head: str, moves: Sequence[Push] | None
) -> tuple[Contribution, ...]:
    """Who had a part in what a change ratifies: nobody of them approves it with the change.

    The pushers are known as far as the forge's record of the branch (`moves`) goes; those who wrote
    it by the addresses in their commits alone, which stand for no account. A change that takes all
    of it back leaves nothing that they could approve. Raises `SourceError`.
    """
    merged = repository.merged(base, head).tree
    if merged.entries == repository.revision(since).tree.entries:
        return ()
    held = set(steps_between(repository, since, base) or ())
    pushers = {
        move.actor.id: move.actor
        for move in moves or ()
        if move.actor is not None and move.after in held
    }
    addresses = emails_between(repository, since, base)
    return (Contribution(commit=base, people=tuple(pushers.values()), unmapped=addresses),)


def with_ratified(report: Report, since: Report, ratified: Ratified) -> Report:
    """Two reports on one change as one: `since` is compared with the last delivered commit.

    What that shows is shown; what either speaks against the change counts.
    """
    lacking = [reason for reason in report.reasons if reason.verdict is not Verdict.ALLOW]
    note = (
        f"this change ratifies {ratified.held[:12]}: everything since {ratified.since[:12]}, the "
        "last delivered commit, is shown and approved with it"
    )
    whole = replace(since, base=report.base, warnings=(*since.warnings, note))
    return with_reasons(whole, [reason for reason in lacking if reason not in since.reasons])


def refused(report: Report, ratified: Ratified) -> Report:
    """The report on a change whose ratification cannot be one."""
    return with_reasons(
        report,
        (Reason(code="ratification", message=ratified.problem or "", verdict=Verdict.DENY),),
    )


def _older_entries(before: Tree) -> tuple[Ratification, ...]:
    """Those of before, whose file nobody can read any more once it is broken."""
    try:
        return _entries(before)
    except ConfigurationError:
        return ()


def _entries(tree: Tree) -> tuple[Ratification, ...]:
    if RATIFICATIONS_PATH not in tree.entries:
        return ()
    return load_ratifications(tree.read(RATIFICATIONS_PATH))


def _problem(
    repository: Repository, base: str, head: str, added: Sequence[Ratification]
) -> str | None:
    one = added[0]
    if any(other.after != one.after for other in added):
        return "its entries in the file of ratified steps go on from different commits"
    steps = steps_between(repository, one.after, base)
    if steps is None:
        return f"{one.after[:12]} is not on the first-parent line of the branch"
    strange = next((other.commit for other in added if other.commit not in steps), None)
    if strange is not None:
        return f"{strange[:12]} did not land on the branch after {one.after[:12]}"
    if not reachable(repository, base, head):
        return (
            "a change that ratifies what landed stands on the tip of the branch, so that all of it "
            "is approved: merge the branch into it, or rebase it"
        )
    return None
