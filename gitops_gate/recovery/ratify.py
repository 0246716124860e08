"""`gitops-gate ratify`: the change request that lets delivery go past a step that it holds.

A step that could not be verified (a direct push, an administrator's bypass, a merge that nobody can
explain) holds delivery for good: nothing is delivered that was not approved. This adds an entry to
`.gitops-gate/ratified.yaml` that names the step and the last delivered commit. It is a change of
the rules: its review shows everything that came since, and asks for everybody who was passed by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.config import RATIFICATIONS_PATH, Ratification, load_ratifications
from gitops_gate.config.delivery_settings import delivery_targets
from gitops_gate.documents import dump_yaml, locate
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.recovery.proposal import Proposal, Target, Wording, draft_edits
from gitops_gate.reports.escaping import markdown, markdown_sentence
from gitops_gate.reports.wording import plural
from gitops_gate.review.judging import rules_of
from gitops_gate.source.commits import CommitFacts, read_commit
from gitops_gate.source.recompute import reachable, steps_between
from gitops_gate.source.values import Mode, Tree

if TYPE_CHECKING:
    from gitops_gate.source import Repository

_SHORT = 12
_MOST_NAMED = 50
_RENDERED = re.compile(r"Render ([0-9a-f]{40}|[0-9a-f]{64})$", re.M)
"""How the message of a hydrated commit begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratify:
    """What is to be ratified: the full id of the held step, and why, in whose name.

    `after` is the full id of the last delivered commit. One change request ratifies after one of
    them: its review shows and approves everything that came since.
    """

    commit: str
    after: str
    reason: str
    owner: str
    title: str | None = None
    labels: tuple[str, ...] = ()


def ratify(repository: Repository, target: Target, asked: Ratify) -> Proposal:
    """Add the entries on the tip of the branch; nothing is pushed.

    Raises `ConfigurationError` when the step is ratified already, is not after what was delivered,
    or when the file cannot be appended to.
    """
    since = _since(repository, target, asked.commit, asked.after)
    data = _file(repository.revision(target.commit).tree)
    entry = Ratification(
        commit=asked.commit, after=asked.after, reason=asked.reason, owner=asked.owner
    )
    short = asked.commit[:_SHORT]
    wording = Wording(
        what=f"ratify {asked.commit} after {asked.after}",
        title=asked.title or f"Ratify the step {short}",
        body="\n".join(_body(asked, since)) + "\n",
        short=f"ratify-{short}-{asked.after[:_SHORT]}",
        reason=asked.reason,
        labels=asked.labels,
    )
    edits = {RATIFICATIONS_PATH: with_entry(data, entry)}
    return draft_edits(repository, target, edits, wording)


def delivery_refs(repository: Repository, target: Target) -> tuple[str, ...]:
    """The full names of the refs that a branch is delivered to, as its tip configures them."""
    settings = rules_of(repository, target.commit).rules.settings.delivery
    targets = delivery_targets(settings, target.ref.removeprefix("refs/heads/"))
    return tuple(each.ref for each in targets)


def last_delivered(
    repository: Repository, target: Target, commit: str, refs: Mapping[str, str]
) -> str:
    """The commit of the branch that was delivered last, before `commit`, by where refs are.

    `refs` are the delivery refs that exist, with what they point to, which has to be in the
    repository. A ref of rendered manifests names their commit in its message. Nothing is proven by
    it: the delivery and the review compare with what is attested.

    Raises `ConfigurationError` when no ref says it, or two say different.
    """
    found: dict[str, str] = {}
    for ref, tip in refs.items():
        delivered = _of_branch(repository, target, tip)
        steps = steps_between(repository, delivered, target.commit) if delivered else None
        if delivered is not None and steps is not None and commit in steps:
            found.setdefault(delivered, ref)
    remedy = "name the last delivered commit: --after COMMIT"
    if not found:
        raise ConfigurationError(
            f"no delivery ref of the branch stands before {commit}", remedy=remedy
        )
    if len(found) > 1:
        said = ", ".join(f"{ref} is at {one}" for one, ref in found.items())
        raise ConfigurationError(
            f"delivery refs are held at different commits: {said}", remedy=remedy
        )
    return next(iter(found))


def with_entry(data: bytes, entry: Ratification) -> bytes:
    """The bytes of a ratification file with another entry at its end; what is there stays.

    Raises `ConfigurationError` when the file does not load, has the entry, or is written so that
    nothing can be appended (in `[ ]`).
    """
    before = load_ratifications(data)
    if any((one.commit, one.after) == (entry.commit, entry.after) for one in before):
        raise ConfigurationError(
            f"{entry.commit} is ratified already, after {entry.after}", path=RATIFICATIONS_PATH
        )
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    text = _written(entry, _indent(data) if before else "").encode().replace(b"\n", newline)
    gap = b"" if not data or data.endswith(b"\n") else newline
    appended = data + gap + text
    try:
        after = load_ratifications(appended)
    except ConfigurationError:
        after = ()
    if [_content(one) for one in after] != [_content(one) for one in (*before, entry)]:
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


def _of_branch(repository: Repository, target: Target, tip: str) -> str | None:
    """The commit of the branch that a delivery ref stands for; None where it names none."""
    if reachable(repository, tip, target.commit):
        return tip
    named = _RENDERED.match(read_commit(repository, tip).message)
    try:
        return repository.resolve(named[1]) if named else None
    except SourceError:
        return None


def _body(asked: Ratify, since: Sequence[CommitFacts]) -> Iterator[str]:
    yield f"Lets delivery go past the step {asked.commit}, which could not be verified."
    yield ""
    yield f"**Why:** {markdown_sentence(asked.reason)}"
    yield ""
    yield f"**Who answers for it:** {markdown_sentence(asked.owner)}"
    yield ""
    count = plural(len(since), "step")
    yield f"After the last delivered commit, {asked.after}, {count} up to this one:"
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
