from __future__ import annotations

import pytest
from django.db.models import Model

from accounts.models import Partner, User
from accounts.sign_in import Backend
from tests.factories import make_user


def plain(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def everything(anna) -> User:
    Partner.objects.filter(pk=anna.partner_id).update(logo=b"\x89PNG", support_text="Ask Søren")
    connection = anna.partner.connection
    connection.watermarks, connection.token_last4 = {"one": "2026-01-01"}, "1234"
    connection.save()
    return User.objects.select_related("partner__connection").get(pk=anna.pk)


def test_the_person_is_the_one_that_django_reads(everything):
    found = Backend().get_user(everything.pk)

    assert found == everything
    assert plain(found) == plain(everything)


@pytest.mark.parametrize("name", ["partner", "connection"])
def test_partner_and_connection_are_those_that_django_reads(everything, name):
    def row(person):
        return person.partner if name == "partner" else person.partner.connection

    ours, djangos = plain(row(Backend().get_user(everything.pk))), plain(row(everything))

    ours["logo"], djangos["logo"] = (bytes(one.get("logo", b"")) for one in (ours, djangos))
    assert ours == djangos


def test_person_partner_and_connection_are_one_query(anna, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = Backend().get_user(anna.pk)
        assert found.partner.connection.partner is found.partner


def test_a_partner_without_a_connection_is_not_asked_again(anna, django_assert_num_queries):
    anna.partner.connection.delete()

    with django_assert_num_queries(1):
        assert not hasattr(Backend().get_user(anna.pk).partner, "connection")


def test_operations_have_no_partner(db):
    operator = User.objects.create_superuser("ops@hub.example", "right-password-1")

    assert Backend().get_user(operator.pk).partner is None


def test_nobody_is_signed_in_who_left_or_never_was(partner):
    left = make_user(partner, "administrator", "left@nordictel.example", is_active=False)

    assert Backend().get_user(left.pk) is None
    assert Backend().get_user(2**40) is None
