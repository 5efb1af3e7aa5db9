"""The past shown as the present, and a clock that is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpResponse

from simulator import paging
from simulator.calls import Call, utc_now
from simulator.errors import ApiError
from simulator.faults import Strike
from simulator.kinds.base import (
    API,
    Effect,
    Kind,
    Option,
    data_of,
    items_of,
    with_data,
)
from simulator.kinds.retry_after import http_date
from simulator.payloads import isoformat

READS = ("list", "get")
TIMES = ("created", "lastStatusChange")
#: The status before the present one, as the subscriber most likely had it.
PREDECESSORS = {
    "pending_user_migration": "provisioning",
    "provisioning": "pending_email_input",
    "provisioned": "provisioning",
    "updating": "provisioned",
    "error": "provisioning",
}
#: What only shows in some statuses.
STATUS_BOUND = {"provisioned": "personId", "error": "errors"}


def _stale(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    """Show each subscriber as it was before its last change."""
    data = data_of(response)
    for item in items_of(data):
        if _step_back(item):
            earlier = _moment(item["lastStatusChange"]) - _seconds(strike)
            shown = max(earlier, _moment(item["created"]))
            item["lastStatusChange"] = isoformat(shown)
    return with_data(response, data) if data is not None else response


def _same_time(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    """Show the status before, with the time of the present one."""
    data = data_of(response)
    for item in items_of(data):
        _step_back(item)
    return with_data(response, data) if data is not None else response


def _step_back(item: dict[str, Any]) -> bool:
    before = PREDECESSORS.get(item.get("status", ""))
    if before is None:
        return False
    item.pop(STATUS_BOUND.get(item["status"], ""), None)
    item["status"] = before
    return True


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds(strike: Strike) -> timedelta:
    return timedelta(seconds=strike.options["seconds"])


def _ask_in_true_time(strike: Strike, call: Call, effect: Effect) -> HttpResponse | None:
    """Read the filters by the wrong clock: the client sends back the times that it was shown."""
    query = call.request.GET.copy()
    for name in ("lastStatusChange", "after"):
        asked = query.get(name)
        try:
            if isinstance(asked, str) and asked:
                query[name] = isoformat(paging.moment(name, asked) - _seconds(strike))
        except (ApiError, OverflowError):
            return None  # refused as it is
    call.request.GET = query  # type: ignore[assignment] # whoever reads it does not change it
    return None


def _answer_in_wrong_time(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    data = data_of(response)
    for item in items_of(data):
        for name in TIMES:
            if name in item:
                item[name] = isoformat(_moment(item[name]) + _seconds(strike))
    if "Link" in response:
        response["Link"] = _as_asked(response["Link"], call)
    return _dated(with_data(response, data) if data is not None else response, strike)


def _as_asked(link: str, call: Call) -> str:
    asked = dict(parse_qsl(call.request.META.get("QUERY_STRING", ""), keep_blank_values=True))
    parts = urlsplit(link.partition("<")[2].partition(">")[0])
    query = [
        (name, asked.get(name, value) if name != "cursor" else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return f'<{urlunsplit(parts._replace(query=urlencode(query)))}>; rel="next"'


def _dated(response: HttpResponse, strike: Strike) -> HttpResponse:
    response["Date"] = http_date(utc_now() + _seconds(strike))
    return response


KINDS = (
    Kind(
        "stale",
        "A replica that lags",
        "Subscribers are shown as they were before their last change.",
        {"seconds": Option(5, "how much earlier that change was", least=0, most=86400)},
        READS,
        answer=_stale,
    ),
    Kind(
        "same_time",
        "Two statuses of one millisecond",
        "Subscribers are shown in the status before, with the time of the present one.",
        {},
        READS,
        answer=_same_time,
    ),
    Kind(
        "clock",
        "The clock is wrong",
        "All times and the Date header are off; filters are read by the same clock.",
        {"seconds": Option(3600, "how far; negative: behind", least=-1e8, most=1e8)},
        (*API, "login"),
        instead=_ask_in_true_time,
        answer=_answer_in_wrong_time,
    ),
)
