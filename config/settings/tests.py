"""The test suite: a throwaway database, cheap password hashing, no pictures on disk."""

import os

os.environ["TESTING"] = "1"

from config.env import Environment, select

select(Environment.DEVELOPMENT)

from config.settings.base import *

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
