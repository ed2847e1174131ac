"""The deployment and its undoing, done once before they count: on a throwaway database, with the commit's own files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from apps.operations.migrating.previous_release import CannotProve, prove_old_tests, prove_rollback
from apps.operations.migrating.visiting import NotAsItShouldBe
from apps.operations.preflight.checks.customers import everybody
from apps.operations.preflight.children import last_lines, run_python
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, bad, counted, good
from apps.operations.preflight.registry import Part, check
from apps.operations.preflight.scratch import Migrated, checked_out

LINT_SECONDS = 120
OLD_TESTS = ("tests/contracts/test_v1.py",)


@check(
    "migration-lint",
    Part.REHEARSAL,
    "No migration since the last release stops or breaks the one that runs.",
    hint="docs/migrations.md has a recipe for each rule.",
)
def migration_lint(flight: Flight) -> Seen:
    release = flight.release
    since = ("--since", release.ref) if release else ()
    # The linter asks a server for its version only; never that of the target.
    environ = {"DATABASE_URL": flight.scratch.url("postgres"), "ENVIRONMENT": "development"}
    done = run_python(
        flight.root, "manage.py", "lint_migrations", "--json", *since, seconds=LINT_SECONDS, environ=environ
    )
    try:
        told = json.loads(done.stdout)
    except ValueError:
        said = last_lines(done.stderr or done.stdout, 1)
        raise CannotCheck(f"The linter could not look: {said[0] if said else 'it said nothing'}") from None
    read, findings = told["migrations"], told["findings"]
    if findings:
        return bad(f"{counted(len(findings), 'finding')} in {counted(len(read), 'migration')}.", *map(_shown, findings))
    accepted = [f"accepted: {_shown(one)}" for one in told["accepted"]]
    answered = f", {len(accepted)} answered for" if accepted else ""
    return good(f"{counted(len(read), 'migration')} since {release.name or 'nothing'}{answered}.", *accepted)


def _shown(finding: dict[str, object]) -> str:
    return " ".join(str(value) for value in finding.values() if value not in {None, ""})


@check(
    "migrations-apply",
    Part.REHEARSAL,
    "The migrations apply, on the last release's schema or on nothing, within their time limits.",
    hint="Run `manage.py migrate_safely` on an empty database and see what it says.",
)
def migrations_apply(flight: Flight) -> Seen:
    try:
        done = _migrated(flight)
    except NotAsItShouldBe as wrong:
        return bad(str(wrong))
    way = f"on the schema of {flight.release.name}" if flight.release else "on an empty database"
    return good(
        f"{counted(done.migrations, 'migration')}, {way}, in {done.seconds:.0f} s, PostgreSQL {flight.scratch.version}."
    )


def _migrated(flight: Flight) -> Migrated:
    """The schema after the deployment, reached the way the target will reach it."""
    before = (flight.release.ref,) if flight.release else ()
    return flight.scratch.migrated(*before, flight.repository.head.id)


@contextmanager
def _on_this_schema(flight: Flight, purpose: str, *, is_for_tests: bool = False) -> Iterator[str]:
    """The address of a copy of that schema; a proof that could not even be begun is no verdict."""
    try:
        with flight.scratch.copied(_migrated(flight), is_for_tests=is_for_tests) as url:
            yield url
    except NotAsItShouldBe as wrong:
        raise CannotCheck(f"There is no schema to {purpose} on. {wrong}") from None
    except CannotProve as error:
        raise CannotCheck(str(error)) from None


@check(
    "registration",
    Part.REHEARSAL,
    "Customers register and sign in on this commit as it is served: V1, V2 and texted codes.",
    hint="Start it by `make run` and try the step that failed; /inbox/ shows the codes.",
)
def registration(flight: Flight) -> Seen:
    try:
        migrated = _migrated(flight)
    except NotAsItShouldBe as wrong:
        raise CannotCheck(f"There is no schema to boot on. {wrong}") from None
    done: list[str] = []
    with (
        flight.scratch.copied(migrated) as url,
        checked_out(flight.repository.head.id, url) as code,
        code.served() as visitor,
    ):
        for name, act in everybody(code, visitor):
            try:
                act()
            except NotAsItShouldBe as wrong:
                return bad(f"It stops at {name}. {wrong}", f"{counted(len(done), 'step')} before it went well")
            done.append(name)
    return good(f"{counted(len(done), 'step')} against a booted instance, all as they should be.", *done)


@check(
    "rollback",
    Part.REHEARSAL,
    "The last release boots and serves on this release's schema, so going back is deploying it again.",
    hint="Keep what the old code reads until the release after this one; docs/migrations.md, expand and contract.",
)
def rollback(flight: Flight) -> Seen:
    release = flight.release
    if not release:
        return good("First release: there is nothing to go back to, and no customer to lose.")
    with _on_this_schema(flight, "go back") as url:
        proof = prove_rollback(ref=release.ref, database_url=url)
    lines = [f"{step.name}: {step.sentence} ({step.seconds} s)" for step in proof.steps]
    if not proof.is_proved:
        return bad(f"{release.name} does not work on this schema. {proof.steps[-1].sentence}", *lines)
    return good(f"Deploy {release.name} ({proof.commit[:10]}) again: it was booted and used on this schema.", *lines)


@check(
    "old-tests",
    Part.REHEARSAL,
    "The last release's recorded V1 requests are answered by its own code on this release's schema.",
    hint="Something the old code writes or reads no longer fits; docs/migrations.md, expand and contract.",
)
def old_tests(flight: Flight) -> Seen:
    release = flight.release
    if not release:
        return good("First release: there is no old code.")
    with _on_this_schema(flight, "test", is_for_tests=True) as url:
        proof = prove_old_tests(ref=release.ref, database_url=url, tests=OLD_TESTS)
    if not proof.is_proved:
        return bad(f"The tests of {release.name} fail on this schema.", proof.steps[-1].sentence)
    return good(f"{release.name} on this schema: {proof.steps[-1].sentence.rsplit(': ', 1)[-1]}")
