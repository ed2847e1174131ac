"""Rows and checksums of every table, read beside whatever else goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import psycopg
from psycopg import sql

from apps.operations.backups.address import Address, first_line
from apps.operations.backups.manifest import Figures
from apps.operations.backups.reading import Reader, Table
from apps.operations.backups.watching import Watch
from apps.operations.errors import BackupFailed

# The largest table decides how long it takes; a third connection would only compete with pg_dump for the same disk.
WORKERS = 2


class _Count:
    """The tables still to be read, and what was found in the others."""

    def __init__(self, address: Address, tables: Sequence[Table], snapshot: str, watch: Watch) -> None:
        self.address, self.snapshot, self.watch = address, snapshot, watch
        self.total = len(tables)
        self.found: dict[str, Figures] = {}
        self.waiting: SimpleQueue[Table] = SimpleQueue()
        for table in tables:
            self.waiting.put(table)
        self.readers: list[Reader] = []
        self.stopped = threading.Event()

    def work(self) -> None:
        with self.address.connect() as reader:
            self.readers.append(reader)
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if self.snapshot:
                reader.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self.snapshot)))
            while not self.stopped.is_set():
                try:
                    table = self.waiting.get_nowait()
                except Empty:
                    break
                rows, checksum = reader.execute(table.query).fetchall()[0]
                self.found[table.name] = Figures(rows, checksum)
                self.watch("Comparing tables" if not self.snapshot else "Tables", len(self.found), self.total)
            reader.rollback()

    def stop(self) -> None:
        """Nobody waits for the figures any more: not even for those of a table that takes minutes."""
        self.stopped.set()
        for reader in self.readers:
            if not reader.closed:
                reader.cancel()


@contextmanager
def counted(
    address: Address, tables: Sequence[Table], *, watch: Watch, snapshot: str = ""
) -> Iterator[Callable[[], Mapping[str, Figures]]]:
    """Count and add up in the background, in another connection's snapshot where one is given; call it to wait."""
    count = _Count(address, tables, snapshot, watch)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="figures") as crew:
        work = [crew.submit(count.work) for _ in range(WORKERS)]
        try:
            yield lambda: _result(count, work)
        finally:
            count.stop()


def _result(count: _Count, work: Sequence["Future[None]"]) -> Mapping[str, Figures]:
    try:
        for part in work:
            part.result()
    except psycopg.Error as error:
        raise BackupFailed(f"A table could not be read. {first_line(error)}") from None
    return count.found
