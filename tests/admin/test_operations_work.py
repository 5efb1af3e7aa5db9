"""What operations do besides changing rows: the board, asking Webex, exporting any partner."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, BackendConnection, Health
from partnerhub import admin_dashboard
from provisioning.admin import user_search
from provisioning.backend import client as backend_client
from provisioning.exports import files as export_files
from provisioning.models import Export, Heartbeat, Subscriber
from provisioning.states import ExportState, JobState, Status
from provisioning.sync import check_now
from tests import factories
from webex.errors import NotFound, WebexError
from webex.payloads import RemoteSubscriber

USERS = reverse("admin:provisioning_subscriber_changelist")


@pytest.fixture(autouse=True)
def _folder(tmp_path, settings):
    settings.EXPORTS_DIR = tmp_path / "exports"


# ---- The board ----


def bad_signs() -> set[str]:
    return {sign.what for sign in admin_dashboard.signs(timezone.now()) if sign.is_bad}


@pytest.fixture
def all_is_well(partner):
    for name in ("worker", "beat"):
        Heartbeat.objects.create(name=name, at=timezone.now())


def test_all_is_well(all_is_well):
    assert bad_signs() == set()


def test_a_silent_worker_is_a_bad_sign(all_is_well):
    Heartbeat.objects.filter(name="worker").update(at=timezone.now() - timedelta(minutes=5))

    assert bad_signs() == {"Worker"}


@pytest.mark.parametrize(
    "trouble",
    [
        {"health": Health.HELD},
        {"health": Health.DEGRADED},
        {"not_before": timezone.now() + timedelta(days=1)},
        {"synced_at": timezone.now() - timedelta(hours=1)},
        {"synced_at": None},
    ],
    ids=["held", "degraded", "told to wait for a day", "synced an hour ago", "never synced"],
)
def test_a_troubled_connection_is_a_bad_sign(all_is_well, trouble):
    BackendConnection.objects.update(**trouble)

    assert bad_signs() == {"Webex of Nordictel"}


def test_a_job_that_nobody_takes_is_a_bad_sign(all_is_well, template):
    long_ago = timezone.now() - timedelta(minutes=10)
    factories.make_job(factories.make_subscriber(template), JobState.QUEUED, now=long_ago)

    assert bad_signs() == {"Unfinished jobs"}


def test_a_failed_export_is_a_bad_sign_and_a_failed_job_is_not(all_is_well, anna, template):
    now = timezone.now()
    row = factories.make_subscriber(template)
    factories.make_job(row, JobState.FAILED, finished_at=now)
    Export.objects.create(
        partner=anna.partner, owner=anna, state=ExportState.FAILED, expires_at=now
    )

    assert bad_signs() == {"Exports failed in 24 hours"}


def test_every_sign_leads_somewhere(browser, all_is_well, template):
    for sign in admin_dashboard.signs(timezone.now()):
        assert browser.get(sign.address).status_code == 200, sign
    html = browser.get(reverse("admin:index")).content.decode()
    assert html.count("Right now") == 1
    assert html.count("css/admin.css") == 1


# ---- Asking Webex ----


class Webex:
    """Answers one question, as the real client does."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def get_subscriber(self, webex_id):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def user(template) -> Subscriber:
    return factories.make_subscriber(template, Status.ERROR, error_code="200039")


def ask(browser, user, answer, monkeypatch) -> str:
    monkeypatch.setattr(check_now, "client_for", lambda connection: Webex(answer))
    name = "admin:provisioning_subscriber_do"
    page = browser.post(reverse(name, args=[user.pk, "ask"]), follow=True)
    user.refresh_from_db()
    return page.content.decode()


def remote(user, **changes) -> RemoteSubscriber:
    values = {
        "id": user.webex_id,
        "person_id": "",
        "user_id": user.broadworks_id,
        "sp_enterprise_id": user.enterprise_id,
        "provisioning_id": user.template.provisioning_id,
        "status": "provisioned",
    }
    known = set(RemoteSubscriber.__dataclass_fields__)
    return RemoteSubscriber(**{k: v for k, v in (values | changes).items() if k in known})


def test_what_webex_answers_is_on_the_row(browser, user, monkeypatch):
    html = ask(browser, user, remote(user), monkeypatch)

    assert "Webex was asked" in html
    assert user.status == Status.PROVISIONED
    assert AuditEvent.objects.get().action == "subscriber.ask"


def test_a_user_that_webex_no_longer_has_is_marked_deleted(browser, user, monkeypatch):
    ask(browser, user, NotFound("404"), monkeypatch)

    assert (user.deleted_by, user.deleted_here) == ("Webex", False)


def test_no_answer_changes_nothing_and_is_said(browser, user, monkeypatch):
    html = ask(browser, user, WebexError("no answer"), monkeypatch)

    assert "no usable answer" in html
    assert user.status == Status.ERROR


def test_a_closed_gate_is_respected(browser, user, monkeypatch):
    BackendConnection.objects.update(not_before=timezone.now() + timedelta(minutes=5))

    html = ask(browser, user, AssertionError("asked all the same"), monkeypatch)

    assert "gate of the connection is closed" in html


def test_the_client_is_the_one_of_the_connection():
    assert check_now.client_for is backend_client.client_for


# ---- Exporting ----


def export(browser, *users) -> object:
    chosen = {"action": "export_chosen", "_selected_action": [user.pk for user in users]}
    return browser.post(USERS, chosen)


def test_operations_export_users_of_any_partner(browser, ops, user, carla):
    other = factories.make_subscriber(factories.make_template(carla.partner), first_name="=1+1")

    answer = export(browser, user, other)

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["BroadWorks ID"] for row in rows} == {user.broadworks_id, other.broadworks_id}
    assert "'=1+1" in {row["First name"] for row in rows}
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.after["rows"]) == ("subscriber.export", ops, 2)


def test_a_full_disk_is_said(browser, user, monkeypatch):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_files, "temporary", full)

    answer = export(browser, user)

    assert answer.status_code == 302
    assert "disk full" in browser.get(USERS).content.decode()


# ---- Secrets ----


@pytest.mark.parametrize(
    "lookup",
    [
        "accounts/user/?password__startswith=argon2",
        "accounts/backendconnection/?token_sealed__contains=a",
        "provisioning/activation/?token_hash__startswith=a",
        "provisioning/mail/?activation__code_hash__startswith=a",
    ],
)
def test_an_address_cannot_ask_for_a_secret_letter_by_letter(browser, anna, lookup):
    assert browser.get(f"/admin/{lookup}").status_code == 400


@pytest.mark.parametrize("by", ["uuid", "broadworks_id", "webex_id"])
def test_a_user_is_found_by(browser, template, by):
    sought, other = factories.make_subscriber(template), factories.make_subscriber(template)

    html = browser.get(USERS, {"q": str(getattr(sought, by))}).content.decode()

    assert sought.broadworks_id in html
    assert other.broadworks_id not in html


@pytest.mark.parametrize(
    ("term", "found"),
    [("åse", True), ("ASE HOL", True), ("33 12 99", True), ("x" * 5000, False), ("\0", True)],
)
@pytest.mark.parametrize("way", ["by the index", "by reading"])
def test_a_user_is_found_as_on_user_status(browser, template, monkeypatch, way, term, found):
    monkeypatch.setattr(user_search, "RARE", 2 if way == "by the index" else 0)
    words = {"first_name": "Åse", "last_name": "Holm", "primary_phone": "+4533129999"}
    sought = factories.make_subscriber(template, **words)

    html = browser.get(USERS, {"q": term}).content.decode()

    assert (sought.broadworks_id in html) is found


def test_a_deleted_user_is_found_by_the_whole_id(browser, template):
    gone = factories.make_subscriber(template, deleted_at=timezone.now())
    other = factories.make_subscriber(template, deleted_at=timezone.now())

    asked = {"q": gone.broadworks_id.upper(), "deleted": "yes"}
    html = browser.get(USERS, asked).content.decode()

    assert gone.broadworks_id in html
    assert other.broadworks_id not in html


def test_filters_offer_what_users_have(browser, template):
    failed = factories.make_subscriber(template, Status.ERROR, error_code="200042")
    other = factories.make_subscriber(template, Status.PROVISIONED, package="basic")

    html = browser.get(USERS, {"error_key__exact": "200042"}).content.decode()

    assert failed.broadworks_id in html
    assert other.broadworks_id not in html
    for offered in ("?status__exact=error", "status__exact=provisioned", "package__exact=basic"):
        assert offered.lstrip("?") in html
    assert "status__exact=updating" not in html
