"""Celery's processes: `celery -A config worker`, `celery -A config beat`.

Celery finds this file by itself, and only its own commands import it: web processes write jobs to the outbox and
never speak to the broker.
"""

import logging
import os
import warnings
from typing import Any

import django
from celery import Celery
from celery.apps import worker
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import beat_init, setup_logging
from celery.utils.log import get_multiprocessing_logger
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()  # fills the registry of jobs as well

from django_celery_beat.models import PeriodicTasks

from config.refusals import SettingsRefused
from core.celery_config import address, transport_options
from core.outbox import plan_schedule
from core.outbox_relay import Relay

if not settings.CELERY_BROKER_URL:
    raise SettingsRefused(
        "Celery needs a broker: set CELERY_BROKER_URL or REDIS_URL, for instance to redis://127.0.0.1:6379/0. "
        "Without one, manage.py run and manage.py run_jobs run the same jobs."
    )


class Worker(worker.Worker):  # type: ignore[misc]  # celery is untyped
    """Without the talk among workers: nobody here listens, it costs a second at start and a traceback at its end."""

    def prepare_args(self, **given: Any) -> dict[str, Any]:
        return {**super().prepare_args(**given), "without_gossip": True, "without_mingle": True}

    def on_init_blueprint(self) -> None:
        super().on_init_blueprint()
        # Said at each lost connection, although core.celery_config has decided; Celery shows all of these by now.
        warnings.filterwarnings("ignore", r"\s*In Celery 5.1 we introduced", CPendingDeprecationWarning)


app = Celery("hanout", broker=address(settings.CELERY_BROKER_URL), backend=address(settings.CELERY_RESULT_BACKEND))
app.config_from_object("core.celery_config")
app.conf.broker_transport_options = transport_options(address(settings.CELERY_BROKER_URL))
app.steps["worker"].add(Relay)
app.Worker = app.subclass_with_self(Worker)


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_our_logging(loglevel: int, **_: Any) -> None:
    """Being connected keeps Celery from setting up its own; `-l` decides how much it says."""
    logging.getLogger("celery").setLevel(loglevel)
    children = get_multiprocessing_logger()  # tells of those that died, and has no handler
    children.setLevel(logging.ERROR)
    children.propagate = True


@beat_init.connect  # type: ignore[untyped-decorator]
def plan(sender: Any, **_: Any) -> None:
    """Beat has read its table by now, and reads it again only after a change later than one it has seen."""
    PeriodicTasks.update_changed()
    sender.scheduler.schedule_changed()
    plan_schedule()
    PeriodicTasks.update_changed()
