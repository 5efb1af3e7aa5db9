"""The page on which operations try one BroadWorks login, and learn in which encoding it is read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.audit import Actor
from accounts.models import BackendConnection
from provisioning import operator_services
from provisioning.activation.admission import PortalRefused
from provisioning.operator_services import AskingFailed


class LoginTrialForm(forms.Form):
    """A login of BroadWorks; the password is used once and kept nowhere."""

    user_id = forms.CharField(label=gettext_lazy("BroadWorks user ID"), max_length=200)
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


@sensitive_post_parameters("password")
def page(request: HttpRequest, site: admin.AdminSite, row: BackendConnection) -> HttpResponse:
    """Ask for a login, try it, say what came of it."""
    form = LoginTrialForm(request.POST or None)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Try a login"),
        "opts": BackendConnection._meta,
        "original": row,
        "form": form,
    }
    if form.is_valid():
        context["is_good"], context["said"] = _tried(request, row, form)
    return render(request, "admin/provisioning/login_trial.html", context)


@sensitive_variables()
def _tried(request: HttpRequest, row: BackendConnection, form: LoginTrialForm) -> tuple[bool, str]:
    try:
        encoding = operator_services.try_login(row, **form.cleaned_data, actor=Actor.of(request))
    except AskingFailed as failed:
        return False, str(failed)
    except PortalRefused as refusal:
        return False, f"{refusal.explanation.title}. {refusal.explanation.why}"
    if encoding == row.password_encoding:
        return True, _("The login is right. BroadWorks reads it in the encoding that is set.")
    words = _(
        "The login is right, but BroadWorks reads it as %(encoding)s. Set “encoding of BroadWorks "
        "passwords” to that, or users with such letters are refused."
    )
    return False, words % {"encoding": encoding.label}
