"""What the engine is measured beside: the ordinary way to write it, one Celery task per job.

Celery's own settings throughout, `requests`, the ORM. It keeps none of the engine's promises: no
intent, no lease, no gate, no history; a worker that dies loses its job. It starts as
`celery -A benchmarks.peers worker`, on a database of the same tables without the engine's triggers.
"""

from __future__ import annotations

import os

import requests
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnerhub.settings")
NAME = "peer.run"
#: Celery's own name for its queue.
QUEUE = "celery"

app = Celery(
    "peer",
    broker=os.environ.get("PEER_REDIS_URL", "redis://127.0.0.1:6379/1"),
    set_as_current=False,  # whoever imports this keeps the product's own
)


@app.task(name=NAME)
def run(job_id: int) -> None:
    """Do one job: read it, ask for it, write down what came, commit."""
    from django.db import transaction
    from django.utils import timezone

    from provisioning.backend.client import provision_request
    from provisioning.models import Job

    job = Job.objects.select_related("connection", "template", "subscriber").get(pk=job_id)
    answer = requests.post(
        f"{job.connection.api_base_url}/broadworks/subscribers",
        json=provision_request(job).to_json(),
        headers={"Authorization": f"Bearer {job.connection.token}"},
        timeout=15,
    )
    answer.raise_for_status()
    seen, now = answer.json(), timezone.now()
    row = job.subscriber
    assert row is not None
    row.status = row.backend_status = seen["status"]
    row.email, row.package, row.webex_id = seen["email"], seen["package"], seen["id"]
    row.backend_changed_at, row.seen_at, row.last_change_at = seen["lastStatusChange"], now, now
    row.backend_error, row.error_code, row.error_text, row.error_at = {}, "", "", None
    job.state, job.finished_at, job.sends = "done", now, 1
    with transaction.atomic():
        row.save()
        job.save()
