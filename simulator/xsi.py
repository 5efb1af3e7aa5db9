"""BroadWorks' Xsi-Actions: the profile behind HTTP Basic, which serves as the login check."""

from __future__ import annotations

import hmac
from typing import Any
from xml.etree import ElementTree

from django.http import HttpResponse, JsonResponse

from simulator import auth, db
from simulator.calls import Call
from simulator.db import Row

NAMESPACE = "http://schema.broadsoft.com/xsi"
LOCKED = "The user is locked out."  # our words: BroadWorks' own are not known
USER = """
    SELECT u.*, coalesce(e.is_enterprise, position('+' IN u.sp_enterprise_id) = 0) AS is_enterprise,
           coalesce(nullif(u."group", ''), e."group", '') AS group_name
    FROM simulator_broadworks_user u
    LEFT JOIN simulator_provisioning p ON p.id = u.provisioning_id
    LEFT JOIN simulator_enterprise e
           ON e.cluster = p.cluster AND e.sp_enterprise_id = u.sp_enterprise_id
    WHERE u.user_key = %s FOR UPDATE OF u
"""


def profile(call: Call) -> HttpResponse:
    """Answer the profile of the user who signs in.

    401 for a wrong login and, alike, for a locked user; a success forgets earlier failures.
    """
    call.user_id = call.arguments["user_id"]
    login = auth.basic_login(call.request)
    user = _user(call, login)
    if login is None or user is None:
        call.outcome = "wrong"
        return _unauthorized()
    is_right = hmac.compare_digest(user["password"].encode(), login[1].encode())
    if not is_right or user["locked"]:
        call.outcome = "wrong" if not is_right else "locked"
        return _refused(user, is_right=is_right)
    call.outcome = "ok"
    if user["failures"]:
        _store_failures(user, 0, locked=False)
    if user["answer_status"] != 200:
        return _error_info(user["answer_status"], "The resource is not available to this user.")
    return _document(call, user)


def _user(call: Call, login: tuple[str, str] | None) -> Row | None:
    """Return the user of the path if the login is theirs."""
    user_key = call.user_id.lower()
    if login is None or login[0].lower() != user_key or "\x00" in user_key:
        return None
    return db.one(USER, [user_key])


def _refused(user: Row, *, is_right: bool) -> HttpResponse:
    if is_right:  # and locked
        named = user["locked_answer"] == "named"
        return _error_info(401, LOCKED) if named else _unauthorized()
    failures = user["failures"] + 1
    # Locked once the limit of failures in a row is reached (BroadWorks: a passcode rule).
    _store_failures(user, failures, locked=user["locked"] or failures >= user["max_failures"])
    return _unauthorized()


def _store_failures(user: Row, failures: int, *, locked: bool) -> None:
    db.execute(
        "UPDATE simulator_broadworks_user SET failures = %s, locked = %s WHERE user_key = %s",
        [failures, locked, user["user_key"]],
    )


def _unauthorized() -> HttpResponse:
    response = HttpResponse("Unauthorized\n", status=401, content_type="text/plain")
    response["WWW-Authenticate"] = 'Basic realm="BroadWorks"'
    return response


def _error_info(status: int, summary: str) -> HttpResponse:
    root = ElementTree.Element("ErrorInfo", xmlns=NAMESPACE)
    for name in ("summary", "summaryEnglish"):
        ElementTree.SubElement(root, name).text = summary
    response = _xml(root, status)
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="BroadWorks"'
    return response


def _document(call: Call, user: Row) -> HttpResponse:
    provider, plus, group = user["sp_enterprise_id"].partition("+")
    is_enterprise = bool(user["is_enterprise"])
    details = {
        "userId": user["user_id"],
        "firstName": user["first_name"],
        "lastName": user["last_name"],
        "groupId": user["group_name"] or (group if plus else provider),
        "serviceProvider": user["sp_enterprise_id"] if is_enterprise else provider,
        "number": user["number"],
        "extension": user["extension"],
    }
    expires = user["password_expires_days"]
    extra = {} if expires is None else {"passwordExpiresDays": str(expires)}
    if _wants_json(call):
        return JsonResponse(_as_json(details, extra, is_enterprise=is_enterprise))
    return _as_xml(details, extra, is_enterprise=is_enterprise)


def _wants_json(call: Call) -> bool:
    """By `?format=json` or the Accept header; XML in doubt, as clients of Xsi expect."""
    forms = ["application/xml", "text/xml", "application/json"]
    preferred = call.request.get_preferred_type(forms)
    return call.request.GET.get("format") == "json" or preferred == "application/json"


def _as_json(
    details: dict[str, str], extra: dict[str, str], *, is_enterprise: bool
) -> dict[str, Any]:
    """Leaf values stand wrapped as `{"$": value}`; attributes beside them."""
    leaves: dict[str, Any] = {name: {"$": text} for name, text in details.items() if text}
    leaves["serviceProvider"]["isEnterprise"] = str(is_enterprise).lower()
    body: dict[str, Any] = {"xmlns": {"$": NAMESPACE}, "details": leaves}
    body |= {name: {"$": text} for name, text in extra.items()}
    return {"Profile": body}


def _as_xml(details: dict[str, str], extra: dict[str, str], *, is_enterprise: bool) -> HttpResponse:
    root = ElementTree.Element("Profile", xmlns=NAMESPACE)
    parent = ElementTree.SubElement(root, "details")
    for name, text in details.items():
        if text:
            ElementTree.SubElement(parent, name).text = text
    provider = parent.find("serviceProvider")
    if provider is not None:
        provider.set("isEnterprise", str(is_enterprise).lower())
    for name, text in extra.items():
        ElementTree.SubElement(root, name).text = text
    return _xml(root, 200)


def _xml(root: ElementTree.Element, status: int) -> HttpResponse:
    # Real answers were seen in ISO-8859-1; what does not fit becomes a character reference.
    body = ElementTree.tostring(root, encoding="ISO-8859-1", xml_declaration=True)
    return HttpResponse(body, status=status, content_type="application/xml; charset=ISO-8859-1")
