"""Password hashing whose cost fits a small server."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

# Each hash takes 19 MiB: what runs at once is bounded, or sign-ins sent in parallel would take the memory of the rest.
_at_once = threading.BoundedSemaphore(4)


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters (19 MiB, two passes); hashes made with others are renewed at sign-in."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _at_once:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _at_once:
            return bool(super().verify(password, encoded))
