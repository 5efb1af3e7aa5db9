"""Exports for the tests of their pages, and where their pages are."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from provisioning.exports import request as export_request
from provisioning.exports import services as export_services
from provisioning.models import Export


def make_export(user, template=None, **fields) -> Export:
    now = timezone.now()
    values = {
        "partner": user.partner,
        "owner": user,
        "template": template,
        "file_name": "user-status-smb-denmark-2026-11-24.csv",
        "created_at": now,
        "expires_at": now + export_request.FILE_LIFETIME,
    }
    return Export.objects.create(**values | fields)


def ready(user, template=None, **fields) -> Export:
    export = make_export(user, template, **fields)
    export_services.write(export.pk)
    export.refresh_from_db()
    return export


def page_of(export: Export) -> str:
    return reverse("userstatus:export", args=[export.uuid])


def download_of(export: Export) -> str:
    return reverse("userstatus:export_download", args=[export.uuid])
