"""What is kept of a picture, whoever sent it and wherever it is shown."""

from io import BytesIO

import pytest
from PIL import Image

from core.pictures import FORMATS, PictureRejected, redraw


def drawn(kind="PNG", size=(640, 320)):
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def redrawn(content, *, most_bytes=100_000, side=100):
    return redraw(BytesIO(content), most_bytes=most_bytes, longest_side=side, param="photo")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("side", "size"), [(100, (100, 50)), (320, (320, 160)), (2000, (640, 320))])
def test_a_picture_becomes_webp_and_no_larger_than_asked(kind, side, size):
    with Image.open(BytesIO(redrawn(drawn(kind), side=side))) as picture:
        assert (picture.format, picture.size) == ("WEBP", size)


def test_the_caller_sets_how_heavy_a_file_may_be_and_what_it_is_called():
    content = drawn()
    assert redrawn(content, most_bytes=len(content))
    with pytest.raises(PictureRejected) as refused:
        redrawn(content, most_bytes=len(content) - 1)
    assert (refused.value.param, refused.value.status, refused.value.code) == ("photo", 400, "picture_rejected")


@pytest.mark.parametrize("content", [b"", b"text", b"<svg/>", drawn()[:-60], drawn("TIFF"), drawn("BMP")])
def test_what_is_no_whole_picture_is_refused_by_the_same_name(content):
    with pytest.raises(PictureRejected) as refused:
        redrawn(content)
    assert refused.value.param == "photo"
