"""The published document as a judge of requests and answers, and our own judge of refusals."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from requests import PreparedRequest, Response

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT.parent / "shared" / "contract" / "webex-broadworks-subscribers.json"
TRACKING_ID = "^ROUTERGW_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
#: Numbers that Cisco publishes: help.webex.com r75fdv, the developer guide (1001, 1002), the
#: document (10022). Nothing else may call itself an `errorCode`, unless a test's world says so.
PUBLISHED_CODES = frozenset(
    {1001, 1002, 10022, 200010, 200016, 200018, 200019, 200022, 200026, 200054}
    | set(range(200039, 200052))
)
#: The document gives refusals no schema. This is the form that Webex's have: see README, "Rules".
ERROR_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["message", "errors", "trackingId"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "trackingId": {"type": "string", "pattern": TRACKING_ID},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["description"],
                "additionalProperties": False,
                "properties": {
                    "errorCode": {"type": "integer", "enum": sorted(PUBLISHED_CODES)},
                    "description": {"type": "string", "minLength": 1},
                    "fieldName": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}


def published() -> dict[str, Any]:
    """The document as it was published."""
    content: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return content


@cache
def document(url: str) -> OpenAPI | None:
    """The document with this server, None where the checkout has no such neighbour."""
    if not DOCUMENT.exists():
        return None
    # The document names no server.
    return OpenAPI.from_dict(published() | {"servers": [{"url": f"{url}/v1"}]})


def check_request(url: str, request: PreparedRequest) -> None:
    """Raise unless the request is one that the document describes."""
    judge = document(url)
    assert judge is not None
    judge.validate_request(RequestsOpenAPIRequest(request))


def check_answer(url: str, answer: Response) -> None:
    """Raise unless the answer is one that the document describes for its request."""
    assert answer.headers["TrackingID"]
    if answer.status_code >= 400:
        check_refusal(answer)
        return
    judge = document(url)
    # openapi-core misses a body in a correct 204.
    if judge is None or answer.status_code != 200 or answer.request.method == "HEAD":
        return
    request = RequestsOpenAPIRequest(answer.request)
    judge.validate_response(request, RequestsOpenAPIResponse(answer))


def check_refusal(answer: Response) -> None:
    """Raise unless a refusal has Webex's form, with one tracking ID in body and header."""
    assert answer.headers["Content-Type"] == "application/json"
    if answer.request.method == "HEAD":
        return
    body = answer.json()
    jsonschema.validate(body, ERROR_BODY)
    assert answer.headers["TrackingID"] == body["trackingId"]
