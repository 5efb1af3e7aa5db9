"""JSON of another shape than the published document's, or with words that nobody knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from simulator.calls import Call
from simulator.faults import Strike
from simulator.kinds.base import (
    ANY,
    API,
    SHOWS_SUBSCRIBERS,
    Effect,
    Json,
    Kind,
    Option,
    data_of,
    items_of,
    with_data,
)

Item = dict[str, Any]


def _each(change: Callable[[Item], Item]) -> Callable[[Json], Json]:
    """Return a change of every item of a page, or of the only one."""

    def of_all(data: Json) -> Json:
        if isinstance(data, dict) and isinstance(data.get("items"), list):
            return data | {"items": [change(item) for item in data["items"]]}
        return change(data) if isinstance(data, dict) else data

    return of_all


def _without(name: str) -> Callable[[Item], Item]:
    return lambda item: {key: value for key, value in item.items() if key != name}


def _numbers(item: Item) -> Item:
    return {name: 7 if isinstance(value, str) else value for name, value in item.items()}


def _nulls(item: Item) -> Item:
    return dict.fromkeys(item)


SHAPES: dict[str, Callable[[Json], Json]] = {
    "list": lambda data: [data],
    "text": lambda _data: "OK",
    "null": lambda _data: None,
    "no_items": lambda data: {"subscribers": data.get("items", data)} if data else {},
    "items_object": lambda data: {"items": {"0": data}},
    "items_of_text": lambda _data: {"items": ["one", None, 3, []]},
    "no_id": _each(_without("id")),
    "no_status": _each(_without("status")),
    "no_time": _each(_without("lastStatusChange")),
    "numbers": _each(_numbers),
    "nulls": _each(_nulls),
    "errors_object": _each(lambda item: item | {"errors": {"errorCode": "x"}}),
}


def _wrong_shape(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    return with_data(response, SHAPES[strike.options["form"]](data_of(response) or {}))


def _unknown_status(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    data = data_of(response)
    for item in items_of(data):
        if "status" in item:
            item["status"] = strike.options["status"]
    return with_data(response, data) if data is not None else response


def _unknown_error(strike: Strike, call: Call, response: HttpResponse) -> HttpResponse:
    plan, data = strike.options, data_of(response)
    error = {"errorCode": plan["code"], "description": plan["description"]}
    for item in items_of(data):
        if item.get("errors"):
            item["errors"] = [error]
    if response.status_code >= 400 and isinstance(data, dict):
        data["errors"] = [error]
    return with_data(response, data) if data is not None else response


def _contradict(strike: Strike, call: Call, effect: Effect) -> None:
    """Answer this request as if the account's setting were another."""
    caller = call.caller_or_none
    if caller is not None:
        settings = dataclasses.replace(caller.settings, answers=strike.options["form"])
        call.caller_or_none = dataclasses.replace(caller, settings=settings)


KINDS = (
    Kind(
        "wrong_schema",
        "JSON of another shape",
        "A list for an object, a page without items, subscribers without ID, numbers for text.",
        {"form": Option("list", "what is wrong", values=(*SHAPES, ANY))},
        API,
        answer=_wrong_shape,
    ),
    Kind(
        "unknown_status",
        "A status that nobody knows",
        "Subscribers are in a status that the document does not name.",
        {"status": Option("hibernating", "the status shown")},
        SHOWS_SUBSCRIBERS,
        answer=_unknown_status,
    ),
    Kind(
        "unknown_error",
        "An error code that nobody knows",
        "In the errors of subscribers that have any, and of refusals.",
        {
            "code": Option(299999, "the number"),
            "description": Option("Failed for a reason of its own", "the text"),
        },
        API,
        answer=_unknown_error,
    ),
    Kind(
        "contradiction",
        "The document against its examples",
        "Where the document contradicts itself: its schema, its examples, or its letter.",
        {
            "form": Option(
                "examples", "whom to follow", values=("schema", "examples", "letter", ANY)
            )
        },
        API,
        instead=_contradict,
    ),
)
