from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.admin_forms import PartnerForm
from accounts.models import Partner
from accounts.people_forms import PersonForm
from common.names import tidy
from templates_app.models import OnboardingTemplate
from tests.factories import make_template

INVISIBLE = [
    *("\u200b", "\u00ad", "\u2060", "\ufeff", "\u200e", "\u202e", "\u3164", "\u115f", "\u2800"),
    *("\u034f", "\ufe0f", "\u200d", "\u180e", "\U000e0041", "\0", "\u2063"),
]


@pytest.mark.parametrize("mark", INVISIBLE)
def test_what_cannot_be_seen_is_no_part_of_a_name(mark):
    assert tidy(f"{mark}No{mark}rd {mark} Vest{mark}") == "Nord Vest"


@pytest.mark.parametrize("nothing", [*INVISIBLE, " \u00a0\u3000\t", "\u0301", "\u200b \u200b", ""])
def test_a_name_of_which_nothing_is_seen_is_none(nothing):
    assert tidy(nothing) == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("A\u030age  Holm\n", "Åge Holm"),
        ("Nord\u00a0\u2003Vest", "Nord Vest"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("Ud\ud800ram", "Udram"),
        ("🏨", "🏨"),
    ],
)
def test_a_name_is_kept_as_it_is_read(typed, kept):
    assert tidy(typed) == kept


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_tidy_name_stays_as_it_is(text):
    once = tidy(text)

    assert tidy(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_a_name_is_tidied_where_it_is_stored_and_looked_for(partner):
    make_template(partner, name="Ho\u200btels ")

    assert OnboardingTemplate.objects.get(name="Hotels\u00ad").name == "Hotels"


def test_a_partner_that_looks_like_another_is_refused(partner):
    form = PartnerForm({"name": f"\u2060{partner.name}\u200b", "accent": partner.accent})

    assert "name" in form.errors
    assert Partner.objects.filter(name=f"{partner.name}\u200b").exists()


@pytest.mark.parametrize("name", ["\u200b", "\u3164\u00ad", "\u0301"])
def test_a_person_has_a_name_that_can_be_seen(name):
    assert "name" in PersonForm({"name": name, "role": "full"}).errors
