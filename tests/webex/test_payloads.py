"""Reading is forgiving, writing is exact."""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webex.conftest import PROVISIONING_ID, subscriber_json
from tests.webex.test_errors import json_values, many
from webex.payloads import (
    LIMITS,
    NotASubscriber,
    PrecheckRequest,
    ProvisionRequest,
    RemoteError,
    RemoteSubscriber,
    body_bytes,
    body_hash,
)
from webex.text import clean, code_text, epoch_ms, moment
from webex.transport import parse_json

read = RemoteSubscriber.from_json


def test_the_contracts_own_example_is_read_whole():
    assert read(subscriber_json(personId="P1")) == RemoteSubscriber(
        id="Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIvNjk3MGU2YmI",
        person_id="P1",
        user_id="95547321@sp.com",
        sp_enterprise_id="SP1+acme",
        first_name="John",
        last_name="Andersen",
        email="john.anderson@acme.com",
        primary_phone="+1-240-555-1212",
        mobile_phone="+1-818-279-1234",
        extension="1212",
        package="standard",
        status="error",
        errors=(RemoteError("10022", "The BroadWorks UserID is taken"),),
        created=datetime(2019, 10, 18, 14, 26, 16, tzinfo=UTC),
        last_status_change=datetime(2020, 3, 18, 16, 5, 34, tzinfo=UTC),
        provisioning_id=PROVISIONING_ID,
        self_activated=False,
    )


def test_a_pending_subscriber_lacks_most_fields():
    found = read({"id": "a", "userId": "b", "status": "pending_email_input"})

    assert (found.email, found.errors, found.last_status_change) == ("", (), None)


@pytest.mark.parametrize(
    ("value", "activated"),
    [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)],
)
def test_self_activated_is_read_as_boolean_and_as_text(value, activated):
    assert read(subscriber_json(selfActivated=value)).self_activated is activated


def test_an_unknown_status_and_package_are_kept_as_they_came():
    found = read(subscriber_json(status="pending_moon_phase", package="deluxe", surprise={"a": 1}))

    assert (found.status, found.package) == ("pending_moon_phase", "deluxe")


@pytest.mark.parametrize("missing", ["id", "userId", "status"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, [], {"a": 1}, True])
def test_without_id_user_id_or_status_it_is_no_subscriber(missing, value):
    with pytest.raises(NotASubscriber):
        read(subscriber_json(**{missing: value}))


@pytest.mark.parametrize("value", [None, [], "text", 7, True, [subscriber_json()]])
def test_what_is_not_an_object_is_no_subscriber(value):
    with pytest.raises(NotASubscriber):
        read(value)


def test_absurd_lengths_are_cut_but_an_identifier_never_is():
    found = read(subscriber_json(firstName="x" * 10_000, errors=[{"description": "y" * 99_999}]))

    assert len(found.first_name) == LIMITS["first_name"]
    assert len(found.errors[0].text) == LIMITS["error_text"]
    with pytest.raises(NotASubscriber):
        read(subscriber_json(userId="u" * (LIMITS["user_id"] + 1)))


def test_what_postgresql_cannot_store_is_replaced():
    found = read(
        subscriber_json(firstName="A\0b", lastName="lone \ud83d end", email="\ud83d\ude00")
    )

    assert (found.first_name, found.last_name) == ("A�b", "lone � end")
    found.email.encode("utf-8")


def test_numbers_where_texts_belong_are_read():
    found = read(subscriber_json(extension=1212, primaryPhoneNumber=4570101010.0, email=["a@b"]))

    assert (found.extension, found.primary_phone, found.email) == ("1212", "4570101010", "")


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (None, ()),
        ([], ()),
        ("broken", ()),
        ({"errorCode": 7, "description": "one"}, (RemoteError("7", "one"),)),
        ([{"errorCode": "10022.0"}, None, {}], (RemoteError("10022", ""),)),
        ([{"description": "only words"}], (RemoteError(None, "only words"),)),
    ],
)
def test_errors_in_any_form(errors, expected):
    assert read(subscriber_json(errors=errors)).errors == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (10022, "10022"),
        (10022.0, "10022"),
        ("10022", "10022"),
        (" 10022.0 ", "10022"),
        (1.5, "1.5"),
        ("E-17", "E-17"),
        ("1.2.0", "1.2.0"),
        (0, "0"),
        ("", None),
        (None, None),
        (True, None),
        (float("inf"), None),
        (float("nan"), None),
        (10**80, None),
        ([1], None),
    ],
)
def test_codes_are_text_without_a_decimal_point(value, code):
    assert code_text(value) == code


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-03-18T16:05:34.000Z", datetime(2020, 3, 18, 16, 5, 34, tzinfo=UTC)),
        ("2020-03-18T17:05:34+01:00", datetime(2020, 3, 18, 16, 5, 34, tzinfo=UTC)),
        ("2020-03-18T16:05:34", datetime(2020, 3, 18, 16, 5, 34, tzinfo=UTC)),
        ("2021-04-01T14:49:50.309640Z", datetime(2021, 4, 1, 14, 49, 50, 309640, tzinfo=UTC)),
        (1584547534000, datetime(2020, 3, 18, 16, 5, 34, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        (10**30, None),
        (float("nan"), None),
        ("yesterday", None),
        (True, None),
        (None, None),
    ],
)
def test_moments_in_any_form_are_utc(value, expected):
    assert moment(value) == expected


def test_a_moment_is_asked_for_in_milliseconds():
    assert epoch_ms(datetime(2020, 3, 18, 16, 5, 34, 120000, tzinfo=UTC)) == "1584547534120"


@many
@given(
    st.one_of(json_values, st.dictionaries(st.sampled_from(list(subscriber_json())), json_values))
)
def test_anything_is_either_a_storable_subscriber_or_refused(changes):
    data = {**subscriber_json(), **changes} if isinstance(changes, dict) else changes
    try:
        found = read(data)
    except NotASubscriber:
        return

    texts = [getattr(found, name) for name in LIMITS if not name.startswith("error_")]
    for text in [*texts, *[error.text for error in found.errors]]:
        assert "\0" not in text
        text.encode("utf-8")
    for when in (found.created, found.last_status_change):
        assert when is None or when.tzinfo is UTC


@many
@given(st.text(), st.integers(0, 20))
def test_cleaning_twice_changes_nothing(text, limit):
    assert clean(clean(text, limit), limit) == clean(text, limit)


@many
@given(st.binary())
def test_any_bytes_are_json_or_refused(body):
    with contextlib.suppress(ValueError):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", None),
        (b" \n", None),
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_json_at_its_edges(body, expected):
    assert parse_json(body) == expected


@pytest.mark.parametrize("body", [b"[" * 200_000, b"1" * 10_000, b"{'a': 1}", b"\xff\xfe\xfd"])
def test_what_is_not_json_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011 - json's and Python's own, of several kinds
        parse_json(body)


def test_empty_fields_are_not_sent():
    request = ProvisionRequest(
        provisioning_id="P",
        user_id="u",
        sp_enterprise_id="SP+G",
        first_name="A",
        last_name="B",
        package="basic",
        email="a@b.example",
    )

    assert request.to_json() == {
        "provisioningId": "P",
        "userId": "u",
        "spEnterpriseId": "SP+G",
        "firstName": "A",
        "lastName": "B",
        "package": "basic",
        "email": "a@b.example",
    }


def test_a_precheck_needs_only_an_address_and_may_name_the_customers():
    assert PrecheckRequest(email="a@b.example").to_json() == {"email": "a@b.example"}
    assert PrecheckRequest(email="a@b.example", customer_email="c@b.example").to_json() == {
        "email": "a@b.example",
        "customerInfo": {"primaryEmail": "c@b.example"},
    }


def test_requests_and_subscribers_show_nothing_personal_in_their_repr():
    request = PrecheckRequest(email="ane@kunde.example", first_name="Ane")

    assert "ane" not in (repr(request) + repr(read(subscriber_json(email="ane@x")))).lower()


def test_the_hash_is_that_of_the_bytes_and_does_not_depend_on_the_order():
    body = {"lastName": "Sørensen", "firstName": "\ud83d"}

    assert body_hash(body) == hashlib.sha256(body_bytes(body)).hexdigest()
    assert body_hash(dict(reversed(body.items()))) == body_hash(body)
    assert json.loads(body_bytes(body)) == body
    assert body_hash(None) == hashlib.sha256(b"").hexdigest()
