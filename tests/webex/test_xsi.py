"""The login check: one request, one verdict, no trace of the password."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import traceback
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import http_sockets
from tests.webex.reports import reported_variables
from tests.webex.test_errors import json_values, many
from tests.webex.wire_server import WireServer, drip, raw, reply, reset, silence
from webex import xsi
from webex.xsi_profile import NotAnAnswer, XsiProfile, read_error, read_profile

CHALLENGE = {"WWW-Authenticate": 'Basic realm="BroadWorks"'}
PASSWORD = "canary-pässword:Ω"
PROFILE = """<?xml version="1.0" encoding="{encoding}"?>
<Profile xmlns="http://schema.broadsoft.com/xsi">
  <details>
    <userId>4570101010@sp.example</userId>
    <firstName>Åse</firstName>
    <lastName>Sørensen &amp; Søn</lastName>
    <groupId>Aarhus</groupId>
    <serviceProvider isEnterprise="true">Nordkunde</serviceProvider>
    <number>+45-70101010</number>
    <extension>1010</extension>
  </details>
  <additionalDetails><mobile>+45-20202020</mobile><emailAddress>ase@kunde.example</emailAddress>
  </additionalDetails>
  <passwordExpiresDays>2147483647</passwordExpiresDays>
  <fac>/v2.0/user/4570101010@sp.example/profile/Fac</fac>
  <countryCode>45</countryCode>
</Profile>
"""
EXPECTED = XsiProfile(
    user_id="4570101010@sp.example",
    first_name="Åse",
    last_name="Sørensen & Søn",
    group_id="Aarhus",
    service_provider="Nordkunde",
    is_enterprise=True,
    number="+45-70101010",
    extension="1010",
    mobile="+45-20202020",
    email="ase@kunde.example",
    password_expires_days=2147483647,
    country_code="45",
)
JSON_PROFILE = {
    "Profile": {
        "@xmlns": {"$": "http://schema.broadsoft.com/xsi"},
        "details": {
            "userId": {"$": "4570101010@sp.example"},
            "firstName": {"$": "Åse"},
            "lastName": {"$": "Sørensen & Søn"},
            "groupId": {"$": "Aarhus"},
            "serviceProvider": {"@isEnterprise": "true", "$": "Nordkunde"},
            "number": {"$": "+45-70101010"},
            "extension": {"$": "1010"},
        },
        "additionalDetails": {
            "mobile": {"$": "+45-20202020"},
            "emailAddress": {"$": "ase@kunde.example"},
        },
        "passwordExpiresDays": {"$": "2147483647"},
        "countryCode": {"$": "45"},
    }
}


def profile_bytes(encoding: str = "ISO-8859-1") -> bytes:
    return PROFILE.format(encoding=encoding).encode(encoding)


def check(server: WireServer, user_id: str = "ase@sp.example", *, timeout: float = 5.0):
    return xsi.check_login(
        server.origin, user_id, PASSWORD, timeout=timeout, trusted_hosts=["127.0.0.1"]
    )


def error_info(code: str, summary: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>'
        '<ErrorInfo xmlns="http://schema.broadsoft.com/xsi">'
        f"<summary>{summary}</summary><summaryEnglish>{summary}</summaryEnglish>"
        f"<errorCode>{code}</errorCode></ErrorInfo>"
    ).encode("iso-8859-1")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8", "UTF-16", "windows-1252"])
def test_a_profile_in_xml_of_any_encoding(backend, encoding):
    backend.will(reply(200, profile_bytes(encoding)))

    assert check(backend) == EXPECTED


def test_a_profile_in_json(backend):
    backend.will(reply(200, json.dumps(JSON_PROFILE, ensure_ascii=False).encode()))

    assert check(backend) == EXPECTED


def test_the_request_is_one_get_with_basic_credentials_on_its_own_connection(backend):
    backend.will(reply(200, profile_bytes()), reply(200, profile_bytes()))

    check(backend)
    check(backend)

    seen = backend.seen[0]
    path = "/com.broadsoft.xsi-actions/v2.0/user/ase%40sp.example/profile"
    assert (seen.method, seen.target, seen.headers["connection"]) == ("GET", path, "close")
    kind, _, credentials = seen.headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(credentials).decode() == f"ase@sp.example:{PASSWORD}"
    assert backend.connections == 2


@pytest.mark.parametrize(
    "user_id",
    [
        "+4570101010@sp.example",
        "a/b@sp.example",
        "a?b#c@sp.example",
        "a%2Fb%40@sp.example",
        "a b;c=d&e@sp.example",
        "blåbærgrød-Ω@sp.example",
        "u" * 150 + "@sp.example",
        "../../admin",
        "a\\b",
    ],
)
def test_a_user_id_arrives_as_it_was_typed(backend, user_id):
    backend.will(reply(200, profile_bytes()))

    check(backend, user_id)

    target = backend.seen[0].target
    head, tail = "/com.broadsoft.xsi-actions/v2.0/user/", "/profile"
    assert target.startswith(head)
    assert target.endswith(tail)
    segment = target.removeprefix(head).removesuffix(tail)
    assert "/" not in segment
    assert "+" not in segment
    assert unquote(segment) == user_id


@pytest.mark.parametrize("typed", ["blåbær", "bla\u030abær"], ids=["composed", "decomposed"])
@pytest.mark.parametrize(
    ("encoding", "sent"), [("utf-8", b"bl\xc3\xa5b\xc3\xa6r"), ("iso-8859-1", b"bl\xe5b\xe6r")]
)
def test_a_password_is_sent_in_one_form_and_in_the_servers_encoding(backend, typed, encoding, sent):
    backend.will(reply(200, profile_bytes()))

    xsi.check_login(backend.origin, "u", typed, encoding=encoding, trusted_hosts=["127.0.0.1"])

    credentials = backend.seen[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(credentials) == b"u:" + sent


@pytest.mark.parametrize(("password", "encoding"), [("Ω", "iso-8859-1"), ("\ud800", "utf-8")])
def test_a_password_that_the_server_cannot_hold_is_refused_without_asking(
    backend, password, encoding
):
    with pytest.raises(xsi.CannotBeSent):
        xsi.check_login(
            backend.origin, "u", password, encoding=encoding, trusted_hosts=["127.0.0.1"]
        )

    assert backend.seen == []


@pytest.mark.parametrize("user_id", ["", ".", "..", "a:b@sp.example"])
def test_a_user_id_that_cannot_be_asked_for_is_refused_without_asking(backend, user_id):
    with pytest.raises(xsi.CannotBeSent):
        check(backend, user_id)

    assert backend.seen == []


@pytest.mark.parametrize(
    "suffix", ["", "/", "/com.broadsoft.xsi-actions", "/com.broadsoft.xsi-actions/v2.0/"]
)
def test_the_xsi_url_may_be_given_with_or_without_its_path(backend, suffix):
    backend.will(reply(200, profile_bytes()))

    xsi.check_login(backend.origin + suffix, "u", "p", trusted_hosts=["127.0.0.1"])

    assert backend.seen[0].target == "/com.broadsoft.xsi-actions/v2.0/user/u/profile"


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (reply(401, b"Unauthorized", CHALLENGE), xsi.WrongLogin, None),
        (reply(401, None, CHALLENGE), xsi.WrongLogin, None),
        (reply(401, error_info("100006", "Invalid password")), xsi.WrongLogin, "100006"),
        (reply(401, error_info("110003", "User is Locked out")), xsi.LoginLocked, "110003"),
        (reply(403, error_info("110003", "Login is locked")), xsi.LoginLocked, "110003"),
        (reply(403, error_info("1", "Not allowed")), xsi.NotAllowed, "1"),
        (reply(404, error_info("111001", "Not found")), xsi.NoSuchResource, "111001"),
    ],
)
def test_a_refusal_becomes_its_class(backend, step, kind, code):
    backend.will(step)

    with pytest.raises(xsi.XsiError) as caught:
        check(backend)

    assert type(caught.value) is kind
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (reply(500, error_info("1", "x")), "http"),
        (reply(503), "foreign"),
        (reply(302, b"", {"Location": "/elsewhere"}), "foreign"),
        (reply(204), "foreign"),
        (reply(200, b"<html><body>Sign in</body></html>"), "garbage"),
        (reply(200, b""), "garbage"),
        (reply(200, b"{}"), "garbage"),
        (reply(200, b"<Profile><details/></Profile>"), "garbage"),
        (reply(200, b'<?xml version="1.0" encoding="klingon"?><Profile/>'), "garbage"),
        (reset(), "reset"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<Pro"), "reset"),
    ],
)
def test_no_verdict_after_sending_says_that_the_password_may_count(backend, step, reason):
    backend.will(step, reply(200, profile_bytes()))

    with pytest.raises(xsi.XsiUnavailable) as caught:
        check(backend)

    assert (caught.value.sent, caught.value.reason) == (True, reason)
    assert len(backend.seen) == 1, "a login is never tried twice"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"message": "no"}', b"Forbidden"])
def test_what_a_gateway_refuses_is_no_wrong_password_and_counts_nowhere(backend, status, body):
    backend.will(reply(status, body))

    with pytest.raises(xsi.XsiUnavailable) as caught:
        check(backend)

    assert (caught.value.sent, caught.value.reason) == (False, "foreign")
    assert caught.value.status == status


@pytest.mark.parametrize(
    "step", [silence(), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")]
)
def test_a_slow_broadworks_is_left_in_time(backend, step):
    backend.will(step)

    with pytest.raises(xsi.XsiUnavailable) as caught:
        check(backend, timeout=0.4)

    assert (caught.value.sent, caught.value.reason) == (True, "timeout")


def test_a_refused_connection_was_not_counted():
    server = WireServer()
    server.stop()

    with pytest.raises(xsi.XsiUnavailable) as caught:
        check(server)

    assert (caught.value.sent, caught.value.reason) == (False, "refused")


def test_entities_are_not_expanded(backend):
    details = b"<details><userId>&a;</userId></details>"
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Profile>' + details + b"</Profile>"
    backend.will(reply(200, bomb))

    with pytest.raises(xsi.XsiUnavailable):
        check(backend)


@pytest.mark.parametrize("step", [reset(), reply(500), reply(401), reply(200, b"<x"), silence()])
def test_the_password_is_in_no_exception_trace_or_error_report(backend, step, caplog):
    caplog.set_level(0)
    backend.will(step)

    try:
        check(backend, timeout=0.4)
    except xsi.XsiError as error:
        trace = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
        frames = reported_variables(error)
    secrets = [PASSWORD, base64.b64encode(f"ase@sp.example:{PASSWORD}".encode()).decode()]

    for secret in secrets:
        assert secret not in trace
        assert secret not in frames


def test_not_even_an_error_of_our_own_shows_the_password(backend, monkeypatch):
    def burst(*_args, **_kwargs):
        raise RuntimeError("a programming error")

    monkeypatch.setattr(http_sockets.GuardedPools, "urlopen", burst)

    with pytest.raises(RuntimeError) as caught:
        check(backend)

    frames = reported_variables(caught.value)
    assert PASSWORD not in frames
    assert "Basic " not in frames


@pytest.mark.parametrize(
    ("enterprise_mode", "expected"), [(True, "Nordkunde"), (False, "Nordkunde+Aarhus")]
)
def test_the_enterprise_id_follows_the_templates_mode(enterprise_mode, expected):
    assert EXPECTED.sp_enterprise_id(enterprise_mode) == expected


def test_a_profile_shows_nothing_personal_in_its_repr():
    assert "ase" not in repr(EXPECTED).lower()
    assert "4570" not in repr(EXPECTED)


@many
@given(st.one_of(st.binary(), json_values.map(lambda value: json.dumps(value).encode())))
def test_any_body_is_an_answer_or_none(body):
    for candidate in (body, b'{"Profile": ' + body + b"}", b"<Profile>" + body + b"</Profile>"):
        with contextlib.suppress(NotAnAnswer):
            read_profile(candidate)
        read_error(candidate)


def test_depth_that_only_an_attack_has_is_survived():
    deep = 20_000
    for body in (
        b"<Profile>" + b"<a>" * deep + b"</a>" * deep + b"</Profile>",
        b'{"Profile":' * deep,
    ):
        with pytest.raises(NotAnAnswer):
            read_profile(body)
    assert sys.getrecursionlimit() < deep
