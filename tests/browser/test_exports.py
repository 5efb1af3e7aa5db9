"""The pages of an export in a browser: asking, cancelling, the file that comes by itself."""

from __future__ import annotations

import re
import zipfile

import pytest
from playwright.sync_api import expect

from provisioning.exports import services as export_services
from provisioning.jobs import outbox
from provisioning.models import Export
from provisioning.states import Status
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch, tmp_path, settings):
    """No worker runs: the test writes when it wants to."""
    settings.EXPORTS_DIR = tmp_path / "exports"
    monkeypatch.setattr(outbox, "publish", lambda task, **ids: None)


def test_an_export_can_be_cancelled_and_made_again(open_list, template):
    factories.make_subscriber(template, Status.ERROR)
    page = open_list()

    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You cancelled this export")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    page.get_by_role("button", name="Make it again").click()

    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    assert Export.objects.count() == 2


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, {"width": 390, "height": 800}])
def test_an_excel_file_comes_by_itself_once_it_is_written(open_list, template, size):
    factories.make_subscriber(template, Status.ERROR)
    page = open_list(viewport=size)
    page.get_by_role("button", name="Excel", exact=True).click()
    expect(page).to_have_url(re.compile("/exports/"))

    with page.expect_download() as download:
        export_services.write(Export.objects.get().pk)

    assert zipfile.is_zipfile(download.value.path())
    expect(page.get_by_role("link", name="Download Excel file")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
