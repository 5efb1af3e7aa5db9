"""What a reader finds on a page of the list, for tests that only care about that."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.http import HttpResponse


def words(response: HttpResponse | Any) -> str:
    """The page's text without its tags, blanks folded."""
    text = re.sub(r"<[^>]*>", " ", response.content.decode())
    return " ".join(unescape(text).split())


def ids(response: HttpResponse | Any) -> list[str]:
    """BroadWorks IDs of the rows, in order, without the part after the @."""
    found = re.findall(r'aria-label="Actions for ([^"@]*)', response.content.decode())
    return [unescape(name) for name in found]


def link(response: HttpResponse | Any, text: str) -> str:
    """Where the link leads whose text or accessible name holds these words."""
    for attributes, inside in re.findall(
        r"<a ([^>]*)>(.*?)</a>", response.content.decode(), re.DOTALL
    ):
        shown = " ".join(unescape(re.sub(r"<[^>]*>", "", inside)).split())
        if text in shown or f'aria-label="{text}"' in attributes:
            return unescape(re.search(r'href="([^"]*)"', attributes)[1])
    raise AssertionError(f"no link says {text}")
