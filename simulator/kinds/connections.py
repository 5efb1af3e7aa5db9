"""Connections that hang, break or are late, and the whole backend down."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from simulator.calls import Call
from simulator.fault import Fault
from simulator.faults import Strike
from simulator.kinds import waiting
from simulator.kinds.base import ANY, CHANGES, Effect, Kind, Option, refusal
from simulator.wire import GatewaysResponse, dropped

RESET = "Everything was reset while this request waited."
HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>"
)
#: What load balancers and API gateways answer by themselves.
GATEWAYS_STATUSES = ("400", "401", "403", "404", "429", "502", "503", ANY)
HANG = Option(30, "seconds until the connection is closed", least=0, most=3600)


def page_502() -> HttpResponse:
    """Return what a proxy says when nothing is behind it."""
    return GatewaysResponse(HTML_502, status=502, content_type="text/html")


def _wait_before(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    if strike.options["effect"] == "first":
        return None
    is_same = waiting.hold(call, _drawn_seconds(strike))
    return None if is_same else refusal(call, 503, RESET)


def _wait_after(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    if strike.options["effect"] == "first":
        waiting.sleep(_drawn_seconds(strike))
    return response


def _drawn_seconds(strike: Strike) -> float:
    plan = strike.options
    return strike.draw.uniform(plan["seconds"], max(plan["seconds"], plan["up_to"]))


def _drop_before(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    return None if strike.options["effect"] else HttpResponse(status=500)


def _drop(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    return dropped(call.request)


def _nothing_happens(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    return HttpResponse(status=504)  # for the log: it is never sent


def _hang_and_drop(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    waiting.sleep(strike.options["seconds"])
    return dropped(call.request)


def _late(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    seconds = strike.options["effect_after_seconds"]
    if strike.options["form"] == "hang":
        return None if waiting.hold(call, seconds) else refusal(call, 503, RESET)
    waiting.later(call, seconds, effect)
    return refusal(call, 504, "The server did not answer in time.")


def _late_deliver(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    return dropped(call.request) if strike.options["form"] == "drop" else response


def _down(strike: Strike, call: Call, effect: Effect) -> HttpResponse:
    if strike.options["form"] == "503":
        return refusal(call, 503, "The service is down for maintenance.")
    return page_502()


def _down_deliver(strike: Strike, call: Call, response: HttpResponse) -> HttpResponseBase:
    if strike.options["form"] == "hang":
        waiting.sleep(strike.options["seconds"])
    return response if strike.options["form"] in {"503", "html"} else dropped(call.request)


def _refused_before(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    return None if strike.options["effect"] else _gateways_words(strike)


def _refused_after(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    return _gateways_words(strike)


def _gateways_words(strike: Strike) -> HttpResponse:
    status = strike.options["status"]
    words = HTTPStatus(int(status)).phrase
    bodies = {
        "html": ("text/html", f"<html><head><title>{status} {words}</title></head></html>"),
        "json": ("application/json", f'{{"message": "{words}"}}'),
        "text": ("text/plain", f"default backend - {status}"),
        "empty": ("text/html", ""),
    }
    content_type, body = bodies[strike.options["form"]]
    return GatewaysResponse(body, status=int(status), content_type=content_type)


def is_down_for_healthz(fault: Fault) -> bool:
    """Tell whether an outage covers the health address too."""
    return fault.kind == "down" and bool(fault.options["healthz"])


KINDS = (
    Kind(
        "slow",
        "Slow answers",
        "Waits before the effect, or between the effect and the answer.",
        {
            "seconds": Option(2, "shortest wait", least=0, most=3600),
            "up_to": Option(0, "longest wait, drawn; less than `seconds`: always that", least=0),
            "effect": Option("last", "when the effect happens", values=("first", "last")),
        },
        instead=_wait_before,
        deliver=_wait_after,
    ),
    Kind(
        "drop",
        "The connection breaks",
        "Closes the connection without a byte, before the effect or after it.",
        {"effect": Option(False, "the request has its effect nevertheless")},
        instead=_drop_before,
        deliver=_drop,
    ),
    Kind(
        "black_hole",
        "A black hole",
        "Takes the request, does nothing, never answers.",
        {"seconds": HANG},
        instead=_nothing_happens,
        deliver=_hang_and_drop,
    ),
    Kind(
        "late_effect",
        "The effect comes after the client gave up",
        "The effect happens `effect_after_seconds` later. hang: then the answer comes; drop,"
        " gateway_timeout: the connection breaks, or 504 is answered, at once.",
        {
            "form": Option(
                "hang", "what the client sees", values=("hang", "drop", "gateway_timeout", ANY)
            ),
            "effect_after_seconds": Option(20, "how late", least=0, most=3600),
        },
        CHANGES,
        instead=_late,
        deliver=_late_deliver,
    ),
    Kind(
        "down",
        "Everything is down",
        "Nothing is served, the login neither. 503, a proxy's HTML page (502), broken"
        " connections, or silence.",
        {
            "form": Option(
                "503", "what a client sees", values=("503", "html", "drop", "hang", ANY)
            ),
            "seconds": HANG,
            "healthz": Option(False, "/healthz answers 503 too"),
        },
        instead=_down,
        deliver=_down_deliver,
    ),
    Kind(
        "gateway",
        "A gateway answers, not Webex",
        "Something before the backend answers with a status that Webex uses, too, in words that"
        " are not Webex's: an HTML page, JSON of its own, a line of text, or none.",
        {
            "status": Option("404", "the status", values=GATEWAYS_STATUSES),
            "form": Option("html", "its words", values=("html", "json", "text", "empty", ANY)),
            "effect": Option(False, "the request has its effect nevertheless"),
        },
        instead=_refused_before,
        answer=_refused_after,
    ),
)
