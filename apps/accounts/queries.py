"""Reads about people; the one every request with a token makes is plain SQL, which took most of its time to compose."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from apps.accounts.models import FACTOR_LASTS, SecondFactor, User

_FIELDS = tuple(field.attname for field in User._meta.concrete_fields)  # noqa: SLF001  # Django's documented API
_COLUMNS = ", ".join(f'u."{field.column}"' for field in User._meta.concrete_fields)  # noqa: SLF001  # as above
_OWNER = f"""
    SELECT {_COLUMNS}, s.factor_at FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id
    WHERE s.id = %s AND s.ended_at IS NULL AND s.expires_at > %s AND s.refreshed_at > %s AND u.is_active
"""  # noqa: S608  # column names of our own model


def owner_of_living_session(session: UUID, *, at: datetime, idle_since: datetime) -> User | None:
    """The active person whose session this is, or nobody once it has ended, expired or gone idle."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNER, [session, at, idle_since])
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, given_at = row
    user = User.from_db(connection.alias, _FIELDS, columns)
    if user.is_staff and given_at and given_at > at - FACTOR_LASTS:  # customers' requests pay nothing for it
        user.gave_second_factor = _had_factor(user, given_at)
    return user


def _had_factor(user: User, given_at: datetime) -> bool:
    """One that was removed or replaced since proves nothing any more."""
    return SecondFactor.objects.filter(user=user, created_at__lte=given_at).exists()


def holder_of_email(email: str) -> User | None:
    """The active person whose email this is, proved or not."""
    return User.objects.filter(email=email, is_active=True).first()
