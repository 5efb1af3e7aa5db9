"""What the engine's tests ask for."""

from __future__ import annotations

from django.utils import timezone

from provisioning.jobs import user_services
from provisioning.models import Job

FREJA = "4533121212@nordictel.example"
SAME = "u4533121212@firma.example"


def ask_retry(rig, row, email="freja@good.example") -> Job:
    return user_services.retry_activation(row, email=email, actor=rig.actor, now=timezone.now())
