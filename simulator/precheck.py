"""`POST /broadworks/subscribers/validate`: would this attempt succeed? Changes nothing."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from simulator import bodies, db, payloads, rules
from simulator.bodies import Body
from simulator.calls import Call
from simulator.errors import ApiError, cisco, refuse
from simulator.provision import BUSY
from simulator.rules import Cause, Place

SAME_USER = """
    SELECT id, provisioning_id, sp_enterprise_id,
           CASE WHEN due_at <= %s THEN due_status ELSE status END AS status
    FROM simulator_subscriber WHERE cluster = %s AND user_key = %s
"""


def precheck(call: Call) -> HttpResponse:
    """Judge an attempt; both published variants (with a template, or with the address alone)."""
    body = bodies.read(call.request)
    call.user_id = body.get("userId", "")
    call.provisioning_id = body.get("provisioningId", "")
    call.sp_enterprise_id = body.get("spEnterpriseId", "")
    bodies.require(body, "email")
    _check_customer_info(body)
    bodies.check(body)
    _require_cluster(call)
    if body.get("provisioningId"):
        bodies.require(body, "userId", "spEnterpriseId")
        place = rules.place_for(call, body["provisioningId"], body["spEnterpriseId"])
        _refuse(rules.customer_cause(place, call.now))
        _check_user(call, body, place)
    address = rules.address_row(body["email"], body.get("userId", ""), call.now)
    _refuse(rules.address_cause(address))
    return JsonResponse(payloads.precheck_success(call.caller.settings))


def _check_customer_info(body: Body) -> None:
    info = body.get("customerInfo")
    if info is None:
        return
    if not isinstance(info, dict):
        raise refuse(400, "customerInfo must be an object.")
    bodies.require(info, "primaryEmail")
    if not isinstance(info["primaryEmail"], str):
        raise refuse(400, "primaryEmail must be a string.")


def _require_cluster(call: Call) -> None:
    # "The Prerequisite ... is to have at least one Broadworks Cluster" (published document).
    if not call.opening.known.has_cluster(call.caller.account_id):
        raise refuse(400, "No BroadWorks cluster is configured for this partner.")


def _check_user(call: Call, body: Body, place: Place) -> None:
    if not call.caller.settings.unique_key:
        return
    key = (place.provisioning_id, place.sp_enterprise_id)
    for row in db.rows(SAME_USER, [call.now, place.cluster, body["userId"].lower()]):
        if (row["provisioning_id"], row["sp_enterprise_id"]) != key:
            _refuse(rules.USER_ON_CLUSTER)
        if row["status"] in BUSY:
            raise ApiError(409, [cisco(10022)])


def _refuse(cause: Cause | None) -> None:
    if cause:
        raise ApiError(cause.http, [cisco(cause.precheck)])
