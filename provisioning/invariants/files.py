"""The rule of exported files: what is offered for download is there, whole and as recorded."""

from __future__ import annotations

import hashlib

from common import clock
from provisioning.exports import files as export_files
from provisioning.invariants.rules import Finding
from provisioning.models import Export
from provisioning.states import ExportState

#: Files that are read, the newest; of a million users each is some 200 MB.
NEWEST = 20
MAX_BYTES = 500_000_000
EXAMPLES = 5


def check() -> list[Finding]:
    """Read the newest files that can be downloaded; a bad one is a finding."""
    ready = Export.objects.filter(state=ExportState.READY, expires_at__gt=clock.now())
    wrong = [str(export.uuid) for export in ready.order_by("-ready_at")[:NEWEST] if _is_bad(export)]
    if not wrong:
        return []
    what = "the file of an export is missing, or is not what was recorded"
    return [Finding("I12", what, len(wrong), wrong[:EXAMPLES])]


def _is_bad(export: Export) -> bool:
    path = export_files.path_of(export)
    try:
        if path.stat().st_size != export.size:
            return True
        if export.size > MAX_BYTES:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != export.sha256
    except FileNotFoundError:  # it may have been tidied away a moment ago
        return Export.objects.filter(pk=export.pk, state=ExportState.READY).exists()
