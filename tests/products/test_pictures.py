"""S2: pictures of products, taken for nothing but their pixels, and gone when they are deleted."""

from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError
from PIL import Image

from apps.products import services
from apps.products.models import ProductImage
from tests.factories.products import ProductFactory
from tests.products.conftest import drawn, files_in, run_jobs, sent
from tests.races import race

pytestmark = pytest.mark.django_db
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def _media(media):
    pass


@pytest.fixture
def mug():
    return ProductFactory()


def upload(client, product, content, **fields):
    return client.post(
        f"/api/products/{product.pk}/upload_image/", {"image": sent(content, **fields.pop("as_", {})), **fields}
    )


def test_a_picture_is_drawn_anew_under_a_random_name_and_shown(staff, api, mug, media):
    reply = upload(staff, mug, drawn("JPEG", size=(3200, 1600)), alt_text="A red mug", as_={"name": "../evil.svg"})
    assert reply.status_code == 201
    body = reply.json()
    assert (body["alt_text"], body["is_primary"]) == ("A red mug", True)
    [name] = files_in(media)
    assert body["image"] == f"http://testserver/media/{name}"
    assert "evil" not in name
    with Image.open(media / name) as picture:
        assert (picture.format, picture.size) == ("WEBP", (1600, 800))
    assert api.send("GET", f"/api/products/{mug.pk}/").json()["images"] == [body]


def test_nothing_rides_along_with_a_picture(staff, mug, media):
    exif = Image.Exif()
    exif[0x010E] = "a secret description"
    hidden = drawn("JPEG", exif=exif, comment=b"a secret comment") + SVG + b"PK\x03\x04"
    assert upload(staff, mug, hidden).status_code == 201
    stored = (media / files_in(media)[0]).read_bytes()
    for trace in (b"secret", b"script", b"PK\x03\x04"):
        assert trace not in stored


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (SVG, 400, "picture_rejected"),
        (b"GIF89a/*" + SVG + b"*/", 400, "picture_rejected"),
        (SVG + drawn(), 400, "picture_rejected"),
        (b"%PDF-1.7" + drawn("JPEG"), 400, "picture_rejected"),
        (b"hello", 400, "picture_rejected"),
        (drawn("TIFF"), 400, "picture_rejected"),
        (drawn("JPEG")[:-200], 400, "picture_rejected"),
        (drawn("PNG", size=(5001, 5000)), 400, "picture_rejected"),
        (drawn() + b"\0" * (5 * 1024 * 1024), 413, "body_too_large"),
        (b"", 400, "picture_rejected"),
    ],
    ids=["svg", "gif-svg", "svg-png", "pdf-jpeg", "text", "tiff", "cut", "huge", "heavy", "empty"],
)
def test_what_is_no_picture_is_refused_and_nothing_is_stored(staff, mug, media, content, status, code):
    reply = upload(staff, mug, content)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert not media.exists()
    assert not ProductImage.objects.exists()


def test_only_staff_add_and_delete_pictures(api, layla, mug, media):
    assert upload(api, mug, drawn()).status_code == 401
    reply = upload(layla, mug, drawn())
    assert (reply.status_code, reply.json()["code"]) == (403, "not_allowed")
    kept = services.add_image(product_id=mug.pk, picture=BytesIO(drawn()), alt_text="", is_primary=False)
    assert layla.send("DELETE", f"/api/products/{mug.pk}/images/{kept.pk}/").status_code == 403
    assert len(files_in(media)) == ProductImage.objects.count() == 1


def test_the_primary_picture_comes_first(staff, mug):
    first, second = (upload(staff, mug, drawn()).json()["id"] for _ in range(2))
    third = upload(staff, mug, drawn(), is_primary="true").json()
    assert third["is_primary"] is True
    shown = staff.send("GET", f"/api/products/{mug.pk}/").json()["images"]
    assert [image["id"] for image in shown] == [third["id"], first, second]


def test_a_product_that_is_not_there_and_a_full_one_are_refused(staff, mug, media, monkeypatch):
    ghost = ProductFactory.build()
    assert upload(staff, ghost, drawn()).json()["code"] == "product_not_found"
    ProductImage.objects.bulk_create(ProductImage(product=mug, image=f"{n}.webp") for n in range(20))
    reply = upload(staff, mug, drawn())
    assert (reply.status_code, reply.json()["code"]) == (409, "too_many_images")
    assert not media.exists()


def test_a_row_that_cannot_be_written_leaves_no_file(mug, media):
    with pytest.raises(DatabaseError):
        services.add_image(product_id=mug.pk, picture=BytesIO(drawn()), alt_text="x" * 300, is_primary=False)
    assert files_in(media) == []


@pytest.mark.parametrize("field", ["x" * 201, "a\0b"])
def test_a_text_that_cannot_be_kept_is_refused(staff, mug, media, field):
    reply = upload(staff, mug, drawn(), alt_text=field)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_input")
    assert not media.exists()
    assert not ProductImage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deleted_picture_loses_its_file_after_the_commit(staff, mug, media):
    kept, other = (upload(staff, mug, drawn()).json()["id"] for _ in range(2))
    path = f"/api/products/{mug.pk}/images/{kept}/"
    assert staff.send("DELETE", path).status_code == 204
    assert len(files_in(media)) == 2  # until the job runs, which outlives a storage that is away
    run_jobs()
    assert files_in(media) == [ProductImage.objects.get().image.name]
    again = staff.send("DELETE", path)
    assert (again.status_code, again.json()["code"]) == (404, "image_not_found")
    elsewhere = ProductFactory()
    assert staff.send("DELETE", f"/api/products/{elsewhere.pk}/images/{other}/").status_code == 404
    for nonsense in ("x", "0", "-1", "9" * 30, "٣"):
        assert staff.send("DELETE", f"/api/products/{mug.pk}/images/{nonsense}/").status_code == 404
    assert ProductImage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_deleted_product_takes_its_files_along(staff, media):
    mug = ProductFactory()
    upload(staff, mug, drawn())
    assert staff.send("DELETE", f"/api/products/{mug.pk}/").status_code == 204
    run_jobs()
    assert files_in(media) == []


def test_a_file_that_is_shown_elsewhere_is_kept(mug, media):
    kept = services.add_image(product_id=mug.pk, picture=BytesIO(drawn()), alt_text="", is_primary=False)
    services.delete_file(name=kept.image.name)
    assert default_storage.exists(kept.image.name)


@pytest.mark.django_db(transaction=True)
def test_pictures_sent_at_once_each_have_a_place(media):
    mug = ProductFactory()

    def add(number):
        services.add_image(product_id=mug.pk, picture=BytesIO(drawn()), alt_text="", is_primary=True)

    assert race(add, threads=6) == [None] * 6
    assert sorted(ProductImage.objects.values_list("position", flat=True)) == list(range(6))
    assert len(files_in(media)) == 6
