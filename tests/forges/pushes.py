"""What goes wrong with a push, and which pushes a forge does not take.

`refusing` gives Git the hook that judges each ref of a push, as a forge's protection does; the
faults of `Pushes` are those of `serving.Faults` for pushes alone, whose announcement
(`info/refs?service=git-receive-pack`) they let by.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.forges.serving import Fault, Faults, Reply, Request

OPERATION = "git-receive-pack"
_COMMAND = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([^\0\n]+)")
_HOOK = """#!/bin/sh
# $1 is the ref, $2 what it was, $3 what it is to be; the letters are those of `May`.
letters=$(printf '%s\\n' "$FORGE_MAY" | while read -r ref found; do
  if [ "$ref" = "$1" ]; then echo "$found"; fi
done)
need=update
case $2 in *[!0]*) ;; *) need=create ;; esac
case $3 in *[!0]*) ;; *) need=delete ;; esac
if [ "$need" = update ] && ! git merge-base --is-ancestor "$2" "$3" 2>/dev/null; then
  need=force
fi
case ",$letters," in *",$need,"*) exit 0 ;; esac
echo "$FORGE_SAYS" >&2
exit 1
"""
_RESULT = (("Content-Type", f"application/x-{OPERATION}-result"),)
EVERYTHING = frozenset({"create", "update", "delete", "force"})


@dataclass(frozen=True, kw_only=True)
class Command:
    """One ref of a push."""

    old: str
    new: str
    ref: str


def commands_of(request: Request) -> tuple[Command, ...]:
    """The refs that a push wants to move."""
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    found, place = [], 0
    while (size := int(body[place : place + 4] or b"0", 16)) > 4:
        if told := _COMMAND.match(body[place + 4 : place + size]):
            old, new, ref = (part.decode("utf-8", "replace") for part in told.groups())
            found.append(Command(old=old, new=new, ref=ref))
        place += size
    return tuple(found)


def refusing(
    request: Request, may: Callable[[str], frozenset[str]], says: str
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Options and environment for Git, so that it takes of a push what `may` allows of a ref."""
    lines = [f"{one.ref} {','.join(sorted(may(one.ref)))}" for one in commands_of(request)]
    environment = {"FORGE_MAY": "\n".join(lines), "FORGE_SAYS": says}
    return ("-c", f"core.hooksPath={_hooks()}"), environment


@cache
def _hooks() -> Path:
    folder = Path(mkdtemp(prefix="hooks-"))
    hook = folder / "update"
    hook.write_text(_HOOK, "utf-8")
    hook.chmod(0o755)
    return folder


class Pushes:
    """Faults of the pushes that come, each `times` times after `skip` that go well.

    `server.pushes.die(stored=True)` is one line of a test.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def reject(self, words: str = "pre-receive hook declined", **more: int | None) -> Fault:
        """Answer as a server whose hook takes none of the refs."""
        return self._add(
            Fault(name="rejected", operation=OPERATION, before=lambda r: _rejected(r, words)), more
        )

    def unavailable(self, status: int = 503, *, stored: bool = False, **more: int | None) -> Fault:
        """A proxy's error page, before the server stored anything or after."""
        reply = Reply(status=status, body=b"<h1>upstream</h1>")
        return self._answering(reply, f"{status}", stored=stored, more=more)

    def die(self, *, stored: bool = False, **more: int | None) -> Fault:
        """End in the middle of the answer, before anything was stored or after.

        Not without a word: HTTP clients ask again by themselves where a connection that they had
        used before ends so.
        """
        reply = Reply(body=b"0" * 8, headers=_RESULT, cut=True)
        return self._answering(reply, "died", stored=stored, more=more)

    def cut(self, **more: int | None) -> Fault:
        """Store it, and end in the middle of the report."""

        def half(_request: Request, reply: Reply) -> Reply:
            return replace(reply, cut=True)

        return self._add(Fault(name="cut off", operation=OPERATION, after=half), more)

    def slow(self, seconds: float, **more: int | None) -> Fault:
        """Think about it first."""
        return self._add(Fault(name="slow", operation=OPERATION, delay=seconds), more)

    def overtaken(self, by: Callable[[], object], **more: int | None) -> Fault:
        """Somebody else is quicker: `by` is called just before the push is stored."""

        @contextmanager
        def around() -> Iterator[None]:
            by()
            yield

        return self._add(Fault(name="overtaken", operation=OPERATION, around=around), more)

    def _answering(
        self, reply: Reply, name: str, *, stored: bool, more: Mapping[str, int | None]
    ) -> Fault:
        fault = Fault(name=f"{name} {'after' if stored else 'before'} storing", operation=OPERATION)
        if stored:
            fault.after = lambda _request, _reply: reply
        else:
            fault.before = lambda _request: reply
        return self._add(fault, more)

    def _add(self, fault: Fault, more: Mapping[str, int | None]) -> Fault:
        fault.matches = lambda request: request.method == "POST"
        for name, value in more.items():
            if name not in {"times", "skip"}:
                raise TypeError(name)
            setattr(fault, name, value)
        return self._faults.add(fault)


class Lookups:
    """Faults of the question who landed a commit. `operation` is the server's name of it."""

    def __init__(self, faults: Faults, operation: str) -> None:
        self._faults = faults
        self._operation = operation

    def lag(self, *, times: int | None = None, seconds: float | None = None) -> Fault:
        """Know of no change request, for so many answers or so many seconds from now."""
        until = None if seconds is None else time.monotonic() + seconds
        if times is None and until is None:
            times = 1
        fault = Fault(name="lag", operation=self._operation, times=times)
        fault.before = lambda _request: Reply.of([])
        if until is not None:
            fault.matches = lambda _request: time.monotonic() < until
        return self._faults.add(fault)

    def twice(self, *, times: int | None = 1) -> Fault:
        """Name everything two times."""

        def doubled(_request: Request, reply: Reply) -> Reply:
            listed = reply.json()
            return Reply.of([*listed, *listed], reply.status)

        return self._faults.add(
            Fault(name="twice", operation=self._operation, times=times, after=doubled)
        )

    def down(self, *, times: int | None = None, status: int = 503) -> Fault:
        """Answer with a proxy's error page to everything, but to Git."""
        reply = Reply(status=status, body=b"<h1>unavailable</h1>")
        fault = self._faults.reply("*", reply, name=f"{status}", times=times)
        fault.matches = lambda request: ".git/" not in request.path
        return fault


def _rejected(request: Request, words: str) -> Reply:
    report = _packet(b"unpack ok\n")
    for one in commands_of(request):
        report += _packet(f"ng {one.ref} {words}\n".encode())
    body = _packet(b"\x02error: " + words.encode() + b"\n")
    body += _packet(b"\x01" + report + b"0000") + b"0000"
    return Reply(body=body, headers=_RESULT)


def _packet(data: bytes) -> bytes:
    return f"{len(data) + 4:04x}".encode() + data
