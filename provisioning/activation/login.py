"""The portal's login check: BroadWorks is asked seldom, and never twice for one password.

Promise 5: at most `PORTAL_WRONG_PASSWORDS` wrong passwords per user ID reach BroadWorks between
successes or per 24 hours, whichever template, partner or spelling they come by. Checks of one
user run one after the other, so that the count is exact; at most four of one BroadWorks run at
once. Both by PostgreSQL's advisory locks, which a dead process lets go of by itself.
"""

from __future__ import annotations

import hashlib
import logging
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from common import clock, session_locks, throttle
from common.models import ThrottleCount
from common.requests import network_of
from common.throttle import Limit
from provisioning import codes
from provisioning.activation.admission import PortalRefused
from provisioning.catalogue.words import LAST_TRY
from templates_app.models import OnboardingTemplate
from webex import xsi
from webex.xsi_profile import XsiProfile

logger = logging.getLogger(__name__)

XSI_SECONDS = 5.0
#: How long a sign-in waits for another one of the same user, or for one of the places.
USER_PATIENCE = XSI_SECONDS + 1.0
PLACE_PATIENCE = 2.0
MAX_PARALLEL = 4
_DAY = 24 * 3600
#: BroadWorks names a lock-out only to who knows the password; asked this often a day at most.
_LOCKED_ANSWERS = Limit(10, _DAY)


@dataclass(frozen=True)
class Login:
    """Who tries to sign in, where from, through which link."""

    template: OnboardingTemplate
    user_id: str
    ip: str

    @property
    def host(self) -> str:
        """The BroadWorks that is asked; its users are counted together, whoever's link it is."""
        return urlsplit(self.template.partner.connection.xsi_base_url).netloc.lower()

    @property
    def key(self) -> str:
        """The user ID as it is counted: case, width and spaces make no difference."""
        return plain(self.user_id).casefold()


def plain(user_id: str) -> str:
    """A user ID as BroadWorks wants it: full-width characters narrowed, no spaces at all."""
    return "".join(unicodedata.normalize("NFKC", user_id).split())


@sensitive_variables("password")
def check(login: Login, password: str, *, encoding: str = "") -> XsiProfile:
    """Return BroadWorks' profile of the user, whose password was right.

    `encoding` is another one than that of the connection, for who wants to find out.

    Raises:
        PortalRefused: with the same code for a wrong password and a user who does not exist.
    """
    _count_visit(login)
    with _turn(login), _place(login):
        _reserve(login)
        profile = _ask(login, password, encoding)
        _clear_counts(login)
    logger.info("portal sign-in", extra=_facts(login, "ok"))
    return profile


@sensitive_variables("password")
def _ask(login: Login, password: str, encoding: str) -> XsiProfile:
    connection = login.template.partner.connection
    try:
        return xsi.check_login(
            connection.xsi_base_url,
            plain(login.user_id),
            password,
            encoding=encoding or connection.password_encoding,
            timeout=XSI_SECONDS,
            trusted_hosts=settings.BACKEND_HOSTS,
        )
    except xsi.XsiUnavailable as error:
        if not error.sent:
            _give_back(login)
        refusal = PortalRefused(codes.LOGIN_AWAY, error.reason)
    except xsi.LoginLocked:
        _give_back(login)
        throttle.take("portal-locked", login.host, login.key, limit=_LOCKED_ANSWERS)
        refusal = PortalRefused(codes.LOCKED_OUT)
    except xsi.CannotBeSent as error:
        _give_back(login)
        refusal = PortalRefused(codes.WRONG_LOGIN, str(error))
    except xsi.XsiError as error:
        # 403 and 404 as well: what else they would say, they would say to strangers.
        # Unknown users are counted alike, so that the last try tells strangers nothing.
        words = LAST_TRY if _left(login) == 1 else None
        refusal = PortalRefused(codes.WRONG_LOGIN, str(error), words=words)
    logger.info("portal sign-in", extra=_facts(login, refusal.code) | {"reason": refusal.text})
    raise refusal


def _facts(login: Login, outcome: str) -> dict[str, object]:
    digest = hashlib.sha256(f"{login.host} {login.key}".encode()).hexdigest()[:16]
    return {"outcome": outcome, "template_id": login.template.pk, "user_id_hash": digest}


# ---- Counting ----


def _count_visit(login: Login) -> None:
    """Per address and per link; given back after a success, so that an office can sign in."""
    for scope, part, limit in _visits(login):
        if not throttle.take(scope, part, limit=Limit.parse(limit)):
            logger.warning("portal throttled", extra=_facts(login, codes.TOO_MANY))
            raise PortalRefused(codes.TOO_MANY)


def _visits(login: Login) -> list[tuple[str, str, str]]:
    return [
        ("portal-ip", network_of(login.ip), settings.PORTAL_PER_IP),
        ("portal-link", login.template.activation_key, settings.PORTAL_PER_LINK),
    ]


def _reserve(login: Login) -> None:
    """Count a wrong password before it is sent; held to be one until BroadWorks says otherwise.

    A user ID without its domain may be any user of that name: it counts with all of them.
    """
    local = login.key.partition("@")[0]
    locked = throttle.used("portal-locked", login.host, login.key) >= _LOCKED_ANSWERS.count
    allowed = Limit(_allowed(login), _DAY)
    closed = locked or allowed.count == 0
    if closed or not throttle.take("portal-user", login.host, login.key, limit=allowed):
        logger.warning("portal throttled", extra=_facts(login, codes.LOGIN_CLOSED))
        raise PortalRefused(codes.LOGIN_CLOSED)
    throttle.take("portal-name", login.host, local, limit=Limit(1_000_000, _DAY))
    for scope, part in (("portal-user", login.key), ("portal-name", local)):
        _prolong(throttle.key_of(scope, login.host, part))


def _allowed(login: Login) -> int:
    """How many wrong passwords of this user ID BroadWorks may see in 24 hours."""
    local, at, _ = login.key.partition("@")
    others = ("portal-user", login.host, local) if at else ("portal-name", login.host, local)
    return max(settings.PORTAL_WRONG_PASSWORDS - throttle.used(*others), 0)


def _left(login: Login) -> int:
    """How many more wrong ones it may see."""
    return _allowed(login) - throttle.used("portal-user", login.host, login.key)


def _prolong(key: str) -> None:
    """A day from the latest wrong password: any 24 hours hold no more than the limit."""
    until = clock.now() + timedelta(seconds=_DAY)
    ThrottleCount.objects.filter(key=key).update(expires_at=until)


def _give_back(login: Login) -> None:
    throttle.give_back("portal-user", login.host, login.key)
    throttle.give_back("portal-name", login.host, login.key.partition("@")[0])


def _clear_counts(login: Login) -> None:
    """A success: BroadWorks forgets this user's failures, and so do we."""
    _give_back(login)
    throttle.clear("portal-user", login.host, login.key)
    for scope, part, _ in _visits(login):
        throttle.give_back(scope, part)


# ---- One at a time, four at once ----


@contextmanager
def _turn(login: Login) -> Iterator[None]:
    """Checks of one name wait for each other."""
    local = login.key.partition("@")[0]
    with _lock([f"portal user {login.host} {local}"], patience=USER_PATIENCE):
        yield


@contextmanager
def _place(login: Login) -> Iterator[None]:
    """One of the places at this BroadWorks."""
    places = [f"portal place {login.host} {number}" for number in range(MAX_PARALLEL)]
    with _lock(places, patience=PLACE_PATIENCE):
        yield


@contextmanager
def _lock(names: list[str], *, patience: float) -> Iterator[None]:
    """Hold the first of these locks that is free, within so many seconds.

    Raises:
        PortalRefused: TOO_MANY.
    """
    end = time.monotonic() + patience
    while (taken := next(filter(session_locks.take, names), None)) is None:
        if time.monotonic() >= end:
            raise PortalRefused(codes.TOO_MANY)
        time.sleep(0.05)
    try:
        yield
    finally:
        session_locks.release(taken)
