"""Who has waited longest, and who holds up a whole enterprise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.lists import longest_waiting
from provisioning.states import Status
from tests.factories import make_subscriber, make_template

NOW = timezone.now()


def ago(minutes):
    return NOW - timedelta(minutes=minutes)


def test_those_who_wait_come_longest_first_over_all_templates(template, partner):
    other = make_template(partner)
    second = make_subscriber(template, Status.WAITING_CONSENT, last_change_at=ago(8))
    first = make_subscriber(other, Status.WAITING_ADDRESS, last_change_at=ago(9))
    make_subscriber(other, Status.WAITING_ADDRESS, last_change_at=ago(7))
    make_subscriber(template, Status.ERROR, last_change_at=ago(20))
    make_subscriber(template, Status.WAITING_ADDRESS, last_change_at=ago(20), deleted_at=NOW)

    assert longest_waiting.longest_waiting([template.pk, other.pk], 2) == [first, second]


def test_the_oldest_of_an_error_is_of_those_whom_it_stops(template, partner):
    other = make_template(partner)
    make_subscriber(template, Status.ERROR, error_code="200042", last_change_at=ago(3))
    make_subscriber(other, Status.WAITING_ADDRESS, error_code="200042", last_change_at=ago(5))
    make_subscriber(other, Status.PROVISIONED, error_code="200042", last_change_at=ago(9))
    make_subscriber(other, Status.ERROR, last_change_at=ago(7))

    found = longest_waiting.oldest_of([template.pk, other.pk], ["200042", "uncoded", "200016"])

    assert found == {"200042": ago(5), "uncoded": ago(7)}


def test_the_first_who_came_is_first_where_nobody_is_active(template):
    make_subscriber(template, Status.ERROR, enterprise_id="a", backend_created_at=ago(5))
    first = make_subscriber(
        template, Status.WAITING_ADDRESS, enterprise_id="a", backend_created_at=ago(9)
    )
    make_subscriber(template, Status.ERROR, enterprise_id="b")
    make_subscriber(template, Status.PROVISIONED, enterprise_id="b")

    found = longest_waiting.stuck([template.pk])[template.pk]

    assert (found.firsts, found.looked_at) == ([first], None)


def test_it_says_when_not_everybody_was_looked_at(template, monkeypatch):
    monkeypatch.setattr(longest_waiting, "MAX_LOOKED_AT", 1)
    monkeypatch.setattr(longest_waiting, "LEAST_LOOKED_AT", 1)
    make_subscriber(template, Status.ERROR, enterprise_id="new", last_change_at=ago(1))
    first = make_subscriber(template, Status.ERROR, enterprise_id="old", last_change_at=ago(9))

    found = longest_waiting.stuck([template.pk])[template.pk]

    assert (found.firsts, found.looked_at) == ([first], 1)


@pytest.mark.parametrize("n", [1, 30])
def test_the_firsts_in_line_take_three_queries(template, n, django_assert_num_queries):
    for number in range(n):
        make_subscriber(template, Status.ERROR, enterprise_id=f"e{number}")

    with django_assert_num_queries(3):
        assert len(longest_waiting.stuck([template.pk])[template.pk].firsts) == n
