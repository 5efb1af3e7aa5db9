from __future__ import annotations

import unicodedata
from urllib.parse import urlencode

import pytest

from provisioning.lists import filters
from provisioning.models import Subscriber
from tests.factories import make_subscriber, make_template


def shown(query: str) -> list[str]:
    """BroadWorks IDs, without their host, in the order of the screen."""
    chosen = filters.parse(query)
    users = filters.ordered(filters.narrow(Subscriber.objects.live(), chosen), chosen.sort)
    return [user.broadworks_id.partition("@")[0] for user in users]


@pytest.fixture
def freja(template):
    return make_subscriber(
        template, "error", broadworks_id="freja@voice.example", first_name="Freja",
        last_name="Nørgaard", email="freja@Firma.example", primary_phone="+45 33 12-12 12",
        mobile_phone="0045 2011 2233", error_code="200042", package="basic", minutes_ago=3,
    )  # fmt: skip


@pytest.fixture
def osten(template):
    return make_subscriber(
        template, "provisioned", broadworks_id="osten@voice.example", first_name="Åse Marie",
        last_name="Østen", email="", primary_phone="", enterprise_id="Nordictel+andet",
        package="premium", minutes_ago=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FREJA", True),
        ("reja@voice", True),
        ("nørg", True),
        ("NØRG", True),
        ("freja nørgaard", True),
        ("  nørgaard   freja ", True),
        ("@firma.EXAMPLE", True),
        ("33121212", True),
        ("+45 3312 1212", True),
        ("(33) 12.12-12", True),
        ("2011 22", True),
        ("1212004520", False),
        ("freja østen", False),
        ("%", False),
        ("_", False),
        ("\\", False),
        ("\0freja", True),
        ("frej\ud800a", True),
        ("'; drop table", False),
        ("Freja\tNørgaard", True),  # two cells of a spreadsheet
        ("Freja\r\nNørgaard", True),
        ("\u202a+45 33 12 12 12\u202c", True),  # from an address book
        ("\ufeffFreja\u200b Nør\u00adgaard", True),
        ("\ufeffFreja\u200b Nørgaard\u00ad", True),
        ("+45\u201133\u201312", True),
    ],
)
def test_any_part_of_id_name_address_or_phone_is_found(freja, text, found):
    chosen = filters.UserFilter(q=filters.clean(text, filters.SEARCH_LENGTH))

    assert filters.narrow(Subscriber.objects.live(), chosen).exists() is found


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_letters_and_their_marks_are_found_however_they_are_put_together(template, stored, typed):
    make_subscriber(template, "error", last_name=unicodedata.normalize(stored, "Gråbøl Sjöström"))
    text = unicodedata.normalize(typed, "GRÅBØL sjöst")
    chosen = filters.UserFilter(q=filters.clean(text, filters.SEARCH_LENGTH))

    assert filters.narrow(Subscriber.objects.live(), chosen).count() == 1


@pytest.mark.usefixtures("freja", "osten")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["osten", "freja"]),
        ("status=error", ["freja"]),
        ("status=error&status=provisioned", ["osten", "freja"]),
        ("status=gone_fishing", []),
        ("package=basic", ["freja"]),
        ("package=basic&package=premium", ["osten", "freja"]),
        ("error=200042", ["freja"]),
        ("error=none", ["osten"]),
        ("error=999999", []),
        ("enterprise=Nordictel%2Bandet", ["osten"]),
        ("exclude_provisioned=on", ["freja"]),
        ("exclude_provisioned=on&status=provisioned", []),
        ("sort=last_change", ["freja", "osten"]),
        ("sort=broadworks_id", ["freja", "osten"]),
        ("sort=-broadworks_id", ["osten", "freja"]),
        ("sort=name", ["freja", "osten"]),
        ("sort=-name", ["osten", "freja"]),
        ("q=%C3%B8sten", ["osten"]),
    ],
)
def test_each_filter_shows_what_it_says(query, expected):
    assert shown(query) == expected


def test_an_error_without_a_code_is_an_error(template):
    make_subscriber(template, "error", error_text="something went wrong")

    assert shown("error=none") == []


def test_one_of_several_templates_can_be_chosen(template, partner, freja):
    other = make_template(partner)
    make_subscriber(other, broadworks_id="other")

    assert shown(f"template={other.uuid}") == ["other"]


def test_names_are_in_the_order_of_a_danish_telephone_book(template):
    for name in ["Ødegaard", "adam", "Åse", "Zoe", "Ældste", "Édith", "Eva", "Bo"]:
        make_subscriber(template, broadworks_id=name, first_name=name, last_name="")

    assert shown("sort=name") == ["adam", "Bo", "Édith", "Eva", "Zoe", "Ældste", "Ødegaard", "Åse"]


def test_decomposed_foreign_and_marked_letters_sort_with_their_base(template):
    names = [
        *(
            "Anne",
            "Bo",
            "Dora",
            "Đorđe",
            "Dpa",
            "Dørthe",
            "Lukas",
            "Łukasz",
            "O’Adam",
            "Obel",
            "O'Ben",
        ),
        *("Sara", "Šárka", "Strauß", "Strausz", "Ulla", "Ùlrik", "Yrsa", "Ýrsu", "Zoe", "Żoja"),
        *("Ægir", "A\u0308lv", "Øjvind", "O\u0308rn", "A\u030age", "Åse", "Дмитрий", "Ольга"),
    ]
    for name in reversed(names):
        make_subscriber(template, broadworks_id=name, first_name="", last_name=name)

    assert shown("sort=name") == names


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ("sort=salary", 1),
        ("exclude_provisioned=perhaps", 1),
        ("template=mine", 1),
        ("q=" + "x" * 65, 1),
        ("sort=name&exclude_provisioned=on&q=" + "x" * 64, 0),
    ],
)
def test_what_cannot_be_read_is_told(query, problems):
    assert len(filters.parse(query).problems) == problems


def test_odd_input_does_no_harm(db):
    query = "q=%00%ED%A0%80%FF&status=%00&package=%ED%A0%80&error=%00x&enterprise=%FF&sort=%00"

    assert shown(query) == []


def test_the_query_string_says_the_same_filter():
    query = "q=a+b&status=error&status=x&package=basic&error=1&enterprise=e&exclude_provisioned=on"
    chosen = filters.parse(f"{query}&sort=name")

    assert filters.parse(chosen.query()) == chosen
    assert set(chosen.active) == {
        *("q", "statuses", "packages", "error", "enterprise", "exclude_provisioned")
    }


def test_one_filter_can_be_lifted():
    chosen = filters.parse("q=a&status=error&sort=name")

    assert chosen.without("q").query() == "status=error&sort=name"


def test_the_address_stays_short_enough_for_the_poll():
    query = "&".join(f"status={i}" for i in range(150))

    assert len(filters.parse(query).query()) < 200


@pytest.mark.parametrize("name", ["Møbler\tNord", "Cafe\u0301 Nord", "\u200eNord\u200e"])
def test_a_value_is_matched_as_the_backend_wrote_it(template, name):
    make_subscriber(template, broadworks_id="one", enterprise_id=name, package=name)
    make_subscriber(template, broadworks_id="other")

    assert shown(urlencode({"enterprise": name, "package": name})) == ["one"]
