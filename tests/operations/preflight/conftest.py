"""A run of preflight to give to a check, and repositories it may look at."""

import os
import shutil
import subprocess

import pytest

from apps.operations.preflight.flight import Flight
from apps.operations.preflight.given import Given
from apps.operations.preflight.repository import Repository
from config.env import ROOT

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "q8Zr-4Tn_vK2mXw7Lb9Yc3Hd6Fs1Gj5Pt0Ru8Ae4Io7Nk2Bv6Cx",
    "ALLOWED_HOSTS": "api.shop.test",
    "DATABASE_URL": "postgresql://shop:x@db.shop.test:5432/shop",
    "REDIS_URL": "redis://:x@cache.shop.test:6379/0",
    "FRONTEND_ORIGINS": "https://shop.test",
    **{
        f"SERVICE_AUTH_SECRET_{name}": f"{name[0]}7fQ2kZp9Wm4Xc8Lr1Ty6Vb3Nh5Gd0Sj{name[-1]}"
        for name in ("DJANGO_BACKEND", "API_GATEWAY", "CELERY_WORKER")
    },
}


class Checkout:
    """A small repository of its own, with a commit."""

    def __init__(self, root):
        self.root = root
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments):
        named = ("-c", "user.name=Tester", "-c", "user.email=tester@shop.test", "-c", "commit.gpgsign=false")
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *named, *arguments], cwd=self.root, env=kept, check=True, capture_output=True)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, subject="A change", tag=""):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        if tag:
            self.git("tag", tag)


@pytest.fixture
def checkout(tmp_path):
    made = tmp_path / "checkout"
    made.mkdir()
    checkout = Checkout(made)
    checkout.write("README.md", "A shop.\n")
    checkout.commit("Open the shop")
    return checkout


@pytest.fixture
def clone(tmp_path):
    """This repository at its last commit, to be changed at will."""
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(place)], check=True, capture_output=True)
    return Checkout(place)


@pytest.fixture
def fly(tmp_path):
    """A flight over a root; its databases are dropped at the end."""
    made = []

    def begin(root=ROOT, given=PRODUCTION, **told):
        told.setdefault("folder", tmp_path / "evidence")
        made.append(Flight(repository=Repository(root), given=Given(given, "the tests"), **told))
        return made[-1]

    yield begin
    for flight in made:
        flight.scratch.close()


@pytest.fixture
def look(fly):
    """What a check sees."""

    def at(check, root=ROOT, **told):
        return check.look(fly(root, **told))

    return at
