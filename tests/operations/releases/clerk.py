"""A process of one release at work: sends, reads and amends parcels until its input ends, and counts what failed."""

import json
import sys
import threading

import django

django.setup()

from django.db import DatabaseError  # noqa: E402
from parcels import desk  # noqa: E402

from apps.health.probes import ProbeFailed, check_migrations  # noqa: E402


def readiness():
    try:
        check_migrations()
    except ProbeFailed as failed:
        return str(failed)
    return "ready"


def work(told):
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    while not over.is_set():
        code = f"{sys.argv[1]}-{told['done']}"
        try:
            desk.send(code, "fragile")
            desk.amend(code, "handle with care")
            assert desk.read(code) == "handle with care"
            desk.listed()
            told["done"] += 1
        except DatabaseError as error:
            told["failed"].append(str(error).splitlines()[0])
            told["done"] += 1
        if told["done"] == 1:
            sys.stdout.write("at work\n")
            sys.stdout.flush()


if __name__ == "__main__":
    told = {"ready": readiness(), "done": 0, "failed": []}
    work(told)
    sys.stdout.write(json.dumps(told))
