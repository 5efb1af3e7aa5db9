"""Forms that were sent and not taken, as after a sign-out: what they held is kept, and asked anew.

Only what a page of ours sent is carried, never a secret, and nothing is done by itself.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from django.core import signing
from django.http import HttpRequest, QueryDict

#: Seconds within which one may sign in again and find the form.
LIFETIME = 3600
_KEY = "lost_form"
_SECRET = re.compile(r"password|token|csrf", re.IGNORECASE)
#: Characters in all; more is a file or a list, which can be sent again as they are.
_MOST = 20_000
_TECHNICAL = re.compile(r"[0-9a-f-]{32,36}|on|[0-9]+|[a-z]+(_[a-z]+)+", re.IGNORECASE)


class LostForm(NamedTuple):
    """Where a form was sent to, and its fields."""

    path: str
    fields: list[list[str]]

    @property
    def words(self) -> list[str]:
        """What was typed or chosen, to be looked at."""
        return [text for _, text in self.fields if text and not _TECHNICAL.fullmatch(text)]

    @property
    def data(self) -> QueryDict:
        """The fields as they were sent."""
        sent = QueryDict(mutable=True)
        for name, text in self.fields:
            sent.appendlist(name, text)
        return sent


def is_ours(request: HttpRequest) -> bool:
    """Whether the browser says that a page of ours sent this."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def of(request: HttpRequest) -> LostForm | None:
    """What a POST of a page of ours held; None when it cannot be asked for again."""
    if request.method != "POST" or not is_ours(request):
        return None
    names = [name for name in request.POST if not name.startswith("csrf")]
    if request.FILES or any(map(_SECRET.search, names)):
        return None
    fields = [[name, text] for name in names for text in request.POST.getlist(name)]
    is_too_long = sum(len(name) + len(text) for name, text in fields) > _MOST
    return None if is_too_long else LostForm(request.get_full_path(), fields)


def seal(form: LostForm) -> str:
    """The form as a hidden field of the sign-in page: nothing is kept for strangers."""
    return signing.dumps(form, salt=_KEY, compress=True)


def keep(request: HttpRequest, sealed: str) -> LostForm | None:
    """Open what `seal` made and keep it in the session of who signed in."""
    try:
        path, fields = signing.loads(sealed, salt=_KEY, max_age=LIFETIME)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    request.session[_KEY] = [path, fields]
    return LostForm(path, fields)


def kept(request: HttpRequest) -> LostForm | None:
    """The form that was kept, if any."""
    found: Any = request.session.get(_KEY)
    return LostForm(*found) if found else None


def take(request: HttpRequest) -> LostForm | None:
    """The form that was kept for this very page; it is shown once."""
    form = kept(request)
    if form is None or form.path != request.get_full_path():
        return None
    del request.session[_KEY]
    return form
