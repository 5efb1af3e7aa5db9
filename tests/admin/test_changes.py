from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, BackendConnection, Health, Partner, User
from provisioning.exports import services as export_services
from provisioning.lists.filters import NOTHING
from provisioning.models import Job
from provisioning.states import JobState, Status
from templates_app.models import IdCheck, OnboardingTemplate
from tests import factories
from tests.mails import deliver

TOKEN = "Bearer0123456789abcdefSECRET"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def address(model, page="changelist", *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def form_of(browser, page: str) -> dict:
    """The values that the page's form would send as it is."""
    form = browser.get(page).context["adminform"].form
    values = {}
    for bound in form:
        value = bound.value()
        if value in (None, False) or getattr(bound.field.widget, "input_type", "") == "file":
            continue
        values[bound.html_name] = "on" if value is True else value
    return values


def change(browser, row, **changes) -> object:
    page = address(type(row), "change", row.pk)
    values = form_of(browser, page) | changes
    answer = browser.post(page, {k: v for k, v in values.items() if v is not None})
    row.refresh_from_db()
    return answer


def errors(answer) -> str:
    assert answer.status_code == 200, answer
    return str(answer.context["adminform"].form.errors)


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("pk")


# ---- Every change is audited ----


def test_a_change_is_audited_with_what_it_changed(browser, ops, partner):
    change(browser, partner, support_phone="+45 70 10 20 30")

    event = last_event()
    assert (event.action, event.actor, event.partner) == ("partner.change", ops, partner)
    assert (event.before, event.after) == (
        {"support_phone": ""},
        {"support_phone": "+45 70 10 20 30"},
    )


def test_a_save_that_changes_nothing_is_no_event(browser, partner):
    assert change(browser, partner).status_code == 302

    assert not AuditEvent.objects.exists()


def test_a_new_row_is_audited(browser, ops, db):
    browser.post(address(Partner, "add"), {"name": "Lusofone", "accent": "moss"})

    event = last_event()
    assert (event.action, event.actor) == ("partner.create", ops)
    assert event.after["accent"] == "moss"
    assert event.partner == Partner.objects.get(name="Lusofone")


def test_a_deletion_is_audited(browser, db):
    partner = Partner.objects.create(name="Lusofone")

    browser.post(address(Partner, "delete", partner.pk), {"post": "yes"})

    assert not Partner.objects.filter(pk=partner.pk).exists()
    assert (last_event().action, last_event().object_label) == ("partner.delete", "Lusofone")


def test_an_audit_row_that_cannot_be_written_undoes_the_change(browser, partner, monkeypatch):
    monkeypatch.setattr("accounts.audit.record", broken)

    with pytest.raises(RuntimeError):
        change(browser, partner, name="Other")

    partner.refresh_from_db()
    assert partner.name == "Nordictel"


def broken(*args, **kwargs):
    raise RuntimeError("the log is full")


@pytest.mark.parametrize("what", ["partner", "template", "anna"])
def test_what_others_depend_on_is_not_deleted_and_says_so(request, browser, anna, template, what):
    factories.make_job(factories.make_subscriber(template))
    export_services.start(
        actor=factories.actor_of(anna), template=template, chosen=NOTHING, now=timezone.now()
    )
    row = request.getfixturevalue(what)

    asked = browser.get(address(type(row), "delete", row.pk))
    answer = browser.post(address(type(row), "delete", row.pk), {"post": "yes"})

    assert asked.status_code == 200
    assert "Cannot delete" in asked.content.decode()
    assert "permission" not in asked.content.decode()
    assert answer.status_code in {200, 403}
    assert type(row).objects.filter(pk=row.pk).exists()


# ---- Partners ----


def upload(content: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"x" * 50, "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_a_logo_is_known_by_its_first_bytes(browser, partner, content, media_type):
    change(browser, partner, logo_file=upload(content, "anything.txt"))

    assert (bytes(partner.logo), partner.logo_type) == (content, media_type)
    assert last_event().after == {
        "logo_type": media_type,
        "logo": f"{len(content)} bytes",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg onload=alert(1)>", "not a PNG"),
        (b"GIF89a....", "not a PNG"),
        (b"RIFF1234AVI ", "not a PNG"),
        (PNG + b"x" * 64 * 1024, "larger than 64 kB"),
    ],
)
def test_anything_else_is_no_logo(browser, partner, content, words):
    answer = change(browser, partner, logo_file=upload(content))

    assert words in errors(answer)
    assert partner.logo is None


def test_a_logo_is_shown_and_can_be_removed(browser, partner):
    change(browser, partner, logo_file=upload(PNG))
    html = browser.get(address(Partner, "change", partner.pk)).content.decode()

    change(browser, partner, remove_logo="on")

    assert "data:image/png;base64,iVBORw0KGgp4" in html
    assert (partner.logo, partner.logo_type) == (None, "")


# ---- People ----


@pytest.fixture
def person_form(partner) -> dict:
    return {
        "email": " Eva@Nordictel.Example ",
        "name": "Eva Dam",
        "partner": partner.pk,
        "role": "read_only",
        "language": "",
        "is_active": "on",
    }


@pytest.mark.django_db(transaction=True)
def test_a_new_person_gets_a_mail_with_a_link_and_no_password(browser, person_form):
    answer = browser.post(address(User, "add"), person_form)

    person = User.objects.get(email="eva@nordictel.example")
    assert answer.status_code == 302
    assert not person.has_usable_password()
    [message] = deliver()
    assert message.to == ["eva@nordictel.example"]
    assert "/password/reset/key/" in message.body
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["user.create", "person.send_link"]


def test_the_link_is_sent_again_by_a_button(browser, anna):
    browser.post(address(User, "do", anna.pk, "send-link"))

    assert deliver()[0].to == [anna.email]
    assert last_event().action == "person.send_link"


def test_no_link_goes_to_a_closed_account(browser, anna):
    User.objects.filter(pk=anna.pk).update(is_active=False)

    answer = browser.post(address(User, "do", anna.pk, "send-link"), follow=True)

    assert "This account is closed" in answer.content.decode()
    assert deliver() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role": ""}, "Choose what the person may do"),
        ({"partner": ""}, "Choose the partner"),
        ({"is_staff": "on"}, "Operations people belong to no partner"),
        ({"email": "ANNA@nordictel.example"}, "already"),
        ({"email": "not an address"}, "one @"),
    ],
)
def test_a_person_who_cannot_be_is_refused_with_words(browser, anna, person_form, changes, words):
    answer = browser.post(address(User, "add"), person_form | changes)

    assert words in errors(answer)
    assert User.objects.count() == 2


def test_nobody_locks_himself_out(browser, ops):
    answer = change(browser, ops, is_active=None)

    assert "your own access" in errors(answer)
    assert ops.is_active


def test_a_password_is_neither_shown_nor_kept_in_the_log(browser, anna):
    anna.set_password("a very secret word")
    anna.save()

    html = browser.get(address(User, "change", anna.pk)).content.decode()
    change(browser, anna, name="Anna K.")

    assert anna.password not in html
    assert "argon2" not in html
    assert "password" not in last_event().before | last_event().after


# ---- Connections ----


@pytest.fixture
def connection(partner) -> BackendConnection:
    return partner.connection


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_the_token_is_in_no_page(browser, connection, page):
    connection.set_token(TOKEN)
    connection.save()
    args = [connection.pk] if page == "change" else []

    html = browser.get(address(BackendConnection, page, *args)).content.decode()

    assert TOKEN not in html
    assert connection.token_sealed not in html
    assert ("CRET" in html) == (page == "change")


def test_a_new_token_is_sealed_and_leaves_no_trace(browser, connection):
    change(browser, connection, token=f" {TOKEN}\n")

    assert connection.token == TOKEN
    assert TOKEN not in connection.token_sealed
    assert last_event().after == {"token": "new"}
    assert TOKEN not in str(list(AuditEvent.objects.values()))


def test_an_empty_field_keeps_the_token(browser, connection):
    sealed = connection.token_sealed

    change(browser, connection, max_in_flight=7)

    assert connection.token_sealed == sealed
    assert last_event().after == {"max_in_flight": 7}


def test_a_token_that_was_refused_is_not_echoed(browser, connection):
    answer = change(browser, connection, token=TOKEN, max_in_flight=0)

    assert "Enter 1 or more" in errors(answer)
    assert TOKEN not in answer.content.decode()


def test_a_new_token_opens_the_gate_and_forgets_the_old_ones_health(browser, connection):
    until = timezone.now() + timezone.timedelta(minutes=5)
    BackendConnection.objects.update(health=Health.HELD, health_text="refused", not_before=until)
    connection.refresh_from_db()

    change(browser, connection, token=TOKEN)

    assert (connection.health, connection.health_text) == (Health.UNKNOWN, "")
    assert connection.not_before is None


def test_another_backend_has_another_clock(browser, connection):
    BackendConnection.objects.update(watermarks={"prov-1": timezone.now().isoformat()})
    connection.refresh_from_db()

    change(browser, connection, api_base_url="https://webexapis.com/v1/")

    assert connection.api_base_url == "https://webexapis.com/v1"
    assert connection.watermarks == {}


@pytest.mark.parametrize("field", ["api_base_url", "xsi_base_url"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://webexapis.com/v1", "Only https"),
        ("ftp://webexapis.com/v1", "Only https"),
        ("https://10.0.0.1/v1", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("https://[::1]/v1", "private"),
        ("https://localhost/v1", "private"),
        ("https://2130706433/v1", "private"),
        ("https://user:word@webexapis.com/v1", "user name"),
        ("https://webexapis.com/v1?x=1", "after ? or #"),
        ("nonsense", "whole address|Only https"),
    ],
)
def test_an_address_that_we_do_not_call_is_refused(browser, connection, field, url, words):
    answer = change(browser, connection, **{field: url})

    assert any(word in errors(answer) for word in words.split("|"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/v1", "https://xsp.example.net/xsi"])
def test_a_host_that_operations_named_and_a_public_one_are_accepted(browser, connection, url):
    assert change(browser, connection, xsi_base_url=url).status_code == 302


def test_a_named_host_needs_no_dot(browser, connection, settings):
    settings.BACKEND_HOSTS = ["simulator:8001", "127.0.0.1"]

    change(browser, connection, api_base_url="http://simulator:8001/v1")

    assert connection.api_base_url == "http://simulator:8001/v1"


def test_a_new_connection_needs_a_token_and_gets_it_sealed(browser, db):
    partner = Partner.objects.create(name="Lusofone")
    values = {
        "partner": partner.pk,
        "api_base_url": "https://webexapis.com/v1",
        "xsi_base_url": "https://xsp.example.net",
        "password_encoding": "utf-8",
        "retry_by": "post",
        "requests_per_minute": 300,
        "max_in_flight": 4,
    }

    refused = browser.post(address(BackendConnection, "add"), values)
    browser.post(address(BackendConnection, "add"), values | {"token": TOKEN})

    assert "token" in errors(refused)
    assert BackendConnection.objects.get(partner=partner).token == TOKEN


def test_without_a_key_a_token_is_refused_with_words(browser, connection, settings):
    settings.TOKEN_KEYS = []

    assert "TOKEN_KEYS" in errors(change(browser, connection, token=TOKEN))


@pytest.mark.parametrize(
    ("button", "task"),
    [("sync", "provisioning.sync"), ("full-pass", "provisioning.full_pass")],
)
def test_a_button_makes_a_worker_sync(
    browser, connection, hints, button, task, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(address(BackendConnection, "do", connection.pk, button))

    assert hints == [{"task": task, "connection_id": connection.pk}]
    assert last_event().action == f"connection.{button.replace('-', '_')}"


def test_the_gate_is_opened_by_a_button(browser, connection):
    until = timezone.now() + timezone.timedelta(minutes=5)
    BackendConnection.objects.update(not_before=until, gate_reason="429")
    page = address(BackendConnection, "change", connection.pk)
    assert "Open the gate" in browser.get(page).content.decode()

    browser.post(address(BackendConnection, "do", connection.pk, "open-gate"))

    connection.refresh_from_db()
    assert connection.not_before is None
    assert last_event().before["gate_reason"] == "429"
    assert "Open the gate" not in browser.get(page).content.decode()


def test_a_button_opened_by_its_address_does_nothing(browser, connection, hints):
    answer = browser.get(address(BackendConnection, "do", connection.pk, "sync"))

    assert answer.url == address(BackendConnection, "change", connection.pk)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("button", ["sync", "nonsense"])
def test_buttons_are_for_operations_and_by_name(client_of, browser, anna, connection, button):
    page = address(BackendConnection, "do", connection.pk, button)

    assert client_of(anna).post(page, follow=True).status_code == 403
    if button == "nonsense":
        assert browser.post(page).status_code == 404


# ---- Templates ----


def test_a_template_is_changed_and_audited(browser, template):
    change(browser, template, untrusted_emails=None, share_link="")

    assert not template.untrusted_emails
    assert template.share_link == template.activation_link
    assert last_event().action == "onboardingtemplate.change"
    assert last_event().before["untrusted_emails"] is True


def test_the_id_is_fixed_once_users_came_with_it(browser, template):
    factories.make_subscriber(template)
    before = template.provisioning_id

    change(browser, template, provisioning_id="another")

    assert template.provisioning_id == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "smb DENMARK"}, "template with this name"),
        ({"provisioning_id": "taken"}, "Another template has this"),
        ({"share_link": "javascript:alert(1)"}, "valid URL"),
        ({"name": ""}, "required"),
    ],
)
def test_a_template_that_cannot_be_is_refused_with_words(
    browser, partner, template, changes, words
):
    OnboardingTemplate.objects.filter(pk=template.pk).update(provisioning_id="taken")
    other = factories.make_template(partner, "Other", share_link="https://example.net/x")

    assert words in errors(change(browser, other, **changes))


def test_a_new_template_is_asked_for_at_webex(
    browser, partner, monkeypatch, django_capture_on_commit_callbacks
):
    from templates_app import id_check

    monkeypatch.setattr(id_check, "ask", lambda c, i: id_check.IdAnswer(IdCheck.KNOWN))
    values = form_of(browser, address(OnboardingTemplate, "add"))
    values |= {"partner": partner.pk, "name": "New", "provisioning_id": " a b\n"}

    with django_capture_on_commit_callbacks(execute=True):
        browser.post(address(OnboardingTemplate, "add"), values)

    made = OnboardingTemplate.objects.get(name="New")
    assert (made.provisioning_id, made.id_check) == ("ab", IdCheck.KNOWN)


# ---- Jobs ----


@pytest.fixture
def failed(template) -> Job:
    return factories.make_job(factories.make_subscriber(template, Status.ERROR), JobState.FAILED)


@pytest.fixture
def queued(template) -> Job:
    return factories.make_job(factories.make_subscriber(template), JobState.QUEUED)


def test_a_failed_job_is_retried_as_a_new_one(browser, ops, failed):
    browser.post(address(Job, "do", failed.pk, "retry"))

    again = Job.objects.latest("pk")
    assert (again.state, again.requested_by, again.subscriber) == (
        JobState.QUEUED,
        ops,
        failed.subscriber,
    )
    assert (last_event().action, last_event().actor) == ("job.retry", ops)


def test_a_queued_job_is_cancelled(browser, queued):
    browser.post(address(Job, "do", queued.pk, "cancel"))

    queued.refresh_from_db()
    assert queued.state == JobState.CANCELLED
    assert last_event().action == "job.cancel"


def test_a_job_that_was_sent_cannot_be_cancelled_and_says_so(browser, queued):
    factories.move_job(queued, JobState.SENDING)

    html = browser.get(address(Job, "change", queued.pk)).content.decode()
    answer = browser.post(address(Job, "do", queued.pk, "cancel"), follow=True)

    assert "Cancel the job" not in html
    assert "too late" in answer.content.decode()


def test_several_jobs_at_once_each_by_the_rule_for_one(browser, failed, queued):
    answer = browser.post(
        address(Job),
        {"action": "retry_chosen", "_selected_action": [failed.pk, queued.pk]},
        follow=True,
    )

    html = answer.content.decode()
    assert "Done with 1 jobs" in html
    assert "Only a failed or cancelled job" in html
    assert Job.objects.count() == 3


def test_jobs_are_cancelled_together(browser, queued):
    browser.post(address(Job), {"action": "cancel_chosen", "_selected_action": [queued.pk]})

    queued.refresh_from_db()
    assert queued.state == JobState.CANCELLED


def test_a_job_that_the_status_no_longer_allows_is_refused_with_the_reason(browser, failed):
    failed.subscriber.status = Status.PROVISIONED
    failed.subscriber.save()

    answer = browser.post(address(Job, "do", failed.pk, "retry"), follow=True)

    assert "cannot be done while the status is" in answer.content.decode()
    assert Job.objects.count() == 1


def test_what_is_in_use_is_found_without_reading_it_all(
    browser, template, django_assert_max_num_queries
):
    for _ in range(20):
        factories.make_job(factories.make_subscriber(template))

    with django_assert_max_num_queries(16):
        html = browser.get(address(Partner, "delete", template.partner.pk)).content.decode()

    assert "Subscribers" in html
    assert "nordictel.example" not in html
