"""Tables that belong to no domain: throttle counters."""

from __future__ import annotations

from django.db import models


class ThrottleCount(models.Model):
    """How often something happened in the current window; the key is hashed (no personal data)."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "throttle_count"

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.count}"
