"""Why there is no backup, or why it was not restored; each message is a sentence shown to a person as it is.

They never reach a client over HTTP, so they are no `DomainError`s; `exit_code` is what a command ends with.
"""

from typing import ClassVar

FAILED, COULD_NOT_RUN, NOT_SWAPPED = 1, 2, 3


class BackupRefused(Exception):
    """The parent of all of them."""

    exit_code: ClassVar[int] = COULD_NOT_RUN


class BackupFailed(BackupRefused):
    """pg_dump or pg_restore failed half-way."""

    exit_code = FAILED


class TargetFull(BackupFailed):
    """The place where backups are kept takes no more."""


class BackupDamaged(BackupFailed):
    """The file is not what was written: truncated, altered, or no backup at all."""


class TargetUnreachable(BackupRefused):
    """Backups can be neither written nor read there."""


class NoSuchBackup(BackupRefused):
    """The target holds no backup of that name."""


class KeyMissing(BackupRefused):
    """The backup is encrypted with a key this process was not given."""


class NotEncrypted(BackupRefused):
    """Anybody could have written this file, where ours carry proof that we did."""


class BackupTooNew(BackupRefused):
    """A later release wrote this file."""


class ProgramMissing(BackupRefused):
    """No pg_dump or pg_restore on this machine is new enough."""


class DatabaseRefused(BackupRefused):
    """PostgreSQL cannot be reached, or does not allow it."""


class BackupRunning(BackupRefused):
    """Another backup is being made right now."""


class RestoreRefused(BackupRefused):
    """Nothing was changed: the restore as asked for would do harm, or probably so."""


class NotSwapped(BackupRefused):
    """Restored and verified, but the live database still stands in its place."""

    exit_code = NOT_SWAPPED
