"""How requests leave for a forge: to it alone, again only where that is safe, never for ever."""

from __future__ import annotations

import datetime
import email.utils
import gzip
import ipaddress
import json
import logging
import ssl
import traceback

import gitlab
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.http import ATTEMPTS, MAXIMUM_BODY, open_session
from gitops_gate.forges.values import Endpoint
from tests.unit.forges.scripted_server import Reply, TestClock, limited, serving

TOKEN = "ghs_aSecretThatNobodyMaySee0123456789"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
PRIMARY = "API rate limit exceeded for installation ID 1."


@pytest.fixture
def time() -> TestClock:
    return TestClock()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def session_for(server, time, kind="github", deadline=600.0):
    session = open_session(server.endpoint(kind), TOKEN, deadline=deadline, clock=time.clock())
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    session.headers["PRIVATE-TOKEN"] = TOKEN
    return session


def query(server, session, text="query { viewer { login } }"):
    return session.post(server.endpoint().graphql_url, json={"query": text})


# ----------------------------------------------------------------------------- where it goes


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/api/v3/user",
        "http://localhost:{port}/api/v3/user",
        "https://127.0.0.1:{port}/api/v3/user",
        "http://127.0.0.1:{port}@evil.example/",
        "http://evil.example\\@127.0.0.1:{port}/",
    ],
)
def test_nothing_is_sent_to_another_origin(url, time):
    with serving() as server:
        session = session_for(server, time)

        with pytest.raises(ForgeError) as caught:
            session.get(url.format(port=server.server_address[1]))

        assert server.seen == []
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_before_it_is_followed(status, time):
    with serving(Reply()) as other:
        moved = Reply(status=status, headers={"Location": f"{other.url}/api/v3/user"})
        with serving(moved) as server, pytest.raises(ForgeError, match="elsewhere"):
            session_for(server, time).get(f"{server.url}/api/v3/user")

        assert other.seen == []


def test_a_redirect_within_the_origin_is_followed_by_a_read(time):
    moved = Reply(status=301, headers={"Location": "/api/v3/repositories/7?page=2"})
    with serving(moved, Reply(body=b'{"id": 7}')) as server:
        answer = session_for(server, time).get(f"{server.url}/api/v3/repos/o/n")

        assert answer.json() == {"id": 7}
        assert server.seen[1].path == "/api/v3/repositories/7?page=2"


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_write_never_follows_a_redirect(method, time):
    with serving(Reply(status=301, headers={"Location": "/api/v3/elsewhere"})) as server:
        with pytest.raises(ForgeError, match=r"redirect \(301\)") as caught:
            session_for(server, time).request(method, f"{server.url}/api/v3/x", json={})

        assert len(server.seen) == 1
        assert not caught.value.uncertain


def test_redirects_without_an_end_are_an_error(time):
    circle = [Reply(status=302, headers={"Location": "/api/v3/x"}) for _ in range(10)]
    with serving(*circle) as server, pytest.raises(ForgeError, match="without an end"):
        session_for(server, time).get(f"{server.url}/api/v3/x")


def test_a_netrc_file_does_not_replace_the_token(time, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    moved = Reply(status=302, headers={"Location": "/api/v3/y"})
    with serving(moved, Reply()) as server:
        session_for(server, time).get(f"{server.url}/api/v3/x")

        assert [seen.headers["Authorization"] for seen in server.seen] == [f"Bearer {TOKEN}"] * 2


def test_a_proxy_is_used_for_a_forge_elsewhere_and_never_for_this_machine(time, monkeypatch):
    with serving(Reply()) as server, serving(Reply(status=407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        session_for(server, time).get(f"{server.url}/api/v3/x")
        forge = open_session(
            Endpoint(
                kind="github",
                web_url="https://forge.invalid",
                api_url="https://forge.invalid/api/v3",
                graphql_url="https://forge.invalid/api/graphql",
            ),
            TOKEN,
            clock=time.clock(),
        )

        settings = forge.merge_environment_settings(
            "https://forge.invalid/api/v3/x", {}, None, None, None
        )

        assert settings["proxies"]["https"] == proxy.url
        assert len(server.seen) == 1
        assert proxy.seen == []


def test_a_proxy_that_refuses_has_let_nothing_through(time, monkeypatch):
    endpoint = Endpoint(
        kind="github",
        web_url="https://forge.invalid",
        api_url="https://forge.invalid/api/v3",
        graphql_url="https://forge.invalid/api/graphql",
    )
    with serving(*[Reply(status=407)] * ATTEMPTS) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        session = open_session(endpoint, TOKEN, clock=time.clock())
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        with pytest.raises(ForgeError, match="the proxy does not let") as caught:
            session.post(f"{endpoint.api_url}/x", json={})

        assert not caught.value.uncertain
        assert {seen.method for seen in proxy.seen} == {"CONNECT"}
        assert not any(TOKEN in str(seen) for seen in proxy.seen)


def test_verification_cannot_be_turned_off_and_takes_a_company_s_authorities(time, monkeypatch):
    with serving() as server:
        session = session_for(server, time)
        settings = session.merge_environment_settings(server.url, {}, None, False, None)
        assert settings["verify"] is True

        monkeypatch.setenv("SSL_CERT_FILE", "/etc/company.pem")
        settings = session.merge_environment_settings(server.url, {}, None, False, None)
        assert settings["verify"] == "/etc/company.pem"


def test_plain_http_is_for_this_machine_alone():
    endpoint = Endpoint(
        kind="gitlab",
        web_url="http://git.example.com",
        api_url="http://git.example.com/api/v4",
        graphql_url="http://git.example.com/api/graphql",
    )
    with pytest.raises(ConfigurationError, match="plain http"):
        open_session(endpoint, TOKEN)


def self_signed(folder):
    """A certificate of 127.0.0.1 that no authority signed, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, *private)
    )
    return path


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_server_is_believed_only_with_a_certificate(time, tmp_path, monkeypatch, variable):
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(Reply(), tls=context) as server:
        session = session_for(server, time)
        with pytest.raises(ForgeError, match="certificate is not signed") as caught:
            session.get(f"{server.url}/api/v3/x", verify=False)
        assert "REQUESTS_CA_BUNDLE" in str(caught.value)
        assert server.seen == []

        monkeypatch.setenv(variable, str(certificate))
        assert session.get(f"{server.url}/api/v3/x").status_code == 200


@pytest.mark.parametrize("token", ["", f"{TOKEN}\n", f" {TOKEN}", "tök", f"{TOKEN}\r\nX: y"])
def test_a_token_that_no_header_takes_is_refused_without_being_shown(token):
    with serving() as server, pytest.raises(ConfigurationError) as caught:
        open_session(server.endpoint(), token)
    assert TOKEN not in str(caught.value)


# ----------------------------------------------------------------------------- sending again


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("fault", [Reply(status=502), Reply(status=500), Reply(reset=True)])
def test_what_may_be_repeated_is_sent_again(method, fault, time):
    with serving(fault, Reply(body=b"")) as server:
        answer = session_for(server, time).request(method, f"{server.url}/api/v3/x")

        assert answer.status_code == 200
        assert len(server.seen) == 2


@pytest.mark.parametrize(
    "fault", [Reply(status=502), Reply(status=503), Reply(reset=True), Reply(cut=1)]
)
def test_a_post_that_may_have_acted_is_not_repeated_and_says_so(fault, time):
    with serving(fault) as server:
        with pytest.raises(ForgeError) as caught:
            session_for(server, time).post(f"{server.url}/api/v3/x", json={})

        assert caught.value.uncertain
        assert len(server.seen) == 1


def test_a_graphql_query_is_repeated_and_a_mutation_is_not(time):
    with serving(Reply(status=502), Reply(), Reply(status=502)) as server:
        session = session_for(server, time)

        assert query(server, session).status_code == 200
        with pytest.raises(ForgeError) as caught:
            query(server, session, "mutation M { x }")

        assert caught.value.uncertain


@pytest.mark.parametrize(
    "text",
    [
        "query Q { a } mutation M { b }",
        "fragment F on T { a } mutation M { ...F }",
        "# query\nmutation { b }",
    ],
)
def test_a_graphql_text_that_could_write_counts_as_a_write(text, time):
    with serving(Reply(status=500)) as server, pytest.raises(ForgeError) as caught:
        query(server, session_for(server, time), text)
    assert caught.value.uncertain


def test_a_server_that_stays_broken_is_given_up_after_growing_waits(time):
    with serving(*[Reply(status=503)] * ATTEMPTS) as server:
        with pytest.raises(ForgeError, match="503") as caught:
            session_for(server, time).get(f"{server.url}/api/v3/x")

        assert caught.value.status == 503
        assert not caught.value.uncertain
        assert time.slept == [1, 2, 4, 8]


def test_a_repeated_write_that_never_succeeds_is_uncertain(time):
    with serving(*[Reply(status=502)] * ATTEMPTS) as server, pytest.raises(ForgeError) as caught:
        session_for(server, time).patch(f"{server.url}/api/v3/x", json={})
    assert caught.value.uncertain


def test_a_post_is_repeated_when_nothing_was_reached(time):
    with serving() as server:
        session = session_for(server, time)
        url = f"{server.url}/api/v3/x"
    with pytest.raises(ForgeError, match="could not be reached") as caught:
        session.post(url, json={})

    assert not caught.value.uncertain
    assert len(time.slept) == ATTEMPTS - 1


def test_an_answer_that_breaks_off_is_read_again(time):
    with serving(Reply(body=b'{"a": 1}', cut=3), Reply(body=b'{"a": 1}')) as server:
        answer = session_for(server, time).get(f"{server.url}/api/v3/x")
        assert answer.json() == {"a": 1}


def test_answers_of_the_client_s_own_fault_come_back_at_once(time):
    with serving(Reply(status=404), Reply(status=422), Reply(status=403)) as server:
        session = session_for(server, time)
        statuses = [session.get(f"{server.url}/api/v3/x").status_code for _ in range(3)]
    assert statuses == [404, 422, 403]
    assert time.slept == []


# ----------------------------------------------------------------------------- limits


def http_date(seconds: float) -> str:
    return email.utils.format_datetime(
        datetime.datetime.fromtimestamp(seconds, datetime.UTC), usegmt=True
    )


DATE = {"Date": http_date(1_790_000_000)}


@pytest.mark.parametrize(
    ("kind", "refusal", "wait"),
    [
        ("github", Reply(429, {"Retry-After": "7"}, limited(SECONDARY)), 7),
        ("github", Reply(403, {"Retry-After": "7"}, limited(SECONDARY)), 7),
        ("github", Reply(403, {"Retry-After": "7"}, b"<html>"), 7),
        ("github", Reply(403, {"Retry-After": http_date(1_790_000_009)}, limited("")), 9),
        ("github", Reply(403, {}, limited(SECONDARY)), 60),
        ("github", Reply(403, {"Retry-After": "soon"}, limited(SECONDARY)), 60),
        (
            "github",
            Reply(
                403,
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030"},
                limited(PRIMARY),
            ),
            31,
        ),
        ("gitlab", Reply(429, {"Retry-After": "5"}, b"Retry later\n"), 5),
        (
            "gitlab",
            Reply(429, {"RateLimit-Reset": "1790000020", "RateLimit-Remaining": "0"}),
            21,
        ),
        ("gitlab", Reply(429, {}), 60),
    ],
)
def test_a_limit_is_waited_for_as_it_asks_and_the_write_is_sent_again(kind, refusal, wait, time):
    refusal.headers |= DATE
    with serving(refusal, Reply(status=201)) as server:
        answer = session_for(server, time, kind).post(f"{server.url}/api/x", json={"a": 1})

        assert answer.status_code == 201
        assert time.slept[0] == pytest.approx(wait, abs=1.5)
        assert server.seen[1].body == b'{"a": 1}'


def test_the_server_s_own_clock_counts_where_this_machine_s_is_wrong():
    time = TestClock(now=1_790_000_000 - 4_000)
    refusal = Reply(
        403,
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000030", **DATE},
        limited(PRIMARY),
    )

    with serving(refusal, Reply()) as server:
        session_for(server, time).get(f"{server.url}/api/v3/x")
    assert time.slept == [31]


def test_a_secondary_limit_that_names_no_time_is_given_longer_each_time(time):
    refusals = [Reply(403, dict(DATE), limited(SECONDARY)) for _ in range(3)]
    with serving(*refusals, Reply()) as server:
        session_for(server, time).get(f"{server.url}/api/v3/x")
    assert time.slept == [60, 120, 240]


def test_a_graphql_limit_that_answers_200_is_a_limit(time):
    refused = {"errors": [{"type": "RATE_LIMITED", "message": PRIMARY}], "data": None}
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000010", **DATE}
    with serving(Reply(200, reset, json.dumps(refused).encode()), Reply()) as server:
        query(server, session_for(server, time))
        assert len(server.seen) == 2


def test_the_words_of_a_limit_in_somebody_s_comment_are_no_limit(time):
    data = {"data": {"body": "RATE_LIMITED secondary rate limit", "errors": [{"type": "x"}]}}
    with serving(Reply(body=json.dumps(data).encode())) as server:
        assert query(server, session_for(server, time)).json() == data
    assert time.slept == []


def test_a_limit_beyond_the_deadline_is_named_with_the_time_it_opens(time):
    refusal = Reply(429, {"Retry-After": "3600"}, limited(SECONDARY))
    with serving(refusal) as server, pytest.raises(ForgeError) as caught:
        session_for(server, time).post(f"{server.url}/api/v3/x", json={})

    assert str(caught.value).startswith(
        "GitHub's secondary rate limit lets nothing through until 2026-09-21T15:13:20Z"
    )
    assert caught.value.status == 429
    assert not caught.value.uncertain
    assert time.slept == []


def test_a_permission_that_is_missing_is_no_limit(time):
    refusal = Reply(
        403, {"x-ratelimit-remaining": "0"}, limited("Resource not accessible by integration")
    )
    with serving(refusal) as server:
        assert session_for(server, time).get(f"{server.url}/api/v3/x").status_code == 403


# ----------------------------------------------------------------------------- time and size


def test_writes_are_a_second_apart_and_reads_are_not(time):
    with serving(*[Reply()] * 5) as server:
        session = session_for(server, time)
        url = f"{server.url}/api/v3/x"
        session.post(url, json={})
        session.get(url)
        query(server, session)
        session.patch(url, json={})
        query(server, session, "mutation { x }")
    assert time.slept == [1, 1]


def test_a_query_by_post_is_no_write_that_another_must_wait_for(time):
    with serving(Reply(), Reply()) as server:
        session = session_for(server, time)
        query(server, session)
        session.post(f"{server.url}/api/v3/x", json={})
    assert time.slept == []


def test_after_the_deadline_nothing_is_sent(time):
    with serving(Reply()) as server:
        session = session_for(server, time, deadline=100)
        time.passed = 100

        with pytest.raises(ForgeError, match="100 s") as caught:
            session.post(f"{server.url}/api/v3/x", json={})

        assert server.seen == []
        assert not caught.value.uncertain


def test_an_answer_that_drips_ends_with_the_deadline(time):
    def pass_time() -> None:
        time.passed += 10

    dripping = serving(Reply(body=b"x" * 200, drip=pass_time))
    with dripping as server, pytest.raises(ForgeError, match="deadline"):
        session_for(server, time, deadline=50).get(f"{server.url}/api/v3/x")


def test_an_answer_without_a_bound_is_refused(time):
    bomb = gzip.compress(bytes(MAXIMUM_BODY + 1))
    reply = Reply(headers={"Content-Encoding": "gzip"}, body=bomb)
    with serving(reply) as server, pytest.raises(ForgeError, match="more than") as caught:
        session_for(server, time).post(f"{server.url}/api/v3/x", json={})
    assert caught.value.uncertain


def test_a_compressed_answer_reads_as_what_it_means(time):
    reply = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b'{"a": "\xc3\xa9"}'))
    with serving(reply) as server:
        assert session_for(server, time).get(f"{server.url}/api/v3/x").json() == {"a": "é"}


# ----------------------------------------------------------------------------- the token


def test_the_token_is_in_no_log_no_error_and_no_representation(time, caplog):
    caplog.set_level(logging.DEBUG)
    echo = Reply(status=502, body=f"token {TOKEN}".encode())
    with serving(echo) as server:
        session = session_for(server, time)
        with pytest.raises(ForgeError) as caught:
            session.post(f"{server.url}/api/v3/{TOKEN}", json={})

        shown = "".join(traceback.format_exception(caught.value))
        assert TOKEN not in shown + repr(session) + repr(caught.value)
        assert caught.value.__cause__ is None
        logged = [record.getMessage() for record in caplog.records]
        assert not any(f"Bearer {TOKEN}" in line for line in logged)


def test_a_text_is_cleaned_of_the_token_even_where_something_invisible_splits_it(time):
    with serving() as server:
        session = session_for(server, time)
        split = f"{TOKEN[:9]}\u200b{TOKEN[9:]}"
        assert session.clean(f"a\x1b[31m {split}\n b") == "a *** b"
        assert TOKEN[:12] not in session.clean("x" * 240 + TOKEN + "y" * 900)


# ----------------------------------------------------------------------------- below python-gitlab


def test_python_gitlab_gets_our_errors_and_adds_no_retries_of_its_own(time):
    refusal = Reply(429, {"Retry-After": "3"})
    json_type = {"Content-Type": "application/json"}
    broken = [Reply(status=502)] * ATTEMPTS
    with serving(refusal, Reply(headers=json_type, body=b'{"id": 7}'), *broken) as server:
        session = open_session(server.endpoint("gitlab"), TOKEN, clock=time.clock())
        client = gitlab.Gitlab(
            server.url, private_token=TOKEN, session=session, retry_transient_errors=True
        )

        assert client.projects.get(7).id == 7
        assert server.seen[1].headers["PRIVATE-TOKEN"] == TOKEN
        with pytest.raises(ForgeError, match="502"):
            client.projects.get(8)


def test_python_gitlab_cannot_carry_its_header_to_another_origin(time):
    with serving(Reply()) as other:
        moved = Reply(status=302, headers={"Location": f"{other.url}/api/v4/user"})
        with serving(moved) as server:
            session = open_session(server.endpoint("gitlab"), TOKEN, clock=time.clock())
            client = gitlab.Gitlab(server.url, private_token=TOKEN, session=session)
            with pytest.raises(ForgeError, match="elsewhere"):
                client.projects.get(7)
        assert other.seen == []


def test_the_session_is_a_session_as_the_libraries_expect():
    with serving() as server:
        assert isinstance(open_session(server.endpoint(), TOKEN), requests.Session)
