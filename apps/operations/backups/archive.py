"""The inner layer of a backup file: records in a row. A manifest, the dump in pieces, and what the dump must contain.

Row counts and checksums are read while pg_dump runs and known when it ends, so they stand at the end: nothing has to
be written to a disk of ours in between, and a file without its end is not whole anyway.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from apps.operations.backups.manifest import Contents, Manifest
from apps.operations.backups.sealing import Source, sealed, unsealed
from apps.operations.errors import BackupDamaged

_RECORD = struct.Struct(">cI")
_MANIFEST, _PIECE, _END = b"M", b"D", b"E"


@dataclass
class Tally:
    """Size and hash of the dump as it passes."""

    size: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self._hash.update(piece)

    @property
    def sha256(self) -> str:
        return str(self._hash.hexdigest())


def written(
    manifest: Manifest, dump: Iterable[bytes], contents: Iterable[Contents], *, key: bytes | None
) -> Iterator[bytes]:
    """The bytes of a backup file; `contents` is asked for once, after the dump."""
    return sealed(_records(manifest, dump, contents), key=key)


def _records(manifest: Manifest, dump: Iterable[bytes], contents: Iterable[Contents]) -> Iterator[bytes]:
    tally = Tally()
    yield from _json_record(_MANIFEST, manifest.as_json())
    for piece in dump:
        tally.add(piece)
        yield _RECORD.pack(_PIECE, len(piece))
        yield piece
    (found,) = contents
    end = {"contents": found.as_json(), "dump_bytes": tally.size, "dump_sha256": tally.sha256}
    yield from _json_record(_END, end)


def _json_record(kind: bytes, content: Mapping[str, Any]) -> Iterator[bytes]:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    yield _RECORD.pack(kind, len(text))
    yield text


class Archive:
    """A backup file being read: its manifest at once, its contents once the dump has been read to its end."""

    def __init__(self, source: Source, *, keys: Sequence[bytes]) -> None:
        self._plain = _Stream(unsealed(source, keys=keys))
        kind, size = self._next_record()
        if kind != _MANIFEST:
            raise BackupDamaged("The backup is damaged: it does not begin with its manifest.")
        with _understood():
            self.manifest = Manifest.of_json(json.loads(self._plain.read(size)))
        self.contents = Contents()

    def dump(self) -> Iterator[bytes]:
        """What pg_dump wrote; raises `BackupDamaged` if it is not whole."""
        tally = Tally()
        kind, size = self._next_record()
        while kind == _PIECE:
            piece = self._plain.read(size)
            tally.add(piece)
            yield piece
            kind, size = self._next_record()
        if kind != _END:
            raise BackupDamaged("The backup is damaged: the dump in it has no end.")
        with _understood():
            end = json.loads(self._plain.read(size))
            if (end["dump_bytes"], end["dump_sha256"]) != (tally.size, tally.sha256) or not self._plain.is_over():
                raise BackupDamaged("The backup is damaged: the dump in it is not the one its manifest tells of.")
            self.contents = Contents.of_json(end["contents"])

    def _next_record(self) -> tuple[bytes, int]:
        kind, size = _RECORD.unpack(self._plain.read(_RECORD.size))
        return kind, size


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupDamaged("The backup is damaged, or no backup of Hanout: its manifest cannot be read.") from None


class _Stream:
    """Exactly as many bytes as asked for, whatever pieces they come in."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._buffer = pieces, bytearray()

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = next(self._pieces, None)
            if piece is None:
                raise BackupDamaged("The backup is damaged: the file ends too early.")
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def is_over(self) -> bool:
        return not self._buffer and next(self._pieces, None) is None
