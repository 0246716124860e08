"""`gitops-gate ratify`: the change request that lets delivery go past a step that it holds.

A step that could not be verified (a direct push, an administrator's bypass, a merge that nobody can
explain) holds delivery for good: nothing is delivered that was not approved. This adds an entry to
`.gitops-gate/ratified.yaml` that names the step and the last delivered commit. It is a change of
the rules: its review shows everything that came since, and asks for everybody who was passed by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.config import RATIFICATIONS_PATH, Ratification, load_ratifications
from gitops_gate.config.delivery_settings import delivery_targets
from gitops_gate.documents import dump_yaml, locate
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.recovery.proposal import Proposal, Target, Wording, draft_edits
from gitops_gate.recovery.steps import newest_first
from gitops_gate.reports.escaping import markdown, markdown_sentence
from gitops_gate.reports.wording import plural
from gitops_gate.review.judging import rules_of
from gitops_gate.source.commits import CommitFacts, read_commit
from gitops_gate.source.recompute import steps_between
from gitops_gate.source.values import Mode, Tree

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_SHORT = 12
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratify:
    """What is to be ratified: the full id of the held step, and why, in whose name.

    `after` are the full ids of the last delivered commits, one for each ref that is held.
    """

    commit: str
    after: tuple[str, ...]
    reason: str
    owner: str
    title: str | None = None
    labels: tuple[str, ...] = ()


def ratify(repository: Repository, target: Target, asked: Ratify) -> Proposal:
    """Add the entries on the tip of the branch; nothing is pushed.

    Raises `ConfigurationError` when the step is ratified already, is not after what was delivered,
    or when the file cannot be appended to.
    """
    newest_first(repository, target, (asked.commit,))
    since = [_since(repository, target, asked.commit, after) for after in asked.after]
    tree = repository.revision(target.commit).tree
    data = _file(tree)
    entries = [
        Ratification(commit=asked.commit, after=after, reason=asked.reason, owner=asked.owner)
        for after in asked.after
    ]
    short = asked.commit[:_SHORT]
    wording = Wording(
        what=f"ratify {asked.commit} after {' '.join(asked.after)}",
        title=asked.title or f"Ratify the step {short}",
        body="\n".join(_body(asked, max(since, key=len))) + "\n",
        short=f"ratify-{short}",
        reason=asked.reason,
        labels=asked.labels,
    )
    edits = {RATIFICATIONS_PATH: with_entries(data, entries)}
    return draft_edits(repository, target, edits, wording)


def last_delivered(repository: Repository, target: Target, commit: str) -> tuple[str, ...]:
    """Where the delivery refs of a branch are, as the last fetch left them, that `commit` is after.

    Raises `ConfigurationError` when the branch is delivered nowhere, when none of its refs was
    fetched or holds one of its commits, or when all of them are past the commit.
    """
    settings = rules_of(repository, target.commit).rules.settings.delivery
    targets = delivery_targets(settings, target.ref.removeprefix("refs/heads/"))
    remedy = "name the last delivered commit: --after COMMIT"
    found: dict[str, None] = {}
    for each in targets:
        name = each.ref.removeprefix("refs/heads/")
        tip = _known(repository, f"refs/remotes/origin/{name}", each.ref)
        steps = None if tip is None else steps_between(repository, tip, target.commit)
        if tip is not None and steps is not None and commit in steps:
            found[tip] = None
    if not found:
        what = "no delivery ref of the branch was fetched that the step comes after"
        raise ConfigurationError(
            what if targets else "the configuration delivers the branch nowhere", remedy=remedy
        )
    return tuple(found)


def with_entries(data: bytes, entries: Sequence[Ratification]) -> bytes:
    """The bytes of a ratification file with further entries at its end; what is there stays.

    Raises `ConfigurationError` when the file does not load, has one of the entries, or is written
    so that nothing can be appended (in `[ ]`).
    """
    before = load_ratifications(data)
    for entry in entries:
        if any((one.commit, one.after) == (entry.commit, entry.after) for one in before):
            raise ConfigurationError(
                f"{entry.commit} is ratified already, after {entry.after}",
                path=RATIFICATIONS_PATH,
            )
    indent = _indent(data) if before else ""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    text = "".join(_written(entry, indent) for entry in entries)
    gap = b"" if not data or data.endswith(b"\n") else newline
    appended = data + gap + text.encode().replace(b"\n", newline)
    try:
        after = load_ratifications(appended)
    except ConfigurationError:
        after = ()
    if [_content(one) for one in after] != [_content(one) for one in (*before, *entries)]:
        raise ConfigurationError(
            "nothing can be appended to this file",
            path=RATIFICATIONS_PATH,
            remedy="write it as a list with a `-` on a line for each entry",
        )
    return appended


def _indent(data: bytes) -> str:
    """What stands before the `-` of the first entry."""
    line = data.split(b"\n")[locate(data, (0,)).line - 1]
    found = re.match(rb" *(?=-)", line)
    return found.group().decode() if found else ""


def _written(entry: Ratification, indent: str) -> str:
    """An entry as an item of a list, its keys in the order in which they are read."""
    lines = "".join(
        dump_yaml({key: getattr(entry, key)}) for key in ("commit", "after", "reason", "owner")
    ).split("\n")[:-1]
    first, *rest = lines
    shown = [f"{indent}- {first}", *(f"{indent}  {line}" if line else "" for line in rest)]
    return "\n".join(shown) + "\n"


def _content(entry: Ratification) -> tuple[str, ...]:
    return entry.commit, entry.after, entry.reason, entry.owner


def _file(tree: Tree) -> bytes:
    entry = tree.entries.get(RATIFICATIONS_PATH)
    if entry is None:
        return b""
    if entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
        raise ConfigurationError("this is no file", path=RATIFICATIONS_PATH)
    return tree.read(RATIFICATIONS_PATH)


def _since(
    repository: Repository, target: Target, commit: str, after: str
) -> tuple[CommitFacts, ...]:
    """The steps after the last delivered commit, up to the held one, oldest first."""
    steps = steps_between(repository, after, target.commit)
    if steps is None or commit not in steps:
        raise ConfigurationError(
            f"{commit} does not come after {after} in the history of "
            f"{target.ref.removeprefix('refs/heads/')}",
            remedy="name the last delivered commit: --after COMMIT",
        )
    return tuple(read_commit(repository, step) for step in steps[: steps.index(commit) + 1])


def _known(repository: Repository, *names: str) -> str | None:
    for name in names:
        try:
            return repository.resolve(name)
        except SourceError:
            continue
    return None


def _body(asked: Ratify, since: Sequence[CommitFacts]) -> Iterator[str]:
    yield f"Lets delivery go past the step {asked.commit}, which could not be verified."
    yield ""
    yield f"**Why:** {markdown_sentence(asked.reason)}"
    yield ""
    yield f"**Who answers for it:** {markdown_sentence(asked.owner)}"
    yield ""
    last = ", ".join(asked.after)
    yield f"After the last delivered commit ({last}), {plural(len(since), 'step')} up to this one:"
    yield ""
    yield from _listed(since)
    yield ""
    yield (
        "Whoever approves this approves all of it. The review shows the rendered and the source "
        "difference from the last delivered commit, and asks for every approval that was passed "
        "by. A revert of the step is the other way out: `gitops-gate revert`."
    )


def _listed(since: Iterable[CommitFacts]) -> Iterator[str]:
    steps = tuple(since)
    for step in steps[-_MOST_NAMED:]:
        yield f"- {step.commit} {markdown(step.subject, 100)}"
    if len(steps) > _MOST_NAMED:
        yield f"- and {len(steps) - _MOST_NAMED} before them"
