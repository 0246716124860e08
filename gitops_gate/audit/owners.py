"""The checks of who has to agree when the files that decide are changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops_gate.audit.branches import NOT_ON_FREE
from gitops_gate.audit.outcomes import FETCH, Judge
from gitops_gate.audit.values import Branch, Facts, Level, Outcome, Owned

_IDS = ("audit/codeowners-unowned", "audit/ci-editable", "audit/rules-unowned")


def owner_checks(facts: Facts, branch: Branch) -> Iterator[Outcome]:
    """Who owns CODEOWNERS, the definition of CI, and the gate's rules, and is asked."""
    judge = Judge(kind=facts.kind, subject=f"refs/heads/{branch.protection.branch}")
    if branch.files is None or branch.files.owned.problem is not None:
        problem = None if branch.files is None else branch.files.owned.problem
        needs = FETCH if problem is None else "a CODEOWNERS that the forge reads"
        for name in _IDS:
            if name == "audit/ci-editable" and defined_elsewhere(facts):
                continue
            message = f"CODEOWNERS could not be read: {problem}" if problem else None
            yield judge.unknown(name, needs=needs, message=message)
        return
    owned = branch.files.owned
    free = not facts.repository.approvals_available
    level = Level.NOTE if free else None
    yield judge.judge(
        "audit/codeowners-unowned",
        owned.codeowners,
        hole=_no_file(owned, "a file of CODEOWNERS, or a place of one that would come first, "
                      "has no owner") + (f": {NOT_ON_FREE}" if free else ""),
        fine="CODEOWNERS has owners itself",
        needs=FETCH,
        level=level,
    )  # fmt: skip
    yield judge.judge(
        "audit/rules-unowned",
        bool(owned.file) and not owned.unowned_rules,
        hole=_no_file(owned, f"without an owner: {_named(owned.unowned_rules)}"),
        fine="the gate's configuration, policies and waivers have owners",
        needs=FETCH,
        level=level,
    )
    yield _ci(judge, facts, branch, owned)


def defined_elsewhere(facts: Facts) -> bool:
    """Whether GitLab reads the pipeline from another project or address."""
    path = facts.repository.ci_definition or ""
    return facts.kind == "gitlab" and ("@" in path or path.startswith(("http://", "https://")))


def _ci(judge: Judge, facts: Facts, branch: Branch, owned: Owned) -> Outcome:
    name, required = "audit/ci-editable", branch.protection.code_owners
    if defined_elsewhere(facts):
        return judge.fine(name, "the pipeline is defined in another project")
    if facts.kind == "gitlab" and facts.repository.ci_definition is None:
        return judge.unknown(name, needs="merging")
    if not owned.file or owned.unowned_ci:
        return judge.hole(name, _no_file(owned, f"without an owner: {_named(owned.unowned_ci)}"))
    if not facts.repository.approvals_available:
        return judge.hole(name, "GitLab Free cannot require its owners' review")
    return judge.judge(
        name,
        required,
        hole="it has owners, and their review is not required",
        fine="its owners have to review",
        needs="protection",
    )


def _no_file(owned: Owned, otherwise: str) -> str:
    return otherwise if owned.file else "there is no CODEOWNERS"


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:5])
    return f"{shown} and {len(paths) - 5} more" if len(paths) > 5 else shown
