"""Reading a listing of Webex: every page with a permit, several pages brought in together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import permits, projection
from provisioning.missing import Seen
from provisioning.projection import Answer
from templates_app.models import OnboardingTemplate
from webex.client import WebexClient
from webex.errors import NotFound, WebexError
from webex.payloads import Page, RemoteSubscriber

#: Answers are brought in once there are so many, or once the first has waited for so long.
TOGETHER, PATIENCE = 1000, timedelta(seconds=2)


@dataclass
class Listing:
    """One template's subscribers as Webex lists them, on their way into our rows.

    `newest` is the newest change seen, on the backend's clock; while `skipped` is not 0 there were
    entries that could not be read.
    """

    connection: BackendConnection
    client: WebexClient
    template: OnboardingTemplate
    seen: Seen | None = None
    newest: datetime | None = None
    skipped: int = 0
    _waiting: list[Answer] = field(default_factory=list)
    _asked_at: datetime | None = None

    def read(self, changed_after: datetime | None = None) -> None:
        """Read all pages; when this returns, the listing was complete and everything is in.

        Raises:
            WebexError, permits.Closed: it broke off; what came before is in.
        """
        try:
            for page in self._pages(changed_after):
                self._take(page)
        except (WebexError, permits.Closed):
            self._bring_in()
            raise
        self._bring_in()

    def _pages(self, changed_after: datetime | None) -> Iterator[Page]:
        return self.client.list_subscribers(
            self.template.provisioning_id, changed_after=changed_after, before_each=self._permit
        )

    def _permit(self) -> None:
        self._asked_at = permits.permit(self.connection.pk)

    def _take(self, page: Page) -> None:
        asked_at = self._asked_at or timezone.now()
        self.skipped += page.skipped
        times = [r.last_status_change for r in page.subscribers if r.last_status_change]
        self.newest = max([*times, *([self.newest] if self.newest else [])], default=None)
        self._waiting += [
            Answer(remote, asked_at, template=self.template, listed=True)
            for remote in page.subscribers
        ]
        oldest = self._waiting[0].asked_at if self._waiting else asked_at
        if len(self._waiting) >= TOGETHER or timezone.now() - oldest > PATIENCE:
            self._bring_in()

    def _bring_in(self) -> None:
        answers, self._waiting = self._waiting, []
        if not answers:
            return
        brought = projection.bring_in(self.connection, answers, now=timezone.now())
        if self.seen:
            self.seen.add(key for key in brought.ids if key is not None)
        self._ask_again([answers[place].remote for place in brought.unsure])

    def _ask_again(self, unsure: list[RemoteSubscriber]) -> None:
        """Same time, other status: the list cannot tell which came first; the subscriber can."""
        told: list[Answer] = []
        try:
            for remote in unsure:
                told += self._asked(remote)
        finally:
            projection.apply_answers(self.connection, told, now=timezone.now())

    def _asked(self, remote: RemoteSubscriber) -> list[Answer]:
        asked_at = permits.permit(self.connection.pk)
        try:
            told = self.client.get_subscriber(remote.id)
        except NotFound:
            return []
        return [Answer(told, asked_at, template=self.template)]
