"""Every field for an e-mail address sends what was typed, and reads it in the one way."""

from __future__ import annotations

import pytest

from accounts.admin_forms import PartnerForm, PersonForm
from accounts.forms import ForgottenPasswordForm, SignInForm
from accounts.models import User
from accounts.people_forms import NewPersonForm
from activation_portal.forms import AddressForm
from tests.factories import make_user
from userstatus.actions.forms import RetryForm

FIELDS = [
    (PartnerForm, "mail_reply_to"),
    (PersonForm, "email"),
    (SignInForm, "login"),
    (ForgottenPasswordForm, "email"),
    (NewPersonForm, "email"),
    (AddressForm, "email"),
    (RetryForm, "email"),
]


@pytest.mark.parametrize(("form", "name"), FIELDS)
def test_the_browser_sends_an_address_as_it_was_typed(form, name):
    """Chromium sends faß.example out of a field of type email as fass.example."""
    fields = RetryForm.base_fields if form is RetryForm else form().fields

    widget = fields[name].widget
    assert widget.input_type == "text"
    assert widget.attrs["inputmode"] == "email"


PASTED = "\ufeffAnna Holm <Anna@FIRMA.example.>"


def test_a_pasted_address_signs_in(client, db):
    make_user(None, email="anna@firma.example", password="pw-anna-1")

    client.post("/login/", {"login": PASTED, "password": "pw-anna-1"})

    assert client.session.get("_auth_user_id") == str(User.objects.get().pk)


@pytest.mark.parametrize("typed", ["anna", "anna@localhost.", "anna@fіrma.example"])
def test_what_is_no_address_is_told_beside_the_field_of_the_sign_in_page(typed, db):
    form = SignInForm({"login": typed, "password": "x"})

    assert not form.is_valid()
    assert list(form.errors) == ["login"]


def test_a_pasted_address_is_asked_for_a_new_password(db):
    form = ForgottenPasswordForm({"email": PASTED})

    assert form.is_valid()
    assert form.cleaned_data["email"] == "anna@firma.example"


@pytest.mark.parametrize(
    ("typed", "kept"), [("", ""), ("Help <help@bær.example.>", "help@xn--br-1ia.example")]
)
def test_answers_go_to_an_address_in_its_one_form(typed, kept, db):
    form = PartnerForm({"name": "Nordictel", "mail_reply_to": typed})
    form.is_valid()

    assert form.cleaned_data["mail_reply_to"] == kept
