"""The Excel file of an export: what COPY writes to, text as text and times as times."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.db.models import Expression, F, FloatField, Func
from django.db.models.functions import Left
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.utility import xl_range

from common.addresses import shown_in
from provisioning.exports.columns import COLUMNS, Format, cells_of

#: More users than this are exported as CSV, which takes seconds and no program's patience.
MAX_ROWS = 200_000
#: What Excel holds in a cell, in UTF-16 units.
MAX_CELL_UNITS = 32_767
#: Which columns hold times.
_IS_TIME = tuple(column.is_time for column in COLUMNS)
#: What XML cannot hold, and XlsxWriter lets through.
_NOT_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


class TooManyRows(Exception):
    """The list has more users than an Excel file takes here."""


class SheetTime(Func):
    """A time in UTC as Excel counts them: days since the end of 1899; whole seconds."""

    arity = 1
    output_field = FloatField()
    template = "floor(extract(epoch FROM %(expressions)s)) / 86400 + 25569"


def sheet_columns() -> dict[str, Expression]:
    """The cells of one row by alias, in the order of COLUMNS: raw text, since a cell of text never
    runs, and times as numbers.
    """
    return cells_of(Format(text=_text, time=lambda column: SheetTime(F(column))))


def _text(column: str) -> Any:
    return Left(F(column), MAX_CELL_UNITS + 1)


class XlsxFile:
    """What COPY writes the records of a sheet to; call `close` at the end.

    Each call of `write` brings one record of CSV. Rows go to a file in `folder` as they come, so
    that memory does not grow; `close` packs it.

    Raises:
        TooManyRows: by `write`, for the first record beyond MAX_ROWS.
        OSError: a file cannot be written.
    """

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.rows = 0
        self.book = Workbook(file, options)
        self.sheet = self.book.add_worksheet("User status")
        # As text, so that what begins with = stays text when somebody edits it.
        self.text = self.book.add_format({"num_format": "@"})
        self.time = self.book.add_format({"num_format": 'yyyy-mm-dd hh:mm:ss"Z"'})
        self._head()
        self.write_text: Callable[..., Any] = self.sheet.write_string

    def _head(self) -> None:
        bold = self.book.add_format({"bold": True, "num_format": "@"})
        for number, column in enumerate(COLUMNS):
            self.sheet.set_column(number, number, column.width)
            self.sheet.write_string(0, number, column.name, bold)
        self.sheet.freeze_panes(1, 0)

    def write(self, record: bytes) -> None:
        if self.rows == MAX_ROWS:
            raise TooManyRows
        self.rows += 1
        cells = next(csv.reader([shown_in(record[:-1]).decode()]))
        for column, cell in enumerate(cells):
            if not cell:
                continue
            if _IS_TIME[column]:
                self.sheet.write_number(self.rows, column, float(cell), self.time)
            else:
                self.write_text(self.rows, column, held(cell), self.text)

    def close(self) -> None:
        """Pack the sheet into the file."""
        corners = (0, 0, self.rows, len(COLUMNS) - 1)
        self.sheet.autofilter(*corners)
        # Numbers of telephones are text on purpose: no warning in each cell.
        self.sheet.ignore_errors({"number_stored_as_text": xl_range(*corners)})
        try:
            self.book.close()
        except FileCreateError as error:
            cause = error.__context__
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from error

    def forget(self) -> None:
        """Let go of the file that held the rows, also when the sheet was never packed."""
        rows = self.sheet.row_data_fh
        if rows is not None:
            with suppress(OSError):  # what is still in its buffer may find no room
                rows.close()


def held(text: str) -> str:
    """The text as a cell can hold it: cut to Excel's limit, without what XML cannot hold."""
    if len(text) > MAX_CELL_UNITS // 2:
        units = text.encode("utf-16-le")
        if len(units) > MAX_CELL_UNITS * 2:
            text = units[: (MAX_CELL_UNITS - 1) * 2].decode("utf-16-le", "ignore") + "…"
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter takes such a text for marked-up XML and writes it as it is.
        text += " "
    return text.translate(_NOT_XML) if "\ufffe" in text or "\uffff" in text else text
