"""Django admin as operations use it: staff may everything that a page offers, all of it audited.

Pages say what they offer by their base class: `ReadOnlyAdmin` or `AuditedAdmin`; buttons on one
object are declared as `ObjectAction`s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.db.models.deletion import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEvent, Partner, User
from common import bidi
from common.templatetags.look import foreign

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

#: Filters by partner and template that offer only those that have rows.
PARTNER = ("partner", admin.RelatedOnlyFieldListFilter)
TEMPLATE = ("template", admin.RelatedOnlyFieldListFilter)
#: What the audit log never keeps, whatever the model.
SECRET = frozenset({"password", "token_sealed", "token_hash", "code_hash", "logo"})


def is_operations(user: Any) -> bool:
    """Operations: may sign in, staff, of no partner."""
    return isinstance(user, User) and user.is_active and user.is_staff and not user.partner_id


class Refused(Exception):
    """A button cannot do its work now; the message is for the person who pressed it."""


@dataclass(frozen=True)
class ObjectAction:
    """A button on one object's page.

    Attributes:
        name: its part of the address.
        label: its words.
        run: does it in one call and answers what to say; may raise Refused.
        available: False hides the button.
    """

    name: str
    label: Any
    run: Callable[[HttpRequest, Any], str]
    available: Callable[[Any], bool] = lambda row: True


class OperationsAdmin(ModelAdmin):
    """What all pages share: operations only, no bulk delete, no link to pages of partners."""

    object_actions: Sequence[ObjectAction] = ()
    view_on_site = False
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operations(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operations(request.user)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return is_operations(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operations(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_operations(request.user)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """An address must not ask whether a secret begins with a letter."""
        secret = not SECRET.isdisjoint(lookup.split("__"))
        return not secret and super().lookup_allowed(lookup, value, request)

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        """A choice of a related object offers to look at it, not to change it on the way."""
        field = super().formfield_for_dbfield(*args, **kwargs)
        widget = field.widget if field else None
        if isinstance(widget, RelatedFieldWidgetWrapper):
            widget.can_add_related = False
            widget.can_change_related = False
            widget.can_delete_related = False
        return field

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        view = self.admin_site.admin_view(self.do_view)
        return [path("<path:object_id>/do/<slug:action>/", view, name=name), *super().get_urls()]

    def do_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        """Press a button; opened by its address it only leads back to the object."""
        row = self.get_object(request, unquote(object_id))
        button = next((a for a in self.object_actions if a.name == action), None)
        if row is None or button is None:
            raise Http404
        if request.method == "POST":
            press(request, button, row)
        return redirect(_address(row))

    def object_pages(self, row: Any) -> list[tuple[str, str]]:
        """Words and addresses of pages about one object, shown beside its buttons."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context["object_buttons"] = [
                (a, f"{_address(row)[: -len('change/')]}do/{a.name}/")
                for a in self.object_actions
                if a.available(row)
            ]
            context["object_pages"] = self.object_pages(row)
            if not isinstance(row, AuditEvent):
                context["audit_address"] = audit_address(row)
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(OperationsAdmin):
    """Look, search and filter only; buttons may still act."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedAdmin(OperationsAdmin):
    """Changes by form: each writes an audit row in its own transaction (the admin's)."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        old = self.model._default_manager.get(pk=obj.pk) if change else None
        before = self.facts(old) if old else {}
        super().save_model(request, obj, form, change)
        after = self.facts(obj) | self.more_facts(form)
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        if changed:
            self._record(
                request,
                "change" if change else "create",
                obj,
                before={name: before[name] for name in changed if name in before},
                after=changed,
            )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._record(request, "delete", obj, before=self.facts(obj), after={})
        super().delete_model(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProtectedError:
            # Something came to depend on it after the page was shown.
            messages.error(request, _("It is in use, so it cannot be deleted."))
            return redirect(request.path)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is in use is not deleted; the page names what uses it.

        Asked before anything is gathered: a partner may have half a million users.
        """
        users = [words for obj in objs for words in in_use_by(obj)]
        if users:
            return [], {}, set(), users
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), [*protected, *map(capfirst, missing)]

    def facts(self, obj: Any) -> dict[str, Any]:
        """The fields as the audit log keeps them, without secrets."""
        return {
            field.name: plain(getattr(obj, field.name))
            for field in obj._meta.concrete_fields
            if field.name not in SECRET and not field.primary_key
        }

    def more_facts(self, form: Any) -> dict[str, Any]:
        """What a form changed beside plain fields, as "a new token" (never the token)."""
        return {}

    def _record(self, request: HttpRequest, verb: str, obj: Any, **values: Any) -> None:
        action = f"{self.opts.model_name}.{verb}"
        audit.record(Actor.of(request), action, obj, partner=partner_of(obj), **values)


def press(request: HttpRequest, button: ObjectAction, row: Any) -> None:
    """Run a button's work and say how it went; its service keeps its own transaction."""
    try:
        said = button.run(request, row)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)


def in_use_by(obj: models.Model) -> list[str]:
    """Names of the kinds of rows that keep an object from being deleted; one question each."""
    relations = [
        field
        for field in obj._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel) and field.on_delete is models.PROTECT
    ]
    return [
        capfirst(str(relation.related_model._meta.verbose_name_plural))
        for relation in relations
        if relation.related_model._default_manager.filter(**{relation.field.name: obj}).exists()
    ]


def partner_of(obj: Any) -> Partner | None:
    """Whose an object is; a partner is its own."""
    return obj if isinstance(obj, Partner) else getattr(obj, "partner", None)


def plain(value: Any) -> Any:
    """A field's value as JSON can hold it and a person reads it."""
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def pretty(value: Any) -> SafeString:
    """JSON in readable lines."""
    text = bidi.spelt_out(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))
    return format_html('<pre class="json">{}</pre>', text)


def link(row: models.Model | None) -> SafeString | str:
    """A link to a row's own page here."""
    return format_html('<a href="{}">{}</a>', _address(row), foreign(row)) if row else "–"


def audit_address(row: Any) -> str:
    """The audit log, narrowed to one object."""
    object_id = getattr(row, "uuid", row.pk)
    path_ = reverse("admin:accounts_auditevent_changelist")
    return f"{path_}?object_type__exact={row._meta.model_name}&object_id__exact={object_id}"


def _address(row: models.Model) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])
