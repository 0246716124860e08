"""Judges what would land: the merge of the target's tip and the head, by the tip's rules.

Where the tip's own rules do not load, the newest first-parent ancestor whose rules load decides,
so that a repair can land, and one more approval is asked for (contract, section 2). What cannot
be judged at all becomes a report that says so, since a reviewer has to see it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from weakref import WeakKeyDictionary

from gitops_gate.errors import ConfigurationError, GitOpsGateError, MergeConflictError
from gitops_gate.evaluation.rules import Rules, load_rules
from gitops_gate.pipeline import Deciding, Options, compare
from gitops_gate.review.ratifying import ratified_in, refused, with_ratified
from gitops_gate.source import Repository
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Verdict

_LOADED: WeakKeyDictionary[Repository, dict[str, Deciding]] = WeakKeyDictionary()
_OLDEST_RULES = 100
"""How many commits the search for rules that load goes back."""


@contextlib.contextmanager
def rendered_once(options: Options) -> Iterator[Options]:
    """The options with a folder for this run where none is kept: what is rendered stays there.

    An approval that is looked at, and a queue whose parts stand on each other, render the same
    again.
    """
    if options.cache_folder is not None:
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="gitops-gate-") as folder:
        yield replace(options, cache_folder=folder)


def refuse_narrowing(options: Options) -> None:
    """Raise `ConfigurationError` for what is only for looking (design, invariant 10)."""
    if options.configuration is not None:
        raise ConfigurationError("a review takes no --config: the target branch's rules decide")
    if options.applications or options.environments:
        raise ConfigurationError("a review is of the whole change: it takes no narrowing")


def judge(
    repository: Repository,
    base: str,
    head: str,
    options: Options,
    *,
    landed: bool = False,
    rules_at: str | None = None,
) -> Report:
    """The report on a change request whose target's tip is `base` and whose head is `head`.

    `landed`: the head already is the merge, as in a merge queue or after a push. `rules_at` is
    the commit whose rules decide, where that is not `base`: in a queue, `base` may be another
    change that has not landed yet. What stops
    the judgement (a conflict, rules that load nowhere, missing history) is the report's reason.
    """
    refuse_narrowing(options)
    guarded = replace(options, require_sandbox=True)
    try:
        before = repository.revision(base)
        after = repository.revision(head) if landed else repository.merged(base, head)
        deciding = rules_of(repository, rules_at or base)
        report = compare(before, after, replace(deciding, head=head), guarded)
        ratified = None if landed else ratified_in(repository, base, head)
        if ratified is None:
            return report
        if ratified.problem:
            return refused(report, ratified)
        older = replace(rules_of(repository, ratified.since), head=head)
        since = compare(repository.revision(ratified.since), after, older, guarded)
        return with_ratified(report, since, ratified)
    except MergeConflictError as error:
        return undecided("merge_conflict", str(error), base=base, head=head)
    except GitOpsGateError as error:
        return undecided("not_evaluated", str(error), base=base, head=head)


def rules_of(repository: Repository, tip: str) -> Deciding:
    """The rules that decide at a tip, loaded once for each commit of a repository.

    Raises `GitOpsGateError`, the tip's own, when no ancestor's rules load either.
    """
    known = _LOADED.setdefault(repository, {})
    commit = repository.resolve(tip)
    if commit not in known:
        known[commit] = _rules_of(repository, commit)
    return known[commit]


def _rules_of(repository: Repository, tip: str) -> Deciding:
    tree = repository.revision(tip).tree
    try:
        return Deciding(rules=load_rules(tree), source="base")
    except GitOpsGateError as error:
        found = _older_rules(repository, tip)
        if found is None:
            raise
        commit, rules = found
        message = (
            f"the rules of the target branch do not load ({error}): those of its ancestor "
            f"{commit[:12]} decide, and one approval more is needed"
        )
        reason = Reason(code="rules_of_ancestor", message=message, verdict=Verdict.PENDING)
        return Deciding(rules=rules, source=f"ancestor {commit}", undecided=(reason,))


def _older_rules(repository: Repository, tip: str) -> tuple[str, Rules] | None:
    for commit in repository.first_parent_history(tip, _OLDEST_RULES)[1:]:
        try:
            return commit, load_rules(repository.revision(commit).tree)
        except GitOpsGateError:
            continue
    return None


def undecided(code: str, message: str, *, base: str | None, head: str | None) -> Report:
    """A report that could not be made, with the reason."""
    reason = Reason(code=code, message=message, verdict=Verdict.INDETERMINATE)
    return Report(verdict=Verdict.INDETERMINATE, reasons=(reason,), base=base, head=head)


def undecided_by(report: Report, code: str, message: str) -> Report:
    """A report with one more reason, for which nothing is allowed."""
    return with_reasons(
        report, (Reason(code=code, message=message, verdict=Verdict.INDETERMINATE),)
    )
