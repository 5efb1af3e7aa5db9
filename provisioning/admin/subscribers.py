"""Django admin: users as we know them, with their jobs and their timeline. To look at."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import operations_admin
from accounts.audit import Actor
from accounts.operations_admin import ObjectAction, ReadOnlyAdmin, Refused
from provisioning import operator_services
from provisioning.admin import user_search
from provisioning.lists import counts as user_counts
from provisioning.models import Job, StatusEvent, Subscriber
from provisioning.states import Status
from templates_app.models import Package

logger = logging.getLogger(__name__)
if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Subscriber]
    SubscriberPaginator = Paginator[Subscriber]
else:
    SubscriberPaginator = Paginator
    TabularInline = admin.TabularInline


#: Further users are found by filters and the search.
MAX_PAGED = 10_000


class LookOnlyInline(TabularInline):
    """Rows that belong to an object, newest first, not to be changed."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operations_admin.is_operations(request.user)


class TimelineInline(LookOnlyInline):
    """What happened to the user."""

    model = StatusEvent
    verbose_name_plural = gettext_lazy("timeline")
    fields = readonly_fields = (
        "at",
        "what",
        "before",
        "after",
        "error_code",
        "text",
        "cause",
        "actor_label",
    )


class JobsInline(LookOnlyInline):
    """What was done with the user; each job has its own page."""

    model = Job
    show_change_link = True
    fields = readonly_fields = (
        "created_at",
        "kind",
        "state",
        "sends",
        "result_code",
        "result_text",
    )


def _ask(request: HttpRequest, subscriber: Subscriber) -> str:
    try:
        operator_services.ask_now(subscriber, actor=Actor.of(request))
    except operator_services.AskingFailed as failed:
        raise Refused(str(failed)) from failed
    return _("Webex was asked; the row says what it answered.")


class DeletedFilter(admin.SimpleListFilter):
    """Live users by themselves; deleted ones on request."""

    title = gettext_lazy("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Deleted")), ("all", _("Live and deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class CountedFilter(admin.SimpleListFilter):
    """A column whose values the tallies know: nobody reads a million users for its choices."""

    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(word, self.named(word)) for word in user_counts.words(self.column) if word]

    def named(self, word: str) -> Any:
        """The value in words."""
        return word

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class StatusFilter(CountedFilter):
    """The status that the list shows."""

    title, column, parameter_name = gettext_lazy("status"), "status", "status__exact"

    def named(self, word: str) -> Any:
        return dict(Status.choices).get(word, word)


class PackageFilter(CountedFilter):
    """The package, as Webex has it."""

    title, column, parameter_name = gettext_lazy("package type"), "package", "package__exact"

    def named(self, word: str) -> Any:
        return dict(Package.choices).get(word, word)


class ErrorFilter(CountedFilter):
    """The shown error's code; "uncoded" and "none" without one."""

    title, column, parameter_name = gettext_lazy("error code"), "error_key", "error_key__exact"


class CappedPaginator(SubscriberPaginator):
    """Pages of at most MAX_PAGED users: nobody turns more pages, and counting reads them all."""

    @cached_property
    def count(self) -> int:
        users: Any = self.object_list
        return int(users.order_by()[:MAX_PAGED].count())


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    """Users: a projection of Webex, so nothing here can be typed over."""

    list_display = [
        "broadworks_id",
        "name",
        "email",
        "partner",
        "template",
        "package",
        "status",
        "error_code",
        "last_change_at",
    ]
    list_filter = [
        DeletedFilter,
        StatusFilter,
        "partner",
        "template",
        PackageFilter,
        ErrorFilter,
    ]
    list_select_related = ["partner", "template"]
    paginator = CappedPaginator
    search_fields = ["broadworks_id"]  # there is a search; get_search_results says how
    search_help_text = gettext_lazy(
        "Any part of BroadWorks ID, name, email address or phone number; a whole Webex ID or UUID"
    )
    ordering, sortable_by = ["-id"], []  # of all partners: only the key has an index
    inlines = [JobsInline, TimelineInline]
    actions = ["export_chosen"]
    fieldsets = [
        (None, {"fields": ["broadworks_id", "first_name", "last_name", "email", "uuid"]}),
        (gettext_lazy("Where"), {"fields": ["partner", "template", "enterprise_id"]}),
        (gettext_lazy("Shown"), {"fields": ["status", "package", "last_change_at", "version"]}),
        (
            gettext_lazy("Error"),
            {"fields": ["error_code", "error_text", "error_tracking_id", "error_at"]},
        ),
        (
            gettext_lazy("At Webex"),
            {
                "fields": [
                    "backend_status",
                    "backend_changed_at",
                    "backend_created_at",
                    "seen_at",
                    "webex_id",
                    "person_id",
                    "self_activated",
                ]
            },
        ),
        (
            gettext_lazy("The three errors"),
            {"classes": ["collapse"], "fields": ["of_backend", "of_job", "of_activation"]},
        ),
        (gettext_lazy("Phones"), {"fields": ["primary_phone", "mobile_phone", "extension"]}),
        (gettext_lazy("Deleted"), {"fields": ["deleted_at", "deleted_by", "deleted_here"]}),
    ]
    object_actions = [
        ObjectAction("ask", gettext_lazy("Ask Webex now"), _ask, lambda row: row.deleted_at is None)
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Subscriber], search_term: str
    ) -> tuple[QuerySet[Subscriber], bool]:
        return user_search.looked_up(queryset, search_term), False

    @admin.action(description=gettext_lazy("Export the chosen users to CSV"))
    def export_chosen(
        self, request: HttpRequest, chosen: QuerySet[Subscriber]
    ) -> HttpResponseBase | None:
        """The file of the partners' own exports, of any partner's users."""
        try:
            file = operator_services.export_users(chosen, actor=Actor.of(request))
        except OSError:
            logger.exception("export not written")
            messages.error(request, _("The file cannot be written. Is the disk full?"))
            return None
        name = f"user-status-{timezone.localdate():%Y-%m-%d}.csv"
        return FileResponse(
            file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
        )

    @admin.display(description=gettext_lazy("Webex's"))
    def of_backend(self, row: Subscriber) -> SafeString:
        return operations_admin.pretty(row.backend_error)

    @admin.display(description=gettext_lazy("the last failed job's"))
    def of_job(self, row: Subscriber) -> SafeString:
        return operations_admin.pretty(row.job_error)

    @admin.display(description=gettext_lazy("the last refused activation's"))
    def of_activation(self, row: Subscriber) -> SafeString:
        return operations_admin.pretty(row.activation_error)
