"""The BroadWorks login check: read the user's own profile with the user's own password.

The password is used for one request and forgotten. A failed login is never repeated: BroadWorks
counts failures and locks the account, which would take the customer's telephone login with it.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Collection

from django.views.decorators.debug import sensitive_variables

from common import http
from common.http_guard import path_segment
from webex.xsi_profile import ErrorInfo, NotAnAnswer, XsiProfile, read_error, read_profile

_ROOT = "/com.broadsoft.xsi-actions"
_VERSION = "/v2.0"


class XsiError(Exception):
    """A login check that gave no profile.

    `status` is the HTTP status or None; `code` BroadWorks' own error code or None.
    """

    def __init__(self, status: int | None = None, code: str | None = None) -> None:
        super().__init__(f"status={status} code={code}")
        self.status = status
        self.code = code


class WrongLogin(XsiError):
    """401: wrong user ID or password; BroadWorks doesn't tell which, and has counted it.

    Only with its own words or a challenge, which RFC 9110 15.5.2 asks of every such answer.
    """


class CannotBeSent(XsiError):
    """No login of BroadWorks' is spelt like this; nothing was sent, so nothing was counted."""


class LoginLocked(XsiError):
    """BroadWorks says that the account is locked. Most systems hide this behind a plain 401."""


class NotAllowed(XsiError):
    """403 in BroadWorks' words: this user, or our address, may not use Xsi-Actions."""


class NoSuchResource(XsiError):
    """404 in BroadWorks' words: this user has no profile here; or the Xsi URL is wrong."""


class XsiUnavailable(XsiError):
    """No verdict. `sent` tells whether the password may have arrived at BroadWorks and been
    counted. `reason` is that of `common.http`, `garbage`, `http`, or `foreign` for a refusal that
    isn't BroadWorks' own: a gateway before it spoke.
    """

    def __init__(self, *, sent: bool, reason: str, status: int | None = None) -> None:
        super().__init__(status)
        self.sent = sent
        self.reason = reason


@sensitive_variables()
def check_login(
    xsi_base_url: str,
    user_id: str,
    password: str,
    *,
    encoding: str = "utf-8",
    timeout: float = 5.0,
    trusted_hosts: Collection[str] = (),
) -> XsiProfile:
    """Return the profile of a BroadWorks user whose password is right.

    `xsi_base_url` is the XSP's URL, with or without `/com.broadsoft.xsi-actions[/v2.0]`;
    `encoding` is that of the credentials, which Basic itself leaves open (RFC 7617, 2.1);
    `timeout` is for the whole call, in seconds. Raises an `XsiError`. Source of path and
    answers: the Xsi-Actions interface, `GET /user/{userId}/profile` with HTTP Basic.
    """
    request = _request(xsi_base_url, user_id, password, encoding)
    limits = http.Timeout(connect=min(3.0, timeout), total=timeout)
    try:
        answer = http.call(request, timeout=limits, trusted_hosts=trusted_hosts, keep_alive=False)
    except http.NotConnected as error:
        failure = XsiUnavailable(sent=False, reason=error.reason)
    except http.AnswerLost as error:
        failure = XsiUnavailable(sent=True, reason=error.reason, status=error.status)
    else:
        return _understood(answer)
    raise failure


@sensitive_variables()
def _request(xsi_base_url: str, user_id: str, password: str, encoding: str) -> http.Request:
    # Basic credentials are one text with a colon after the user ID (RFC 7617): an ID with a
    # colon would make a part of itself the password.
    if ":" in user_id:
        raise CannotBeSent
    try:
        segment = path_segment(user_id)
    except ValueError:
        raise CannotBeSent from None
    url = f"{_actions_url(xsi_base_url)}/user/{segment}/profile"
    credentials = base64.b64encode(_bytes_of(f"{user_id}:{password}", encoding)).decode("ascii")
    headers = {
        "Authorization": f"Basic {credentials}",
        "Accept": "application/xml, application/json;q=0.5",
        "Connection": "close",
    }
    return http.Request("GET", url, headers)


@sensitive_variables()
def _bytes_of(pair: str, encoding: str) -> bytes:
    """One form for each letter, however a keyboard made it (NFC, as RFC 8265 asks of passwords)."""
    try:
        return unicodedata.normalize("NFC", pair).encode(encoding)
    except UnicodeEncodeError:  # no password of that server holds such a letter
        raise CannotBeSent from None


def _actions_url(base_url: str) -> str:
    url = base_url.rstrip("/").removesuffix(_VERSION).removesuffix(_ROOT)
    return url + _ROOT + _VERSION


def _understood(answer: http.Answer) -> XsiProfile:
    if answer.status == 200:
        try:
            return read_profile(answer.body)
        except NotAnAnswer:
            pass
        raise XsiUnavailable(sent=True, reason="garbage", status=200)
    raise _refusal(answer, read_error(answer.body))


def _refusal(answer: http.Answer, info: ErrorInfo | None) -> XsiError:
    """Believe a refusal that BroadWorks itself made; what a gateway refuses never got there."""
    status = answer.status
    challenges = status == 401 and "WWW-Authenticate" in answer.headers
    if info is None and not challenges:
        return XsiUnavailable(sent=not 400 <= status < 500, reason="foreign", status=status)
    info = info or ErrorInfo()
    if status in {401, 403} and info.says_locked:
        return LoginLocked(status, info.code)
    kinds: dict[int, type[XsiError]] = {401: WrongLogin, 403: NotAllowed, 404: NoSuchResource}
    if status in kinds:
        return kinds[status](status, info.code)
    return XsiUnavailable(sent=True, reason="http", status=status)
