"""Sealing of backend tokens: AES-256-GCM, random nonce, key id, bound to its row (S22)."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Unsealable(Exception):
    """The sealed text is damaged, of another row, or its key is not configured."""


def seal(text: str, *, owner: str) -> str:
    """Encrypt with the newest key; `owner` (as "connection:7") must be given again to unseal."""
    key_id, key = _keys()[0]
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), owner.encode())
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, owner: str) -> str:
    """Decrypt what `seal` made for the same owner.

    Raises:
        Unsealable: see the class.
    """
    key_id, _, body = sealed.partition(":")
    try:
        key = dict(_keys()).get(key_id)
    except (ImproperlyConfigured, binascii.Error) as error:
        raise Unsealable("TOKEN_KEYS cannot be used") from error
    if key is None or not body:
        raise Unsealable(f"no key {key_id!r} in TOKEN_KEYS")
    try:
        raw = base64.b64decode(body, validate=True)
        return AESGCM(key).decrypt(raw[:12], raw[12:], owner.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unsealable("damaged, or sealed for another row") from error


def is_newest(sealed: str) -> bool:
    """True when the text was sealed with the key that `seal` uses now."""
    return sealed.partition(":")[0] == _keys()[0][0]


def _keys() -> list[tuple[str, bytes]]:
    keys = []
    for entry in settings.TOKEN_KEYS:
        key_id, _, body = entry.partition(":")
        key = base64.b64decode(body)
        if len(key) != 32:
            raise ImproperlyConfigured(f"TOKEN_KEYS: key {key_id!r} is not 32 bytes long")
        keys.append((key_id, key))
    if not keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty; make one with: openssl rand -base64 32")
    return keys
