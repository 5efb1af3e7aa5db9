"""No text that is not ours moves the words beside it, on any page."""

from __future__ import annotations

import pytest

from tests.security import world as worlds
from tests.security.addresses import ADDRESSES
from tests.security.browsers import FULL, OPERATIONS, Browsers, undone
from tests.security.foreign_text import WORD, moving_texts
from tests.security.test_admin import paths
from tests.security.test_bad_input import role_of
from tests.security.test_matrix import url_of
from tests.security.world import World

TITLES = ("<title>", "<h1>", "<h2>")


@pytest.fixture
def hebrew(db: None) -> World:
    return worlds.build(WORD)


def answers(world: World, browsers: Browsers, htmx: bool) -> list[str]:
    wrong = []
    headers = {"hx-request": "true"} if htmx else {}
    for name, address in ADDRESSES.items():
        if name == "dev:mailbox":
            continue  # mails as they were sent, each line of them for itself
        role = role_of(address)
        url = url_of(name, address, world.ours, browsers.people[role])
        for method in {"GET", "POST"} & {*address.rights, *address.methods}:
            data = address.data(world.ours, world.ours.full) if method == "POST" else {}
            with undone():
                answer = browsers.send(role, method, url, data=data, headers=headers, follow=True)
            if "html" in answer.headers.get("content-type", ""):
                found = moving_texts(answer.whole.decode())
                wrong += [f"{name} {method}: {text}" for text in found]
    return wrong


@pytest.mark.parametrize("htmx", [False, True])
def test_no_page_has_foreign_text_that_moves_ours(hebrew: World, htmx: bool) -> None:
    wrong = answers(hebrew, Browsers(hebrew), htmx)

    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.parametrize("name", ["q", "enterprise", "error", "package", "status", "sort"])
def test_no_word_of_an_address_moves_ours(hebrew: World, name: str) -> None:
    answer = Browsers(hebrew).send(FULL, "GET", f"/users/?{name}={WORD}none")

    assert moving_texts(answer.whole.decode()) == []


def test_no_title_of_operations_pages_is_moved_by_foreign_text(hebrew: World) -> None:
    browsers, wrong = Browsers(hebrew), []
    for path in sorted(set(paths())):
        with undone():
            answer = browsers.send(OPERATIONS, "GET", path)
        if "html" in answer.headers.get("content-type", ""):
            found = moving_texts(answer.whole.decode())
            # Fields and links stand in blocks of their own, which isolate what is in them.
            wrong += [f"{path}: {text}" for text in found if text.startswith(TITLES)]

    assert not wrong, "\n".join(sorted(set(wrong)))
