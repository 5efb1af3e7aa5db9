"""The way of every request: fault, token, scope, handler, log, answer."""

from __future__ import annotations

import logging
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from simulator import auth, db, faults
from simulator.calls import Call, utc_now
from simulator.errors import ApiError, refuse
from simulator.operations import OPERATIONS, RESOURCE_METHODS, Operation

logger = logging.getLogger(__name__)

LOG = """
    INSERT INTO simulator_request (at, token_name, method, path, operation, user_id, body_hash,
                                   effect, status, outcome, fault, tracking_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def serve(request: HttpRequest, resource: str, **arguments: Any) -> HttpResponseBase:
    """Answer a request for a resource; the URLconf's only view of the API and the login."""
    operation = OPERATIONS.get((resource, request.method or ""))
    call = Call(request, arguments, utc_now(), operation.name if operation else "unknown")
    try:
        response = _answer(call, resource, operation)
    except (OperationalError, InterfaceError) as error:
        # The database went away: the next request gets a new connection, this one an honest no.
        logger.warning("database: %s", error)
        connection.close()
        response = refuse(503).response(call.tracking_id)
    response["TrackingID"] = call.tracking_id
    if isinstance(response, HttpResponse):
        response.setdefault("Content-Length", str(len(response.content)))
        if request.method == "HEAD":
            response.content = b""
    return response


def _answer(call: Call, resource: str, operation: Operation | None) -> HttpResponseBase:
    fault = _claim_fault(call)
    spoilt = fault.before() if fault else None
    if fault and spoilt is not None:
        _log(call, spoilt.status_code, fault)
        return spoilt
    with transaction.atomic():
        try:
            response = _carry_out(call, resource, operation)
        except ApiError as error:  # nothing was written: handlers refuse before they change
            response = error.response(call.tracking_id)
        _log(call, response.status_code, fault)
    return fault.after(response) if fault else response


def _claim_fault(call: Call) -> faults.Fault | None:
    path = call.request.get_full_path()
    text = f"{path}\n{call.request.body.decode(errors='replace')}".replace("\x00", "")
    try:
        return faults.claim(call.operation, text)
    except (OperationalError, InterfaceError):
        # A connection kept from before a restart of the database: nothing has happened yet.
        connection.close()
        return faults.claim(call.operation, text)


def _carry_out(call: Call, resource: str, operation: Operation | None) -> HttpResponse:
    if operation is None:
        if allowed := RESOURCE_METHODS.get(resource):
            raise ApiError(405, headers={"Allow": ", ".join(allowed)})
        raise ApiError(404)
    if operation.scope:
        call.caller_or_none = auth.caller_of(call.request)
        call.token_name = call.caller.token_name
        auth.require_scope(call.caller, operation.scope)
    return operation.handle(call)


def _log(call: Call, status: int, fault: faults.Fault | None) -> None:
    values = [
        call.now,
        call.token_name,
        call.request.method,
        call.request.get_full_path().replace("\x00", ""),
        call.operation,
        call.user_id.replace("\x00", ""),
        call.body_hash,
        call.effect,
        status,
        call.outcome,
        fault.words if fault else "",
        call.tracking_id,
    ]
    db.execute(LOG, values)
