"""Each status becomes the class that says what may be done next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webex.conftest import TOKEN, make_client
from tests.webex.test_faults import REQUEST
from tests.webex.wire_server import refusal, reply
from webex import errors

many = settings(max_examples=300, derandomize=True, database=None, deadline=None)
DATE = "Tue, 15 Nov 1994 08:12:31 GMT"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, errors.Refused),
        (400, errors.Refused),
        (401, errors.TokenRefused),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (405, errors.Refused),
        (408, errors.Unknown),
        (409, errors.Conflict),
        (410, errors.NotFound),
        (415, errors.Refused),
        (422, errors.Refused),
        (423, errors.Locked),
        (428, errors.Refused),
        (429, errors.Throttled),
        (500, errors.Unknown),
        (501, errors.Unknown),
        (502, errors.Unknown),
        (503, errors.Unknown),
        (504, errors.Unknown),
        (599, errors.Unknown),
    ],
)
def test_a_status_becomes_its_class(backend, client, status, kind):
    backend.will(refusal(status))

    with pytest.raises(errors.WebexError) as caught:
        client.provision(REQUEST)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert len(backend.seen) == 1


@pytest.mark.parametrize(
    ("body", "code", "text", "tracking_id"),
    [
        (
            {
                "message": "Bad",
                "errors": [{"description": "UserID is taken", "errorCode": 10022}],
                "trackingId": "ROUTERGW_1",
            },
            "10022",
            "UserID is taken",
            "ROUTERGW_1",
        ),
        ({"message": "Bad", "errors": [{"description": "d"}]}, None, "d", "HEADER_1"),
        ({"message": "Bad", "errorCode": 4008.0}, "4008", "Bad", "HEADER_1"),
        ({"message": "Bad", "errorCode": "4008"}, "4008", "Bad", "HEADER_1"),
        (
            {"message": "f", "errorCode": {"errorCode": 200039, "description": "in use"}},
            "200039",
            "in use",
            "HEADER_1",
        ),
        ({"errorCode": [{"code": "200039", "description": "x"}]}, "200039", "x", "HEADER_1"),
        (
            {"errors": [{"description": "a"}, {"description": "b", "errorCode": 7}, {}, "?"]},
            "7",
            "a; b",
            "HEADER_1",
        ),
    ],
)
def test_code_text_and_tracking_id_are_found_in_every_known_form(
    backend, client, body, code, text, tracking_id
):
    backend.will(reply(400, body, {"TrackingID": "HEADER_1"}))
    before = datetime.now(UTC)

    with pytest.raises(errors.Refused) as caught:
        client.provision(REQUEST)

    error = caught.value
    assert (error.code, error.text, error.tracking_id) == (code, text, tracking_id)
    assert before <= error.when <= datetime.now(UTC)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 410, 422, 423, 429, 503])
@pytest.mark.parametrize(
    "body",
    [
        b"<html><h1>404 Not Found</h1><hr>nginx</html>",
        b"",
        b"default backend - 404",
        b"404",
        {"message": "no Route matched with those values"},
        {"message": "Forbidden"},
        {"error": "not_found", "path": "/v1", "status": 404, "timestamp": "2026-01-01"},
        {"title": "Not Found", "status": 404, "detail": "x", "type": "about:blank"},
        {"errors": "broken", "message": ["x"], "errorCode": True},
        {"errors": [{"code": "NotFound", "title": "x"}]},
        [{"message": "no", "trackingId": "T"}],
        b"null",
    ],
    ids=lambda body: str(body)[:24],
)
def test_a_status_that_somebody_else_may_have_said_proves_nothing(backend, client, status, body):
    backend.will(reply(status, body, {"Via": "1.1 gateway"}))

    with pytest.raises(errors.Unknown) as caught:
        client.remove("x")

    assert (caught.value.reason, caught.value.status) == ("foreign", status)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.NotSent("refused"), "cannot be reached"),
        (errors.Forbidden("http", errors.Facts(403)), "Webex refused it (HTTP 403)"),
        (
            errors.Unknown("foreign", errors.Facts(404)),
            "something before Webex answered (HTTP 404)",
        ),
        (errors.Unknown("http", errors.Facts(502)), "unclear answer (HTTP 502)"),
        (errors.Unknown("timeout"), "no answer in time"),
        (errors.PagingStopped("foreign_link"), "the link to the next page leads to another host"),
    ],
)
def test_operations_are_told_who_spoke(error, words):
    assert errors.in_words(error) == words


@pytest.mark.parametrize("body", [b'"ok"', {"maintenance": True}, {"message": "deleted"}, b"<p>"])
def test_a_success_in_other_words_proves_no_deletion(backend, client, body):
    backend.will(reply(200, body))

    with pytest.raises(errors.Unknown) as caught:
        client.remove("x")

    assert caught.value.reason == "garbage"


def test_what_the_api_said_never_reaches_str_or_repr(backend, client):
    backend.will(reply(400, {"message": "bad address ane@kunde.example", "trackingId": "T"}))

    with pytest.raises(errors.Refused) as caught:
        client.provision(REQUEST)

    assert "ane@" in caught.value.text
    assert "ane@" not in str(caught.value) + repr(caught.value) + repr(caught.value.facts)


@pytest.mark.parametrize("token", ["", "  ", "a b", "line\nbreak", "ø" * 20, "nul\0"])
def test_a_token_that_no_header_can_hold_is_refused_without_sending_or_showing_it(backend, token):
    with pytest.raises(errors.TokenRefused) as caught:
        make_client(backend, token=token).remove("x")

    assert backend.seen == []
    assert not token.strip() or token not in str(caught.value)


def test_the_token_goes_out_as_a_bearer_and_nowhere_else(backend, client):
    backend.will(reply(204))

    client.remove("x")

    assert backend.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(client) + repr(client.__dict__)


def test_waiting_times_come_with_429_and_423_always_and_with_503_when_sent(backend, client):
    backend.will(
        refusal(429, {"Retry-After": "7"}),
        refusal(429),
        refusal(423, {"Retry-After": "soon"}),
        refusal(503, {"Retry-After": "120"}),
        refusal(503),
        reply(503, b"<html>", {"Retry-After": "50"}),
        reply(429, b"<html>", {"Retry-After": "40"}),
        reply(429, b"<html>"),
    )

    waits = []
    for _ in range(8):
        with pytest.raises(errors.WebexError) as caught:
            client.remove("x")
        waits.append((type(caught.value).__name__, caught.value.retry_after))

    assert waits == [
        ("Throttled", 7),
        ("Throttled", 30),
        ("Locked", 30),
        ("Unknown", 120),
        ("Unknown", None),
        ("Unknown", 50),
        ("Unknown", 40),
        ("Unknown", None),
    ]


def test_a_retry_after_date_is_read_against_the_answers_own_clock(backend, client):
    later = "Tue, 15 Nov 1994 08:13:01 GMT"
    backend.will(refusal(429, {"Date": DATE, "Retry-After": later}))

    with pytest.raises(errors.Throttled) as caught:
        client.remove("x")

    assert caught.value.retry_after == 30


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 1),
        ("1", 1),
        ("3", 3),
        ("900", 900),
        ("901", 900),
        ("1000000000", 900),
        ("9" * 5000, 900),
        ("-5", 30),
        ("1.5", 30),
        ("1e9", 30),
        ("²", 30),
        ("٣", 30),
        ("soon", 30),
        ("", 30),
        (None, 30),
        (" 12 ", 12),
        ("Tue, 15 Nov 1994 08:12:41 GMT", 10),
        ("Tue, 15 Nov 1994 08:12:01 GMT", 1),
        ("Wed, 15 Nov 2034 08:12:01 GMT", 900),
    ],
)
def test_retry_after_forms(value, seconds):
    assert errors.parse_retry_after(value, DATE) == seconds


def test_a_date_without_the_answers_own_date_is_no_information():
    assert errors.parse_retry_after("Tue, 15 Nov 1994 08:12:41 GMT", None) == 30
    assert errors.parse_retry_after("Tue, 15 Nov 1994 08:12:41 GMT", "yesterday") == 30


@many
@given(st.one_of(st.none(), st.text(), st.integers().map(str)), st.one_of(st.none(), st.text()))
def test_any_retry_after_gives_a_wait_within_bounds(value, date):
    assert 1 <= errors.parse_retry_after(value, date) <= 900


@many
@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=-1000, max_value=2000),
)
def test_a_date_means_its_distance_whatever_the_clock_shows(now, seconds):
    now = now.replace(microsecond=0, tzinfo=UTC)
    date = format_datetime(now, usegmt=True)
    value = format_datetime(now + timedelta(seconds=seconds), usegmt=True)

    assert errors.parse_retry_after(value, date) == max(1, min(900, seconds))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)
error_bodies = st.dictionaries(
    st.sampled_from(["message", "errors", "errorCode", "trackingId", "description", "other"]),
    st.one_of(
        json_values,
        st.lists(
            st.dictionaries(st.sampled_from(["errorCode", "code", "description"]), json_values)
        ),
    ),
)


@many
@given(st.integers(100, 599), st.one_of(error_bodies, json_values))
def test_any_error_body_is_read_and_can_be_stored(status, body):
    facts = errors.facts_from(status, body, None)

    for text in (facts.code or "", facts.text, facts.tracking_id or ""):
        assert "\0" not in text
        text.encode("utf-8")
    assert len(facts.text) <= 5100
    assert len(facts.code or "") <= 65
