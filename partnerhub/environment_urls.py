"""URLs in the environment: split by ourselves, as urllib's errors quote parts of passwords."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import environ

LOCAL_DATABASE = "postgres://postgres@127.0.0.1:5432/partnerhub"
LOCAL_REDIS = "redis://127.0.0.1:6379/0"
#: As messages show them: `p@ssword` is written `p%40ssword`.
EXAMPLES = {
    "postgres": "postgres://user:p%40ssword@host:5432/partnerhub",
    "redis": "redis://:p%40ssword@host:6379/0",
    "smtp": "smtp+tls://user:p%40ssword@mail.example:587",
}
_ENCODE = 'percent-encode "/" as %2F, "?" as %3F, "#" as %23, "@" as %40 in user name and password'
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL | re.I)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]%@\\]*)(?::([0-9]+))?")
_SMTP = {"smtp": 25, "smtp+tls": 587, "smtps": 465, "smtp+ssl": 465}
_OTHER_MAIL = frozenset({"consolemail", "memorymail", "dummymail", "filemail"})


class Wrong(Exception):
    """What is wrong with a value, without the value."""


@dataclass(frozen=True)
class Url:
    """A URL in its parts; user and password decoded, None where there is none."""

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    path: str
    query: str

    def __str__(self) -> str:
        """Return the URL with user and password encoded as everybody reads them alike."""
        user = quote(self.user or "", safe="")
        secret = "" if self.password is None else ":" + quote(self.password, safe="")
        at = "" if self.user is None else "@"
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{user}{secret}{at}{self.host}{port}{self.path}{self.query}"


def split(text: str, schemes: frozenset[str]) -> Url:
    """Split a URL; raises Wrong, which holds no part of it."""
    match = _URL.fullmatch(text)
    if not match or match[1].lower() not in schemes:
        raise Wrong(f"must begin with {', '.join(f'{one}://' for one in sorted(schemes))}")
    scheme, authority, path, query, fragment = match.groups()
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise Wrong("has a blank or a line break in it")
    if fragment or "@" in path + (query or ""):
        raise Wrong(f'has a "#", or a "/" or "?" before its last "@": {_ENCODE}')
    login, at, place = authority.rpartition("@")
    host = _HOST.fullmatch(place)
    if not host or (host[2] and not 1 <= int(host[2][:6]) <= 65535):
        raise Wrong(f"has a host or a port that is none (a port is 1 to 65535); {_ENCODE}")
    user, colon, password = login.partition(":")
    return Url(
        scheme=scheme.lower(),
        user=unquote(user) if at else None,
        password=unquote(password) if colon else None,
        host=host[1],
        port=int(host[2]) if host[2] else None,
        path=path,
        query=query or "",
    )


def database(text: str) -> dict[str, Any]:
    """Return Django's settings of the database."""
    url = split(text, frozenset({"postgres", "postgresql"}))
    if not url.path.strip("/"):
        raise Wrong("names no database after its host")
    found: dict[str, Any] = environ.Env.db_url_config(str(url))
    return found


def redis(text: str) -> str:
    """Return the URL in its safe form."""
    url = split(text, frozenset({"redis", "rediss"}))
    if not url.host or not re.fullmatch(r"/?[0-9]*", url.path):
        raise Wrong("must have a host, and a number or nothing as its path")
    return str(url)


def origin(text: str) -> str:
    """Return "<scheme>://<host>[:<port>]" as browsers write it in their Origin header."""
    url = split(text, frozenset({"http", "https"}))
    if url.user is not None or url.path.strip("/") or url.query:
        raise Wrong("must be scheme and host alone: no path, no user name, no ?")
    if not url.host:
        raise Wrong("has no host")
    port = "" if url.port in {None, {"http": 80, "https": 443}[url.scheme]} else f":{url.port}"
    return f"{url.scheme}://{url.host.lower()}{port}"


def base_url(text: str) -> str:
    """Return an http or https address without a slash at its end."""
    if not split(text, frozenset({"http", "https"})).host:
        raise Wrong("has no host")
    return text.rstrip("/")


def email(text: str) -> dict[str, Any]:
    """Return Django's EMAIL_ settings; smtps and smtp+ssl are TLS at once, smtp+tls is STARTTLS."""
    url = split(text, frozenset(_SMTP) | _OTHER_MAIL)
    if url.scheme in _OTHER_MAIL:
        found: dict[str, Any] = environ.Env.email_url_config(str(url))
        return found
    if not url.host or url.path.strip("/") or url.query:
        raise Wrong("must be user, password, host and port alone")
    if bool(url.user) != bool(url.password):
        raise Wrong("has only one of user name and password")
    if (url.scheme, url.port) in {("smtps", 587), ("smtp+ssl", 587), ("smtp+tls", 465)}:
        raise Wrong("mixes two ways: smtps:// is TLS at once (465), smtp+tls:// STARTTLS (587)")
    return {
        "EMAIL_BACKEND": "provisioning.activation.smtp.SmtpBackend",
        "EMAIL_HOST": url.host.strip("[]"),
        "EMAIL_PORT": url.port or _SMTP[url.scheme],
        "EMAIL_HOST_USER": url.user or "",
        "EMAIL_HOST_PASSWORD": url.password or "",
        "EMAIL_USE_TLS": url.scheme == "smtp+tls",
        "EMAIL_USE_SSL": url.scheme in {"smtps", "smtp+ssl"},
    }
