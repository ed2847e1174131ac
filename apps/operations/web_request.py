"""A request as Django's WSGI handler reads it (PEP 3333), built from what the server hands over."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

Scope = dict[str, Any]
Environ = dict[str, Any]

_PROTOCOLS = {"1": "HTTP/1.0", "1.1": "HTTP/1.1"}
_ALWAYS: Environ = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.errors": sys.stderr,
    "wsgi.file_wrapper": FileWrapper,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


def environ_of(scope: Scope) -> Environ:
    """Everything but the body. Bytes become latin-1 text; the process's own variables stay out."""
    return {
        **_ALWAYS,
        **_headers(scope["headers"]),
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": scope["server"][1],
        "SERVER_PROTOCOL": _PROTOCOLS.get(scope["http_version"], "HTTP/" + scope["http_version"]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.url_scheme": scope["scheme"],
    }


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """A header sent twice is one with a comma; names with `_` would pass for those with `-` and are dropped."""
    found: dict[str, str] = {}
    for name, value in sent:
        key = _key(name)
        if key in found and not key.startswith("CONTENT_"):  # of two types or lengths, the first counts
            found[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        elif key and key not in found:
            found[key] = value.decode("latin-1")
    return found


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
