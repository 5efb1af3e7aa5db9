"""The words for what a list's filters and order are set to."""

import pytest
from django.utils import translation

from provisioning.lists import filters
from provisioning.lists.filters import NO_ERROR, UNCODED, UserFilter
from userstatus.filter_texts import SORTS, filters_of, value_of


def test_every_order_that_an_address_may_ask_for_has_words():
    assert set(SORTS) == filters.SORTS


def test_packages_and_statuses_are_named_in_words_and_new_ones_as_the_api_says():
    chosen = UserFilter(statuses=("error", "strange"), packages=("premium", "nosuch"))

    assert value_of("statuses", chosen) == "Error, strange"
    assert filters_of(chosen) == "the status Error, strange, the package Premium, nosuch"


@pytest.mark.parametrize(
    ("error", "value", "phrase"),
    [
        (NO_ERROR, "None", "the choice of users without an error"),
        (UNCODED, "Without a code", "the choice of errors without a code"),
        ("200042", "200042", "the error 200042"),
    ],
)
def test_what_the_filter_of_errors_says_has_words_beside_its_name_and_in_a_sentence(
    error, value, phrase
):
    chosen = UserFilter(error=error)

    assert value_of("error", chosen) == value
    assert filters_of(chosen) == phrase


def test_a_filter_that_is_not_set_has_no_words():
    assert value_of("exclude_provisioned", UserFilter()) == ""
    assert filters_of(UserFilter()) == ""


def test_the_words_follow_the_reader():
    with translation.override("da"):
        assert filters_of(UserFilter(enterprise="acme")) == "virksomheden acme"
