import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from apps.operations.preflight.checks.web import readiness

LIVE, READY = ("/health/live/", "/health/ready/")
WELL = {LIVE: (200, '{"status":"ok"}'), READY: (200, '{"status":"ok"}')}


class Answering:
    """A server of this machine that gives one answer an address."""

    def __init__(self, answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, text = answers[self.path]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_HEAD(self):
                self.send_response(answers[self.path][0])
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_what_is_alive_and_ready_passes(look):
    with Answering(WELL) as host:
        seen = look(readiness, url=f"http://{host}/")
    assert (seen.outcome, seen.sentence) == ("ok", f"http://{host} is alive and ready.")
    assert seen.lines[1].startswith("/health/ready/ answers 200 in ")


def test_what_is_not_ready_fails_and_shows_why(look):
    with Answering({**WELL, READY: (503, '{"status":"unready","waiting_for":["db"]}')}) as host:
        seen = look(readiness, url=f"http://{host}")
    assert (seen.outcome, seen.lines[-1]) == ("failed", '{"status":"unready","waiting_for":["db"]}')


def test_what_serves_worse_than_it_should_is_a_warning(look):
    with Answering({**WELL, READY: (200, '{"status":"degraded"}')}) as host:
        assert look(readiness, url=f"http://{host}").outcome == "warning"


def test_what_does_not_answer_fails(look):
    with Answering(WELL) as host:
        pass
    assert look(readiness, url=f"http://{host}").sentence.endswith("does not answer: ConnectionError.")


def test_without_an_address_nobody_is_asked(look):
    assert look(readiness).outcome == "skipped"
