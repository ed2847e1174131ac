"""Golden pairs: requests as clients sent them, and the bytes they were answered, with ids and times masked."""

import json
import re
from pathlib import Path

from django.core import mail

from core.outbox import run_due_jobs
from tests.conftest import Api

MASKS = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<access>"),
    (re.compile(r"hr1\.[\w-]+\.[\w-]+"), "<refresh>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)"), "<time>"),
    (re.compile(r"req_[0-9a-f]{24}"), "<request>"),
)


def masked(text):
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


class Story:
    """The pairs of one file, asked in order; what an answer or a mail told is filled into the requests after it."""

    def __init__(self, path: Path) -> None:
        self.pairs = json.loads(path.read_text())
        self.known = {"session_id": "", "access": ""}

    def ask(self, pair):
        """Status and raw answer, not masked."""
        run_due_jobs()
        filled = json.loads(re.sub(r"\{(\w+)\}", lambda found: self.fact(found[1]), json.dumps(pair["body"])))
        method, path = pair["request"].split()
        api = Api(self.known["access"] if pair.get("signed_in") else "")
        reply = api.send(method, path, filled, headers=pair.get("headers"))
        self.learn(reply.json())
        return reply.status_code, reply.content.decode()

    def learn(self, answer):
        data = answer.get("data") or {}
        self.known["session_id"] = data.get("session_id") or self.known["session_id"]
        self.known["access"] = data.get("token", {}).get("access") or self.known["access"]

    def fact(self, name):
        """`otp` and `link` are read from the newest mail that has one; the rest from earlier answers."""
        if name in self.known:
            return self.known[name]
        pattern = {"otp": r"\b(\d{6})\b", "link": r"token=([\w=-]+)"}[name]
        return next(found[1] for sent in reversed(mail.outbox) if (found := re.search(pattern, sent.body)))
