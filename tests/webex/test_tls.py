"""TLS: nobody but the host that we mean reads a byte, and a call's time holds there too."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common import http, http_sockets
from tests.webex.conftest import TOKEN, make_client, subscriber_json
from tests.webex.wire_server import WireServer, drip, reply
from webex.client import WebexClient
from webex.errors import NotSent, Unknown


@pytest.fixture
def vouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    """A TLS server whose certificate the client trusts."""
    server = WireServer(tls=self_signed(tmp_path))
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "server.pem"))
    http_sockets.tls_context.cache_clear()
    yield server
    server.stop()
    http_sockets.tls_context.cache_clear()
    http._pools.clear()


def test_calls_share_one_connection_to_a_host_that_is_vouched_for(vouched):
    vouched.will(reply(200, subscriber_json()), reply(204))
    client = make_client(vouched)

    assert client.get_subscriber("x").status == "error"
    client.remove("x")

    assert vouched.connections == 1
    assert vouched.seen[1].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_drip_is_given_up_when_the_time_is_over(vouched):
    vouched.will(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))

    with pytest.raises(Unknown) as caught:
        make_client(vouched, total=0.5).remove("x")

    assert caught.value.reason == "timeout"


def test_not_one_byte_is_sent_after_the_time_to_start(vouched):
    with pytest.raises(http.NotConnected) as caught:
        http.call(
            http.Request("GET", vouched.url),
            timeout=http.Timeout(start_by=time.monotonic() - 1),
            trusted_hosts=["127.0.0.1"],
        )

    assert caught.value.reason == "late"
    assert vouched.seen == []


def test_a_certificate_for_another_name_is_refused_before_any_byte(vouched, monkeypatch):
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", vouched.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: [entry])
    url = f"https://other.example:{vouched.port}/v1"

    with pytest.raises(NotSent) as caught:
        WebexClient(url, TOKEN, trusted_hosts=["other.example"]).remove("x")

    assert caught.value.reason == "tls"
    assert vouched.seen == []


def test_a_certificate_that_nobody_vouches_for_is_refused_before_any_byte(tmp_path):
    server = WireServer(tls=self_signed(tmp_path))
    server.will(reply(204))

    with pytest.raises(NotSent) as caught:
        make_client(server).remove("x")

    server.stop()
    assert caught.value.reason == "tls"
    assert server.seen == []


def test_a_server_that_speaks_no_tls_gets_no_token(backend):
    url = backend.url.replace("http://", "https://")
    client = WebexClient(url, TOKEN, trusted_hosts=["127.0.0.1"])

    with pytest.raises(NotSent):
        client.remove("x")

    assert backend.seen == []


def test_a_handshake_that_never_comes_is_not_sent():
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"https://127.0.0.1:{listener.getsockname()[1]}"
    started = time.monotonic()

    with pytest.raises(http.NotConnected) as caught:
        http.call(
            http.Request("GET", origin),
            timeout=http.Timeout(0.3, 200.0),
            trusted_hosts=["127.0.0.1"],
        )

    listener.close()
    assert caught.value.reason == "timeout"
    assert time.monotonic() - started < 100  # by the time for connecting, not for the whole


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    public, address = key.public_key(), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
