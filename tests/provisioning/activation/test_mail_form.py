"""Our mails as a mail server gets them, byte by byte, judged by RFC 5322, 2045 and 2047."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from html.parser import HTMLParser
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.bidi import isolated
from partnerhub.local.servers import free_port
from provisioning.activation import mail_sending
from provisioning.models import Activation, Mail
from provisioning.states import ActivationState, Status
from tests.factories import make_partner, make_subscriber, make_template

LONG = "Servicios de Telecomunicación y Asesoría Empresarial «Ñandú», S.A. de C.V. " * 5


class Inbox:
    """What a server of aiosmtpd was given."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.raw.append(envelope.original_content)
        return "250 taken"

    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw[-1], policy=SMTP)


@contextmanager
def listening(inbox: Inbox, settings, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """A server without SMTPUTF8 on a free port, which the settings name."""
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=tls,
        enable_SMTPUTF8=False,
        ready_timeout=60,
    )
    controller.start()
    settings.EMAIL_BACKEND = "provisioning.activation.smtp.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield
    controller.stop()


@pytest.fixture
def inbox(settings):
    inbox = Inbox()
    settings.PUBLIC_URL = "https://hub.example"
    settings.DEFAULT_FROM_EMAIL = "Partner Hub <no-reply@mail.hub.example>"
    with listening(inbox, settings):
        yield inbox


@pytest.fixture
def run(transactional_db) -> Activation:
    partner = make_partner("Nordictel", mail_reply_to="help@nordictel.example")
    template = make_template(partner)
    row = make_subscriber(template, Status.WAITING_ADDRESS)
    return Activation.objects.create(
        partner=partner,
        template=template,
        subscriber=row,
        broadworks_id=row.broadworks_id,
        email="freja@firma.example",
        profile={"first_name": "Freja"},
        state=ActivationState.MAIL_SENT,
    )


def sent(run: Activation, purpose: str = Mail.Purpose.CONFIRM) -> None:
    if purpose == Mail.Purpose.READY:
        Activation.objects.update(state=ActivationState.DONE)
    mail = Mail.objects.create(activation=run, purpose=purpose, to=run.email)
    assert mail_sending.send(mail.pk)


@pytest.mark.parametrize("language", ["en", "da"])
@pytest.mark.parametrize("purpose", [Mail.Purpose.CONFIRM, Mail.Purpose.READY])
def test_every_line_is_short_and_plain_ascii(inbox, run, purpose, language):
    run.partner.mail_sender_name = LONG[:100]
    run.partner.save()
    Activation.objects.update(language=language)

    sent(run, purpose)

    raw = inbox.raw[0]
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    head = raw.partition(b"\r\n\r\n")[0].decode()
    assert max(map(len, head.split("\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^?\s]+\?.\?[^?\s]*\?=", head))
    codings = {part["Content-Transfer-Encoding"] for part in inbox.mail().iter_parts()}
    assert codings == {"quoted-printable"}
    assert inbox.mail().defects == []


@pytest.mark.parametrize(
    "name",
    [
        "Nordictel",
        "Pymes España",
        "Smith, Jones & Co. (Telecom)",
        'The "Phone" \\ Company',
        "電話会社" * 20,
        "日本 Telecom, S.A.",
        "Ünïcode ✓",
        "a@b.example",
        "x" * 100,
        LONG[:100].strip(),
        "Ñ" * 100,
    ],
)
def test_a_senders_name_of_any_form_arrives_whole(inbox, run, name):
    run.partner.mail_sender_name = name
    run.partner.save()

    sent(run)

    written = message_from_bytes(inbox.raw[0])["From"]  # the newer parser parts encoded words
    shown, address = parseaddr(written.replace("\n", ""))
    assert str(make_header(decode_header(shown))) == name
    assert address == "no-reply@mail.hub.example"


def test_the_headers_say_who_when_and_that_a_machine_wrote_it(inbox, run):
    sent(run)

    mail = inbox.mail()
    assert mail["Date"].datetime is not None
    assert re.fullmatch(r"<[0-9a-f-]{36}\.1@mail\.hub\.example>", mail["Message-ID"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"] == "help@nordictel.example"
    assert mail["To"] == "freja@firma.example"
    names = [name.lower() for name in mail]
    assert len(names) == len(set(names))


def test_a_sender_with_letters_in_its_domain_makes_a_plain_message_id(inbox, run, settings):
    settings.DEFAULT_FROM_EMAIL = "Hub <no-reply@blåbær.example>"

    sent(run)

    assert b"@xn--blbr-roah.example>\r\n" in inbox.raw[0].partition(b"Message-ID: <")[2][:99]
    assert inbox.mail()["From"].addresses[0].addr_spec == "no-reply@xn--blbr-roah.example"


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.is_head = False

    def handle_starttag(self, tag, attrs) -> None:
        self.is_head = self.is_head or tag == "head"

    def handle_endtag(self, tag) -> None:
        self.is_head = self.is_head and tag != "head"

    def handle_data(self, data) -> None:
        if not self.is_head:
            self.said += data.split()


@pytest.mark.parametrize("purpose", [Mail.Purpose.CONFIRM, Mail.Purpose.READY])
def test_text_and_html_say_the_same(inbox, run, purpose):
    sent(run, purpose)

    text = inbox.mail().get_body(("plain",)).get_content()
    words = _Words()
    words.feed(inbox.mail().get_body(("html",)).get_content())
    assert words.said == text.split()


@pytest.mark.parametrize(
    "name",
    [
        "Win at https://evil.example/now",
        "evil.example",
        "www.evil.example",
        "ｗｗｗ．evil．example",
        "evil。example",
        "Freja\r\n\r\nCall +45 90 00 00 00 now",
        "mail me@evil.example",
        "F" * 400,
    ],
)
def test_a_name_out_of_the_backend_writes_nothing_of_its_own(inbox, run, name):
    Activation.objects.update(profile={"first_name": name})

    sent(run)

    text = inbox.mail().get_body(("plain",)).get_content()
    assert "evil" not in text
    assert "FFFFF" not in text
    assert text.startswith(("Hello,", "Hello Freja Call +45 90 00 00 00 now,"))
    assert text.splitlines()[1] == ""


@pytest.mark.parametrize(
    "name", ["Freja", "Jean-Luc", "María José", "O’Brien", "J. R.", "דוד", "דוד\u202e"]
)
def test_a_name_is_greeted(inbox, run, name):
    Activation.objects.update(profile={"first_name": name})

    sent(run)

    assert inbox.mail().get_body(("plain",)).get_content().startswith(f"Hello {isolated(name)},")


# ---- TLS at once ----


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_server_that_speaks_tls_at_once_is_believed_by_its_certificate(
    run, settings, monkeypatch, certificate, is_trusted
):
    inbox, tls = Inbox(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    settings.EMAIL_USE_SSL = True
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with listening(inbox, settings, tls):
        sent(run)

    assert len(inbox.raw) == is_trusted
    assert Mail.objects.get().state == ("sent" if is_trusted else "queued")
