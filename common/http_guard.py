"""Where we may call: the check of a backend's URL, and of each address that a name resolves to."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import quote, urlsplit

_SCHEMES = {"http": 80, "https": 443}
#: RFC 6052: an IPv6 prefix whose last 32 bits are an IPv4 address.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: AWS's metadata service on IPv6; the IPv4 ones are link-local.
_METADATA = {"fd00:ec2::254", "100.100.100.200", "192.0.0.192"}


class UrlRefused(ValueError):
    """A URL that we don't call.

    `reason` is one of `malformed`, `scheme`, `credentials`, `query`, `private`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_backend_url(url: str, *, trusted_hosts: Collection[str] = ()) -> str:
    """Return `url` without its trailing slash, or raise `UrlRefused`.

    Only https is allowed, and no private address, unless the host is in `trusted_hosts`
    (`host` or `host:port`, exact). Names aren't resolved here: the address behind a name is
    checked at each connect, since it may change after the form was saved (ASVS 1.3.6).
    """
    scheme, host, port = split_origin(url)
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("credentials")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise UrlRefused("query")
    if is_trusted(host, port, trusted_hosts):
        return url.rstrip("/")
    if scheme != "https":
        raise UrlRefused("scheme")
    if host == "localhost" or host.endswith(".localhost") or not _literal_is_public(host):
        raise UrlRefused("private")
    return url.rstrip("/")


def split_origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host (lower case, no brackets) and port of an absolute URL."""
    if any(ord(character) <= 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise UrlRefused("malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlRefused("malformed") from None
    if parts.scheme not in _SCHEMES:
        raise UrlRefused("scheme")
    if not parts.hostname or port == 0:
        raise UrlRefused("malformed")
    return parts.scheme, parts.hostname.rstrip("."), port or _SCHEMES[parts.scheme]


def is_trusted(host: str, port: int, trusted_hosts: Collection[str]) -> bool:
    """Tell whether operations named this host, alone or with this port, as one of theirs."""
    written = f"[{host}]" if ":" in host else host
    return any(
        entry.lower() in {host, written, f"{written}:{port}"} for entry in trusted_hosts if entry
    )


def address_allowed(address: str, *, trusted: bool) -> bool:
    """Tell whether we may connect to a resolved IP address.

    A trusted host may be loopback or private (a simulator, a lab), but never link-local or a
    cloud's metadata service.
    """
    try:
        parsed = _unwrapped(address)
    except ValueError:
        return False
    if str(parsed) in _METADATA or parsed.is_link_local or parsed.is_multicast:
        return False
    if parsed.is_unspecified:
        return False
    return trusted or parsed.is_global


def path_segment(text: str) -> str:
    """Quote one part of a path; `@` becomes `%40`, `+` `%2B`, `/` `%2F`.

    Raises ValueError for `""`, `.` and `..`, which no quoting can keep from meaning a folder.
    """
    if text in {"", ".", ".."}:
        raise ValueError("not a path segment")
    return quote(text, safe="", errors="replace")


def _literal_is_public(host: str) -> bool:
    """False for an IP literal that isn't public; a name is judged when it is resolved."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # 127.1, 0x7f000001 and 2130706433 are loopback to a resolver: no real name looks so.
        return not host.rpartition(".")[2].startswith(tuple("0123456789"))
    return address_allowed(host, trusted=False)


def _unwrapped(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside an IPv6 one, when it is only a wrapping of it."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    if parsed in _NAT64:
        return ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return parsed.ipv4_mapped or parsed.sixtofour or parsed
