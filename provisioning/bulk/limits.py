"""How large a bulk action may be."""

from __future__ import annotations

#: Users of one batch; so many jobs are accepted in one transaction.
MAX_BATCH_USERS = 10_000
