"""What both forges of our own stand on: a real HTTP server on loopback, its log, its faults.

A forge is an `Application`: it names the operation that a request asks for, and answers it. The
`Loopback` around it speaks HTTP/1.1 to any number of clients at once, gives one request at a time
to the application (so that ids and times come out the same way every run), writes the log, and
puts faults in where a test asked for them. What breaks the forge's own description goes into
`violations`, and `Loopback.check` raises on it: a fixture calls that at teardown.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came. `path` is decoded, `raw_path` is not; header names are lower case."""

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    client: str = ""

    def json(self) -> Any:
        """The body as JSON, None when there is none. Raises `ValueError`."""
        return json.loads(self.body) if self.body else None

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return dict(self.query).get(name)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. `Content-Length` and `Date` are the server's to add.

    With `cut` the connection ends in the middle of the body.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """A JSON answer; a header's name is written with underscores."""
        return cls(
            status=status,
            body=json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            headers=(("Content-Type", "application/json; charset=utf-8"), *_named(headers)),
        )

    def json(self) -> Any:
        """The body as JSON, None when there is none."""
        return json.loads(self.body) if self.body else None

    def header(self, name: str) -> str | None:
        """The value of a header."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def with_headers(self, *headers: tuple[str, str]) -> Reply:
        """The same answer with further headers; those it has already stay."""
        own = {name.lower() for name, _ in self.headers}
        more = tuple(header for header in headers if header[0].lower() not in own)
        return replace(self, headers=self.headers + more)


def _named(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        yield name.replace("_", "-"), value


class Application(Protocol):
    """A forge behind the server."""

    def identify(self, request: Request) -> str:
        """The id of the operation that a request asks for, `unknown` when there is none."""

    def token_of(self, request: Request) -> str | None:
        """The token that came along, as the log is to show it."""

    def answer(self, request: Request, operation: str) -> Reply:
        """Do what is asked."""


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One request that arrived, in the order of arrival. `at` is monotonic, in seconds.

    `status` is None where the connection was dropped. `fault` names the fault that was put in.
    """

    number: int
    at: float
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    operation: str
    token: str | None
    headers: Mapping[str, str]
    body: str
    status: int | None = None
    reply: str = ""
    fault: str | None = None

    @property
    def write(self) -> bool:
        """Whether it can change something: any method but GET, a GraphQL mutation, a push."""
        if self.operation.startswith("graphql"):
            return self.operation.startswith("graphql/mutation")
        if self.operation == "git-upload-pack":
            return False
        return self.method not in {"GET", "HEAD", "OPTIONS"}

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body) if self.body else None

    def plain(self) -> dict[str, Any]:
        """For a dump of the log."""
        return {
            "number": self.number, "at": self.at, "method": self.method, "path": self.path,
            "query": [list(pair) for pair in self.query], "operation": self.operation,
            "token": self.token, "body": self.body, "status": self.status, "fault": self.fault,
            "write": self.write,
        }  # fmt: skip


Before = Callable[[Request], Reply | None]
After = Callable[[Request, Reply], Reply | None]


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong, `times` times, after it has let `skip` requests by.

    `before` answers instead of the forge; `after` alters what it answered, once it has acted.
    Either may return None, which drops the connection. `around` is entered around the forge's
    work. `delay` is slept before anything, in seconds.
    """

    name: str
    operation: str
    times: int | None = 1
    skip: int = 0
    before: Before | None = None
    after: After | None = None
    around: Callable[[], AbstractContextManager[Any]] | None = None
    delay: float = 0.0
    met: int = 0
    matches: Callable[[Request], bool] | None = None

    def strikes(self, request: Request, operation: str) -> bool:
        """Whether it is this request's turn; counts it."""
        if not fnmatchcase(operation, self.operation):
            return False
        if self.matches is not None and not self.matches(request):
            return False
        if self.times is not None and self.met >= self.skip + self.times:
            return False
        self.met += 1
        return self.met > self.skip


class Faults:
    """The faults that are still to come. `operation` is an id, or a pattern with `*`.

    Of several for one operation the first strikes until it is used up, then the next. With
    `committed` the forge has acted before things go wrong.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()

    def next(self, request: Request, operation: str) -> Fault | None:
        """The fault that strikes this request."""
        with self._lock:
            return next((one for one in self._faults if one.strikes(request, operation)), None)

    def reply(
        self, operation: str, reply: Reply | None, *, name: str, committed: bool = False,
        times: int | None = 1, skip: int = 0,
    ) -> Fault:  # fmt: skip
        """Answer with this instead of the forge's own answer; None drops the connection."""
        fault = Fault(name=name, operation=operation, times=times, skip=skip)
        if committed:
            fault.after = lambda _request, _reply: reply
        else:
            fault.before = lambda _request: reply
        return self.add(fault)

    def bad_gateway(
        self, operation: str, *, committed: bool = False, status: int = 502,
        times: int | None = 1, skip: int = 0,
    ) -> Fault:  # fmt: skip
        """A proxy's error page, before the forge acted or after."""
        page = f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1></body></html>"
        reply = Reply(status=status, body=page.encode(), headers=(("Content-Type", "text/html"),))
        name = f"{status} {'after' if committed else 'before'} the write"
        return self.reply(operation, reply, name=name, committed=committed, times=times, skip=skip)

    def drop(
        self, operation: str, *, committed: bool = False, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """Close the connection without a word."""
        name = f"dropped {'after' if committed else 'before'} the write"
        return self.reply(operation, None, name=name, committed=committed, times=times, skip=skip)

    def slow(
        self, operation: str, seconds: float, *, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """Think about it first."""
        return self.add(
            Fault(name="slow", operation=operation, times=times, skip=skip, delay=seconds)
        )

    def too_many_requests(
        self, operation: str, *, retry_after: float | None = 1, as_date: bool = False,
        times: int | None = 1, skip: int = 0, body: Any = None,
    ) -> Fault:  # fmt: skip
        """429, with Retry-After in seconds, as an HTTP date, or without (None)."""

        def answer(_request: Request) -> Reply:
            reply = Reply.of(body or {"message": "Too many requests"}, 429)
            return reply.with_headers(*retry_after_header(retry_after, as_date=as_date))

        return self.add(
            Fault(name="429", operation=operation, times=times, skip=skip, before=answer)
        )

    def redirect(
        self, operation: str, to: str, *, status: int = 307, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """Send the client to the same path under another address (`http://host:port`)."""

        def answer(request: Request) -> Reply:
            body = {"message": "Moved", "url": to + request.raw_path}
            return Reply.of(body, status, Location=to + request.raw_path)

        return self.add(
            Fault(name="redirect", operation=operation, times=times, skip=skip, before=answer)
        )

    def reorder(self, operation: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Turn the entries of a page around; in an object, such as GraphQL's, every list."""

        def alter(_request: Request, reply: Reply) -> Reply:
            return replace(reply, body=json.dumps(_reversed(reply.json())).encode())

        return self.add(
            Fault(name="reordered", operation=operation, times=times, skip=skip, after=alter)
        )


def _reversed(value: Any) -> Any:
    if isinstance(value, list):
        return value[::-1]
    if isinstance(value, dict):
        return {name: _reversed(inner) for name, inner in value.items()}
    return value


def retry_after_header(
    seconds: float | None, *, as_date: bool = False
) -> tuple[tuple[str, str], ...]:
    """Retry-After in whole seconds, or as the date that they lead to, rounded up."""
    if seconds is None:
        return ()
    if as_date:
        return (("Retry-After", formatdate(time.time() + seconds + 0.999, usegmt=True)),)
    return (("Retry-After", str(max(0, round(seconds)))),)


@dataclass(kw_only=True)
class Violation:
    """Something that the forge's own description does not allow."""

    operation: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.place}: {self.reason}"


@dataclass
class Loopback:
    """A forge at work. Use it as a context manager, or `start` and `stop` it."""

    application: Application
    host: str = "127.0.0.1"
    port: int = 0
    faults: Faults = field(default_factory=Faults)
    violations: list[Violation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._entries: list[LogEntry] = []
        self._log_lock = threading.Lock()
        self._work = threading.RLock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Loopback:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def origin(self) -> str:
        """`http://host:port`, without a slash."""
        return f"http://{self.host}:{self.port}"

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Every request so far."""
        with self._log_lock:
            return tuple(self._entries)

    @property
    def writes(self) -> tuple[LogEntry, ...]:
        """Those that can have changed something."""
        return tuple(entry for entry in self.log if entry.write)

    def requests(self, operation: str = "*") -> tuple[LogEntry, ...]:
        """Those of one operation, or of a pattern with `*`."""
        return tuple(entry for entry in self.log if fnmatchcase(entry.operation, operation))

    def forget(self) -> None:
        """Empty the log."""
        with self._log_lock:
            self._entries.clear()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Nothing is answered meanwhile: for a test that changes the forge's state."""
        with self._work:
            yield

    def start(self) -> Loopback:
        """Listen, on a free port when `port` is 0."""
        self._server = _Server((self.host, self.port), self)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join(10)
        self._server = self._thread = None

    def violate(self, operation: str, place: str, reason: str) -> None:
        """Record a violation."""
        self.violations.append(Violation(operation=operation, place=place, reason=reason))

    def check(self) -> None:
        """Raise `AssertionError` when anything broke the description."""
        assert not self.violations, "\n".join(str(violation) for violation in self.violations)

    def handle(self, request: Request) -> Reply | None:
        """One request, from the log to the reply; None drops the connection."""
        operation = self.application.identify(request)
        number = self._arrived(request, operation)
        fault = self.faults.next(request, operation)
        if fault is not None and fault.delay:
            time.sleep(fault.delay)
        if self._server is None:
            return None  # stopped meanwhile: there is nobody to answer, and nothing to judge
        try:
            reply = self._answer(request, operation, fault)
        except Exception:  # noqa: BLE001 - a crash of the forge must fail the test that met it
            self.violate(operation, "the server", traceback.format_exc())
            reply = Reply.of({"message": "Server Error"}, 500)
        self._answered(number, reply, fault)
        return reply

    def _answer(self, request: Request, operation: str, fault: Fault | None) -> Reply | None:
        if fault is not None and fault.before is not None:
            return fault.before(request)
        around = fault.around() if fault is not None and fault.around else nullcontext()
        with self._work, around:
            reply = self.application.answer(request, operation)
        if fault is not None and fault.after is not None:
            return fault.after(request, reply)
        return reply

    def _arrived(self, request: Request, operation: str) -> int:
        with self._log_lock:
            number = len(self._entries)
            self._entries.append(
                LogEntry(
                    number=number,
                    at=time.monotonic(),
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    operation=operation,
                    token=self.application.token_of(request),
                    headers=request.headers,
                    body=request.body.decode("utf-8", "replace"),
                )
            )
        return number

    def _answered(self, number: int, reply: Reply | None, fault: Fault | None) -> None:
        with self._log_lock:
            if number >= len(self._entries):
                return  # forgotten meanwhile
            self._entries[number] = replace(
                self._entries[number],
                status=None if reply is None else reply.status,
                reply="" if reply is None else reply.body.decode("utf-8", "replace"),
                fault=None if fault is None else fault.name,
            )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], loopback: Loopback) -> None:
        self.loopback = loopback
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "forge"
    sys_version = ""
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """The log is `Loopback.log`."""

    def _serve(self) -> None:
        split = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(split.path),
            raw_path=self.path,
            query=tuple(parse_qsl(split.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
            client=str(self.client_address[0]),
        )
        reply = self.server.loopback.handle(request)
        if reply is None:
            self._hang_up()
            return
        self._send(reply)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        bodiless = reply.status in {204, 304}
        if not bodiless:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        if reply.cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815


@dataclass
class Elsewhere:
    """An application of no forge, to which a redirect may lead: it answers everything with 200."""

    body: Any = None

    def identify(self, request: Request) -> str:
        """Always the same."""
        return "elsewhere"

    def token_of(self, request: Request) -> str | None:
        """The header that must not have travelled."""
        return request.headers.get("authorization") or request.headers.get("private-token")

    def answer(self, request: Request, operation: str) -> Reply:
        """Say yes."""
        return Reply.of(self.body if self.body is not None else {})
