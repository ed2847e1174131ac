"""The tests of exactly this commit, and V1 answered as it always was."""

import json
import re
import time
from collections.abc import Mapping

from apps.operations.preflight.children import Done, last_lines, run_python
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.kept import Kept, forget_evidence, keep_evidence, kept_evidence
from apps.operations.preflight.outcomes import Seen, aged, bad, counted, good
from apps.operations.preflight.registry import Part, check
from apps.operations.preflight.witness import TESTS

SUITE = ("-n", "2", "--dist", "loadfile")
SUITE_SECONDS, STORIES_SECONDS = 1500, 180
STORIES = "tests/contracts/v1"
_COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected)\b")
_SUMMARY = re.compile(r"^=* ?(?=.*\d+ (?:passed|failed|error)).* in [\d.]+s\b.*$", re.MULTILINE)
_NO_TESTS = 5  # pytest's exit code when it collected none


@check(
    TESTS,
    Part.CODE,
    "All tests pass for this commit.",
    hint="Run `make test`, mend what fails, commit, and run preflight again.",
    is_heavy=True,
)
def tests(flight: Flight) -> Seen:
    if not (flight.root / "tests").is_dir():
        raise CannotCheck("There are no tests here: run preflight from a checkout.")
    commit = flight.repository.head.id
    if flight.repository.changes():
        return bad("The tests would be those of no commit: something is uncommitted.")
    kept = kept_evidence(flight.folder, name=TESTS, commit=commit)
    if kept and not flight.is_fresh and kept.age <= flight.evidence_age:
        return good(f"{_told(kept.counts)} {aged(kept.age.total_seconds())} ago, in {aged(kept.seconds)}.", _by(kept))
    return _run_suite(flight, commit)


def _run_suite(flight: Flight, commit: str) -> Seen:
    begun = time.monotonic()
    done = _pytest(flight, *SUITE, seconds=SUITE_SECONDS)
    counts, seconds = _counts(done), time.monotonic() - begun
    if done.returncode or not counts.get("passed"):
        forget_evidence(flight.folder, name=TESTS, commit=commit)
        return _failure(done, counts)
    if flight.repository.changes() or flight.repository.commit_of("HEAD") != commit:
        return bad("The files changed while the tests ran, so the result belongs to no commit.")
    path = keep_evidence(flight.folder, name=TESTS, commit=commit, seconds=seconds, counts=counts)
    return good(f"{_told(counts)} just now, in {aged(seconds)}.", f"Kept in {path}.")


def _pytest(flight: Flight, *arguments: str, seconds: int) -> Done:
    options = ("-p", "no:cacheprovider", "--color", "no")
    return run_python(flight.root, "-m", "pytest", *arguments, *options, seconds=seconds)


def _counts(done: Done) -> dict[str, int]:
    """The figures of pytest's last line; a library that is missing leaves none."""
    lines = _SUMMARY.findall(done.stdout)
    found = _COUNTS.findall(lines[-1]) if lines else []
    return {word.replace("errors", "error"): int(number) for number, word in found}


def _failure(done: Done, counts: Mapping[str, int]) -> Seen:
    said = last_lines(done.stdout or done.stderr)
    if counts.get("failed") or counts.get("error"):
        return bad(_told(counts) + ".", *_failed_tests(done.stdout))
    if done.returncode == _NO_TESTS or (not done.returncode and not counts):
        return bad("No test ran.", *said)
    raise CannotCheck(f"pytest could not run: {(last_lines(done.stderr, 1) or said or ('it said nothing',))[-1]}")


def _failed_tests(output: str) -> list[str]:
    return re.findall(r"^(?:FAILED|ERROR) .*$", output, re.MULTILINE)[:20]


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in counts.items())


def _by(kept: Kept) -> str:
    return f"At {kept.at:%Y-%m-%d %H:%M} UTC by {kept.by}, for {kept.commit[:10]} with a clean tree."


@check(
    "golden-v1",
    Part.CODE,
    "Recorded requests of V1 are answered as they always were, byte for byte.",
    hint="V1 is frozen: change the code back, not the recording.",
)
def golden_v1(flight: Flight) -> Seen:
    if not (flight.root / STORIES).is_dir():
        raise CannotCheck("There are no recordings here: run preflight from a checkout.")
    if rewritten := _rewritten(flight):
        return bad("Recordings of the last release were changed.", *rewritten[:20])
    done = _pytest(flight, "tests/contracts/test_v1.py", seconds=STORIES_SECONDS)
    counts = _counts(done)
    if done.returncode or not counts.get("passed"):
        return _failure(done, counts)
    pairs = [pair for path in (flight.root / STORIES).glob("*.json") for pair in json.loads(path.read_text())]
    since = f"those of {flight.release.name} among them" if flight.release else "first release"
    return good(f"{counted(len(pairs), 'recorded request')} replayed; {since}.")


def _rewritten(flight: Flight) -> list[str]:
    """Pairs that the last release had and this commit has not: whoever edits the proof must not pass by it."""
    release = flight.release
    found = []
    for path in flight.repository.files(release.ref, STORIES) if release else ():
        file = flight.root / path
        kept = json.loads(file.read_text()) if file.is_file() else []
        then = json.loads(flight.repository.text(release.ref, path))
        found += [f"{path}: {pair['request']} {pair['status']}" for pair in then if pair not in kept]
    return found
