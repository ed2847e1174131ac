"""Answers a client may keep, and asks about each time: nothing shown is ever older than the last question.

The validator is a digest of the answer itself, so it changes whenever anything that is shown does, stock included,
and nobody has to remember what else an answer depends on.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

View = Callable[..., Any]
OK = 200


def revalidated(view: View) -> View:
    """For `decorate_view`: 304 and no body when the client's copy is still right."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = cast("HttpResponse", view(request, *args, **kwargs))
        if response.status_code != OK:
            return response
        response["Cache-Control"] = "no-cache"
        # Weak: a proxy may compress the body on its way.
        response["ETag"] = f'W/"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
        checked = get_conditional_response(request, etag=response["ETag"], response=response)
        return cast("HttpResponse", checked)

    return answer
