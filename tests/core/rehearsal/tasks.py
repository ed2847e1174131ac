"""Each effect is a row; of a run that was killed, nothing may be left."""

import os
import signal
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from core.outbox import job


def leave(trace):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO rehearsal_effect (trace) VALUES (%s)", [trace])


@job("rehearsal.note")
def note(trace, seconds=0.01):
    leave(trace)
    time.sleep(seconds)


@job("rehearsal.long")
def long(started, seconds):
    Path(started).touch()
    note("long", seconds)


@job("rehearsal.crash")
def crash():
    leave("crash")
    os.kill(os.getpid(), signal.SIGKILL)


@job("rehearsal.endless")
def endless():
    leave("endless")
    while True:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)


@job("rehearsal.tick", every=timedelta(seconds=1))
def tick():
    leave("tick")
