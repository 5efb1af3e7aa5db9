"""The Rehearsal page of Django admin: what runs, what can be started, what the judge says.

There is none without a simulator that may be steered from here. Changes are POSTs; each leads back
to the page, which says how it went.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.audit import Actor
from common import clock
from partnerhub.rehearsal import services, simulator_client, status_cache
from partnerhub.rehearsal.forms import FaultForm, ScenarioForm, new_form_id
from partnerhub.rehearsal.services import NotPossible, summary
from partnerhub.rehearsal.simulator_types import Running
from partnerhub.rehearsal.titles import translated
from partnerhub.rehearsal.verdict import Line

Found = TypeVar("Found")
View = Callable[..., HttpResponse]
#: Lines of the request log on the page.
LINES = 25
#: Lines that are read to find so many that tell something.
MAX_LINES = 1000
#: Seconds for which a form that was sent is remembered.
REMEMBERED = 3600
_KEY = "rehearsal-form-%s"
_NUMBER = re.compile(r"[0-9]{1,18}")


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below /admin/, guarded as all of them are."""
    pages: list[tuple[str, View, str]] = [
        ("rehearsal/", overview, "rehearsal"),
        ("rehearsal/scenario/<slug:name>/", scenario, "rehearsal_scenario"),
        ("rehearsal/fault/<slug:kind>/", fault, "rehearsal_fault"),
        ("rehearsal/started/", last_started, "rehearsal_last"),
        ("rehearsal/started/<slug:form_id>/", started, "rehearsal_started"),
        ("rehearsal/stop/", stop, "rehearsal_stop"),
        ("rehearsal/end/", end, "rehearsal_end"),
    ]
    return [
        path(route, site.admin_view(_only_if_configured(view, site)), name=name)
        for route, view, name in pages
    ]


def _only_if_configured(view: View, site: AdminSite) -> View:
    def shown(request: HttpRequest, **arguments: str) -> HttpResponse:
        if not simulator_client.is_configured():
            raise Http404
        return view(request, site, **arguments)

    return shown


@dataclass(frozen=True)
class Part:
    """One part of the page: what was answered, or why nothing can be shown."""

    value: Any = None
    trouble: str = ""


def overview(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Everything at a glance; a simulator that is away is said, not thrown."""
    context: dict[str, Any]
    everything = request.GET.get("requests") == "all"
    try:
        running = status_cache.look()
    except simulator_client.Away as away:
        context = {"away": services.away_words(away)}
    except simulator_client.Refused as refused:
        context = {"away": _refused(refused)}
    else:
        context = {
            "running": running,
            "now": clock.now(),
            "scenarios": _part(simulator_client.scenarios),
            "kinds": _part(simulator_client.kinds),
            "judge": _part(simulator_client.judge),
            "lines": _part(lambda: _lines(everything)),
            "everything": everything,
            "last": _last_of(running),
        }
    return _page(request, site, "overview", _("Rehearsal"), context)


def scenario(request: HttpRequest, site: AdminSite, name: str) -> HttpResponse:
    """The story, whom to play it with, and the button that starts it."""
    found = _find(request, simulator_client.scenarios, lambda item: item.name == name)
    if isinstance(found, HttpResponse):
        return found
    partners = services.partners()
    initial = {"pace": 1, "form_id": new_form_id()}
    form = ScenarioForm(request.POST or None, partners=partners, initial=initial)
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["form_id"].hex
        if not _first_time(key):
            return redirect("admin:rehearsal_started", key)
        try:
            begun = services.start_scenario(
                wish=form.wish(name),
                partner=form.cleaned_data["partner"],
                actor=Actor.of(request),
                now=clock.now(),
            )
        except NotPossible as refusal:
            _give_back(form, key, refusal)
        else:
            cache.set(_KEY % key, summary(begun), REMEMBERED)
            return redirect("admin:rehearsal_started", key)
    running = status_cache.current()
    context = {
        "scenario": found,
        "form": form,
        "partners": partners,
        "running": running.title if running else "",
    }
    return _form_page(request, site, "scenario", translated(found.title), context)


def started(request: HttpRequest, site: AdminSite, form_id: str) -> HttpResponse:
    """What was started, the activation link, the logins, and where to look."""
    kept = cache.get(_KEY % form_id)
    if kept is None:
        raise Http404
    title = _("The rehearsal runs") if kept else _("It is being started")
    page = _page(request, site, "started", title, {"started": kept, "again": request.path})
    if not kept:  # a second press came here before the first was done
        page["Refresh"] = "2"
    return page


def last_started(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The same of what was started last, by whom ever: from here or from the command line."""
    kept = services.last_started()
    if not kept:
        raise Http404
    return _page(request, site, "started", _("Started last"), {"started": kept})


def fault(request: HttpRequest, site: AdminSite, kind: str) -> HttpResponse:
    """What goes wrong, for whom, how often and how long."""
    found = _find(request, simulator_client.kinds, lambda item: item.kind == kind)
    if isinstance(found, HttpResponse):
        return found
    initial = {"percent": 100, "count_by": "all", "form_id": new_form_id()}
    form = FaultForm(request.POST or None, kind=found, token_names=_tokens(), initial=initial)
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["form_id"].hex
        if not _first_time(key):
            return redirect("admin:rehearsal")
        try:
            services.add_fault(fault=form.fault(), actor=Actor.of(request))
        except NotPossible as refusal:
            _give_back(form, key, refusal)
        else:
            what = translated(found.title)
            messages.success(request, _("From now on: %(what)s.") % {"what": what})
            return redirect("admin:rehearsal")
    context = {"kind": found, "form": form}
    return _form_page(request, site, "fault", translated(found.title), context)


def stop(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Stop one fault."""
    number = request.POST.get("fault", "")
    if request.method != "POST" or not _NUMBER.fullmatch(number):
        return _only_post(request)
    return _done(
        request,
        lambda: services.stop_fault(fault_id=int(number), actor=Actor.of(request)),
        _("That fault is over."),
    )


def end(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Stop everything."""
    if request.method != "POST":
        return _only_post(request)
    return _done(
        request,
        lambda: services.end(actor=Actor.of(request)),
        _("The rehearsal is over: the backend behaves again. Its data stay."),
    )


def _page(
    request: HttpRequest, site: AdminSite, name: str, title: str, context: dict[str, Any]
) -> TemplateResponse:
    shown = site.each_context(request) | {"title": title} | context
    return TemplateResponse(request, f"admin/rehearsal/{name}.html", shown)


def _form_page(
    request: HttpRequest, site: AdminSite, name: str, title: str, context: dict[str, Any]
) -> HttpResponse:
    answer = _page(request, site, name, title, context)
    answer.status_code = 422 if request.method == "POST" else 200
    return answer


def _lines(everything: bool) -> list[Line]:
    """The newest requests; without reads that went well, which would bury the others."""
    if everything:
        return simulator_client.last_requests(LINES)
    return [line for line in simulator_client.last_requests(MAX_LINES) if line.tells][:LINES]


def _last_of(running: Running) -> dict[str, Any]:
    """What was told when the scenario that runs was started, if it was started from here."""
    last = services.last_started()
    return last if running.name and last.get("name") == running.name else {}


def _part(ask: Callable[[], Any]) -> Part:
    try:
        return Part(ask())
    except simulator_client.Away as away:
        return Part(trouble=_("No usable answer (%(reason)s).") % {"reason": away.reason})
    except simulator_client.Refused as refused:
        return Part(trouble=_refused(refused))


def _refused(refused: simulator_client.Refused) -> str:
    return _("The simulator refuses (%(status)s): %(message)s") % {
        "status": refused.status,
        "message": refused.message,
    }


def _find(
    request: HttpRequest, ask: Callable[[], list[Found]], is_it: Callable[[Found], bool]
) -> Found | HttpResponse:
    """The one that an address names; without an answer lead back to where that is explained."""
    part = _part(ask)
    if part.trouble:
        messages.error(request, part.trouble)
        return redirect("admin:rehearsal")
    found: Found | None = next((item for item in part.value if is_it(item)), None)
    if found is None:
        raise Http404
    return found


def _tokens() -> list[str]:
    """Names of tokens to choose from: the partners', and those that asked lately."""
    names = {partner.name for partner in services.partners()}
    part = _part(lambda: simulator_client.last_requests(MAX_LINES))
    seen = {line.token_name for line in part.value or []}
    return sorted((names | seen) - {""})


def _first_time(key: str) -> bool:
    """Tell whether this form was not sent before; of two at once only one is the first."""
    return bool(cache.add(_KEY % key, {}, REMEMBERED))


def _give_back(form: Any, key: str, refusal: NotPossible) -> None:
    """Show the form with the refusal, ready to be sent again."""
    cache.delete(_KEY % key)
    form.add_error(None, str(refusal))


def _only_post(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        messages.error(request, _("Choose the fault that shall stop."))
    return redirect("admin:rehearsal")


def _done(request: HttpRequest, do: Callable[[], None], said: str) -> HttpResponse:
    try:
        do()
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("admin:rehearsal")
