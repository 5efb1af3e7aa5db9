"""Every field and every query parameter of every page, with what strangers send instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client

from tests.security.addresses import ADDRESSES, Address
from tests.security.browsers import ANONYMOUS, FULL, OPERATIONS, Browsers, undone
from tests.security.payloads import PAYLOADS, TAG
from tests.security.test_matrix import WITH_POST, url_of
from tests.security.world import Side, World

#: Query parameters that any page may read.
PARAMETERS = [
    "q", "status", "package", "error", "enterprise", "template", "exclude_provisioned", "sort",
    "per_page", "after", "before", "page", "state", "mine", "id", "ids", "v", "seen", "next",
    "language", "since", "x[]", "find",
]  # fmt: skip
_LISTS = ("all_users", "users", "all_users_live", "all_enterprises", "jobs")
LISTS = [f"userstatus:{name}" for name in _LISTS]
#: Fields that are no name of an input on the page, but might be read.
HIDDEN = ["next", "submission", "run", "draft", "updated_at", "confirm"]
_FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\sname=\"([^\"]+)\"")


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """What is tried here is not how long Argon2 takes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def encoded(values: dict[str, str]) -> str:
    """A form or query as bytes that Python's own encoder would refuse (lone surrogates)."""
    return "&".join(
        f"{quote_plus(name)}={quote_plus(text.encode('utf-8', 'surrogatepass'))}"
        for name, text in values.items()
    )


def role_of(address: Address) -> str:
    return ANONYMOUS if address.public else FULL


def rotations(names: list[str], step: int = 1) -> Iterator[tuple[str, dict[str, str]]]:
    """Every name with every payload in as many forms as there are payloads (or every step-th)."""
    kinds = list(PAYLOADS)
    for turn in range(0, len(kinds), step):
        chosen = {name: kinds[(turn + place) % len(kinds)] for place, name in enumerate(names)}
        yield str(chosen), {name: PAYLOADS[kind] for name, kind in chosen.items()}


def problem(answer: Any) -> str:
    """What went wrong, or nothing."""
    if answer.status_code >= 500:
        return str(answer.status_code)
    if TAG.encode() in answer.whole or b"49{% debug %}" in answer.whole:
        return "the payload is not escaped"
    if "zqx" in answer.cookies or any("zqx" in name.lower() for name in answer.headers):
        return "the payload became a header"
    return ""


#: Every step-th of all combinations is sent; `make test-long` sends all.
STEPS = pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])


@STEPS
def test_no_query_breaks_a_page(world: World, browsers: Browsers, step: int) -> None:
    wrong = []
    for name, address in ADDRESSES.items():
        role = role_of(address)
        url = url_of(name, address, world.ours, browsers.people[role])
        for kind, query in queries(step * (2 if name in LISTS else 11)):
            with undone():
                answer = browsers.send(role, "GET", url, QUERY_STRING=query)
            if found := problem(answer):
                wrong.append(f"{url} {kind}: {found}")

    assert not wrong, "\n".join(wrong)


def queries(step: int) -> Iterator[tuple[str, str]]:
    """Payloads in all parameters at once, and each parameter many times."""
    for kind, values in rotations(PARAMETERS, step):
        yield kind, encoded({name: text[:2_000] for name, text in values.items()})
    yield "many", "&".join(f"{name}=a&{name}=b" for name in PARAMETERS * 5)
    yield "brackets", "&".join(f"{name}[]=1&{name}[x][y]=2&{name}" for name in PARAMETERS)
    yield "broken", "%zz&=&&a=%ff%fe&;;=%&status=%E0%80%80&q=%ED%A0%80"


@STEPS
def test_no_parameter_alone_breaks_the_lists(world: World, browsers: Browsers, step: int) -> None:
    """Alone, because one bad parameter may keep another from being read."""
    wrong = []
    paths = ("/users/", "/users/live/", "/jobs/", "/users/export/")
    kinds = ("nul", "lone surrogate", "number", "half a uuid", "date")
    for parameter, kind, path in list(product(PARAMETERS, kinds, paths))[::step]:
        query = encoded({parameter: PAYLOADS[kind]})
        if found := problem(browsers.send(FULL, "GET", path, QUERY_STRING=query)):
            wrong.append(f"{path} {parameter} {kind}: {found}")

    assert not wrong, "\n".join(wrong)


@STEPS
def test_no_form_breaks_a_page(world: World, browsers: Browsers, step: int) -> None:
    wrong = []
    for name, address in WITH_POST.items():
        role = role_of(address)
        url = url_of(name, address, world.ours, browsers.people[role])
        fields = fields_of(address, browsers.send(role, "GET", url), world.ours)
        for kind, form in list(forms(fields))[::step]:
            with undone():
                answer = post(browsers, role, url, encoded(form))
            if found := problem(answer):
                wrong.append(f"{url} {kind}: {found}")

    assert not wrong, "\n".join(wrong)


def fields_of(address: Address, page: Any, side: Side) -> dict[str, str]:
    """The fields that the page shows and those that the table knows, with good values."""
    good = {name: str(value) for name, value in address.data(side, side.full).items()}
    shown = _FIELD.findall(page.whole.decode())
    return {name: "" for name in [*shown, *HIDDEN] if name != "csrfmiddlewaretoken"} | good


def forms(fields: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """All fields wrong in turn, and each field wrong among right ones."""
    yield from rotations(list(fields), step=4)
    for name in fields:
        for kind in ("nul", "lone surrogate"):
            yield f"{kind} in {name}", fields | {name: PAYLOADS[kind]}


def post(browsers: Browsers, role: str, url: str, body: str, **more: Any) -> Any:
    kind = more.pop("kind", "application/x-www-form-urlencoded")
    method = more.pop("method", "POST")
    return browsers.send(role, "generic", url, method, body.encode(), content_type=kind, **more)


# ---- Too much, and not what it says ----


def test_a_body_that_is_too_large_gets_our_page(world: World, browsers: Browsers) -> None:
    wrong = []
    for name, address in WITH_POST.items():
        url = url_of(name, address, world.ours, world.ours.full)
        answer = post(browsers, FULL, url, "name=" + "x" * 10_000_000)
        if answer.status_code not in {400, 413, 302} or b"Traceback" in answer.whole:
            wrong.append(f"{url}: {answer.status_code}")
        elif answer.status_code != 302 and answer.whole.count(b"<h1>") != 1:
            wrong.append(f"{url}: {answer.status_code} without words")

    assert not wrong, "\n".join(wrong)


def test_too_many_fields_get_our_page(world: World, browsers: Browsers) -> None:
    wrong = []
    body = "&".join(f"field{number}=x" for number in range(2_000))
    for name, address in WITH_POST.items():
        url = url_of(name, address, world.ours, world.ours.full)
        answer = post(browsers, FULL, url, body)
        refused = answer.status_code in {400, 413} and answer.whole.count(b"<h1>") == 1
        if not refused and "activate" not in url and answer.status_code != 302:
            wrong.append(f"{url}: {answer.status_code}")
        if answer.status_code >= 500:
            wrong.append(f"{url}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)


BODIES = [
    ("application/json", '{"email": "a@b.example"}'),
    ("application/json", "{" * 10_000),
    ("multipart/form-data", "no boundary"),
    ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data\r\n\r\n"),
    (
        "multipart/form-data; boundary=x",
        '--x\r\nContent-Disposition: form-data; name="email"; filename="a.exe"\r\n'
        "Content-Type: text/html\r\n\r\n<script>\r\n--x--\r\n",
    ),
    ("application/x-www-form-urlencoded; charset=utf-7", "email=%2BADw-script"),
    ("application/x-www-form-urlencoded; charset=nonsense", "email=a"),
    ("text/xml", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    ("", ""),
]


def test_another_kind_of_body_breaks_nothing(world: World, browsers: Browsers) -> None:
    wrong = []
    for (name, address), (kind, body) in product(WITH_POST.items(), BODIES):
        url = url_of(name, address, world.ours, world.ours.full)
        with undone():
            answer = post(browsers, FULL, url, body, kind=kind)
        if found := problem(answer):
            wrong.append(f"{url} {kind}: {found}")

    assert not wrong, "\n".join(wrong)


HEADERS = {
    "accept-language": ["xx-XX,*;q=9", "x" * 10_000, "da;q=abc", "\x7f"],
    "hx-request": ["true", "no", "1"],
    "hx-target": ["<zqx onload=alert(1)>"],
    "hx-current-url": ["javascript:alert(1)", "http://[", "%ff"],
    "hx-current-url-uri-autoencoded": ["true"],
    "x-forwarded-for": ["nonsense", "::1, ''", "1" * 5_000],
    "x-forwarded-proto": ["https", "gopher"],
    "sec-fetch-site": ["none", "nonsense"],
    "range": ["bytes=0-1", "bytes=-1", "nonsense"],
    "if-none-match": ['"x"', "*"],
    "if-modified-since": ["yesterday", "Thu, 99 Foo 9999 99:99:99 GMT"],
    "cookie": ["session=../../etc; csrf=; language=../../x", "a=" + "b" * 4_000, ";;;=;"],
    "content-length": ["-1", "abc"],
    "x-keep-tools": ["true"],
    "user-agent": ["", "<zqx onload=alert(1)>"],
    "referer": ["javascript:alert(1)", "http://["],
}


def test_no_header_breaks_a_page(world: World, browsers: Browsers) -> None:
    wrong = []
    names = ["overview", "all_users", "jobs", "retry", "template", "export", "export_download"]
    pages = ["account_login", *[f"userstatus:{n}" for n in names], "activation_portal:sign_in"]
    sent = [(header, value) for header, values in HEADERS.items() for value in values]
    for name, (header, value) in product(pages, sent):
        url = url_of(name, ADDRESSES[name], world.ours, world.ours.full)
        if found := problem(browsers.send(FULL, "GET", url, headers={header: value})):
            wrong.append(f"{url} {header}: {value[:30]!r}: {found}")

    assert not wrong, "\n".join(wrong)


PATHS = [
    "/%00",
    "/users/%00/",
    "/users/not-a-uuid/",
    "/users/ffffffff-ffff-ffff-ffff-ffffffffffff/",
    "/activate/%00/",
    "/activate/%ff%fe/",
    "/activate/" + "x" * 5_000 + "/",
    "/activate/%2e%2e%2f/",
    "/password/reset/key/1-%00/",
    "/password/reset/key/zzzzzzzzzzzzzzzz-abc/",
    "/password/reset/key/0-set-password/",
    "/exports/../../etc/passwd",
    "/static/../partnerhub/settings.py",
    "/static/%2e%2e/partnerhub/settings.py",
    "/static/css/%00.css",
    "/admin/accounts/user/%00/change/",
    "/admin/accounts/user/99999999999999999999/change/",
    "/login/%0d%0aSet-Cookie:zqx=1",
    "/\ud83d",
]


def test_no_path_breaks_the_product(world: World, browsers: Browsers) -> None:
    wrong = []
    for path, role in product(PATHS, (ANONYMOUS, FULL, OPERATIONS)):
        raw = path.encode("utf-8", "surrogatepass").decode("latin-1")
        answer = browsers.send(role, "GET", raw)
        page = answer.status_code == 200 and path.startswith("/password/reset/")
        if problem(answer) or not (page or answer.status_code in {301, 302, 400, 403, 404}):
            wrong.append(f"{path} as {role}: {answer.status_code} {problem(answer)}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_a_bad_address_in_a_form_keeps_what_was_typed(client: Client) -> None:
    answer = client.post("/login/", {"login": "not an address " + TAG, "password": "x"})

    assert answer.status_code == 200
    assert "not an address" in answer.content.decode()
    assert TAG not in answer.content.decode()
