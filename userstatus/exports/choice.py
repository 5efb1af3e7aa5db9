"""Which users an export is about, as a form says it: all, all but some, or the ticked."""

from __future__ import annotations

from django.http import QueryDict

from provisioning.exports.request import EVERYBODY, Choice
from provisioning.models import Export
from provisioning.states import ExportFormat
from userstatus.row_keys import joined, keys_of


def read(data: QueryDict, address: QueryDict) -> Choice:
    """`id` names the ticked ones; `all=on` with `not` all that match but those; `format`.

    The format may also stand in the address, for a button that has another name already.

    Keys are those of rows (rows.short), several with dots between, repeatable, as in the bulk
    dialogs. Without any, all that match. A format that we do not write is CSV.
    """
    kind = data.get("format") or address.get("format", "")
    file_format = ExportFormat(kind) if kind in ExportFormat.values else EVERYBODY.format
    if data.get("all") == "on":
        return Choice(None, tuple(keys_of(data.getlist("not"))), file_format)
    if "id" in data:
        return Choice(tuple(keys_of(data.getlist("id"))), (), file_format)
    return Choice(format=file_format)


def of_export(export: Export) -> Choice:
    """What an export was asked for, to ask the same again."""
    ticked = None if export.ticked is None else tuple(export.ticked)
    return Choice(ticked, tuple(export.left_out), ExportFormat(export.format))


def fields(choice: Choice) -> list[tuple[str, str]]:
    """Names and values of the hidden fields that say the choice, but for the format."""
    if choice.ticked is not None:
        return [("id", joined(choice.ticked))]
    return [("all", "on"), ("not", joined(choice.left_out))] if choice.left_out else []
