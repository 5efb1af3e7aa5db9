"""One's own account, for every role."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent


@pytest.mark.parametrize("who", ["anna", "bo", "rie"])
def test_everybody_may_change_their_own_name_and_language(who, request, client_of):
    person = request.getfixturevalue(who)

    answer = client_of(person).post("/account/", {"name": "New Name", "language": "da"})

    assert answer.status_code == 302
    person.refresh_from_db()
    assert (person.name, person.language) == ("New Name", "da")
    event = AuditEvent.objects.get(action="person.change")
    assert (event.before["language"], event.after["language"]) == ("", "da")


def test_an_unknown_language_is_refused_beside_the_field(anna, client_of):
    answer = client_of(anna).post("/account/", {"name": "Anna", "language": "xx"})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["language"]


def test_the_account_page_leads_to_the_password(anna, client_of):
    assert "/password/change/" in client_of(anna).get("/account/").content.decode()
