"""Pictures of people; what is kept of what was sent, `core/pictures.py` decides."""

import uuid
from typing import IO

from django.core.files.base import ContentFile
from django.db import transaction

from apps.accounts.models import Profile, User
from apps.accounts.services.people import locked_person
from core.pictures import FORMATS, redraw

__all__ = ["FORMATS", "set_avatar"]

MOST_BYTES = 5 * 1024 * 1024
SIDE = 512


def set_avatar(*, user: User, picture: IO[bytes]) -> str:
    """Make this the person's picture and return the name it is stored under. Raises `PictureRejected`."""
    content = ContentFile(_redrawn(picture))
    with transaction.atomic():
        profile, _ = Profile.objects.get_or_create(user=locked_person(user))
        old, storage = profile.avatar.name, profile.avatar.storage
        # A name of its own each time: whoever keeps the old picture in a cache asks for the new one.
        profile.avatar.save(f"{uuid.uuid4().hex}.webp", content, save=False)
        profile.save(update_fields=["avatar"])
        if old:
            transaction.on_commit(lambda: storage.delete(old))
    return str(profile.avatar.name)


def _redrawn(picture: IO[bytes]) -> bytes:
    return redraw(picture, most_bytes=MOST_BYTES, longest_side=SIDE, param="avatar")
