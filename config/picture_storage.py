"""Django's STORAGES entry for pictures: a folder, or a bucket that everybody may read."""

from typing import Any
from urllib.parse import urlsplit

from config.env import Env

# Names are random and never used twice, so caches may keep a picture for a day; a deleted one is gone after that.
_KEPT = {"CacheControl": "public, max-age=86400"}
_FOLDER = "media"


def picture_storage(env: Env) -> dict[str, Any]:
    """The `default` entry of STORAGES."""
    if not env.use_s3:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    return {
        "BACKEND": "core.object_storage.ObjectStorage",
        "OPTIONS": {
            "access_key": env.aws_access_key_id,
            "secret_key": env.aws_secret_access_key.get_secret_value(),
            "bucket_name": env.aws_storage_bucket_name,
            "region_name": env.aws_s3_region_name,
            "endpoint_url": env.aws_s3_endpoint_url or None,
            "location": _FOLDER,
            "default_acl": None if env.aws_default_acl == "none" else env.aws_default_acl,
            "querystring_auth": False,
            "object_parameters": _KEPT,
            "custom_domain": _domain(env),
            "url_protocol": f"{urlsplit(env.aws_s3_endpoint_url).scheme}:" if _is_elsewhere(env) else "https:",
            # Only the two keys above count, whatever else of Amazon's the machine has in its environment.
            "security_token": None,
            "session_profile": None,
        },
    }


def media_url(env: Env) -> str:
    """Where pictures are read; a path of our own, or the bucket's or CDN's address."""
    if not env.use_s3:
        return "/media/"
    options = picture_storage(env)["OPTIONS"]
    return f"{options['url_protocol']}//{options['custom_domain']}/{_FOLDER}/"


def _is_elsewhere(env: Env) -> bool:
    """Whether pictures are read straight from another S3 than Amazon's."""
    return bool(env.aws_s3_endpoint_url) and not env.use_cdn


def _domain(env: Env) -> str:
    """Named here and not asked of the library, which would sign each address of a list to throw the signature away."""
    if env.use_cdn:
        return env.cdn_domain
    if env.aws_s3_endpoint_url:
        return f"{urlsplit(env.aws_s3_endpoint_url).netloc}/{env.aws_storage_bucket_name}"
    if "." in env.aws_storage_bucket_name:  # Amazon's certificate covers one level below its name
        return f"s3.{env.aws_s3_region_name}.amazonaws.com/{env.aws_storage_bucket_name}"
    return f"{env.aws_storage_bucket_name}.s3.{env.aws_s3_region_name}.amazonaws.com"
