"""The front between server and Django, with an application that behaves badly behind it."""

import contextlib
import json
import socket
import time

import psutil
import pytest

from apps.operations.web_request import environ_of
from tests.processes import Served

CLOSE = b"Host: localhost\r\nConnection: close\r\n"
BIG = 150 * 1024 * 1024


class Odd(Served):
    command = ("-m", "tests.operations.front_app")

    @contextlib.contextmanager
    def line(self, request):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            line.sendall(request)
            yield line

    def whole(self, request):
        """Everything that comes back until the server closes."""
        with self.line(request) as line:
            return b"".join(iter(lambda: line.recv(65536), b""))

    def told(self, request):
        return json.loads(self.whole(request).partition(b"\r\n\r\n")[2])


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    with (folder / "big").open("wb") as file:
        file.truncate(BIG)
    web = Odd(folder / "data", DATABASE_URL="postgres://nobody@127.0.0.1:1/none", BIG_FILE=str(folder / "big"))
    yield web.wait_until_open()
    web.interrupt()


def soon(happens):
    for _ in range(50):
        if happens():
            return
        time.sleep(0.1)
    raise AssertionError("not within five seconds")


SCOPE = {
    "method": "POST",
    "raw_path": b"/e\xd9\xa3/%ff%2f",
    "query_string": b"a=%ff",
    "server": ("127.0.0.1", "8000"),
    "client": ("10.0.0.7", "5123"),
    "http_version": "1.1",
    "scheme": "http",
}


def test_a_request_becomes_an_environ_by_the_book():
    sent = [
        (b"host", b"a"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"x_a", b"forged"),
        (b"cookie", b"b=1"),
        (b"cookie", b"c=2"),
    ]
    sent += [(b"content-type", b"a/b"), (b"content-type", b"c/d"), (b"content-length", b"3"), (b"x-name", b"\xe9")]
    environ = environ_of({**SCOPE, "headers": sent})
    assert {key: value for key, value in environ.items() if key.startswith("HTTP_")} == {
        "HTTP_HOST": "a",
        "HTTP_X_A": "1,2",
        "HTTP_COOKIE": "b=1; c=2",
        "HTTP_X_NAME": "é",
    }
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "3")
    assert environ["PATH_INFO"].encode("latin-1") == b"/e\xd9\xa3/\xff/"
    assert (environ["QUERY_STRING"], environ["REMOTE_ADDR"]) == ("a=%ff", "10.0.0.7")
    assert (environ["SERVER_PROTOCOL"], environ["SERVER_PORT"]) == ("HTTP/1.1", "8000")
    assert "PATH" not in environ


def test_several_cookies_are_kept_and_a_204_has_no_body(odd):
    answer = odd.whole(b"GET /cookies HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"set-cookie: a=1\r\nset-cookie: b=2\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_head_answers_the_headers_alone(odd):
    head, _, body = odd.whole(b"HEAD / HTTP/1.1\r\n" + CLOSE + b"\r\n").partition(b"\r\n\r\n")
    assert b"content-length: " in head
    assert body == b""


def test_a_body_in_chunks_arrives_whole_and_with_a_length(odd):
    head = b"POST / HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    told = odd.told(head + b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n")
    assert (told["body"], told["CONTENT_LENGTH"]) == ("helloabc", "8")
    assert "HTTP_TRANSFER_ENCODING" not in told
    assert odd.whole(head + b"zz\r\nhello").startswith(b"HTTP/1.1 400 ")


def test_a_body_that_is_too_large_is_not_read_at_all(odd):
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    told = odd.told(head)
    assert (told["body"], told["CONTENT_LENGTH"]) == ("", "99999999")


def test_a_body_that_does_not_come_is_a_408_that_closes(odd):
    answer = odd.whole(b"POST /api/cart/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "request_timeout"
    assert json.loads(body)["error"] is True  # the shape of the contract the path belongs to


def test_when_all_threads_are_busy_liveness_is_answered_and_the_overflow_is_told_to_come_back(odd):
    nap = b"GET /nap HTTP/1.1\r\n" + CLOSE + b"\r\n"
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(odd.line(nap)) for _ in range(3)]
        time.sleep(0.3)
        started = time.monotonic()
        assert odd.answers("/health/live/")
        assert odd.answers("/healthz")
        refused = odd.whole(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert time.monotonic() - started < 1
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in refused
        assert [line.recv(12) for line in lines] == [b"HTTP/1.1 200"] * 3
    soon(lambda: odd.answers("/"))


def test_a_file_goes_out_whole_from_no_thread_and_little_memory(odd):
    worker = psutil.Process(odd.process.pid).children()[0]
    before = worker.memory_info().rss
    request = b"GET /file HTTP/1.1\r\n" + CLOSE + b"\r\n"
    with odd.line(request) as line, odd.line(request), odd.line(request):
        soon(lambda: odd.answers("/"))  # three readers who do not read, two threads
        size = sum(len(part) for part in iter(lambda: line.recv(1 << 20), b""))
    assert BIG < size < BIG + 500
    assert worker.memory_info().rss - before < 40 * 1024 * 1024


def test_parts_go_out_as_they_come(odd):
    with odd.line(b"GET /parts HTTP/1.1\r\n" + CLOSE + b"\r\n") as line:
        early = b""
        while b"one " not in early:
            early += line.recv(65536)
        late = b"".join(iter(lambda: line.recv(65536), b""))
    assert b"two" not in early
    assert b"two" in late


@pytest.mark.parametrize("stays", [True, False])
def test_an_endless_answer_ends_and_is_closed_when_nobody_reads_it(odd, stays):
    before = len(odd.call("/")[1]["closings"])
    with odd.line(b"GET /endless HTTP/1.1\r\n" + CLOSE + b"\r\n") as line:
        assert line.recv(12) == b"HTTP/1.1 200"
        if not stays:
            line.close()
        soon(lambda: len(odd.call("/")[1]["closings"]) > before)


def test_bodies_may_only_hold_so_much_memory_together_and_give_it_back(odd):
    body = b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: %d\r\n\r\n"
    for _ in range(3):
        assert odd.told(body % 400_000 + b"x" * 400_000)["CONTENT_LENGTH"] == "400000"
        refused = odd.whole(body % 1_200_000 + b"x" * 1_200_000)
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5\r\n" in refused


def test_an_exception_outside_django_is_a_500_and_one_log_entry(odd):
    status, body = odd.call("/broken")
    assert (status, body["code"]) == (500, "internal_error")
    assert "broken on purpose" not in json.dumps(body)
    assert odd.log.read_text().count("ValueError: broken on purpose") == 1
