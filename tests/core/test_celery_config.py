"""How Celery's processes are put together, and what they say when they cannot be."""

import subprocess
import sys

import pytest

from config.env import ROOT
from core.celery_config import PRIORITIES, address, task_queues, transport_options


def python(*command, **environ):
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={"PATH": "/usr/bin:/bin", **environ}, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip


def test_without_a_broker_celery_says_in_a_sentence_what_to_set(tmp_path):
    ended = python("-m", "celery", "-A", "config", "worker", "-l", "info", HANOUT_DATA_DIR=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("Celery needs a broker: set CELERY_BROKER_URL or REDIS_URL")
    assert "Traceback" not in ended.stderr


def test_rabbitmq_is_taken_as_it_is_and_a_broker_of_its_own_wins_over_the_cache(tmp_path):
    seen = python(
        "-c",
        "from config.celery import app; print(app.conf.broker_url, app.conf.broker_transport_options)",
        HANOUT_DATA_DIR=str(tmp_path),
        REDIS_URL="redis://127.0.0.1:6379/0",
        CELERY_BROKER_URL="amqp://shop:secret@mq.test:5672/shop",
    )
    assert seen.stdout == "amqp://shop:secret@mq.test:5672/shop {}\n", seen.stderr


def test_naming_the_project_neither_imports_celery_nor_reads_settings():
    seen = python("-c", "import sys, config; print('celery' in sys.modules, 'django' in sys.modules)")
    assert seen.stdout == "False False\n"


def test_a_message_is_not_redelivered_while_the_longest_job_may_still_run():
    options = transport_options("redis://127.0.0.1/0")
    assert options["visibility_timeout"] > 30 * 60


def test_the_queues_are_those_of_the_documents_and_each_gets_only_its_own_messages():
    assert list(PRIORITIES) == ["high_priority", "default", "email", "ai_processing", "reports", "low_priority"]
    assert {queue.name: queue.routing_key for queue in task_queues} == {name: name for name in PRIORITIES}


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("redis://:pw@host:6379/1", "redis://:pw@host:6379/1"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
        ("rediss://:pw@host:6380/0", "rediss://:pw@host:6380/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
        ("amqp://guest@host//", "amqp://guest@host//"),
    ],
)
def test_an_address_django_understands_is_put_in_words_celery_understands(given, understood):
    assert address(given) == understood
