"""The web server, killed at the moment of accepting."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from html import unescape

from django.utils.http import int_to_base36

from chaos.browsing import Browser, NoAnswer
from chaos.checker import BATCH
from chaos.faults.base import fault
from chaos.history import Entry
from chaos.run import Run
from provisioning.models import Job, JobBatch, Subscriber
from templates_app.models import OnboardingTemplate

CHANCE = 0.25
PARTNER = "Nordictel"
#: Batches, and users of each; a form is sent again at most so often.
BATCHES, ROWS, TRIES = 24, 4, 20
FROZEN = re.compile(r'name="frozen" value="([^"]+)"')


@fault("F20", "web killed before and after COMMIT")
def web_killed(run: Run) -> None:
    """A process of the web server dies before or after each fourth COMMIT that accepts an action,
    or a batch of them.

    Whoever was cut off sends the same form again: there is one job, or one batch, whether the
    first time had been accepted or not.
    """
    run.begin(users=300)
    url = run.start_web("chaos.wsgi", CHAOS_WEB=f"{CHANCE / 2} {CHANCE / 2}")
    _send_batches(run, url)
    run.until(lambda: not Job.objects.unfinished().exists(), 60, "the batches done")
    run.act(200, per_second=15, once=True, url=url).wait()
    struck = _struck(run)
    least = min(struck["before"], struck["after"])
    words = f"killed {struck['before']} times before the COMMIT, {struck['after']} times after it"
    run.require(least >= 10, words)
    run.settle(120)


def _struck(run: Run) -> Counter[str]:
    marks = run.folder / "steps" / "struck"
    return Counter(marks.read_text().split() if marks.exists() else [])


def _send_batches(run: Run, url: str) -> None:
    """Change the package of a few users at a time, each form sent until an answer comes."""
    template = OnboardingTemplate.objects.get(partner__name=PARTNER)
    rows = Subscriber.objects.filter(template=template).exclude(package="premium").order_by("pk")
    ids, user = list(rows.values_list("pk", flat=True)), run.world.actors[PARTNER].user
    assert user is not None
    browser = Browser(url, user)
    path = f"/templates/{template.uuid}/users/bulk/package/"
    tries = sum(_send_batch(browser, path, ids[n * ROWS : (n + 1) * ROWS]) for n in range(BATCHES))
    made = list(JobBatch.objects.all())
    for batch in made:
        run.history.add(
            Entry(
                time.time(), 0.0, "accepted", BATCH, "", str(batch.submission_id), str(batch.uuid)
            )
        )
    struck = _struck(run).total()
    jobs = Job.objects.filter(batch__isnull=False)
    once = jobs.values("subscriber").distinct().count() == jobs.count() == BATCHES * ROWS
    words = f"{BATCHES} batches: {len(made)} made by {tries} forms, {struck} of them cut off"
    run.require(len(made) == BATCHES and once and struck >= 2, words)


def _send_batch(browser: Browser, path: str, ids: Sequence[int]) -> int:
    """Open the dialog of these users and send its form; returns how often it had to be sent."""
    page = _insisted(browser, f"{path}?{'&'.join(f'id={int_to_base36(one)}' for one in ids)}")
    found = FROZEN.search(page)
    assert found, page[:500]
    fields = {"frozen": unescape(found[1]), "package": "premium"}
    for tried in range(1, TRIES + 1):
        try:
            browser.send(path, fields)
        except NoAnswer:
            time.sleep(0.2)
        else:
            return tried
    raise NoAnswer(path)


def _insisted(browser: Browser, path: str) -> str:
    """Open a page, also while the process that was killed is being replaced."""
    for _ in range(TRIES):
        try:
            return browser.read(path)
        except NoAnswer:
            time.sleep(0.2)
    raise NoAnswer(path)
