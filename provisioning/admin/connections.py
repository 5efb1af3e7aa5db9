"""Django admin: partners' connections to Webex and BroadWorks, their health and their gate."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import Actor
from accounts.connection_forms import ConnectionForm
from accounts.models import BackendConnection
from accounts.operations_admin import AuditedAdmin, ObjectAction
from common import clock
from provisioning import operator_services
from provisioning.admin import login_trial


def _sync(request: HttpRequest, connection: BackendConnection) -> str:
    operator_services.sync_now(connection, actor=Actor.of(request))
    return _("A worker brings in the changes within seconds. Load this page again.")


def _full_pass(request: HttpRequest, connection: BackendConnection) -> str:
    operator_services.full_pass_now(connection, actor=Actor.of(request))
    return _("A worker reads everything of this connection. It may take minutes.")


def _open_gate(request: HttpRequest, connection: BackendConnection) -> str:
    operator_services.open_gate(connection, actor=Actor.of(request))
    return _("The gate is open: waiting jobs go out again.")


def is_gate_closed(connection: BackendConnection) -> bool:
    """True while nothing is sent to this backend."""
    return connection.not_before is not None and connection.not_before > clock.now()


@admin.register(BackendConnection)
class BackendConnectionAdmin(AuditedAdmin):
    """Connections: settings by form, health to read, buttons that make the engine act."""

    form = ConnectionForm
    formfield_overrides = {models.URLField: {"widget": AdminTextInputWidget}}
    list_display = ["partner", "api_base_url", "health", "health_text", "gate", "synced_at"]
    list_filter = ["health", "retry_by"]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "api_base_url", "xsi_base_url"]
    readonly_fields = [
        "token_now",
        "health",
        "health_text",
        "health_at",
        "answer_ms",
        "gate",
        "gate_reason",
        "synced_at",
        "watermarks",
        "full_pass_started_at",
        "full_pass_done_at",
        "full_pass_not_before",
    ]
    fieldsets = [
        (None, {"fields": ["partner"]}),
        (
            gettext_lazy("Webex and BroadWorks"),
            {
                "fields": [
                    "api_base_url",
                    "xsi_base_url",
                    "password_encoding",
                    "token_now",
                    "token",
                ]
            },
        ),
        (
            gettext_lazy("How requests are sent"),
            {"fields": ["retry_by", "requests_per_minute", "max_in_flight"]},
        ),
        (
            gettext_lazy("Health"),
            {
                "fields": [
                    "health",
                    "health_text",
                    "health_at",
                    "answer_ms",
                    "gate",
                    "gate_reason",
                ]
            },
        ),
        (
            gettext_lazy("Sync"),
            {
                "fields": [
                    "synced_at",
                    "watermarks",
                    "full_pass_started_at",
                    "full_pass_done_at",
                    "full_pass_not_before",
                ]
            },
        ),
    ]
    object_actions = [
        ObjectAction("sync", gettext_lazy("Sync now"), _sync),
        ObjectAction("full-pass", gettext_lazy("Full pass now"), _full_pass),
        ObjectAction("open-gate", gettext_lazy("Open the gate"), _open_gate, is_gate_closed),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.login_trial)
        name = "accounts_backendconnection_login"
        return [path("<path:object_id>/login/", view, name=name), *super().get_urls()]

    def login_trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return login_trial.page(request, self.admin_site, row)

    def object_pages(self, row: BackendConnection) -> list[tuple[str, str]]:
        address = reverse("admin:accounts_backendconnection_login", args=[row.pk])
        return [(_("Try a login"), address)]

    @admin.display(description=gettext_lazy("token in use"))
    def token_now(self, row: BackendConnection) -> str:
        return f"…{row.token_last4}" if row.token_last4 else "–"

    @admin.display(description=gettext_lazy("gate"))
    def gate(self, row: BackendConnection) -> str:
        if not is_gate_closed(row):
            return _("open")
        return _("closed until %(time)s") % {
            "time": f"{timezone.localtime(row.not_before):%Y-%m-%d %H:%M:%S}"
        }

    def save_model(
        self, request: HttpRequest, obj: BackendConnection, form: Any, change: bool
    ) -> None:
        # The first save gives the row its key, to which a sealed token is bound; both are in
        # the transaction of the page.
        super().save_model(request, obj, form, change)
        if token := form.cleaned_data["token"]:
            obj.set_token(token)
            obj.save(update_fields=["token_sealed", "token_last4"])
        if token or form.is_other_backend:
            operator_services.start_afresh(obj, other_backend=form.is_other_backend)

    def more_facts(self, form: Any) -> dict[str, Any]:
        return {"token": "new"} if form.cleaned_data["token"] else {}
