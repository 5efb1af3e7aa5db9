"""Read as text by test_tenant_reads: two reads that it must find, three that it must pass."""

from __future__ import annotations

from typing import Any

from provisioning.models import Job, Subscriber


def reads(user: Any, template: Any, uuid: str) -> list[Any]:
    return [
        Subscriber.objects.get(uuid=uuid),
        Job.objects.unfinished().filter(uuid=uuid),
        Subscriber.objects.visible_to(user).get(uuid=uuid),
        Subscriber.objects.live().filter(template=template),
        Job.objects.none(),
    ]
