"""What a worker does when it has lost its broker."""

from celery.worker import consumer
from celery.worker.state import reserved_requests


class Consumer(consumer.Consumer):  # type: ignore[misc]  # celery is untyped
    """Lets go of unfinished messages together with their connection: the outbox has their jobs, and publishes again.

    kombu's Redis channel would acknowledge them, or put them back, through a client that is gone by then; the
    AttributeError would end the worker whenever Redis restarts during a job.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        for request in tuple(reserved_requests):
            request.acknowledged = True
        if self.task_consumer:
            self.task_consumer.channel.do_restore = False
        super().on_connection_error_after_connected(exc)
