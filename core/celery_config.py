"""How Celery is set up: queues, routing and limits, under Celery's own names and without a setting of ours.

Celery's retries and results are not used: attempts, backoff and jobs that gave up are columns of the outbox, where
they survive the broker and are seen in the console. Two counts of one thing would disagree.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from kombu import Exchange, Queue

HARD_LIMIT_SECONDS = 30 * 60
# Higher goes first. Redis hands out messages in this order; RabbitMQ takes turns, there give each its worker (-Q).
PRIORITIES = {"high_priority": 10, "default": 5, "email": 3, "ai_processing": 2, "reports": 2, "low_priority": 1}

_exchange = Exchange("hanout", type="direct")
# RabbitMQ closes the channel of a message that is held longer than half an hour, unless told otherwise.
_patience = {"x-consumer-timeout": 4 * HARD_LIMIT_SECONDS * 1000}
task_queues = [Queue(name, _exchange, routing_key=name, queue_arguments=_patience) for name in PRIORITIES]
task_default_queue = "default"
task_default_exchange = "hanout"
task_default_routing_key = "default"
task_create_missing_queues = False

task_time_limit = HARD_LIMIT_SECONDS
task_soft_time_limit = 25 * 60
worker_prefetch_multiplier = 4
worker_consumer = "core.celery_consumer:Consumer"
worker_max_tasks_per_child = 1000
# Acknowledged when the job is over. A child that died is not handed its message again at once: the relay counts the
# attempt and waits, so a job that kills its process is given up one day like any other.
task_acks_late = True
task_reject_on_worker_lost = False
# A message that is delivered twice finds its row locked or gone; stopping the run would only lose work.
worker_cancel_long_running_tasks_on_connection_loss = False

task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True
task_store_errors_even_if_ignored = False
result_expires = None  # no daily sweep of results that are not kept

timezone = "UTC"
enable_utc = True
beat_scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
worker_hijack_root_logger = False

broker_connection_retry = True
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_connection_timeout = 4

_REDIS = {
    "visibility_timeout": 2 * HARD_LIMIT_SECONDS,
    "queue_order_strategy": "priority",
    "global_keyprefix": "hanout-jobs:",
    "socket_connect_timeout": 4,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "health_check_interval": 25,
}


def transport_options(broker: str) -> dict[str, Any]:
    """What only Redis understands; py-amqp takes its options for arguments of the connection."""
    return dict(_REDIS) if broker.startswith("redis") else {}


def address(url: str) -> str:
    """A broker's address in kombu's spelling: its Redis sockets have a name of their own, its TLS must be explicit."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "unix":
        query = {"virtual_host": query.pop("db", "0"), **query}
        return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}"
    if parts.scheme == "rediss":
        return urlunsplit(parts._replace(query=urlencode({"ssl_cert_reqs": "required", **query})))
    return url
