"""The one way in which requests leave for a forge: below PyGithub and below python-gitlab.

    PyGithub ──────┐
                   ├──> ForgeSession ──> _ForgeAdapter ──> the pinned origins, and no other
    python-gitlab ─┘

Both libraries may retry, follow redirects and read `.netrc` as they like: everything that they
send passes here, where an address that is not the forge's is refused before anything is sent,
where repeating is decided by what it could do twice, where one deadline holds for the whole run,
and from where only a `ForgeError` with cleaned text comes back. No answer of a limit and none of
a broken server (5xx) ever reaches the libraries.

Proxies and certificate authorities come from the usual variables (`HTTPS_PROXY`, `NO_PROXY`,
`REQUESTS_CA_BUNDLE`, `SSL_CERT_FILE`), because companies need them; nothing else of the
environment counts, and verification cannot be turned off. Import this module lazily: it brings
`requests`.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.addresses import is_loopback, origin_of, require_protected
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.limits import DEADLINE, Limit, rate_limit
from gitops_gate.forges.values import Endpoint, ForgeKind
from gitops_gate.tools import clean_text

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
SECONDS_BETWEEN_WRITES = 1.0
MAXIMUM_BODY = 32 * 1024 * 1024
ATTEMPTS = 5
NAMES: Mapping[ForgeKind, str] = {"github": "GitHub", "gitlab": "GitLab"}

_TOKEN = re.compile(r"[\x21-\x7e]+")
_QUERY = re.compile(r"\s*(?:query\b|\{)")
_MUTATION = re.compile(r"\b(?:mutation|subscription)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where time comes from, so that a test need not wait. Seconds; `random` is in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


def open_session(
    endpoint: Endpoint, token: str, *, deadline: float = DEADLINE, clock: Clock | None = None
) -> ForgeSession:
    """A session for one run; `deadline` is how many seconds all of its requests have together.

    The token is not put into requests here: each library has its own header for it. It is given
    to be kept out of every text. Raises `ConfigurationError` when it could not be sent, or when
    the endpoint would show it to the network.
    """
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            "the forge's token is empty, or has a space or a line break in it",
            remedy="give the token itself, without anything around it",
        )
    for url in (endpoint.api_url, endpoint.graphql_url):
        require_protected(url)
    return ForgeSession(endpoint, token, deadline=deadline, clock=clock or Clock())


class ForgeSession(requests.Session):
    """A `requests.Session` that speaks to one forge, under this module's discipline.

    Give it to python-gitlab as `session=`, or to a connection class of PyGithub. Whatever goes
    wrong below comes out as `ForgeError`, with `status` and `uncertain` set.
    """

    def __init__(self, endpoint: Endpoint, token: str, *, deadline: float, clock: Clock) -> None:
        super().__init__()
        self.endpoint = endpoint
        self._token = token
        # Off, because it would let ~/.netrc replace the token, on redirects as well.
        self.trust_env = False
        self.auth = _as_it_is
        self.max_redirects = 5
        self.adapters.clear()
        adapter = _ForgeAdapter(self, deadline=deadline, clock=clock)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def __repr__(self) -> str:
        return f"<ForgeSession {self.endpoint.api_url}>"

    def clean(self, text: bytes | str, *, limit: int = 500) -> str:
        """A server's or a library's text as people may be shown it, on one line, without token."""
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        # Cleaned first, so that nothing invisible splits the token; cut last, so that no part of
        # it is left.
        cleaned = clean_text(plain, limit=len(plain) + 1).replace(self._token, "***")
        return clean_text(" ".join(cleaned.split()), limit=limit)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Any:
        """As `requests.Session.request`, but that it fails with `ForgeError` alone."""
        try:
            return super().request(method, url, *args, **kwargs)
        except requests.TooManyRedirects:
            message = f"{NAMES[self.endpoint.kind]} redirects without an end"
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            message = f"{NAMES[self.endpoint.kind]} cannot be asked: {type(error).__name__}"
        raise forge_error(message) from None

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """The environment's proxy and certificate authorities; a caller's wishes do not count."""
        environment = os.environ.get
        bundle = environment("REQUESTS_CA_BUNDLE") or environment("SSL_CERT_FILE")
        # Plain http is for this machine alone, and a proxy would be another one.
        usual = {} if is_loopback(str(url)) else get_environ_proxies(str(url), no_proxy=None)
        return {"proxies": usual, "stream": False, "verify": bundle or True, "cert": None}


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that adds none: the libraries have set their header already."""
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request: `writes`, and whether it is `safe` to send it twice."""

    shown: str
    safe: bool
    writes: bool


class _NotSentError(Exception):
    """The server was not reached, so that it cannot have acted."""


class _LostError(Exception):
    """The answer did not arrive whole; whether the server acted is not known."""


class _ForgeAdapter(HTTPAdapter):
    """Sends a request as often as it may be sent, and returns an answer that is read already."""

    def __init__(self, session: ForgeSession, *, deadline: float, clock: Clock) -> None:
        super().__init__(pool_maxsize=4)
        self._clean = session.clean
        self._endpoint = session.endpoint
        self._name = NAMES[session.endpoint.kind]
        urls = (session.endpoint.api_url, session.endpoint.graphql_url)
        self._origins = frozenset(map(origin_of, urls))
        self._clock = clock
        self._allowed = deadline
        self._ends = clock.monotonic() + deadline
        self._last_write: float | None = None

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """The answer, whatever its status below 500; raises `ForgeError` for everything else."""
        self._refuse_elsewhere(str(request.url))
        call = self._call(request)
        failures = limits = 0
        uncertain = False
        while True:
            self._await_turn(call, uncertain=uncertain)
            limit = None
            try:
                response = self._exchange(call, request, options)
            except _NotSentError as problem:
                error = forge_error(str(problem), uncertain=uncertain)
            except _LostError as problem:
                uncertain |= call.writes
                error = forge_error(str(problem), uncertain=uncertain)
            else:
                limit = self._limit(response, limits)
                if limit is None and response.status_code < 500:
                    return self._refuse_moved(call, response)
                uncertain |= call.writes and limit is None
                error = self._refused(call, response, uncertain=uncertain)
            if limit is None:
                failures += 1
                if failures == ATTEMPTS or (uncertain and not call.safe):
                    raise error
                self._pause(self._backoff(failures), error)
            else:
                limits += 1
                self._pause(limit.wait + self._clock.random(), self._too_late(limit, error))

    def _refuse_elsewhere(self, url: str) -> None:
        try:
            known = origin_of(url) in self._origins
        except ConfigurationError:
            known = False
        if not known:
            origins = ", ".join(sorted(self._origins))
            raise forge_error(
                f"{self._name} named an address elsewhere, {self._clean(url, limit=200)}, "
                f"and nothing was sent there: the token is for {origins}",
                remedy="if the forge has moved, pin its new address as forge.url",
            )

    def _call(self, request: requests.PreparedRequest) -> _Call:
        method = str(request.method)
        url = str(request.url)
        reads = method in ("GET", "HEAD") or (
            url == self._endpoint.graphql_url and _is_query(request.body)
        )
        return _Call(
            shown=f"{method} {self._clean(urlsplit(url).path, limit=200)}",
            safe=reads or method in ("PUT", "PATCH", "DELETE"),
            writes=not reads,
        )

    def _await_turn(self, call: _Call, *, uncertain: bool) -> None:
        """Keep writes apart, and refuse what the deadline leaves no time for."""
        now = self._clock.monotonic()
        wait = 0.0
        if call.writes and self._last_write is not None:
            wait = max(0.0, self._last_write + SECONDS_BETWEEN_WRITES - now)
        if now + wait >= self._ends:
            raise forge_error(
                f"{call.shown} was not sent: the {self._allowed:g} s that this run has for "
                f"{self._name} are over",
                uncertain=uncertain,
            )
        if wait:
            self._clock.sleep(wait)

    def _exchange(
        self, call: _Call, request: requests.PreparedRequest, options: Mapping[str, Any]
    ) -> requests.Response:
        """Send once, and read the answer to its end."""
        left = max(0.1, self._ends - self._clock.monotonic())
        timeout = (min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left))
        chosen: dict[str, Any] = {name: options.get(name) for name in ("verify", "cert", "proxies")}
        try:
            response = super().send(request, stream=True, timeout=timeout, **chosen)
            return self._read(request, response)
        except OSError as error:  # requests' own errors are of this kind
            self._classify(error)
        except HTTPError as error:
            raise _LostError(f"{self._name}'s answer broke off: {type(error).__name__}") from None
        finally:
            if call.writes:
                self._last_write = self._clock.monotonic()

    def _read(
        self, request: requests.PreparedRequest, response: requests.Response
    ) -> requests.Response:
        """The same answer with its body in memory, of at most `MAXIMUM_BODY` bytes."""
        raw = response.raw
        body = bytearray()
        try:
            while chunk := raw.read1(1 << 16, decode_content=True):
                body += chunk
                if len(body) > MAXIMUM_BODY:
                    raise _LostError(f"{self._name} answered more than {MAXIMUM_BODY:,} bytes")
                if self._clock.monotonic() > self._ends:
                    raise _LostError(f"{self._name}'s answer was not complete at the deadline")
        finally:
            if raw.isclosed():
                raw.release_conn()
            else:
                raw.close()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        }
        whole = urllib3.HTTPResponse(
            body=io.BytesIO(bytes(body)),
            status=response.status_code,
            reason=response.reason,
            headers=headers,
            preload_content=False,
        )
        return self.build_response(request, whole)

    def _classify(self, error: OSError) -> NoReturn:
        """Say whether the server may have seen a request whose connection failed."""
        reason = error.args[0] if error.args else None
        reason = reason.reason if isinstance(reason, MaxRetryError) else reason
        origin = getattr(reason, "original_error", reason)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise forge_error(
                f"{self._name}'s certificate is not signed by an authority that is trusted here",
                remedy="name the file with your company's authorities in REQUESTS_CA_BUNDLE",
            ) from None
        if isinstance(error, requests.ConnectTimeout) or isinstance(origin, NewConnectionError):
            raise _NotSentError(f"{self._name} could not be reached") from None
        if isinstance(error, requests.exceptions.ProxyError):
            # Plain http never goes through a proxy, so that what failed was the CONNECT before it.
            raise _NotSentError(
                f"the proxy does not let requests to {self._name} through"
            ) from None
        if isinstance(error, requests.exceptions.ReadTimeout):
            raise _LostError(f"{self._name} did not answer in time") from None
        if isinstance(error, requests.exceptions.InvalidHeader):
            raise forge_error("a header for the forge cannot be sent") from None
        raise _LostError(f"the connection to {self._name} was lost") from None

    def _limit(self, response: requests.Response, earlier: int) -> Limit | None:
        return rate_limit(
            self._endpoint.kind,
            response.status_code,
            response.headers,
            response.content,
            now=self._clock.now(),
            earlier=earlier,
        )

    def _refuse_moved(self, call: _Call, response: requests.Response) -> requests.Response:
        """Let only a read follow a redirect: a write would become a read, or happen elsewhere."""
        if response.is_redirect and response.request.method not in ("GET", "HEAD"):
            raise forge_error(
                f"{self._name} answered {call.shown} with a redirect ({response.status_code})",
                status=response.status_code,
                remedy="the repository or the forge has another address now; configure that one",
            )
        return response

    def _refused(self, call: _Call, response: requests.Response, *, uncertain: bool) -> ForgeError:
        tail = "; it may have acted on it all the same" if uncertain else ""
        return forge_error(
            f"{self._name} answered {response.status_code} to {call.shown}{tail}",
            status=response.status_code,
            uncertain=uncertain,
        )

    def _too_late(self, limit: Limit, error: ForgeError) -> ForgeError:
        opens = datetime.datetime.fromtimestamp(
            min(self._clock.now() + limit.wait, 253402300799), datetime.UTC
        )
        return forge_error(
            f"{limit.name} lets nothing through until {opens:%Y-%m-%dT%H:%M:%SZ}, "
            f"which is after this run's deadline",
            status=error.status,
            uncertain=error.uncertain,
            remedy="run again after that time",
        )

    def _backoff(self, failures: int) -> float:
        """1, 2, 4, 8 seconds, less up to a half by chance, so that runs do not march in step."""
        return float(2 ** (failures - 1)) * (1 - self._clock.random() / 2)

    def _pause(self, seconds: float, error: ForgeError) -> None:
        """Wait before the next attempt, or give up now when the deadline comes first."""
        if self._clock.monotonic() + seconds >= self._ends:
            raise error
        self._clock.sleep(seconds)


def _is_query(body: Any) -> bool:
    """Whether a GraphQL request only reads; in doubt it does not."""
    try:
        text = json.loads(body)["query"]
    except (ValueError, TypeError, KeyError):
        return False
    return (
        isinstance(text, str) and _QUERY.match(text) is not None and _MUTATION.search(text) is None
    )
