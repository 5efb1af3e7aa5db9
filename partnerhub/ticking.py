"""Beat's intervals, by a clock that nobody can set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import schedule

#: The two clocks when this process began.
_BEGAN, _SINCE = datetime.now(UTC), time.monotonic()


def now() -> datetime:
    """The time when this process began, and what has passed since by the monotonic clock."""
    return _BEGAN + timedelta(seconds=time.monotonic() - _SINCE)


class Every(schedule):
    """Due every so many seconds, however the wall clock is set meanwhile.

    Celery takes the time of its last tick, of the next one and of now from the schedule; by
    default that is the wall clock, and beat stands still for as long as it was put back.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(timedelta(seconds=seconds), nowfun=now)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """How long until it is due; at once after a tick that is yet to come.

        Such a one is in beat's file when the clock was put back before a restart.
        """
        if self.maybe_make_aware(last_run_at) > now():
            return timedelta()
        return super().remaining_estimate(last_run_at)

    def __reduce__(self) -> Any:
        """Stay what it is: beat reads its entries anew from its file every few minutes."""
        return Every, (self.seconds,)
