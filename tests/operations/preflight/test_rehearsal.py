"""The rehearsals on real servers: this repository's last commit migrated, booted and used, and what stops them."""

import psycopg
import pytest

from apps.operations.preflight.checks.rehearsal import (
    migration_lint,
    migrations_apply,
    old_tests,
    registration,
    rollback,
)
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.scratch import Scratch
from tests.operations.releases.checkout import needs_history

pytestmark = [pytest.mark.slow, needs_history]
BLOCKING = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("products", "{}")]
    operations = [migrations.AddField("product", "origin", models.CharField(max_length=60, default=""))]
"""


def ask(flight, sql):
    """Of the database that the rehearsals copy."""
    name = flight.scratch.migrated("HEAD", flight.repository.head.id).name
    with psycopg.connect(flight.scratch.url(name), autocommit=True) as line:
        return line.execute(sql)


def test_a_release_is_rehearsed_from_its_migrations_to_the_way_back(fly, monkeypatch):
    """Here the last commit is both releases. Then the schema loses what the code needs: S1's own 500, and worse."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop@127.0.0.1:1/shop")
    flight = fly(since="HEAD")
    applied = migrations_apply.look(flight)
    assert applied.outcome == "ok", applied
    assert ", on the schema of HEAD, in " in applied.sentence
    served = registration.look(flight)
    assert served.outcome == "ok", served
    assert {"V1: register/complete", "V2: signup", "V2: pin/change", "texted code: signs in"} <= set(served.lines)
    ask(flight, "ALTER TABLE accounts_profile RENAME COLUMN date_of_birth TO born")
    broken = registration.look(flight)
    assert broken.outcome == "failed"
    assert broken.sentence.startswith("It stops at V1: register/complete. POST /api/v1/onboarding/register/complete ")
    ask(flight, "ALTER TABLE products_product DROP COLUMN name CASCADE")
    back = rollback.look(flight)
    assert (back.outcome, back.sentence[:34]) == ("failed", "HEAD does not work on this schema.")
    assert old_tests.look(flight).outcome == "failed"


class InTheWay(Scratch):
    """Its databases hold a table that the first migration wants to make."""

    def _create(self, **told):
        name = super()._create(**told)
        with psycopg.connect(self.url(name), autocommit=True) as line:
            line.execute("CREATE TABLE auth_permission ()")
        return name


def test_migrations_that_do_not_apply_fail_and_leave_the_rest_without_a_verdict(fly):
    flight = fly(scratch=InTheWay())
    seen = migrations_apply.look(flight)
    assert seen.outcome == "failed"
    assert "auth_permission" in seen.sentence
    with pytest.raises(CannotCheck, match="There is no schema to boot on"):
        registration.look(flight)


def test_before_the_first_release_there_is_nothing_to_go_back_to(fly, checkout):
    flight = fly(checkout.root)
    assert rollback.look(flight).sentence.startswith("First release:")
    assert old_tests.look(flight).outcome == "ok"


def test_a_release_that_is_not_there_has_no_verdict(fly):
    for one in (rollback, old_tests, migrations_apply, migration_lint):
        with pytest.raises(CannotCheck):
            one.look(fly(since="no-such-release"))


def test_a_migration_that_would_stop_the_shop_is_found_before_it_does(fly, clone):
    flight = fly(clone.root, since="HEAD")
    assert migration_lint.look(flight).sentence == "0 migrations since HEAD."
    last = max(path.stem for path in (clone.root / "apps/products/migrations").glob("0*.py"))
    clone.write("apps/products/migrations/0999_origin.py", BLOCKING.format(last))
    seen = migration_lint.look(flight)
    assert (seen.outcome, seen.sentence) == ("failed", "1 finding in 1 migration.")
    assert "add-column-default" in seen.lines[0]


def test_databases_made_for_a_rehearsal_are_gone_after_it():
    scratch = Scratch()
    name = scratch._create(like="template1")
    with psycopg.connect(scratch.url(name)):  # somebody still looks
        scratch.close()
    with psycopg.connect(scratch.url("postgres")) as line:
        assert line.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchall() == []
