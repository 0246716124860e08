"""Moving refs of a remote repository by compare-and-swap: all of them, or none.

`git push --atomic` with a lease for each ref (git-push(1), `--force-with-lease=<ref>:<expect>`):
the client compares what the server says with what is expected, and the server makes the change
only from the very objects it had said. So a push that someone else was faster than fails as a
whole, whether the other one came before it or in the middle of it.

What did not come back as a report of the server's is not known to have happened, nor not to have:
a server can store and die. That is an error which says so, and the refs have to be read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError
from gitops_gate.source.channel import Channel, check_ref, open_channel
from gitops_gate.source.git import decode
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import shown
from gitops_gate.source.remote_refs import remote_refs
from gitops_gate.source.remote_values import Pushed, PushResult

if TYPE_CHECKING:
    from gitops_gate.source.remote_values import RefUpdate, RemoteAddress
    from gitops_gate.source.repository import Repository
    from gitops_gate.tools import Completed

PUSH_TIMEOUT = 300.0
"""Seconds that a push may take."""

_UNKNOWN = "it is not known whether the push arrived"
_REMEDY = "read the refs of the remote again before anything else is done"
_MOVED = {" ", "+", "*"}
"""Flags of git-push(1), `--porcelain`: fast-forwarded, forced, new."""

_NO_ATOMIC = b"does not support --atomic push"
_NEVER_CONNECTED = b"fatal: unable to access '"


def push(repository: Repository, address: RemoteAddress, updates: Sequence[RefUpdate]) -> Pushed:
    """Move refs from one object to another, all or none, with the objects that are needed.

    An update from and to the same object is refused; so is a deletion. That a move goes forward
    is the caller's to check: a lease moves a ref anywhere. STALE: a ref was not at `old`, or was
    at `new` already. REFUSED: the server said no (a protected branch, a hook), or cannot move
    refs together.

    Raises `ConfigurationError` for an address that is not allowed, `SourceError` for updates that
    cannot be asked for, and when it is not known whether the push arrived: no network, a time-out,
    a connection that ended in the middle.
    """
    channel = open_channel(address)
    for update in updates:
        _check(repository, update)
    if not updates or len({update.ref for update in updates}) != len(updates):
        raise SourceError("a push needs one update or more, each of another ref")
    done = _run(repository, channel, updates)
    flags = _report(done, updates)
    words = _words(channel, done)
    if _NO_ATOMIC in done.stderr:
        return Pushed(result=PushResult.REFUSED, message=words)
    answered = len(flags) == len(updates) and not any(
        flag == "!" and summary.startswith("[remote failure]") for flag, summary in flags.values()
    )
    if not answered:
        raise _unknown(channel, done, words)
    if done.code == 0 and all(flag in _MOVED for flag, _ in flags.values()):
        return Pushed(result=PushResult.DONE, message=words)
    stale = any(flag == "=" or "(stale info)" in summary for flag, summary in flags.values())
    if stale or (done.code and _moved_meanwhile(address, updates)):
        return Pushed(result=PushResult.STALE, message=words)
    if done.code and any(flag == "!" for flag, _ in flags.values()):
        return Pushed(result=PushResult.REFUSED, message=words)
    raise _unknown(channel, done, words)


def _check(repository: Repository, update: RefUpdate) -> None:
    check_ref(update.ref)
    for oid in (update.new, update.old):
        if oid is not None and (not is_object_id(oid) or not oid.strip("0")):
            raise SourceError(f"{shown(oid)} is not an object that {update.ref} can point to")
    if update.new == update.old:
        raise SourceError(f"{update.ref} is to stay where it is; there is nothing to push")
    if repository.blobs.find(update.new) is None:
        raise SourceError(f"object {update.new} is not here, and cannot be pushed")


def _run(repository: Repository, channel: Channel, updates: Sequence[RefUpdate]) -> Completed:
    leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
    moves = [f"{update.new}:{update.ref}" for update in updates]
    options = ("--atomic", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags")
    command = ("push", *options, "--recurse-submodules=no", *leases, channel.url, *moves)
    try:
        return channel.run(command, folder=repository.scratch, timeout=PUSH_TIMEOUT)
    except SourceError as error:
        if error.remedy is not None:
            raise
        raise SourceError(f"{error.message}; {_UNKNOWN}", remedy=_REMEDY) from None


def _report(done: Completed, updates: Sequence[RefUpdate]) -> Mapping[str, tuple[str, str]]:
    """The (flag, summary) of each ref that is reported: `<flag> tab <from>:<to> tab <summary>`."""
    asked = {update.ref for update in updates}
    found: dict[str, tuple[str, str]] = {}
    for line in decode(done.stdout).split("\n"):
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        ref = names.rpartition(":")[2]
        if len(flag) == 1 and ref in asked:
            found[ref] = (flag, summary)
    return found


def _words(channel: Channel, done: Completed) -> str:
    """What the server says about a push: the reasons it gives for refs, and its own lines."""
    reasons = [
        line.replace("\t", " ").strip()
        for line in channel.words(done.stdout, limit=4000).split("\n")
        if line.startswith("!")
    ]
    text = "\n".join((*reasons, channel.words(done.stderr, limit=4000)))
    return channel.words(text.encode("utf-8", "replace"))


def _moved_meanwhile(address: RemoteAddress, updates: Sequence[RefUpdate]) -> bool:
    """Whether a ref is elsewhere than expected now: a server does not say why it locked us out."""
    try:
        now = remote_refs(address, [update.ref for update in updates])
    except SourceError:
        return False
    return any(now.get(update.ref) != update.old for update in updates)


def _unknown(channel: Channel, done: Completed, words: str) -> SourceError:
    where, said = shown(channel.url), words or f"git ended with {done.code}"
    if any(line.startswith(_NEVER_CONNECTED) for line in done.stderr.split(b"\n")):
        return SourceError(
            f"{where} cannot be reached, and nothing was pushed: {said}",
            remedy="check the address, and that the credential may push",
        )
    return SourceError(f"{where} broke off: {said}; {_UNKNOWN}", remedy=_REMEDY)
