"""The published document as a judge of requests and answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from requests import PreparedRequest, Response

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT.parent / "shared" / "contract" / "webex-broadworks-subscribers.json"


@cache
def document(url: str) -> OpenAPI | None:
    """The document with this server, None where the checkout has no such neighbour."""
    if not DOCUMENT.exists():
        return None
    content: dict[str, Any] = json.loads(DOCUMENT.read_text())
    # The document names no server.
    return OpenAPI.from_dict(content | {"servers": [{"url": f"{url}/v1"}]})


def check_request(url: str, request: PreparedRequest) -> None:
    """Raise unless the request is one that the document describes."""
    judge = document(url)
    assert judge is not None
    judge.validate_request(RequestsOpenAPIRequest(request))


def check_answer(url: str, answer: Response) -> None:
    """Raise unless the answer is one that the document describes for its request."""
    judge = document(url)
    # openapi-core misses a body in a correct 204, and errors have no schema there.
    if judge is None or answer.status_code != 200:
        return
    request = RequestsOpenAPIRequest(answer.request)
    judge.validate_response(request, RequestsOpenAPIResponse(answer))
