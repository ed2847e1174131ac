"""The way back: the previous release works on this release's schema, and that is proved before anybody needs it.

It is taken from git, runs on this interpreter (its own libraries are not installed again), in development mode so that
nothing leaves the machine, and against a database that must be a copy: both proofs write to it.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from apps.operations.migrating.checkouts import CannotProve, Checkout, check_out, tail
from apps.operations.migrating.visiting import NotAsItShouldBe

__all__ = ["CannotProve", "Proof", "Step", "prove_old_tests", "prove_rollback"]

CHECK_SECONDS, TESTS_SECONDS = 120, 900
TEST_PREFIX = "test_"  # Django's, in front of the database it is told
_KNOWN_TABLES = "from django.db import connection as c; print(*c.introspection.django_table_names(), sep=chr(10))"
_FOREIGN_KEYS = """
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
    JOIN pg_class c ON c.oid = conrelid WHERE contype = 'f' AND NOT relname = ANY(%s)
"""


@dataclass(frozen=True)
class Step:
    """One thing the previous release had to be able to do."""

    name: str
    is_done: bool
    sentence: str
    seconds: float


@dataclass(frozen=True)
class Proof:
    """Whether going back to `ref` would work, and what that rests on."""

    ref: str
    commit: str
    steps: tuple[Step, ...]

    @property
    def is_proved(self) -> bool:
        return bool(self.steps) and all(step.is_done for step in self.steps)


class _Prover:
    """Collects steps; the first that fails is the last."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, name: str, act: Callable[[], str]) -> bool:
        if self.steps and not self.steps[-1].is_done:
            return False
        started = time.monotonic()
        try:
            sentence, is_done = act(), True
        except NotAsItShouldBe as refused:
            sentence, is_done = str(refused), False
        self.steps.append(Step(name, is_done, sentence, round(time.monotonic() - started, 2)))
        return is_done


def prove_rollback(*, ref: str, database_url: str) -> Proof:
    """Boot the release at `ref` on the database's schema and use it over HTTP; raises `CannotProve`.

    `database_url` is a copy at the new schema; a customer is written to it.
    """
    with _checkout(ref, database_url) as code:
        proof = _Prover()
        if proof.step("checks itself", lambda: _check(code)):
            with code.served() as visitor:
                for name, act in visitor.acts.items():
                    proof.step(name, act)
        return Proof(ref, code.commit, tuple(proof.steps))


def prove_old_tests(*, ref: str, database_url: str, tests: Sequence[str] = ("tests",)) -> Proof:
    """Run the tests of the release at `ref` on a schema it did not make; raises `CannotProve`.

    `database_url` names an empty database at the new schema, called `test_…`; the tests write to it and empty it.
    """
    parts = urlsplit(database_url)
    name = parts.path.removeprefix("/")
    if not name.startswith(TEST_PREFIX):
        raise CannotProve(f"Tests empty their database, so it must be called {TEST_PREFIX}…, and {name} is not.")
    told = urlunsplit(parts._replace(path="/" + name.removeprefix(TEST_PREFIX)))
    with _checkout(ref, told) as code:
        proof = _Prover()
        proof.step("lets its tables be emptied", lambda: _detach(code, database_url))
        proof.step("passes its tests", lambda: _test(code, tests))
        return Proof(ref, code.commit, tuple(proof.steps))


@contextmanager
def _checkout(ref: str, database_url: str) -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="hanout-previous-") as folder:
        yield check_out(ref=ref, home=Path(folder), database_url=database_url)


def _check(code: Checkout) -> str:
    done = code.run("manage.py", "check", seconds=CHECK_SECONDS)
    if done.returncode:
        raise NotAsItShouldBe(f"`manage.py check` failed: {tail(done.stderr)}")
    return "`manage.py check` finds nothing."


def _detach(code: Checkout, database_url: str) -> str:
    """Tables that only the new release knows must not keep the old tests from emptying theirs."""
    listed = code.run("manage.py", "shell", "-v", "0", "--no-imports", "-c", _KNOWN_TABLES, seconds=CHECK_SECONDS)
    if listed.returncode:
        raise NotAsItShouldBe(f"It does not say which tables it knows: {tail(listed.stderr)}")
    try:
        with psycopg.connect(database_url, autocommit=True) as line:
            drops = line.execute(_FOREIGN_KEYS, [listed.stdout.split()]).fetchall()
            for (drop,) in drops:
                line.execute(drop)
    except psycopg.Error as error:
        raise NotAsItShouldBe(f"The database cannot be prepared: {str(error).splitlines()[0]}") from None
    return f"{len(drops)} foreign keys of tables that only the new release knows were taken off the copy."


def _test(code: Checkout, tests: Sequence[str]) -> str:
    options = ("--reuse-db", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib")
    done = code.run("-m", "pytest", *options, *tests, seconds=TESTS_SECONDS)
    if done.returncode:
        raise NotAsItShouldBe(f"Its tests fail on this schema: {tail(done.stdout or done.stderr)}")
    return f"Its tests pass on this schema: {tail(done.stdout).rsplit(' / ', 1)[-1]}"
