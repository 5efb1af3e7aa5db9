"""The portal's mails: their server away, slow, refusing, and their senders killed."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import psutil
from django.utils import timezone

from accounts.audit import Actor
from chaos.faults.base import fault
from chaos.history import Entry
from chaos.mailing import MailServer
from chaos.processes import Child, says
from chaos.run import Run
from chaos.steps import CLOCK
from chaos.world import TENANTS
from provisioning.activation import confirmation
from provisioning.activation import services as activation_services
from provisioning.models import Activation, Job, Mail, Subscriber
from provisioning.states import ActivationState, MailState

LINK = re.compile(r"/confirm/([\w-]+)/")
#: How wrong the clocks of the two senders are, one way each.
WRONG_BY = 600.0
SLOW_SECONDS = 1.5


@fault("F28", "the mail server away, slow, refusing; senders killed at a mail")
def mail_troubles(run: Run) -> None:
    """Users of the portal ask for mails while the server is away, slow, says "later", and kills
    whoever hands it a mail, before or after taking that. The clocks of both senders are wrong.

    No mail goes out twice, and none is lost but in the hands of a killed sender: that one is told
    as unclear, and its user asks for another. The link of the last one that arrived works, always.
    """
    run.begin(users=dict.fromkeys(TENANTS[:2], 45))  # whose activations are one request each
    senders: list[Child] = []

    def processes() -> list[psutil.Process]:
        return [one for child in senders for one in child.family()]

    server = MailServer(run.luck, processes)
    senders += _senders(run, server.port)
    rows = list(Subscriber.objects.live().filter(status="error").order_by("pk"))
    lots = (rows[0::4], rows[1::4], rows[2::4], rows[3::4])
    for lot, trouble in zip(lots, (_away, _slow, _refusing, _deadly), strict=True):
        run.tell("begin", trouble.__name__)
        trouble(run, server, partial(_ask, run, lot))
    _all_sent(run)
    server.deaths = 0.0
    _ask_again(server)
    _all_sent(run)
    server.deaths = 0.15
    _confirm(run, server)
    run.settle(60)
    _all_sent(run)
    server.stop()
    _judge(run, server)


def _senders(run: Run, port: int) -> list[Child]:
    """Two workers that send mails, in place of one."""
    background = run.workers[-1]
    background.stop()
    told = dict(background.environment) | {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    background.environment = told | {CLOCK: str(WRONG_BY)}
    words = {_queues(background): "mail", background.name: "mail"}
    command = [words.get(word, word) for word in background.command]
    second = Child(
        "mail", command, told | {CLOCK: str(-WRONG_BY)}, run.folder / "mail.log",
        says(" ready."),
    )  # fmt: skip
    run.others.append(second)
    for child in (background, second):
        child.start()
    return [background, second]


def _queues(worker: Child) -> str:
    """The queues that a worker serves, as its command line says."""
    return worker.command[worker.command.index("-Q") + 1]


def _ask(run: Run, rows: Sequence[Subscriber]) -> None:
    """These users are signed in to the portal and give an address."""
    for row in rows:
        names = {"enterprise": row.enterprise_id, "group_enterprise": row.enterprise_id}
        begun = Activation.objects.create(
            partner=row.partner, template=row.template, subscriber=row,
            broadworks_id=row.broadworks_id, profile=names | {"first_name": "Freja"},
        )  # fmt: skip
        user, _, domain = row.broadworks_id.partition("@")
        actor = Actor(user=None, label=row.broadworks_id)
        activation_services.give_address(
            begun, email=f"m{user}@{domain}", actor=actor, now=timezone.now()
        )
        time.sleep(0.1)


def _away(run: Run, server: MailServer, ask: Callable[[], None]) -> None:
    ask()
    time.sleep(3)
    server.start()


def _slow(run: Run, server: MailServer, ask: Callable[[], None]) -> None:
    server.seconds = SLOW_SECONDS
    ask()
    time.sleep(6)
    server.seconds = 0.0


def _refusing(run: Run, server: MailServer, ask: Callable[[], None]) -> None:
    server.refusals = 0.6
    ask()
    time.sleep(3)
    server.refusals = 0.0
    run.require(server.refused >= 10, f"{server.refused} times the server said 'later'")


def _deadly(run: Run, server: MailServer, ask: Callable[[], None]) -> None:
    server.deaths = 0.4
    ask()


def _all_sent(run: Run) -> None:
    waiting = Mail.objects.filter(state__in=[MailState.QUEUED, MailState.SENDING])
    run.until(lambda: not waiting.exists(), 90, "all mails sent")


def _ask_again(server: MailServer) -> None:
    """Users to whom no mail came press "Send again", a minute later."""
    times, later = server.times(), timezone.now() + timedelta(minutes=2)
    for begun in Activation.objects.filter(state=ActivationState.MAIL_SENT):
        if not any(times[str(mail.uuid)] for mail in begun.mails.all()):
            activation_services.send_again(begun, now=later)


def _confirm(run: Run, server: MailServer) -> None:
    """Each user opens the link of the last mail that came."""
    last = {one.mail: one.text for one in server.delivered}
    for begun in Activation.objects.select_related("template").order_by("pk"):
        texts = [last.get(str(mail.uuid), "") for mail in begun.mails.order_by("-pk")]
        found = next((link for text in texts if (link := LINK.search(text))), None)
        if found is None:
            run.require(False, f"{begun.email} has no mail with a link")
            continue
        template, began = begun.template, time.time()
        actor = Actor(user=None, label=begun.broadworks_id)
        confirmation.confirm_by_link(template, found[1], actor=actor, now=timezone.now())
        job = Job.objects.get(broadworks_id=begun.broadworks_id)
        took, form = time.time() - began, str(job.submission_id)
        run.history.add(
            Entry(began, took, "accepted", job.kind, job.broadworks_id, form, str(job.uuid))
        )


def _judge(run: Run, server: MailServer) -> None:
    times, mails = server.times(), list(Mail.objects.all())
    struck = {one.mail for one in server.strikes}
    lost = [mail for mail in mails if not _is_accounted_for(mail, times, struck)]
    run.require(not lost, f"{len(lost)} of {len(mails)} mails were lost")
    twice = sum(count > 1 for count in times.values())
    run.require(twice == 0, f"{twice} mails went out again")
    taken = sum(one.is_taken for one in server.strikes)
    before = len(server.strikes) - taken
    words = f"{before} senders killed before, {taken} after their mail was taken"
    run.require(min(before, taken) >= 5, words)
    open_runs = Activation.objects.exclude(state=ActivationState.DONE).count()
    run.require(open_runs == 0, f"{open_runs} users were not let in by the link of their last mail")


def _is_accounted_for(mail: Mail, times: Counter[str], struck: set[str]) -> bool:
    key = str(mail.uuid)
    if mail.state == MailState.UNCLEAR:
        return key in struck
    return mail.state == MailState.SENT and bool(times[key])
