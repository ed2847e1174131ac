"""Pictures in a bucket; the only file that knows Amazon's library."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from django.core.files.base import File
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]

from core.errors import OutsidePartyUnavailable

log = structlog.get_logger(__name__)


class PicturesUnavailable(OutsidePartyUnavailable):
    """The bucket cannot be reached, or would not take it; why is in the log."""

    code = "pictures_unavailable"
    message = "Pictures cannot be stored at the moment. Nothing was changed; try again later."


class ObjectStorage(S3Storage):  # type: ignore[misc]  # storages is untyped
    """The bucket as Django's storage; gives up after seconds and says so as `PicturesUnavailable`."""

    def __init__(self, **options: Any) -> None:
        config = Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"total_max_attempts": 2, "mode": "standard"},
            signature_version="s3v4",
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
            # Checksums nobody asked for are refused by some of the other S3s.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(client_config=config, **options)

    def _save(self, name: str, content: "File[bytes]") -> str:
        with _reported("save"):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        """Delete it, if it is there."""
        with _reported("delete"):
            super().delete(name)

    def exists(self, name: str) -> bool:
        """Whether there is a picture of that name."""
        with _reported("exists"):
            return bool(super().exists(name))


@contextmanager
def _reported(action: str) -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        log.warning("bucket_failed", action=action, reason=f"{type(error).__name__}: {error}"[:300])
        raise PicturesUnavailable from None
