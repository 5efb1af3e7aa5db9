"""Seal every stored token with the newest key of TOKEN_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit, secrets
from accounts.models import BackendConnection


class Command(BaseCommand):
    help = "Seal every stored token with the first key of TOKEN_KEYS; older keys may then go."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = []
        changed = 0
        for connection in BackendConnection.objects.exclude(token_sealed="").iterator():
            try:
                changed += _seal_again(connection.pk)
            except secrets.Unsealable:
                lost.append(str(connection))
        self.stdout.write(f"{changed} tokens sealed anew")
        if lost:
            raise CommandError(f"No key for the token of: {', '.join(lost)}. Set it again.")


def _seal_again(connection_id: int) -> int:
    """Seal one token anew, against a change of the same row meanwhile; 1 when it was needed."""
    with transaction.atomic():
        connection = BackendConnection.objects.select_for_update().get(pk=connection_id)
        if secrets.is_newest(connection.token_sealed):
            return 0
        connection.set_token(connection.token)
        connection.save(update_fields=["token_sealed", "token_last4"])
        audit.record(audit.SYSTEM, "connection.rotate_key", connection, partner=connection.partner)
        return 1
