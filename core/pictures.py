"""Pictures people send: decoded and drawn anew, so that nothing of what was sent but the picture is kept.

Neither the file's name nor its content type counts, only its bytes; places (EXIF), comments, and whatever else a file
can carry beside its pixels are gone afterwards, and a file that is two formats at once is one.
"""

import struct
import threading
import zlib
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from core.errors import DomainError

# No SVG: that is a document, with scripts.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
MOST_PIXELS = 25_000_000
# What Pillow's decoders raise for files that are broken on purpose.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
# A picture of MOST_PIXELS takes 100 MB while it is decoded.
_at_once = threading.BoundedSemaphore(2)


class PictureRejected(DomainError):
    status = 400
    code = "picture_rejected"
    message = "Send a whole JPEG, PNG, GIF or WebP picture of at most 5 MB and 25 million pixels."


def redraw(picture: IO[bytes], *, most_bytes: int, longest_side: int, param: str) -> bytes:
    """The first frame, upright, at most `longest_side` wide and high, as WebP.

    Raises `PictureRejected`, which names `param`, the input it came in by.
    """
    raw = picture.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise PictureRejected(param=param)
    try:
        with _at_once, Image.open(BytesIO(raw), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PictureRejected(param=param)
            return _drawn(image, longest_side)
    except _BROKEN:
        raise PictureRejected(param=param) from None


def _drawn(image: Image.Image, side: int) -> bytes:
    image.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.thumbnail((side, side))
    canvas = Image.new(plain.mode, plain.size)
    canvas.paste(plain)
    out = BytesIO()
    canvas.save(out, "WEBP", quality=85)
    return out.getvalue()
