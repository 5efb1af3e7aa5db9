"""What the client makes of a backend that breaks off, drips, lies or floods."""

from __future__ import annotations

import gzip
import json
import os
import time
import tracemalloc

import pytest

from common import http, http_sockets
from tests.webex.conftest import make_client, subscriber_json
from tests.webex.wire_server import WireServer, drip, raw, reply, reset, silence
from webex.errors import NotSent, Unknown
from webex.payloads import ProvisionRequest

REQUEST = ProvisionRequest(
    provisioning_id="P",
    user_id="u@sp.example",
    sp_enterprise_id="SP+G",
    first_name="Åse",
    last_name="Ny",
    package="basic",
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BOMB = gzip.compress(b" " * 300_000_000, compresslevel=9)


def unknown_of(call, *arguments) -> Unknown:
    with pytest.raises(Unknown) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (reset(), "reset"),
        (raw(b""), "reset"),
        (reset(HEAD + b"Content-Length: 100\r\n\r\n{"), "reset"),
        (raw(HEAD + b"Content-Length: 100\r\n\r\n{}"), "reset"),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"), "reset"),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"), "reset"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "reset"),
        (raw(HEAD + b"\r\n<html>Sign in</html>"), "garbage"),
        (raw(HEAD + b'\r\n{"id": "a", "userId": "b", "status": "err'), "garbage"),
        (raw(HEAD + b"\r\n" + b"[" * 100_000), "garbage"),
        (raw(HEAD + b"\r\n" + b"\xff\xfe\xfd"), "garbage"),
        (raw(HEAD + b"\r\n[]"), "garbage"),
        (raw(HEAD + b'\r\n{"id": 7}'), "garbage"),
        (raw(HEAD + b"\r\n"), "garbage"),
        (reply(204), "garbage"),
        (raw(HEAD + b"Content-Length: 52428800\r\n\r\n" + b" " * 3_000_000), "too_large"),
        (raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB), "too_large"),
        (raw(HEAD + b"Content-Encoding: gzip\r\n\r\nnot gzip at all"), "encoding"),
        (raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:-9]), "encoding"),
        (raw(HEAD + b"Content-Encoding: br\r\n\r\n\x0b\x02\x80"), "encoding"),
        (raw(HEAD + b"X: y\r\n" * 200 + b"\r\n{}"), "reset"),
    ],
)
def test_an_answer_without_sense_leaves_the_outcome_of_a_change_unknown(
    backend, client, step, reason
):
    backend.will(step)

    error = unknown_of(client.provision, REQUEST)

    assert error.reason == reason
    assert len(backend.seen) == 1, "a change must never be repeated by the client"


@pytest.mark.parametrize(
    "step",
    [
        silence(),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n"),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", every=0.01),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "body", "chunks", "headers", "one header", "continues"],
)
def test_a_server_that_never_ends_is_left_when_the_time_is_over(backend, hurried, step):
    backend.will(step)
    started = time.monotonic()

    error = unknown_of(hurried.provision, REQUEST)

    assert error.reason in {"timeout", "reset"}
    assert time.monotonic() - started < 100  # it would go on for ever


def test_the_whole_time_is_used_before_a_drip_is_given_up(backend, hurried):
    backend.will(drip(HEAD + b"Content-Length: 100000\r\n\r\n"))
    started = time.monotonic()

    assert unknown_of(hurried.provision, REQUEST).reason == "timeout"
    assert time.monotonic() - started >= 0.5


def test_a_gzip_bomb_never_fills_the_memory(backend, client):
    backend.will(raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB))
    tracemalloc.start()

    unknown_of(client.provision, REQUEST)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_redirect_is_not_followed_and_its_body_stays_bounded(backend, client):
    headers = {"Location": backend.origin + "/elsewhere", "Content-Encoding": "gzip"}
    backend.will(reply(302, b"", headers), reply(302, BOMB, headers))

    assert unknown_of(client.provision, REQUEST).status == 302
    assert unknown_of(client.provision, REQUEST).reason == "too_large"
    assert [seen.target for seen in backend.seen] == ["/v1/broadworks/subscribers"] * 2


def test_a_gzipped_answer_is_read(backend, client):
    packed = gzip.compress(json.dumps(subscriber_json()).encode())
    backend.will(reply(200, packed, {"Content-Encoding": "gzip"}))

    assert client.get_subscriber("x").user_id == "95547321@sp.com"
    assert backend.seen[0].headers["accept-encoding"] == "gzip"


def test_a_refused_connection_is_not_sent():
    server = WireServer()
    server.stop()

    with pytest.raises(NotSent) as caught:
        make_client(server).provision(REQUEST)

    assert caught.value.reason == "refused"


def test_a_get_is_tried_once_more_after_a_reset_and_a_change_is_not(backend, client):
    backend.will(reset(), reply(200, subscriber_json()), reset())

    assert client.get_subscriber("x").status == "error"
    unknown_of(client.remove, "x")

    assert [seen.method for seen in backend.seen] == ["GET", "GET", "DELETE"]


def test_a_get_that_fails_twice_is_given_up(backend, client):
    backend.will(reset(), reset(), reply(200, subscriber_json()))

    unknown_of(client.get_subscriber, "x")

    assert len(backend.seen) == 2


def test_a_get_that_took_its_time_is_not_tried_again(backend, hurried):
    backend.will(silence(), reply(200, subscriber_json()))

    assert unknown_of(hurried.get_subscriber, "x").reason == "timeout"
    assert len(backend.seen) == 1


def test_calls_share_one_connection(backend, client):
    backend.will(*[reply(204) for _ in range(5)])

    for _ in range(5):
        client.remove("x")

    assert backend.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_costs_nothing(backend, client):
    backend.will(raw(b"HTTP/1.1 204 No Content\r\n\r\n"), reply(204))
    client.remove("x")
    # The server's FIN must have arrived before we look; poll the socket itself, not the clock.
    _wait_until_closed(backend)

    client.remove("x")

    assert backend.connections == 2


def test_a_connection_idle_for_long_is_not_trusted_with_a_change(backend, client, monkeypatch):
    backend.will(reply(204), reply(204))
    client.remove("x")
    monkeypatch.setattr(http_sockets, "IDLE_LIMIT", 0.0)

    client.remove("x")

    assert backend.connections == 2


def test_a_failed_answer_never_leaves_its_rest_to_the_next_call(backend, client):
    rest = b"Content-Length: 3000000\r\n\r\n" + b" " * 3_000_000
    backend.will(raw(HEAD + rest, keep=True), reply(204))
    unknown_of(client.get_subscriber, "x")

    client.remove("x")

    assert backend.connections == 2


def test_a_forked_child_does_not_write_into_its_parents_connection(backend, client):
    backend.will(reply(204), reply(204), reply(204))
    client.remove("parent")

    child = os.fork()
    if child == 0:
        try:
            client.remove("child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    client.remove("parent again")

    assert [seen.connection for seen in backend.seen] == [1, 2, 1]


def test_what_is_not_usable_as_a_url_is_not_sent():
    for url in ("", "webex", "ftp://a.example", "http://[::1", "https://a.example:99999999/x"):
        with pytest.raises(http.NotConnected) as caught:
            http.call(http.Request("GET", url))
        assert caught.value.reason == "url"


def _wait_until_closed(backend: WireServer) -> None:
    pools = [
        pool
        for shared in http._pools.values()
        for pool in shared.pools._container.values()
        if pool.port == backend.port
    ]
    idle = [connection for pool in pools for connection in pool.pool.queue if connection]
    deadline = time.monotonic() + 100
    while any(connection.is_connected for connection in idle[-1:]):
        assert time.monotonic() < deadline
        time.sleep(0.005)
