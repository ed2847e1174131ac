"""Django's settings of backups: the store and its options, and where PostgreSQL's programs may be."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.backup_refusals import BUCKET
from config.embedded_postgres import EmbeddedPostgresUnavailable, bin_dir
from config.env import Env, Environment


def backup_store(env: Env) -> dict[str, Any]:
    """Which store, by its dotted name: the bucket's needs a library a laptop does not have."""
    if not env.backup_target and env.environment is not Environment.DEVELOPMENT:
        return {"BACKEND": "", "OPTIONS": {}}  # beside the program is no place: it may be gone with the next release
    if not env.backup_target.startswith(BUCKET):
        folder = Path(env.backup_target).expanduser() if env.backup_target else env.data_dir / "backups"
        return {"BACKEND": "apps.operations.backups.stores.FolderStore", "OPTIONS": {"folder": folder.absolute()}}
    place = urlsplit(env.backup_target)
    return {
        "BACKEND": "core.object_archive.BucketStore",
        "OPTIONS": {
            "bucket": place.netloc,
            "prefix": place.path.strip("/"),
            "access_key": env.aws_access_key_id,
            "secret_key": env.aws_secret_access_key.get_secret_value(),
            "region": env.aws_s3_region_name,
            "endpoint": env.aws_s3_endpoint_url,
        },
    }


def program_folders() -> tuple[Path, ...]:
    """The embedded server's own programs, where it is installed."""
    try:
        return (bin_dir(),)
    except EmbeddedPostgresUnavailable:
        return ()
