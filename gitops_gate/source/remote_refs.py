"""The refs of a remote repository, as `git ls-remote` lists them (git-ls-remote(1)).

It runs in an empty folder: a listing needs no repository, and so none can influence it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError
from gitops_gate.source.channel import Channel, open_channel
from gitops_gate.source.git import decode
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import shown

if TYPE_CHECKING:
    from gitops_gate.source.remote_values import RemoteAddress
    from gitops_gate.tools import Completed

LISTING_TIMEOUT = 120.0
"""Seconds that a listing may take; a hundred thousand refs take a few."""

_NARROWED = {"refs/heads/": "--heads", "refs/tags/": "--tags"}


def remote_refs(address: RemoteAddress, prefixes: Sequence[str]) -> Mapping[str, str]:
    """The refs of a remote repository by full name, with the object each of them points to.

    Of an annotated tag that is the tag object, which a push compares; `Repository.resolve` gives
    its commit once it is fetched. A prefix is a ref (`refs/heads/main`) or a folder of refs
    (`refs/tags/`); without any, all refs are listed. A ref that does not exist is left out.

    Raises `ConfigurationError` for an address that is not allowed, `SourceError` when the remote
    cannot be read or says what cannot be true.
    """
    channel = open_channel(address)
    narrowed = {
        option
        for prefix in prefixes
        for start, option in _NARROWED.items()
        if f"{prefix}/".startswith(start)
    }
    known = all(f"{prefix}/".startswith(tuple(_NARROWED)) for prefix in prefixes)
    options = sorted(narrowed) if known else []
    with tempfile.TemporaryDirectory(prefix="gitops-gate-") as folder:
        command = ("ls-remote", "--quiet", "--refs", *options, channel.url)
        listed = channel.run(command, folder=folder, timeout=LISTING_TIMEOUT)
    if listed.code:
        raise remote_failed(channel, "cannot be read", listed)
    found: dict[str, str] = {}
    for line in decode(listed.stdout).splitlines():
        oid, _, ref = line.partition("\t")
        if not is_object_id(oid):
            raise SourceError(f"{shown(channel.url)} lists refs in a way that Git does not")
        if not prefixes or any(_below(ref, prefix) for prefix in prefixes):
            found[ref] = oid
    return found


def remote_failed(channel: Channel, what: str, completed: Completed) -> SourceError:
    """The error for a remote that did not do something, in its own words, cleaned."""
    words = channel.words(completed.stderr) or f"git ended with {completed.code}"
    remedy = "check the address, and that the credential may do this"
    return SourceError(f"{shown(channel.url)} {what}: {words}", remedy=remedy)


def _below(ref: str, prefix: str) -> bool:
    return ref == prefix or ref.startswith(prefix.rstrip("/") + "/")
