from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from provisioning.exports import files as export_files
from provisioning.exports import services as export_services
from provisioning.models import Export
from tests import factories
from tests.userstatus.exports.made import download_of, make_export, page_of, ready


def test_the_download_is_an_attachment_with_our_name(browser, anna, template):
    factories.make_subscriber(template)
    export = ready(anna, template)

    answer = browser.get(download_of(export))

    content = b"".join(answer.streaming_content)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert int(answer["Content-Length"]) == len(content) == export.size
    assert content == export_files.path_of(export).read_bytes()


def test_an_excel_file_is_handed_out_as_one(browser, anna, template):
    export = ready(anna, template, format="xlsx", file_name="users.xlsx")

    answer = browser.get(download_of(export))

    assert b"".join(answer.streaming_content).startswith(b"PK")
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert answer["Content-Disposition"] == 'attachment; filename="users.xlsx"'
    assert "Download Excel file" in browser.get(page_of(export)).content.decode()


def test_every_download_is_audited(browser, anna, template):
    export = ready(anna, template)

    for _ in range(2):
        b"".join(browser.get(download_of(export)).streaming_content)

    events = AuditEvent.objects.filter(action="export.download", object_id=str(export.uuid))
    assert [event.actor for event in events] == [anna, anna]
    assert events[0].after == {"rows": export.rows, "sha256": export.sha256}


def test_asking_about_the_file_without_taking_it_is_no_download(browser, anna, template):
    export = ready(anna, template)

    answer = browser.head(download_of(export))
    for close in answer._resource_closers:  # as the server does at the end of the answer
        close()

    assert (answer.status_code, int(answer["Content-Length"])) == (200, export.size)
    assert not AuditEvent.objects.filter(action="export.download").exists()


def test_a_download_before_the_file_is_ready_leads_to_the_page(browser, anna, template):
    export = make_export(anna, template)

    assert browser.get(download_of(export)).url == page_of(export)


def lose(export: Export, how: str) -> None:
    """Do to a file what can happen to it on a disk."""
    path = export_files.path_of(export)
    whole = path.read_bytes()
    path.unlink()
    if how == "cut short":
        path.write_bytes(whole[:-1])
    elif how == "unreadable":
        path.mkdir()


@pytest.mark.parametrize("how", ["gone", "cut short", "unreadable"])
def test_a_lost_file_is_said_to_be_lost_wherever_one_looks(browser, anna, template, how):
    export = ready(anna, template)
    lose(export, how)

    answer = browser.get(download_of(export))
    page = browser.get(page_of(export))

    assert answer.status_code == 410
    for html in (answer.content.decode(), page.content.decode()):
        assert "lost or damaged" in html
        assert "PH-EXPORT-LOST" in html
        assert "Try again" in html
        assert "after 24 hours" not in html
    assert not AuditEvent.objects.filter(action="export.download").exists()


@pytest.mark.parametrize("how", ["past its time", "deleted"])
def test_a_file_that_is_over_says_so_and_offers_a_new_one(browser, anna, template, how):
    export = ready(anna, template)
    Export.objects.update(expires_at=timezone.now())
    if how == "deleted":
        export_services.tidy(timezone.now())

    answer = browser.get(download_of(export))

    assert answer.status_code == 410
    assert "no longer here" in answer.content.decode()
    assert "Make it again" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="export.download").exists()


def test_rights_are_checked_at_the_download(client_of, anna, template):
    export = ready(anna, template)
    anna.role = ""
    anna.save()

    assert client_of(anna).get(download_of(export)).status_code == 403


def test_a_closed_account_gets_no_file(browser, anna, template):
    export = ready(anna, template)
    type(anna).objects.filter(pk=anna.pk).update(is_active=False)

    assert browser.get(download_of(export)).url.startswith("/login/")


def test_somebody_who_moved_to_another_partner_has_no_more_exports(browser, anna, carla, template):
    export = ready(anna, template)
    type(anna).objects.filter(pk=anna.pk).update(partner=carla.partner)

    assert browser.get(download_of(export)).status_code == 404
