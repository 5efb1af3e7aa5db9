"""Rights by action: a role that nobody has today, which may retry and nothing else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Actor
from accounts.rights import RIGHTS, Right, may
from provisioning import codes
from provisioning.bulk import services as bulk_services
from provisioning.engine import claiming
from provisioning.jobs import job_services, user_services
from provisioning.kinds import KINDS
from provisioning.models import Job, JobBatch
from provisioning.states import JobKind, JobState, Status
from tests.factories import make_batch, make_deletion, make_job, make_subscriber, make_user
from tests.userstatus.pages import words
from userstatus.actions.registry import ACTIONS, BULK_ACTIONS, DELETE, PACKAGE

HTMX = {"HX-Request": "true"}
FORBIDDEN = [DELETE, PACKAGE]
ORDERS = {"package": {"package": "premium"}, "delete": {}}
forbidden = pytest.mark.parametrize("action", FORBIDDEN, ids=lambda action: action.name)


@pytest.fixture
def rita(partner, monkeypatch):
    """May look and retry."""
    monkeypatch.setitem(RIGHTS, "retrier", frozenset({Right.SEE, Right.RETRY}))
    return make_user(partner, "retrier", "rita@nordictel.example", name="Rita")


@pytest.fixture
def browser(client_of, rita):
    return client_of(rita)


@pytest.fixture
def failing(template):
    return make_subscriber(template, Status.ERROR, error_code="200042")


def as_actor(person):
    return Actor(user=person, label=person.label)


def call(action, row, person):
    """The service of the action, past all pages."""
    given = {"package": {"package": "premium"}}.get(action.name, {})
    return user_services.act(
        action.kind, row, given=given, actor=as_actor(person), now=timezone.now()
    )


def menu_of(browser, row):
    return words(browser.get(reverse("userstatus:user_menu", args=[row.uuid]), headers=HTMX))


def test_every_job_that_people_ask_for_has_an_action_with_its_right():
    kinds = {name: kind for name, kind in KINDS.items() if not kind.is_portal}

    assert {action.kind: action.right for action in ACTIONS if action.kind} == {
        name: kind.right for name, kind in kinds.items()
    }
    assert {action.kind for action in BULK_ACTIONS} == {
        name for name, kind in kinds.items() if kind.is_for_many
    }


def test_one_action_brings_the_right_to_act_and_none_does_not(rita, rie):
    assert may(rita, Right.ACT)
    assert not may(rita, Right.MANAGE)
    assert not may(rie, Right.ACT)


# ---- What is seen ----


def test_the_menu_offers_only_what_the_role_has(browser, failing):
    menu = menu_of(browser, failing)

    assert "Retry activation" in menu
    assert "Delete user" not in menu
    assert "Change package type" not in menu


def test_the_menu_says_why_when_the_status_leaves_nothing_of_the_role(browser, template):
    row = make_subscriber(template, Status.PROVISIONED)

    assert "Your role allows nothing while" in menu_of(browser, row)


def test_the_bar_has_only_what_the_role_has(browser, template, failing):
    page = browser.get(reverse("userstatus:users", args=[template.uuid])).content.decode()

    assert re.findall(r"/users/bulk/(\w+)/", page) == ["retry"]


def test_a_deletion_of_others_has_no_undo_for_the_role(browser, failing, anna):
    make_deletion(failing, seconds=8, requested_by=anna, requested_label="Anna Kofoed")

    page = browser.get(failing.get_absolute_url()).content.decode()

    assert "Deleting in" in page
    assert "/undo/" not in page


# ---- What can be done ----


def test_the_role_retries(browser, rita, failing):
    url = reverse("userstatus:retry", args=[failing.uuid])

    browser.post(url, {"email": "new@firma.example"})

    assert Job.objects.get().requested_by == rita


def test_the_role_retries_many(browser, template, failing, rita):
    url = reverse("userstatus:bulk_retry", args=[template.uuid])
    dialog = browser.post(url, {"all": "on"}).content.decode()
    frozen = re.search(r'name="frozen" value="([^"]*)"', dialog)

    browser.post(url, {"frozen": frozen[1]})

    assert JobBatch.objects.get().requested_by == rita


@forbidden
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_dialogs_of_other_actions_are_refused(browser, failing, template, action, method):
    for url in (
        reverse(f"userstatus:{action.name}", args=[failing.uuid]),
        reverse(f"userstatus:bulk_{action.name}", args=[template.uuid]),
    ):
        answer = getattr(browser, method)(url, ORDERS[action.name])

        assert answer.status_code == 403
    assert not Job.objects.exists()


@forbidden
def test_the_services_of_other_actions_are_refused(rita, failing, template, action):
    with pytest.raises(PermissionDenied):
        call(action, failing, rita)
    with pytest.raises(PermissionDenied):
        bulk_services.accept(
            template,
            action.kind,
            [failing.pk],
            params=ORDERS[action.name],
            actor=as_actor(rita),
            now=timezone.now(),
        )


def test_a_delete_is_neither_undone_nor_repeated_nor_cancelled(browser, failing, anna, rita):
    deletion = make_deletion(failing, seconds=8, requested_by=anna)
    for name in ("job_undo", "job_retry", "job_cancel"):
        answer = browser.post(reverse(f"userstatus:{name}", args=[deletion.uuid]))

        assert answer.status_code == 403
    deletion.refresh_from_db()
    assert deletion.state == JobState.QUEUED


def test_own_deletes_of_before_are_not_repeated(rita, failing):
    job = make_job(failing, JobState.FAILED, kind=JobKind.DELETE, requested_by=rita)

    with pytest.raises(PermissionDenied):
        job_services.retry_job(job, actor=as_actor(rita), now=timezone.now())


def test_who_manages_without_the_right_cancels_anothers_delete_but_repeats_none(
    rita, failing, anna, monkeypatch
):
    monkeypatch.setitem(RIGHTS, "retrier", frozenset({Right.SEE, Right.RETRY, Right.MANAGE}))
    job = make_job(failing, JobState.QUEUED, kind=JobKind.DELETE, requested_by=anna)

    job_services.cancel_job(job, actor=as_actor(rita), now=timezone.now())

    assert job.state == JobState.CANCELLED
    with pytest.raises(PermissionDenied):
        job_services.retry_job(job, actor=as_actor(rita), now=timezone.now())


def test_a_batch_of_deletes_is_not_taken_back_by_the_role(browser, template, anna):
    batch = make_batch(
        template,
        kind=JobKind.DELETE,
        requested_by=anna,
        undo_until=timezone.now() + timedelta(minutes=1),
    )

    answer = browser.post(reverse("userstatus:job_undo", args=[batch.uuid]))

    assert answer.status_code == 403


@pytest.mark.parametrize(("kind", "goes"), [(JobKind.RETRY, True), (JobKind.DELETE, False)])
def test_who_lost_the_right_has_no_job_sent(rita, failing, kind, goes):
    params = {"email": "a@b.example", "first_name": "", "last_name": "", "package": "basic"}
    params |= {"webex_id": failing.webex_id}
    job = make_job(failing, requested_by=rita, kind=kind, params=params)

    group = claiming.claim(job.connection_id)

    job.refresh_from_db()
    assert bool(group.exchanges) is goes
    assert (job.result_code == codes.ASKER_LEFT) is not goes
