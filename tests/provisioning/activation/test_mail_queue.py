from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from provisioning import timing
from provisioning.activation import mail_message, mail_queue, mail_sending, mail_server, smtp
from provisioning.models import Activation, Mail, Subscriber
from provisioning.states import ActivationState, MailState, Status
from tests.factories import make_partner, make_subscriber, make_template
from tests.provisioning.smtp_server import MailServer, running_mail_server

ADDRESS = "freja@firma.example"


@pytest.fixture
def server(settings):
    with running_mail_server() as server:
        settings.EMAIL_BACKEND = "provisioning.activation.smtp.SmtpBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.PUBLIC_URL = "https://hub.example"
        settings.DEFAULT_FROM_EMAIL = "no-reply@hub.example"
        yield server


@pytest.fixture
def run(transactional_db, settings) -> Activation:
    settings.TIME_SCALE = 0.02
    partner = make_partner("Nordictel", mail_reply_to="help@nordictel.example")
    template = make_template(partner)
    row = make_subscriber(template, Status.WAITING_ADDRESS)
    return Activation.objects.create(
        partner=partner,
        template=template,
        subscriber=row,
        broadworks_id=row.broadworks_id,
        email=ADDRESS,
        profile={"first_name": "Freja"},
        state=ActivationState.MAIL_SENT,
    )


def queued(run: Activation) -> Mail:
    return Mail.objects.create(activation=run, purpose=Mail.Purpose.CONFIRM, to=run.email)


def test_a_mail_goes_out_with_link_code_and_honest_headers(server: MailServer, run: Activation):
    mail = queued(run)

    assert mail_sending.send(mail.pk)

    [sent] = server.mails
    key = run.template.activation_key
    text = sent.get_body(("plain",)).get_content()
    assert f"https://hub.example/activate/{key}/confirm/" in text
    assert "Hello Freja," in text
    assert (sent["To"], sent["Reply-To"]) == (ADDRESS, "help@nordictel.example")
    assert sent["From"] == "Nordictel <no-reply@hub.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Message-ID"].endswith("@hub.example>")
    assert "<a href=" in sent.get_body(("html",)).get_content()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (MailState.SENT, 1)
    assert mail.sent_at


def test_a_mail_is_written_in_the_language_of_the_users_pages(server: MailServer, run: Activation):
    from django.utils import translation

    run.language = "da"
    run.save()

    with translation.override("da"):
        message = mail_message.message(queued(run), run, None)
        assert translation.get_language() == "da"

    assert 'lang="da"' in str(message.alternatives[0].content)


@pytest.mark.parametrize("name", ["Evil\r\nBcc: all@evil.example", "Tab\tbed\x00", "Ümläut ✓"])
def test_no_name_breaks_out_of_a_header(server: MailServer, run: Activation, name: str):
    run.partner.mail_sender_name = name.replace("\x00", "")
    run.partner.name = name.replace("\x00", "")
    run.partner.save()

    assert mail_sending.send(queued(run).pk)

    [sent] = server.mails
    assert sent["Bcc"] is None
    assert len(sent.get_all("Subject")) == len(sent.get_all("From")) == 1


def test_an_address_refused_for_good_is_told_and_another_one_can_be_given(
    server: MailServer, run: Activation
):
    server.rcpt = ["550 5.1.1 no such user"]
    mail = queued(run)

    mail_sending.send(mail.pk)

    mail.refresh_from_db()
    run.refresh_from_db()
    row = Subscriber.objects.get()
    assert (mail.state, mail.error) == (
        MailState.FAILED,
        "the mail server said: 550 5.1.1 no such user",
    )
    assert (run.state, run.error_code) == (ActivationState.REFUSED, "PH-MAIL-REFUSED")
    assert (row.error_code, row.status) == ("PH-MAIL-REFUSED", Status.WAITING_ADDRESS)


@pytest.mark.parametrize("answer", ["450 try later", "451 greylisted"])
def test_a_server_that_wants_to_be_asked_again_is_asked_again(
    server: MailServer, run: Activation, answer: str
):
    server.rcpt = [answer]
    mail = queued(run)
    mail_sending.send(mail.pk)
    mail.refresh_from_db()
    assert mail.state == MailState.QUEUED
    assert mail.error == f"the mail server said: {answer}"
    assert mail.not_before > timezone.now() - timedelta(seconds=5)

    Mail.objects.update(not_before=None)
    mail_sending.send(mail.pk)

    mail.refresh_from_db()
    assert (mail.state, mail.attempts, len(server.mails)) == (MailState.SENT, 2, 1)


@pytest.mark.parametrize("place", ["rcpt", "data"])
@pytest.mark.parametrize(
    ("answer", "is_the_address"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.2.1 mailbox disabled", True),
        ("552 5.2.2 mailbox full", True),
        ("553 5.1.3 bad syntax", True),
        ("504 5.5.2 <host>: Helo command rejected: need fully-qualified hostname", False),
        ("550 5.7.1 relaying denied", False),
        ("554 5.7.1 spam", False),
        ("550 5.1.8 sender's domain does not exist", False),
        ("550 5.1.7 bad sender", False),
        ("552 5.2.3 message too large", False),
        ("550 no words", False),
        ("554 5.7.26 DMARC", False),
        ("450 4.1.1 not yet", False),
    ],
)
def test_only_words_about_the_address_blame_the_address(
    server: MailServer, run: Activation, settings, answer: str, is_the_address: bool, place: str
):
    settings.TIME_SCALE = 1.0
    setattr(server, place, [answer])
    mail = queued(run)

    mail_sending.send(mail.pk)

    mail.refresh_from_db()
    run.refresh_from_db()
    assert mail.error == f"the mail server said: {answer}"
    if is_the_address:
        assert (mail.state, run.error_code) == (MailState.FAILED, "PH-MAIL-REFUSED")
    else:
        assert (mail.state, run.state) == (MailState.QUEUED, ActivationState.MAIL_SENT)


def test_what_is_not_the_addresses_fault_is_given_up_as_operations_business(
    server: MailServer, run: Activation, settings
):
    settings.TIME_SCALE = 1.0
    server.rcpt = ["550 5.7.1 relaying denied"]
    mail = queued(run)
    Mail.objects.update(created_at=timezone.now() - timedelta(minutes=61))

    mail_sending.send(mail.pk)

    run.refresh_from_db()
    assert run.error_code == "PH-MAIL-AWAY"


def test_attempts_that_were_killed_wait_longer_each_time_and_come_to_an_end(
    run: Activation, settings, monkeypatch
):
    settings.TIME_SCALE = 1.0
    mail, waits = queued(run), []

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mail_server, "send", killed)
    for _ in range(5):
        before = timing.now()
        with pytest.raises(KeyboardInterrupt):
            mail_sending.send(mail.pk)
        mail.refresh_from_db()
        waits.append(round((mail.lease_until - before).total_seconds()))
        Mail.objects.update(lease_until=before)
    Mail.objects.update(created_at=timezone.now() - timedelta(minutes=61))

    assert not mail_sending.send(mail.pk)

    assert waits == [60, 65, 75, 120, 360]
    run.refresh_from_db()
    assert run.error_code == "PH-MAIL-AWAY"


def test_a_mail_that_was_taken_is_sent_though_the_goodbye_is_never_answered(
    server: MailServer, run: Activation, monkeypatch
):
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.5)
    server.is_deaf_to_quit = True
    mail = queued(run)

    mail_sending.send(mail.pk)

    mail.refresh_from_db()
    assert (mail.state, len(server.mails)) == (MailState.SENT, 1)


def test_a_conversation_that_drips_is_cut_off_in_time(
    server: MailServer, run: Activation, settings, monkeypatch
):
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.5)
    settings.TIME_SCALE = 1.0
    server.drips = True
    mail = queued(run)

    mail_sending.send(mail.pk)  # dripping, the answer would come after ten minutes

    mail.refresh_from_db()
    assert (mail.state, server.mails) == (MailState.QUEUED, [])


def test_the_server_is_greeted_by_the_name_that_is_set(
    server: MailServer, run: Activation, settings
):
    settings.EMAIL_EHLO_NAME = "mailer.hub.example"

    mail_sending.send(queued(run).pk)

    assert server.greeted_as == "mailer.hub.example"


def test_a_server_that_is_away_is_given_up_after_an_hour(run: Activation, settings):
    settings.EMAIL_BACKEND = "provisioning.activation.smtp.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    settings.TIME_SCALE = 1.0
    mail = queued(run)
    mail_sending.send(mail.pk)
    mail.refresh_from_db()
    assert mail.state == MailState.QUEUED
    assert mail.not_before > timezone.now()

    old = timezone.now() - timedelta(minutes=61)
    Mail.objects.update(created_at=old, not_before=None)
    mail_sending.send(mail.pk)

    mail.refresh_from_db()
    run.refresh_from_db()
    assert (mail.state, run.error_code) == (MailState.FAILED, "PH-MAIL-AWAY")


def test_of_two_workers_one_sends(server: MailServer, run: Activation, settings):
    settings.TIME_SCALE = 1.0
    mail = queued(run)

    def work(_: int) -> bool:
        try:
            return mail_sending.send(mail.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(work, range(4)))

    assert sent == len(server.mails) == 1


def test_a_mail_of_a_dead_worker_is_sent_by_the_next(server: MailServer, run: Activation):
    mail = queued(run)
    past = timezone.now() - timedelta(seconds=1)
    Mail.objects.update(state=MailState.SENDING, lease_until=past, attempts=1)

    assert mail_queue.due_ids(timezone.now(), 10) == [mail.pk]
    assert mail_sending.send(mail.pk)


@pytest.mark.parametrize("wrong_by", [-600, 600])
def test_a_mail_is_leased_by_the_common_clock(run: Activation, settings, monkeypatch, wrong_by):
    settings.TIME_SCALE = 1.0
    mail = queued(run)
    leased = []

    def look(*_: object) -> None:
        soon = timing.now() + timedelta(seconds=mail_sending.LEASE_SECONDS + 5)
        leased.append((mail_queue.due_ids(timing.now(), 10), mail_queue.due_ids(soon, 10)))

    monkeypatch.setattr(mail_server, "send", look)
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(seconds=wrong_by))

    assert mail_sending.send(mail.pk)
    assert leased == [([], [mail.pk])]


def test_a_mail_that_nobody_waits_for_is_not_sent(server: MailServer, run: Activation):
    mail = queued(run)
    Activation.objects.update(state=ActivationState.REPLACED)

    assert not mail_sending.send(mail.pk)

    mail.refresh_from_db()
    assert (mail.state, server.mails) == (MailState.FAILED, [])


def test_a_mail_to_an_older_address_is_not_sent(server: MailServer, run: Activation):
    mail = queued(run)
    Activation.objects.update(email="newer@firma.example")

    assert not mail_sending.send(mail.pk)
    assert server.mails == []


def test_the_ready_mail_needs_no_secrets(server: MailServer, run: Activation):
    Activation.objects.update(state=ActivationState.DONE)
    mail = Mail.objects.create(activation=run, purpose=Mail.Purpose.READY, to=run.email)

    assert mail_sending.send(mail.pk)

    [sent] = server.mails
    assert sent["Subject"] == "Your Webex account is ready"
    assert "/confirm/" not in sent.get_body(("plain",)).get_content()


def test_an_address_that_the_server_cannot_write_to_is_refused(server: MailServer, run: Activation):
    Activation.objects.update(email="bjørn@firma.example")
    run.refresh_from_db()
    mail = queued(run)

    mail_sending.send(mail.pk)

    run.refresh_from_db()
    assert run.error_code == "PH-MAIL-REFUSED"


def test_a_line_that_breaks_while_the_mail_is_handed_over_leaves_it_unclear_and_alone(
    server: MailServer, run: Activation
):
    server.breaks_at_data = True
    mail = queued(run)

    assert mail_sending.send(mail.pk)

    mail.refresh_from_db()
    run.refresh_from_db()
    assert (mail.state, run.state) == (MailState.UNCLEAR, ActivationState.MAIL_SENT)
    assert mail_queue.due_ids(timezone.now() + timedelta(days=2), 10) == []


def test_a_line_that_breaks_before_the_mail_is_handed_over_is_tried_again(
    server: MailServer, run: Activation
):
    server.breaks_at_rcpt = True
    mail = queued(run)

    assert mail_sending.send(mail.pk)

    mail.refresh_from_db()
    assert (mail.state, mail.handed_at) == (MailState.QUEUED, None)


def test_a_sender_that_dies_with_the_mail_in_its_hands_leaves_it_unclear(
    server: MailServer, run: Activation
):
    mail = queued(run)
    past = timezone.now() - timedelta(seconds=1)
    Mail.objects.update(state=MailState.SENDING, lease_until=past, attempts=1, handed_at=past)

    assert not mail_sending.send(mail.pk)

    mail.refresh_from_db()
    assert (mail.state, server.mails) == (MailState.UNCLEAR, [])


def test_a_sender_that_lost_its_lease_does_not_hand_the_mail_over(
    server: MailServer, run: Activation, monkeypatch
):
    mail = queued(run)
    letter = mail_sending._letter

    def slow(mail: Mail, now: object) -> object:
        Mail.objects.filter(pk=mail.pk).update(attempts=7)  # another worker took it
        return letter(mail, now)

    monkeypatch.setattr(mail_sending, "_letter", slow)

    mail_sending.send(mail.pk)

    assert server.mails == []


def test_an_older_mail_that_comes_late_does_not_replace_the_newer_ones_link(
    server: MailServer, run: Activation
):
    older, newer = queued(run), queued(run)
    assert mail_sending.send(newer.pk)

    assert not mail_sending.send(older.pk)

    assert len(server.mails) == 1
