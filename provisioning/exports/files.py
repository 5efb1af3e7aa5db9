"""Files of exports: written whole by COPY or not at all, found again by their row, deleted.

PostgreSQL makes the records; a CSV file takes them as they come, an Excel file (`xlsx_file`)
cell by cell.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Expression, QuerySet

from common.addresses import shown_in
from provisioning.exports.columns import HEADER, columns
from provisioning.exports.xlsx import XlsxFile, sheet_columns
from provisioning.models import Export, Subscriber
from provisioning.states import ExportFormat

_BOM = b"\xef\xbb\xbf"
_TEMPORARY = ".writing-"
#: Bytes gathered before they are hashed and written.
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Written:
    """A finished file: how many users, how many bytes, and their SHA-256."""

    rows: int
    size: int
    sha256: str


class _Sink(Protocol):
    """What COPY writes to, record by record."""

    def write(self, record: bytes) -> None: ...


class _CsvFile:
    """What COPY writes to: each call brings one record, which ends here as RFC 4180 wants it.

    PostgreSQL ends records by LF and sends them "always one per row" (its protocol's chapter on
    COPY), so the last byte of a call is the record's end, and line breaks inside of cells stay
    as they are.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.rows, self.size = file, 0, 0
        self.hash = hashlib.sha256()
        self.block = bytearray(_BOM + ",".join(HEADER).encode() + b"\r\n")

    def write(self, record: bytes) -> None:
        self.block += shown_in(record[:-1])
        self.block += b"\r\n"
        self.rows += 1
        if len(self.block) >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Hash and write what was gathered."""
        self.hash.update(self.block)
        self.file.write(self.block)
        self.size += len(self.block)
        self.block.clear()


def temporary() -> IO[bytes]:
    """A file without a name, which is gone once it is closed."""
    return tempfile.TemporaryFile(dir=_folder())


def write(
    export: Export,
    users: QuerySet[Subscriber],
    on_read: Callable[[int], object] = lambda rows: None,
) -> Written:
    """Write the users, in their order, to the export's file; on any error no file is left.

    `on_read` is told how many users there are once PostgreSQL has sent the last.

    Raises:
        OSError: the file cannot be written, as on a full disk.
        xlsx_file.TooManyRows: more users than an Excel file takes.
        django.db.Error: PostgreSQL broke off.
    """
    write_rows = _write_xlsx if export.format == ExportFormat.XLSX else _write_csv
    folder = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{export.uuid.hex}-", dir=_folder()))
    try:
        whole = folder / "whole"
        with open(os.open(whole, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600), "w+b") as file:
            written = write_rows(users, file, folder, on_read)
            file.flush()
            os.fsync(file.fileno())
        os.replace(whole, path_of(export, written.sha256))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return written


def _write_csv(
    users: QuerySet[Subscriber], file: IO[bytes], folder: Path, on_read: Callable[[int], object]
) -> Written:
    written = copy(users, file)
    on_read(written.rows)
    return written


def _write_xlsx(
    users: QuerySet[Subscriber], file: IO[bytes], folder: Path, on_read: Callable[[int], object]
) -> Written:
    book = XlsxFile(file, folder)
    try:
        _copy_into(book, users, sheet_columns())
        on_read(book.rows)
        book.close()
    finally:
        book.forget()
    file.flush()
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    return Written(book.rows, file.tell(), digest)


def copy(users: QuerySet[Subscriber], file: IO[bytes]) -> Written:
    """Write the users, in their order, as CSV into an open file.

    Raises:
        as `write`.
    """
    sink = _CsvFile(file)
    _copy_into(sink, users, columns())
    sink.flush()
    return Written(sink.rows, sink.size, sink.hash.hexdigest())


def _copy_into(sink: _Sink, users: QuerySet[Subscriber], cells: Mapping[str, Expression]) -> None:
    sql, parameters = users.annotate(**cells).values_list(*cells).query.sql_with_params()
    with unhurried(), connection.cursor() as cursor, connection.wrap_database_errors:
        select = cursor.mogrify(sql, parameters).decode()
        cursor.copy_expert(f"COPY ({select}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)", sink)


@contextmanager
def unhurried() -> Iterator[None]:
    """A transaction whose statements may take as long as a million rows do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def path_of(export: Export, sha256: str = "") -> Path:
    """Where the file lies, by a random name and its content: a writer who was given up and comes
    late cannot put another file in its place.
    """
    content = (sha256 or export.sha256)[:16]
    return Path(settings.EXPORTS_DIR) / f"{export.uuid.hex}-{content}.{export.format}"


def open_whole(export: Export) -> IO[bytes]:
    """Open the finished file to be read.

    Raises:
        OSError: it is not there, cannot be read, or is not as long as it was when it was finished.
    """
    file = path_of(export).open("rb")
    size = os.fstat(file.fileno()).st_size
    if size != export.size:
        file.close()
        raise OSError(errno.EIO, f"{size} bytes of {export.size}")
    return file


def remove(export: Export, sha256: str = "") -> None:
    """Delete the file, if it is there."""
    path_of(export, sha256).unlink(missing_ok=True)


def remove_orphans(known: Iterable[Export], before: datetime) -> int:
    """Delete the files of nobody that were last touched before a time; answers how many.

    What a killed writer left is one; `known` are the exports whose files must stay.
    """
    keep = {path_of(export).name for export in known}
    removed = 0
    for path in _folder().iterdir():
        if path.name not in keep and _is_older(path, before):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_older(path: Path, before: datetime) -> bool:
    """Last touched before then; a writer may have finished and removed it this moment."""
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _folder() -> Path:
    folder: Any = Path(settings.EXPORTS_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid() and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return Path(folder)
