"""What production demands of its settings, made up."""

import hashlib


def made_up(word):
    """Random to look at, the same in every test process."""
    return hashlib.sha512(word.encode()).hexdigest()


GOOD = {
    "SECRET_KEY": made_up("key"),
    "ALLOWED_HOSTS": "shop.test,www.shop.test",
    "DATABASE_URL": "postgres://shop:pa%40ss@db.internal:5433/shop?sslmode=verify-full",
    "REDIS_URL": "redis://cache.internal:6379/0",
    "FRONTEND_ORIGINS": "https://shop.test",
    "SERVICE_AUTH_SECRET_DJANGO_BACKEND": made_up("django"),
    "SERVICE_AUTH_SECRET_API_GATEWAY": made_up("gateway"),
    "SERVICE_AUTH_SECRET_CELERY_WORKER": made_up("worker"),
}
