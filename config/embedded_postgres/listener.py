"""The unix socket of a server: where it is, and who answers on it according to the kernel."""

import hashlib
import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path

from config.embedded_postgres.account import Account
from config.embedded_postgres.errors import EmbeddedPostgresUnavailable

PORT = "5432"  # only part of the socket's name; there is no network
ADDRESS_MAX = 103  # bytes; macOS's limit, Linux takes four more
FALLBACK = Path("/tmp")  # noqa: S108 - not TMPDIR: everybody must arrive at the same folder


def socket_folder(home: Path, account: Account) -> Path:
    """Inside `home`, unless that makes an address no socket or libpq can have."""
    folder = home / "socket"
    is_short = len(os.fsencode(_address(folder))) <= ADDRESS_MAX
    if is_short and "," not in str(folder) and str(folder).isprintable():  # libpq splits hosts at commas
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return FALLBACK / f"hanout-{account.uid}-{digest}"


def make_socket_folder(folder: Path, account: Account) -> None:
    """Its mode is the whole authentication, so a folder somebody else put there is refused."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {account.uid, os.geteuid()}:
        raise EmbeddedPostgresUnavailable(
            f"{folder} belongs to somebody else: remove it, or set DATABASE_URL to a PostgreSQL server."
        )
    account.own(folder)
    folder.chmod(0o700)
    # The pid in a killed server's lock file may have become anybody's, and PostgreSQL would believe it.
    for leftover in (_address(folder), _address(folder).with_suffix(f".{PORT}.lock")):
        leftover.unlink(missing_ok=True)


def listener_pid(folder: Path) -> int | None:
    """Who listens, None if nobody does; unlike a pid file, the kernel is never out of date."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(os.fsencode(_address(folder)))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        if sys.platform == "darwin":
            return client.getsockopt(0, 2)  # SOL_LOCAL, LOCAL_PEERPID
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int.from_bytes(credentials[:4], sys.byteorder)


def _address(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"
