"""`docs/migrations.md`: what it calls refused is refused for that rule; what it recommends passes, and runs."""

import re

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.operations.migrating.applying import Migrator
from apps.operations.migrating.locking import only_migrator
from apps.operations.migrating.narrating import Narrator
from apps.operations.migrating.rules import RULES
from apps.operations.migrating.sessions import migrating_connection
from apps.operations.migrating.waiting import waiting
from config.env import ROOT
from tests.operations.releases.checkout import Database
from tests.operations.releases.shelf import Loader

PAGE = (ROOT / "docs" / "migrations.md").read_text()
FENCE = re.compile(r"```python([^\n]*)\n(.*?)```", re.DOTALL)


def recipes():
    """Rule → its fences: mark and body."""
    _, *sections = PAGE[PAGE.index("## Recipes") :].split("\n### ")
    found = {}
    for section in sections:
        rule = re.match(r"`([a-z-]+)`", section)[1]
        found[rule] = [(mark.strip(), body) for mark, body in FENCE.findall(section)]
    return found


RECIPES = recipes()


def test_every_rule_has_a_recipe():
    assert set(RECIPES) == set(RULES)
    assert [rule for rule, fences in RECIPES.items() if [mark for mark, _ in fences].count("refused") != 1] == []


@pytest.mark.parametrize("rule", RECIPES)
def test_what_the_page_calls_refused_is_refused_for_that_rule(rule, shelf):
    (body,) = [body for mark, body in RECIPES[rule] if mark == "refused"]
    name = shelf.add(body)
    report = shelf.lint(connection)
    assert {finding.rule for finding in report.findings} == {rule}
    assert {finding.migration.name for finding in report.findings} == {name}


@pytest.mark.parametrize("rule", [rule for rule, fences in RECIPES.items() if len(fences) > 1])
def test_what_the_page_recommends_passes_and_runs(rule, shelf, settings):
    for mark, body in RECIPES[rule]:
        if mark == "next release":
            shelf.release()
        if mark != "refused":
            shelf.add(body)
            assert shelf.rules(connection) == set()
    database = Database("recipes")
    settings.MIGRATION_DATABASE = {**settings.MIGRATION_DATABASE, "NAME": database.name}
    said = []
    narrator = Narrator(said.append)
    with migrating_connection() as own, only_migrator(own, wait_seconds=5, narrator=narrator) as watch:
        executor = MigrationExecutor(own)
        executor.loader = Loader(own, shelf.modules)
        executor.recorder.ensure_schema()
        migrator = Migrator(executor, watch, narrator)
        state = executor.migrate([], plan=[])
        for migration in waiting(executor):
            state = migrator.apply(migration, state)
            if migration.name == "0001_step":
                database.ask("INSERT INTO parcels_parcel (code, note, weight) VALUES ('a', '', 1)")
    assert len(said) == len(shelf.modules)
    assert database.applied() == list(shelf.modules)
