from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from django.db import connections
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from partnerhub.local.chromium import installed_chromium
from templates_app.models import OnboardingTemplate
from tests.browser.product import Product, running_product
from tests.browser.watchdog import close_all, not_for_ever
from tests.needs import need_tool

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs an event loop

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Chromium writes every refused request to the console; a refusal is not a script error.
_REFUSED = "Failed to load resource: the server responded with a status of 4"
#: The same, requests that a test cuts off, and htmx's own notes on both.
_TOLD = ("Failed to load resource", "Response Status Error Code 4", "htmx:")


#: How long a page may take for anything, in milliseconds: what is right comes at its own pace.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

#: No test of a browser takes so long, in seconds, on the slowest machine.
LONGEST = 240


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    """A machine without them tells nothing about our pages."""
    for name in ("make", "git"):
        need_tool(name)
    if not installed_chromium():
        pytest.skip("NOT TESTED: there is no Chromium on this machine")


@pytest.fixture(scope="session")
def terminal(pytestconfig: pytest.Config) -> Callable[[str], object]:
    """Write to the terminal, past pytest's capture."""
    told = pytestconfig.stash.get(fault_handler_stderr_fd_key, sys.stderr.fileno())
    return lambda text: os.write(told, text.encode())


@pytest.fixture
def close(request: pytest.FixtureRequest, terminal) -> Callable[[list[BrowserContext]], None]:
    """Close what this test opened; a browser that hangs at it is ended and told of."""
    return lambda contexts: close_all(contexts, request.node.nodeid, terminal)


@pytest.fixture(autouse=True)
def _not_for_ever(request: pytest.FixtureRequest, terminal) -> Iterator[None]:
    """End the browser under a test that hangs, and tell where it stood."""
    with not_for_ever(request.node.nodeid, LONGEST, terminal):
        yield


@pytest.fixture(scope="session")
def _browsers() -> Iterator[list[Browser]]:
    kept: list[Browser] = []
    yield kept
    for one in kept:
        one.close()


@pytest.fixture
def browser(launch_browser: Callable[[], Browser], _browsers: list[Browser]) -> Browser:
    """One for the whole run; another one after a test under which it ended."""
    if not _browsers or not _browsers[-1].is_connected():
        _browsers.append(launch_browser())
    return _browsers[-1]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": installed_chromium(), "args": FLAGS}


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with running_product() as running:
        yield running


@pytest.fixture
def open_page(product: Product, browser: Browser, close):
    """Make pages that fail the test for any script error or breach of the CSP."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def make(**options) -> Page:
        defaults = {
            "base_url": product.url,
            "locale": "en-GB",
            "viewport": {"width": 1440, "height": 900},
        }
        context = browser.new_context(**(defaults | options))
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: trouble.append(str(e)))
        return page

    yield make
    close(contexts)
    assert [text for text in trouble if not text.startswith(_REFUSED)] == []


@pytest.fixture
def sign_in(product: Product, open_page):
    """Sign somebody in; returns the page."""

    def enter(email: str = "anna@nordictel.example", **options) -> Page:
        page = open_page(**options)
        page.goto("/login/")
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(product.demo["password"])
        page.locator("form button[type=submit].btn-primary").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        return page

    return enter


@pytest.fixture
def served(live_server, settings) -> Iterator[str]:
    """The address of the product in this process; its threads keep no connection."""
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    yield live_server.url
    connections.close_all()


@pytest.fixture
def open_list(
    served: str, browser: Browser, anna: User, template: OnboardingTemplate, close
) -> Iterator[Callable[..., Page]]:
    """Open the template's list as Anna; fails for any script error or breach of the CSP."""
    session = Client()
    session.force_login(anna)
    trouble: list[str] = []
    contexts = []

    def make(query: str = "", **options) -> Page:
        context = browser.new_context(
            **(
                {"base_url": served, "locale": "en-GB", "viewport": {"width": 1440, "height": 900}}
                | options
            )
        )
        contexts.append(context)
        cookie = {"name": "session", "value": session.cookies["session"].value, "url": served}
        context.add_cookies([cookie])
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(reverse("userstatus:users", args=[template.uuid]) + query)
        return page

    yield make
    close(contexts)
    assert [text for text in trouble if not text.startswith(_TOLD)] == []


@pytest.hookimpl(tryfirst=True)  # before any is chosen by its marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the product by `make run`: a process of its own starts it once."""
    for item in items:
        if "product" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.product)
