"""The OpenAPI document that Cisco publishes, as a judge of what we send."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

HERE = Path(__file__).resolve().parent
PATH = HERE.parents[2] / "shared" / "contract" / "webex-broadworks-subscribers.json"
SERVER = "https://webexapis.com/v1"


class SentRequest:
    """One request as it went over the wire, in the form openapi-core reads."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.host_url = "https://webexapis.com"
        self.path = parts.path
        self.method = method.lower()
        self.body = body or None
        self.content_type = headers.get("content-type", "")
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(query), header=Headers(headers)
        )


@cache
def judge() -> OpenAPI:
    """The document; the test is skipped, with the reason shown, where there is none."""
    if not PATH.exists():
        pytest.skip(f"CONTRACT NOT CHECKED: no {PATH.name} beside the checkout")
    content: dict[str, Any] = json.loads(PATH.read_text())
    # The document names no server.
    return OpenAPI.from_dict(content | {"servers": [{"url": SERVER}]})


def examples() -> list[tuple[str, Any]]:
    """Every example answer to a call that we make, as ("get /path", body)."""
    if not PATH.exists():
        return []
    content: dict[str, Any] = json.loads(PATH.read_text())
    return [
        (f"{method} {path}", media["example"])
        for path, operations in content["paths"].items()
        if path != "/broadworks/enterprises"
        for method, operation in operations.items()
        for media in operation["responses"].get("200", {}).get("content", {}).values()
    ]
