from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Partner
from tests.activation_portal.conftest import (
    PASSWORD,
    USER,
    Portal,
    broadworks_user,
    lasting,
    new_browser,
    text_of,
)
from tests.provisioning.rig import Rig

WRONG = "wrong-one"
NOBODY = "4500000000@nordictel.example"
CLOSED = "PH-LOGIN-CLOSED"


def asked(rig: Rig, user_id: str = USER) -> int:
    """How many logins of the user reached BroadWorks."""
    return len(rig.simulator.requests(operation="login", user_id=user_id))


def same_for_all(page) -> str:
    """A page without what differs for every request or was typed."""
    return lasting(page).replace(USER, "").replace(NOBODY, "")


def body_of(page) -> str:
    return page.content.decode()


def test_a_wrong_password_and_a_user_who_does_not_exist_look_alike(arrived: Rig, portal: Portal):
    wrong, unknown = portal.sign_in(USER, WRONG), portal.sign_in(NOBODY, WRONG)

    assert wrong.status_code == unknown.status_code
    assert "One try is left today" in text_of(wrong)
    assert same_for_all(wrong) == same_for_all(unknown)


def test_after_the_limit_all_are_refused_alike_and_broadworks_is_not_asked(
    arrived: Rig, portal: Portal
):
    for user_id in (USER, NOBODY):
        for _ in range(2):
            portal.sign_in(user_id, WRONG)

    right, unknown = portal.sign_in(USER, PASSWORD), portal.sign_in(NOBODY, WRONG)

    assert CLOSED in text_of(right)
    assert same_for_all(right) == same_for_all(unknown)
    assert (asked(arrived), asked(arrived, NOBODY)) == (2, 2)


def test_a_locked_user_with_a_plain_answer_looks_like_a_wrong_password(arrived: Rig, portal):
    arrived.load(broadworks_users=[broadworks_user(locked=True)])

    assert "Code 100006" in text_of(portal.sign_in())


def test_a_lock_that_broadworks_names_is_told_and_closes_nothing(arrived: Rig, portal: Portal):
    arrived.load(broadworks_users=[broadworks_user(locked=True, locked_answer="named")])

    for _ in range(3):
        assert "Code 200018" in text_of(portal.sign_in())


@pytest.mark.parametrize("status", [403, 404])
def test_other_refusals_of_broadworks_tell_a_stranger_nothing(arrived, portal, status):
    arrived.load(broadworks_users=[broadworks_user(answer_status=status)])

    assert same_for_all(portal.sign_in()) == same_for_all(portal.sign_in(NOBODY, WRONG))


def test_spellings_of_one_user_id_are_counted_together(arrived: Rig, portal: Portal):
    portal.sign_in("4533121212@NORDICTEL.example", WRONG)
    portal.sign_in(" ４５33 12 12 12@nordictel.example ", WRONG)

    assert CLOSED in text_of(portal.sign_in(USER, PASSWORD))
    assert len(arrived.simulator.requests(operation="login")) == 2


def test_a_user_id_without_its_domain_counts_with_all_of_that_name(arrived: Rig, portal: Portal):
    portal.sign_in("4533121212", WRONG)
    portal.sign_in(USER, WRONG)

    assert CLOSED in text_of(portal.sign_in(USER, WRONG))
    assert CLOSED in text_of(portal.sign_in("4533121212", WRONG))


def test_links_of_other_templates_and_partners_count_with_the_first(arrived: Rig, portal: Portal):
    other = _twin_of(arrived)
    portal.sign_in(USER, WRONG)
    other.sign_in(USER, WRONG)

    assert CLOSED in text_of(other.sign_in(USER, PASSWORD))
    assert CLOSED in text_of(portal.sign_in(USER, PASSWORD))


def _twin_of(rig: Rig) -> Portal:
    """Another partner's portal at the same BroadWorks."""
    from dataclasses import replace

    from tests.factories import make_template

    partner = Partner.objects.create(name="Iberfone")
    rig.connection.pk, rig.connection.partner = None, partner
    rig.connection.save()
    return Portal(replace(rig, partner=partner, template=make_template(partner)), new_browser())


def test_a_success_forgets_the_wrong_passwords(arrived: Rig, portal: Portal):
    for _ in range(3):
        portal.sign_in(USER, WRONG)
        assert "Hello Freja" in text_of(portal.sign_in())
        portal.post("leave/")

    assert asked(arrived) == 6


def test_parallel_guesses_never_pass_more_than_the_limit(arrived: Rig, settings):
    settings.PORTAL_PER_IP = "1000/900"
    settings.PORTAL_PER_LINK = "1000/3600"

    def guess(number: int) -> None:
        try:
            Portal(arrived, new_browser()).sign_in(USER, f"{WRONG}-{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(guess, range(20)))

    assert asked(arrived) == 2


def test_one_address_gets_so_many_tries(arrived: Rig, portal: Portal, settings):
    settings.PORTAL_PER_IP = "3/900"
    for number in range(3):
        portal.sign_in(f"{number}@nordictel.example", WRONG)

    page = portal.sign_in()

    assert "PH-TOO-MANY" in text_of(page)
    assert asked(arrived) == 0


def test_one_link_gets_so_many_tries_from_wherever(arrived: Rig, settings):
    settings.PORTAL_PER_LINK = "3/3600"
    for number in range(3):
        browser = new_browser()
        browser.defaults["REMOTE_ADDR"] = f"192.0.2.{number}"
        Portal(arrived, browser).sign_in(f"{number}@nordictel.example", WRONG)

    assert "PH-TOO-MANY" in text_of(Portal(arrived, new_browser()).sign_in())


def test_an_office_that_signs_in_rightly_is_not_throttled(arrived: Rig, portal: Portal, settings):
    settings.PORTAL_PER_IP = "1/900"

    for _ in range(3):
        assert "Hello Freja" in text_of(portal.sign_in())
        portal.post("leave/")


def test_broadworks_away_is_told_and_not_counted(arrived: Rig, portal: Portal):
    url = arrived.connection.xsi_base_url
    arrived.connection.xsi_base_url = "http://127.0.0.1:9/com.broadsoft.xsi-actions/v2.0"
    arrived.connection.save()
    for _ in range(3):
        assert "PH-LOGIN-AWAY" in text_of(portal.sign_in())

    arrived.connection.xsi_base_url = url
    arrived.connection.save()

    assert "Hello Freja" in text_of(portal.sign_in())


def test_an_answer_that_was_lost_is_counted_for_it_may_have_arrived(arrived: Rig, portal: Portal):
    for _ in range(2):
        arrived.simulator.fault(operation="login", drop_after=True)
        assert "PH-LOGIN-AWAY" in text_of(portal.sign_in(USER, WRONG))

    assert CLOSED in text_of(portal.sign_in(USER, WRONG))
    assert asked(arrived) == 2


def test_a_partner_without_connection_is_refused_with_words(arrived: Rig, portal: Portal):
    from tests.factories import make_template

    arrived.template = make_template(Partner.objects.create(name="New partner"))

    assert "PH-LOGIN-AWAY" in text_of(portal.sign_in())


def test_fields_left_empty_are_told_and_the_user_id_stays(arrived: Rig, portal: Portal):
    page = portal.sign_in(USER, "")

    assert "Enter your password." in text_of(page)
    assert f'value="{USER}"' in body_of(page)
    assert asked(arrived) == 0


@pytest.mark.parametrize("typed", ["a:b@c", "../../admin", "x" * 161, "’; --", "a\u202eb", "%00"])
def test_odd_user_ids_are_refused_like_any_other(arrived: Rig, portal: Portal, typed: str):
    page = portal.sign_in(typed, WRONG)

    assert page.status_code == 200
    assert "Code 100006" in text_of(page)
