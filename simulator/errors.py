"""Refusals: Cisco's texts with their numbers, our own without one, and the answer's form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import JsonResponse

#: Texts as in Cisco's "Webex App Error Messages For Calling" (help.webex.com, r75fdv), in the
#: developer guide (1001, 1002) and in the published API document (10022).
CISCO_TEXTS: dict[int, str] = {
    1001: "Null Parameter",
    1002: "Invalid Parameter Size",
    10022: "The BroadWorks UserID is already associated with an existing user",
    200010: "Failed validating credentials as user unauthorized",
    200016: "Failed validating credentials as session not found",
    200018: "Failed validating credentials as user is locked out",
    200019: "Failed validating credentials as add user failed for self-activation",
    200026: "Failed validating email due to pre-check failure or pending user incorrect state",
    200039: "Failed validating email as emailId already in use in a different Org",
    200040: (
        "Failed validating email as configSet is not matching with configSet in customerConfig"
    ),
    200041: (
        "Failed validating email as user is already entitled for another conflicting service, "
        "conflicting entitlements"
    ),
    200042: "Failed validating email as email is already associated with another UserId",
    200043: "Failed validating email as user customer config mapping is incorrect",
    200044: "Failed validating email as userId is already in use on this cluster",
    200045: (
        "Failed adding user through self-activation as user is already part of a different org"
    ),
    200046: (
        "Failed adding user through self-activation as multiple pending users exists with same "
        "userId under same cluster"
    ),
    200047: (
        "Failed adding user through self-activation as userId is already in use on this cluster"
    ),
    200048: (
        "Failed adding user through self-activation as email address was already provisioned "
        "with a different userId"
    ),
    200049: (
        "Failed adding user through self-activation as userId is already in use on this cluster"
    ),
    200050: (
        "Failed adding user through self-activation as provisioningID doesn't match expected "
        "provisioningID of subscriber's enterprise"
    ),
    200051: (
        "Failed adding user through self-activation as spEnterpriseId specified in this request "
        "conflicts with a Service Provider or Enterprise already provisioned from this Cluster"
    ),
    200054: "Failed validating email as the region of the customer org and partner org mismatch",
}

#: Our own accident; Webex's text for it is not known, so it bears no number.
BACKEND_DOWN = "The provisioning backend did not answer. Try again later."

#: A consumer account moves only into an organisation that is there with its first user ("Move Webex
#: Users to Webex for BroadWorks", help.webex.com d0jzpq); the answer's words are not known.
NO_ORGANISATION = (
    "The consumer account cannot be moved: the customer's organization has no provisioned user yet."
)

MESSAGES = {
    400: "The request was invalid or cannot be otherwise served.",
    401: "Authentication credentials were missing or incorrect.",
    403: "The request is understood, but it has been refused or access is not allowed.",
    404: "The requested resource could not be found.",
    405: "The request method is not supported for this resource.",
    409: "The request conflicts with an established rule of the system.",
    413: "The request is larger than the server is willing to process.",
    414: "The request's address is longer than the server is willing to read.",
    415: "The request's media type is missing or not supported.",
    423: "The requested resource is temporarily unavailable.",
    429: "Too many requests have been sent in a given amount of time.",
    431: "The request's headers are larger than the server is willing to read.",
    500: "Something went wrong on the server.",
    503: "The server is overloaded or its database is away. Try again later.",
}

ErrorBody = dict[str, Any]


def cisco(code: int, text: str = "") -> ErrorBody:
    """One entry of `errors[]` with Cisco's number; `text` replaces Cisco's words."""
    return {"errorCode": code, "description": text or CISCO_TEXTS[code]}


def ours(text: str) -> ErrorBody:
    """One entry of `errors[]` in our own words, hence without a number."""
    return {"description": text}


@dataclass
class ApiError(Exception):
    """A refusal to be answered with this HTTP status; `headers` go along."""

    status: int
    errors: list[ErrorBody] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def response(self, tracking_id: str) -> JsonResponse:
        """Return the answer in Webex's form: message, errors, trackingId."""
        message = MESSAGES.get(self.status, "The request failed.")
        if self.errors:
            message = str(self.errors[0]["description"])
        body = {
            "message": message,
            "errors": self.errors or [ours(message)],
            "trackingId": tracking_id,
        }
        return JsonResponse(body, status=self.status, headers=self.headers)


def refuse(status: int, *texts: str) -> ApiError:
    """Return a refusal in our own words."""
    return ApiError(status, [ours(text) for text in texts])
