"""Static files and their manifest, collected before a deployment serves: without them every page answers 500."""

import fcntl
import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError

MANIFEST = "staticfiles.json"
MARK = ".collected"


def collect_static() -> None:
    """Bring STATIC_ROOT up to date, once however many processes start together; nothing changed, nothing done."""
    root = Path(str(settings.STATIC_ROOT))
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / MARK).open("a+") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            mark.seek(0)
            sources = _fingerprint()
            if mark.read() != sources or not (root / MANIFEST).exists():
                call_command("collectstatic", interactive=False, verbosity=0)
                mark.truncate(0)
                mark.write(sources)
    except OSError as error:
        if not (root / MANIFEST).exists():  # an image may bring its files and be read-only
            raise CommandError(
                f"Static files cannot be written to {root}: {error.strerror}. Make the folder writable, or run "
                "`manage.py collectstatic` when the image is built."
            ) from None


def _fingerprint() -> str:
    """Changes with the name, size or time of any source file, and with how they are stored."""
    found = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()
            found.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return found.hexdigest()
