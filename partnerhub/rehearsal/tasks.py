"""Celery's tick of the rehearsal."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from partnerhub.rehearsal import simulator_client, status_cache

logger = logging.getLogger(__name__)


@shared_task(name="rehearsal.look", time_limit=10)
def look(**_: Any) -> None:
    """Every ten seconds: let the pages know what the simulator does on purpose."""
    if not simulator_client.is_configured():
        return
    try:
        status_cache.look()
    except (simulator_client.Away, simulator_client.Refused) as error:
        # What was known last holds for a minute; the page of the rehearsal says the rest.
        logger.debug("rehearsal not known", extra={"reason": str(error)})
