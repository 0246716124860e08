"""What speaks to a remote repository: its address, and refs that are moved by compare-and-swap."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAddress:
    """A remote repository, and what opens it.

    `url` is `https:`, `ssh:` (also `git@host:path`), `http:` to this machine alone, or a folder.
    `username` and `password` are for HTTP; `ssh_key` is the path of a private key (a deploy key)
    and `ssh_known_hosts` that of the file with the host's keys. None of them is ever in a command
    line, a message or a repr.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ssh_key: str | None = field(default=None, repr=False)
    ssh_known_hosts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefUpdate:
    """A ref that is to go from one object to another. `old` None: it must not exist yet."""

    ref: str
    old: str | None
    new: str


class PushResult(StrEnum):
    """What became of a push, which is done as a whole or not at all."""

    DONE = "done"
    STALE = "stale"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """`stale`: a ref was not where it was expected; `refused`: the server said no, for `message`.

    `message` is the server's words, cleaned for a terminal.
    """

    result: PushResult
    message: str = ""
