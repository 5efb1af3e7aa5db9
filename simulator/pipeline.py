"""The way of every request: token, fault, scope, handler, log, answer."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from simulator import auth, db, faults, kinds, limits, log, state
from simulator.calls import Call, utc_now
from simulator.errors import ApiError, refuse
from simulator.faults import Strike
from simulator.operations import OPERATIONS, RESOURCE_METHODS, Operation
from simulator.wire import GatewaysResponse

logger = logging.getLogger(__name__)


def serve(request: HttpRequest, resource: str, **arguments: Any) -> HttpResponseBase:
    """Answer a request for a resource; the URLconf's only view of the API and the login."""
    tracking_id = log.new_tracking_id()
    try:
        response = _serve(request, resource, arguments, tracking_id)
    except (OperationalError, InterfaceError, IntegrityError) as error:
        # The database went away, or a reset took what this request was about: the next one gets
        # a new connection, this one an honest no.
        logger.warning("database: %s", error)
        connection.close()
        response = refuse(503).response(tracking_id)
        _log_failure(request, resource, tracking_id)
    if not isinstance(response, GatewaysResponse):
        response["TrackingID"] = tracking_id
    if isinstance(response, HttpResponse):
        response.setdefault("Content-Length", str(len(response.content)))
        if request.method == "HEAD":
            response.content = b""
    return response


def _log_failure(request: HttpRequest, resource: str, tracking_id: str) -> None:
    operation = OPERATIONS.get((resource, request.method or ""))
    name = operation.name if operation else "unknown"
    with suppress(Error):  # it is really away
        log.write_aside(request, name, 503, tracking_id=tracking_id)


def _serve(
    request: HttpRequest, resource: str, arguments: dict[str, str], tracking_id: str
) -> HttpResponseBase:
    # HEAD is GET without the body (RFC 9110, 9.3.2); the document does not mention it.
    method = "GET" if request.method == "HEAD" else request.method or ""
    operation = OPERATIONS.get((resource, method))
    now = utc_now()
    opening = state.opening(now)
    call = Call(
        request,
        arguments,
        now,
        opening,
        operation=operation.name if operation else "unknown",
        caller_or_none=auth.caller_of(request, opening.known.callers),
        tracking_id=tracking_id,
    )
    strike = faults.strike(call, opening.known.faults, kinds.prepare)
    if strike is None:
        return _carry_out(call, resource, operation, None)
    return _spoilt(call, resource, operation, strike)


def _spoilt(
    call: Call, resource: str, operation: Operation | None, strike: Strike
) -> HttpResponseBase:
    def effect(call: Call) -> HttpResponse:
        return _carry_out(call, resource, operation, strike)

    response = kinds.instead(strike, call, effect)
    if response is None:
        response = effect(call)
    else:
        log.write(call, response, strike)
    return kinds.deliver(strike, call, response)


def _carry_out(
    call: Call, resource: str, operation: Operation | None, strike: Strike | None
) -> HttpResponse:
    """Do what is asked and log it; when another one stood in its way (a deadlock), again."""
    for _ in range(db.MOST_DEADLOCKS):
        try:
            return _attempt(call, resource, operation, strike)
        except OperationalError as error:
            if not db.is_deadlock(error):
                raise
            call.change = call.outcome = ""  # all of it was rolled back
    return _attempt(call, resource, operation, strike)


def _attempt(
    call: Call, resource: str, operation: Operation | None, strike: Strike | None
) -> HttpResponse:
    """Carry a request out in one transaction; a strike changes the answer only."""
    with db.unit():
        try:
            response = _handle(call, resource, operation)
        except ApiError as error:  # nothing was written: handlers refuse before they change
            response = error.response(call.tracking_id)
        if strike is not None:
            response = kinds.answer(strike, call, response)
        log.write(call, response, strike)
    return response


def _handle(call: Call, resource: str, operation: Operation | None) -> HttpResponse:
    if operation is None:
        if allowed := RESOURCE_METHODS.get(resource):
            raise ApiError(405, headers={"Allow": ", ".join(allowed)})
        raise ApiError(404)
    if operation.scope:
        auth.require_token(call.caller_or_none, call.now)
        auth.require_scope(call.caller, operation.scope)
        limits.require_allowance(call)
    return operation.handle(call)
