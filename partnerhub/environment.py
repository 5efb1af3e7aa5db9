"""Reads variables of the environment and collects all that is wrong with them.

No message holds a value: what was put into the wrong variable may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import TypeVar
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured

from partnerhub.environment_urls import Wrong

T = TypeVar("T")
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_LIMIT = re.compile(r"[0-9]{1,6}/[1-9][0-9]{0,7}")
_GREETING = re.compile(
    r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f:.]+\]|\[IPv6:[0-9A-Fa-f:.]+\]"
)
_LEVELS = frozenset({"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"})


class Environment:
    """Variables by name; a wrong one is noted, and its default stands in until `refuse_wrong`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.problems: list[str] = []
        #: Names of those that have a value.
        self.given = frozenset(name for name, value in values.items() if value.strip())

    def refuse_wrong(self) -> None:
        """Raise ImproperlyConfigured that tells every problem."""
        if self.problems:
            lines = "\n  ".join(self.problems)
            raise ImproperlyConfigured(f"These environment variables are wrong:\n  {lines}")

    def wrong(self, name: str, what: str, example: str) -> None:
        """Note a problem."""
        self.problems.append(f"{name} {what}. Example: {name}={example}")

    def read(self, name: str, default: T, parse: Callable[[str], T], example: str) -> T:
        """Return what `parse` makes of the value; it raises Wrong with what is wrong."""
        if name not in self.values:
            return default
        try:
            if not self.values[name].strip():
                raise Wrong("is empty: leave it out, or give it a value")
            return parse(self.values[name].strip())
        except Wrong as problem:
            self.wrong(name, str(problem), example)
            return default

    def optional(self, name: str, default: T, parse: Callable[[str], T], example: str) -> T:
        """Like `read`, but an empty value means none, as compose files give it."""
        return self.read(name, default, parse, example) if name in self.given else default

    def text(self, name: str, default: str = "") -> str:
        """Any text; empty means none."""
        return self.values.get(name, default)

    def words(self, name: str, default: list[str]) -> list[str]:
        """Texts with a comma between; empty means none."""
        if name not in self.values:
            return default
        return [word for word in map(str.strip, self.values[name].split(",")) if word]

    def hosts(self, name: str, default: list[str]) -> list[str]:
        """Host names, without scheme and path."""
        if any(re.search(r"[/\s@]", word) for word in self.words(name, default)):
            self.wrong(
                name, "takes host names alone, comma between, no http:// and no path", "a.example"
            )
            return default
        return self.words(name, default)

    def boolean(self, name: str) -> bool:
        """One of a few words for yes and no; False when it is not there."""
        return self.read(name, False, _boolean, "1")

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""

        def parse(text: str) -> int:
            if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
                raise Wrong(f"must be a whole number from {least} to {most}")
            return int(text)

        return self.read(name, default, parse, str(default))

    def number(self, name: str, default: float, most: float) -> float:
        """A number from 0 to `most`."""

        def parse(text: str) -> float:
            try:
                found = float(text)
            except ValueError:
                found = math.nan
            if not 0 <= found <= most:
                raise Wrong(f"must be a number from 0 to {most:g}")
            return found

        return self.read(name, default, parse, f"{default:g}")

    def limit(self, name: str, default: str) -> str:
        """A limit as "<count>/<seconds>"."""
        return self.read(name, default, _limit, default)

    def sender(self, name: str, default: str) -> str:
        """Who mails are from: an address, or "Name <address>"."""
        return self.optional(name, default, _sender, "Partner Hub <hub@partner.example>")

    def greeting(self, name: str) -> str:
        """A name of this machine for mail servers (RFC 5321 4.1.1.1), or nothing."""
        return self.optional(name, "", _greeting, "hub.partner.example")

    def path(self, name: str, default: str) -> str:
        """A folder; empty would be the current one."""
        return self.read(name, default, str, default)

    def time_zone(self, name: str, default: str) -> str:
        """A name of the time zone database."""

        def parse(text: str) -> str:
            if text not in available_timezones():
                raise Wrong("must be a time zone by its name")
            return text

        return self.read(name, default, parse, default)

    def log_level(self, name: str, default: str) -> str:
        """A level of Python's logging."""
        return self.read(name, default, _level, default)

    def token_keys(self, name: str) -> list[str]:
        """Keys as "<key id>:<base64 of 32 bytes>"."""
        words = self.words(name, [])
        ids = [word.partition(":")[0] for word in words]
        if not all(map(_is_key, words)):
            what = 'must be "<id>:<base64 of 32 bytes>", comma between (openssl rand -base64 32)'
            self.wrong(name, what, "k1:" + "A" * 42 + "E=")
        elif len(set(ids)) < len(ids):
            self.wrong(name, "has two keys with one id", "k2:<newer key>,k1:<older key>")
        return words


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise Wrong("must be 1 or 0 (or true, false, yes, no, on, off)")
    return text.lower() in _TRUE


def _limit(text: str) -> str:
    if not _LIMIT.fullmatch(text):
        raise Wrong('must be "<count>/<seconds>"')
    return text


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise Wrong("must be one of " + ", ".join(sorted(_LEVELS)))
    return text.upper()


def _sender(text: str) -> str:
    _name, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or re.search(r"[\r\n]", text):
        raise Wrong("must be an e-mail address, or a name and an address in <>")
    return text


def _greeting(text: str) -> str:
    if not _GREETING.fullmatch(text):
        raise Wrong("must be a host name with a dot in it, or an IP address in []")
    return text


def _is_key(word: str) -> bool:
    key_id, _, body = word.partition(":")
    try:
        return bool(key_id) and len(base64.b64decode(body, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False
