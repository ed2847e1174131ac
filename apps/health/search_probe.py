"""Asking the search index whether it is there."""

import requests
from django.conf import settings

from apps.health.probes import TIMEOUT_SECONDS, ProbeFailed


def check_search() -> None:
    """The index is there to answer; asked over plain HTTP, so that no client's retries and pools stand between."""
    url = f"{settings.ELASTICSEARCH_URL.rstrip('/')}/_alias/{settings.ELASTICSEARCH_INDEX}"
    status = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
    if status == requests.codes.not_found:
        raise ProbeFailed("no_index")
    if status != requests.codes.ok:
        raise ProbeFailed(f"answered_{status}")
