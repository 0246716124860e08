"""Which addresses are spoken to, and what a Git process that does so is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.source.channel import check_ref, open_channel
from gitops_gate.source.remote_values import RemoteAddress

SECRET = "s3cret-Pass/word"


@pytest.mark.parametrize(
    ("url", "protocol", "as_git_takes_it"),
    [
        ("https://example.com/group/shop.git", "https", "https://example.com/group/shop.git"),
        ("https://example.com:8443/shop", "https", "https://example.com:8443/shop"),
        ("http://127.0.0.1:8080/shop.git", "http", "http://127.0.0.1:8080/shop.git"),
        ("http://[::1]:8080/shop.git", "http", "http://[::1]:8080/shop.git"),
        ("http://localhost/shop.git", "http", "http://localhost/shop.git"),
        ("ssh://git@example.com/shop.git", "ssh", "ssh://git@example.com/shop.git"),
        ("ssh://git@example.com:2222/~me/shop", "ssh", "ssh://git@example.com:2222/~me/shop"),
        ("git@example.com:group/shop.git", "ssh", "git@example.com:group/shop.git"),
        ("git@example.com:/srv/shop.git", "ssh", "git@example.com:/srv/shop.git"),
        ("/srv/shop.git", "file", "file:///srv/shop.git"),
        ("/srv/a b%20c:d", "file", "file:///srv/a%20b%2520c%3Ad"),
        ("file:///srv/shop.git", "file", "file:///srv/shop.git"),
    ],
)
def test_an_address_opens_one_protocol(url: str, protocol: str, as_git_takes_it: str) -> None:
    channel = open_channel(RemoteAddress(url=url))
    assert channel.protocol == protocol
    assert channel.url == as_git_takes_it


def test_a_relative_folder_is_beside_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_channel(RemoteAddress(url="./shop")).url == f"file://{tmp_path}/shop"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-upload-pack=touch x",
        "--help",
        "ext::sh -c touch% x",
        "fd::17",
        "https::https://example.com/x",
        "http://example.com/shop.git",
        "http://127.0.0.1.example.com/x",
        "http://localhost@example.com/x",
        "ftp://example.com/x",
        "git://example.com/x",
        "rsync://example.com/x",
        "https://example.com",
        "https:///shop",
        "https://example.com/a b",
        "https://example.com/x?y=z",
        "https://example.com/x#y",
        "https://example.com\\@evil.example/x",
        "https://exa mple.com/x",
        "https://example.com:port/x",
        "https://example.com:99999/x",
        "https://[::1/x",
        "https://example.com/x\nurl = y",
        "https://example.com/\x00",
        "https://example.com/\u202ex",
        "ssh://-oProxyCommand=x/y",
        "ssh://git@-oProxyCommand=x/y",
        "ssh://-git@example.com/y",
        "git@-oProxyCommand:y",
        "-git@example.com:y",
        "git@example.com:-y",
        "git@example.com:",
        "example.com:y",
        "shop",
        "file://host/shop",
        "file://../x",
        "C:\\shop",
        "\udcff",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="the address"):
        open_channel(RemoteAddress(url=url))


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET.replace('/', '%2F')}@example.com/x",
        f"https://{SECRET.replace('/', '')}@example.com/x",
        f"ssh://git:{SECRET.replace('/', '')}@example.com/x",
        f"https://u:{SECRET}@example.com/x",
        f"http://a:{SECRET.replace('/', '')}@127.0.0.1/x",
        f"a:{SECRET.replace('/', '')}@example.com:x",
        f"https://u:{SECRET.replace('/', '')}\n@example.com/x",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_channel(RemoteAddress(url=url))
    assert "s3cret" not in str(caught.value)


@given(url=st.text(max_size=40))
def test_any_text_is_an_address_or_is_refused(url: str) -> None:
    try:
        channel = open_channel(RemoteAddress(url=url))
    except (ConfigurationError, SourceError):
        return
    assert channel.protocol in {"https", "http", "ssh", "file"}
    assert not channel.url.startswith("-")


@pytest.mark.parametrize("value", ["", "a\nb", "a\r\nX-Evil: 1", "a\0b"])
def test_credentials_that_would_break_a_header_are_refused(value: str) -> None:
    with pytest.raises(ConfigurationError):
        open_channel(RemoteAddress(url="https://example.com/x", password=value))
    with pytest.raises(ConfigurationError):
        open_channel(
            RemoteAddress(url="https://example.com/x", username=f"a:{value}", password="x")
        )


def test_neither_repr_holds_a_secret() -> None:
    address = RemoteAddress(url="https://example.com/x", username="me", password=SECRET)
    channel = open_channel(address)
    shown = f"{address!r} {address} {channel!r} {channel}"
    assert SECRET not in shown
    assert all(secret not in shown for secret in channel.secrets)


def test_the_password_is_bound_to_its_host() -> None:
    channel = open_channel(RemoteAddress(url="https://example.com:8443/x", password=SECRET))
    assert channel.environment["GIT_CONFIG_KEY_0"] == "http.https://example.com:8443/.extraHeader"


def test_what_a_server_says_is_cleaned_of_the_password() -> None:
    channel = open_channel(RemoteAddress(url="https://example.com/x", password=SECRET))
    (encoded, quoted, plain) = channel.secrets
    said = f"remote: \x1b[31m{plain} {quoted} {encoded}".encode()
    assert channel.words(said) == "remote: *** *** ***"


def test_proxies_and_authorities_of_the_machine_are_kept_for_https_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/company.pem")
    https = open_channel(RemoteAddress(url="https://example.com/x")).environment
    assert https["https_proxy"] == "http://proxy.example:3128"
    assert https["GIT_SSL_CAINFO"] == "/etc/company.pem"
    assert "https_proxy" not in open_channel(RemoteAddress(url="http://127.0.0.1/x")).environment


@pytest.mark.parametrize("path", ['a"b', "a\nb", "a\\b", "$HOME/key", "~/key", "\udcff"])
def test_a_key_whose_path_ssh_would_read_in_another_way_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="special sign"):
        open_channel(RemoteAddress(url="git@example.com:x", ssh_key=path))


@pytest.mark.parametrize(
    "ref",
    ["main", "HEAD", "", "-d", "refs/heads/", "refs/heads/a b", "refs/heads/a..b", "refs/heads/a:b",
     "refs/heads/a\nb", "refs/heads/*", "refs/heads/^a", "+refs/heads/a", "refs/heads/a.lock",
     "refs/heads/.a", "refs/heads/a@{1}", "refs/heads/\u202ea", "refs/heads/\udcff"],
)  # fmt: skip
def test_what_is_no_full_ref_name_is_refused(ref: str) -> None:
    with pytest.raises(SourceError, match="not the full name of a ref"):
        check_ref(ref)


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1.0", "refs/heads/deploy/ü-1"])
def test_a_full_ref_name_is_none_of_those(ref: str) -> None:
    check_ref(ref)
