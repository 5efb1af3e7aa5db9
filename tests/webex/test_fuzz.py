"""Answers made of rubbish, over a real socket: classed, never a crash."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webex.conftest import make_client
from tests.webex.wire_server import WireServer, raw
from webex.errors import WebexError

PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 429 No\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 999\r\n",
        b"HTTP/2 200\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: \xff\r\n",
        b"Connection: close\r\n",
        b"Location: //evil.example\r\n",
        b"Location: \xff\xfe\r\n",
        b"Retry-After: \xb2\r\n",
        b"TrackingID: \x00\r\n",
        b"Link: <\xff>; rel=next\r\n",
        b" folded\r\n",
        b": nameless\r\n",
        b"\r\n",
        b"5\r\n{}   \r\n0\r\n\r\n",
        b"-1\r\n",
        b"\x1f\x8b\x08",
        b'{"items": []}',
        b'{"errors": [{}]}',
    ]
)


@pytest.fixture(scope="module")
def rubbish():
    server = WireServer()
    yield server
    server.stop()


@settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=8), st.booleans())
def test_any_bytes_end_in_an_answer_or_an_error_of_ours(rubbish, pieces, proper_start):
    start = b"HTTP/1.1 200 OK\r\n" if proper_start else b""
    rubbish.forget()
    rubbish.will(*[raw(start + b"".join(pieces))] * 4)

    with contextlib.suppress(WebexError):
        list(make_client(rubbish).list_subscribers("P"))
    with contextlib.suppress(WebexError):
        make_client(rubbish).remove("x")

    # None, where it left by the connection that the server was just closing.
    assert [seen.method for seen in rubbish.seen].count("DELETE") <= 1
