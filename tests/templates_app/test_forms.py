"""The form of a template: what it cleans, refuses and shows."""

from __future__ import annotations

import pytest

from templates_app.forms import TemplateForm
from tests import factories

GIVEN = {
    "name": "Hotels",
    "provisioning_id": "prov-1",
    "country": "DK",
    "language": "da",
    "default_package": "standard",
    "verification": "untrusted",
}


@pytest.mark.parametrize("pasted", [" prov-1 ", "pr\nov-\r\n1", "prov\u200b-\u00a01", "prov- 1\t"])
def test_what_pasting_brings_along_is_taken_out(pasted):
    form = TemplateForm(GIVEN | {"provisioning_id": pasted})

    assert form.is_valid(), form.errors
    assert form.settings().provisioning_id == "prov-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "\u200b"),
        ("name", "\u2800\u3164"),
        ("name", "x" * 101),
        ("provisioning_id", "\u200b"),
        ("provisioning_id", "x" * 301),
        ("provisioning_id", "a\x00b"),
        ("country", "XX"),
        ("default_package", "gold"),
        ("verification", "perhaps"),
        ("share_link", "javascript:alert(1)"),
        ("share_link", "https://"),
        ("share_link", "http://[bad"),
        ("share_link", "two words"),
    ],
)
def test_bad_input_gets_a_message_beside_its_field(field, value):
    form = TemplateForm(GIVEN | {field: value})

    assert list(form.errors) == [field]


def test_the_id_of_a_template_with_users_is_no_field(template):
    factories.make_subscriber(template)

    form = TemplateForm(GIVEN | {"provisioning_id": "another"}, template=template)

    assert form.is_valid(), form.errors
    assert form.settings().provisioning_id == template.provisioning_id


def test_use_it_puts_the_activation_link_in_place_of_a_wrong_one(template):
    form = TemplateForm(
        GIVEN | {"share_link": "nonsense", "use_activation_link": "on"}, template=template
    )

    assert form.is_valid(), form.errors
    assert form.settings().share_link == template.activation_link


def test_a_country_that_is_not_offered_stays_choosable(partner):
    template = factories.make_template(partner, country="ZZ")

    assert TemplateForm(GIVEN | {"country": "ZZ"}, template=template).is_valid()


def test_a_damaged_time_of_the_row_is_no_error():
    form = TemplateForm(GIVEN | {"updated_at": "2026-99-99T00:00"})

    assert form.is_valid()
    assert form.seen_at() is None
