from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from apps.accounts.models import User
from core.outbox import run_due_jobs


@pytest.fixture
def media(settings, tmp_path):
    """An empty folder for pictures."""
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": folder}
    return settings.MEDIA_ROOT


@pytest.fixture
def clerk(db):
    """Of staff, with every permission over the catalogue and no other."""
    person = User.objects.create_user(email="clerk@shop.test", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="products"))
    return person


@pytest.fixture
def staff(sign_in, clerk):
    return sign_in(clerk)


@pytest.fixture
def layla(sign_in):
    """A customer with a name; `layla.user` is the row."""
    user = User.objects.create_user(
        phone="+966512345601", email="layla@shop.test", first_name="Layla", last_name="Haddad", role_state="client"
    )
    client = sign_in(user)
    client.user = user
    return client


@pytest.fixture
def omar(sign_in):
    user = User.objects.create_user(phone="+966512345602", email="omar@shop.test", role_state="client")
    client = sign_in(user)
    client.user = user
    return client


def drawn(kind="PNG", size=(640, 320), **options):
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def sent(content, name="mug.png", kind="image/png"):
    return SimpleUploadedFile(name, content, kind)


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def run_jobs():
    while run_due_jobs():
        pass
