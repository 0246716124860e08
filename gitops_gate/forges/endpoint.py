"""Where a forge answers, decided by what is pinned: variables of a run may only agree.

Whoever starts a pipeline can set its variables, so a hint never chooses the host that the token
is sent to. Public names: docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api;
Enterprise Server: docs.github.com/enterprise-server/rest/enterprise-admin#endpoint-urls; GitLab,
relative roots too: docs.gitlab.com/api/rest and docs.gitlab.com/install/relative_url.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from gitops_gate.errors import ConfigurationError
from gitops_gate.forges.addresses import origin_of, require_protected
from gitops_gate.forges.values import Endpoint, ForgeKind

_GITHUB = Endpoint(
    kind="github",
    web_url="https://github.com",
    api_url="https://api.github.com",
    graphql_url="https://api.github.com/graphql",
)
_GITLAB = Endpoint(
    kind="gitlab",
    web_url="https://gitlab.com",
    api_url="https://gitlab.com/api/v4",
    graphql_url="https://gitlab.com/api/graphql",
)
_VARIABLES = {
    "github": ("GITHUB_API_URL", "GITHUB_GRAPHQL_URL"),
    "gitlab": ("CI_API_V4_URL", "CI_API_GRAPHQL_URL"),
}


def endpoint_for(
    kind: ForgeKind,
    *,
    pinned_url: str | None,
    api_hint: str | None = None,
    graphql_hint: str | None = None,
) -> Endpoint:
    """The addresses of a forge. Without a pin, one of the two public ones.

    `pinned_url` is the address that people use (`forge.url`). Hints are what the CI says; one of
    the pin's own origin may say under which path the API is. Raises `ConfigurationError` for a
    hint of another origin, for what is no address, and for plain http to another machine.
    """
    endpoint = _pinned(kind, pinned_url) if pinned_url else _public(kind)
    for hint, known, variable in zip(
        (api_hint, graphql_hint),
        (endpoint.api_url, endpoint.graphql_url),
        _VARIABLES[kind],
        strict=True,
    ):
        if hint and origin_of(hint) != origin_of(known):
            raise _contradiction(kind, hint, known, variable, pinned=bool(pinned_url))
    if endpoint == _public(kind):
        return endpoint
    return _with_paths(endpoint, api_hint, graphql_hint)


def _public(kind: ForgeKind) -> Endpoint:
    return _GITHUB if kind == "github" else _GITLAB


def _pinned(kind: ForgeKind, pinned_url: str) -> Endpoint:
    url = _plain(pinned_url)
    require_protected(url)
    if origin_of(url) == origin_of(_public(kind).web_url):
        return _public(kind)
    if kind == "gitlab":
        return Endpoint(
            kind=kind, web_url=url, api_url=f"{url}/api/v4", graphql_url=f"{url}/api/graphql"
        )
    host = urlsplit(url).hostname or ""
    if host.endswith(".ghe.com"):
        api = f"https://api.{host}"
        return Endpoint(kind=kind, web_url=url, api_url=api, graphql_url=f"{api}/graphql")
    return Endpoint(
        kind=kind, web_url=url, api_url=f"{url}/api/v3", graphql_url=f"{url}/api/graphql"
    )


def _with_paths(endpoint: Endpoint, api_hint: str | None, graphql_hint: str | None) -> Endpoint:
    """The same origins, with the paths that the CI gives."""
    api = _plain(api_hint) if api_hint else endpoint.api_url
    if endpoint.kind == "gitlab":
        root = api.removesuffix("/api/v4")
        if root == api:
            raise ConfigurationError(f"{api} is not GitLab's API: it does not end in /api/v4")
        graphql = f"{root}/api/graphql"
    else:
        graphql = f"{api.removesuffix('/v3')}/graphql"
    if graphql_hint:
        graphql = _plain(graphql_hint)
    return Endpoint(kind=endpoint.kind, web_url=endpoint.web_url, api_url=api, graphql_url=graphql)


def _plain(url: str) -> str:
    """An address without a slash at the end; raises for one that has a query or a fragment."""
    origin_of(url)
    parts = urlsplit(url)
    if parts.query or parts.fragment or "?" in url or "#" in url or "/../" in f"{parts.path}/":
        raise ConfigurationError(f"{url!r} is more than the address of a forge")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _contradiction(
    kind: ForgeKind, hint: str, known: str, variable: str, *, pinned: bool
) -> ConfigurationError:
    says = f"{variable} says that the forge is at {origin_of(hint)}"
    if pinned:
        return ConfigurationError(
            f"{says}, and the approved configuration pins {origin_of(known)}",
            remedy="correct forge.url on the target branch, if the forge has moved",
        )
    return ConfigurationError(
        f"{says}, and no forge but {_public(kind).web_url} is spoken to unless it is pinned",
        remedy="pin its address as forge.url in the configuration of the target branch",
    )
