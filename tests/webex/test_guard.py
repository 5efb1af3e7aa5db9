"""Which addresses we call at all, at the form and again at each connect."""

from __future__ import annotations

import ipaddress
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import http, http_sockets
from common.http_guard import UrlRefused, address_allowed, check_backend_url, path_segment
from tests.webex.conftest import TOKEN, make_client
from tests.webex.reports import reported_variables
from tests.webex.test_errors import many
from tests.webex.wire_server import WireServer, raw, reply, silence
from webex.client import WebexClient
from webex.errors import NotSent, WebexError


@pytest.mark.parametrize(
    "url",
    [
        "https://webexapis.com/v1",
        "https://xsp.provider.example:8443",
        "https://93.184.216.34/v1",
        "https://[2606:4700::1111]/v1",
        "http://127.0.0.1:8001/v1",
        "http://simulator:8001/v1",
    ],
)
def test_public_https_and_named_hosts_are_allowed(url):
    trusted = ["127.0.0.1:8001", "simulator"]

    assert check_backend_url(url + "/", trusted_hosts=trusted) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme"),
        ("webexapis.com/v1", "scheme"),
        ("http://webexapis.com/v1", "scheme"),
        ("ftp://webexapis.com", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("https://", "malformed"),
        ("https://a b.example", "malformed"),
        ("https://a.example\\@b.example", "malformed"),
        ("https://a.example:0", "malformed"),
        ("https://a.example:99999", "malformed"),
        ("https://[::1", "malformed"),
        ("https://user:secret@a.example", "credentials"),
        ("https://@a.example", "credentials"),
        ("https://a.example/?x=1", "query"),
        ("https://a.example/#x", "query"),
        ("https://a.example/?", "query"),
        ("https://127.0.0.1", "private"),
        ("https://127.1", "private"),
        ("https://2130706433", "private"),
        ("https://0x7f.1", "private"),
        ("https://localhost", "private"),
        ("https://LOCALHOST.", "private"),
        ("https://a.localhost", "private"),
        ("https://10.0.0.1", "private"),
        ("https://169.254.169.254/latest/meta-data", "private"),
        ("https://[::1]", "private"),
        ("https://[::ffff:10.0.0.1]", "private"),
        ("https://[fe80::1%25eth0]", "private"),
        ("http://127.0.0.1:8002", "scheme"),
    ],
)
def test_everything_else_is_refused_with_a_reason(url, reason):
    with pytest.raises(UrlRefused) as caught:
        check_backend_url(url, trusted_hosts=["127.0.0.1:8001"])

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "::ffff:192.168.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_a_private_address_is_for_trusted_hosts_only(address):
    assert address_allowed(address, trusted=True)
    assert not address_allowed(address, trusted=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "not an address",
    ],
)
def test_metadata_and_link_local_are_for_nobody(address):
    assert not address_allowed(address, trusted=True)


@many
@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_changes_no_verdict(address):
    number = int(address)
    wrapped = [f"::ffff:{address}", str(ipaddress.IPv6Address(int(_nat64()) + number))]

    for trusted in (True, False):
        verdict = address_allowed(str(address), trusted=trusted)
        assert {address_allowed(text, trusted=trusted) for text in wrapped} == {verdict}


def _nat64() -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address("64:ff9b::")


@many
@given(st.text(min_size=1))
def test_a_quoted_segment_stays_one_segment(text):
    if text in {".", ".."}:
        return

    assert not set(path_segment(text)) & set("/?#@+ %:;\\") - {"%"}


def test_a_host_nobody_named_is_not_called_on_a_private_address(backend):
    with pytest.raises(NotSent) as caught:
        WebexClient(backend.url, TOKEN).remove("x")

    assert caught.value.reason == "address"
    assert backend.connections == 0


def test_a_call_without_trust_does_not_borrow_a_trusted_calls_connection(backend, client):
    backend.will(reply(204), reply(204))
    client.remove("x")

    with pytest.raises(NotSent):
        WebexClient(backend.url, TOKEN).remove("x")

    assert len(backend.seen) == 1


def test_a_name_that_turns_private_after_the_form_was_saved_is_not_called(backend, monkeypatch):
    answer_with(monkeypatch, "127.0.0.1", backend.port)
    url = f"http://rebound.example:{backend.port}/v1"

    with pytest.raises(NotSent) as caught:
        WebexClient(url, TOKEN).remove("x")

    assert caught.value.reason == "address"
    assert backend.connections == 0


def test_a_trusted_name_is_called_by_the_address_it_has_now(backend, monkeypatch):
    answer_with(monkeypatch, "127.0.0.1", backend.port)
    backend.will(reply(204))
    url = f"http://simulator:{backend.port}/v1"

    WebexClient(url, TOKEN, trusted_hosts=["simulator"]).remove("x")

    assert backend.seen[0].headers["host"] == f"simulator:{backend.port}"


def test_ipv6_literals_work():
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    server = WireServer("::1")
    server.will(reply(204))

    make_client(server).remove("x")

    server.stop()
    assert len(server.seen) == 1


def test_an_unknown_name_is_not_sent(monkeypatch):
    def fail(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(NotSent) as caught:
        WebexClient("https://nowhere.example/v1", TOKEN).remove("x")

    assert caught.value.reason == "dns"


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    release, returned = threading.Event(), threading.Event()

    def hang(*_args, **_kwargs):
        release.wait(300)
        returned.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    with pytest.raises(http.NotConnected) as caught:
        http.call(http.Request("GET", "https://slow.example/"), timeout=http.Timeout(0.2, 200.0))

    assert not returned.is_set()
    release.set()
    assert caught.value.reason == "timeout"


def test_the_environment_chooses_neither_proxy_nor_password(backend, client, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    backend.will(reply(204))

    client.remove("x")

    assert backend.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_cookies_are_not_kept(backend, client):
    backend.will(reply(204, None, {"Set-Cookie": "a=b; Path=/"}), reply(204))

    client.remove("x")
    client.remove("x")

    assert "cookie" not in backend.seen[1].headers


def test_nothing_of_a_call_is_logged_at_any_level(backend, hurried, caplog):
    caplog.set_level(0)
    bad_head = b"HTTP/1.1 204 No Content\r\nGood: x\r\n bad\r\n:worse\r\n\r\n"
    said = ""
    for step in (
        reply(429, {"message": "canary"}),
        reply(200, b"canary"),
        raw(bad_head),
        silence(),
    ):
        backend.will(step)
        with pytest.raises(WebexError) as caught:
            hurried.find_subscribers("P", "canary@sp.example")
        said += str(caught.value) + repr(caught.value)

    assert "canary" not in said
    assert "canary" not in caplog.text
    assert TOKEN not in caplog.text


def test_not_even_an_error_of_our_own_shows_the_token(backend, client, monkeypatch):
    def burst(*_args, **_kwargs):
        raise RuntimeError("a programming error")

    monkeypatch.setattr(http_sockets.GuardedPools, "urlopen", burst)

    with pytest.raises(RuntimeError) as caught:
        client.remove("x")

    assert TOKEN not in reported_variables(caught.value)


def answer_with(monkeypatch: pytest.MonkeyPatch, address: str, port: int) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: [entry])


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
