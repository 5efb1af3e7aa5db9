"""Unique secrets are sent through every flow; afterwards they are nowhere.

Looked through: every column of every table, the decoded sessions, Redis, the log lines and every
page that was shown.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from common.logs import JsonFormatter, ScrubFilter
from provisioning.models import Job
from tests import factories
from tests.activation_portal.conftest import (
    USER,
    Portal,
    broadworks_user,
)
from tests.provisioning.rig import TOKEN, Rig, make_rig
from tests.simulator_process import SimulatorProcess

PASSWORD = "Canary-Broadworks-8f3a61"
WRONG = "Canary-Mistyped-77d0c2"
NEW_TOKEN = "canary-token-5b1e9d40aa17"

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Trail:
    """What was shown and logged."""

    pages: list[tuple[str, bytes]] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)


class Recorder(logging.Handler):
    """Keeps every line as it would be printed."""

    def __init__(self, stream: io.StringIO) -> None:
        super().__init__(logging.DEBUG)
        self.stream = stream
        self.setFormatter(JsonFormatter())
        self.addFilter(ScrubFilter())

    def emit(self, record: logging.LogRecord) -> None:
        self.stream.write(self.format(record) + "\n")


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    kept = Trail()
    request = Client.request

    def recording(self: Client, **asked: Any) -> Any:
        answer = request(self, **asked)
        head = "".join(f"{name}: {value}\n" for name, value in answer.items())
        cookies = answer.cookies.output()
        kept.pages.append((asked["PATH_INFO"], f"{head}{cookies}".encode() + answer.content))
        return answer

    monkeypatch.setattr(Client, "request", recording)
    handler = Recorder(kept.log)
    # At the level of a production start: below it Django itself logs what templates were given.
    logging.getLogger().addHandler(handler)
    yield kept
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def rig(simulator_process: SimulatorProcess, settings: Any) -> Rig:
    settings.TIME_SCALE = 0.02
    settings.PORTAL_WRONG_PASSWORDS = 9  # a backend in trouble counts as a wrong try
    settings.EMAIL_BACKEND = "provisioning.activation.dev_mailbox.MailboxBackend"
    rig = make_rig(simulator_process)
    rig.load(broadworks_users=[broadworks_user(password=PASSWORD)])
    rig.sync()
    return rig


@pytest.fixture
def portal(rig: Rig) -> Portal:
    browser = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    return Portal(rig, browser)


def rows_with(*secrets: str) -> list[str]:
    """Tables that hold one of the texts in any column."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for secret in secrets:
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE position(%s in t::text) > 0', [secret]
                )
                if cursor.fetchone()[0]:
                    found.append(f"{table}: {secret}")
    return found


def redis_texts() -> bytes:
    """Everything in Redis."""
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    found = b""
    for key in client.scan_iter():
        kind = client.type(key)
        if kind == b"list":
            found += key + b"".join(client.lrange(key, 0, -1))
        elif kind == b"hash":
            found += key + b"".join(client.hgetall(key).values())
        elif kind == b"string":
            found += key + (client.get(key) or b"")
    return found


def leaks(trail: Trail, *secrets: str, tables_but: str = "", pages_but: str = "") -> list[str]:
    """Where the secrets are. Pages and tables whose name holds the last words do not count."""
    found = [
        f"table {row}"
        for row in rows_with(*secrets)
        if not tables_but or not row.startswith(tables_but)
    ]
    sessions = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    texts = {"sessions": sessions, "Redis": redis_texts().decode(errors="replace")}
    texts["log"] = trail.log.getvalue()
    found += [f"{name}: {s}" for name, text in texts.items() for s in secrets if s in text]
    found += [
        f"page {path}: {secret}"
        for path, content in trail.pages
        for secret in secrets
        if secret.encode() in content and not (pages_but and pages_but in path)
    ]
    return found


def test_a_broadworks_password_is_nowhere(rig: Rig, portal: Portal, trail: Trail) -> None:
    portal.get()
    portal.sign_in(password=WRONG)
    portal.sign_in(user_id="nobody@nordictel.example", password=WRONG)
    portal.post(user_id="", password=PASSWORD)
    rig.simulator.fault(operation="login", status=500, times=1)
    portal.sign_in(password=PASSWORD)
    portal.sign_in(password=PASSWORD)
    assert portal.run().broadworks_id == USER
    portal.give_address()
    portal.send_mails()
    portal.post(f"confirm/{portal.mailed_token()}/")
    rig.drive(Job.objects.get())

    assert trail.log.getvalue()
    assert leaks(trail, PASSWORD, WRONG) == []


def test_a_password_is_not_in_the_trace_of_a_bug(
    rig: Rig, portal: Portal, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("provisioning.activation.services.sign_in", broken)

    answer = portal.sign_in(password=PASSWORD)

    assert answer.status_code == 500
    assert "RuntimeError" in trail.log.getvalue()
    assert leaks(trail, PASSWORD) == []


def test_a_mail_token_and_code_are_only_in_the_mail(rig: Rig, portal: Portal, trail: Trail) -> None:
    """`/dev/mailbox/`, where the demo's mails are kept, is the mail."""
    portal.sign_in(password=PASSWORD)
    portal.give_address()
    portal.send_mails()
    token, code = portal.mailed_token(), portal.mailed_code()
    portal.get(f"confirm/{token}/")
    portal.post("code/", code="000 000", run=portal.run().uuid)
    portal.post(f"confirm/{token}/")
    portal.get(f"confirm/{token}/")
    rig.drive(Job.objects.get())
    administrator = Client()
    administrator.force_login(rig.administrator)
    row = rig.row(USER)
    for path in (f"/users/{row.uuid}/", "/users/", "/jobs/", f"/templates/{rig.template.uuid}/"):
        administrator.get(path)

    secrets = [token, code, code.replace(" ", "")]
    mailbox = "provisioning_mailboxmessage"
    assert leaks(trail, *secrets, tables_but=mailbox, pages_but="/confirm/") == []


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (
            "activation_portal.confirm_views.confirmation.run_of_token",
            "{portal}confirm/{token}/",
        ),
        (
            "allauth.account.views.PasswordResetFromKeyView.dispatch",
            "/password/reset/key/1-{token}/",
        ),
    ],
)
def test_a_bug_behind_a_mailed_link_does_not_log_the_link(
    rig: Rig, portal: Portal, trail: Trail, monkeypatch: Any, broken: str, path: str
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(broken, fail)

    answer = portal.browser.get(path.format(portal=portal.url(), token=NEW_TOKEN))

    assert answer.status_code == 500
    assert "RuntimeError" in trail.log.getvalue()
    assert NEW_TOKEN not in trail.log.getvalue()


def test_a_backend_token_is_nowhere_in_clear(rig: Rig, trail: Trail) -> None:
    rig.simulator.load(
        {
            "accounts": [{"token": NEW_TOKEN, "name": "Nordictel"}],
            "provisioning_ids": [{"id": rig.template.provisioning_id, "account": "Nordictel"}],
        }
    )
    operations = Client(headers={"accept-language": "en"})
    operations.force_login(factories.make_user(None))
    path = f"/admin/accounts/backendconnection/{rig.connection.pk}/change/"
    row = rig.connection
    form = {
        "partner": row.partner_id,
        "api_base_url": row.api_base_url,
        "xsi_base_url": row.xsi_base_url,
        "password_encoding": "utf-8",
        "retry_by": "post",
        "requests_per_minute": 300,
        "max_in_flight": 4,
        "token": NEW_TOKEN,
    }

    operations.post(path, form | {"retry_by": "nonsense"})
    saved = operations.post(path, form)
    rig.connection.refresh_from_db()
    rig.sync()
    rig.simulator.fault(operation="list", status=500, times=1)
    administrator = Client()
    administrator.force_login(rig.administrator)
    administrator.post(f"/templates/{rig.template.uuid}/check/")
    for page in (path, "/admin/accounts/auditevent/", "/admin/accounts/backendconnection/"):
        operations.get(page)
    for page in ("/", "/settings/", "/templates/", f"/templates/{rig.template.uuid}/"):
        administrator.get(page)

    assert saved.status_code == 302
    assert rig.connection.token == NEW_TOKEN
    assert leaks(trail, NEW_TOKEN, TOKEN) == []


def test_a_password_of_an_administrator_is_nowhere(trail: Trail, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    person = factories.make_user(factories.make_partner())
    person.set_password(PASSWORD)
    person.save()
    browser = Client()
    browser.post("/login/", {"login": person.email, "password": WRONG})
    browser.post("/login/", {"login": PASSWORD, "password": person.email})
    browser.post("/login/", {"login": person.email, "password": PASSWORD})
    browser.post(
        "/password/change/", {"oldpassword": WRONG, "password1": PASSWORD, "password2": PASSWORD}
    )

    assert leaks(trail, WRONG) == []
    # Typed into the field of the address, it is shown there again, and nowhere else.
    assert leaks(trail, PASSWORD, pages_but="/login/") == []


def test_the_search_finds_what_is_there(trail: Trail) -> None:
    """A canary test that can't find its canary proves nothing."""
    factories.make_partner(f"Partner {PASSWORD}")
    logging.getLogger("provisioning").info("said %s", WRONG)
    browser = Client()
    session = browser.session
    session["kept"] = NEW_TOKEN
    session.save()
    browser.get("/login/", {"next": f"/{PASSWORD}"})

    found = leaks(trail, PASSWORD, WRONG, NEW_TOKEN)

    assert f"table accounts_partner: {PASSWORD}" in found
    assert f"log: {WRONG}" in found
    assert f"sessions: {NEW_TOKEN}" in found
    assert f"page /login/: {PASSWORD}" in found
