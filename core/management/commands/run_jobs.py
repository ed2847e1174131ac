"""`manage.py run_jobs`: the worker process, until Ctrl-C or SIGTERM."""

import signal
import threading
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from core.outbox import plan_schedule, run_due_jobs, work


class Command(BaseCommand):
    help = "Runs background jobs and the schedule. Any number of these may run at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is due now, then end")

    def handle(self, *, once: bool, **_: object) -> None:
        if once:
            plan_schedule()
            self.stdout.write(f"{run_due_jobs()} job(s) run.")
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Running jobs and the schedule. Stop with Ctrl-C.")
        work(stop)
