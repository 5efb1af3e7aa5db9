"""Acting and looking as a browser does, over HTTP."""

from __future__ import annotations

import threading
import time
from collections import Counter
from http import HTTPStatus

import requests
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import User

BACKEND = "accounts.sign_in.Backend"
CSRF = "c" * 32
ANSWER_SECONDS = 20.0


class NoAnswer(Exception):
    """The browser does not know what became of its form: cut off, or an error page."""


class TryLater(Exception):
    """The form was refused as things are now."""


class Browser:
    """A signed-in administrator's browser."""

    def __init__(self, url: str, user: User) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.cookies.set("session", _session_of(user))
        self.http.cookies.set("csrf", CSRF)

    def send(self, path: str, fields: dict[str, str]) -> None:
        """Send a form; raises NoAnswer or TryLater unless it was accepted."""
        try:
            answer = self.http.post(
                self.url + path,
                data=fields | {"csrfmiddlewaretoken": CSRF},
                timeout=ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoAnswer(str(answer.status_code))
        if answer.status_code != HTTPStatus.FOUND:
            raise TryLater(str(answer.status_code))

    def read(self, path: str) -> str:
        """Open a page and return it; raises NoAnswer for anything but a page."""
        try:
            answer = self.http.get(self.url + path, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            raise NoAnswer(type(error).__name__) from None
        if answer.status_code != HTTPStatus.OK:
            raise NoAnswer(str(answer.status_code))
        return answer.text

    def look(self, path: str) -> str:
        """Open a page; returns its status, or what went wrong instead of an answer."""
        try:
            answer = self.http.get(self.url + path, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            return type(error).__name__
        return str(answer.status_code)


class Watcher:
    """A browser that opens the list again and again, as live pages do."""

    def __init__(self, browser: Browser, path: str = "/users/") -> None:
        self.seen: Counter[str] = Counter()
        self.slowest = 0.0
        self._browser, self._path = browser, path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            began = time.monotonic()
            self.seen[self._browser.look(self._path)] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


def _session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
