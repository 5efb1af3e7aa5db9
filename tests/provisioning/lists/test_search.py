from __future__ import annotations

from urllib.parse import urlencode

import pytest

from provisioning.lists import filters
from provisioning.lists.search import Search
from provisioning.models import Subscriber
from tests.factories import make_subscriber


def shown(query: str) -> list[str]:
    """BroadWorks IDs, without their host, in the order of the screen."""
    chosen = filters.parse(query)
    users = filters.ordered(filters.narrow(Subscriber.objects.live(), chosen), chosen.sort)
    return [user.broadworks_id.partition("@")[0] for user in users]


SAME_NAMES = [
    ["Łukasz", "Lukasz", "LUKASZ", "Lukasz"],
    ["Šárka Žďár", "Sarka Zdar"],
    ["Guðrún Þóra", "Gudrun Thora"],
    ["Strauß", "Strauss", "STRAUẞ"],
    [
        "O'Brien",
        "O’Brien",
        "O‘Brien",
        "O´Brien",
        "O`Brien",
        "Oʼbrien",
        "OBrien",
        "O＇Brien",
        "O′Brien",
    ],
    [
        "Anne-Marie",
        "Anne\u2011Marie",
        "Anne–Marie",
        "Anne\u2010Marie",
        "Anne−Marie",
        "Anne\u00ad-Marie",
    ],
    ["finn", "ﬁnn", "Ｆｉｎｎ"],
    [
        "Aage Holm",
        "Holm, Aage",
        "Åge Holm",
        "Holm,Aage",
        "A\u030age HOLM",
        "Holm; Åge",
        "HOLM，AAGE",
    ],
    ["Søren Ærø", "Soeren Aeroe", "Sören Äro", "soren aero", "So\u0338ren Ærø"],
    ["Jürgen Müller", "Juergen Mueller", "Jurgen Muller"],
    ["İbrahim Işık", "Ibrahim Isik", "ibrahim ışık", "IBRAHIM IŞIK"],
    ["ΟΔΥΣΣΕΥΣ", "Οδυσσεύς", "οδυσσευσ"],
    ["Nguyễn Thị Hương", "Nguyen Thi Huong", "Nguye\u0302\u0303n"],
    ["Дмитрий", "Dmitrii", "ДМИТРИЙ", "Дмитрии\u0306"],
    ["Đorđe Ŀuís", "Dorde Luis"],
    ["ʿAlī", "Ali", "’Ali"],
    ["Zoë d’Arc", "Zoe d'Arc", "Zoe\u200b darc"],
    ["L\u2019Écuyer\u00a0Jean", "l'ecuyer jean"],
    ["がくと", "か\u3099くと"],
]


def ways(text: str) -> list[set[int]]:
    """Whom a search finds by reading all texts, among few users, and by the index in two ways."""
    search, users = Search(filters.clean(text, 64)), Subscriber.objects.live()
    templates = [*users.values_list("template_id", flat=True).distinct()]
    found = [
        *(search.narrow(users), search.narrow(users, templates), search.among(users)),
        *(search.found(), search.found(templates), search.found(templates, is_rare=True)),
    ]
    return [set(one.values_list("pk", flat=True)) for one in found]


@pytest.mark.parametrize(
    "text", ["Åge", "aage holm", "+45 (0) 33 90 00 01", "33900001 ext. 12", "'"]
)
def test_every_way_of_searching_finds_the_same(template, text):
    for name in ["Åge", "Aage", "Age", "Bo"]:
        for phone, extension in [("+4533900001", "12"), ("33 90 00 01", ""), ("+4612345678", "12")]:
            make_subscriber(
                template,
                first_name=name,
                last_name="Holm",
                primary_phone=phone,
                extension=extension,
            )

    first, *others = ways(text)

    assert all(other == first for other in others)
    assert bool(first) is (text != "'")


@pytest.mark.parametrize("names", SAME_NAMES, ids=lambda names: names[0])
def test_a_name_is_found_in_each_of_its_spellings(template, names):
    for number, name in enumerate(names):
        make_subscriber(template, broadworks_id=str(number), first_name="", last_name=name)
    make_subscriber(template, broadworks_id="another", first_name="Quentin", last_name="Xyz")
    shorter = [
        number for number, name in enumerate(names) if len(name.split()) < len(names[0].split())
    ]

    for name in names:
        found = shown(urlencode({"q": name, "sort": "broadworks_id"}))
        assert [int(one) for one in found if int(one) not in shorter] == [
            *(number for number in range(len(names)) if number not in shorter)
        ], name


NUMBERS = [
    *("+4533900001", "004533900001", "+45 (0) 33 90 00 01", "33 90 00 01", "tel:+45-33-90-00-01"),
    *("tlf.: 33900001", "+45[0]33900001", "(+45) 33.90.00.01", "011 45 33900001", "33900001 "),
    *("４５３３９００００１", "sip:+4533900001", "Tel. +45 33900001"),
]
PARTS_OF_NUMBERS = ["0045 3390", "+45 (0)33 90", "tel:+453", "9000", "453390000"]


@pytest.mark.parametrize("typed", NUMBERS)
@pytest.mark.parametrize("stored", NUMBERS[:6])
def test_a_number_is_found_in_each_of_its_spellings(template, stored, typed):
    make_subscriber(template, broadworks_id="one", email="", primary_phone=stored)
    make_subscriber(template, broadworks_id="two", email="", mobile_phone=stored)
    make_subscriber(template, broadworks_id="other", email="", primary_phone="+46812345678")

    assert sorted(shown(urlencode({"q": typed}))) == ["one", "two"]


@pytest.mark.parametrize("typed", PARTS_OF_NUMBERS)
@pytest.mark.parametrize("stored", NUMBERS[:3])
def test_the_beginning_of_a_number_is_found_while_it_is_typed(template, stored, typed):
    make_subscriber(template, broadworks_id="one", email="", primary_phone=stored)
    make_subscriber(template, broadworks_id="other", email="", primary_phone="+46812345678")

    assert shown(urlencode({"q": typed})) == ["one"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("+45 33 90 00 01 ext. 12", ["one"]),
        ("33900001 lok. 12", ["one"]),
        ("33900001x12", ["one"]),
        ("tel:+4533900001;ext=12", ["one"]),
        ("+4533900001 #34", ["two"]),
        ("+4533900001 ext. 99", []),
        ("06 1 234 5678", ["hu"]),
        ("8 (926) 111-45-00", ["ru"]),
        ("0170 1234567", ["de"]),
    ],
)
def test_a_number_is_found_as_it_is_dialled(template, typed, found):
    for name, number, extension in [
        ("one", "+4533900001", "12"),
        ("two", "+4533900001", "34"),
        ("hu", "+3612345678", ""),
        ("ru", "+79261114500", ""),
        ("de", "+491701234567", ""),
    ]:
        make_subscriber(
            template, broadworks_id=f"{name}@x", primary_phone=number, extension=extension
        )

    assert shown(urlencode({"q": typed})) == found


@pytest.mark.parametrize(
    "typed", ["blåbær.example", "xn--blbr-roah.example", "anna@blåb", "bla\u030abær"]
)
@pytest.mark.parametrize("stored", ["anna@xn--blbr-roah.example", "anna@blåbær.example"])
def test_an_address_is_found_as_it_is_seen_and_as_it_is_sent(template, stored, typed):
    make_subscriber(template, broadworks_id="one", email=stored)
    make_subscriber(template, broadworks_id="two", email="anna@klara.example")

    assert shown(urlencode({"q": typed})) == ["one"]


@pytest.mark.parametrize("text", ["'", "\u0301", "“”", ",", "\u00ad"])
def test_a_search_for_nothing_that_is_read_finds_nobody(template, text):
    make_subscriber(template)

    assert not filters.narrow(Subscriber.objects.live(), filters.UserFilter(q=text)).exists()
