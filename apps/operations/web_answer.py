"""What a thread does with a request: calls the WSGI application and says how its answer is to be sent."""

import io
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import FileWrapper

from apps.operations.web_request import Environ

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

IN_MEMORY_BYTES = 1024 * 1024
_BODILESS = {204, 304}


@dataclass(slots=True)
class Answer:
    """Status and headers with a body that is one of: bytes, a file to send, or parts that went out already."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: str = ""
    is_sent: bool = False

    def start(self, status: str, headers: Iterable[tuple[str, str]], _: object = None) -> None:
        """WSGI's start_response; Django calls it before it returns the body, and never uses `write`."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    @property
    def length(self) -> int | None:
        """What the application says it will send."""
        return next((int(value) for name, value in self.headers if name == b"content-length"), None)


SendParts = Callable[[Answer, Iterable[bytes]], None]


def answer(application: Application, environ: Environ, send_parts: SendParts) -> Answer:
    """Run one request from start to `close()` in this thread; only an endless or large body is sent from here."""
    given = Answer()
    result = application(environ, given.start)
    try:
        if environ["REQUEST_METHOD"] == "HEAD" or given.status in _BODILESS:
            return given
        if _is_small(result, given.length):
            given.body = b"".join(result)
        elif path := _whole_file(result, given.length):
            given.file = path
        else:
            given.is_sent = True
            send_parts(given, result)
        return given
    finally:
        if close := getattr(result, "close", None):
            close()


def _is_small(result: Iterable[bytes], length: int | None) -> bool:
    in_memory = isinstance(result, list) or getattr(result, "streaming", True) is False
    return in_memory or (length is not None and length <= IN_MEMORY_BYTES)


def _whole_file(result: Iterable[bytes], length: int | None) -> str:
    """The path, when the body is all of one plain file: the server then reads it without holding a thread."""
    source = result.filelike if isinstance(result, FileWrapper) else None
    if not isinstance(source, io.BufferedReader) or not isinstance(source.name, str) or source.tell():
        return ""
    found = os.fstat(source.fileno())
    return source.name if stat.S_ISREG(found.st_mode) and found.st_size == length else ""
