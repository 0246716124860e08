"""A Git server over real HTTP on loopback: `git http-backend` behind Python's own server.

It asks for credentials where a test says so, writes down what came, and goes wrong on request. How
the forges serve Git is in `tests/forges`; this one goes wrong in the ways of networks and proxies.
"""

from __future__ import annotations

import base64
import gzip
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_HTTP_EXPORT_ALL": "1",
    "REMOTE_USER": "somebody",
    "REMOTE_ADDR": "127.0.0.1",
}

Wrong = Callable[[str], str | None]
"""From what is asked for to what goes wrong: see `Handler.go_wrong`."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that came."""

    method: str
    what: str
    authorization: str | None


@dataclass(kw_only=True)
class GitServer:
    """Serves the bare repositories below `root`. `wrong` says what goes wrong with a request."""

    root: Path
    credentials: tuple[str, str] | None = None
    wrong: Wrong = lambda what: None
    elsewhere: str = ""
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> GitServer:
        handler = type("_Handler", (Handler,), {"git": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    git: GitServer

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.body())

    def answer(self, body: bytes) -> None:
        address = urlsplit(self.path)
        what = f"{self.command} {address.path.rpartition('/')[2]} {address.query}".strip()
        allowed = self.headers.get("Authorization")
        self.git.asked.append(Asked(method=self.command, what=what, authorization=allowed))
        wrong = self.git.wrong(what)
        if wrong is not None and self.go_wrong(wrong):
            return
        if self.git.credentials is not None:
            pair = base64.b64encode(":".join(self.git.credentials).encode()).decode()
            if allowed != f"Basic {pair}":
                self.plain(401, b"who are you?", ("WWW-Authenticate", 'Basic realm="git"'))
                return
        status, headers, content = self.backend(address.path, address.query, body)
        if wrong == "die after":
            self.close_connection = True
            return
        if wrong == "half":
            content = content[: len(content) // 2]
        self.plain(status, content, *headers, length=wrong != "half")

    def go_wrong(self, wrong: str) -> bool:
        """Do it; whether that was all there is to the request."""
        if wrong == "die":
            self.close_connection = True
        elif wrong == "redirect":
            self.plain(301, b"", ("Location", self.git.elsewhere + self.path))
        elif wrong.isdecimal():
            self.plain(int(wrong), b"no")
        elif wrong == "slow":
            time.sleep(3)
            return False
        else:
            return False
        return True

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        return content

    def backend(
        self, path: str, query: str, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Let `git http-backend` answer, which speaks CGI (git-http-backend(1))."""
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env=ENVIRONMENT
            | {
                "GIT_PROJECT_ROOT": str(self.git.root),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
            capture_output=True,
            check=False,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n") if line]
        headers = [(name, value) for name, _, value in lines]
        status = next((int(value[:3]) for name, value in headers if name == "Status"), 200)
        return status, [pair for pair in headers if pair[0] != "Status"], content

    def plain(
        self, status: int, content: bytes, *headers: tuple[str, str], length: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""
