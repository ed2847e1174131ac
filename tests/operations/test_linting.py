"""`manage.py lint_migrations`: what counts as live, what an author may answer for, and what the command says."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.operations.migrating import linting
from apps.operations.migrating.errors import CannotLint
from apps.operations.migrating.linting import lint
from apps.operations.migrating.releases import NOTHING, last_release, record_release, release_at
from apps.operations.migrating.unreleased import open_loader
from tests.operations.releases.checkout import HERE, needs_history
from tests.operations.releases.shelf import Loader, Shelf

ADDS_CITY = 'migrations.AddField("parcel", "city", models.TextField(default="")),'


def written(shelf, *lines):
    shelf.add("\n".join(["operations = [", *(f"    {line}" for line in lines), "]"]))
    return shelf.lint(connection)


def sql(text):
    return f"migrations.RunSQL({text!r}, migrations.RunSQL.noop),"


def test_the_naive_migration_of_the_two_releases_is_refused_and_the_staged_ones_pass(shelf, tmp_path, monkeypatch):
    def body(path):
        lines = path.read_text().splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("class Migration"))
        helpers = [line for line in lines[:start] if line.startswith(("def ", "    "))]
        kept = [line[4:] for line in lines[start + 1 :] if "dependencies" not in line and "initial = " not in line]
        return "\n".join(["from django.db.models import F", *helpers, *kept])

    pair = Shelf(tmp_path, monkeypatch, base=body(HERE / "migrations" / "0001_initial.py"))
    pair.add(body(HERE / "naive.py"))
    assert pair.rules(connection) == {"add-column-default", "drop-column"}
    staged = Shelf(tmp_path, monkeypatch, base=body(HERE / "migrations" / "0001_initial.py"))
    for number, path in enumerate(sorted((HERE / "migrations").glob("000[2-7]*.py")), start=2):
        if number == 4:
            staged.release()
        staged.add(body(path))
    report = staged.lint(connection)
    assert (len(report.read), report.findings) == (4, ())
    for made in (pair, staged):
        made.forget()


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("alter table public.parcels_parcel add city text not null", {"add-column-default"}),
        ("ALTER TABLE parcels_parcel ADD city text, DROP fax", {"drop-column"}),
        ("ALTER TABLE parcels_parcel ADD COLUMN city text DEFAULT 'a, b' NOT NULL", set()),
        ("ALTER TABLE parcels_parcel ADD COLUMN depot bigint REFERENCES parcels_depot (id)", {"foreign-key"}),
        ("ALTER TABLE parcels_parcel ADD COLUMN token text UNIQUE", {"add-unique"}),
        ("ALTER TABLE parcels_parcel ADD COLUMN length int GENERATED ALWAYS AS (1) STORED", {"rewrite-table"}),
        ("ALTER TABLE parcels_parcel ADD CHECK (weight > 0)", {"add-constraint"}),
        ("ALTER TABLE parcels_parcel ADD CONSTRAINT heavy CHECK (weight > 0) NOT VALID", set()),
        ("ALTER TABLE parcels_parcel ADD CONSTRAINT apart EXCLUDE (weight WITH =)", {"add-constraint"}),
        ("ALTER TABLE parcels_parcel ALTER weight SET NOT NULL", {"set-not-null"}),
        ("ALTER TABLE parcels_parcel ALTER code TYPE text", set()),
        ("ALTER TABLE parcels_parcel ALTER code TYPE varchar(10)", {"alter-type"}),
        ("ALTER TABLE parcels_parcel ALTER COLUMN priority DROP DEFAULT", {"drop-default"}),
        ("ALTER TABLE parcels_parcel RENAME note TO remark", {"rename-column"}),
        ("ALTER TABLE parcels_parcel RENAME TO boxes", {"rename-table"}),
        ("CREATE UNIQUE INDEX once ON parcels_parcel (code)", {"add-unique"}),
        ("CREATE INDEX fast ON parcels_parcel (code)", {"add-index"}),
        ("DROP INDEX parcel_weight", {"drop-index"}),
        ("DROP TABLE parcels_depot", {"drop-table"}),
        ("LOCK TABLE parcels_parcel", {"lock-table"}),
        ("TRUNCATE parcels_parcel", {"lock-table"}),
        ("REINDEX TABLE parcels_parcel", {"lock-table"}),
        ("DELETE FROM parcels_parcel", {"data-in-one-go"}),
        ("INSERT INTO parcels_depot (name) SELECT code FROM parcels_parcel", {"data-in-one-go"}),
        ("INSERT INTO parcels_depot (name) VALUES ('Riyadh')", set()),
        ("CREATE TABLE parcels_round (id bigint); CREATE INDEX round_id ON parcels_round (id)", set()),
        ("-- DROP TABLE parcels_depot\nSELECT 1", set()),
    ],
)
def test_sql_written_by_hand_is_judged_by_its_words(shelf, text, rules):
    assert {finding.rule for finding in written(shelf, sql(text)).findings} == rules


def test_a_table_that_no_release_holds_may_be_changed_in_any_way(shelf):
    shelf.add(
        'operations = [migrations.CreateModel("Round", [("id", models.BigAutoField(primary_key=True)), '
        '("name", models.TextField(null=True))])]'
    )
    report = written(
        shelf,
        'migrations.AddField("round", "city", models.TextField(default="", unique=True)),',
        'migrations.AddIndex("round", models.Index(fields=["name"], name="round_name")),',
        'migrations.AlterField("round", "name", models.TextField()),',
        'migrations.RenameField("round", "name", "title"),',
        'migrations.RemoveField("round", "title"),',
        'migrations.DeleteModel("Round"),',
    )
    assert report.findings == ()
    assert len(report.read) == 2


def test_a_column_the_release_does_not_know_may_go_again(shelf):
    written(shelf, 'migrations.AddField("parcel", "city", models.TextField(null=True)),')
    assert written(shelf, 'migrations.RemoveField("parcel", "city"),').findings == ()


def test_before_the_first_release_nothing_is_live(shelf):
    shelf.released = frozenset()
    assert written(shelf, ADDS_CITY).findings == ()


def test_each_migration_can_be_judged_as_if_it_were_a_release(shelf):
    written(shelf, ADDS_CITY)
    loader = Loader(None, shelf.modules)
    report = lint(connection=connection, loader=loader, baseline=NOTHING, wanted=lambda _: True, is_each=True)
    assert {finding.rule for finding in report.findings} == {"add-column-default"}
    assert len(report.read) == 2


def test_a_reason_above_or_on_the_operation_moves_a_finding_to_what_is_accepted(shelf):
    report = written(
        shelf,
        "# The table has twelve rows.",
        "# safe: add-column-default: written by operators only, who are told to wait",
        "# safe: drop-column: nobody has a fax, the column was never read",
        ADDS_CITY,
        'migrations.RemoveField("parcel", "fax"),  # safe: drop-column: nobody has a fax, and it was never read',
        "migrations.AddIndex(",
        '    "parcel",',
        "    # safe: add-index: twelve rows are indexed in no time",
        '    models.Index(fields=["note"], name="parcel_note"),',
        "),",
    )
    assert [(finding.rule, finding.detail) for finding in report.findings] == [
        ("suppression", "it silences nothing here")
    ]
    assert [one.finding.rule for one in report.accepted] == ["add-column-default", "drop-column", "add-index"]
    assert report.accepted[0].text.endswith("accepted: written by operators only, who are told to wait")


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("# safe: add-column-default", "it names no rule or no reason"),
        ("# safe: add-column-default: ok", "its reason says too little"),
        ("# safe: because I say so", "it names no rule or no reason"),
        ("# safe: add-column: it has twelve rows only", "there is no rule add-column"),
        ("# safe: suppression: let me through, please do", "there is no rule suppression"),
        ("# safe: add-index: it has twelve rows only", "it silences nothing here"),
    ],
)
def test_a_suppression_that_does_not_count_is_a_finding_beside_the_one_it_meant(shelf, comment, fault):
    report = written(shelf, comment, ADDS_CITY)
    assert [(one.rule, one.detail) for one in report.findings if one.rule == "suppression"] == [("suppression", fault)]
    assert "add-column-default" in {finding.rule for finding in report.findings}
    assert report.accepted == ()


def test_a_suppression_further_up_does_not_reach_down(shelf):
    report = written(shelf, "# safe: add-column-default: it has twelve rows only", "", ADDS_CITY)
    assert {finding.rule for finding in report.findings} == {"add-column-default", "suppression"}


def test_operations_made_by_a_loop_share_its_line_and_the_others_keep_theirs(shelf):
    report = written(
        shelf,
        'migrations.AddField("parcel", "town", models.TextField(null=True)),',
        '*(migrations.AddField("parcel", name, models.TextField(default="")) for name in ("city", "street")),',
        'migrations.RemoveField("parcel", "fax"),',
    )
    first, second = report.findings
    assert (first.rule, second.rule) == ("add-column-default", "drop-column")
    assert second.line == first.line + 1


def test_the_linter_is_asked_about_what_our_own_rules_let_pass(shelf, monkeypatch):
    monkeypatch.setattr(linting, "JUDGES", ())
    (finding,) = written(shelf, ADDS_CITY).findings
    assert (finding.rule, finding.detail) == ("add-column-default", "says django_migration_linter")


def test_without_the_linter_our_own_rules_stand(shelf, monkeypatch):
    monkeypatch.setattr(linting, "is_library_here", lambda: False)
    (finding,) = written(shelf, ADDS_CITY).findings
    assert (finding.rule, finding.detail) == ("add-column-default", "parcels_parcel.city")


def test_a_release_is_written_once_and_the_newest_by_number_counts(tmp_path):
    loader = open_loader()
    assert last_release(loader=loader, folder=tmp_path) is NOTHING
    for version in ("0.9.0", "0.10.0"):
        record_release(version=version, loader=loader, folder=tmp_path)
    baseline = last_release(loader=loader, folder=tmp_path)
    assert baseline.name == "0.10.0"
    assert {app for app, _ in baseline.nodes} >= {"accounts", "orders", "auth"}
    assert ("accounts", "0001_initial") in baseline.nodes
    record_release(version="0.10.0", loader=loader, folder=tmp_path)
    kept = tmp_path / "0.10.0.json"
    changed = json.loads(kept.read_text())
    changed["migrations"]["accounts"] = "0005_door_indexes"
    kept.write_text(json.dumps(changed))
    with pytest.raises(CannotLint, match="a release is not changed"):
        record_release(version="0.10.0", loader=loader, folder=tmp_path)
    assert "0005_door_indexes" in kept.read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"version": "1.0.0", "migrations": {"orders": "0099_gone"}}', "names orders.0099_gone"),
    ],
)
def test_a_release_that_does_not_fit_is_no_clean_bill(tmp_path, text, reason):
    (tmp_path / "1.0.0.json").write_text(text)
    with pytest.raises(CannotLint, match=reason):
        last_release(loader=open_loader(), folder=tmp_path)


@needs_history
def test_a_git_reference_stands_for_a_release():
    baseline = release_at(ref="HEAD", loader=open_loader())
    assert ("accounts", "0001_initial") in baseline.nodes
    for ref in ("no-such-release", "--output=/tmp/x"):
        with pytest.raises(CannotLint):
            release_at(ref=ref, loader=open_loader())


@pytest.mark.usefixtures("_database")
def test_the_migrations_of_this_repository_pass_the_gate():
    out = StringIO()
    call_command("lint_migrations", stdout=out)
    assert out.getvalue().endswith(": 0 findings.\n")


@pytest.mark.usefixtures("_database")
def test_findings_end_with_one_and_can_be_read_by_programs():
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("lint_migrations", "accounts", "0002", "--all", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert ended.value.code == 1
    assert told["migrations"] == ["accounts.0002_ways_in"]
    assert {"rename-column", "rename-table", "drop-column"} <= {finding["rule"] for finding in told["findings"]}
    first = told["findings"][0]
    assert first["file"] == "apps/accounts/migrations/0002_ways_in.py"
    assert set(first) == {"file", "line", "migration", "rule", "sentence", "detail", "instead"}


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("arguments", [("--since", "no-such-release"), ("parcels",)])
def test_what_cannot_be_judged_ends_with_two(arguments):
    with pytest.raises(CommandError) as refused:
        call_command("lint_migrations", *arguments)
    assert refused.value.returncode == 2
