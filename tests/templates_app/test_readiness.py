"""What readiness says, check by check; the function is pure, so no row is saved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import Partner
from templates_app import readiness
from templates_app.models import IdCheck, OnboardingTemplate
from templates_app.readiness import Facts


@pytest.fixture
def facts():
    """A template in order, with changes to it and to what is known."""

    def make(links=None, waiting=0, first_in_line=(), support="Helpdesk", **fields):
        partner = Partner(name="Nordictel", support_text=support)
        values = {"name": "SMB", "id_check": IdCheck.KNOWN, "activation_key": "the-key"}
        template = OnboardingTemplate(**values | fields)
        if "share_link" not in fields:
            template.share_link = template.activation_link
        return Facts(template, partner, links or {}, waiting, first_in_line)

    return make


def check(found, name):
    return next(check for check in found if check.name == name)


def test_a_template_in_order_has_only_good_checks(facts):
    found = readiness.checks(facts())

    assert {one.tone for one in found} == {"good"}
    assert readiness.worst(found) is None


def test_case_of_the_host_spaces_and_the_last_slash_do_not_matter(facts):
    link = facts().template.activation_link

    pasted = f" {link.replace('testserver', 'TESTSERVER').rstrip('/')} "

    assert check(readiness.checks(facts(share_link=pasted)), "share_link").tone == "good"


@pytest.mark.parametrize(
    ("share_link", "words"),
    [
        ("", "no share link"),
        ("http://testserver/activate/hotels/", "portal of Hotels"),
        ("https://elsewhere.example/activate/the-key/", "another host, elsewhere.example"),
        ("http://testserver/activate/nobody/", "no template of yours"),
        ("not a link", "another host, not a link"),
    ],
)
def test_a_wrong_share_link_is_named_and_can_be_mended(share_link, words, facts):
    links = {"http://testserver/activate/hotels/": "Hotels"}

    found = check(readiness.checks(facts(links=links, share_link=share_link)), "share_link")

    assert (found.tone, found.mend) == ("bad", "share_link")
    assert words in found.text


def test_trusted_emails_ask_for_no_share_link(facts):
    found = readiness.checks(facts(untrusted_emails=False, share_link=""))

    assert readiness.worst(found) is None
    assert "share_link" not in {one.name for one in found}


def test_users_who_wait_before_a_closed_portal_are_counted(facts):
    found = check(readiness.checks(facts(untrusted_emails=False, waiting=12)), "untrusted_emails")

    assert found.tone == "bad"
    assert "12 users wait" in found.text


@pytest.mark.parametrize(("state", "tone"), [("unknown", "bad"), ("unchecked", "wait")])
def test_an_id_that_webex_does_not_confirm_is_told(state, tone, facts):
    assert check(readiness.checks(facts(id_check=state)), "provisioning_id").tone == tone


def test_a_missing_support_contact_is_told(facts):
    assert check(readiness.checks(facts(support="")), "support").tone == "wait"


def test_those_who_must_be_active_first_are_named(facts):
    found = readiness.checks(facts(provision_admin_first=True, first_in_line=["Ida", "Bo"]))

    assert "Ida, Bo" in check(found, "admin_first").text


def test_what_is_wrong_comes_first(facts):
    found = readiness.checks(facts(share_link="", support=""))

    assert [one.tone for one in found][:2] == ["bad", "wait"]


def test_admin_first_says_when_not_everybody_was_looked_at(facts):
    known = replace(facts(provision_admin_first=True), looked_at=500)
    found = readiness.checks(replace(known, first_in_line=["Ida"]))

    assert "500 users who have waited longest" in check(readiness.checks(known), "admin_first").text
    assert "1 or more customers" in check(found, "admin_first").text
