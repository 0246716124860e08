"""Brings back what was before some steps, and shows how near the rendered result comes to it.

    steps ──undone one by one on the tip──> tree ──render──┐
    the state before the oldest of them ─────────render──┴──> equal, or different and why

Undoing is a three-way merge, as `git revert` does it: what came later stays. Whether the cluster
gets what it had is then read from the rendered resources, application by application, since equal
files are not the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import FactCache, affected, discover_pair
from gitops_gate.errors import GitOpsGateError, MergeConflictError
from gitops_gate.pipeline import Options, compare
from gitops_gate.recovery.proposal import Target
from gitops_gate.recovery.steps import parent_of
from gitops_gate.review.judging import rules_of
from gitops_gate.source.commits import CommitFacts, read_commit, write_commit
from gitops_gate.source.git import decode, encode, git_failed, run_git
from gitops_gate.source.recompute import reverted_tree_id
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_MOST_LATER = 200
"""Later steps that are named of one application."""


class Restored(StrEnum):
    """How the rendered result of an application compares with the earlier state."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One application that the steps touched.

    `resources` counts those that differ from the earlier state; `later` are the steps after the
    reverted ones that touch its files, the newest first. `reason` says why it is unknown.
    """

    application: str
    environment: str
    restored: Restored
    resources: int = 0
    later: tuple[CommitFacts, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """A tree without the steps, and what it comes to.

    `before` is the commit whose state it is compared with, the first parent of the oldest step.
    `outcomes` are empty where the steps touch no application, and `unknown` says why nothing could
    be compared. `warnings` are about the rendering as a whole.
    """

    steps: tuple[CommitFacts, ...]
    before: str
    tree: str
    outcomes: tuple[Outcome, ...] = ()
    unknown: str | None = None
    warnings: tuple[str, ...] = ()


def undo(repository: Repository, target: Target, steps: Sequence[str]) -> str:
    """The tree of the target's tip without some steps, given the newest first.

    Raises `MergeConflictError` that names the files where what came later is in the way.
    """
    current = target.commit
    for step in steps:
        parent_of(repository, step)
        try:
            tree = reverted_tree_id(repository, step, current)
        except MergeConflictError as error:
            _, _, files = error.message.rpartition("conflicts in ")
            raise MergeConflictError(
                f"{step[:12]} cannot be undone on the tip of "
                f"{target.ref.removeprefix('refs/heads/')}: conflicts in {files}",
                remedy="revert the later steps that touch these files as well, in the same call, "
                "or resolve it by hand: git revert",
            ) from None
        facts = read_commit(repository, step)
        current = write_commit(
            repository,
            tree=tree,
            parents=(current,),
            message=f"without {step}",
            at=facts.committed_at,
        )
    return read_commit(repository, current).tree


def restore(
    repository: Repository, target: Target, steps: Sequence[str], options: Options
) -> Restoration:
    """The tree without the steps, compared with the state before the oldest, both rendered.

    What cannot be rendered is unknown and does not keep the revert from being proposed: when a
    cluster is down, the review is where it is judged. Raises as `undo` does.
    """
    tree = undo(repository, target, steps)
    before = parent_of(repository, steps[-1])
    restoration = Restoration(
        steps=tuple(read_commit(repository, step) for step in steps), before=before, tree=tree
    )
    try:
        return _compared(repository, target, restoration, options)
    except GitOpsGateError as error:
        return replace(restoration, unknown=" ".join(str(error).split()))


def _compared(
    repository: Repository, target: Target, restoration: Restoration, options: Options
) -> Restoration:
    deciding = rules_of(repository, target.commit)
    settings = deciding.rules.settings
    after = _committed(repository, target, restoration.tree)
    touched = _touched(repository, restoration.steps, settings, options)
    earlier, result = repository.revision(restoration.before), repository.revision(after)
    pair = discover_pair(earlier.tree, result.tree, settings, _cache(options))
    known = {name: one for side in pair for name, one in side.applications.items()}
    names = tuple(sorted(touched & known.keys()))
    if not names:
        return restoration
    report = compare(earlier, result, deciding, replace(options, applications=names))
    files = {
        name: {path for side in pair if name in side.closures for path in side.closures[name].files}
        for name in names
    }
    later = partial(_later, repository, target, restoration)
    outcomes = [
        _outcome(each, report, partial(later, files.get(each.name, set())))
        for each in report.applications
    ]
    return replace(
        restoration, outcomes=tuple(outcomes), warnings=rendering_warnings(report.warnings)
    )


def rendering_warnings(warnings: Iterable[str]) -> tuple[str, ...]:
    """Those of a report's warnings that are about how it was rendered, and not what."""
    return tuple(warning for warning in warnings if "sandbox" in warning)


def _committed(repository: Repository, target: Target, tree: str) -> str:
    tip = read_commit(repository, target.commit)
    return write_commit(
        repository,
        tree=tree,
        parents=(target.commit,),
        message="the reverted tip",
        at=tip.committed_at,
    )


def _touched(
    repository: Repository, steps: Iterable[CommitFacts], settings: Settings, options: Options
) -> set[str]:
    """The names of the applications that any of the steps affected."""
    found: set[str] = set()
    for step in steps:
        trees = (
            repository.revision(parent_of(repository, step.commit)).tree,
            repository.revision(step.commit).tree,
        )
        pair = discover_pair(*trees, settings, _cache(options))
        found.update(affected(*pair, *trees).applications)
    return found


def _outcome(
    outcome: ApplicationOutcome, report: Report, later: Callable[[], tuple[CommitFacts, ...]]
) -> Outcome:
    restored, reason = _restored(outcome)
    different = restored is Restored.DIFFERENT
    return Outcome(
        application=outcome.name,
        environment=outcome.environment,
        restored=restored,
        resources=sum(one.application == outcome.name for one in report.changes),
        later=later() if different else (),
        reason=reason,
    )


def _later(
    repository: Repository, target: Target, restoration: Restoration, files: set[str]
) -> tuple[CommitFacts, ...]:
    """The steps after the earlier state that stay and touch some files, the newest first.

    Git looks for them (git-rev-list(1), "--stdin"): it need not list a tree for each.
    """
    named = [path for path in sorted(files) if "\n" not in path]
    asked = [target.commit, f"^{restoration.before}", "--", *named]
    found = run_git(
        ("rev-list", "--first-parent", "--stdin"),
        git_dir=repository.scratch,
        stdin=encode("".join(f"{line}\n" for line in asked)),
        environment={"GIT_LITERAL_PATHSPECS": "1"},
    )
    if found.code:
        raise git_failed("the later steps cannot be listed", found)
    undone = {step.commit for step in restoration.steps}
    kept = [step for step in decode(found.stdout).split() if step not in undone]
    return tuple(read_commit(repository, step) for step in kept[:_MOST_LATER])


def _restored(outcome: ApplicationOutcome) -> tuple[Restored, str | None]:
    if outcome.status is Status.UNCHANGED:
        return Restored.EQUAL, None
    if outcome.status is Status.FAILED or outcome.reason is not None:
        return Restored.UNKNOWN, outcome.reason
    same = outcome.digest.base == outcome.digest.head
    return (Restored.EQUAL if same else Restored.DIFFERENT), None


def _cache(options: Options) -> FactCache | None:
    return FactCache(options.cache_folder) if options.cache_folder else None
