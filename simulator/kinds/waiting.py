"""Holding a request without holding anything that others need."""

from __future__ import annotations

import copy
import dataclasses
import logging
import threading
import time

from django.db import Error, connection

from simulator import auth, state
from simulator.calls import Call, utc_now
from simulator.kinds.base import Effect

logger = logging.getLogger(__name__)


def sleep(seconds: float) -> None:
    """Wait without a database connection; the thread gets another when it needs one."""
    if seconds > 0:
        connection.close()
        time.sleep(seconds)


def hold(call: Call, seconds: float) -> bool:
    """Wait, then see the world anew; False: it was reset meanwhile, so nothing may happen.

    The request log still has the time of arrival, and the run in which it arrived.
    """
    if seconds <= 0:
        return True
    sleep(seconds)
    run = call.opening.run
    call.arrived_at = call.arrived_at or call.now
    call.now = utc_now()
    now = state.opening(call.now)
    call.opening = dataclasses.replace(now, run=run)
    call.caller_or_none = auth.caller_of(call.request, now.known.callers)
    return now.run == run


def later(call: Call, seconds: float, effect: Effect) -> None:
    """Let the effect happen after so many seconds, whatever is answered until then.

    It dies with the process, like any request that is under way.
    """
    _ = call.request.body  # while the client is still there
    request = copy.copy(call.request)
    request.META = dict(request.META)  # where the log line's number is noted: this one has its own
    own = dataclasses.replace(call, request=request)

    def wait_and_do() -> None:
        try:
            if hold(own, seconds):
                effect(own)
        except Error as error:  # the database was away when its time came
            logger.warning("a late effect failed: %s", error)
        finally:
            connection.close()

    threading.Thread(target=wait_and_do, name="late effect", daemon=True).start()
