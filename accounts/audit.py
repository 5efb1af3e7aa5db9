"""Writing the audit log: one call, in the transaction of the change it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.models import AuditEvent, Partner, User
from common.requests import client_ip, request_id


@dataclass(frozen=True)
class Actor:
    """Who acts, from where: a person with a request, or a part of the system by name."""

    user: User | None = None
    label: str = ""
    ip: str = ""
    request_id: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Actor:
        """The signed-in person of a request."""
        user = request.user if isinstance(request.user, User) else None
        label = user.label if user else ""
        return cls(user=user, label=label, ip=client_ip(request), request_id=request_id(request))

    @classmethod
    def end_user(cls, request: HttpRequest, broadworks_id: str) -> Actor:
        """A user of the activation portal, who has no account here."""
        return cls(label=broadworks_id, ip=client_ip(request), request_id=request_id(request))


#: The product itself: sync, seed, tidy.
SYSTEM = Actor(label="system")


def record(
    actor: Actor,
    action: str,
    target: Any,
    *,
    partner: Partner | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event. `action` is "<object>.<verb>", as in "subscriber.delete".

    Never put a password, a token or a mail token into `before` or `after`.
    """
    return AuditEvent.objects.create(
        partner=partner,
        actor=actor.user,
        actor_label=actor.label[:200],
        action=action,
        object_type=target._meta.model_name,
        object_id=str(getattr(target, "uuid", target.pk)),
        object_label=str(target)[:300],
        before=before or {},
        after=after or {},
        ip=actor.ip,
        request_id=actor.request_id,
    )
