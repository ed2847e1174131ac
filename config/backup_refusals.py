"""What is wrong with the settings of backups; keys and addresses may be secrets, so their values stay out."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

BUCKET = "s3://"
KEY_BYTES = 32
_NEEDED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_PLACE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?")
_OFF = {"", "0", "false", "no", "off", "f", "n"}
_LEAST_DIFFERENT_BYTES = 8


def backup_problems(values: Mapping[str, str]) -> Iterator[str]:
    """A key that is none, half a bucket: found out at start, not on the day the backup is needed."""
    for name in ("BACKUP_ENCRYPTION_KEY", "BACKUP_PREVIOUS_KEYS"):
        yield from _key_problems(name, _parts(values.get(name, "")))
    if len(_parts(values.get("BACKUP_ENCRYPTION_KEY", ""))) > 1:
        yield "BACKUP_ENCRYPTION_KEY takes one key; those of older backups go into BACKUP_PREVIOUS_KEYS."
    if target := values.get("BACKUP_TARGET", "") or values.get("BACKUP_DIR", ""):
        yield from _target_problems(target, values)
    if values.get("PG_BIN_DIR") and not values["PG_BIN_DIR"].startswith("/"):
        yield "PG_BIN_DIR: write the whole path, such as /usr/lib/postgresql/17/bin."


def unscheduled_problems(values: Mapping[str, str]) -> Iterator[str]:
    """What production refuses: a schedule that would fill the disk of a machine that is replaced at every release."""
    has_target = values.get("BACKUP_TARGET") or values.get("BACKUP_DIR")
    if values.get("BACKUP_SCHEDULE", "").lower() not in _OFF and not has_target:
        yield "BACKUP_TARGET must be set as well: BACKUP_SCHEDULE would keep backups beside the program."


def decoded(key: str) -> bytes:
    """The bytes of a key in base64, either alphabet, padded or not; empty if it is none."""
    text = key.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) == KEY_BYTES else b""


def _key_problems(name: str, keys: list[str]) -> Iterator[str]:
    for key in keys:
        if not (found := decoded(key)):
            yield f"{name}: a key is {KEY_BYTES} bytes in base64; `openssl rand -base64 {KEY_BYTES}` makes one."
        elif len(set(found)) < _LEAST_DIFFERENT_BYTES:
            yield f"{name} is too simple: `openssl rand -base64 {KEY_BYTES}` makes a random one."


def _target_problems(target: str, values: Mapping[str, str]) -> Iterator[str]:
    if not target.startswith(BUCKET):
        if "://" in target:
            yield "BACKUP_TARGET: write a folder, or s3://bucket/prefix."
        return
    if not _PLACE.fullmatch(target):
        yield "BACKUP_TARGET: write a bucket as s3://bucket/prefix, with letters, digits, dots and hyphens."
    if missing := [name for name in _NEEDED if not values.get(name)]:
        yield f"{', '.join(missing)} must be set as well: BACKUP_TARGET is a bucket."
    is_public = values.get("USE_S3", "").lower() not in _OFF
    if is_public and urlsplit(target).netloc == values.get("AWS_STORAGE_BUCKET_NAME"):
        yield "BACKUP_TARGET is the bucket of pictures, which everybody may read: use another one."


def _parts(listed: str) -> list[str]:
    return [part for part in (part.strip() for part in listed.split(",")) if part]
