"""What each kind of job asks of the backend: the steps, and how to see whether one happened.

A step is a mutation with its question. `Step.send` runs after its intent is committed;
`Step.happened` answers what became of a send whose outcome is unknown: the subscriber (or GONE)
when it took effect, None when it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import RetryBy
from common.addresses import same
from provisioning.backend.client import provision_request
from provisioning.models import Job
from provisioning.states import JobKind, Status
from provisioning.timing import AHEAD
from webex.client import WebexClient
from webex.errors import NotFound, Unknown
from webex.payloads import RemoteSubscriber, body_hash


@dataclass(frozen=True)
class Gone:
    """The subscriber does not exist at the backend (any more)."""


GONE = Gone()
Result = RemoteSubscriber | Gone


@dataclass(frozen=True)
class Step:
    """One mutation of a job.

    Attributes:
        name: as kept in Job.step.
        body_hash: of exactly the bytes that `send` sends.
        send: sends it; raises webex.errors.
        happened: asks; raises webex.errors.
    """

    name: str
    body_hash: str
    send: Callable[[WebexClient], Result]
    happened: Callable[[WebexClient], Result | None]


def steps(job: Job, now: datetime) -> list[Step]:
    """The steps of a job, in order; most have one. `now` is by PostgreSQL's clock."""
    return STEPS[job.kind](job, now)


def _activation(job: Job, now: datetime) -> list[Step]:
    """A user of the portal may have a subscriber that waits: POST repeats there too."""
    by_delete = job.connection.retry_by == RetryBy.DELETE_THEN_POST
    if job.params.get("webex_id") and by_delete:
        return [_delete(job), _post(job, now)]
    return [_post(job, now)]


def _removal(job: Job, now: datetime) -> list[Step]:
    return [_delete(job)] if job.params.get("webex_id") else [_delete_by_key(job)]


def _package_change(job: Job, now: datetime) -> list[Step]:
    return [_put_package(job)]


def _post(job: Job, now: datetime) -> Step:
    request = provision_request(job)

    def send(client: WebexClient) -> Result:
        return client.provision(request)

    def happened(client: WebexClient) -> Result | None:
        found = client.find_subscribers(
            request.provisioning_id, request.user_id, request.sp_enterprise_id
        )
        return next((remote for remote in found if _took_effect(job, remote, now)), None)

    return Step("post", body_hash(request.to_json()), send, happened)


def _took_effect(job: Job, remote: RemoteSubscriber, now: datetime) -> bool:
    """Did our POST reach this subscriber? It carries our address, and moved since the intent.

    A POST may meet a subscriber that existed before; what we knew of it then is in the job,
    because sync may have brought in the effect since.

    Raises:
        Unknown: its time contradicts what we knew then, so it cannot tell.
    """
    if not same(remote.email, job.params["email"]):
        return False
    webex_id, email, status, changed_at = job.params.get("before") or [None, "", "", ""]
    if (remote.id, remote.email.casefold()) != (webex_id, email):
        return True
    moved = bool(remote.status != status)
    told = remote.last_status_change
    if not changed_at or told is None:
        return moved
    known = datetime.fromisoformat(changed_at)
    in_future = told > now + AHEAD
    if told < known or (moved and told == known) or (in_future and not moved):
        raise Unknown("stale")
    return told > known


def before_send(job: Job) -> Sequence[Any] | None:
    """What we know of the subscriber now, to be kept with the intent; None without one."""
    row = job.subscriber
    if row is None:
        return None
    return _looks(row.webex_id, row.email, row.backend_status, row.backend_changed_at)


def _looks(
    webex_id: str | None, email: str, status: str, changed_at: datetime | None
) -> Sequence[Any]:
    return [webex_id, email.casefold(), status, changed_at.isoformat() if changed_at else ""]


def _delete(job: Job) -> Step:
    webex_id = job.params["webex_id"]

    def send(client: WebexClient) -> Result:
        with suppress(NotFound):  # somebody was quicker: what was asked for is so
            client.remove(webex_id)
        return GONE

    def happened(client: WebexClient) -> Result | None:
        try:
            client.get_subscriber(webex_id)
        except NotFound:
            return GONE
        return None

    return Step("delete", body_hash(None), send, happened)


def _delete_by_key(job: Job) -> Step:
    """The row lost its Webex ID half-way through an earlier retry: look the user up first."""

    def find(client: WebexClient) -> list[RemoteSubscriber]:
        return client.find_subscribers(
            job.template.provisioning_id, job.broadworks_id, job.enterprise_id
        )

    def send(client: WebexClient) -> Result:
        for remote in find(client):
            with suppress(NotFound):
                client.remove(remote.id)
        return GONE

    def happened(client: WebexClient) -> Result | None:
        return None if find(client) else GONE

    return Step("delete", body_hash(None), send, happened)


def _put_package(job: Job) -> Step:
    webex_id, package = job.params["webex_id"] or "", job.params["package"]

    def send(client: WebexClient) -> Result:
        return client.update(webex_id, package=package)

    def happened(client: WebexClient) -> Result | None:
        remote = client.get_subscriber(webex_id)
        moved = remote.package == package or remote.status == Status.UPDATING
        return remote if moved else None

    return Step("put", body_hash({"package": package}), send, happened)


#: By kind; every kind of kinds.KINDS has its steps here.
STEPS: dict[str, Callable[[Job, datetime], list[Step]]] = {
    JobKind.PROVISION: _activation,
    JobKind.RETRY: _activation,
    JobKind.DELETE: _removal,
    JobKind.PACKAGE: _package_change,
}
