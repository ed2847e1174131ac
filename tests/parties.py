"""Outside parties on this machine: a real HTTP server that answers what a test told it to, and what it was asked."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


class Asked:
    """One request as it arrived."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def form(self):
        return dict(parse_qsl(self.body, strict_parsing=True))


class Party:
    """Answers with `status` and `said` (JSON unless it is a string), after `delay_seconds`."""

    def __init__(self):
        self.status, self.said, self.delay_seconds, self.headers = 200, {}, 0, {}
        self.asked = []
        party = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # the standard library's name
                party.answer(self)

            def do_GET(self):  # where a followed redirect would end
                party.answer(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        self.asked.append(Asked(handler.command, handler.path, handler.headers, body))
        time.sleep(self.delay_seconds)
        said = (self.said if isinstance(self.said, str) else json.dumps(self.said)).encode()
        try:
            handler.send_response(self.status)
            for name, value in self.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(said)))
            handler.end_headers()
            handler.wfile.write(said)
        except OSError:
            pass  # the caller did not wait

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
