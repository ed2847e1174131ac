"""Where backups go, how they are locked, and how long they stay."""

from pathlib import Path

from pydantic import SecretStr

from config.variables.naming import Variables, named


class BackupVariables(Variables):
    backup_target: str = named(
        "",
        "BACKUP_TARGET",
        "BACKUP_DIR",
        help="Where backups are kept: a folder, or s3://bucket/prefix with the AWS_* keys above. Unset: "
        "HANOUT_DATA_DIR/backups in development, nowhere else; and nothing is backed up by itself.",
    )
    backup_encryption_key: SecretStr = named(
        SecretStr(""),
        "BACKUP_ENCRYPTION_KEY",
        help="Encrypts backups: 32 random bytes in base64 (openssl rand -base64 32). Keep a copy elsewhere: without it "
        "they cannot be read.",
    )
    backup_previous_keys: SecretStr = named(
        SecretStr(""), "BACKUP_PREVIOUS_KEYS", help="Keys of older backups, comma list; they only read."
    )
    backup_keep_days: int = named(
        30,
        "BACKUP_KEEP_DAYS",
        help="Days a backup is kept; the newest, and the newest verified one, stay in any case.",
        ge=1,
        le=3650,
    )
    backup_schedule: bool | None = named(
        None,
        "BACKUP_SCHEDULE",
        help="1: workers back up daily at 02:00 UTC and verify it. 0: they do not. Unset: where BACKUP_TARGET is set.",
    )
    backup_maintenance_database: str = named(
        "postgres",
        "BACKUP_MAINTENANCE_DATABASE",
        help="A database of the same server to create and rename others from.",
        pattern=r"^\S{1,63}$",
    )
    pg_bin_dir: Path | None = named(
        None, "PG_BIN_DIR", help="Folder of pg_dump and pg_restore; unset, they are looked for on PATH."
    )
