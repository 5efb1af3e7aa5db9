"""The Webex for BroadWorks calls that we use, one method each.

Every method makes one HTTP request (a listing one per page) and raises a `WebexError` of
`webex.errors` when it doesn't get the answer it asked for. Contract:
https://developer.webex.com/docs/api/v1/broadworks-subscribers
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Unpack

from common.http import DEFAULT_TIMEOUT, Timeout
from common.http_guard import path_segment
from webex.errors import (
    Conflict,
    Facts,
    Forbidden,
    NotFound,
    PagingStopped,
    Refused,
    Unknown,
    WebexError,
    facts_from,
)
from webex.news import News
from webex.payloads import (
    Changes,
    NotASubscriber,
    Page,
    PrecheckRequest,
    PrecheckVerdict,
    ProvisionRequest,
    RemoteSubscriber,
    body_bytes,
    infos_of,
)
from webex.text import epoch_ms
from webex.transport import Reply, Transport, next_url

_SUBSCRIBERS = "/broadworks/subscribers"
#: Webex gives at most 100 a page; a listing longer than this (two million subscribers of one
#: provisioning ID) is a backend running in circles.
MAX_PAGES = 20_000


class WebexClient:
    """A connection to one Webex API with one token; cheap to make, shares pooled connections.

    `base_url` is `https://webexapis.com/v1`; `trusted_hosts` (`host` or `host:port`) may be http
    and private: the simulator, a lab.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: Timeout = DEFAULT_TIMEOUT,
        trusted_hosts: Collection[str] = (),
    ) -> None:
        self._transport = Transport(base_url, token, timeout=timeout, trusted_hosts=trusted_hosts)

    def list_subscribers(  # noqa: PLR0913 - the API's own filters
        self,
        provisioning_id: str,
        *,
        changed_after: datetime | None = None,
        statuses: Collection[str] = (),
        user_id: str | None = None,
        sp_enterprise_id: str | None = None,
        email: str | None = None,
        page_size: int = 100,
        before_each: Callable[[], None] = lambda: None,
    ) -> Iterator[Page]:
        """Yield the pages of a listing, one request each, fetched as they are asked for.

        `before_each` is called before each request; what it raises ends the listing.
        `changed_after` is a moment of Webex's clock (take it from `last_status_change`). The list
        was complete only if the iteration ended without an exception; raises PagingStopped when
        a link leads elsewhere or in a circle, or follows a page that brought nothing new.
        """
        filters = {
            "provisioningId": provisioning_id,
            "lastStatusChange": epoch_ms(changed_after) if changed_after else "",
            "status": ",".join(statuses),
            "userId": user_id or "",
            "spEnterpriseId": sp_enterprise_id or "",
            "email": email or "",
            "max": str(page_size),
        }
        given = {name: value for name, value in filters.items() if value}
        return self._pages(given, before_each)

    def _pages(self, filters: dict[str, str], before_each: Callable[[], None]) -> Iterator[Page]:
        url: str | None = self._transport.url(_SUBSCRIBERS, filters)
        seen: set[str] = set()
        news = News()
        while url is not None:
            if len(seen) >= MAX_PAGES:
                raise PagingStopped("page_cap")
            if url in seen:
                raise PagingStopped("repeated_link")
            seen.add(url)
            before_each()
            reply = self._transport.get(url)
            page = _page(reply, len(seen))
            yield page
            is_news = news.brings(page)
            url = next_url(reply.headers.get("Link"), url, filters)
            if url is not None and url not in seen and not is_news:
                raise PagingStopped("nothing_new")

    def find_subscribers(
        self, provisioning_id: str, user_id: str, sp_enterprise_id: str | None = None
    ) -> list[RemoteSubscriber]:
        """Return every subscriber with this natural key: the question "did it happen?".

        More than one is possible; none means that Webex holds none now. The key is compared
        again here, without case, should Webex have ignored a filter. Raises Unknown when an entry
        could not be read: it may be the one.
        """
        pages = self.list_subscribers(
            provisioning_id, user_id=user_id, sp_enterprise_id=sp_enterprise_id
        )
        wanted = (user_id, provisioning_id, sp_enterprise_id)
        matching: list[RemoteSubscriber] = []
        for page in pages:
            if page.skipped:
                raise Unknown("garbage")
            matching += [found for found in page.subscribers if _has_key(found, *wanted)]
        return matching

    def get_subscriber(self, subscriber_id: str) -> RemoteSubscriber:
        """Return one subscriber; raises NotFound when Webex holds none of this ID."""
        return _subscriber(self._transport.get(self._transport.url(_one(subscriber_id))))

    def provision(self, request: ProvisionRequest) -> RemoteSubscriber:
        """Create a subscriber, or try again with the same userId; the answer shows the start.

        The bytes sent are those that `body_hash(request.to_json())` is the hash of.
        """
        return _subscriber(
            self._transport.send("POST", _SUBSCRIBERS, body_bytes(request.to_json()))
        )

    def update(self, subscriber_id: str, **changes: Unpack[Changes]) -> RemoteSubscriber:
        """Change a subscriber; Webex answers `updating` and shows the effect later.

        The bytes sent are those that `body_hash(changes)` is the hash of.
        """
        return _subscriber(
            self._transport.send("PUT", _one(subscriber_id), body_bytes({**changes}))
        )

    def remove(self, subscriber_id: str) -> None:
        """Remove a subscriber; raises NotFound when it is gone already."""
        _nothing_said(self._transport.send("DELETE", _one(subscriber_id)))

    def precheck(self, request: PrecheckRequest) -> PrecheckVerdict:
        """Ask whether provisioning would work; changes nothing at Webex.

        A refusal with a code is a verdict; raises for everything that isn't one.
        """
        path = _SUBSCRIBERS + "/validate"
        try:
            reply = self._transport.send("POST", path, body_bytes(request.to_json()))
        except (Refused, Conflict, NotFound, Forbidden) as error:
            if error.code is None or (error.status or 0) < 400:
                raise
            return PrecheckVerdict(False, (), error.code, error.text, error.tracking_id)
        return _verdict(reply)

    def send_consent_mail(self, subscriber_id: str) -> None:
        """Have Webex mail the consent link once more; only while pending_user_migration."""
        path = f"/subscribers/{_segment(subscriber_id)}/emails/consentMove"
        _nothing_said(self._transport.send("POST", path))

    def knows_provisioning_id(self, provisioning_id: str) -> bool:
        """Tell whether Webex knows a template's provisioning ID; raises when it can't be told."""
        query = {"provisioningId": provisioning_id, "max": "1"}
        try:
            _page(self._transport.get(self._transport.url(_SUBSCRIBERS, query)), 1)
        except (Refused, NotFound) as error:
            if error.status in {400, 404, 410, 422}:
                return False
            raise
        return True


def _segment(subscriber_id: str) -> str:
    try:
        return path_segment(subscriber_id)
    except ValueError:
        raise NotFound("no_such_id", Facts()) from None


def _one(subscriber_id: str) -> str:
    return f"{_SUBSCRIBERS}/{_segment(subscriber_id)}"


def _garbage(reply: Reply) -> WebexError:
    return Unknown("garbage", Facts(status=reply.status, tracking_id=reply.tracking_id))


def _nothing_said(reply: Reply) -> None:
    """Believe a 2xx only without a body, as documented (204): else somebody else may speak."""
    if reply.data is not None:
        raise _garbage(reply)


def _subscriber(reply: Reply) -> RemoteSubscriber:
    try:
        return RemoteSubscriber.from_json(reply.data)
    except NotASubscriber:
        pass
    raise _garbage(reply)


def _page(reply: Reply, number: int) -> Page:
    items = reply.data.get("items") if isinstance(reply.data, dict) else None
    if not isinstance(items, list):
        raise _garbage(reply)
    found: list[RemoteSubscriber] = []
    for item in items:
        try:
            found.append(RemoteSubscriber.from_json(item))
        except NotASubscriber:
            continue
    return Page(number, tuple(found), skipped=len(items) - len(found))


def _has_key(
    found: RemoteSubscriber, user_id: str, provisioning_id: str, sp_enterprise_id: str | None
) -> bool:
    return (
        found.user_id.casefold() == user_id.casefold()
        and found.provisioning_id in {provisioning_id, ""}
        and (not sp_enterprise_id or found.sp_enterprise_id in {sp_enterprise_id, ""})
    )


def _verdict(reply: Reply) -> PrecheckVerdict:
    """Read a 2xx precheck; a refusal may come with 200 and an `errorCode` object (contract)."""
    data = reply.data
    if not isinstance(data, dict) or not {"info", "message", "errorCode", "errors"} & set(data):
        raise _garbage(reply)
    facts = facts_from(reply.status, data, reply.tracking_id)
    if facts.code is not None:
        return PrecheckVerdict(False, (), facts.code, facts.text, facts.tracking_id)
    return PrecheckVerdict(True, infos_of(data.get("info")), tracking_id=facts.tracking_id)
