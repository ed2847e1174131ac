"""What stands between the server and Django: bodies are read here, threads are given out here.

The server speaks ASGI to this module, because only that leaves waiting for slow clients to the event loop; Django is
still called as WSGI, in threads that keep their database connections. A probe for liveness has a thread of its own,
so that it is answered however busy the others are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from django.http import HttpRequest

from apps.operations.web_answer import Answer, Application, answer
from apps.operations.web_body import BodyReader, Receive
from apps.operations.web_request import Environ, Scope, environ_of
from core.contracts import as_domain_error, error_response
from core.errors import Overloaded, SlowBody
from core.ids import request_id
from core.lifecycle import is_stopping

Send = Callable[[dict[str, Any]], Awaitable[None]]
Result = TypeVar("Result")

THREADS = 16
WAITING = 512
PART_SECONDS = 15.0
PROBES = frozenset({"/health/live/", "/healthz"})

log = structlog.get_logger(__name__)


class ClientGone(Exception):
    """Nobody takes the answer any more."""


class Threads:
    """A pool whose queue has an end. Used from the event loop alone, so counting needs no lock."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = threads + waiting

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, or `Overloaded` at once when too many wait already."""
        if self._places <= 0:
            raise Overloaded(retry_after=1)
        self._places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._places += 1


class Front:
    """The ASGI application the server calls, around the WSGI application that answers."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._bodies = BodyReader()
        self._threads = Threads("web", threads=THREADS, waiting=WAITING)
        self._probe_threads = Threads("liveness", threads=1, waiting=WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        sender = Sender(receive, send)
        held = 0
        try:
            held = await self._bodies.read(environ, receive)
            threads = self._probe_threads if scope["path"] in PROBES else self._threads
            given = await threads.run(partial(answer, self._application, environ, sender.send_parts))
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  # the process boundary: whatever happened, the client is told
            given = refusal(environ, error)
            given.is_sent = sender.has_started
        finally:
            self._bodies.release(held)
            sender.end()
        if not given.is_sent:
            await sender.send_whole(given)


class Sender:
    """One answer's way out."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._loop = asyncio.get_running_loop()
        self._watch: asyncio.Task[None] | None = None
        self.has_started = False

    async def send_whole(self, given: Answer) -> None:
        """Headers and the body in one, or a file the server reads itself."""
        await self._send(_start(given))
        if given.file:
            await self._send({"type": "http.response.pathsend", "path": given.file})
        else:
            await self._send({"type": "http.response.body", "body": given.body, "more_body": False})

    def send_parts(self, given: Answer, parts: Iterable[bytes]) -> None:
        """From the answering thread: one part after the other, each within its deadline, never all in memory."""
        self._hand_over(_start(given))
        self.has_started = True
        for part in parts:
            self._hand_over({"type": "http.response.body", "body": part, "more_body": True})
        self._hand_over({"type": "http.response.body", "body": b"", "more_body": False})

    def _hand_over(self, message: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(self._deliver(message), self._loop).result()

    async def _deliver(self, message: dict[str, Any]) -> None:
        if self._watch is None:  # what is sent to a closed connection vanishes without an error
            self._watch = asyncio.create_task(self._until_gone())
        try:
            async with asyncio.timeout(PART_SECONDS):
                await self._send(message)
        except (TimeoutError, RuntimeError, OSError):
            raise ClientGone from None
        if self._watch.done():
            raise ClientGone

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def end(self) -> None:
        """Nothing more will be sent."""
        if self._watch:
            self._watch.cancel()


def _start(given: Answer) -> dict[str, Any]:
    """The head of an answer; from a process that is about to end, the last on its connection."""
    headers = [*given.headers, (b"connection", b"close")] if is_stopping() else given.headers
    return {"type": "http.response.start", "status": given.status, "headers": headers}


def refusal(environ: Environ, error: Exception) -> Answer:
    """An error from outside Django, in the shape of the contract the path belongs to."""
    request = HttpRequest()
    request.path = environ["PATH_INFO"]
    chosen = request_id(environ.get("HTTP_X_REQUEST_ID", ""))
    request.request_id = chosen  # type: ignore[attr-defined]  # where core.middleware.request_context puts it
    meaning = as_domain_error(error)
    response = error_response(request, meaning)
    response["X-Request-ID"] = chosen
    if isinstance(meaning, SlowBody):
        response["Connection"] = "close"
    given = Answer(body=response.content)
    given.start(str(response.status_code), response.items())
    return given
