"""How the server is set up: small, quiet, in UTC, and with letters that mean the same on every machine."""

import sys

USER = DATABASE = "hanout"

# Upper and lower case are PostgreSQL's own (builtin); only the text search parser asks the C library, and
# without its C.UTF-8 it would take «, ¿ and the Arabic comma for letters.
INITDB_OPTIONS = (
    f"--username={USER}",
    "--auth=trust",  # the socket lies in a folder only its owner can enter
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-ctype=" + ("en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"),
    "--no-instructions",
    "--set=huge_pages=off",
    "--set=dynamic_shared_memory_type=mmap",
)
INITDB_OPTIONS_UNSAFE = ("--no-sync", "--no-data-checksums")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "huge_pages": "off",  # where a container may not have them, they kill the server
    "dynamic_shared_memory_type": "mmap",  # files of the cluster: nothing stays behind in /dev/shm
    "io_method": "sync",  # no idle I/O workers
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # the server's own life only: a failed statement quotes phone numbers
    "log_checkpoints": "off",
}
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
