"""Development's settings with the rehearsal's jobs, and less patience: with lost messages, and with long jobs."""

from config.settings.development import *  # noqa: F403
from core import celery_config

INSTALLED_APPS = [*INSTALLED_APPS, "tests.core.rehearsal"]  # noqa: F405
JOBS_REPUBLISH_SECONDS = 1
celery_config.task_soft_time_limit, celery_config.task_time_limit = 3, 4
