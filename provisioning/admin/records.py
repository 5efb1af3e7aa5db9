"""Django admin: runs of the portal, mails, exports, heartbeats. To look at; nothing changes."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts import operations_admin
from accounts.operations_admin import PARTNER, TEMPLATE, ReadOnlyAdmin
from provisioning.models import Activation, Export, Heartbeat, Mail


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "partner", "template", "broadworks_id", "state", "error_code"]
    list_filter = ["state", PARTNER, TEMPLATE, "error_code", "created_at"]
    list_select_related = ["partner", "template"]
    search_fields = ["broadworks_id", "email", "=uuid"]
    fields = [
        "uuid",
        "partner",
        "template",
        "broadworks_id",
        "enterprise_id",
        "user",
        "email",
        "language",
        "package",
        "state",
        "token_expires_at",
        "code_expires_at",
        "code_tries",
        "confirmed_at",
        "error_code",
        "error_text",
        "error_tracking_id",
        "error_at",
        "created_at",
        "updated_at",
    ]

    @admin.display(description=gettext_lazy("subscriber"))
    def user(self, row: Activation) -> SafeString | str:
        return operations_admin.link(row.subscriber)


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "purpose", "to", "state", "attempts", "error", "sent_at"]
    list_filter = ["state", "purpose", "created_at"]
    search_fields = ["to", "activation__broadworks_id", "=uuid"]
    fields = [
        "uuid",
        "run",
        "purpose",
        "to",
        "state",
        "attempts",
        "not_before",
        "error",
        "created_at",
        "sent_at",
    ]

    @admin.display(description=gettext_lazy("run of the portal"))
    def run(self, row: Mail) -> SafeString | str:
        return operations_admin.link(row.activation)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = [
        *("created_at", "partner", "owner", "template", "format"),
        *("state", "rows", "size", "error"),
    ]
    list_filter = ["state", PARTNER, "created_at"]
    list_select_related = ["partner", "owner", "template"]
    search_fields = ["owner__email", "file_name", "=uuid"]
    fields = [
        "uuid",
        "partner",
        "owner",
        "template",
        "query",
        "format",
        "state",
        "error",
        "file_name",
        "total",
        "rows",
        "size",
        "sha256",
        "lease_until",
        "created_at",
        "writing_at",
        "ready_at",
        "expires_at",
    ]


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "at"]
