"""Request bodies, read on the event loop: a client that sends slowly, or never, holds no thread."""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.conf import settings

from apps.operations.web_request import Environ
from core.errors import MalformedRequest, Overloaded, SlowBody

Receive = Callable[[], Awaitable[dict[str, Any]]]

FIRST_SECONDS = 15.0
SLOWEST_BYTES_PER_SECOND = 32 * 1024
HELD_BYTES = 128 * 1024 * 1024


class BodyReader:
    """Reads whole bodies within a deadline, and within a bound on what all of them together may hold."""

    def __init__(self) -> None:
        self._limit = max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.MAX_UPLOAD_BYTES)
        self._held = 0

    async def read(self, environ: Environ, receive: Receive) -> int:
        """Put the body into `environ` and return how much it holds; the caller releases that.

        A body beyond the limit is left unread: its length is enough for Django to refuse it.
        """
        chunked = environ.pop("HTTP_TRANSFER_ENCODING", None)
        declared = int(environ.get("CONTENT_LENGTH") or 0)
        body = bytearray()
        if chunked or 0 < declared <= self._limit:
            body = await self._receive(receive)
            environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        return len(body)

    def release(self, size: int) -> None:
        """The request that held `size` bytes is over."""
        self._held -= size

    async def _receive(self, receive: Receive) -> bytearray:
        body, is_whole = bytearray(), False
        try:
            async with asyncio.timeout(FIRST_SECONDS) as deadline:
                started = asyncio.get_running_loop().time()
                while await self._add(body, receive) and len(body) <= self._limit:
                    deadline.reschedule(started + FIRST_SECONDS + len(body) / SLOWEST_BYTES_PER_SECOND)
            is_whole = True
        except TimeoutError:
            raise SlowBody from None
        finally:
            if not is_whole:
                self.release(len(body))
        return body

    async def _add(self, body: bytearray, receive: Receive) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The request body ended too early.")
        part: bytes = message.get("body", b"")
        if self._held + len(part) > HELD_BYTES:
            raise Overloaded(retry_after=5)
        self._held += len(part)
        body += part
        return bool(message.get("more_body"))
