from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.rights import Role
from provisioning.exports import progress as export_progress
from provisioning.exports import request as export_request
from provisioning.exports import writer as export_writer
from provisioning.exports import xlsx as export_xlsx
from provisioning.models import Export
from provisioning.states import ExportState, Status
from tests import factories
from tests.userstatus.exports.made import download_of, make_export, page_of, ready
from userstatus.exports import texts as export_texts
from userstatus.row_keys import short

# ---- Asking ----


def test_the_address_opened_by_itself_asks_and_changes_nothing(browser, address, template):
    factories.make_subscriber(template, Status.ERROR)
    factories.make_subscriber(template)

    answer = browser.get(f"{address}?status=error&sort=name")

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<b>1</b> user" in html
    assert "Error" in html
    assert html.count("Export</button>") == 1
    assert not Export.objects.exists()


def test_the_click_answers_the_page_of_the_export(browser, address):
    answer = browser.post(f"{address}?status=error&after=abc&per_page=25")

    export = Export.objects.get()
    assert answer.status_code == 302
    assert answer.url == page_of(export)
    assert "status=error" in export.query
    assert "after" not in export.query


def test_all_templates_are_exported_from_their_own_address(browser, partner):
    browser.post(reverse("userstatus:export_all_start") + "?exclude_provisioned=on")

    export = Export.objects.get()
    assert (export.template, export.partner) == (None, partner)
    assert export.query == "exclude_provisioned=on"


def test_a_second_export_is_refused_with_words_and_a_way_to_the_first(browser, address, anna):
    running = make_export(anna, query="q=other")

    answer = browser.post(address)

    assert answer.status_code == 422
    assert "Another export of yours" in answer.content.decode()
    assert page_of(running) in answer.content.decode()
    assert Export.objects.count() == 1


@pytest.mark.parametrize("role", list(Role))
def test_every_role_may_export(client_of, address, partner, role):
    browser = client_of(factories.make_user(partner, role))

    assert browser.get(address).status_code == 200
    assert browser.post(address).status_code == 302


def test_another_partners_template_does_not_exist(client_of, carla, address):
    browser = client_of(carla)

    assert browser.get(address).status_code == 404
    assert browser.post(address).status_code == 404
    assert not Export.objects.exists()


def test_somebody_without_a_role_is_refused(client_of, address, partner):
    browser = client_of(factories.make_user(partner, role=""))

    assert browser.post(address).status_code == 403


def test_a_stranger_is_asked_to_sign_in(client, address):
    assert client.post(address).url.startswith("/login/")


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("?status=error", {"id": ["{a}.{foreign}", "{b}", "!"]}),
        ("", {"all": "on", "not": ["{c}"]}),
        ("", {"all": "on", "not": ["{c}"], "id": ["{a}"], "format": "doc"}),
    ],
)
def test_the_form_says_who_is_wanted(browser, address, template, carla, query, data):
    people = {name: factories.make_subscriber(template, broadworks_id=name) for name in "abc"}
    people["foreign"] = factories.make_subscriber(factories.make_template(carla.partner))
    keys = {name: short(person.pk) for name, person in people.items()}
    filled = {
        name: [one.format(**keys) for one in value] if isinstance(value, list) else value
        for name, value in data.items()
    }

    browser.post(f"{address}{query}", filled)

    export = Export.objects.get()
    chosen = export_writer.users_of(export).values_list("broadworks_id", flat=True)
    assert sorted(chosen) == ["a", "b"]
    assert (export.total, export.format) == (2, "csv")


def test_the_page_of_a_choice_says_so_and_keeps_it(browser, address, anna, template):
    people = [factories.make_subscriber(template) for _ in range(3)]
    keys = ".".join(short(person.pk) for person in people[:2])
    make_export(anna, query="q=other")

    html = browser.post(f"{address}?q=zzz", {"id": keys}).content.decode()

    assert "<b>2</b> selected users" in html
    assert f'<input type="hidden" name="id" value="{keys}">' in html
    assert "zzz" not in html.split("What is in it")[1].split("</dl>")[0]


def test_ticked_users_can_be_asked_for_by_an_address_too(browser, address, template):
    person = factories.make_subscriber(template)

    html = browser.get(f"{address}?id={short(person.pk)}").content.decode()

    assert "<b>1</b> selected user<" in html
    assert f'action="{address}"' in html


def test_nobody_and_too_many_are_answered_with_what_can_be_had(
    browser, address, template, monkeypatch
):
    factories.make_subscriber(template)
    nobody = browser.post(address, {"id": "zzzz"})
    monkeypatch.setattr(export_request, "MAX_NAMED", 1)
    too_many = browser.post(address, {"id": "1.2.3"})

    for answer in (nobody, too_many):
        assert answer.status_code == 422
        assert "<b>1</b> user<" in answer.content.decode()
        assert 'name="id"' not in answer.content.decode()
    assert "Export all that match" in too_many.content.decode()


def test_excel_is_chosen_at_the_start(browser, address, template):
    factories.make_subscriber(template)

    browser.post(address, {"format": "xlsx"})

    export = Export.objects.get()
    assert (export.format, export.file_name[-5:]) == ("xlsx", ".xlsx")


def test_too_many_for_excel_are_offered_as_csv(browser, address, template, monkeypatch):
    for _ in range(3):
        factories.make_subscriber(template)
    monkeypatch.setattr(export_xlsx, "MAX_ROWS", 2)

    answer = browser.post(address, {"format": "xlsx"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Excel file takes at most 2 users, and these are 3" in html
    assert 'value="xlsx"' not in html
    assert html.count("Export</button>") == 1
    assert not Export.objects.exists()


# ---- Watching ----


def test_a_running_export_says_how_far_it_is_and_how_long_it_takes(
    browser, anna, template, monkeypatch
):
    began = timezone.now() - timedelta(seconds=10)
    export = make_export(anna, template, state=ExportState.WRITING, writing_at=began, total=400_000)
    monkeypatch.setattr(export_progress, "rows_so_far", lambda export: 120_000)

    html = browser.get(page_of(export)).content.decode()

    assert "<b>120,000</b> of <b>400,000</b> users, about 25 seconds left" in html
    assert 'value="120000" max="400000"' in html


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "about 1 second left"),
        (10, "about 10 seconds left"),
        (11, "about 15 seconds left"),
        (89, "about 90 seconds left"),
        (90, "about 2 minutes left"),
        (3000, "about 50 minutes left"),
    ],
)
def test_time_left_is_said_as_exactly_as_it_is_known(seconds, words):
    assert export_texts.time_left(seconds) == words


def test_the_export_of_ticked_users_says_so(browser, anna, template):
    person = factories.make_subscriber(template)
    export = ready(anna, template, ticked=[person.pk], total=1)

    html = browser.get(page_of(export)).content.decode()

    assert "1 selected user," in html
    assert "Only those selected" in html


# ---- Cancelling ----


def cancel_of(export: Export) -> str:
    return reverse("userstatus:export_cancel", args=[export.uuid])


def test_an_unfinished_export_can_be_cancelled_without_scripts(browser, anna, template):
    person = factories.make_subscriber(template)
    export = make_export(anna, template, ticked=[person.pk], format="xlsx")
    page = browser.get(page_of(export)).content.decode()
    assert f'<form method="post" action="{cancel_of(export)}">' in page

    answer = browser.post(cancel_of(export), follow=True)

    html = answer.content.decode()
    assert "You cancelled this export" in html
    assert "refresh" not in html
    assert cancel_of(export) not in html
    assert f'name="id" value="{short(person.pk)}"' in html
    assert 'name="format" value="xlsx"' in html


def test_a_cancelled_export_gives_no_file(browser, anna, template):
    export = make_export(anna, template)
    browser.post(cancel_of(export))

    answer = browser.get(download_of(export))

    assert answer.status_code == 410
    assert "You cancelled this export" in answer.content.decode()


def test_a_finished_export_stays_when_somebody_cancels_it(browser, anna, template):
    export = ready(anna, template)

    assert browser.post(cancel_of(export)).url == page_of(export)
    assert download_of(export) in browser.get(page_of(export)).content.decode()


def test_only_its_owner_cancels_an_export(client_of, bo, carla, anna, template):
    export = make_export(anna, template)

    for person in (bo, carla):
        assert client_of(person).post(cancel_of(export)).status_code == 404
    assert Export.objects.get().state == ExportState.QUEUED


def test_the_poll_that_finds_the_end_takes_cancel_away(browser, anna, template):
    export = ready(anna, template)

    answer = browser.get(page_of(export) + "?seen=writing", headers={"hx-request": "true"})

    assert '<div id="export-cancel" hx-swap-oob="innerHTML"></div>' in answer.content.decode()


def test_an_unfinished_export_polls(browser, anna, template):
    export = make_export(anna, template)

    html = browser.get(page_of(export)).content.decode()

    assert "Waiting for its turn" in html
    assert f'hx-get="{page_of(export)}?seen=queued"' in html
    assert "data-download" not in html


def test_a_poll_that_finds_no_change_changes_nothing(browser, anna, template):
    export = make_export(anna, template)

    answer = browser.get(page_of(export) + "?seen=queued", headers={"hx-request": "true"})

    assert answer.status_code == 204


def test_the_poll_that_finds_the_file_brings_the_link_and_ends(browser, anna, template):
    export = ready(anna, template)

    answer = browser.get(page_of(export) + "?seen=writing", headers={"hx-request": "true"})

    html = answer.content.decode()
    assert "<html" not in html
    assert f'href="{download_of(export)}" data-download' in html
    assert "hx-get" not in html
    assert 'hx-swap-oob="innerHTML"' in html


def test_without_scripts_the_page_goes_on_by_itself(browser, anna, template):
    waiting = browser.get(page_of(make_export(anna, template))).content.decode()
    Export.objects.all().delete()
    done = ready(anna, template)

    html = browser.get(page_of(done)).content.decode()

    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in waiting
    assert f'<noscript><meta http-equiv="refresh" content="0; url={download_of(done)}">' in html


def test_a_file_of_a_while_ago_is_not_downloaded_by_itself(browser, anna, template):
    export = ready(anna, template)
    Export.objects.update(ready_at=timezone.now() - timedelta(hours=1))

    html = browser.get(page_of(export)).content.decode()

    assert download_of(export) in html
    assert "data-download" not in html
    assert "refresh" not in html


@pytest.mark.parametrize(
    "code",
    [
        export_writer.DISK_FULL,
        export_writer.NO_FILE,
        export_writer.TOO_LATE,
        export_writer.NO_RIGHT,
        export_writer.BROKEN,
    ],
)
def test_a_failure_says_what_happened_and_offers_another_try(browser, anna, template, code):
    query = f"template={template.uuid}&status=error"
    export = make_export(anna, template, state=ExportState.FAILED, error=code, query=query)

    html = browser.get(page_of(export)).content.decode()

    assert code in html
    again = re.search(r'method="post" action="([^"]+)">.*?Try again', html, re.DOTALL)
    assert again
    assert browser.post(again[1].replace("&amp;", "&")).status_code == 302
    assert Export.objects.latest("pk").query == query


@pytest.mark.parametrize(
    ("code", "words", "offer"),
    [
        (export_writer.TOO_LARGE, "grew larger than an Excel file takes", "Make a CSV file"),
        (export_writer.NO_TEMPLATE, "is not there any more", "Templates"),
    ],
)
def test_where_the_same_would_fail_again_something_else_is_offered(
    browser, anna, template, code, words, offer
):
    export = make_export(anna, template, state=ExportState.FAILED, error=code, format="xlsx")

    card = browser.get(page_of(export)).content.decode().split('id="export-card"')[1]

    assert words in card
    assert offer in card
    assert "Try again" not in card.split("</section>")[0]


def test_the_page_says_what_is_in_the_file(browser, anna, template):
    export = make_export(
        anna, template, query="q=holm&status=error&package=premium&error=none&sort=name"
    )

    html = browser.get(page_of(export)).content.decode()

    for words in ("SMB Denmark", "holm", "Error", "Premium", "None", "Name"):
        assert f"<dd>{words}</dd>" in html


def test_the_template_is_named_wherever_the_filter_came_from(browser, anna, carla, template):
    own = make_export(anna, None, query=f"template={template.uuid}")
    foreign = factories.make_template(carla.partner, "Secret")
    gone = make_export(anna, None, query=f"template={foreign.uuid}")

    page, other = (browser.get(page_of(one)).content.decode() for one in (own, gone))

    assert "Export of SMB Denmark" in page
    assert "<dd>SMB Denmark</dd>" in page
    assert "<dd>A template that is not there any more</dd>" in other
    assert "Secret" not in other


@pytest.mark.parametrize("who", ["bo", "carla"])
def test_the_export_of_somebody_else_does_not_exist(request, client_of, anna, template, who):
    export = ready(anna, template)
    browser = client_of(request.getfixturevalue(who))

    assert browser.get(page_of(export)).status_code == 404
    assert browser.get(download_of(export)).status_code == 404
    assert not AuditEvent.objects.filter(action="export.download").exists()


def test_operations_are_sent_to_their_own_pages(client_of, anna):
    export = ready(anna)

    assert client_of(factories.make_user(None)).get(download_of(export)).url == "/admin/"
