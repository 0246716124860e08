"""A server on loopback that answers one request after the other as it is told to."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gitops_gate.forges.http import Clock
from gitops_gate.forges.values import Endpoint, ForgeKind


@dataclass
class Reply:
    """One answer. `cut` closes the connection after so many bytes, `reset` without any answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    cut: int | None = None
    reset: bool = False
    drip: Callable[[], None] | None = None


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, replies: list[Reply], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = replies
        self.seen: list[Seen] = []
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that goes away, as one does that does not trust us."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def endpoint(self, kind: ForgeKind = "github") -> Endpoint:
        version = "v3" if kind == "github" else "v4"
        return Endpoint(
            kind=kind,
            web_url=self.url,
            api_url=f"{self.url}/api/{version}",
            graphql_url=f"{self.url}/api/graphql",
        )


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        reply = self.server.replies.pop(0)
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if reply.drip:
            for byte in reply.body:
                reply.drip()
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_CONNECT = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(list(replies), tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestClock:
    """Time that passes only while somebody sleeps; `slept` is every wait, in seconds."""

    __test__ = False

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.slept: list[float] = []
        self.start = now
        self.passed = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.passed,
            now=lambda: self.start + self.passed,
            sleep=self.sleep,
            random=lambda: 0.0,
        )


def limited(message: str) -> bytes:
    return json.dumps({"message": message}).encode()
