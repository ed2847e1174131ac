"""S2: pictures of people, taken for nothing but their pixels."""

import contextlib
import random
import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from apps.accounts.errors import PictureRejected
from apps.accounts.models import Profile, User
from apps.accounts.services import avatars, set_avatar
from tests.races import race

pytestmark = pytest.mark.django_db
PATH = "/api/auth/users/upload_avatar/"
RED = (200, 30, 30)


def drawn(kind="PNG", size=(640, 320), mode="RGB", **options):
    out = BytesIO()
    Image.new(mode, size, RED if mode == "RGB" else 120).save(out, kind, **options)
    return out.getvalue()


def upload(client, content, name="me.png", kind="image/png"):
    return client.post(PATH, {"avatar": SimpleUploadedFile(name, content, kind)})


def kept():
    with default_storage.open(Profile.objects.get().avatar.name) as file:
        return file.read()


@pytest.fixture
def layla():
    return User.objects.create_user(email="layla@shop.test")


@pytest.fixture
def me(sign_in, layla):
    return sign_in(layla)


@pytest.mark.parametrize("kind", avatars.FORMATS)
def test_a_picture_is_drawn_anew_and_shown(me, kind):
    reply = upload(me, drawn(kind), name="evil.svg", kind="image/svg+xml")
    assert reply.status_code == 200
    body = reply.json()
    assert body["avatar_url"].startswith("http://testserver/media/avatars/")
    assert body["avatar_url"].endswith(".webp")
    assert me.send("GET", "/api/auth/users/me/").json()["avatar_url"] == body["avatar_url"]
    with Image.open(BytesIO(kept())) as picture:
        assert (picture.format, picture.size) == ("WEBP", (512, 256))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16", "RGBA", "CMYK", "F"])
def test_a_picture_in_any_colours_is_understood(me, mode):
    kind = {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")
    picture = Image.new(mode, (8, 8)) if mode != "P" else Image.new("P", (8, 8), 3)
    out = BytesIO()
    picture.save(out, kind)
    assert upload(me, out.getvalue()).status_code == (400 if mode == "F" else 200)  # TIFF is not taken


def test_nothing_but_the_picture_survives(me):
    exif = Image.Exif()
    exif[0x010E] = "a secret description"
    exif[0x8825] = {1: "N", 2: (24.0, 42.0, 0.0)}  # where it was taken
    picture = drawn("JPEG", exif=exif, comment=b"a secret comment") + b"<script>alert(1)</script>PK\x03\x04"
    assert upload(me, picture).status_code == 200
    stored = kept()
    assert b"secret" not in stored
    assert b"script" not in stored
    with Image.open(BytesIO(stored)) as image:
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)


def test_a_picture_taken_sideways_stands_upright(me):
    exif = Image.Exif()
    exif[0x0112] = 6
    upload(me, drawn("JPEG", size=(400, 200), exif=exif))
    with Image.open(BytesIO(kept())) as picture:
        assert picture.size == (200, 400)


def test_a_new_picture_takes_the_place_of_the_old(me, django_capture_on_commit_callbacks):
    upload(me, drawn())
    old = Profile.objects.get().avatar.name
    with django_capture_on_commit_callbacks(execute=True):
        upload(me, drawn("GIF"))
    new = Profile.objects.get().avatar.name
    assert new != old
    assert (default_storage.exists(old), default_storage.exists(new)) == (False, True)


def bomb():
    """A few hundred bytes that say they are 100 megapixels."""
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\0" * 1000,
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"GIF89a",
        b"%PDF-1.7",
        drawn("JPEG")[:-200],
        drawn("PNG")[:-60],
        drawn("GIF")[:-40],
        drawn("WEBP")[:-40],
        drawn("TIFF"),
        drawn("BMP"),
        drawn("ICO"),
        bomb(),
        drawn("PNG", size=(5001, 5000)),
        drawn("PNG", size=(20_000, 9_000), mode="1"),
    ],
    ids=range(17),
)
def test_what_is_no_whole_picture_of_bearable_size_is_refused(me, content):
    reply = upload(me, content)
    assert (reply.status_code, reply.json()["code"]) in {(400, "picture_rejected"), (400, "invalid_input")}
    assert not Profile.objects.exclude(avatar="").exists()


def test_five_megabytes_are_the_limit(me):
    reply = upload(me, drawn() + b"\0" * (5 * 1024 * 1024))
    assert reply.status_code == 413
    with pytest.raises(PictureRejected):
        set_avatar(user=User.objects.get(), picture=BytesIO(drawn() + b"\0" * (5 * 1024 * 1024)))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=" + "x" * 300),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="avatar"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b'{"avatar": "x"}', "application/json"),
        (b"avatar=x", "application/x-www-form-urlencoded"),
    ],
)
def test_a_request_without_a_file_is_refused(me, body, kind):
    reply = me.generic("POST", PATH, body, content_type=kind)
    assert reply.status_code == 400
    assert reply.json()["code"] in {"invalid_input", "malformed_request"}


@pytest.mark.parametrize("kind", avatars.FORMATS)
def test_a_thousand_damaged_pictures_are_refused_or_drawn_and_never_fail(kind):
    dice, whole = random.Random(7), drawn(kind, size=(40, 30))
    for _ in range(250):
        damaged = bytearray(whole)
        for _ in range(dice.choice([1, 2, 8])):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        with contextlib.suppress(PictureRejected):
            assert avatars._redrawn(BytesIO(bytes(damaged[: dice.choice([None, len(damaged) // 2])])))


@pytest.mark.django_db(transaction=True)
def test_pictures_sent_at_once_leave_one_behind():
    user = User.objects.create_user(email="layla@shop.test")
    names = race(lambda _: set_avatar(user=user, picture=BytesIO(drawn())), threads=6)
    left = [name for name in names if default_storage.exists(name)]
    assert left == [Profile.objects.get().avatar.name]
