"""Locks on things that have no row: PostgreSQL advisory locks that end with the transaction."""

from django.db import connection


def lock(name: str) -> None:
    """Wait for, and hold until the transaction ends, the lock of this name; call it inside `atomic`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_lock(name: str) -> bool:
    """Hold the lock of this name until the transaction ends, unless somebody holds it already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
