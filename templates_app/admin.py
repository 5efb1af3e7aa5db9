"""Django admin: onboarding templates."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_search import FoldedNames
from accounts.models import BackendConnection
from accounts.operations_admin import PARTNER, AuditedAdmin, ObjectAction, Refused
from common import clock
from templates_app import id_check
from templates_app.admin_forms import OperationsTemplateForm
from templates_app.models import IdCheck, OnboardingTemplate


def _check_id(request: HttpRequest, template: OnboardingTemplate) -> str:
    """Ask Webex whether it knows the provisioning ID, and keep what it says."""
    connection = BackendConnection.objects.filter(partner_id=template.partner_id).first()
    if connection is None:
        raise Refused(_("The partner has no backend connection yet."))
    answer = id_check.ask(connection, template.provisioning_id)
    if answer.check == IdCheck.UNCHECKED:
        reason = answer.trouble.value
        raise Refused(_("Webex could not be asked (%(reason)s).") % {"reason": reason})
    OnboardingTemplate.objects.filter(pk=template.pk).update(
        id_check=answer.check, id_checked_at=clock.now()
    )
    if answer.check == IdCheck.UNKNOWN:
        raise Refused(_("Webex does not know this provisioning ID."))
    return _("Webex knows this provisioning ID.")


@admin.register(OnboardingTemplate)
class OnboardingTemplateAdmin(FoldedNames, AuditedAdmin):
    form = OperationsTemplateForm
    list_display = ["name", "partner", "untrusted_emails", "id_check", "user_count", "updated_at"]
    list_filter = [
        PARTNER,
        "id_check",
        "untrusted_emails",
        "allow_self_activation",
        "provision_admin_first",
    ]
    list_select_related = ["partner"]
    search_fields = ["name", "provisioning_id", "activation_key", "uuid"]
    search_help_text = gettext_lazy("Name, provisioning ID, activation key or UUID")
    ordering = ["partner__name", "name"]
    readonly_fields = ["uuid", "activation_address", "id_check", "id_checked_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["partner", "name", "uuid"]}),
        (gettext_lazy("In Webex"), {"fields": ["provisioning_id", "id_check", "id_checked_at"]}),
        (
            gettext_lazy("Onboarding"),
            {"fields": ["country", "language", "enterprise_mode", "default_package"]},
        ),
        (
            gettext_lazy("User verification"),
            {
                "fields": [
                    "untrusted_emails",
                    "share_link",
                    "activation_address",
                    "allow_self_activation",
                    "provision_admin_first",
                ]
            },
        ),
        (gettext_lazy("Facts"), {"fields": ["updated_at"]}),
    ]
    object_actions = [
        ObjectAction("check-id", gettext_lazy("Ask Webex for the provisioning ID"), _check_id)
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(n_users=Count("subscribers"))
        return rows

    @admin.display(description=gettext_lazy("users ever"), ordering="n_users")
    def user_count(self, row: Any) -> int:
        return int(row.n_users)

    @admin.display(description=gettext_lazy("activation link"))
    def activation_address(self, row: OnboardingTemplate) -> str:
        return row.activation_link if row.pk else "–"

    def save_model(
        self, request: HttpRequest, obj: OnboardingTemplate, form: Any, change: bool
    ) -> None:
        asked = not change or "provisioning_id" in form.changed_data
        if asked:
            obj.id_check, obj.id_checked_at = IdCheck.UNCHECKED, None
        super().save_model(request, obj, form, change)
        if asked:
            # HTTP stands outside of the transaction; an answer of "unknown" warns, as operations
            # may be earlier than Webex.
            transaction.on_commit(lambda: self._ask(request, obj))

    def _ask(self, request: HttpRequest, template: OnboardingTemplate) -> None:
        try:
            messages.info(request, _check_id(request, template))
        except Refused as refused:
            messages.warning(request, str(refused))
