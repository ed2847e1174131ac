"""A WSGI application with bad habits, behind the real server and front: `python -m tests.operations.front_app`."""

import json
import os
import time
from pathlib import Path
from wsgiref.util import FileWrapper

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()

from apps.operations import web_body, web_front  # noqa: E402  # needs the loaded apps
from apps.operations.web_server import web_server  # noqa: E402

web_body.FIRST_SECONDS = web_front.PART_SECONDS = 0.5
web_body.HELD_BYTES = 1024 * 1024
web_front.THREADS, web_front.WAITING = 2, 1
closings = []


class Endless:
    def __iter__(self):
        while True:
            yield b"x" * 65536

    def close(self):
        closings.append("endless")


def parts():
    yield b"one "
    time.sleep(0.2)
    yield b"two"


def application(environ, start_response):
    match environ["PATH_INFO"]:
        case "/nap":
            time.sleep(2)
        case "/broken":
            raise ValueError("broken on purpose")
        case "/cookies":
            start_response("204 No Content", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
            return [b"never sent"]
        case "/endless":
            start_response("200 OK", [])
            return Endless()
        case "/parts":
            start_response("200 OK", [])
            return parts()
        case "/file":
            path = Path(os.environ["BIG_FILE"])
            start_response("200 OK", [("Content-Length", str(path.stat().st_size))])
            return FileWrapper(path.open("rb"))
    told = {"closings": closings, "body": environ["wsgi.input"].read().decode()}
    told |= {key: value for key, value in environ.items() if isinstance(value, str)}
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    web_server(host="127.0.0.1", port=int(os.environ["PORT"]), workers=1).serve(
        target_loader=lambda: web_front.Front(application), wrap_loader=False
    )
