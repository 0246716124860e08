"""Requests to GitHub as PyGithub makes them, over our own session, failing with `ForgeError`.

PyGithub's `Requester` knows GitHub's headers, addresses and errors. It opens its connections
through two classes that can be replaced; they are replaced here in a subclass made for one
session, so that nothing changes for another user of PyGithub in the same process. Objects of
PyGithub (`Repository`, `PullRequest`) are not used: some of their methods make a new `Requester`,
which would be one without the session, and each request is to be seen where it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import github
from github.Requester import Requester, RequestsResponse
from requests.utils import parse_header_links

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.http import ForgeSession
from gitops_gate.forges.values import Endpoint

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlError:
    """One error of a GraphQL answer: GitHub's type of it, where, and its words, cleaned."""

    type: str
    path: tuple[str, ...]
    message: str


@contextmanager
def as_documented(what: str) -> Iterator[None]:
    """Raise `ForgeError` where an answer does not have the shape that is documented."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise forge_error(
            f"GitHub's answer about {what} is not as documented ({type(error).__name__})"
        ) from None


class Api:
    """GitHub's REST and GraphQL, for one repository.

    `repository` is its path below the API's address, quoted.
    """

    def __init__(
        self, session: ForgeSession, endpoint: Endpoint, token: str, repository: str
    ) -> None:
        self._session = session
        self._requester = _requester(session, endpoint, token)
        self._graphql_url = endpoint.graphql_url
        self.repository = f"/repos/{quote(repository, safe='/')}"

    def get(self, path: str, *, can: str, **parameters: Any) -> Any:
        """What is at a path. `can` says what is tried, for the error: `read the statuses`."""
        return self._rest("GET", path, can=can, parameters=parameters)[1]

    def pages(
        self, path: str, *, can: str, inside: str | None = None, **parameters: Any
    ) -> Iterator[Sequence[Any]]:
        """Every page of a list, as the server links them; `inside` names the key that holds it."""
        following: str | None = path
        chosen = {"per_page": PAGE, **parameters}
        seen: set[str] = set()
        while following:
            if following in seen:
                raise forge_error(f"GitHub's pages lead in a circle when asked to {can}")
            seen.add(following)
            headers, page = self._rest("GET", following, can=can, parameters=chosen)
            if inside is not None and isinstance(page, dict):
                page = page.get(inside)
            if not isinstance(page, list):
                raise forge_error(f"GitHub answered something else than a list to {can}")
            yield page
            following, chosen = _next_page(headers.get("link")), {}

    def write(
        self, verb: str, path: str, body: Mapping[str, Any] | None, *, can: str, needs: str
    ) -> Any:
        """Change something; `needs` names the permission that it takes, `statuses: write`."""
        return self._rest(verb, path, can=can, needs=needs, body=body)[1]

    def graphql(
        self, query: str, variables: Mapping[str, Any], *, can: str, needs: str | None = None
    ) -> tuple[Mapping[str, Any], tuple[GraphqlError, ...]]:
        """The data of a GraphQL answer, and its errors, which may speak of a part of it only."""
        request = {"query": query, "variables": dict(variables)}
        _, answer = self._rest("POST", self._graphql_url, can=can, needs=needs, body=request)
        raw = answer.get("errors") if isinstance(answer, dict) else None
        errors = tuple(self._graphql_error(error) for error in raw or ())
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            if errors:
                self.refuse_partial(errors, can=can, needs=needs)
            raise forge_error(f"GitHub gave no data when asked to {can}")
        return data, errors

    def refuse_partial(
        self, errors: Sequence[GraphqlError], *, can: str, needs: str | None = None
    ) -> None:
        """Raise when an answer has any error: part of an answer is not an answer."""
        if not errors:
            return
        told = "; ".join(dict.fromkeys(error.message or error.type for error in errors[:3]))
        types = {error.type for error in errors}
        status = 404 if types == {"NOT_FOUND"} else 403 if "FORBIDDEN" in types else None
        raise forge_error(
            f"GitHub did not {can}: {told}", status=status, remedy=_remedy(status, needs, "")
        )

    def clean(self, text: str) -> str:
        """A text of GitHub's as people may be shown it."""
        return self._session.clean(text, limit=300)

    def _rest(
        self,
        verb: str,
        path: str,
        *,
        can: str,
        needs: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[Mapping[str, Any], Any]:
        try:
            return self._requester.requestJsonAndCheck(
                verb, path, parameters=dict(parameters or {}), input=body
            )
        except github.GithubException as error:
            raise self._refused(
                error.status, error.data, error.headers or {}, can=can, needs=needs
            ) from None
        except AssertionError:
            # How PyGithub refuses an address of a server's answer that is not below its own.
            raise forge_error(
                f"GitHub named an address elsewhere when asked to {can}, and it was not asked"
            ) from None
        except (ValueError, RuntimeError) as error:
            raise forge_error(
                f"GitHub's answer cannot be read ({type(error).__name__}) when asked to {can}",
                uncertain=needs is not None,
            ) from None

    def _refused(
        self, status: int, data: Any, headers: Mapping[str, Any], *, can: str, needs: str | None
    ) -> ForgeError:
        """The error for an answer from 400 up; its words are those of GitHub, cleaned."""
        told = data.get("message") if isinstance(data, dict) else None
        details = data.get("errors") if isinstance(data, dict) else None
        words = [str(told)] if told else []
        for detail in details if isinstance(details, list) else []:
            words.append(str(detail.get("message") if isinstance(detail, dict) else detail))
        accepted = str(headers.get("x-accepted-github-permissions") or "")
        return forge_error(
            self.clean(f"GitHub did not {can} ({status}): {'; '.join(words) or 'no reason given'}"),
            status=status,
            remedy=_remedy(status, needs, self.clean(accepted)),
        )

    def _graphql_error(self, error: Any) -> GraphqlError:
        fields = error if isinstance(error, dict) else {}
        path = fields.get("path")
        return GraphqlError(
            type=str(fields.get("type") or "UNKNOWN"),
            path=tuple(map(str, path)) if isinstance(path, list) else (),
            message=self.clean(str(fields.get("message") or "")),
        )


def _remedy(status: int | None, needs: str | None, accepted: str) -> str | None:
    if status == 401:
        return "give a token that is valid, and has not expired"
    if status not in (403, 404):
        return None
    if needs:
        return f"give the token `{needs}`"
    if accepted:
        return f"give the token one of: {accepted}"
    return "give the token `contents: read` and `pull-requests: read`"


def _next_page(link: Any) -> str | None:
    """The address that a `Link` header calls the next one, as a path with its query.

    PyGithub keeps the path and the query of an absolute address and asks its own host for them.
    """
    for entry in parse_header_links(str(link or "")):
        if entry.get("rel") == "next" and urlsplit(entry["url"]).path:
            return entry["url"]
    return None


def _requester(session: ForgeSession, endpoint: Endpoint, token: str) -> Requester:
    """PyGithub's requester whose connections are the session, without waits of its own."""

    class SessionRequester(Requester):
        """A requester of one session."""

    # A class method: it changes this subclass, and no other requester.
    SessionRequester.injectConnectionClasses(
        _connections(session, "http"), _connections(session, "https")
    )
    return SessionRequester(
        auth=github.Auth.Token(token),
        base_url=endpoint.api_url,
        timeout=60,
        user_agent="gitops-gate",
        per_page=PAGE,
        verify=True,
        retry=None,
        pool_size=None,
        lazy=True,
    )


def _connections(session: ForgeSession, scheme: str) -> Any:
    """A class that PyGithub takes for one of connections; each of them is the same session."""

    class SessionConnection:
        def __init__(self, host: str, port: int | None = None, **_: Any) -> None:
            self.host = host
            place = f"[{host}]" if ":" in host else host
            self._origin = f"{scheme}://{place}:{port}" if port else f"{scheme}://{place}"

        def request(
            self, verb: str, url: str, data: Any, headers: dict[str, str], _stream: bool = False
        ) -> None:
            """Keep a request until its answer is asked for."""
            self._request = (verb, f"{self._origin}{url}", data, headers)

        def getresponse(self) -> RequestsResponse:
            """Send it. Redirects are followed by the session, which knows where it may go."""
            verb, url, data, headers = self._request
            return RequestsResponse(session.request(verb, url, data=data, headers=headers))

        def close(self) -> None:
            """Nothing: the session outlives it."""

    return SessionConnection
