"""The address of a form that was lost, as signing in again asks for it: by GET."""

from __future__ import annotations

import uuid

import pytest

ID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("address", "page"),
    [
        (f"/jobs/{ID}/cancel/", f"/jobs/{ID}/"),
        (f"/jobs/{ID}/undo/", f"/jobs/{ID}/"),
        (f"/users/{ID}/check/", f"/users/{ID}/"),
        (f"/templates/{ID}/mend/", f"/templates/{ID}/"),
        (f"/settings/people/{ID}/open/", f"/settings/people/{ID}/"),
        (f"/exports/{ID}/cancel/", f"/exports/{ID}/"),
        ("/users/selected/", "/users/"),
        ("/language/", "/"),
    ],
)
def test_a_forms_address_says_that_nothing_was_sent_and_leads_to_its_page(
    address, page, anna, client_of
):
    answer = client_of(anna).get(address)

    html = answer.content.decode()
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Nothing was sent" in html
    assert f'href="{page}"' in html
