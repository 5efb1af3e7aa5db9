"""Reading a listing of Webex: every page with a permit, several pages brought in together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioning import timing
from provisioning.backend.limited_client import BROKEN_OFF, LimitedClient
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from provisioning.sync.deletions import Seen
from templates_app.models import OnboardingTemplate
from webex.payloads import Page, RemoteSubscriber

#: Answers are brought in once there are so many, or once the first has waited for so long.
TOGETHER, PATIENCE = 1000, timedelta(seconds=2)


@dataclass
class Listing:
    """One template's subscribers as Webex lists them, on their way into our rows.

    `newest` is the newest change seen, on the backend's clock; while `skipped` is not 0 there were
    entries that could not be read.
    """

    asker: LimitedClient
    template: OnboardingTemplate
    seen: Seen | None = None
    newest: datetime | None = None
    skipped: int = 0
    _waiting: list[Answer] = field(default_factory=list)

    def read(self, changed_after: datetime | None = None) -> None:
        """Read all pages; when this returns, the listing was complete and everything is in.

        Raises:
            Any of asking.BROKEN_OFF: what came before is in.
        """
        try:
            for page in self.asker.pages(self.template.provisioning_id, changed_after):
                self._take(page)
        except BROKEN_OFF:
            self._merge()
            raise
        self._merge()

    def _take(self, page: Page) -> None:
        asked_at = self.asker.asked_at
        self.skipped += page.skipped
        times = [r.last_status_change for r in page.subscribers if r.last_status_change]
        self.newest = max([*times, *([self.newest] if self.newest else [])], default=None)
        self._waiting += [
            Answer(remote, asked_at, template=self.template, listed=True)
            for remote in page.subscribers
        ]
        oldest = self._waiting[0].asked_at if self._waiting else asked_at
        if len(self._waiting) >= TOGETHER or timing.now() - oldest > PATIENCE:
            self._merge()

    def _merge(self) -> None:
        answers, self._waiting = self._waiting, []
        if not answers:
            return
        brought = merge.merge_answers(self.asker.connection, answers, now=timing.now())
        if self.seen:
            self.seen.add(key for key in brought.ids if key is not None)
        self._ask_again([answers[place].remote for place in brought.unsure])

    def _ask_again(self, unsure: list[RemoteSubscriber]) -> None:
        """Same time, other status: the list cannot tell which came first; the subscriber can."""
        answers: list[Answer] = []
        try:
            for remote in unsure:
                told = self.asker.subscriber(remote.id)
                if told is not None:
                    answers.append(Answer(told, self.asker.asked_at, template=self.template))
        finally:
            merge.apply_answers(self.asker.connection, answers, now=timing.now())
