"""Settings of backups: a key that is none or half a bucket starts nothing, and no value is repeated."""

import base64
import secrets

import pytest
from pydantic import SecretStr

from apps.operations.backups.address import live_address
from apps.operations.backups.stores import FolderStore
from apps.operations.backups.targets import configured_target
from apps.operations.errors import TargetUnreachable
from config.backup_refusals import decoded
from config.backup_store import backup_store
from config.database.migrating import migration_database
from config.env import Env, Environment
from config.refusals import SettingsRefused
from tests.config.test_env import GOOD, load, refusal

KEY = base64.b64encode(secrets.token_bytes(32)).decode()
BUCKET = {
    "BACKUP_TARGET": "s3://shop-backups/shop",
    "AWS_ACCESS_KEY_ID": "AKIA1",
    "AWS_SECRET_ACCESS_KEY": "a secret of Amazon's",
}


def test_without_a_target_backups_stay_in_the_data_folder_and_on_demand():
    env = Env.load({"HANOUT_DATA_DIR": "/var/hanout"}, environment=Environment.DEVELOPMENT)
    assert str(backup_store(env)["OPTIONS"]["folder"]) == "/var/hanout/backups"
    assert env.backup_keep_days == 30
    assert (env.backup_target, env.backup_schedule) == ("", None)


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION])
def test_outside_development_there_is_no_place_until_one_is_named(environment, settings):
    settings.BACKUP_STORE = backup_store(Env.load(GOOD, environment=environment))
    with pytest.raises(TargetUnreachable, match="BACKUP_TARGET is not set: name a folder that outlives this machine"):
        configured_target()


@pytest.mark.parametrize("name", ["BACKUP_TARGET", "BACKUP_DIR"])
def test_a_folder_goes_by_either_name(name):
    chosen = backup_store(load(**{name: "/mnt/backups"}))
    assert chosen["BACKEND"].endswith(FolderStore.__name__)
    assert str(chosen["OPTIONS"]["folder"]) == "/mnt/backups"


def test_a_bucket_has_its_prefix_and_the_keys_of_amazon():
    options = backup_store(load(**BUCKET, AWS_S3_REGION_NAME="eu-central-1"))["OPTIONS"]
    assert (options["bucket"], options["prefix"], options["region"]) == ("shop-backups", "shop", "eu-central-1")
    assert backup_store(load(**{**BUCKET, "BACKUP_TARGET": "s3://shop-backups"}))["OPTIONS"]["prefix"] == ""


def test_a_key_is_read_in_either_alphabet_padded_or_not():
    raw = bytes([251, 255] * 16)
    for spelt in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(raw).rstrip(b"=")):
        assert decoded(spelt.decode()) == raw


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"BACKUP_ENCRYPTION_KEY": "hunter2"}, "BACKUP_ENCRYPTION_KEY: a key is 32 bytes in base64"),
        ({"BACKUP_ENCRYPTION_KEY": KEY[:20]}, "BACKUP_ENCRYPTION_KEY: a key is 32 bytes"),
        ({"BACKUP_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode()}, "BACKUP_ENCRYPTION_KEY is too simple"),
        ({"BACKUP_ENCRYPTION_KEY": f"{KEY},{KEY}"}, "BACKUP_ENCRYPTION_KEY takes one key"),
        ({"BACKUP_PREVIOUS_KEYS": f"{KEY},ä"}, "BACKUP_PREVIOUS_KEYS: a key is 32 bytes"),
        ({"BACKUP_TARGET": "ftp://shop"}, "BACKUP_TARGET: write a folder, or s3://bucket/prefix"),
        ({**BUCKET, "BACKUP_TARGET": "s3://Shop Backups"}, "BACKUP_TARGET: write a bucket as"),
        ({**BUCKET, "AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID must be set as well: BACKUP_TARGET"),
        ({"PG_BIN_DIR": "bin"}, "PG_BIN_DIR: write the whole path"),
        ({"BACKUP_KEEP_DAYS": "0"}, "BACKUP_KEEP_DAYS"),
    ],
)
def test_what_would_fail_on_the_day_it_is_needed_fails_at_start(environment, changes, named):
    with pytest.raises(SettingsRefused) as refused:
        Env.load({**GOOD, **changes}, environment=environment)
    assert named in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert KEY[:20] not in str(refused.value)


def test_backups_do_not_go_where_everybody_may_read():
    pictures = {"USE_S3": "1", "AWS_STORAGE_BUCKET_NAME": "shop-backups"}
    assert "the bucket of pictures, which everybody may read" in refusal(**BUCKET, **pictures)
    assert "BACKUP" not in refusal(**BUCKET, **{**pictures, "AWS_STORAGE_BUCKET_NAME": "shop-pictures"}, DEBUG="1")


def test_production_schedules_no_backups_without_a_place_for_them():
    assert "BACKUP_TARGET must be set as well: BACKUP_SCHEDULE" in refusal(BACKUP_SCHEDULE="1")
    assert Env.load({**GOOD, "BACKUP_SCHEDULE": "0"}, environment=Environment.PRODUCTION).backup_schedule is False


def test_backups_take_the_way_past_a_pooler_that_migrations_take(settings):
    direct = SecretStr("postgresql://shop:secret@direct.internal:5433/shop")
    settings.ENV = settings.ENV.model_copy(update={"migration_database_url": direct})
    settings.MIGRATION_DATABASE = migration_database(settings.ENV)
    address = live_address()
    assert (address.params["host"], address.params["port"], address.database) == ("direct.internal", "5433", "shop")
