"""Which addresses a token may go to: what is pinned decides, a variable may only agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.errors import ConfigurationError
from gitops_gate.forges.addresses import origin_of
from gitops_gate.forges.endpoint import endpoint_for


def urls(endpoint):
    return endpoint.web_url, endpoint.api_url, endpoint.graphql_url


def test_without_a_pin_only_the_public_forges_are_there():
    assert urls(endpoint_for("github", pinned_url=None)) == (
        "https://github.com",
        "https://api.github.com",
        "https://api.github.com/graphql",
    )
    assert urls(endpoint_for("gitlab", pinned_url=None)) == (
        "https://gitlab.com",
        "https://gitlab.com/api/v4",
        "https://gitlab.com/api/graphql",
    )


@pytest.mark.parametrize(
    ("kind", "pin", "api", "graphql"),
    [
        ("github", "https://github.com/", "https://api.github.com", "/graphql"),
        (
            "github",
            "https://Git.Example.com",
            "https://git.example.com/api/v3",
            "https://git.example.com/api/graphql",
        ),
        ("github", "https://acme.ghe.com", "https://api.acme.ghe.com", "/graphql"),
        (
            "gitlab",
            "https://git.example.com:8443/gitlab/",
            "https://git.example.com:8443/gitlab/api/v4",
            "https://git.example.com:8443/gitlab/api/graphql",
        ),
        (
            "gitlab",
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/api/v4",
            "http://127.0.0.1:8080/api/graphql",
        ),
        ("gitlab", "http://[::1]:80", "http://[::1]:80/api/v4", "http://[::1]:80/api/graphql"),
    ],
)
def test_a_pin_decides_where_the_api_is(kind, pin, api, graphql):
    endpoint = endpoint_for(kind, pinned_url=pin)
    assert endpoint.api_url == api
    assert endpoint.graphql_url == (f"{api}{graphql}" if graphql.startswith("/") else graphql)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("github", "https://evil.example/api/v3"),
        ("github", "https://api.github.com.evil.example"),
        ("github", "http://api.github.com"),
        ("github", "https://api.github.com:444"),
        ("gitlab", "https://gitlab.example/api/v4"),
    ],
)
def test_a_variable_that_names_another_origin_is_an_error_that_says_to_pin(kind, hint):
    with pytest.raises(ConfigurationError, match=r"pin its address as forge\.url"):
        endpoint_for(kind, pinned_url=None, api_hint=hint)
    with pytest.raises(ConfigurationError):
        endpoint_for(kind, pinned_url=None, graphql_hint=hint)


def test_a_variable_cannot_lead_away_from_the_pin():
    with pytest.raises(ConfigurationError, match=r"pins https://git\.example\.com:443"):
        endpoint_for(
            "github", pinned_url="https://git.example.com", api_hint="https://api.github.com"
        )


def test_a_variable_of_the_pin_s_origin_may_say_under_which_path_the_api_is():
    endpoint = endpoint_for(
        "github", pinned_url="http://127.0.0.1:3000", api_hint="http://127.0.0.1:3000/"
    )
    assert endpoint.api_url == "http://127.0.0.1:3000"
    assert endpoint.graphql_url == "http://127.0.0.1:3000/graphql"

    gitlab = endpoint_for(
        "gitlab",
        pinned_url="https://example.com",
        api_hint="https://example.com/git/api/v4",
        graphql_hint="https://example.com/git/api/graphql",
    )
    assert gitlab.api_url == "https://example.com/git/api/v4"
    assert gitlab.graphql_url == "https://example.com/git/api/graphql"


def test_the_usual_variables_of_the_public_forges_agree():
    endpoint_for(
        "github",
        pinned_url=None,
        api_hint="https://api.github.com",
        graphql_hint="https://api.github.com/graphql",
    )
    endpoint_for("gitlab", pinned_url=None, api_hint="https://gitlab.com/api/v4")


@pytest.mark.parametrize(
    "pin",
    [
        "http://git.example.com",
        "git.example.com",
        "ftp://git.example.com",
        "https://user:secret@git.example.com",
        "https://git.example.com\\@evil.example",
        "https://git.example.com/?x=1",
        "https://git.example.com/#x",
        "https://git.example.com/a/../b",
        "https://git.example.com:port",
        "https://",
    ],
)
def test_what_is_not_plainly_an_address_is_refused(pin):
    with pytest.raises(ConfigurationError) as caught:
        endpoint_for("gitlab", pinned_url=pin)
    assert "secret" not in str(caught.value)


@given(st.text(alphabet="htps:/@.\\#?[]%ae1-\t ", max_size=30))
def test_no_text_has_an_origin_and_another_host_to_requests(text):
    """What passes is connected to as it was judged: `requests` reads the same host."""
    import requests

    url = f"https://git.example.com{text}"
    try:
        origin = origin_of(url)
        prepared = requests.Request("GET", url).prepare().url
    except (ConfigurationError, ValueError):
        return
    assert origin_of(str(prepared)) == origin
