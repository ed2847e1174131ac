"""Rows of a live table changed in small bites."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from core.backfills import BackfillStuck, backfill
from core.clock import now
from core.models import OutboxJob

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def jobs():
    for number in range(25):
        OutboxJob.objects.create(name=f"backfill.{number}", payload={}, due_at=now() + timedelta(days=1))
    return OutboxJob.objects.filter(name__startswith="backfill.")


def fill(batch):
    batch.update(queue="reports")


def test_every_row_is_changed_in_batches_of_their_own(jobs):
    seen = []

    def change(batch):
        seen.append((batch.count(), connection.in_atomic_block))
        fill(batch)

    assert backfill(rows=jobs.filter(queue="default"), change=change, batch_rows=10, rest_seconds=0) == 25
    assert seen == [(10, True), (10, True), (5, True)]
    assert not jobs.filter(queue="default").exists()


def test_stopped_in_the_middle_it_goes_on_where_it_was(jobs):
    batches = []

    def die(batch):
        fill(batch)
        batches.append(batch)
        if len(batches) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(rows=jobs.filter(queue="default"), change=die, batch_rows=10, rest_seconds=0)
    assert jobs.filter(queue="reports").count() == 10  # the second batch was undone as a whole
    assert backfill(rows=jobs.filter(queue="default"), change=fill, batch_rows=10, rest_seconds=0) == 15


def test_rows_that_come_in_behind_it_are_found(jobs):
    last = jobs.order_by("pk").last().pk

    def change(batch):
        fill(batch)
        if jobs.count() == 25:
            OutboxJob.objects.create(pk=last - 1000, name="backfill.late", payload={}, due_at=now())

    assert backfill(rows=jobs.filter(queue="default"), change=change, batch_rows=10, rest_seconds=0) == 26


def test_rows_the_traffic_has_filled_meanwhile_are_left_alone(jobs):
    rows = jobs.filter(queue="default")

    def change(batch):
        if not jobs.filter(queue="email").exists():
            jobs.filter(pk=jobs.order_by("pk").last().pk).update(queue="email")
        fill(batch)

    backfill(rows=rows, change=change, batch_rows=10, rest_seconds=0)
    assert jobs.filter(queue="email").count() == 1


def test_a_change_that_leaves_its_rows_to_be_changed_is_undone_and_refused(jobs):
    with pytest.raises(BackfillStuck):
        backfill(rows=jobs, change=fill, batch_rows=10, rest_seconds=0)
    assert not jobs.filter(queue="reports").exists()


def test_inside_a_transaction_it_is_refused(jobs):
    with transaction.atomic(), pytest.raises(RuntimeError, match="atomic = False"):
        backfill(rows=jobs.filter(queue="default"), change=fill)
    assert not jobs.filter(queue="reports").exists()
