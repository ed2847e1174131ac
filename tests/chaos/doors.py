"""Hanout as a hostile client meets it: real sockets, from any address, at a worker of its choice."""

import itertools
import json
import os
import signal
import time
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

import psutil

from tests.processes import Served

TESTERS = {"X-OTP-TEST-KEY": "what only the testers of this server know"}
_numbers = itertools.count(1)


def fresh_phone():
    """One nobody has used, each in another range than the last few."""
    number = next(_numbers)
    return f"+9665{number % 90 + 10:02}{number:06}"


def fresh_address():
    """One nobody has called from, in a network nobody has called from."""
    number = next(_numbers)
    return f"11.{number >> 8}.{number & 255}.7"


def until(found, what, seconds=60):
    """Wait for something that is about to happen."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return value


class Door(Served):
    """A served Hanout. Behind its proxy, every call comes from the address given, or from a new one."""

    def ask(self, method, path, body=None, *, address="", token="", headers=(), line=None):
        """Status and decoded answer, over `line` if there is one to be kept."""
        used = line or self.line()
        sent = {
            "Content-Type": "application/json",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": address or fresh_address(),
            **dict(headers),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        try:
            used.request(method, path, None if body is None else json.dumps(body), sent)
            reply = used.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            if line is None:
                used.close()

    def send_code(self, phone, **more):
        return self.ask("POST", "/api/accounts/otp/send/", {"phone": phone}, headers=TESTERS, **more)

    def code_for(self, phone, **more):
        status, answer = self.send_code(phone, **more)
        assert status == 200, answer
        return answer["dev_code"]

    def verify(self, phone, code, **more):
        return self.ask("POST", "/api/accounts/otp/verify/", {"phone": phone, "code": code}, **more)

    def sign_in(self, phone, **more):
        """What a person gets who is sent a code and types it."""
        status, answer = self.verify(phone, self.code_for(phone, **more), **more)
        assert status == 200, answer
        return answer

    def refresh(self, token, **more):
        return self.ask("POST", "/api/users/token/refresh/", {"refresh": token}, **more)

    def me(self, token, **more):
        return self.ask("GET", "/api/accounts/me/", token=token, **more)

    def line(self):
        return HTTPConnection("127.0.0.1", self.port, timeout=30)

    def listens(self):
        """Whether it answers at all, be it that it is not ready."""
        with suppress(OSError):
            return bool(self.ask("GET", "/health/live/"))
        return False

    def workers(self):
        return psutil.Process(self.process.pid).children()

    @contextmanager
    def line_to_each(self, pids=()):
        """A kept connection to each of these workers, or to all."""
        wanted, lines = set(pids) or {worker.pid for worker in self.workers()}, []
        found = {}
        try:
            while wanted - set(found):
                lines.append(self.line())
                self.ask("GET", "/health/live/", line=lines[-1])
                found[self.owner(lines[-1])] = lines[-1]
                assert len(lines) < 200, "some worker takes no connection"
            yield found
        finally:
            for line in lines:
                line.close()

    def owner(self, line):
        """The worker at the other end of a connection that was used."""
        mine = line.sock.getsockname()[1]
        for worker in self.workers():
            if any(kept.raddr and kept.raddr.port == mine for kept in worker.net_connections(kind="tcp")):
                return worker.pid
        raise AssertionError("nobody holds this connection")

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=60)
