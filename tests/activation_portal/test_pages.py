from __future__ import annotations

import json

import pytest

from accounts.models import AuditEvent
from provisioning.models import Activation, Job
from tests.activation_portal.conftest import (
    ADDRESS,
    PASSWORD,
    USER,
    Portal,
    broadworks_user,
    lasting,
    new_browser,
    text_of,
)
from tests.provisioning.rig import Rig, subscriber

PAGES = ["", "address/", "sent/", "code/", "progress/", "consent/", "done/", "stopped/"]


@pytest.mark.parametrize("page", [*PAGES, "confirm/x/", "live/sent/"])
def test_an_unknown_key_and_a_replaced_one_look_alike(arrived: Rig, portal: Portal, page: str):
    old = arrived.template.activation_key
    arrived.template.activation_key = "another-key"
    arrived.template.save()

    replaced = portal.browser.get(f"/activate/{old}/{page}")
    unknown = portal.browser.get(f"/activate/{'x' * len(old)}/{page}")

    assert replaced.status_code == unknown.status_code == 404
    assert lasting(replaced).replace(old, "") == lasting(unknown).replace("x" * len(old), "")
    assert arrived.partner.name not in text_of(replaced)


@pytest.mark.parametrize("page", [*PAGES, "confirm/x/"])
def test_every_page_is_private(arrived: Rig, portal: Portal, page: str):
    response = portal.browser.get(portal.url(page))

    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("page", [page for page in PAGES if page])
def test_without_a_session_a_page_says_so_and_offers_the_sign_in(
    arrived: Rig, portal: Portal, page: str
):
    text = text_of(portal.get(page))

    assert "Please sign in again" in text
    assert "BroadWorks user ID" in text


def test_an_address_typed_without_a_session_comes_back_after_signing_in(
    arrived: Rig, portal: Portal
):
    portal.sign_in()
    run = portal.run()
    portal.browser.cookies.clear()

    lost = portal.give_address("typed@firma.example", run)
    page = portal.sign_in(draft=lost.context["form"]["draft"].value())

    assert "Please sign in again" in text_of(lost)
    assert 'value="typed@firma.example"' in page.content.decode()


def test_a_page_of_one_user_does_nothing_for_the_next_in_the_same_browser(
    arrived: Rig, portal: Portal
):
    other = "4533999999@nordictel.example"
    arrived.load(broadworks_users=[broadworks_user(other, first_name="Malthe")])
    arrived.sync()
    portal.sign_in()
    stale = portal.run()
    portal.sign_in(other)

    page = portal.give_address("freja@firma.example", stale)

    assert "Please sign in again" in text_of(page)
    assert Activation.objects.exclude(email="").count() == 0


def test_signing_in_changes_the_session_key(arrived: Rig, portal: Portal):
    session = portal.browser.session
    session["planted"] = 1
    session.save()
    before = session.session_key

    portal.sign_in()

    assert portal.browser.session.session_key != before


def test_not_you_signs_out(arrived: Rig, portal: Portal):
    portal.sign_in()

    assert "Activate your Webex account" in text_of(portal.post("leave/"))
    assert "Please sign in again" in text_of(portal.get("address/"))


def test_back_and_forth_end_where_the_user_is(arrived: Rig, portal: Portal):
    portal.until_mailed()
    assert "Check your inbox" in text_of(portal.get())
    assert f'value="{ADDRESS}"' in portal.get("address/").content.decode()
    portal.post(f"confirm/{portal.mailed_token()}/")

    for page in ("", "address/", "sent/", "code/", "done/"):
        assert "Webex is preparing your account" in text_of(portal.get(page))


def test_an_open_page_learns_where_to_go(arrived: Rig, portal: Portal):
    portal.until_mailed()
    version = portal.get("sent/").context["version"]
    still = portal.browser.get(portal.url(f"live/sent/?v={version}"))
    changed = portal.browser.get(portal.url("live/sent/?v=older"))
    Portal(arrived, new_browser()).post(f"confirm/{portal.mailed_token()}/")
    moved = portal.browser.get(portal.url(f"live/sent/?v={version}"))

    assert (still.status_code, changed.status_code) == (204, 200)
    assert "It was sent at" in text_of(changed)
    assert moved["HX-Redirect"] == portal.url("progress/")


def test_browsers_without_scripts_reload_the_waiting_pages(arrived: Rig, portal: Portal):
    portal.until_mailed()

    assert b'<noscript><meta http-equiv="refresh"' in portal.get("sent/").content
    assert b"refresh" not in portal.get("code/").content


def test_a_large_body_is_refused(arrived: Rig, portal: Portal):
    response = portal.browser.post(portal.url(), {"user_id": "x" * 20_000, "password": "y"})

    assert response.status_code == 413
    assert "longer than we accept" in text_of(response)
    assert portal.url() in response.content.decode()


@pytest.mark.parametrize("page", ["sent/again/", "leave/"])
def test_an_address_that_only_acts_leads_back_when_it_is_opened(
    arrived: Rig, portal: Portal, page: str
):
    portal.until_mailed()

    response = portal.get(page)

    assert response.redirect_chain[-1][0] == portal.url("sent/")
    assert portal.run().mails.count() == 1


def test_another_tabs_address_shows_in_this_one(arrived: Rig, portal: Portal):
    portal.until_mailed()
    seen = portal.run().mails.get()
    portal.give_address("other@firma.example")

    part = portal.browser.get(portal.url(f"live/sent/?v={seen.pk}-{seen.state}-{seen.attempts}"))

    assert 'id="mail-address" hx-swap-oob="true"><bdi dir="ltr">other<wbr>' in part.content.decode()
    assert 'id="mail-address"><bdi dir="ltr">other<wbr>' in portal.get("code/").content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(arrived: Rig, portal: Portal, method: str):
    assert getattr(portal.browser, method)(portal.url()).status_code == 405


def test_every_step_is_in_the_audit_log(arrived: Rig, portal: Portal):
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")

    events = AuditEvent.objects.filter(action__startswith="activation.").order_by("pk")

    assert [(e.action, e.actor_label, e.after["email"]) for e in events] == [
        ("activation.address", USER, ADDRESS),
        ("activation.confirm", USER, ADDRESS),
    ]
    assert events[1].after["job"] == str(Job.objects.get().uuid)


def test_the_mailbox_shows_mails_with_links_and_the_demo(
    arrived: Rig, portal: Portal, tmp_path, settings
):
    portal.until_mailed()
    login = {"user_id": USER, "password": "demo", "template": "SMB", "expect": "ok"}
    template = {"name": "SMB", "activation_url": "http://testserver/activate/k/"}
    demo = {
        "portal_logins": [login],
        "templates": [template],
        "spare_provisioning_ids": ["spare-1"],
    }
    settings.DEMO_FILE = str(tmp_path / "demo.json")
    (tmp_path / "demo.json").write_text(json.dumps(demo))

    page = portal.browser.get("/dev/mailbox/")

    link = f"http://testserver{portal.url(f'confirm/{portal.mailed_token()}/')}"
    assert f'href="{link}"' in page.content.decode()
    for words in (USER, "spare-1", "http://testserver/activate/k/"):
        assert words in page.content.decode()


def test_the_mailbox_shows_webexs_consent_mails(arrived: Rig, portal: Portal, settings):
    settings.SIMULATOR_URL = arrived.simulator.url
    settings.SIMULATOR_CONTROL_TOKEN = arrived.simulator.control_token
    colleague = subscriber("colleague@firma.example", "provisioned")
    arrived.load(colleague, addresses=[{"email": ADDRESS, "kind": "consumer"}])
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    page = portal.browser.get("/dev/mailbox/?to=freja")

    assert f'href="{arrived.simulator.url}/consent/' in page.content.decode()


def test_names_in_mails_and_pages_are_text_and_nothing_else(rig: Rig, portal: Portal):
    rig.load(broadworks_users=[broadworks_user(first_name="<b>F", last_name="{{ 7|add:7 }}")])
    rig.sync()

    portal.until_mailed()

    assert "<b>F" not in portal.get("address/").content.decode()
    assert "&lt;b&gt;F" in portal.browser.get("/dev/mailbox/").content.decode()


def test_the_password_is_nowhere(arrived: Rig, portal: Portal, caplog, capfd):
    from django.db import connection

    caplog.set_level("DEBUG")
    portal.sign_in(password=f"{PASSWORD}-wrong")
    portal.until_mailed()
    portal.post(f"confirm/{portal.mailed_token()}/")
    arrived.drive(Job.objects.get())

    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{PASSWORD}%"]
            )
            assert cursor.fetchone()[0] == 0, table
    told = [str(portal.browser.session.items()), caplog.text, *capfd.readouterr()]
    assert all(PASSWORD not in text for text in told)
