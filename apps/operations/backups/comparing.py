"""A restored database held against what its backup says must be in it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from django.db.migrations.loader import MigrationLoader

from apps.operations.backups.address import Address
from apps.operations.backups.counting import counted
from apps.operations.backups.manifest import Contents, Figures, Manifest
from apps.operations.backups.reading import migrations_of, objects_of, schema_of, sequences_of, tables_of
from apps.operations.backups.smoke import complaints
from apps.operations.backups.watching import Watch


def differences(restored: Address, manifest: Manifest, contents: Contents, *, watch: Watch) -> list[str]:
    """One sentence for each thing that is not as it was; none is what everybody hopes for."""
    with restored.connect() as reader:
        tables = tables_of(reader)
        with counted(restored, tables, watch=watch) as figures:
            found = [
                *_in_sequences(contents.sequences, sequences_of(reader)),
                *_in_objects(contents.objects, objects_of(reader)),
            ]
            if migrations_of(reader, tables) != manifest.migrations:
                found.append("The migrations recorded in it are not those the backup was made with.")
            counts = figures()
        is_current = is_of_this_release(manifest.migrations)
        told = complaints(reader, schema=schema_of(tables)) if is_current else []
        new = [sentence for sentence in told if sentence not in contents.complaints]
        return [*_in_tables(contents.tables, counts), *found, *new]


def unknown_migrations(migrations: Sequence[str]) -> list[str]:
    """Applied there, and not part of this release: a later one made the backup, or another branch."""
    return sorted(set(migrations) - _known_migrations())


def missing_migrations(migrations: Sequence[str]) -> list[str]:
    """Part of this release, and not applied there: `manage.py migrate` does it after a restore."""
    return sorted(_known_migrations() - set(migrations))


def is_of_this_release(migrations: Sequence[str]) -> bool:
    """Whether exactly this release's migrations are applied."""
    return not unknown_migrations(migrations) and not missing_migrations(migrations)


@cache
def _known_migrations() -> frozenset[str]:
    return frozenset(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)


def _in_tables(wanted: Mapping[str, Figures], found: Mapping[str, Figures]) -> Iterator[str]:
    yield from (f"Table {name} is missing." for name in sorted(wanted.keys() - found.keys()))
    yield from (f"Table {name} is there and was not in the backup." for name in sorted(found.keys() - wanted.keys()))
    for name in sorted(wanted.keys() & found.keys()):
        if wanted[name].rows != found[name].rows:
            yield f"Table {name} has {found[name].rows} rows instead of {wanted[name].rows}."
        elif wanted[name].checksum != found[name].checksum:
            yield f"Table {name} has the right number of rows, and different ones."


def _in_sequences(wanted: Mapping[str, tuple[int, int]], found: Mapping[str, int]) -> Iterator[str]:
    for name, (low, high) in sorted(wanted.items()):
        if name not in found:
            yield f"Sequence {name} is missing."
        elif not low <= found[name] <= high:
            between = f"{low}" if low == high else f"between {low} and {high}"
            yield f"Sequence {name} stands at {found[name]} instead of {between}."


def _in_objects(wanted: Mapping[str, bool], found: Mapping[str, bool]) -> Iterator[str]:
    """What was not in force may be missing: pg_dump leaves out indexes that were never finished."""
    for name in sorted(name for name, is_in_force in wanted.items() if is_in_force):
        if name not in found:
            yield f"{name[0].upper()}{name[1:]} is missing."
        elif not found[name]:
            yield f"{name[0].upper()}{name[1:]} is there and not in force."
