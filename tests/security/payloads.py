"""What strangers send instead of what was asked for."""

from __future__ import annotations

#: Shown as it is, this would be a tag; no page may hold it.
TAG = "<zqx onload=alert(1)>"
#: Would be 49 in a page if a template engine saw it.
TEMPLATE = "{{7*7}}{% debug %}${7*7}"

PAYLOADS: dict[str, str] = {
    "nothing": "",
    "spaces": "   \t  ",
    "tag": TAG,
    "attribute": '" autofocus onfocus="alert(1)" x="' + TAG,
    "template": TEMPLATE,
    "nul": "a\x00b",
    "only nul": "\x00",
    "lone surrogate": "a\ud800b",
    "right to left": "\u202egnp.exe\u202c \u2066abc\u2069",
    "zero width": "a\u200b\u200d\ufeffb",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 5,
    "combining": "Z" + "\u0301" * 200,
    "sql": "' OR '1'='1'; DROP TABLE accounts_user; --",
    "like": "%_\\%%",
    "regex": "(a+)+$[",
    "crlf": "a\r\nSet-Cookie: zqx=1\r\n\r\n<html>",
    "path": "../../../../etc/passwd",
    "url": "https://evil.example/?a=b&c=d#e",
    "json": '{"$ne": null, "__proto__": {"x": 1}}',
    "number": "9" * 400,
    "negative": "-1",
    "float": "1e309",
    "nan": "NaN",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "half a uuid": "00000000-0000",
    "date": "99999-99-99T99:99:99+99:99",
    "long": "x" * 100_000,
    "long words": "ab " * 5_000,
    "percent": "%00%0d%0a%ff%c0%af",
    "other digits": "١٢٣٤٥",
    "formula": "=cmd|' /C calc'!A0",
}
