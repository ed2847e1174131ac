"""Large files in a bucket that nobody else may read: written in parts, read as a stream."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import boto3  # type: ignore[import-untyped]
from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.session import Session as BotocoreSession  # type: ignore[import-untyped]

from core.clock import now

# The fewest bytes of a part are five million and the most parts ten thousand: this holds 320 GB.
PART_BYTES = 32 * 1024 * 1024
# Longer than any upload takes; what is older was left by a process that was killed.
ABANDONED_AFTER = timedelta(days=2)
# Only the two keys count, whatever else of Amazon's the machine has in its environment.
_NO_PROFILE = {"profile": (None, None, None, None)}
_MISSING = {"NoSuchKey", "404"}


class BucketUnavailable(OSError):
    """The bucket cannot be reached, or would not do it; the message says why."""


class BucketStore:
    """Names and bytes under a prefix of a bucket; raises `OSError` alone."""

    def __init__(
        self, *, bucket: str, prefix: str, access_key: str, secret_key: str, region: str, endpoint: str
    ) -> None:
        self.where = f"s3://{bucket}/{prefix}"
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._client = boto3.session.Session(botocore_session=BotocoreSession(_NO_PROFILE)).client(
            "s3",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name=region,
            endpoint_url=endpoint or None,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"total_max_attempts": 3, "mode": "standard"},
                signature_version="s3v4",
                s3={"addressing_style": "path" if endpoint else "auto"},
                # Checksums nobody asked for are refused by some of the other S3s.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def names(self) -> dict[str, int]:
        """The complete files with their sizes."""
        with _explained():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            rows = [row for page in pages for row in page.get("Contents", [])]
        return {row["Key"].removeprefix(self._prefix): row["Size"] for row in rows}

    def put(self, name: str, content: Iterable[bytes]) -> None:
        """There under its name once all of it is safe, or not at all; replaces what was there."""
        parts = _parts(content)
        first = next(parts)
        second = next(parts, None)
        if second is None:
            with _explained():
                self._client.put_object(**self._at(name), Body=first)
            return
        with _explained():
            upload = self._at(name) | {
                "UploadId": self._client.create_multipart_upload(**self._at(name))["UploadId"],
            }
        finished = False
        try:
            self._upload(upload, [first, second], parts)
            finished = True
        finally:
            if not finished:
                self._abandon(upload)

    def _upload(self, upload: dict[str, Any], begun: list[bytes], rest: Iterator[bytes]) -> None:
        done: list[dict[str, Any]] = []
        while begun:
            number = len(done) + 1
            with _explained():
                answer = self._client.upload_part(**upload, PartNumber=number, Body=begun.pop(0))
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
            if not begun:
                begun.extend(piece for piece in [next(rest, b"")] if piece)
        with _explained():
            self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})

    def _abandon(self, upload: dict[str, Any]) -> None:
        try:
            self._client.abort_multipart_upload(**upload)
        except (Boto3Error, BotoCoreError, ClientError):  # unreachable by now; a later sweep finds it
            return

    @contextmanager
    def get(self, name: str) -> Iterator["BucketFile"]:
        """The file as a stream."""
        with _explained():
            body = self._client.get_object(**self._at(name))["Body"]
        try:
            yield BucketFile(body)
        finally:
            body.close()

    def delete(self, name: str) -> None:
        """Delete it, if it is there."""
        with _explained():
            self._client.delete_object(**self._at(name))

    def sweep(self) -> None:
        """Throw away what killed processes left half-written; it is listed nowhere and costs all the same."""
        with _explained():
            pages = self._client.get_paginator("list_multipart_uploads")
            found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix)
            uploads = [row for page in found for row in page.get("Uploads", [])]
            for row in uploads:
                if row["Initiated"] < now() - ABANDONED_AFTER:
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=row["Key"], UploadId=row["UploadId"])

    def _at(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"}


class BucketFile:
    """A download; one that breaks off says so and is not taken for the end."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none is the end."""
        with _explained():
            return bytes(self._body.read(size))


def _parts(content: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of the size a bucket takes; the last one is shorter, and there is at least one."""
    buffer = bytearray()
    for piece in content:
        buffer += piece
        while len(buffer) >= PART_BYTES:
            yield bytes(buffer[:PART_BYTES])
            del buffer[:PART_BYTES]
    yield bytes(buffer)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        kind = FileNotFoundError if said.get("Code") in _MISSING else BucketUnavailable
        raise kind(f"{said.get('Code', 'Error')}: {said.get('Message', 'no reason given')}") from None
    except (Boto3Error, BotoCoreError) as error:
        raise BucketUnavailable(f"{type(error).__name__}: {error}"[:300]) from None
