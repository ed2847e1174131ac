"""The outer layer of a backup file: nothing altered, cut off, moved or added passes, with a key or without."""

import pytest

from apps.operations.backups.sealing import CHUNK_BYTES, sealed, unsealed
from apps.operations.errors import BackupDamaged, BackupRefused, KeyMissing, NotEncrypted

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
HEADER, CHUNK = 55, CHUNK_BYTES + 16
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]


class Bytes:
    """A source that hands out what it likes, as a network does."""

    def __init__(self, content, at_once=100_000):
        self.rest, self.at_once = memoryview(content), at_once

    def read(self, size, /):
        taken, self.rest = self.rest[: min(size, self.at_once)], self.rest[min(size, self.at_once) :]
        return bytes(taken)


def content(size):
    return bytes(number * 7 % 251 for number in range(251)) * (size // 251 + 1)


def kept(size, key):
    plain = content(size)[:size]
    pieces = [plain[start : start + 70_001] for start in range(0, size, 70_001)]
    return plain, b"".join(sealed(pieces, key=key))


def read(file, *keys):
    return b"".join(unsealed(Bytes(file), keys=[key for key in keys if key]))


@pytest.mark.parametrize("key", [None, KEY], ids=["checksums", "encrypted"])
@pytest.mark.parametrize("size", SIZES)
def test_what_was_kept_is_read(size, key):
    plain, file = kept(size, key)
    assert read(file, key) == plain
    assert (plain[:1000] in file) == (key is None) or size < 2


@pytest.mark.parametrize("key", [None, KEY], ids=["checksums", "encrypted"])
def test_a_flipped_bit_is_found_wherever_it_is(key):
    _, file = kept(2 * CHUNK_BYTES + 100, key)
    places = [*range(HEADER), HEADER, HEADER + 1000, HEADER + CHUNK - 1, HEADER + CHUNK, len(file) - 17, len(file) - 1]
    for place in places:
        damaged = bytearray(file)
        damaged[place] ^= 0x10
        with pytest.raises(BackupRefused):
            read(damaged, key)


@pytest.mark.parametrize("key", [None, KEY], ids=["checksums", "encrypted"])
def test_a_file_cut_off_is_found_wherever_it_is_cut(key):
    _, file = kept(2 * CHUNK_BYTES + 100, key)
    for length in (0, 10, HEADER, HEADER + 1, HEADER + CHUNK, HEADER + CHUNK + 1, HEADER + 2 * CHUNK, len(file) - 1):
        with pytest.raises(BackupDamaged):
            read(file[:length], key)


@pytest.mark.parametrize("key", [None, KEY], ids=["checksums", "encrypted"])
def test_chunks_moved_repeated_or_added_are_found(key):
    _, file = kept(3 * CHUNK_BYTES, key)
    header, first, second, third = (
        file[:HEADER],
        *(file[HEADER + n * CHUNK : HEADER + (n + 1) * CHUNK] for n in range(3)),
    )
    for forged in (
        [second, first, third],
        [first, first, second, third],
        [first, third],
        [first, second, third, third],
    ):
        with pytest.raises(BackupDamaged):
            read(header + b"".join(forged), key)


def test_chunks_of_another_file_are_found_though_the_key_is_the_same():
    _, one = kept(CHUNK_BYTES + 1, KEY)
    _, another = kept(CHUNK_BYTES + 1, KEY)
    with pytest.raises(BackupDamaged):
        read(one[: HEADER + CHUNK] + another[HEADER + CHUNK :], KEY)


def test_nothing_altered_is_handed_out_before_it_is_found():
    plain, file = kept(3 * CHUNK_BYTES, None)
    damaged = bytearray(file)
    damaged[HEADER + CHUNK + 5] ^= 1
    handed_out = []
    with pytest.raises(BackupDamaged, match=r"altered near byte 262,215"):
        handed_out.extend(unsealed(Bytes(damaged), keys=[]))
    assert b"".join(handed_out) == plain[:CHUNK_BYTES]


def test_the_key_is_named_not_guessed():
    plain, file = kept(100, KEY)
    with pytest.raises(KeyMissing, match="BACKUP_PREVIOUS_KEYS"):
        read(file, OTHER)
    assert read(file, OTHER, KEY) == plain


def test_an_encrypted_file_cannot_be_declared_a_plain_one():
    _, file = kept(100, KEY)
    forged = bytearray(file)
    forged[14] = 0
    with pytest.raises(NotEncrypted, match="whoever can write to the target may have made it"):
        read(forged, KEY)
    with pytest.raises(BackupDamaged):
        read(forged)


def test_a_file_is_written_while_its_content_is_still_made():
    asked_for = []

    def pieces():
        for number in range(40):
            asked_for.append(number)
            yield bytes(CHUNK_BYTES)

    file = sealed(pieces(), key=KEY)
    [next(file) for _ in range(4)]
    assert len(asked_for) <= 5
