"""Who arrived last."""

from __future__ import annotations

from provisioning import reading

_NEWEST = "SELECT coalesce(max(id), 0) FROM provisioning_subscriber"


def newest() -> int:
    """The largest id of any user by now, whosever: what has a larger one arrived later."""
    [(found,)] = reading.prepared(_NEWEST, {})
    return int(found)
