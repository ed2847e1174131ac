"""The installation as the world sees it."""

import requests

from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, bad, doubtful, good, left_out
from apps.operations.preflight.registry import Part, check

ANSWER_SECONDS = 10


@check(
    "readiness",
    Part.TARGET,
    "What runs at the address now is alive and ready.",
    hint="Read its /health/ and mend that first: a release on an ill installation hides which of the two is broken.",
)
def readiness(flight: Flight) -> Seen:
    if not flight.url:
        return left_out("No --url was given: nobody was asked whether what runs now is well.")
    base, lines = flight.url.rstrip("/"), []
    for path in ("/health/live/", "/health/ready/"):
        try:
            reply = requests.get(f"{base}{path}", timeout=ANSWER_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            return bad(f"{base}{path} does not answer: {type(error).__name__}.")
        lines.append(f"{path} answers {reply.status_code} in {reply.elapsed.total_seconds() * 1000:.0f} ms")
        if reply.status_code != requests.codes.ok:
            return bad(f"{base}{path} answers {reply.status_code}.", *lines, reply.text[:300])
    if '"degraded"' in reply.text:
        return doubtful(f"{base} serves, degraded.", *lines, reply.text[:300])
    return good(f"{base} is alive and ready.", *lines)
