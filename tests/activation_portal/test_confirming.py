from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection
from django.utils import timezone

from provisioning.models import Activation, Job, Mail
from provisioning.shown_status import mark_deleted
from provisioning.states import ActivationState
from tests.activation_portal.conftest import USER, Portal, broadworks_user, new_browser, text_of
from tests.provisioning.rig import Rig

PREPARING = "Webex is preparing your account"


@pytest.fixture
def mailed(arrived: Rig, portal: Portal) -> Portal:
    portal.until_mailed()
    return portal


def stranger(portal: Portal) -> Portal:
    return Portal(portal.rig, new_browser())


def test_looking_at_the_link_changes_nothing_for_mail_scanners_do(mailed: Portal):
    path = mailed.url(f"confirm/{mailed.mailed_token()}/")
    scanner = new_browser()

    for _ in range(3):
        assert scanner.get(path).status_code == 200
        assert scanner.head(path).status_code == 200

    assert mailed.run().state == ActivationState.MAIL_SENT
    assert not Job.objects.exists()


def test_the_link_works_once(mailed: Portal, now):
    token = mailed.mailed_token()
    stranger(mailed).post(f"confirm/{token}/")
    Activation.objects.update(confirmed_at=now - timedelta(hours=1))

    page = stranger(mailed).post(f"confirm/{token}/")

    assert "PH-LINK-USED" in text_of(page)
    assert Job.objects.count() == 1


def test_a_double_click_is_one_job_and_no_complaint(mailed: Portal):
    token = mailed.mailed_token()
    phone = stranger(mailed)
    phone.post(f"confirm/{token}/")

    assert PREPARING in text_of(phone.post(f"confirm/{token}/"))
    assert Job.objects.count() == 1


def test_of_many_who_use_the_link_at_once_one_wins(mailed: Portal):
    path = mailed.url(f"confirm/{mailed.mailed_token()}/")

    def use(_: int) -> int:
        try:
            return new_browser().post(path).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(use, range(4)))

    assert answers == [302] * 4
    assert Job.objects.count() == 1
    assert mailed.run().state == ActivationState.CONFIRMED


def test_link_and_code_at_once_are_one_job(mailed: Portal):
    token, code, run = mailed.mailed_token(), mailed.mailed_code(), mailed.run().uuid

    def by_link() -> None:
        try:
            new_browser().post(mailed.url(f"confirm/{token}/"))
        finally:
            connection.close()

    def by_code() -> None:
        try:
            mailed.browser.post(mailed.url("code/"), {"code": code, "run": run})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(by_link), pool.submit(by_code)]:
            done.result()

    assert Job.objects.count() == 1


@pytest.mark.parametrize("token", ["x", "A" * 43, "..", "%00", "é" * 20])
def test_an_invented_link_gets_the_neutral_page(mailed: Portal, token: str):
    page = stranger(mailed).get(f"confirm/{token}/")

    assert page.status_code in (200, 404)
    assert mailed.run().email not in text_of(page)


def test_the_link_of_a_user_who_was_deleted_meanwhile_says_so_before_the_button(mailed: Portal):
    row = mailed.rig.row(USER)
    mark_deleted(row, now=timezone.now(), by="Anna", here=True)

    page = stranger(mailed).get(f"confirm/{mailed.mailed_token()}/")

    assert "PH-LINK-USED" in text_of(page)


def test_a_link_of_another_template_does_not_work_here(mailed: Portal):
    from tests.factories import make_template

    token = mailed.mailed_token()
    other = make_template(mailed.rig.partner)

    page = new_browser().post(f"/activate/{other.activation_key}/confirm/{token}/")

    assert "PH-LINK-USED" in text_of(page)
    assert not Job.objects.exists()


def test_only_hashes_are_kept(mailed: Portal):
    run = mailed.run()
    kept = " ".join(str(value) for value in Activation.objects.values().get().values())

    assert len(run.token_hash) == len(run.code_hash) == 64
    assert mailed.mailed_token() not in kept
    code = mailed.mailed_code().replace(" ", "")
    assert run.code_hash != sha256(code.encode()).hexdigest()


def test_a_device_that_opened_the_link_may_look_on_and_not_act(mailed: Portal):
    phone = stranger(mailed)
    phone.post(f"confirm/{mailed.mailed_token()}/")
    run = mailed.run()
    Activation.objects.update(state=ActivationState.REFUSED, error_code="200039")
    Job.objects.update(state="failed", finished_at=timezone.now())

    page = phone.post("address/", email="thief@evil.example", run=run.uuid)

    assert "Please sign in again" in text_of(page)
    run.refresh_from_db()
    assert run.email != "thief@evil.example"


def test_another_users_link_in_the_same_browser_leaves_the_session_alone(
    arrived: Rig, portal: Portal
):
    other = "4533999999@nordictel.example"
    arrived.load(broadworks_users=[broadworks_user(other, first_name="Malthe")])
    arrived.sync()
    portal.until_mailed()
    token = portal.mailed_token()
    portal.post("leave/")
    portal.sign_in(other)

    page = portal.post(f"confirm/{token}/")

    assert "The address is confirmed" in text_of(page)
    assert "Hello Malthe" in text_of(portal.get("address/"))


# ---- The code ----


def test_a_wrong_code_can_be_tried_five_times_and_the_link_still_works(mailed: Portal):
    run = mailed.run().uuid
    right = mailed.mailed_code().replace(" ", "")
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    pages = [text_of(mailed.post("code/", code=wrong, run=run)) for _ in range(5)]
    sixth = text_of(mailed.post("code/", code=right, run=run))

    assert all("PH-CODE-WRONG" in page for page in pages[:4])
    assert "PH-CODE-EXPIRED" in pages[4]
    assert "PH-CODE-EXPIRED" in sixth
    assert PREPARING in text_of(mailed.post(f"confirm/{mailed.mailed_token()}/"))


def test_parallel_guesses_of_the_code_get_five_tries_together(mailed: Portal):
    run, right = mailed.run(), int(mailed.mailed_code().replace(" ", ""))
    cookies = mailed.browser.cookies.output(attrs=[], header="", sep=";")

    def guess(number: int) -> bool:
        browser = new_browser()
        browser.cookies.load(cookies)
        wrong = f"{(right + 1 + number) % 1_000_000:06d}"
        try:
            page = browser.post(mailed.url("code/"), {"code": wrong, "run": run.uuid})
            return "PH-CODE-WRONG" in page.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        judged = sum(pool.map(guess, range(12)))

    assert judged <= 4
    run.refresh_from_db()
    assert run.code_tries == 5


def test_the_code_works_ten_minutes(mailed: Portal, now):
    Activation.objects.update(code_expires_at=now - timedelta(seconds=1))

    page = mailed.post("code/", code=mailed.mailed_code(), run=mailed.run().uuid)

    assert "PH-CODE-EXPIRED" in text_of(page)


def test_the_code_is_worth_nothing_in_another_browser(mailed: Portal):
    page = stranger(mailed).post("code/", code=mailed.mailed_code(), run=mailed.run().uuid)

    assert "Please sign in again" in text_of(page)
    assert not Job.objects.exists()


# ---- Sending again ----


def test_send_again_waits_a_minute_on_the_server_too(mailed: Portal):
    page = mailed.post("sent/again/", run=mailed.run().uuid)

    assert "PH-MAIL-LIMIT" in text_of(page)
    assert Mail.objects.count() == 1


def test_a_mail_sent_again_replaces_link_and_code(mailed: Portal, now):
    older, code = mailed.mailed_token(), mailed.mailed_code()
    Mail.objects.update(created_at=now - timedelta(seconds=61))

    mailed.post("sent/again/", run=mailed.run().uuid)
    mailed.send_mails()

    assert mailed.mailed_token() != older
    assert "PH-LINK-USED" in text_of(stranger(mailed).post(f"confirm/{older}/"))
    if code != mailed.mailed_code():  # one in a million times they are equal
        wrong = mailed.post("code/", code=code, run=mailed.run().uuid)
        assert "PH-CODE-WRONG" in text_of(wrong)


def test_three_mails_an_hour_and_the_wait_is_told(mailed: Portal, now, settings):
    settings.MAIL_PER_ADDRESS = "100/3600"
    for minutes in (40, 20):
        Mail.objects.create(
            activation=mailed.run(),
            purpose="confirm",
            to="x@y.example",
            state="sent",
            created_at=now - timedelta(minutes=minutes),
        )
    Mail.objects.filter(state="sent", to="freja@firma.example").update(
        created_at=now - timedelta(minutes=10)
    )

    page = mailed.get("sent/")

    assert 1190 <= page.context["wait_seconds"] <= 1200
    assert "PH-MAIL-LIMIT" in text_of(mailed.post("sent/again/", run=mailed.run().uuid))


def test_the_row_of_the_user_follows(mailed: Portal):
    row = mailed.rig.row(USER)
    assert row.status == "pending_email_validation"

    mailed.post(f"confirm/{mailed.mailed_token()}/")

    job = Job.objects.get()
    assert (job.subscriber_id, job.requested_label) == (row.pk, USER)
