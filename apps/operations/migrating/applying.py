"""Waiting migrations are applied: one migrator, short waits for locks, tried again, and nothing left half explained."""

import random
import time
from copy import copy
from functools import partial
from typing import Protocol

from django.conf import settings
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, Error, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from apps.operations.migrating.concurrent import Left, drop_index, indexes_left, is_concurrent
from apps.operations.migrating.errors import MigrationStopped
from apps.operations.migrating.explaining import DEADLOCK, LOCK_NOT_HAD, half_done, held_by, state_of, why_stopped
from apps.operations.migrating.locking import Watch, only_migrator
from apps.operations.migrating.narrating import Narrator
from apps.operations.migrating.sessions import migrating_connection
from apps.operations.migrating.waiting import named, open_executor, waiting

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0

_chance = random.SystemRandom()


class _Try(Protocol):
    def __call__(self) -> ProjectState: ...


def apply_waiting(*, narrator: Narrator) -> int:
    """Bring the database to this release and say how many migrations that took.

    Raises `CannotMigrate` before anything was begun, `MigrationStopped` when one failed.
    """
    with (
        migrating_connection() as connection,
        only_migrator(connection, wait_seconds=settings.MIGRATION_WAIT_SECONDS, narrator=narrator) as watch,
    ):
        executor = open_executor(connection)
        plan = waiting(executor)
        steps = [(migration, False) for migration in plan]
        executor.recorder.ensure_schema()
        state = executor.migrate([], plan=[])
        emit_pre_migrate_signal(verbosity=0, interactive=False, db=connection.alias, apps=state.apps, plan=steps)
        migrator = Migrator(executor, watch, narrator)
        for done, migration in enumerate(plan):
            watch.confirm()
            with narrator.busy(named(migration), done, len(plan)):
                state = migrator.apply(migration, state)
        _announce(connection, steps)
        return len(plan)


def _announce(connection: BaseDatabaseWrapper, steps: list[tuple[Migration, bool]]) -> None:
    """Permissions and content types; also when nothing waited, for the one before us may have been killed just here."""
    try:
        emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias, plan=steps)
    except DatabaseError as error:
        raise MigrationStopped(
            f"Every migration is applied, but not what follows them: {str(error).splitlines()[0]}. Run it again."
        ) from error


class Migrator:
    """Applies one migration after the other; each is tried several times when it gets no lock."""

    def __init__(self, executor: MigrationExecutor, watch: Watch, narrator: Narrator) -> None:
        self._executor, self._watch, self._narrator = executor, watch, narrator
        self._connection: BaseDatabaseWrapper = executor.connection

    def apply(self, migration: Migration, state: ProjectState) -> ProjectState:
        """Apply and record it; raises `MigrationStopped`."""
        started = time.monotonic()
        if migration.atomic:
            state = self._patiently(named(migration), partial(self._whole, migration, state))
        else:
            state = self._in_steps(migration, state)
        self._narrator.say(f"{named(migration)}  {time.monotonic() - started:.2f} s")
        return state

    def _whole(self, migration: Migration, state: ProjectState) -> ProjectState:
        # Django records a migration after the transaction that made it; a kill in between would leave it unrecorded.
        with transaction.atomic(using=self._connection.alias):
            return self._executor.apply_migration(state.clone(), migration)

    def _in_steps(self, migration: Migration, state: ProjectState) -> ProjectState:
        """A migration without a transaction, operation by operation: what is done is not done again."""
        done: list[Operation] = []
        try:
            for operation in migration.operations:
                state = self._patiently(named(migration), partial(self._step, migration, operation, state), operation)
                done.append(operation)
        finally:
            if len(done) < len(migration.operations):
                self._explain(migration, done, state)
        self._ask("RESET lock_timeout")
        for app, name in migration.replaces or [(migration.app_label, migration.name)]:
            self._executor.recorder.record_applied(app, name)
        return state

    def _step(self, migration: Migration, operation: Operation, state: ProjectState) -> ProjectState:
        for index in indexes_left(self._connection, migration.app_label, operation, state):
            found = "finished and not recorded" if index.is_whole else "half built"
            self._narrator.say(f"An earlier try left the index {index.name} {found}. It is dropped and built anew.")
            drop_index(self._connection, index.name)
        step = copy(migration)
        step.operations = [operation]  # type: ignore[misc]  # each migration has a list of its own
        with self._connection.schema_editor(atomic=False) as editor:
            return step.apply(state.clone(), editor)

    def _patiently(self, name: str, act: _Try, operation: Operation | None = None) -> ProjectState:
        """Until it gets its locks, or the tries are used up."""
        # Nothing queues behind a concurrent step, and it has to outwait every old transaction.
        self._ask("SET lock_timeout = 0" if operation and is_concurrent(operation) else "RESET lock_timeout")
        for attempt in range(1, settings.MIGRATION_ATTEMPTS + 1):
            with self._watch.looking_at(self._pid()) as blockers:
                try:
                    return act()
                except DatabaseError as error:
                    if attempt == settings.MIGRATION_ATTEMPTS or not _is_about_locks(error):
                        raise MigrationStopped(why_stopped(name, error, blockers())) from error
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS) * _chance.uniform(0.5, 1)
            self._narrator.say(
                f"{name} got no lock{held_by(blockers())}. It steps aside so that traffic goes on; "
                f"try {attempt + 1} of {settings.MIGRATION_ATTEMPTS} in {pause:.1f} s."
            )
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _pid(self) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def _ask(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def _explain(self, migration: Migration, done: list[Operation], state: ProjectState) -> None:
        undone = migration.operations[len(done)]
        try:
            left = indexes_left(self._connection, migration.app_label, undone, state)
        except Error:
            left = list[Left]()  # the connection is what broke
        broken = [index.name for index in left if not index.is_whole]
        for line in half_done(named(migration), done, undone, broken):
            self._narrator.say(line)


def _is_about_locks(error: DatabaseError) -> bool:
    return isinstance(error, OperationalError) and state_of(error) in {LOCK_NOT_HAD, DEADLOCK}
