"""Django admin of connections, jobs, users, and of what the portal and the engine leave behind."""

from __future__ import annotations

from provisioning.admin import connections, jobs, records, subscribers

#: Each registers itself.
__all__ = ["connections", "jobs", "records", "subscribers"]
