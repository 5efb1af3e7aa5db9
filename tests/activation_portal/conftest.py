from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.models import Activation, MailboxMessage
from tests.mails import deliver
from tests.provisioning.rig import ENTERPRISE, PROVISIONING_ID, Rig, make_rig, shrink_waits
from tests.simulator_process import SimulatorProcess

USER = "4533121212@nordictel.example"
PASSWORD = "canary-Plumage-47"
ADDRESS = "freja@firma.example"


@pytest.fixture
def rig(simulator_process: SimulatorProcess, transactional_db, settings, monkeypatch) -> Rig:
    shrink_waits(settings, monkeypatch)
    settings.EMAIL_BACKEND = "provisioning.activation.dev_mailbox.MailboxBackend"
    rig = make_rig(simulator_process)
    rig.load()
    return rig


def broadworks_user(user_id: str = USER, **more):
    """An entry of a world's BroadWorks users, whose arrival at Webex comes with `im_p`."""
    return {
        "user_id": user_id,
        "password": PASSWORD,
        "first_name": "Freja",
        "last_name": "Nørgaard",
        "enterprise": ENTERPRISE,
        "provisioning_id": PROVISIONING_ID,
        "number": "+4533121212",
        "im_p": True,
    } | more


@dataclass
class Portal:
    """One template's portal in one browser."""

    rig: Rig
    browser: Client

    def url(self, page: str = "") -> str:
        return f"/activate/{self.rig.template.activation_key}/{page}"

    def get(self, page: str = ""):
        return self.browser.get(self.url(page), follow=True)

    def post(self, page: str = "", **data):
        return self.browser.post(self.url(page), data, follow=True)

    def sign_in(self, user_id: str = USER, password: str = PASSWORD, **more):
        return self.post(user_id=user_id, password=password, **more)

    def run(self) -> Activation:
        return Activation.objects.latest("pk")

    def give_address(self, email: str = ADDRESS, run: Activation | None = None):
        return self.post("address/", email=email, run=(run or self.run()).uuid)

    def send_mails(self) -> None:
        """What the worker does."""
        deliver()

    def mail(self) -> MailboxMessage:
        return MailboxMessage.objects.latest("pk")

    def mailed_token(self) -> str:
        found = re.search(r"/confirm/([^/]+)/", self.mail().text)
        assert found
        return found[1]

    def mailed_code(self) -> str:
        found = re.search(r"^(\d{3} \d{3})$", self.mail().text, re.MULTILINE)
        assert found
        return found[1]

    def until_mailed(self, email: str = ADDRESS) -> None:
        self.sign_in()
        self.give_address(email)
        self.send_mails()


def new_browser() -> Client:
    return Client(headers={"accept-language": "en"})


@pytest.fixture
def portal(rig: Rig) -> Portal:
    return Portal(rig, new_browser())


@pytest.fixture
def arrived(rig: Rig) -> Rig:
    """A user who waits for an address on both sides, with a BroadWorks login."""
    rig.load(broadworks_users=[broadworks_user()])
    rig.sync()
    return rig


def text_of(response) -> str:
    """The words of a page, without tags and white space."""
    text = re.sub(r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def lasting(response) -> str:
    """A page without its CSRF tokens and its time, which differ on every request."""
    body = re.sub(r'data-now="[^"]+"', "", response.content.decode())
    return re.sub(r'(name="csrfmiddlewaretoken" value="|X-CSRFToken":")[^"]+', "", body)


@pytest.fixture
def now():
    return timezone.now()
