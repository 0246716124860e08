"""Which repository a person's checkout is of, and that its address never chooses a server."""

from __future__ import annotations

import pytest

from gitops_gate.config.settings import ForgeSettings
from gitops_gate.errors import ConfigurationError
from gitops_gate.review.remote import from_origin

NO_PINS = ForgeSettings()


@pytest.mark.parametrize(
    ("origin", "kind", "path"),
    [
        ("https://github.com/acme/shop.git", "github", "acme/shop"),
        ("https://github.com/acme/shop", "github", "acme/shop"),
        ("https://x-token:secret@github.com/acme/shop/", "github", "acme/shop"),
        ("git@github.com:acme/shop.git", "github", "acme/shop"),
        ("github.com:acme/shop.git", "github", "acme/shop"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", "github", "acme/shop"),
        ("git@gitlab.com:group/sub/shop.git", "gitlab", "group/sub/shop"),
        ("ssh://git@altssh.gitlab.com:443/group/shop.git", "gitlab", "group/shop"),
    ],
)
def test_the_public_forges_are_known_by_their_host(origin: str, kind: str, path: str) -> None:
    found = from_origin(origin, NO_PINS, None)
    assert (found.ci, found.repository) == (kind, path)


@pytest.mark.parametrize(
    ("origin", "url", "kind"),
    [
        ("git@git.example:acme/shop.git", "https://git.example", "github"),
        ("https://git.example:8443/acme/shop", "https://git.example:8443", "gitlab"),
    ],
)
def test_a_server_of_ones_own_is_pinned_and_its_kind_is_said(
    origin: str, url: str, kind: str
) -> None:
    assert from_origin(origin, ForgeSettings(url=url), kind).ci == kind
    with pytest.raises(ConfigurationError, match="GitHub or a GitLab"):
        from_origin(origin, ForgeSettings(url=url), None)


def test_the_name_of_a_pinned_host_may_say_its_kind() -> None:
    pins = ForgeSettings(url="https://gitlab.example")
    assert from_origin("git@gitlab.example:group/shop.git", pins, None).ci == "gitlab"


@pytest.mark.parametrize(
    ("origin", "url", "kind", "said"),
    [
        (None, None, None, "no remote origin"),
        ("", None, None, "no remote origin"),
        ("/srv/git/shop.git", None, None, "no address of a repository"),
        ("../shop", None, None, "no address of a repository"),
        ("file:///srv/git/shop.git", None, None, "no address of a repository"),
        ("https://github.com/", None, None, "no address of a repository"),
        ("git@gitlab.example:group/shop.git", None, None, "unless it is pinned"),
        ("https://github.com.example/acme/shop", None, "github", "unless it is pinned"),
        ("https://github.com/acme/shop", "https://git.example", None, "may be spoken to is"),
        ("https://github.com/acme/shop", None, "gitlab", "is github, and not gitlab"),
        ("https://[::1/acme/shop", None, None, "no address of a repository"),
    ],
)
def test_everything_else_is_refused(
    origin: str | None, url: str | None, kind: str | None, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_origin(origin, ForgeSettings(url=url), kind)
