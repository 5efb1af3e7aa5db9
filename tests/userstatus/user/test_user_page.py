"""The page of one user."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import StatusEvent
from provisioning.states import JobKind, JobState, Status
from tests import factories
from tests.provisioning.rig import make_rig


def check(user):
    return reverse("userstatus:user_check", args=[user.uuid])


def page(client, user, **headers):
    return client.get(user.get_absolute_url(), headers=headers)


def test_an_error_is_told_with_cause_advice_and_text(template, anna, client_of):
    user = factories.make_subscriber(
        template,
        Status.ERROR,
        error_code="200042",
        error_text="email is <already> associated",
        error_tracking_id="ROUTERGW_1",
    )

    text = page(client_of(anna), user).content.decode()

    assert "Address already linked to another user ID" in text
    assert "email is &lt;already&gt; associated" in text
    assert "ROUTERGW_1" in text
    assert "What to do" in text
    assert 'data-copy="email is &lt;already&gt; associated\nCode: 200042' in text


@pytest.mark.parametrize("code", ["200050", "200040"])
def test_the_wrong_templates_error_names_the_right_one(code, template, anna, client_of):
    right = factories.make_template(template.partner, name="Harbour <b>")
    factories.make_subscriber(right, Status.PROVISIONED, enterprise_id="ent-7")
    user = factories.make_subscriber(
        template, Status.ERROR, enterprise_id="ent-7", error_code=code, error_text="no match"
    )

    text = page(client_of(anna), user).content.decode()

    assert f'href="{reverse("userstatus:template", args=[right.uuid])}"' in text
    assert "Full administrator:" not in text


def test_another_partners_template_is_never_named(template, anna, client_of):
    theirs = factories.make_template(factories.make_partner("Iberfone"))
    factories.make_subscriber(theirs, Status.PROVISIONED, enterprise_id="ent-7")
    user = factories.make_subscriber(
        template, Status.ERROR, enterprise_id="ent-7", error_code="200050", error_text="no match"
    )

    assert "The right template" not in page(client_of(anna), user).content.decode()


@pytest.mark.parametrize("status", [*Status.values, "brand_new_status"])
def test_every_status_has_a_page(status, template, anna, client_of):
    user = factories.make_subscriber(template, status)

    assert page(client_of(anna), user).status_code == 200


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("arrived", {"after": "pending_email_input"}, "Arrived from BroadWorks"),
        ("status", {"before": "updating", "after": "provisioned"}, "Updating → Provisioned"),
        ("status", {"after": "error", "error_code": "200042"}, "Address already linked"),
        ("error", {"after": "error", "text": "out of the blue"}, "out of the blue"),
        ("package", {"before": "basic", "after": "gold"}, "Basic → gold"),
        ("deleted", {"actor_label": "Webex"}, "deleted the user"),
        ("restored", {"after": "error"}, "Is held by Webex again"),
        ("requested", {"text": "retry", "after": "a@b.example"}, "with a@b.example"),
        ("requested", {"text": "package", "after": "premium"}, "the package to Premium"),
        ("requested", {"text": "delete"}, "asked to delete the user"),
        ("requested", {"text": "later", "after": "100%"}, "later"),
        ("something", {"text": "new"}, "something"),
    ],
)
def test_the_timeline_tells_every_kind_of_event(what, fields, words, template, anna, client_of):
    user = factories.make_subscriber(template)
    StatusEvent.objects.create(subscriber=user, cause="sync", what=what, **fields)

    assert words in page(client_of(anna), user).content.decode()


def test_a_deleted_user_says_when_and_by_whom_and_offers_nothing(template, anna, client_of):
    user = factories.make_subscriber(
        template, deleted_at=timezone.now(), deleted_by="Bo Skovgaard", deleted_here=True
    )

    text = page(client_of(anna), user).content.decode()

    assert "This user is deleted" in text
    assert "Bo Skovgaard" in text
    assert "Delete user" not in text
    assert "Check now" not in text


def test_twins_are_named(template, anna, client_of):
    user = factories.make_subscriber(template, broadworks_id="1@n.example")
    twin = factories.make_subscriber(template, broadworks_id="1@n.example", first_name="Tweedle")

    text = page(client_of(anna), user).content.decode()

    assert twin.get_absolute_url() in text
    assert "Tweedle" in text


def test_actions_follow_role_and_status(template, bo, rie, client_of):
    user = factories.make_subscriber(template, Status.ERROR, error_code="200042")

    assert "Retry activation" in page(client_of(bo), user).content.decode()
    read_only = page(client_of(rie), user).content.decode()
    assert "Retry activation" not in read_only
    assert "Check now" not in read_only
    assert "Copy error text" in read_only


def test_a_poll_gets_nothing_until_something_changes(template, anna, client_of):
    user = factories.make_subscriber(template)
    client = client_of(anna)
    state = page(client, user).context["row"].state
    url = f"{user.get_absolute_url()}?v={state}"
    assert client.get(url, headers={"HX-Request": "true"}).status_code == 204

    factories.make_job(user, JobState.QUEUED)

    answer = client.get(url, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'id="user-actions" hx-swap-oob="true"' in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_another_partners_user_is_missing(template, carla, client_of):
    user = factories.make_subscriber(template)
    client = client_of(carla)

    assert page(client, user).status_code == 404
    assert client.post(check(user)).status_code == 404


def test_a_reader_may_not_ask_webex(template, rie, client_of):
    assert client_of(rie).post(check(factories.make_subscriber(template))).status_code == 403


@pytest.fixture
def rig(simulator_process, transactional_db):
    return make_rig(simulator_process)


def test_check_now_brings_in_what_webex_says(rig, client_of):
    user = rig.given("1@nordictel.example", "error", errors=[200042])
    rig.simulator.force(user.webex_id, status="provisioned")

    answer = client_of(rig.administrator).post(check(user), follow=True)

    user.refresh_from_db()
    assert user.status == Status.PROVISIONED
    assert "Webex was asked" in answer.content.decode()


def test_check_now_finds_out_that_a_user_is_gone(rig, client_of):
    user = rig.given("1@nordictel.example", "provisioned")
    rig.simulator.call("DELETE", f"/broadworks/subscribers/{user.webex_id}", "token-of-nordictel")

    answer = client_of(rig.administrator).post(check(user), follow=True)

    user.refresh_from_db()
    assert (user.deleted_by, user.deleted_here) == ("Webex", False)
    assert "no longer holds" in answer.content.decode()


def test_check_now_asks_nothing_while_a_job_is_unfinished(rig, client_of):
    user = rig.given("1@nordictel.example", "error")
    factories.make_job(user, JobState.SENDING)
    before = len(rig.simulator.requests(operation="get"))

    answer = client_of(rig.administrator).post(check(user), follow=True)

    assert "under way" in answer.content.decode()
    assert len(rig.simulator.requests(operation="get")) == before


def test_check_now_says_when_webex_is_silent(rig, client_of):
    user = rig.given("1@nordictel.example", "error")
    rig.simulator.fault(operation="get", status=503, times=5)

    answer = client_of(rig.administrator).post(check(user), follow=True)

    assert "Nothing was changed" in answer.content.decode()


def test_only_one_control_bears_the_name_of_an_action(template, anna, client_of):
    user = factories.make_subscriber(template, Status.ERROR, error_code="200042")
    for kind in JobKind:
        job = factories.make_job(user, JobState.FAILED, kind=kind)
        StatusEvent.objects.create(
            subscriber=user, cause="administrator", what="requested", text=kind, job=job
        )

    html = client_of(anna).get(user.get_absolute_url()).content.decode()

    controls = re.findall(r"<(?:a|button)\b.*?</(?:a|button)>", html, re.DOTALL)
    said = [" ".join(re.sub(r"<[^>]*>", " ", control).split()) for control in controls]
    for name in ["Retry activation", "Delete user", "Change package type", "Copy error text"]:
        assert len([words for words in said if name in words]) == 1
