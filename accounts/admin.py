"""Django admin: partners, people and the audit log."""

from __future__ import annotations

import base64
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, operations_admin, password_links
from accounts.admin_forms import PartnerForm, PersonForm
from accounts.admin_search import FoldedNames
from accounts.audit import Actor
from accounts.models import AuditEvent, Partner, User
from accounts.operations_admin import PARTNER, AuditedAdmin, ObjectAction, ReadOnlyAdmin, Refused
from common.addresses import shown
from common.bidi import isolated


@admin.register(Partner)
class PartnerAdmin(FoldedNames, AuditedAdmin):
    form = PartnerForm
    list_display = ["name", "accent", "people_count", "template_count", "has_logo", "created_at"]
    search_fields = ["name"]
    readonly_fields = ["uuid", "logo_now", "created_at"]
    fieldsets = [
        (None, {"fields": ["name", "uuid", "created_at"]}),
        (
            gettext_lazy("What end users see"),
            {
                "fields": [
                    "accent",
                    "logo_now",
                    "logo_file",
                    "remove_logo",
                    "support_text",
                    "support_phone",
                    "support_url",
                    "password_reset_url",
                    "terms_url",
                    "privacy_url",
                ]
            },
        ),
        (gettext_lazy("Mails"), {"fields": ["mail_sender_name", "mail_reply_to"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counts = {
            "n_people": Count("people", distinct=True),
            "n_templates": Count("templates", distinct=True),
        }
        rows: QuerySet[Any] = super().get_queryset(request).defer("logo").annotate(**counts)
        return rows

    @admin.display(description=gettext_lazy("people"), ordering="n_people")
    def people_count(self, row: Any) -> int:
        return int(row.n_people)

    @admin.display(description=gettext_lazy("templates"), ordering="n_templates")
    def template_count(self, row: Any) -> int:
        return int(row.n_templates)

    @admin.display(description=gettext_lazy("logo"), boolean=True)
    def has_logo(self, row: Partner) -> bool:
        return bool(row.logo_type)

    @admin.display(description=gettext_lazy("logo now"))
    def logo_now(self, row: Partner) -> SafeString | str:
        if not row.logo:
            return "–"
        picture = base64.b64encode(bytes(row.logo)).decode()
        return format_html(
            '<img class="logo-now" alt="{}" src="data:{};base64,{}">',
            row.name,
            row.logo_type,
            picture,
        )

    def more_facts(self, form: Any) -> dict[str, Any]:
        if form.cleaned_data["remove_logo"]:
            return {"logo": "removed"}
        return {"logo": f"{len(form.picture)} bytes"} if form.cleaned_data["logo_file"] else {}


def _send_link(request: HttpRequest, person: User) -> str:
    """Mail the link with which a person sets a password; the audit log says who asked for it."""
    if not person.is_active:
        raise Refused(_("This account is closed. Tick “may sign in” first."))
    with transaction.atomic():
        audit.record(Actor.of(request), "person.send_link", person, partner=person.partner)
        password_links.ask(person.email)
    return _("A link to set a password is on its way to %(email)s.") % {
        "email": isolated(shown(person.email))
    }


@admin.register(User)
class PersonAdmin(FoldedNames, AuditedAdmin):
    form = PersonForm
    list_display = ["email", "name", "partner", "role", "is_staff", "is_active", "last_login"]
    list_filter = ["is_active", "is_staff", "role", PARTNER]
    list_select_related = ["partner"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    readonly_fields = ["uuid", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "language"]}),
        (
            gettext_lazy("What the person may do"),
            {
                "fields": ["partner", "role", "is_staff", "is_active"],
                "description": gettext_lazy(
                    "A partner and a role for a partner's administrator; operations have neither. "
                    "A new person gets a mail with a link to set a password."
                ),
            },
        ),
        (gettext_lazy("Facts"), {"fields": ["uuid", "last_login", "date_joined"]}),
    ]
    object_actions = [
        ObjectAction("send-link", gettext_lazy("Send a link to set a password"), _send_link)
    ]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.operator = request.user
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change and obj.is_active:
            transaction.on_commit(lambda: self._welcome(request, obj))

    def _welcome(self, request: HttpRequest, person: User) -> None:
        try:
            messages.info(request, _send_link(request, person))
        except Refused as refused:
            messages.error(request, str(refused))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Who did something is kept: an account is closed, not deleted."""
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        for person in objs:
            if AuditEvent.objects.filter(actor=person).exists():
                protected.append(
                    _("What %(name)s did, in the audit log. Take “may sign in” away instead.")
                    % {"name": isolated(person.label)}
                )
        return to_delete, counts, missing, protected


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "partner", "actor_label", "action", "object_type", "object_label", "ip"]
    list_filter = [
        "at",
        PARTNER,
        ("action", admin.AllValuesFieldListFilter),
        ("object_type", admin.AllValuesFieldListFilter),
    ]
    list_select_related = ["partner"]
    search_fields = ["actor_label", "object_label", "object_id", "request_id", "ip"]
    search_help_text = gettext_lazy("Person, object, object ID, request ID or address")
    fieldsets = [
        (None, {"fields": ["at", "action", "partner", "actor_label"]}),
        (gettext_lazy("On what"), {"fields": ["object_type", "object_label", "object_id"]}),
        (gettext_lazy("The change"), {"fields": ["was", "became"]}),
        (gettext_lazy("From where"), {"fields": ["ip", "request_id"]}),
    ]

    @admin.display(description=gettext_lazy("before"))
    def was(self, row: AuditEvent) -> SafeString:
        return operations_admin.pretty(row.before)

    @admin.display(description=gettext_lazy("after"))
    def became(self, row: AuditEvent) -> SafeString:
        return operations_admin.pretty(row.after)
