"""Received files as rows of text: bounded, strictly UTF-8, exactly the columns of the contract."""

import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.campaigns.services.evidence import Refusal, Refusals, shown

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One received row; `number` is its line as an editor shows it, the header being 1."""

    file: str
    number: int
    cells: tuple[str, ...]
    positions: Mapping[str, int]

    def text(self, column: str) -> str:
        return self.cells[self.positions[column]]

    def refuse(self, column: str | None, reason: str) -> Refusal:
        value = None if column is None else shown(self.text(column))
        return Refusal(self.file, self.number, column, value, reason)


@dataclass(frozen=True, slots=True)
class Table:
    """A received file: its fingerprint, its header as it came, and its rows."""

    file: str
    sha256: str
    header: Row
    rows: tuple[Row, ...]


class _Unusable(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, reason: str, *, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.row = row


def read_table(path: Path, columns: Collection[str], refusals: Refusals) -> Table | None:
    """The file's rows, or None with everything that is wrong with it added to `refusals`."""
    already = len(refusals)
    try:
        received = _received(path)
        records = list(_records(_decoded(received)))
    except _Unusable as unusable:
        refusals.add(Refusal(path.name, unusable.row, None, None, unusable.reason))
        return None
    if len(records) <= 1:
        refusals.add(Refusal(path.name, None, None, None, "The file has no rows." if records else "The file is empty."))
        return None
    names = [_column(name, columns) for name in records[0][1]]
    positions = {name: position for position, name in enumerate(names)}
    header, *rows = (Row(path.name, number, cells, positions) for number, cells in records)
    refusals.extend(_header_refusals(header, names, columns))
    if len(refusals) == already:
        refusals.extend([refusal for row in rows for refusal in _shape_refusals(row)])
    if len(refusals) > already:
        return None
    return Table(path.name, hashlib.sha256(received).hexdigest(), header, tuple(rows))


def _received(path: Path) -> bytes:
    try:
        if not path.exists():
            raise _Unusable("The file is missing.")
        if not path.is_file():
            raise _Unusable("This is not a regular file.")
        with path.open("rb") as file:
            received = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _Unusable(f"The file cannot be opened: {error.strerror}.") from None
    if len(received) > MAX_BYTES:
        raise _Unusable(f"The file is larger than {MAX_BYTES // 1024**2} MB.")
    return received


def _decoded(received: bytes) -> str:
    try:
        return received.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = received.count(b"\n", 0, error.start) + 1
        raise _Unusable(f"The file is not UTF-8: byte 0x{received[error.start]:02x} here.", row=line) from None


def _records(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    read = 0
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _Unusable(f"This line is not CSV: {error}.", row=line) from None
        if record is None:
            return
        if record:
            read += 1
            yield line, tuple(record)
        if read > MAX_ROWS + 1:
            raise _Unusable(f"The file has more than {MAX_ROWS:,} rows.")


def _column(received: str, columns: Collection[str]) -> str:
    """The column a header names; accents may be missing or composed differently."""
    plain = _without_accents(received)
    return next((name for name in columns if _without_accents(name) == plain), received)


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def _header_refusals(header: Row, names: Sequence[str], columns: Collection[str]) -> list[Refusal]:
    def refuse(column: str, value: str | None, reason: str) -> Refusal:
        return Refusal(header.file, header.number, shown(column), value and shown(value), reason)

    return [
        *(refuse(name, None, "This column is missing.") for name in columns if name not in names),
        *(refuse(name, name, "This column is not known.") for name in names if name not in columns),
        *(
            refuse(name, name, f"This column appears {count} times.")
            for name, count in Counter(names).items()
            if count > 1 and name in columns
        ),
    ]


def _shape_refusals(row: Row) -> list[Refusal]:
    width = len(row.positions)
    if len(row.cells) != width:
        return [row.refuse(None, f"The row has {len(row.cells)} cells where the header has {width}.")]
    return [
        row.refuse(column, "The cell contains a control character.")
        for column, position in row.positions.items()
        if _CONTROL.search(row.cells[position])
    ]
