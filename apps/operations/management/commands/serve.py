"""`manage.py serve`: the web process of a deployment."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.web_server import web_server


class Command(BaseCommand):
    help = "Serves HTTP on PORT with WEB_CONCURRENCY worker processes until SIGTERM. Jobs run in `run_jobs`."

    def handle(self, **_: object) -> None:
        env = settings.ENV
        if env.web_concurrency > 1 and not settings.REDIS_URL:
            raise CommandError("WEB_CONCURRENCY above 1 needs REDIS_URL: limits are counted in the shared cache.")
        web_server(host="0.0.0.0", port=env.port, workers=env.web_concurrency).serve()  # noqa: S104  # a container's door
