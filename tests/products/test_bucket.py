"""Pictures in a bucket: a real server that speaks S3, on this machine."""

import socket
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

from apps.accounts.models import Profile
from apps.products.models import ProductImage
from config.env import Env, Environment
from config.picture_storage import media_url, picture_storage
from core.models import OutboxJob
from core.outbox import run_again
from tests.factories.products import ProductFactory
from tests.processes import Served, free_port
from tests.products.conftest import drawn, run_jobs, sent

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
BUCKET = "shop-pictures"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "of nobody"}


class ObjectStore(Served):
    @property
    def command(self):
        return ("-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port))

    def is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="AKIA1",
            aws_secret_access_key="of nobody",
            config=Config(s3={"addressing_style": "path"}),
        )

    def names(self):
        return [row["Key"] for row in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    store = ObjectStore(tmp_path_factory.mktemp("bucket"), AWS_EC2_METADATA_DISABLED="true").wait_until_open()
    yield store
    store.stop()


def settled(settings, url, **more):
    values = {"USE_S3": "1", "AWS_STORAGE_BUCKET_NAME": BUCKET, "AWS_S3_ENDPOINT_URL": url, **KEYS, **more}
    env = Env.load(values, environment=Environment.DEVELOPMENT)
    settings.STORAGES = {**settings.STORAGES, "default": picture_storage(env)}
    settings.MEDIA_URL = media_url(env)


@pytest.fixture
def bucket(server, settings, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/moto-api/reset", method="POST"), timeout=60)
    server.client().create_bucket(Bucket=BUCKET)
    settled(settings, server.url)
    return server


def upload(client, product, content=None):
    return client.post(f"/api/products/{product.pk}/upload_image/", {"image": sent(content or drawn())})


def read(address):
    with urllib.request.urlopen(address, timeout=60) as reply:
        return reply.headers, reply.read()


@pytest.mark.django_db(transaction=True)
def test_a_product_picture_goes_to_the_bucket_is_read_by_anybody_and_leaves_it(bucket, staff, api):
    mug = ProductFactory()
    reply = upload(staff, mug)
    assert reply.status_code == 201
    address = reply.json()["image"]
    [name] = bucket.names()
    assert address == f"{bucket.url}/{BUCKET}/{name}"
    assert name == f"media/{ProductImage.objects.get().image.name}"
    headers, content = read(address)  # no signature, no key
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("image/webp", "public, max-age=86400")
    assert content[8:12] == b"WEBP"
    assert api.send("GET", "/api/products/").json()["results"][0]["primary_image"] == address
    assert staff.send("DELETE", f"/api/products/{mug.pk}/images/{reply.json()['id']}/").status_code == 204
    run_jobs()
    assert bucket.names() == []


def test_an_avatar_goes_there_too(bucket, layla, django_capture_on_commit_callbacks):
    path = "/api/auth/users/upload_avatar/"
    first = layla.post(path, {"avatar": sent(drawn())}).json()["avatar_url"]
    assert first == f"{bucket.url}/{BUCKET}/media/{Profile.objects.get().avatar.name}"
    with django_capture_on_commit_callbacks(execute=True):
        second = layla.post(path, {"avatar": sent(drawn())}).json()["avatar_url"]
    assert [f"{bucket.url}/{BUCKET}/{name}" for name in bucket.names()] == [second]


def test_what_is_refused_never_reaches_the_bucket(bucket, staff):
    assert upload(staff, ProductFactory(), b"<svg/>").json()["code"] == "picture_rejected"
    assert bucket.names() == []


def test_behind_a_cdn_addresses_are_the_cdns(bucket, settings, staff):
    settled(settings, bucket.url, USE_CDN="1", CDN_DOMAIN="cdn.shop.test")
    address = upload(staff, ProductFactory()).json()["image"]
    assert address == f"https://cdn.shop.test/{bucket.names()[0]}"


def test_a_picture_may_be_read_by_everybody_unless_the_bucket_takes_no_acl(bucket, settings, staff):
    upload(staff, ProductFactory())
    settled(settings, bucket.url, AWS_DEFAULT_ACL="none")
    upload(staff, ProductFactory())
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
    grants = [
        [grant["Grantee"].get("URI") for grant in bucket.client().get_object_acl(Bucket=BUCKET, Key=name)["Grants"]]
        for name in (f"media/{image.image.name}" for image in ProductImage.objects.order_by("pk"))
    ]
    assert [everybody in found for found in grants] == [True, False]


def test_a_list_asks_the_bucket_for_nothing(bucket, settings, api):
    ProductImage.objects.create(product=ProductFactory(), image="products/a.webp")
    settled(settings, f"http://127.0.0.1:{free_port()}")  # nobody listens
    assert api.send("GET", "/api/products/").json()["results"][0]["primary_image"].endswith("/media/products/a.webp")


@pytest.mark.parametrize("broken", ["away", "no_bucket"])
def test_a_bucket_that_is_away_or_not_there_is_told_and_nothing_changes(bucket, settings, staff, broken):
    if broken == "away":
        settled(settings, f"http://127.0.0.1:{free_port()}")
    else:
        bucket.client().delete_bucket(Bucket=BUCKET)
    reply = upload(staff, ProductFactory())
    assert (reply.status_code, reply.json()["code"]) == (503, "pictures_unavailable")
    assert not ProductImage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_picture_deleted_while_the_bucket_is_away_goes_when_it_is_back(bucket, settings, staff):
    mug = ProductFactory()
    kept = upload(staff, mug).json()["id"]
    settled(settings, f"http://127.0.0.1:{free_port()}")
    assert staff.send("DELETE", f"/api/products/{mug.pk}/images/{kept}/").status_code == 204
    run_jobs()
    assert len(bucket.names()) == 1
    settled(settings, bucket.url)
    run_again(OutboxJob.objects.filter(name="products.delete_file"))
    run_jobs()
    assert bucket.names() == []
