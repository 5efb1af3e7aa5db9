from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from provisioning import codes
from provisioning.jobs import user_services
from provisioning.models import Activation, Cause, Job, StatusEvent
from provisioning.states import ActivationState, Status
from tests.activation_portal.conftest import (
    ADDRESS,
    USER,
    Portal,
    broadworks_user,
    text_of,
)
from tests.factories import make_template
from tests.provisioning.rig import ENTERPRISE, PROVISIONING_ID, Rig, subscriber

FIRST = "4533000001@nordictel.example"


def known(rig: Rig, *subscribers, **user) -> None:
    """The user has a login and is at Webex only as the subscribers say."""
    rig.load(*subscribers, broadworks_users=[broadworks_user(im_p=False, **user)])
    rig.sync()


def change(rig: Rig, **values) -> None:
    for name, value in values.items():
        setattr(rig.template, name, value)
    rig.template.save()


def test_somebody_whom_nobody_invited_is_told_whom_to_ask(rig: Rig, portal: Portal):
    known(rig)
    rig.partner.support_phone = "+45 70 10 10 10"
    rig.partner.save()

    page = text_of(portal.sign_in())

    assert "PH-NOT-INVITED" in page
    assert "+45 70 10 10 10" in page
    refused = Activation.objects.get()
    assert (refused.state, refused.error_code) == (ActivationState.REFUSED, "PH-NOT-INVITED")


def test_a_change_of_the_template_lets_the_user_in_by_try_again(rig: Rig, portal: Portal):
    known(rig)
    portal.sign_in()
    change(rig, allow_self_activation=True)

    page = text_of(portal.post("stopped/"))

    assert "Which email address should Webex use?" in page
    assert Activation.objects.get().error_code == ""


def test_a_user_of_another_template_reads_that_and_no_more(rig: Rig, portal: Portal):
    known(rig, subscriber(USER, Status.WAITING_ADDRESS, email=""))
    own = rig.template
    rig.template = make_template(rig.partner, "Hotels")
    change(rig, allow_self_activation=True)

    page = text_of(portal.sign_in())

    assert "This link is not meant for your phone line" in page
    assert own.name not in page
    assert rig.row(USER).error_code == "200050"


def test_another_partners_user_is_simply_unknown(rig: Rig, portal: Portal):
    from accounts.models import Partner

    known(rig, subscriber(USER, Status.WAITING_ADDRESS, email=""))
    partner = Partner.objects.create(name="Iberfone")
    rig.connection.pk, rig.connection.partner = None, partner
    rig.connection.save()
    rig.template = make_template(partner)

    assert "PH-NOT-INVITED" in text_of(portal.sign_in())
    assert rig.row(USER).error_code == ""


def test_who_is_active_already_sees_the_done_page(rig: Rig, portal: Portal):
    known(rig, subscriber(USER, Status.PROVISIONED, email=ADDRESS))

    page = text_of(portal.sign_in())

    assert "You are ready, Freja" in page
    assert ADDRESS in page


@pytest.mark.parametrize("status", [Status.PROVISIONING, Status.UPDATING])
def test_whom_webex_works_on_sees_the_progress(rig: Rig, portal: Portal, status: str):
    known(rig, subscriber(USER, status, email=ADDRESS))

    assert "Webex is preparing your account" in text_of(portal.sign_in())


def test_with_trusted_emails_the_portal_is_closed(arrived: Rig, portal: Portal):
    change(arrived, untrusted_emails=False)

    assert "PH-PORTAL-CLOSED" in text_of(portal.get())
    assert "PH-PORTAL-CLOSED" in text_of(portal.sign_in())
    assert arrived.simulator.requests(operation="login") == []


def test_the_portal_closes_for_those_who_are_half_way(arrived: Rig, portal: Portal):
    portal.until_mailed()
    change(arrived, untrusted_emails=False)

    page = text_of(portal.post(f"confirm/{portal.mailed_token()}/"))

    assert "PH-PORTAL-CLOSED" in page
    assert not Job.objects.exists()


def test_a_link_stays_good_while_a_rule_stands_in_the_way(arrived: Rig, portal: Portal):
    portal.until_mailed()
    token = portal.mailed_token()
    change(arrived, untrusted_emails=False)
    portal.post(f"confirm/{token}/")
    change(arrived, untrusted_emails=True)

    portal.post(f"confirm/{token}/")

    assert Job.objects.count() == 1


# ---- Provision admin first ----


@pytest.fixture
def second(rig: Rig) -> Rig:
    """Our user arrived after another one of the enterprise, and nobody there is active."""
    earlier = subscriber(
        FIRST, Status.WAITING_ADDRESS, email="", first_name="Ida", age_seconds=7200
    )
    known(rig, earlier, subscriber(USER, Status.WAITING_ADDRESS, email="", age_seconds=60))
    change(rig, provision_admin_first=True)
    return rig


def test_the_second_user_waits_and_only_the_row_names_the_first(second: Rig, portal: Portal):
    page = text_of(portal.sign_in())

    assert "PH-ADMIN-FIRST" in page
    assert "Ida" not in page
    assert FIRST not in page
    row = second.row(USER)
    assert row.error_code == "PH-ADMIN-FIRST"
    assert "Ida Nørgaard" in row.error_text


def test_the_row_forgets_that_somebody_must_be_first_once_somebody_is_active(
    second: Rig, portal: Portal
):
    portal.sign_in()
    first = second.row(FIRST)
    second.simulator.force(str(first.webex_id), status=Status.PROVISIONED)

    second.sync()

    row = second.row(USER)
    assert (row.error_code, row.activation_error) == ("", {})
    last = StatusEvent.objects.filter(subscriber=row).latest("pk")
    assert (last.cause, last.error_code) == (Cause.PORTAL, "")


def test_another_customers_row_goes_on_saying_who_must_be_first(second: Rig, portal: Portal):
    portal.sign_in()
    first = str(second.row(FIRST).webex_id)
    elsewhere = second.row(FIRST)
    elsewhere.pk = None
    elsewhere.uuid = uuid.uuid4()
    elsewhere.webex_id, elsewhere.enterprise_id = "of-another-customer", "Another+customer"
    elsewhere.activation_error = second.row(USER).activation_error
    elsewhere.error_code = codes.ADMIN_FIRST
    elsewhere.save(force_insert=True)
    second.simulator.force(first, status=Status.PROVISIONED)

    second.sync()

    elsewhere.refresh_from_db()
    assert elsewhere.error_code == codes.ADMIN_FIRST


def test_the_second_user_passes_once_the_first_is_active(second: Rig, portal: Portal):
    portal.sign_in()
    first = second.row(FIRST)
    second.simulator.force(str(first.webex_id), status=Status.PROVISIONED)
    second.sync()

    page = text_of(portal.post("stopped/"))

    assert "Which email address should Webex use?" in page
    assert second.row(USER).error_code == ""


def test_the_first_user_passes(second: Rig, portal: Portal):
    second.load(broadworks_users=[broadworks_user(FIRST, im_p=False)])

    assert "Which email address should Webex use?" in text_of(portal.sign_in(FIRST))


def test_the_rule_is_asked_again_when_the_link_is_used(rig: Rig, portal: Portal):
    earlier = subscriber(FIRST, Status.WAITING_ADDRESS, email="", age_seconds=7200)
    known(rig, earlier, subscriber(USER, Status.WAITING_ADDRESS, email="", age_seconds=60))
    portal.until_mailed()
    change(rig, provision_admin_first=True)

    page = text_of(portal.post(f"confirm/{portal.mailed_token()}/"))

    assert "PH-ADMIN-FIRST" in page
    assert not Job.objects.exists()
    assert rig.row(USER).error_code == "PH-ADMIN-FIRST"


def test_self_activation_does_not_pass_the_first_user_either(second: Rig, portal: Portal):
    change(second, allow_self_activation=True)
    third = "4533000003@nordictel.example"
    second.load(broadworks_users=[broadworks_user(third, im_p=False)])
    second.template.enterprise_mode = False
    second.template.save()

    assert "PH-ADMIN-FIRST" in text_of(portal.sign_in(third))


# ---- After an administrator acted ----


def test_after_delete_user_the_user_can_start_over(rig: Rig, portal: Portal, now):
    known(rig, subscriber(USER, Status.ERROR, package="premium"))
    job = user_services.delete_user(rig.row(USER), actor=rig.actor, now=now)
    rig.drive(job)

    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    rig.drive(Job.objects.latest("pk"))

    row = rig.row(USER)
    assert (row.status, row.package, row.enterprise_id) == (
        Status.PROVISIONED,
        "premium",
        ENTERPRISE,
    )
    assert (row.first_name, row.primary_phone) == ("Freja", "+4533121212")
    assert "You are ready" in text_of(portal.get())


def test_a_mail_from_before_the_deletion_brings_nobody_back(arrived: Rig, portal: Portal, now):
    portal.until_mailed()
    arrived.drive(user_services.delete_user(arrived.row(USER), actor=arrived.actor, now=now))

    page = text_of(portal.post(f"confirm/{portal.mailed_token()}/"))

    assert "PH-LINK-USED" in page
    assert Job.objects.filter(kind="provision").count() == 0
    assert "Your account was removed" in text_of(portal.get("sent/"))


def test_removed_at_webex_is_not_an_invitation(arrived: Rig, portal: Portal, now):
    from provisioning import shown_status

    shown_status.mark_deleted(arrived.row(USER), now=now, by="Webex", here=False)

    assert "PH-NOT-INVITED" in text_of(portal.sign_in())


def test_an_administrators_retry_replaces_the_run_and_the_page_says_so(
    arrived: Rig, portal: Portal, now
):
    portal.until_mailed()
    row = arrived.row(USER)
    job = user_services.retry_activation(
        row, email="new@firma.example", actor=arrived.actor, now=now
    )

    assert "Somebody else goes on for you" in text_of(portal.get("sent/"))
    assert "PH-LINK-USED" in text_of(portal.post(f"confirm/{portal.mailed_token()}/"))
    assert "Webex is preparing your account" in text_of(portal.post("stopped/"))
    arrived.drive(job)
    assert "new@firma.example" in text_of(portal.get())


def test_while_another_job_runs_the_user_sees_the_progress(arrived: Rig, portal: Portal, now):
    user_services.change_package(arrived.row(USER), package="basic", actor=arrived.actor, now=now)

    assert "Webex is preparing your account" in text_of(portal.sign_in())


def test_of_twins_the_one_of_the_users_enterprise_is_meant(rig: Rig, portal: Portal):
    rig.simulator.load({"accounts": [{"token": "t", "name": "Lab"}]})
    rig.load(
        subscriber(USER, Status.WAITING_ADDRESS, email="", enterprise="Nordictel+other"),
        subscriber(USER, Status.WAITING_ADDRESS, email=""),
        broadworks_users=[broadworks_user(im_p=False)],
    )
    rig.sync()
    change(rig, enterprise_mode=False)

    portal.sign_in()

    assert portal.run().enterprise_id == ENTERPRISE
    assert portal.run().template.provisioning_id == PROVISIONING_ID


def test_a_run_of_before_goes_on_after_signing_in_again(arrived: Rig, portal: Portal):
    portal.until_mailed()
    portal.browser.cookies.clear()

    page = text_of(portal.sign_in())

    assert "Check your inbox" in page
    assert Activation.objects.count() == 1


def test_an_old_link_stops_when_time_is_up(arrived: Rig, portal: Portal, now):
    portal.until_mailed()
    Activation.objects.update(token_expires_at=now - timedelta(seconds=1))

    page = text_of(portal.post(f"confirm/{portal.mailed_token()}/"))

    assert "PH-LINK-USED" in page
    assert "Get a new link" in page
