"""What is wrong with the settings of pictures."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

_OFF = {"", "0", "false", "no", "off", "f", "n"}
_BUCKET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_STORAGE_BUCKET_NAME")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)


def file_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Half a bucket or half a CDN: found out at start, not when the first picture is lost."""
    in_bucket, behind_cdn = (values.get(name, "").lower() not in _OFF for name in ("USE_S3", "USE_CDN"))
    if in_bucket:
        yield from _bucket_problems(values)
    if behind_cdn:
        yield from _cdn_problems(values, in_bucket=in_bucket)


def _bucket_problems(values: Mapping[str, str]) -> Iterator[str]:
    missing = [name for name in _BUCKET if not values.get(name)]
    if missing:
        yield f"{', '.join(missing)} must be set as well: USE_S3 keeps pictures in that bucket. Or unset USE_S3."
    bucket = values.get("AWS_STORAGE_BUCKET_NAME", "")
    if bucket and not _BUCKET_NAME.fullmatch(bucket):
        yield "AWS_STORAGE_BUCKET_NAME: a bucket's name has 3 to 63 small letters, digits, dots and hyphens."
    endpoint = values.get("AWS_S3_ENDPOINT_URL", "")
    if endpoint and not _is_origin(endpoint):
        yield "AWS_S3_ENDPOINT_URL: write it as https://minio.shop.test, without a path; unset it for Amazon's S3."


def _cdn_problems(values: Mapping[str, str], *, in_bucket: bool) -> Iterator[str]:
    domain = values.get("CDN_DOMAIN", "")
    if not in_bucket:
        yield "USE_CDN needs USE_S3: the CDN fetches pictures from the bucket. Or unset USE_CDN."
    if not domain:
        yield "CDN_DOMAIN must be set as well: USE_CDN gives pictures addresses there. Or unset USE_CDN."
    elif not _HOST.fullmatch(domain):
        yield "CDN_DOMAIN: write a host such as cdn.shop.test, without https:// and path."


def _is_origin(address: str) -> bool:
    try:
        parts = urlsplit(address)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and is_bare
