"""`manage.py run_jobs`: the worker process, until Ctrl-C or SIGTERM."""

import signal
import threading
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from core.outbox import plan_schedule, run_due_jobs, work


class Command(BaseCommand):
    help = "Runs background jobs and the schedule. Any number of these may run at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is due now, then end")
        parser.add_argument(
            "--metrics-port",
            type=int,
            metavar="N",
            help="show this process's counters on http://127.0.0.1:N/metrics; not needed where it shares "
            "PROMETHEUS_MULTIPROC_DIR with the web process, whose /metrics then has them",
        )

    def handle(self, *, once: bool, metrics_port: int | None, **_: object) -> None:
        if once:
            plan_schedule()
            self.stdout.write(f"{run_due_jobs()} job(s) run.")
            return
        if metrics_port is not None:
            _show_metrics(metrics_port)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Running jobs and the schedule. Stop with Ctrl-C.")
        work(stop)


def _show_metrics(port: int) -> None:
    try:
        start_http_server(port, addr="127.0.0.1")
    except (OSError, OverflowError) as error:
        raise CommandError(f"Metrics cannot be shown on port {port}: {error}. Choose another --metrics-port.") from None
