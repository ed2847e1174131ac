"""Backups in a bucket: a real server that speaks S3, on this machine."""

import urllib.request
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from apps.operations.backups.targets import configured_target
from apps.operations.errors import NoSuchBackup, TargetUnreachable
from apps.operations.services.backups import make_backup, prune_backups
from apps.operations.services.restoring import verify_backup
from config.backup_store import backup_store
from config.env import Env, Environment
from core import object_archive
from core.object_archive import BucketStore
from tests.operations.backups.conftest import KEY
from tests.processes import free_port
from tests.products.test_bucket import ObjectStore

pytestmark = pytest.mark.slow
BUCKET = "shop-backups"
MEGABYTE = bytes(1_000_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    store = ObjectStore(tmp_path_factory.mktemp("bucket"), AWS_EC2_METADATA_DISABLED="true").wait_until_open()
    yield store
    store.stop()


def settled(url):
    values = {
        "BACKUP_TARGET": f"s3://{BUCKET}/shop/one",
        "AWS_ACCESS_KEY_ID": "AKIA1",
        "AWS_SECRET_ACCESS_KEY": "of nobody",
        "AWS_S3_ENDPOINT_URL": url,
    }
    return backup_store(Env.load(values, environment=Environment.DEVELOPMENT))


@pytest.fixture
def bucket(shop, server, settings):
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/moto-api/reset", method="POST"), timeout=10)
    server.client().create_bucket(Bucket=BUCKET)
    settings.BACKUP_STORE = settled(server.url)
    settings.BACKUP_KEY, settings.BACKUP_KEYS = KEY, [KEY]
    return server


def keys(bucket):
    return [row["Key"] for row in bucket.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def uploads(bucket):
    return bucket.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


def parts_of(size, monkeypatch):
    monkeypatch.setattr(object_archive, "PART_BYTES", size)


def test_a_backup_in_a_bucket_is_made_verified_listed_and_restored(bucket, shop, capsys):
    name = make_backup().stored.name
    assert verify_backup(name="latest").differences == []
    assert keys(bucket) == [f"shop/one/{name}", f"shop/one/{name}.verified.json"]
    call_command("backup", "list")
    assert f"{name}    0 h old" in capsys.readouterr().out
    grants = bucket.client().get_object_acl(Bucket=BUCKET, Key=f"shop/one/{name}")["Grants"]
    assert not [grant for grant in grants if "AllUsers" in grant["Grantee"].get("URI", "")]


def test_a_file_of_many_parts_is_whole(bucket, monkeypatch):
    parts_of(5 * 1024 * 1024, monkeypatch)
    store = configured_target().store
    content = b"".join(bytes([number]) * 1_000_000 for number in range(12))
    store.put("large", (content[start : start + 700_000] for start in range(0, len(content), 700_000)))
    assert store.names() == {"large": len(content)}
    with store.get("large") as source:
        read = b"".join(iter(lambda: source.read(900_000), b""))
    assert read == content
    for size in (0, 5 * 1024 * 1024, 10 * 1024 * 1024):
        store.put("exact", [content[:size]])
        assert store.names()["exact"] == size


def test_an_upload_that_breaks_off_leaves_nothing(bucket, monkeypatch):
    parts_of(5 * 1024 * 1024, monkeypatch)

    def content():
        for _ in range(20):
            yield MEGABYTE
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        configured_target().store.put("broken", content())
    assert keys(bucket) == []
    assert uploads(bucket) == []


def test_what_a_killed_upload_left_lists_nowhere_and_goes_after_two_days(bucket):
    bucket.client().create_multipart_upload(Bucket=BUCKET, Key="shop/one/hanout-20261121T020000Z.backup")
    assert configured_target().stored() == []
    (begun,) = uploads(bucket)
    with time_machine.travel(begun["Initiated"] + timedelta(days=1)):
        prune_backups()
        assert len(uploads(bucket)) == 1  # it may still be going on
    with time_machine.travel(begun["Initiated"] + timedelta(days=3)):
        prune_backups()
    assert uploads(bucket) == []


def test_another_prefix_is_another_shop(bucket):
    bucket.client().put_object(Bucket=BUCKET, Key="shop/one-more/hanout-20261121T020000Z.backup", Body=b"theirs")
    assert configured_target().stored() == []
    with pytest.raises(NoSuchBackup):
        configured_target().find("latest")


@pytest.mark.parametrize("wrong", ["no server", "no bucket"])
def test_a_bucket_out_of_reach_is_named_and_its_secret_is_not(bucket, settings, wrong):
    if wrong == "no bucket":
        bucket.client().delete_bucket(Bucket=BUCKET)
    else:
        settings.BACKUP_STORE = settled(f"http://127.0.0.1:{free_port()}")
    for command in (["backup"], ["backup", "verify"], ["restore", "latest"]):
        with pytest.raises(CommandError, match="s3://shop-backups/shop/one cannot be") as refused:
            call_command(*command)
        assert refused.value.returncode == 2
        assert "of nobody" not in str(refused.value)


def test_without_its_library_a_bucket_is_explained(settings, monkeypatch):
    settings.BACKUP_STORE = {"BACKEND": "core.not_installed.BucketStore", "OPTIONS": {}}
    with pytest.raises(TargetUnreachable, match=r"pip install -r requirements/production\.txt"):
        configured_target()


def test_only_the_two_keys_count_whatever_else_the_machine_has(monkeypatch, bucket):
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stale")
    assert isinstance(configured_target().store, BucketStore)
