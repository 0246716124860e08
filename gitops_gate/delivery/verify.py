"""`verify`: whether a commit was delivered rightly, offline, from a clone and a key.

    clone ──attestation branch──> chain (signatures, order) ──the decision of the commit──>
          Git facts made again ──> inputs judged again ──> verified, refuted, or not verifiable

The key and the repository's id are given from outside. Nothing that is verified says what it is to
be verified by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from gitops_gate.attestations.chain import channels_at, read_chain
from gitops_gate.attestations.values import Channel, Entry
from gitops_gate.delivery.replay import check_git, check_verdict, refute
from gitops_gate.errors import AttestationError, SourceError
from gitops_gate.pipeline import Options
from gitops_gate.source import Repository

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Trusted

DEFAULT_ATTESTATIONS = "refs/heads/gitops-gate/attestations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be verified, and by what.

    `repository_id` and `trusted` come from outside. `branch` and `ref` (full names) say which
    chain, where a commit is in several. `newest`: it must be what was delivered last.
    `attestations` is the attestation branch.
    """

    commit: str
    repository_id: int
    trusted: Sequence[Trusted]
    branch: str | None = None
    ref: str | None = None
    attestations: str = DEFAULT_ATTESTATIONS
    newest: bool = False
    replay: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A decision that holds: for the `commit` that was asked about.

    `decisions` is how many its chain has. `replayed`: the verdict was taken again and came out the
    same. `notes` say what else was seen.
    """

    commit: str
    channel: Channel
    entry: Entry
    decisions: int
    replayed: bool
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key that signed it."""
        return self.entry.key


def verify(repository: Repository, asked: Asked, options: Options) -> tuple[Verified, ...]:
    """Verify a commit in every chain that it is in (one, if `ref` is given).

    Raises `AttestationError` (`refuted` where something is wrong), and `SourceError` where the
    clone does not have what is needed.
    """
    commit = repository.resolve(asked.commit)
    store = _tip(repository, asked.attestations)
    if store is None:
        name = asked.attestations.removeprefix("refs/heads/")
        raise AttestationError(
            f"the clone has no branch {name}: nothing attests anything",
            remedy=f"git fetch origin {name}:refs/remotes/origin/{name}",
        )
    tree = repository.revision(store).tree
    found = []
    for branch, ref in channels_at(tree, asked.repository_id):
        if asked.branch not in (None, branch) or asked.ref not in (None, ref):
            continue
        channel = Channel(repository_id=asked.repository_id, url="", branch=branch, ref=ref)
        chain = read_chain(tree, channel, asked.trusted)
        place = _place(chain, commit)
        if place is not None:
            if asked.newest:
                _check_newest(chain, commit)
            _check_entry(repository, asked, chain[: place + 1], options)
            found.append(
                Verified(
                    commit=commit,
                    channel=chain[place].decision.channel,
                    entry=chain[place],
                    decisions=len(chain),
                    replayed=asked.replay,
                    notes=_check_ref(repository, chain),
                )
            )
    if not found:
        _nothing(asked, commit)
    return tuple(found)


def _check_newest(chain: Sequence[Entry], commit: str) -> None:
    newest = chain[-1].decision
    if commit not in (newest.commit, newest.delivered):
        refute(f"{commit[:12]} is not what was delivered last: that is {newest.delivered[:12]}")


def _check_entry(
    repository: Repository, asked: Asked, chain: Sequence[Entry], options: Options
) -> None:
    """Check the last decision of a chain against Git, and take it again if that is asked for."""
    steps = check_git(repository, chain[-1], chain[:-1])
    if asked.replay:
        check_verdict(repository, chain[-1].decision, steps, options)


def _place(chain: Sequence[Entry], commit: str) -> int | None:
    """Which decision a commit was delivered by: as its last, the end of a step, or rendered.

    What lies inside of a step, such as the first of rebased commits, nobody looked at alone.
    """
    for number, entry in enumerate(chain):
        decision = entry.decision
        if commit in (decision.commit, decision.delivered):
            return number
        for step in decision.body["steps"]:
            if commit in step.get("commits", ())[-1:]:
                return number
    return None


def _check_ref(repository: Repository, chain: Sequence[Entry]) -> tuple[str, ...]:
    """Whether the delivery ref of the clone is where some decision put it."""
    channel = chain[-1].decision.channel
    ref = _tip(repository, channel.ref)
    if ref is None:
        return (f"the clone does not have {channel.ref}",)
    newest = chain[-1].decision.delivered
    if ref == newest:
        return ()
    if all(ref != entry.decision.delivered for entry in chain):
        refute(f"{channel.ref} is at {ref[:12]}, where no decision put it")
    return (f"{channel.ref} of the clone is older than the newest decision: fetch it",)


def _nothing(asked: Asked, commit: str) -> NoReturn:
    where = f" to {asked.ref}" if asked.ref else ""
    raise AttestationError(
        f"nothing attests that {commit[:12]} was delivered{where} from repository "
        f"{asked.repository_id}"
    )


def _tip(repository: Repository, ref: str) -> str | None:
    """Where a ref of the forge is in the clone.

    Branches are below `origin`; what is there under a tag's full name is a branch of that name.
    """
    branch = ref.removeprefix("refs/heads/")
    remote = (f"refs/remotes/origin/{branch}",) if branch != ref else ()
    for name in (*remote, ref):
        try:
            return repository.resolve(name)
        except SourceError:
            continue
    return None
