"""Reading the refs of a remote repository, fetching from it, and moving its refs.

Everything arrives in the scratch repository of an opened one, with all of its history, and is
pushed from there; the user's repository lends its objects and is not written. Which protocols,
programs and credentials a remote may meet is decided in `gitops_gate.source.channel`; `push`, the
compare-and-swap of refs, is `gitops_gate.source.pushing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError
from gitops_gate.source.channel import check_ref, open_channel
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import shown
from gitops_gate.source.pushing import push
from gitops_gate.source.remote_refs import remote_failed, remote_refs

if TYPE_CHECKING:
    from gitops_gate.source.remote_values import RemoteAddress
    from gitops_gate.source.repository import Repository

__all__ = ["fetch", "push", "remote_refs"]

FETCH_TIMEOUT = 900.0
"""Seconds that a fetch may take; a stalled one ends after a minute."""

MAXIMUM_BORROWED_REFS = 5_000
"""Refs of the user's repository that are offered to a server as what is here already."""

_BORROWED = "refs/borrowed/"
_FETCHED = "refs/fetched/"


def fetch(
    repository: Repository, address: RemoteAddress, wants: Sequence[str]
) -> Mapping[str, str]:
    """Fetch refs and objects with all of their history; the object id of each want.

    A want is a full ref name or a full object id. Afterwards the repository resolves these ids,
    lists their trees and walks their history, although the user's repository is not written. What
    a complete clone has already is not fetched again; beside a shallow or partial clone everything
    is fetched once.

    Raises `ConfigurationError` for an address that is not allowed, `SourceError` for a want that
    is none or is not there, for objects that Git refuses, and when the remote cannot be read.
    """
    channel = open_channel(address)
    for want in wants:
        if not is_object_id(want):
            check_ref(want)
    if not wants:
        return {}
    _borrow_refs(repository)
    places = {want: _FETCHED + hashlib.sha256(want.encode()).hexdigest()[:40] for want in wants}
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    fetched = channel.run(
        ("fetch", *options, "--no-show-forced-updates", "--stdin", channel.url),
        folder=repository.scratch,
        timeout=FETCH_TIMEOUT,
        stdin="".join(f"+{want}:{place}\n" for want, place in places.items()).encode(),
    )
    if fetched.code:
        what = f"cannot give {', '.join(list(places)[:5])}"
        raise remote_failed(channel, what, fetched)
    if Path(repository.scratch, "shallow").exists():
        raise SourceError(f"{shown(channel.url)} is itself a shallow clone, without all history")
    here = _refs(repository.scratch, _FETCHED)
    missing = [want for want, place in places.items() if place not in here]
    if missing:
        raise SourceError(f"{shown(channel.url)} did not give {', '.join(missing)}")
    return {want: here[place] for want, place in places.items()}


def _borrow_refs(repository: Repository) -> None:
    """Let the scratch repository point to what the user's has, if all of its history is there.

    Servers are told of these refs, and Git trusts that what lies behind them is complete; which
    is not so in a shallow or partial clone, and they would leave gaps there.
    """
    place = Path(repository.scratch, "packed-refs")
    location = repository.location
    if place.exists() or location.shallow or location.partial:
        return
    head = run_git(("rev-parse", "--verify", "--quiet", "HEAD"), git_dir=location.git_dir)
    count = f"--count={MAXIMUM_BORROWED_REFS}"
    folders = ("refs/heads", "refs/remotes", "refs/tags")
    listed = run_git(
        ("for-each-ref", "--format=%(objectname)", count, *folders), git_dir=location.git_dir
    )
    told = decode(head.stdout + listed.stdout).split()
    oids = dict.fromkeys(oid for oid in told if is_object_id(oid))
    lost = set(repository.blobs.missing(oids))
    known = [oid for oid in oids if oid not in lost]
    lines = [f"{oid} {_BORROWED}{number:06}\n" for number, oid in enumerate(known)]
    place.write_text("".join(lines), "ascii")


def _refs(git_dir: str, below: str) -> dict[str, str]:
    listed = run_git(("for-each-ref", "--format=%(refname) %(objectname)", below), git_dir=git_dir)
    if listed.code:
        raise git_failed("what was fetched cannot be listed", listed)
    return dict(line.split(" ", 1) for line in decode(listed.stdout).splitlines())
