from __future__ import annotations

import pytest

from provisioning.models import Activation, Job, Mail
from provisioning.states import ActivationState, Status
from tests.activation_portal.conftest import (
    ADDRESS,
    USER,
    Portal,
    broadworks_user,
    new_browser,
    text_of,
)
from tests.provisioning.rig import Rig, subscriber

TAKEN = "taken@firma.example"


def problem(rig: Rig, kind: str, email: str = TAKEN, **more) -> None:
    # A consumer account moves only into an organisation that has a user already.
    colleague = subscriber("colleague@firma.example", "provisioned")
    rig.load(colleague, addresses=[{"email": email, "kind": kind, **more}])


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("other_organisation", "200039", "belongs to another company in Webex"),
        ("conflicting_entitlement", "200041", "already has another Webex service"),
    ],
)
def test_a_refused_address_is_told_in_plain_words_and_stays_in_the_form(
    arrived: Rig, portal: Portal, kind: str, code: str, words: str
):
    problem(arrived, kind)
    portal.sign_in()

    page = portal.give_address(TAKEN)

    text = text_of(page)
    assert words in text
    assert f"Code {code}" in text
    assert "Try again" in text
    assert f'value="{TAKEN}"' in page.content.decode()
    row = arrived.row(USER)
    assert (row.error_code, row.status) == (code, Status.WAITING_ADDRESS)
    assert row.error_text.startswith("Failed validating email")
    assert not Mail.objects.exists()


def test_another_address_clears_what_was_refused(arrived: Rig, portal: Portal):
    problem(arrived, "other_organisation")
    portal.sign_in()
    portal.give_address(TAKEN)

    assert "Check your inbox" in text_of(portal.give_address())
    row = arrived.row(USER)
    assert (row.error_code, row.status) == ("", Status.WAITING_CONFIRMATION)


def test_a_refusal_of_somebody_without_subscriber_is_kept_on_the_run(rig: Rig, portal: Portal):
    rig.load(broadworks_users=[broadworks_user(im_p=False)])
    rig.template.allow_self_activation = True
    rig.template.enterprise_mode = False  # the customer is a group
    rig.template.save()
    problem(rig, "other_organisation")
    portal.sign_in()

    portal.give_address(TAKEN)

    run = Activation.objects.get()
    assert (run.state, run.error_code, run.subscriber) == (
        ActivationState.REFUSED,
        "200039",
        None,
    )


def test_an_address_of_another_user_is_refused_without_saying_whose(arrived: Rig, portal: Portal):
    other = "4533999999@nordictel.example"
    arrived.load(subscriber(other, Status.PROVISIONED, email=TAKEN, first_name="Ludvig"))
    arrived.sync()
    portal.sign_in()

    text = text_of(portal.give_address(TAKEN))

    assert "Code 200042" in text
    assert "Ludvig" not in text
    assert other not in text


def test_a_consumer_account_is_no_refusal_and_waits_for_consent(arrived: Rig, portal: Portal):
    problem(arrived, "consumer", ADDRESS)
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    assert "Webex asks you to agree" in text_of(portal.get())
    assert arrived.row(USER).status == Status.WAITING_CONSENT


def test_who_would_rather_not_consent_can_give_another_address(arrived: Rig, portal: Portal):
    problem(arrived, "consumer", ADDRESS)
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    page = portal.give_address("private@home.example")

    assert "Check your inbox" in text_of(page)
    portal.send_mails()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.latest("pk"))
    assert arrived.row(USER).email == "private@home.example"
    assert "You are ready" in text_of(portal.get())


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop_before": True}, {"body": "<html>"}])
def test_webex_away_loses_nothing(arrived: Rig, portal: Portal, fault):
    portal.sign_in()
    arrived.simulator.fault(operation="precheck", **fault)

    page = portal.give_address()

    assert "PH-WEBEX-AWAY" in text_of(page)
    assert f'value="{ADDRESS}"' in page.content.decode()
    assert "Check your inbox" in text_of(portal.give_address())


def test_a_refusal_without_code_is_explained_all_the_same(arrived: Rig, portal: Portal):
    portal.sign_in()
    arrived.simulator.fault(operation="precheck", status=400, body={"message": "secret detail"})

    text = text_of(portal.give_address())

    assert "PH-REFUSED" in text
    assert "secret detail" not in text
    assert arrived.row(USER).error_text == "secret detail"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "freja",
        "freja@",
        "@firma.example",
        "a b@firma.example",
        "x@y",
        "bjørn@firma.example",
        "a@b.c\r\nBcc: d@e.f",
    ],
)
def test_what_is_no_address_is_told_beside_the_field(arrived: Rig, portal: Portal, typed: str):
    portal.sign_in()

    page = portal.give_address(typed)

    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert not arrived.simulator.requests(operation="precheck")
    assert not Mail.objects.exists()


def test_a_newer_address_makes_the_older_link_worthless(arrived: Rig, portal: Portal):
    portal.until_mailed()
    older = portal.mailed_token()

    portal.give_address("other@firma.example")

    assert "PH-LINK-USED" in text_of(Portal(arrived, new_browser()).post(f"confirm/{older}/"))


def test_a_job_that_fails_gives_reason_and_try_again_keeps_the_address(
    arrived: Rig, portal: Portal
):
    problem(arrived, "down", ADDRESS, attempts=1)
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    page = portal.get()
    assert "Try again" in text_of(page)
    assert f'value="{ADDRESS}"' in page.content.decode()
    assert arrived.row(USER).status == Status.ERROR

    assert "Webex is preparing your account" in text_of(portal.give_address())
    arrived.drive(Job.objects.latest("pk"))
    assert "You are ready" in text_of(portal.get())
    assert Mail.objects.filter(purpose="confirm").count() == 1


def test_after_a_failed_job_another_address_is_confirmed_anew(arrived: Rig, portal: Portal):
    problem(arrived, "refused", ADDRESS, code=200048, description="already provisioned")
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())
    assert "This address cannot be used" in text_of(portal.get())

    page = portal.give_address("other@firma.example")

    assert "Check your inbox" in text_of(page)
    assert Job.objects.count() == 1


def test_a_user_in_error_reads_why_at_once(rig: Rig, portal: Portal):
    rig.load(
        subscriber(USER, Status.ERROR, errors=[200039], email=TAKEN),
        broadworks_users=[broadworks_user(im_p=False)],
    )
    rig.sync()

    page = portal.sign_in()

    assert "belongs to another company in Webex" in text_of(page)
    assert f'value="{TAKEN}"' in page.content.decode()


def test_mails_to_one_address_are_limited_and_the_answer_stays_the_same(
    arrived: Rig, portal: Portal, settings
):
    settings.MAIL_PER_ADDRESS = "1/3600"
    other = "4533999999@nordictel.example"
    arrived.load(broadworks_users=[broadworks_user(other)])
    arrived.sync()
    portal.until_mailed()
    second = Portal(arrived, new_browser())
    second.sign_in(other)

    page = second.give_address("F.reja+x@firma.example")

    assert "Check your inbox" in text_of(page)
    assert 0 < page.context["wait_seconds"] <= 60
    assert [mail.state for mail in Mail.objects.order_by("pk")] == ["sent", "failed"]


def test_the_same_address_given_twice_is_one_mail(arrived: Rig, portal: Portal):
    portal.sign_in()

    for _ in range(3):
        assert "Check your inbox" in text_of(portal.give_address())

    assert Mail.objects.count() == 1


def test_one_user_can_try_ten_addresses_an_hour(arrived: Rig, portal: Portal):
    problem(arrived, "other_organisation")
    portal.sign_in()
    for _ in range(10):
        assert "Code 200039" in text_of(portal.give_address(TAKEN))

    assert "PH-ADDRESS-LIMIT" in text_of(portal.give_address(TAKEN))
    assert len(arrived.simulator.requests(operation="precheck")) == 10


def test_an_address_to_be_changed_stands_in_the_field_as_people_read_it(
    arrived: Rig, portal: Portal
):
    portal.sign_in()
    portal.give_address("freja@xn--br-1ia.example")

    page = portal.get("address/")

    assert 'value="freja@bær.example"' in page.content.decode()
