from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from provisioning.models import Job, Subscriber
from provisioning.states import JobKind, JobState, Status
from tests.factories import make_job, make_subscriber, move_job
from tests.userstatus.pages import words
from userstatus.actions import registry
from userstatus.actions.registry import ACTIONS, COPY, DELETE, PACKAGE, RETRY

HTMX = {"HX-Request": "true"}
DIALOGS = [action for action in ACTIONS if action.form]
#: What each dialog sends when nothing is changed but what must be.
ORDERS = {"retry": {"email": "new@firma.example"}, "package": {"package": "premium"}, "delete": {}}
ALLOWED = {
    Status.WAITING_ADDRESS: {RETRY, PACKAGE, DELETE},
    Status.WAITING_CONFIRMATION: {RETRY, PACKAGE, DELETE},
    Status.WAITING_CONSENT: {RETRY, PACKAGE, DELETE},
    Status.ERROR: {RETRY, PACKAGE, DELETE},
    Status.PROVISIONED: {PACKAGE, DELETE},
    Status.PROVISIONING: set(),
    Status.UPDATING: set(),
    "a_status_of_tomorrow": set(),
}


def path(action, subscriber) -> str:
    return reverse(f"userstatus:{action.name}", args=[subscriber.uuid])


@pytest.fixture
def failing(template):
    return make_subscriber(
        template,
        Status.ERROR,
        broadworks_id="freja@x.example",
        error_code="200042",
        error_text="Failed validating email",
        error_tracking_id="NA_77",
    )


@pytest.fixture
def browser(client_of, anna):
    return client_of(anna)


# ---- The list of actions ----


def test_the_dangerous_action_is_last():
    assert [action.is_danger for action in ACTIONS] == [False, False, False, True]


@pytest.mark.parametrize("status", ALLOWED)
def test_the_menu_offers_what_the_status_allows(browser, template, status):
    subscriber = make_subscriber(template, status)

    menu = words(browser.get(reverse("userstatus:user_menu", args=[subscriber.uuid]), headers=HTMX))

    offered = {action for action in ACTIONS if str(action.label) in menu}
    assert offered == ALLOWED[status]


def test_the_menu_of_an_error_can_copy_it(browser, failing):
    menu = browser.get(reverse("userstatus:user_menu", args=[failing.uuid]), headers=HTMX)

    copied = re.search(r'data-copy="([^"]*)"', menu.content.decode())
    assert copied
    assert copied[1] == registry.error_report(failing)


def test_an_unfinished_job_leaves_only_copying_and_says_why(browser, failing):
    make_job(failing, JobState.SENDING)

    menu = words(browser.get(reverse("userstatus:user_menu", args=[failing.uuid]), headers=HTMX))

    assert "Copy error text" in menu
    assert "has not ended yet" in menu
    assert not any(str(action.label) in menu for action in DIALOGS)


def test_who_may_only_look_may_copy_and_is_told_why_not_more(client_of, rie, failing):
    page = client_of(rie).get(reverse("userstatus:user_menu", args=[failing.uuid]), headers=HTMX)

    menu = words(page)
    assert "Copy error text" in menu
    assert "Your role is read-only" in menu
    assert not any(str(action.label) in menu for action in DIALOGS)


def test_the_menus_address_is_the_users_page_without_script(browser, failing):
    page = browser.get(reverse("userstatus:user_menu", args=[failing.uuid]))

    assert page.headers["Location"] == failing.get_absolute_url()


def test_the_error_report_is_one_thing_a_line_in_english(failing):
    failing.error_at = datetime(2026, 11, 24, 11, 2, 11, tzinfo=UTC)

    assert registry.error_report(failing).splitlines() == [
        "Failed validating email",
        "Code: 200042",
        "Tracking ID: NA_77",
        "Time: 2026-11-24T11:02:11Z",
    ]


def test_an_error_report_leaves_out_what_nobody_knows(template):
    failing = make_subscriber(template, Status.ERROR, error_text="no code came with it")

    assert registry.error_report(failing) == "no code came with it"


# ---- Who may ----


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
@pytest.mark.parametrize("method", ["get", "post"])
def test_read_only_is_refused_in_words(client_of, rie, failing, action, method):
    answer = getattr(client_of(rie), method)(path(action, failing), ORDERS[action.name])

    assert answer.status_code == 403
    assert "Read-only" in words(answer)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("name", "method"),
    [(action.name, method) for action in DIALOGS for method in ("get", "post")]
    + [("user_menu", "get")],
)
def test_a_strangers_user_is_missing(client_of, carla, failing, name, method):
    ask = getattr(client_of(carla), method)
    order = ORDERS.get(name, {})

    theirs = ask(reverse(f"userstatus:{name}", args=[failing.uuid]), order)
    missing = ask(reverse(f"userstatus:{name}", args=[uuid.uuid4()]), order)

    assert theirs.status_code == missing.status_code == 404
    assert not Job.objects.exists()


# ---- The dialogs ----


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
def test_reading_a_dialog_changes_nothing(browser, failing, action):
    before = Subscriber.objects.values().get(pk=failing.pk)

    page, dialog = (
        browser.get(path(action, failing)),
        browser.get(path(action, failing), headers=HTMX),
    )

    assert page.status_code == dialog.status_code == 200
    assert "<html" in page.content.decode()
    assert "<html" not in dialog.content.decode()
    assert not Job.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="subscriber.").exists()
    assert Subscriber.objects.values().get(pk=failing.pk) == before


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
def test_an_accepted_action_is_one_job_and_one_audit_row(browser, failing, anna, action):
    answer = browser.post(path(action, failing), ORDERS[action.name], headers=HTMX)

    job = Job.objects.get()
    assert (job.kind, job.subscriber, job.requested_by) == (action.kind, failing, anna)
    assert AuditEvent.objects.get(action=f"subscriber.{action.kind}").actor == anna
    assert answer.status_code == 204
    events = json.loads(answer.headers["HX-Trigger"])
    assert set(events) == {"close-dialog", "toast", "user-changed"}
    assert ("Deleting" if action is DELETE else "Queued") in events["toast"]["text"]
    assert ("undo_url" in events["toast"]) is (action is DELETE)


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
def test_without_script_one_comes_back_to_the_list_one_came_from(browser, failing, action):
    came_from = reverse("userstatus:users", args=[failing.template.uuid]) + "?status=error&q=f"
    form = browser.get(path(action, failing), headers={"Referer": f"http://testserver{came_from}"})
    fields = dict(re.findall(r'name="(submission_id|next)" value="([^"]*)"', form.content.decode()))
    fields["next"] = fields["next"].replace("&amp;", "&")

    answer = browser.post(path(action, failing), ORDERS[action.name] | fields, follow=True)

    assert answer.redirect_chain == [(came_from, 302)]
    assert "Queued" in words(answer)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", "x", ""],
)
def test_nobody_is_sent_elsewhere(browser, failing, elsewhere):
    answer = browser.post(path(DELETE, failing), {"next": elsewhere})

    assert answer.headers["Location"] == reverse("userstatus:users", args=[failing.template.uuid])


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
def test_sending_a_form_twice_makes_one_job(browser, failing, action):
    order = ORDERS[action.name] | {"submission_id": str(uuid.uuid4())}

    answers = [browser.post(path(action, failing), order, headers=HTMX) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert Job.objects.count() == 1


def test_a_form_that_is_sent_again_later_says_that_nothing_was_sent(browser, failing):
    order = {"submission_id": str(uuid.uuid4())}
    browser.post(path(DELETE, failing), order)
    move_job(Job.objects.get(), JobState.DONE)

    answer = browser.post(path(DELETE, failing), order, headers=HTMX)

    assert "Nothing was sent again" in json.loads(answer.headers["HX-Trigger"])["toast"]["text"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
@pytest.mark.parametrize("odd", ["\0", "x" * 10_000, "not-a-uuid"])
def test_odd_input_is_refused_beside_the_field(browser, failing, action, odd):
    order = dict.fromkeys([*ORDERS[action.name], "submission_id"], odd)

    assert browser.post(path(action, failing), order, headers=HTMX).status_code == 422
    assert not Job.objects.exists()


# ---- Retry ----


def test_a_retry_starts_with_the_present_address_and_its_error(browser, failing):
    dialog = browser.get(path(RETRY, failing), headers=HTMX)

    assert f'value="{failing.email}"' in dialog.content.decode()
    assert "Address already linked to another user ID" in words(dialog)
    assert "200042" in words(dialog)


@pytest.mark.parametrize("email", ["", "   ", "nobody", "a@b", "a b@c.example", "a@b@c.example"])
def test_an_address_that_cannot_be_is_refused_and_kept(browser, failing, email):
    dialog = browser.post(path(RETRY, failing), {"email": email}, headers=HTMX)

    assert dialog.status_code == 422
    text = dialog.content.decode()
    assert 'aria-invalid="true"' in text
    assert 'id="id_email_error"' in text
    assert not email.strip() or f'value="{email}"' in text


def test_who_comes_first_is_named_and_the_tick_lets_another_pass(browser, template):
    template.provision_admin_first = True
    template.save()
    make_subscriber(template, Status.WAITING_ADDRESS, first_name="Bente", last_name="Holm")
    second = make_subscriber(template, Status.ERROR)
    order = {"email": "new@firma.example"}

    dialog = browser.get(path(RETRY, second), headers=HTMX)
    refused = browser.post(path(RETRY, second), order, headers=HTMX)
    accepted = browser.post(path(RETRY, second), order | {"make_administrator": "on"}, headers=HTMX)

    assert "Bente Holm" in words(dialog)
    assert "Make this user the customer's administrator" in words(dialog)
    assert refused.status_code == 422
    assert 'id="id_make_administrator_error"' in refused.content.decode()
    assert 'value="new@firma.example"' in refused.content.decode()
    assert accepted.status_code == 204


def test_the_first_in_line_is_not_asked(browser, template):
    template.provision_admin_first = True
    template.save()
    first = make_subscriber(template, Status.ERROR)

    assert "administrator" not in words(browser.get(path(RETRY, first), headers=HTMX))


# ---- Package and delete ----


def test_the_package_dialog_marks_what_the_user_has(browser, failing):
    dialog = browser.get(path(PACKAGE, failing), headers=HTMX)

    assert re.search(r"Standard Has it now", words(dialog))


def test_the_same_package_is_refused_beside_the_field(browser, failing):
    dialog = browser.post(path(PACKAGE, failing), {"package": "standard"}, headers=HTMX)

    assert dialog.status_code == 422
    assert "has this package already" in words(dialog)
    assert 'id="id_package_error"' in dialog.content.decode()


@pytest.mark.parametrize("package", ["", "gold"])
def test_a_package_that_does_not_exist_is_refused(browser, failing, package):
    dialog = browser.post(path(PACKAGE, failing), {"package": package}, headers=HTMX)

    assert dialog.status_code == 422
    assert "Choose one of the packages." in words(dialog)


def test_deleting_says_what_will_happen(browser, failing):
    dialog = words(browser.get(path(DELETE, failing), headers=HTMX))

    assert "Delete Freja Nørgaard?" in dialog
    assert "Webex forgets this user" in dialog
    assert "can start over" in dialog


# ---- A page that is no longer true ----


def _provisioned_meanwhile(subscriber):
    Subscriber.objects.filter(pk=subscriber.pk).update(status=Status.PROVISIONED)


def _webex_at_work(subscriber):
    Subscriber.objects.filter(pk=subscriber.pk).update(status=Status.PROVISIONING)


def _deleted_meanwhile(subscriber):
    Subscriber.objects.filter(pk=subscriber.pk).update(deleted_at=timezone.now())


def _busy_meanwhile(subscriber):
    make_job(subscriber, JobState.WAITING, kind=JobKind.DELETE)


@pytest.mark.parametrize(
    ("happened", "asked", "told"),
    [
        (_provisioned_meanwhile, "“Provisioned”", "“Provisioned”"),
        (_webex_at_work, "Webex is working", "“Provisioning”"),
        (_deleted_meanwhile, "was deleted", "is deleted"),
        (_busy_meanwhile, "has not ended yet", "has not ended yet"),
    ],
)
def test_a_stale_page_is_told_what_is_so_now(browser, failing, happened, asked, told):
    happened(failing)

    dialog = browser.get(path(RETRY, failing), headers=HTMX)
    refused = browser.post(path(RETRY, failing), {"email": "mine@firma.example"}, headers=HTMX)

    assert dialog.status_code == 200
    assert asked in words(dialog)
    assert "Onboard" not in words(dialog)
    assert refused.status_code == 422
    assert told in words(refused)
    assert 'value="mine@firma.example"' in refused.content.decode()


@pytest.mark.parametrize("status", ALLOWED)
@pytest.mark.parametrize("action", DIALOGS, ids=lambda action: action.name)
def test_each_action_in_each_status(browser, template, status, action):
    subscriber = make_subscriber(template, status)

    answer = browser.post(path(action, subscriber), ORDERS[action.name], headers=HTMX)

    assert answer.status_code == (204 if action in ALLOWED[status] else 422)
    assert Job.objects.exists() is (action in ALLOWED[status])


def test_copying_needs_no_dialog():
    assert COPY.form is None
