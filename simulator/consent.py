"""Moving a consumer account: the consent mail, and the page behind its link."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from simulator import db, log, payloads, subscribers, transitions
from simulator.auth import AccountSettings
from simulator.calls import Call, utc_now
from simulator.db import Row
from simulator.errors import refuse

SEND = """
    INSERT INTO simulator_mail (token, subscriber_uid, account_id, "to", user_id, sent_at)
    SELECT gen_random_uuid(), uid, account_id, email, user_id, %s
    FROM simulator_subscriber WHERE id = %s
"""
MAIL = """
    SELECT m.subscriber_uid, m."to", a.name AS account_name, a.settings
    FROM simulator_mail m JOIN simulator_account a ON a.id = m.account_id WHERE m.token = %s
"""
CONSENT = """
    UPDATE simulator_subscriber SET status = 'provisioning', due_at = %s,
        due_status = 'provisioned', due_errors = '[]', errors = '[]',
        last_status_change = greatest(%s, last_status_change + interval '1 millisecond')
    WHERE id = %s
"""


def send_again(call: Call) -> HttpResponse:
    """Send the consent mail once more; only in `pending_user_migration` (published document)."""
    row = subscribers.load(call)
    if row["status"] != "pending_user_migration":
        raise refuse(409, "The subscriber is not in the pending_user_migration state.")
    db.execute(SEND, [call.now, row["id"]])
    call.change = "mailed"
    return HttpResponse(status=204)


def page(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """The page of the mailed link: GET shows a button, POST consents. 404 and 410 in words.

    A POST leaves a line in the request log, as it may change a subscriber.
    """
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    db.renew_if_lost()
    with transaction.atomic():
        mail = db.one(MAIL, [token])
        row = _subscriber(mail) if mail else None
        response = _answer(request, mail, row)
        if request.method == "POST":
            change = "consented" if response.status_code == 200 else ""
            log.write_aside(request, "consent", response.status_code, row=row, change=change)
    return response


def _answer(request: HttpRequest, mail: Row | None, row: Row | None) -> HttpResponse:
    if mail is None:
        return _render(request, "unknown", status=404)
    if row is None or row["status"] != "pending_user_migration":
        return _render(request, "over", mail, status=410)
    if request.method != "POST":
        return _render(request, "ask", mail)
    _consent(mail, row)
    return _render(request, "done", mail)


def _subscriber(mail: Row) -> Row | None:
    public_id = payloads.encode_id("SUBSCRIBER", mail["subscriber_uid"])
    return subscribers.find(public_id, None, utc_now())


def _consent(mail: Row, row: Row) -> None:
    settings = AccountSettings.from_json(mail["settings"])
    due_at = transitions.due_in(utc_now(), settings.provision_seconds, settings.scale)
    db.execute(CONSENT, [due_at, utc_now(), row["id"]])


def _render(
    request: HttpRequest, state: str, mail: Row | None = None, *, status: int = 200
) -> HttpResponse:
    context = {"state": state, "mail": mail}
    response = render(request, "simulator/consent.html", context, status=status)
    response["Content-Security-Policy"] = "default-src 'none'; form-action 'self'"
    return response
