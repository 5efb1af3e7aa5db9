"""Times as one reader sees them: in his zone, with the date whenever it isn't today."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from common.times import Clock
from provisioning.models import Subscriber
from provisioning.states import Status
from tests import factories

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
COPENHAGEN, TOKYO = ZoneInfo("Europe/Copenhagen"), ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        (datetime(2026, 12, 1, 8, 5, tzinfo=UTC), COPENHAGEN, "09:05"),
        (datetime(2026, 11, 30, 11, 42, tzinfo=UTC), COPENHAGEN, "30 Nov 12:42"),
        (datetime(2026, 11, 30, 23, 30, tzinfo=UTC), COPENHAGEN, "00:30"),
        (datetime(2026, 12, 1, 16, 0, tzinfo=UTC), TOKYO, "2 Dec 01:00"),
        (datetime(2025, 12, 1, 12, 0, tzinfo=UTC), COPENHAGEN, "1 Dec 2025 13:00"),
    ],
)
def test_a_time_of_day_bears_its_date_unless_that_is_today(moment, zone, words):
    with translation.override("en"):
        assert Clock(NOW, zone, "en").short(moment) == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "words"),
    [("Asia/Tokyo", "JST"), ("", "CET"), ("Mars/Olympus", "CET"), ("../../etc/passwd", "CET")],
)
def test_a_page_tells_times_in_the_zone_of_its_readers_browser(
    template, anna, client_of, zone, words
):
    client: Client = client_of(anna)
    client.cookies["zone"] = zone
    user: Subscriber = factories.make_subscriber(template, Status.ERROR)
    Subscriber.objects.update(backend_created_at=NOW)

    page = client.get(user.get_absolute_url()).content.decode()

    assert f":00 {words}" in page
