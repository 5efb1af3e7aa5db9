"""Whichever way is taken, a list shows what reading every row would show."""

from __future__ import annotations

import random
from copy import copy
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.lists import counts as user_counts
from provisioning.lists import (
    filters,
    query_plan,
    selectivity,
)
from provisioning.lists import finder as finder_module
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.lists.query_plan import Cursor
from provisioning.models import Subscriber
from tests.factories import make_subscriber, make_template

STATUSES = ["provisioned", "error", "pending_email_input", "moved_to_mars"]
NAMES = ["Åse Holm", "ASE HOLM", "Bo Østergård", "عمر Jensen", "🎉 Party", "Søren Søe", ""]
SEARCHES = ["", "o", "ø", "åse", "holm bo", "jensen", "33", "3312", "🎉", "x.example", "nobody"]


@pytest.fixture
def templates(partner):
    """Three templates with sixty users, some deleted."""
    made, luck, now = [make_template(partner) for _ in range(3)], random.Random(5), timezone.now()
    for number in range(60):
        first, _, last = luck.choice(NAMES).partition(" ")
        code = luck.choice(["", "", "200042", "200050"])
        user = make_subscriber(
            luck.choice(made),
            luck.choice(STATUSES),
            broadworks_id=f"u{number % 50}@x.example",
            first_name=first,
            last_name=last,
            enterprise_id=luck.choice(["E1", "E2"]),
            primary_phone=f"+45 33-12 {number:04d}",
            package=luck.choice(["standard", "basic", "strange"]),
            error_code=code,
            error_text="words" if code or number % 9 == 0 else "",
        )
        moment = now - timedelta(minutes=number % 7)
        gone = now if number % 10 == 0 else None
        Subscriber.objects.filter(pk=user.pk).update(last_change_at=moment, deleted_at=gone)
    return made


def plainly(templates, chosen: UserFilter) -> list[Subscriber]:
    """What the filter leaves, found by reading every row."""
    users = Subscriber.objects.live().filter(template__in=templates)
    return list(filters.ordered(filters.narrow(users, chosen), chosen.sort))


def some_filters() -> list[UserFilter]:
    luck = random.Random(11)
    return [
        UserFilter(
            q=luck.choice(SEARCHES),
            statuses=tuple(luck.sample(STATUSES, luck.choice([0, 0, 1, 2]))),
            packages=tuple(luck.sample(["standard", "basic", "none"], luck.choice([0, 0, 1, 2]))),
            error=luck.choice(["", "", "", "none", "uncoded", "200042", "999"]),
            enterprise=luck.choice(["", "", "E1", "E9"]),
            exclude_provisioned=luck.random() < 0.3,
            sort=luck.choice(sorted(filters.SORTS)),
        )
        for _ in range(120)
    ]


@pytest.mark.parametrize("most", [2, 10, 1000], ids="counted up to {}".format)
@pytest.mark.parametrize("number", [1, 3], ids="{} templates".format)
def test_rows_and_counts_are_those_of_reading_every_row(templates, monkeypatch, number, most):
    monkeypatch.setattr(finder_module, "MAX_COUNTED", most)
    monkeypatch.setattr(query_plan, "MAX_READ", most)
    monkeypatch.setattr(selectivity, "NEWEST", most)
    monkeypatch.setattr(selectivity, "MANY", most)
    monkeypatch.setattr(selectivity, "LEAST", most)
    chosen_templates = templates[:number]
    users = Subscriber.objects.live().filter(template__in=chosen_templates)

    for chosen in some_filters():
        finder = Finder(users, [template.pk for template in chosen_templates], chosen)
        expected = plainly(chosen_templates, chosen)

        assert [u.pk for u in finder.rows(5)] == [u.pk for u in expected[:5]], chosen
        assert [u.pk for u in finder.rows(7, backwards=True)] == [
            u.pk for u in expected[::-1][:7]
        ], chosen
        total, is_capped = finder.total
        assert total <= len(expected) if is_capped else total == len(expected), chosen
        assert not is_capped or len(expected) > most or total == 0, chosen
        if finder.by_status is not None:
            others = chosen.without("statuses", "exclude_provisioned")
            told = sorted(finder.by_status.elements())
            assert told == sorted(u.status for u in plainly(chosen_templates, others)), chosen


@pytest.mark.parametrize("most", [2, 10, 1000], ids="read up to {}".format)
@pytest.mark.parametrize("number", [1, 3], ids="{} templates".format)
def test_rows_beyond_a_row_are_those_behind_it(templates, monkeypatch, number, most):
    monkeypatch.setattr(finder_module, "MAX_COUNTED", 2)
    monkeypatch.setattr(query_plan, "MAX_READ", most)
    chosen_templates, luck = templates[:number], random.Random(3)
    users = Subscriber.objects.live().filter(template__in=chosen_templates)

    for chosen in some_filters():
        expected = plainly(chosen_templates, chosen)
        if not expected:
            continue
        finder = Finder(users, [template.pk for template in chosen_templates], chosen)
        place = luck.randrange(len(expected))
        value, pk = expected[place].sort_key, expected[place].pk
        is_down = chosen.sort.startswith("-")
        after, before = (Cursor(value, pk, is_less=less) for less in (is_down, not is_down))

        found = [u.pk for u in finder.rows(4, cursor=after)]
        assert found == [u.pk for u in expected[place + 1 :][:4]], chosen
        found = [u.pk for u in finder.rows(4, cursor=before, backwards=True)]
        assert found == [u.pk for u in expected[:place][::-1][:4]], chosen


@pytest.mark.parametrize("q", ["", "x.example"])
@pytest.mark.parametrize("sort", ["name", "-name", "broadworks_id", "-broadworks_id"])
@pytest.mark.parametrize("number", [1, 2], ids="{} templates".format)
def test_an_order_may_hide_whom_the_filters_leave(partner, monkeypatch, number, sort, q):
    """The first of one template are hidden, whichever end is first; of the other nobody is."""
    monkeypatch.setattr(finder_module, "MAX_COUNTED", 5)
    made = [make_template(partner) for _ in range(number)]
    for template, letter in zip(made, "ab", strict=False):
        pattern = make_subscriber(template, broadworks_id=f"{letter}@x.example")
        twins = [copy(pattern) for _ in range(150)]
        for place, twin in enumerate(twins):
            twin.pk, twin.uuid, twin.webex_id = None, uuid4(), f"{letter}{place}"
            twin.broadworks_id = twin.first_name = f"{letter}{place:03}@x.example"
            twin.package = "basic" if letter == "b" or 50 < place < 110 else "standard"
        Subscriber.objects.bulk_create(twins)
    chosen = UserFilter(q=q, packages=("basic",), sort=sort)
    users = Subscriber.objects.live().filter(template__in=made)

    found = Finder(users, [template.pk for template in made], chosen).rows(5)

    assert [user.broadworks_id for user in found] == [
        user.broadworks_id for user in plainly(made, chosen)[:5]
    ]


def test_a_count_is_right_as_soon_as_a_row_is_written(templates):
    def told() -> int:
        found = user_counts.of_templates([templates[0].pk])
        return sum(tally.n for tally in found if tally.status == "error")

    def counted() -> int:
        return users.filter(status="error").count()

    users = Subscriber.objects.live().filter(template=templates[0])
    everyone = Subscriber.objects.filter(template=templates[0])
    writes = [
        lambda: users.update(status="error"),
        lambda: make_subscriber(templates[0], "error"),
        lambda: everyone.filter(pk__in=[u.pk for u in users[:3]]).update(deleted_at=timezone.now()),
        lambda: users.filter(pk=users[0].pk).update(template=templates[1]),
        lambda: everyone.exclude(deleted_at=None).update(deleted_at=None),
        lambda: everyone.filter(pk=users[0].pk).delete(),
    ]
    for write in writes:
        write()
        assert told() == counted()
        user_counts.fold()
        assert told() == counted()


def test_folding_leaves_one_row_of_each_kind_and_none_of_nobody(templates):
    users = Subscriber.objects.live()
    users.update(status="error", package="basic", error_code="", error_text="")
    with connection.cursor() as cursor:
        user_counts.fold()
        cursor.execute("SELECT template_id, n FROM provisioning_usercount ORDER BY 1")
        found = cursor.fetchall()

    assert found == [(t.pk, users.filter(template=t).count()) for t in templates]


def test_the_number_of_queries_does_not_grow_with_the_templates(partner, templates):
    def queries(some) -> int:
        users = Subscriber.objects.live().filter(partner=partner)
        finder = Finder(users, [t.pk for t in some], UserFilter(statuses=("error",)))
        with CaptureQueriesContext(connection) as captured:
            assert finder.rows(50)
            assert finder.total
        return len(captured)

    more = [make_template(partner) for _ in range(5)]

    assert queries(templates) == queries([*templates, *more]) == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("søren", True), ("SOREN", True), ("soeren", True), ("sørensen", False), ("ær", True),
        ("aero", True), ("Æ", True), ("12", True), ("99", False), ("33129", True), ("a_b", True),
        ("a%b", False), ("é", True), ("ren ær", True),
    ],
)  # fmt: skip
def test_letters_are_found_however_they_are_written(template, text, found):
    make_subscriber(
        template, first_name="SØREN", last_name="Ærø-André", broadworks_id="a_b@voice.example",
        email="", primary_phone="+45 3312 9000", mobile_phone="", extension="",
    )  # fmt: skip
    finder = Finder(Subscriber.objects.live(), [template.pk], UserFilter(q=text))

    assert bool(finder.rows(1)) is found
    assert finder.total == (int(found), False)


def test_a_changed_name_is_found_and_the_old_one_is_not(template):
    user = make_subscriber(template, first_name="Vilhelmine", last_name="")
    Subscriber.objects.filter(pk=user.pk).update(first_name="Ragnhild")

    def found(text: str) -> int:
        users = Subscriber.objects.live().filter(template=template)
        return Finder(users, [template.pk], UserFilter(q=text)).total[0]

    assert (found("vilhelm"), found("ragn")) == (0, 1)
    Subscriber.objects.filter(pk=user.pk).update(deleted_at=timezone.now())
    assert found("ragn") == 0
