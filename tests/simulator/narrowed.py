"""The published document, sharpened: what its words and our deviations add to its schemas."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from tests.simulator import contract
from tests.simulator.deviations import DEVIATIONS, LETTER_TIME, TIME, Schema

#: Operations with a body, by what the simulator calls them.
NAMES = {
    "Provision a BroadWorks Subscriber": "provision",
    "Update a BroadWorks Subscriber": "update",
    "Precheck a Broadworks Subscriber Provisioning": "precheck",
}
HTTP_METHODS = ("get", "post", "put", "delete")
CREATED = ("id", "userId", "spEnterpriseId", "package", "status", "lastStatusChange")
ALWAYS = [*CREATED, "created", "provisioningId", "selfActivated"]


def document(answers: str = "schema", *, waiting: str = "") -> Schema:
    """Return the document with all that the simulator promises, for one setting of `answers`.

    `waiting`: the ID of a subscriber in `pending_user_migration`, which no link leads to.
    """
    content = contract.published()
    (consent,) = content["paths"]["/subscribers/{subscriberId}/emails/consentMove"].values()
    _name_the_token(content)
    for operation in _operations(content):
        _widen(operation)
        _describe_refusals(operation)
    consent["parameters"][0]["example"] = waiting
    _describe_answers(content, answers)
    for deviation in DEVIATIONS:
        if deviation.answers in {"", answers}:
            for operation in _operations(content):
                _apply(operation, deviation.bodies, deviation.queries)
            for path, schema in deviation.schemas.items():
                name, _, member = path.partition(".")
                content["components"]["schemas"][name]["properties"][member] = schema
    return content


def _operations(content: Schema) -> Iterator[Schema]:
    for methods in content["paths"].values():
        for method in HTTP_METHODS:
            if method in methods:
                yield methods[method]


def _name_the_token(content: Schema) -> None:
    content["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    content["security"] = [{"token": []}]


def _widen(operation: Schema) -> None:
    """Say what only the words say: bodies are needed, `max` has an end."""
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        media = operation["requestBody"]["content"]["application/json"]
        if "provisioningId" in media["schema"]["properties"]:
            media["example"] |= {"provisioningId": "nordictel-template"}
        properties = media["schema"]["properties"]
        for schema in properties.values():
            schema.pop("example", None)
    most = 1000 if operation["operationId"].lower().find("enterprise") >= 0 else 100
    for parameter in operation.get("parameters", []):
        parameter.pop("example", None)
        if parameter["name"] == "max":
            parameter["schema"]["maximum"] = most
        if parameter["name"] == "status":
            del parameter["schema"]["enum"]


def _describe_refusals(operation: Schema) -> None:
    tracking = {"schema": {"type": "string", "pattern": contract.TRACKING_ID}, "required": True}
    for status, answer in operation["responses"].items():
        answer["headers"] = {"TrackingID": tracking}
        if status >= "400":
            answer["content"] = {"application/json": {"schema": contract.ERROR_BODY}}


def _describe_answers(content: Schema, answers: str) -> None:
    schemas = content["components"]["schemas"]
    subscriber, precheck = schemas["Subscriber"], schemas["SubscriberProvisioningPrecheckResponse"]
    to_the_letter = answers == "letter"
    always = [name for name in ALWAYS if name != "created" or not to_the_letter]
    subscriber |= {"required": always, "additionalProperties": False}
    for name in ("created", "lastStatusChange"):
        subscriber["properties"][name]["pattern"] = LETTER_TIME if to_the_letter else TIME
    schemas["Error"]["required"] = ["description"]
    schemas["SubscriberListResponse"]["required"] = ["items"]
    precheck["required"] = ["message", "info"]
    precheck["properties"]["info"]["required"] = ["infoCode", "description"]
    one = schemas["EnterpriseListResponse"] | {"additionalProperties": False}
    if to_the_letter:
        schemas["EnterpriseListResponse"] = one
        return
    one["required"] = ["id", "orgId", "spEnterpriseId", "provisioningId"]
    items = {"type": "array", "items": one}
    schemas["EnterpriseListResponse"] = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": items},
    }


def _apply(operation: Schema, bodies: dict[str, Schema], queries: dict[str, Schema]) -> None:
    if "requestBody" in operation:
        for selector, schema in bodies.items():
            for found in _selected(operation, selector):
                found |= copy.deepcopy(schema)
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            parameter["schema"] |= queries.get(parameter["name"], {})


def _selected(operation: Schema, selector: str) -> Iterator[Schema]:
    """Yield the schemas in an operation's body that a deviation's selector means."""
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    only, _, name = selector.rpartition(".")
    if only not in {"", NAMES[operation["operationId"]]}:
        return
    members = body["properties"]
    if name == "*":
        yield body
    elif name == "?":
        yield from (members[each] for each in members.keys() - body.get("required", []))
    elif name in members:
        yield members[name]
    elif name == "primaryEmail":
        yield members["customerInfo"]["properties"][name]
