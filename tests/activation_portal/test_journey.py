from __future__ import annotations

from accounts.models import RetryBy
from provisioning.models import Job, Subscriber
from provisioning.states import ActivationState, Status
from tests.activation_portal.conftest import (
    ADDRESS,
    USER,
    Portal,
    broadworks_user,
    new_browser,
    text_of,
)
from tests.provisioning.rig import TOKEN, Rig


def test_a_user_gets_from_the_link_to_the_account(arrived: Rig, portal: Portal):
    assert "Activate your Webex account" in text_of(portal.get())

    assert "Hello Freja" in text_of(portal.sign_in())
    assert "Check your inbox" in text_of(portal.give_address())
    assert arrived.row(USER).status == Status.WAITING_CONFIRMATION

    portal.send_mails()
    token = portal.mailed_token()
    assert "Is this your address?" in text_of(portal.get(f"confirm/{token}/"))
    assert "Webex is preparing your account" in text_of(portal.post(f"confirm/{token}/"))

    arrived.drive(Job.objects.get())
    done = text_of(portal.get())
    assert "You are ready, Freja" in done
    assert ADDRESS in done
    row = arrived.row(USER)
    assert (row.status, row.email) == (Status.PROVISIONED, ADDRESS)
    assert portal.run().state == ActivationState.DONE


def test_the_code_works_in_the_browser_that_began(arrived: Rig, portal: Portal):
    portal.until_mailed()

    page = portal.post("code/", code=portal.mailed_code(), run=portal.run().uuid)

    assert "Webex is preparing your account" in text_of(page)
    assert Job.objects.get().params["email"] == ADDRESS


def test_the_link_works_on_a_device_that_never_signed_in(arrived: Rig, portal: Portal):
    portal.until_mailed()
    phone = Portal(arrived, new_browser())

    page = phone.post(f"confirm/{portal.mailed_token()}/")

    assert "Webex is preparing your account" in text_of(page)
    assert "Webex is preparing your account" in text_of(portal.get("sent/"))


def test_the_ready_mail_goes_out_in_the_end(arrived: Rig, portal: Portal):
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    portal.send_mails()

    assert portal.mail().subject == "Your Webex account is ready"
    assert "webex.com/downloads" in portal.mail().text


def test_a_backend_that_refuses_a_repeated_post_is_asked_by_delete_and_post(
    arrived: Rig, portal: Portal
):
    account = {"token": TOKEN, "name": "Nordictel", "settings": {"repeated_post": "refuse"}}
    arrived.load(accounts=[account])
    arrived.connection.retry_by = RetryBy.DELETE_THEN_POST
    arrived.connection.save()

    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    assert arrived.row(USER).status == Status.PROVISIONED
    assert Subscriber.objects.count() == 1
    assert "You are ready" in text_of(portal.get())


def test_a_user_who_self_activates_comes_into_being(rig: Rig, portal: Portal):
    rig.load(broadworks_users=[broadworks_user(im_p=False)])
    rig.template.allow_self_activation = True
    rig.template.save()

    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    rig.drive(Job.objects.get())

    row = Subscriber.objects.get()
    assert (row.broadworks_id, row.first_name, row.package) == (USER, "Freja", "standard")
    assert "You are ready" in text_of(portal.get())
