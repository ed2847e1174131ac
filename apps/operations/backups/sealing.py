"""The outer layer of a backup file: a header, then chunks that each prove their bytes, their place and the end.

With a key the chunks are AES-256-GCM under a key of the file's own (HKDF from ours and the header's salt), the nonce
being the chunk's number and whether it is the last one: the STREAM construction. Without a key the tags are BLAKE2b
over the same things, which finds accidents but no forger. Either way nothing reaches a reader unproved, and memory
holds one chunk.
"""

import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.operations.errors import BackupDamaged, BackupTooNew, KeyMissing, NotEncrypted

CHUNK_BYTES = 256 * 1024
_MAGIC = b"HANOUT-BACKUP"
_FORMAT = 1
_PLAIN, _ENCRYPTED = 0, 1
_HEADER = struct.Struct(">13sBB8s32s")  # magic, format, mode, which key, salt
_TAG_BYTES = 16
_NO_KEY = bytes(8)


class Source(Protocol):
    """What bytes are read from; fewer than asked for is allowed, none is the end."""

    def read(self, size: int, /) -> bytes: ...


class _Seal(Protocol):
    def close(self, nonce: bytes, chunk: bytes) -> bytes: ...

    def open(self, nonce: bytes, sealed: bytes) -> bytes | None: ...


@dataclass(frozen=True)
class _Encryption:
    header: bytes
    cipher: AESGCM

    def close(self, nonce: bytes, chunk: bytes) -> bytes:
        return self.cipher.encrypt(nonce, chunk, self.header)

    def open(self, nonce: bytes, sealed: bytes) -> bytes | None:
        try:
            return self.cipher.decrypt(nonce, sealed, self.header)
        except InvalidTag:
            return None


@dataclass(frozen=True)
class _Checksums:
    header: bytes

    def close(self, nonce: bytes, chunk: bytes) -> bytes:
        return chunk + self._tag(nonce, chunk)

    def open(self, nonce: bytes, sealed: bytes) -> bytes | None:
        chunk, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        return chunk if hmac.compare_digest(tag, self._tag(nonce, chunk)) else None

    def _tag(self, nonce: bytes, chunk: bytes) -> bytes:
        return hashlib.blake2b(chunk, digest_size=_TAG_BYTES, key=self.header, person=nonce).digest()


def sealed(content: Iterable[bytes], *, key: bytes | None) -> Iterator[bytes]:
    """The bytes of the file, from the bytes to be kept in it."""
    mode, key_id = (_ENCRYPTED, _id_of(key)) if key else (_PLAIN, _NO_KEY)
    header = _HEADER.pack(_MAGIC, _FORMAT, mode, key_id, secrets.token_bytes(32))
    seal = _seal(header, key)
    yield header
    buffer, number = bytearray(), 0
    for piece in content:
        buffer += piece
        while len(buffer) > CHUNK_BYTES:  # one chunk is held back: the last one is marked as such
            yield seal.close(_nonce(number, is_last=False), bytes(buffer[:CHUNK_BYTES]))
            del buffer[:CHUNK_BYTES]
            number += 1
    yield seal.close(_nonce(number, is_last=True), bytes(buffer))


def unsealed(source: Source, *, keys: Sequence[bytes]) -> Iterator[bytes]:
    """The bytes that were kept; raises `BackupDamaged` before it gives out one that is wrong, `KeyMissing`.

    Where there are keys, a file without encryption is refused as `NotEncrypted`.
    """
    header = _read(source, _HEADER.size)
    seal = _seal(header, _key_for(header, keys))
    number, sealed_size = 0, CHUNK_BYTES + _TAG_BYTES
    ahead = _read(source, sealed_size + 1)
    while len(ahead) > sealed_size:
        chunk = seal.open(_nonce(number, is_last=False), ahead[:sealed_size])
        if chunk is None:
            raise BackupDamaged(f"The backup is damaged: its bytes were altered near {_place(number)}.")
        yield chunk
        number += 1
        ahead = ahead[sealed_size:] + _read(source, sealed_size)
    chunk = seal.open(_nonce(number, is_last=True), ahead)
    if chunk is None:
        # A chunk cut off cannot be told from an altered one; a whole one that is not the last can.
        went_on = len(ahead) < _TAG_BYTES or seal.open(_nonce(number, is_last=False), ahead) is not None
        what = "the file ends too early" if went_on else "it was cut off or altered"
        raise BackupDamaged(f"The backup is damaged: {what} near {_place(number)}.")
    yield chunk


def _seal(header: bytes, key: bytes | None) -> _Seal:
    if key is None:
        return _Checksums(header)
    salt = _HEADER.unpack(header)[4]
    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"hanout backup file").derive(key)
    return _Encryption(header, AESGCM(derived))


def _key_for(header: bytes, keys: Sequence[bytes]) -> bytes | None:
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise BackupDamaged("This is no backup of Hanout, or its first bytes are damaged.")
    _, version, mode, key_id, _ = _HEADER.unpack(header)
    if version != _FORMAT or mode not in {_PLAIN, _ENCRYPTED}:
        raise BackupTooNew(
            f"The backup has format {version}.{mode}, which this release does not read: use the release that made it, "
            "or a later one. If that is this one, the file's first bytes are damaged."
        )
    if mode == _PLAIN and keys:
        # pg_restore does whatever a dump says; with a key, nobody but us can have written it.
        raise NotEncrypted(
            "The backup is not encrypted, and this shop's are: whoever can write to the target may have made it. If "
            "you know that it is yours, run this command without BACKUP_ENCRYPTION_KEY and BACKUP_PREVIOUS_KEYS."
        )
    if mode == _PLAIN:
        return None
    for key in keys:
        if _id_of(key) == key_id:
            return key
    raise KeyMissing(
        f"The backup is encrypted with key {key_id.hex()}, which is not here: put it into BACKUP_ENCRYPTION_KEY or "
        "BACKUP_PREVIOUS_KEYS. If it is there, the file's first bytes are damaged."
    )


def _id_of(key: bytes) -> bytes:
    """Tells keys apart without telling anything about them."""
    return hashlib.blake2b(b"which", key=key, digest_size=8).digest()


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _place(number: int) -> str:
    return f"byte {_HEADER.size + number * (CHUNK_BYTES + _TAG_BYTES):,}"


def _read(source: Source, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size and (piece := source.read(size - len(pieces))):
        pieces += piece
    return bytes(pieces)
