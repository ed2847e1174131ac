"""Where pictures are kept: half a configuration starts nothing, and a whole one says where pictures are read."""

import pytest

from config.env import Env, Environment
from config.picture_storage import media_url, picture_storage
from config.refusals import SettingsRefused
from tests.config.test_env import GOOD, load, refusal

BUCKET = {
    "USE_S3": "1",
    "AWS_ACCESS_KEY_ID": "AKIA1",
    "AWS_SECRET_ACCESS_KEY": "a secret of Amazon's",
    "AWS_STORAGE_BUCKET_NAME": "shop-pictures",
    "AWS_S3_REGION_NAME": "eu-central-1",
}
CDN = {"USE_CDN": "true", "CDN_DOMAIN": "cdn.shop.test"}


def options(**given):
    return picture_storage(load(**BUCKET, **given))["OPTIONS"]


def test_without_a_bucket_pictures_stay_in_the_data_folder():
    for off in ({}, {"USE_S3": "0"}, {"USE_S3": "false", **CDN, "USE_CDN": "no"}):
        assert picture_storage(load(**off)) == {"BACKEND": "django.core.files.storage.FileSystemStorage"}
        assert media_url(load(**off)) == "/media/"


def test_keys_of_amazon_that_are_there_for_something_else_change_nothing():
    assert not load(**{**BUCKET, "USE_S3": None}).use_s3


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_STORAGE_BUCKET_NAME"])
def test_half_a_bucket_starts_nothing(environment, missing):
    half = {name: value for name, value in {**GOOD, **BUCKET}.items() if name != missing}
    with pytest.raises(SettingsRefused, match=f"  - {missing} must be set as well: USE_S3 keeps pictures"):
        Env.load(half, environment=environment)


def test_everything_missing_is_named_at_once():
    message = refusal(USE_S3="1", USE_CDN="1")
    assert "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_STORAGE_BUCKET_NAME must be set as well" in message
    assert "CDN_DOMAIN must be set as well" in message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"USE_CDN": "1"}, "CDN_DOMAIN"),
        ({**CDN, "USE_S3": "0"}, "USE_CDN needs USE_S3"),
        ({**CDN, "CDN_DOMAIN": "https://cdn.shop.test"}, "CDN_DOMAIN"),
        ({**CDN, "CDN_DOMAIN": "cdn.shop.test/media"}, "CDN_DOMAIN"),
        ({**CDN, "CDN_DOMAIN": "cdn"}, "CDN_DOMAIN"),
        ({"AWS_STORAGE_BUCKET_NAME": "Shop_Pictures"}, "AWS_STORAGE_BUCKET_NAME"),
        ({"AWS_STORAGE_BUCKET_NAME": "ab"}, "AWS_STORAGE_BUCKET_NAME"),
        ({"AWS_S3_ENDPOINT_URL": "minio.shop.test"}, "AWS_S3_ENDPOINT_URL"),
        ({"AWS_S3_ENDPOINT_URL": "https://minio.shop.test/bucket"}, "AWS_S3_ENDPOINT_URL"),
        ({"AWS_S3_ENDPOINT_URL": "https://key:secret@minio.shop.test"}, "AWS_S3_ENDPOINT_URL"),
        ({"AWS_S3_ENDPOINT_URL": "https://[::1"}, "AWS_S3_ENDPOINT_URL"),
        ({"AWS_S3_REGION_NAME": "Frankfurt am Main"}, "AWS_S3_REGION_NAME"),
        ({"AWS_DEFAULT_ACL": "private"}, "AWS_DEFAULT_ACL"),
        ({"USE_S3": "perhaps"}, "USE_S3"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changes, named):
    message = refusal(**{**BUCKET, **changes})
    assert f"  - {named}" in message
    assert BUCKET["AWS_SECRET_ACCESS_KEY"] not in message


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "https://shop-pictures.s3.eu-central-1.amazonaws.com/media/"),
        (
            {"AWS_STORAGE_BUCKET_NAME": "pictures.shop.test"},
            "https://s3.eu-central-1.amazonaws.com/pictures.shop.test/media/",
        ),
        ({"AWS_S3_ENDPOINT_URL": "http://minio:9000"}, "http://minio:9000/shop-pictures/media/"),
        (CDN, "https://cdn.shop.test/media/"),
        ({**CDN, "AWS_S3_ENDPOINT_URL": "http://minio:9000"}, "https://cdn.shop.test/media/"),
    ],
)
def test_pictures_are_read_at_the_bucket_or_at_the_cdn(changes, address):
    assert media_url(load(**{**BUCKET, **changes})) == address


def test_public_pictures_have_addresses_without_a_signature_and_may_be_kept_for_a_day():
    assert options()["querystring_auth"] is False
    assert options()["object_parameters"] == {"CacheControl": "public, max-age=86400"}
    assert (options()["default_acl"], options(AWS_DEFAULT_ACL="none")["default_acl"]) == ("public-read", None)


def test_only_the_two_named_keys_count(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of somebody else")
    monkeypatch.setenv("AWS_S3_SESSION_PROFILE", "of somebody else")
    assert (options()["security_token"], options()["session_profile"]) == (None, None)
