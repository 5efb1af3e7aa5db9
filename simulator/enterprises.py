"""`GET /broadworks/enterprises`: the partner's customers."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from simulator import db, paging, payloads
from simulator.calls import Call
from simulator.errors import refuse

ENTERPRISES = """
    SELECT e.* FROM simulator_enterprise e
    JOIN simulator_provisioning p ON p.id = e.provisioning_id
    WHERE {conditions} ORDER BY e.id LIMIT %s OFFSET %s
"""


def list_page(call: Call) -> HttpResponse:
    """Answer a page of customers; `spEnterpriseId` matches whole, `startsWith` the beginning.

    The published schema describes one enterprise, its example a list: to the letter of the former,
    the first one is answered, an empty object without any.
    """
    query = call.request.GET
    size = paging.page_size(call.request, default=100, largest=1000)
    conditions = paging.Conditions()
    conditions.add("p.account_id = %s", call.caller.account_id)
    if "\x00" in query.get("spEnterpriseId", "") + query.get("startsWith", ""):
        raise refuse(400, "A parameter contains a character that is not allowed.")
    if query.get("spEnterpriseId"):
        conditions.add("e.sp_enterprise_id = %s", query["spEnterpriseId"])
    if query.get("startsWith"):
        conditions.add("starts_with(e.sp_enterprise_id, %s)", query["startsWith"])
    skipped = paging.begin(call.request, conditions, "e.id > %s")
    sql = ENTERPRISES.format(conditions=conditions.sql)
    found = db.rows(sql, [*conditions.values, size + 1, skipped])
    items = [payloads.enterprise(row) for row in found[:size]]
    if call.caller.settings.answers == "letter":
        return JsonResponse(items[0] if items else {})
    response = JsonResponse({"items": items})
    if len(found) > size:
        response["Link"] = paging.next_link(call, paging.encode_cursor(found[size - 1]["id"]))
    return response
