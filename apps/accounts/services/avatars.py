"""Pictures of people: decoded and drawn anew, so that nothing of what was sent but the picture is kept.

Neither the file's name nor its content type counts, only its bytes; places (EXIF), comments, and whatever else a file
can carry beside its pixels are gone afterwards, and a file that is two formats at once is one.
"""

import struct
import threading
import uuid
import zlib
from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image, ImageOps

from apps.accounts.errors import PictureRejected
from apps.accounts.models import Profile, User

# No SVG: that is a document, with scripts.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000
SIDE = 512
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


def set_avatar(*, user: User, picture: IO[bytes]) -> str:
    """Make this the person's picture and return the name it is stored under. Raises `PictureRejected`."""
    content = ContentFile(_redrawn(picture))
    with transaction.atomic():
        Profile.objects.get_or_create(user=user)
        profile = Profile.objects.select_for_update().get(user=user)
        old, storage = profile.avatar.name, profile.avatar.storage
        # A name of its own each time: whoever keeps the old picture in a cache asks for the new one.
        profile.avatar.save(f"{uuid.uuid4().hex}.webp", content, save=False)
        profile.save(update_fields=["avatar"])
        if old:
            transaction.on_commit(lambda: storage.delete(old))
    return str(profile.avatar.name)


def _redrawn(picture: IO[bytes]) -> bytes:
    raw = picture.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise PictureRejected(param="avatar")
    try:
        with _at_once, Image.open(BytesIO(raw), formats=FORMATS) as image:
            return _drawn(image)
    except _BROKEN:
        raise PictureRejected(param="avatar") from None


def _drawn(image: Image.Image) -> bytes:
    """The first frame, upright, at most SIDE wide and high, as WebP."""
    if image.width * image.height > MOST_PIXELS:
        raise PictureRejected(param="avatar")
    image.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.thumbnail((SIDE, SIDE))
    canvas = Image.new(plain.mode, plain.size)
    canvas.paste(plain)
    out = BytesIO()
    canvas.save(out, "WEBP", quality=85)
    return out.getvalue()
