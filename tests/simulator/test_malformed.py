"""What is not HTTP, or too much of it, is refused in the API's form all the same."""

from __future__ import annotations

import pytest

from tests.simulator import contract
from tests.simulator.conftest import a_subscriber
from tests.simulator.raw_http import raw, send_raw
from tests.simulator_process import SimulatorProcess

URL = "/broadworks/subscribers"
USER = "100@nordictel.example"
MALFORMED = {
    "no HTTP at all": (b"hello\r\n\r\n", 400),
    "an unknown version": (raw(f"GET /v1{URL} HTTP/9.9", "Host: x"), 400),
    "a header without a name": (raw(f"GET /v1{URL} HTTP/1.1", "Host: x", ": y"), 400),
    "a NUL in a header": (raw(f"GET /v1{URL} HTTP/1.1", "Host: x", "X: a\x00b"), 400),
    "two lengths": (
        raw(f"POST /v1{URL} HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 2"),
        400,
    ),
    "an impossible host": (raw(f"GET /v1{URL}?max=1 HTTP/1.1", "Host: a b<c>"), 400),
    "a very long address": (raw(f"GET /v1{URL}?userId={'x' * 9000} HTTP/1.1", "Host: x"), 414),
    "a very long header": (raw(f"GET /v1{URL} HTTP/1.1", "Host: x", f"X: {'x' * 9000}"), 431),
    "a broken chunk": (
        raw(
            f"POST /v1{URL} HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            body=b"zz\r\n{}\r\n",
        ),
        400,
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_not_http_is_refused_in_the_apis_form(case: str, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER), a_subscriber("200@nordictel.example")]})
    text, status = MALFORMED[case]

    answer = send_raw(simulator, text)

    assert answer.status_code == status
    contract.check_refusal(answer)
