"""What part of a list a search finds is seen by some users from everywhere in it."""

from __future__ import annotations

import math
from copy import copy
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning.lists import finder as finder_module
from provisioning.lists import selectivity
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.lists.search import Search
from provisioning.lists.selectivity import Sample
from provisioning.models import Subscriber
from tests.factories import make_subscriber, make_template


def make_many(template, number: int, name: str) -> None:
    """Users of one name, one after the other."""
    pattern = make_subscriber(template, first_name=name, last_name="", email="")
    twins = [copy(pattern) for _ in range(number - 1)]
    for place, twin in enumerate(twins):
        twin.pk, twin.uuid, twin.webex_id = None, uuid4(), f"{template.pk}{name}{place}"
        twin.broadworks_id = f"{name}{place}@x.example"
    Subscriber.objects.bulk_create(twins)


def latest(template):
    return Subscriber.objects.filter(template=template).order_by("-pk").values("pk")


@pytest.fixture
def crowd(partner, template, monkeypatch):
    """Two hundred Annas, a hundred and fifty Bos after them, and as many Annas of another list."""
    monkeypatch.setattr(selectivity, "MANY", 100)
    monkeypatch.setattr(selectivity, "MAX_TRIED", 1_000_000)  # ids of other tests lie before them
    monkeypatch.setattr(finder_module, "MAX_COUNTED", 5)
    make_many(template, 200, "Anna")  # who changed last
    make_many(make_template(partner), 350, "Anna")
    make_many(template, 150, "Bo")  # who came last
    return template


@pytest.mark.parametrize(("text", "truth"), [("anna", 200 / 350), ("bo", 150 / 350)])
def test_the_newest_do_not_mislead(crowd, text, truth):
    seen = selectivity.spread(Search(text), [crowd.pk], 350)

    assert seen.size == 350
    assert seen.share == pytest.approx(truth, abs=0.15)


def test_the_newest_of_a_list_are_seen_where_it_is_short(crowd, monkeypatch):
    monkeypatch.setattr(selectivity, "MANY", 350)

    assert selectivity.spread(Search("anna"), [crowd.pk], 350) is None
    assert selectivity.newest(Search("anna"), latest(crowd)).found == 0
    assert selectivity.newest(Search("bo"), latest(crowd)).share == 1


def test_a_list_whose_users_are_hard_to_meet_has_no_spread_sample(crowd, monkeypatch):
    monkeypatch.setattr(selectivity, "MAX_TRIED", 20)

    assert selectivity.spread(Search("anna"), [crowd.pk], 350) is None


def test_nobody_found_is_not_taken_for_nobody_there(crowd):
    assert selectivity.newest(Search("carla"), latest(crowd)).share > 0
    assert selectivity.spread(Search("carla"), [crowd.pk], 350).share > 0


@pytest.mark.parametrize("size", [50_000, 120_000, 400_000, 5_000_000])
@pytest.mark.parametrize("seen", [100, 300, 1000])
def test_more_than_so_many_is_said_only_when_it_is_as_good_as_certain(seen, size):
    told = [n for n in range(seen + 1) if Sample(n, seen, size).finds_more_than(1000)]
    part = 1000 / size  # the most that the search may find without being more than 1,000
    chance = sum(math.comb(seen, n) * part**n * (1 - part) ** (seen - n) for n in told)

    assert told, "a search that finds everybody finds more"
    assert chance < 1e-11


def test_the_newest_alone_prove_nothing():
    assert not Sample(100, 100).finds_more_than(1000)


def test_a_search_that_finds_very_many_is_not_counted_one_by_one(crowd):
    users = Subscriber.objects.live().filter(template=crowd)
    finder = Finder(users, [crowd.pk], UserFilter(q="anna"))
    assert finder.everyone

    with CaptureQueriesContext(connection) as captured:
        assert finder.total == (5, True)

    assert not any("LIMIT 6" in query["sql"] for query in captured)


def test_a_lifted_filter_asks_again_only_what_it_changes(crowd):
    users = Subscriber.objects.live().filter(template=crowd)
    chosen = UserFilter(q="carla", packages=("basic",), enterprise="E1")
    finder = Finder(users, [crowd.pk], chosen)
    assert finder.total == (0, False)

    with CaptureQueriesContext(connection) as captured:
        assert finder.lifted("packages").total == (0, False)
    assert not captured
    for name in ("q", "enterprise"):
        fresh = Finder(users, [crowd.pk], chosen.without(name))
        assert finder.lifted(name).total == fresh.total
        assert finder.lifted(name).rows(3) == fresh.rows(3)
