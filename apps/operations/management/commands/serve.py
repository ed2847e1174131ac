"""`manage.py serve`: the web process of a deployment."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.web_server import web_server
from apps.operations.web_static import collect_static


class Command(BaseCommand):
    help = (
        "Serves HTTP on PORT with WEB_CONCURRENCY worker processes until SIGTERM; in development to this machine only. "
        "SIGTERM turns readiness off, finishes what was begun and ends within SHUTDOWN_GRACE_SECONDS. "
        "Jobs run in `run_jobs`."
    )

    def handle(self, **_: object) -> None:
        env = settings.ENV
        if env.web_concurrency > 1 and not settings.REDIS_URL:
            raise CommandError("WEB_CONCURRENCY above 1 needs REDIS_URL: limits are counted in the shared cache.")
        if env.shutdown_delay_seconds >= env.shutdown_grace_seconds:
            raise CommandError(
                "SHUTDOWN_DELAY_SECONDS must be less than SHUTDOWN_GRACE_SECONDS, of which it is a part."
            )
        own_machine, everywhere = "127.0.0.1", "0.0.0.0"  # noqa: S104  # a container's door
        host = env.bind_address or (own_machine if settings.IS_DEVELOPMENT else everywhere)
        if settings.IS_DEVELOPMENT:
            reach = "so open to this machine only" if host == own_machine else f"open to all who reach {host}"
            self.stdout.write(
                f"Development, {reach}: http://127.0.0.1:{env.port}/ (codes are in answers). "
                "Set ENVIRONMENT to staging or production to serve others."
            )
            self.stdout.flush()
        elif env.collect_static:
            collect_static()
        web_server(
            host=host,
            port=env.port,
            workers=env.web_concurrency,
            grace_seconds=env.shutdown_grace_seconds,
            lame_seconds=0 if settings.IS_DEVELOPMENT else env.shutdown_delay_seconds,
        ).serve()
