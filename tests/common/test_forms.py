from __future__ import annotations

from django import forms
from django.template.loader import render_to_string

from accounts.forms import SignInForm
from common.forms import ChoiceCards, SwitchInput


class Sample(forms.Form):
    email = forms.EmailField(label="Email address", help_text="A <b>work</b> address")
    note = forms.CharField(label="Note", required=False)
    secret = forms.CharField(label="Password", widget=forms.PasswordInput, required=False)
    first = forms.BooleanField(label="Self activate", widget=SwitchInput, required=False)
    mode = forms.ChoiceField(
        label="Mode",
        choices=[("t", "Trusted"), ("u", "Untrusted")],
        widget=ChoiceCards(hints={"u": "They prove it"}, tags={"t": "Now"}),
    )


def test_a_refused_field_names_its_hint_and_its_error() -> None:
    html = Sample({"email": "nonsense", "mode": "t"})["email"].as_field_group()

    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'id="id_email_error"' in html
    assert 'value="nonsense"' in html


def test_a_hint_is_text_and_not_markup() -> None:
    assert "A &lt;b&gt;work&lt;/b&gt; address" in Sample()["email"].as_field_group()


def test_the_error_stands_below_the_field() -> None:
    html = Sample({"email": "", "mode": "t"})["email"].as_field_group()

    assert html.index("<input") < html.index('class="error"')


def test_inputs_get_the_class_and_ticks_do_not() -> None:
    form = Sample()

    assert 'class="input"' in str(form["email"])
    assert "class" not in str(form["first"])


def test_an_own_class_is_kept() -> None:
    form = Sample()
    form.fields["note"].widget.attrs["class"] = "input-short"

    assert 'class="input input-short"' in str(form["note"])


def test_only_what_may_be_empty_is_called_optional() -> None:
    form = Sample()

    assert "optional" in form["note"].as_field_group()
    assert "optional" not in form["email"].as_field_group()


def test_a_switch_is_announced_as_one() -> None:
    assert 'role="switch"' in Sample()["first"].as_field_group()


def test_cards_tie_each_hint_to_its_option() -> None:
    html = Sample()["mode"].as_field_group()

    assert 'aria-describedby="id_mode_1_hint"' in html
    assert 'id="id_mode_1_hint"' in html
    assert ">Now</span>" in html
    assert html.count("<legend") == 1


def test_the_button_that_shows_a_password_comes_after_the_field() -> None:
    html = Sample()["secret"].as_field_group()

    assert html.index("<input") < html.index('data-reveal="id_secret"')


def test_the_summary_leads_to_every_refused_field() -> None:
    html = render_to_string("parts/form_errors.html", {"form": Sample({})})

    assert 'role="alert"' in html
    assert "2 fields need a change" in html
    assert 'href="#id_email"' in html
    assert 'href="#id_mode"' in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert render_to_string("parts/form_errors.html", {"form": Sample()}).strip() == ""


def test_sign_in_has_exactly_the_published_labels() -> None:
    form = SignInForm()

    assert str(form.fields["login"].label) == "Email address"
    assert str(form.fields["password"].label) == "Password"
    assert "placeholder" not in str(form["login"]) + str(form["password"])
