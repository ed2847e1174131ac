"""`manage.py migrate_safely` as a deployment runs it: real processes, real locks, kill -9."""

import socket
import time

import pytest

from tests.operations.releases.checkout import Checkout, Database, release_n
from tests.operations.releases.pooler import Pooler

ADDS_CITY = "AddField('parcel', 'city', models.TextField(db_default=''))"
SLOW = "RunSQL('SELECT pg_sleep(' + os.environ.get('NAP', '0') + ')', RunSQL.noop)"
AT_SLEEP = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep%%' AND state = 'active' AND datname = %s "
    "AND pid <> pg_backend_pid()"
)
CITY_INDEX = "AddIndexConcurrently('parcel', models.Index(fields=['note'], name='parcel_note'))"
BUILDING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%%' AND state = 'active'"
INVALID = "SELECT 1 FROM pg_index WHERE NOT indisvalid"


@pytest.fixture
def database(request):
    return Database(f"migrating_{abs(hash(request.node.name)) % 10**8}", like=release_n())


@pytest.fixture
def checkout(tmp_path, database):
    """Release N's code beside its database."""
    return Checkout(tmp_path / "code", database)


def test_waiting_migrations_are_applied_a_line_each_and_then_nothing_is_left_to_do(tmp_path):
    database = Database("migrating_empty")
    code = Checkout(tmp_path / "code", database, release="second", upto=3)
    status, said = code.migrate("--check")
    assert (status, said.splitlines()[-1]) == (1, "3 wait.")
    status, said = code.migrate()
    assert status == 0, said
    names = [line.split("  ")[0] for line in said.splitlines()]
    assert names == ["parcels.0001_initial", "parcels.0002_expand", "parcels.0003_forget_fax", "Done: 3 applied."]
    assert code.migrate() == (0, "Nothing to do: the database is at this release.\n")
    assert code.migrate("--check") == (0, "Nothing waits.\n")
    assert database.applied() == ["0001_initial", "0002_expand", "0003_forget_fax"]


def test_a_plan_shows_the_steps_with_what_the_linter_has_against_them_and_changes_nothing(checkout, database):
    checkout.migration("0002_naive", "AddField('parcel', 'city', models.TextField(default=''))")
    status, said = checkout.migrate("--plan")
    assert status == 0
    assert "parcels.0002_naive\n  Add field city to parcel\n  ! " in said
    assert ":8 add-column-default: " in said
    assert database.columns() == {"id", "code", "note", "fax"}


def test_without_a_database_it_says_so_and_exits_with_two(checkout):
    gone = checkout.database.url.replace(checkout.database.name, "nowhere")
    for arguments in ((), ("--check",), ("--plan",)):
        status, said = checkout.migrate(*arguments, DATABASE_URL=gone)
        assert status == 2
        assert "The database cannot be reached." in said
        assert "Traceback" not in said


def test_the_direct_address_is_used_where_one_is_given(checkout):
    checkout.migration("0002_city", ADDS_CITY)
    gone = checkout.database.url.replace(checkout.database.name, "nowhere")
    status, said = checkout.migrate(DATABASE_URL=gone, MIGRATION_DATABASE_URL=checkout.database.url)
    assert status == 0, said
    assert "city" in checkout.database.columns()


def test_a_killed_migrator_leaves_all_or_nothing_and_the_next_one_completes(checkout, database):
    checkout.migration("0002_city", f"{ADDS_CITY}, {SLOW}")
    killed = checkout.start("manage.py", "migrate_safely", NAP="20")
    database.wait_for(AT_SLEEP, database.name)
    following = checkout.start("manage.py", "migrate_safely")
    said = following.stdout.readline()
    killed.kill()
    killed.communicate()
    # The killed one's statement runs on in the server for a moment, and the next one waits for that too.
    said += "".join(following.communicate(timeout=30))
    assert following.returncode == 0, said
    assert said.count("Another migrator is at work") == 2
    assert database.applied() == ["0001_initial", "0002_city"]
    assert "city" in database.columns()


def test_killed_right_after_its_last_statement_it_is_recorded_or_undone(checkout, database):
    # Django alone commits the schema first and records it after: CreateModel with an index has such a moment.
    depot = "CreateModel('Depot', [('id', models.BigAutoField(primary_key=True)), ('name', models.SlugField())])"
    checkout.migration("0002_depot", depot)
    database.ask(
        "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF new.name = '0002_depot' THEN PERFORM pg_sleep(20); END IF; RETURN new; END$$"
    )
    database.ask("CREATE TRIGGER nap BEFORE INSERT ON django_migrations FOR EACH ROW EXECUTE FUNCTION nap()")
    killed = checkout.start("manage.py", "migrate_safely")
    database.wait_for(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO \"django_migrations\"%%' AND state = 'active' "
        "AND datname = %s",
        database.name,
    )
    killed.kill()
    killed.communicate()
    database.ask("DROP TRIGGER nap ON django_migrations")
    assert checkout.migrate()[0] == 0
    assert database.applied() == ["0001_initial", "0002_depot"]


def test_of_two_migrators_one_works_and_the_other_waits_and_finds_nothing_to_do(checkout, database):
    checkout.migration("0002_city", f"{ADDS_CITY}, {SLOW}")
    one = checkout.start("manage.py", "migrate_safely", NAP="2")
    database.wait_for(AT_SLEEP, database.name)
    status, said = checkout.migrate(NAP="2")
    assert status == 0
    assert f"hanout migrate_safely {socket.gethostname()[:24]} {one.pid}" in said
    assert said.endswith("Nothing to do: the database is at this release.\n")
    assert one.communicate()[0].endswith("Done: 1 applied.\n")
    assert database.applied() == ["0001_initial", "0002_city"]


def test_a_second_migrator_does_not_wait_for_ever(checkout, database):
    checkout.migration("0002_city", f"{ADDS_CITY}, {SLOW}")
    one = checkout.start("manage.py", "migrate_safely", NAP="20")
    database.wait_for(AT_SLEEP, database.name)
    status, said = checkout.migrate(MIGRATION_WAIT_SECONDS="0")
    one.kill()
    one.communicate()
    assert status == 2
    assert "still at work" in said
    assert database.applied() == ["0001_initial"]


def test_a_migration_that_gets_no_lock_steps_aside_for_traffic_and_succeeds_later(checkout, database):
    checkout.migration("0002_city", ADDS_CITY)
    database.ask("INSERT INTO parcels_parcel (code, note) VALUES ('a', '')")
    with database.connect(autocommit=False, application_name="month's end") as report:
        report.execute("SELECT 'secret 4711', * FROM parcels_parcel")
        migrator = checkout.start("manage.py", "migrate_safely", MIGRATION_LOCK_TIMEOUT_MS="300")
        # Reads queue behind the waiting ALTER TABLE: for 300 ms, not for as long as the report takes.
        with database.connect(options="-c statement_timeout=5s") as reader:
            said = [migrator.stdout.readline()]
            for _ in range(50):
                assert reader.execute("SELECT count(*) FROM parcels_parcel").fetchone() == (1,)
                time.sleep(0.01)
        said.append(migrator.stdout.readline())
        assert database.columns() == {"id", "code", "note", "fax"}
    rest, _ = migrator.communicate(timeout=30)
    assert migrator.returncode == 0
    assert "parcels.0002_city got no lock; it is held by PostgreSQL process" in said[0]
    assert "(month's end, idle in transaction, in its transaction for" in said[0]
    assert "SELECT ?, * FROM parcels_parcel" in said[0]
    assert "try 2 of 10" in said[0]
    assert "secret" not in "".join(said)
    assert rest.endswith("Done: 1 applied.\n")
    assert "city" in database.columns()


def test_a_lock_that_is_never_had_ends_in_a_sentence_with_what_was_applied_before(checkout, database):
    checkout.migration("0002_depot", "CreateModel('Depot', [('id', models.BigAutoField(primary_key=True))])")
    checkout.migration("0003_city", ADDS_CITY, after="0002_depot")
    with database.connect(autocommit=False) as report:
        report.execute("SELECT * FROM parcels_parcel")
        status, said = checkout.migrate(MIGRATION_LOCK_TIMEOUT_MS="100", MIGRATION_ATTEMPTS="2")
    assert status == 1
    assert "parcels.0003_city got no lock in 2 tries; it is held by PostgreSQL process" in said
    assert database.applied() == ["0001_initial", "0002_depot"]
    assert checkout.migrate()[0] == 0


def test_an_index_left_half_built_by_a_kill_is_dropped_and_built_anew(checkout, database):
    checkout.migration("0002_index", CITY_INDEX, atomic=False)
    with database.connect(autocommit=False) as report:
        report.execute("SELECT * FROM parcels_parcel")  # the build waits for it, longer than any lock_timeout
        report.execute("INSERT INTO parcels_parcel (code, note) VALUES ('a', '')")
        killed = checkout.start("manage.py", "migrate_safely", MIGRATION_LOCK_TIMEOUT_MS="100")
        database.wait_for(INVALID)
        with database.connect() as traffic:  # nothing queues behind it
            traffic.execute("INSERT INTO parcels_parcel (code, note) VALUES ('b', '')")
        killed.kill()
        killed.communicate()
        database.wait_for(f"SELECT 1 WHERE NOT EXISTS ({BUILDING})")
    status, said = checkout.migrate()
    assert status == 0, said
    assert "left the index parcel_note half built" in said
    assert database.ask(INVALID) == []
    assert database.ask("SELECT 1 FROM pg_class WHERE relname = 'parcel_note'") == [(1,)]


def test_an_index_finished_by_a_killed_migrator_and_not_recorded_is_built_anew(checkout, database):
    checkout.migration("0002_index", CITY_INDEX, atomic=False)
    database.ask("CREATE INDEX parcel_note ON parcels_parcel (code)")
    status, said = checkout.migrate()
    assert status == 0, said
    assert "the index parcel_note finished and not recorded" in said
    ((definition,),) = database.ask("SELECT pg_get_indexdef('parcel_note'::regclass)")
    assert definition.endswith("(note)")


def test_a_migration_without_transaction_that_stopped_half_way_is_explained(checkout, database):
    unique = "RunSQL('CREATE UNIQUE INDEX CONCURRENTLY note_once ON parcels_parcel (note)', RunSQL.noop)"
    checkout.migration("0002_half", f"{ADDS_CITY}, {unique}", atomic=False)
    for code in "ab":
        database.ask("INSERT INTO parcels_parcel (code, note) VALUES (%s, 'twice')", code)
    status, said = checkout.migrate()
    assert status == 1
    assert "parcels.0002_half runs without a transaction and stopped at: Raw SQL operation." in said
    assert "done and stay: Add field city to parcel." in said
    assert "The index note_once is half built" in said
    assert "twice" not in said  # PostgreSQL quotes the row in its second line
    database.ask("UPDATE parcels_parcel SET note = code")
    status, said = checkout.migrate()
    assert status == 1
    assert 'column "city" of relation "parcels_parcel" already exists' in said
    assert "undo it by hand" in said
    database.ask("ALTER TABLE parcels_parcel DROP COLUMN city")
    assert checkout.migrate()[0] == 0
    assert database.ask(INVALID) == []


def test_a_statement_that_takes_too_long_is_undone_and_named(checkout, database):
    checkout.migration("0002_city", f"{ADDS_CITY}, {SLOW}")
    status, said = checkout.migrate(NAP="20", MIGRATION_STATEMENT_TIMEOUT_MS="1000")
    assert status == 1
    assert "parcels.0002_city took longer than MIGRATION_STATEMENT_TIMEOUT_MS allows" in said
    assert "city" not in database.columns()


def test_two_last_migrations_in_one_app_are_refused_before_anything_runs(checkout, database):
    checkout.migration("0002_city", ADDS_CITY)
    checkout.migration("0002_town", "AddField('parcel', 'town', models.TextField(db_default=''))")
    status, said = checkout.migrate()
    assert status == 2
    assert "parcels: 0002_city, 0002_town" in said
    assert database.columns() == {"id", "code", "note", "fax"}


def test_a_lock_session_that_is_cut_stops_the_migrator_before_its_next_migration(checkout, database):
    checkout.migration("0002_city", f"{ADDS_CITY}, {SLOW}")
    checkout.migration("0003_town", "AddField('parcel', 'town', models.TextField(db_default=''))", after="0002_city")
    migrator = checkout.start("manage.py", "migrate_safely", NAP="1")
    database.wait_for(AT_SLEEP, database.name)
    database.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'hanout migrate_safely%%' AND datname = %s",
        database.name,
    )
    _, said = migrator.communicate(timeout=30)
    assert migrator.returncode == 1
    assert "another migrator may run" in said
    assert database.applied() == ["0001_initial", "0002_city"]


def test_a_pooler_that_shares_sessions_is_found_out_and_the_direct_address_asked_for(checkout, database):
    checkout.migration("0002_city", ADDS_CITY)
    pooler = Pooler(database.parameters, database.name)
    status, said = checkout.migrate(DATABASE_URL=pooler.url)
    assert status == 2
    assert "Set MIGRATION_DATABASE_URL to the database's direct address." in said
    assert database.columns() == {"id", "code", "note", "fax"}
    status, said = checkout.migrate(DATABASE_URL=pooler.url, MIGRATION_DATABASE_URL=database.url)
    assert status == 0, said
    pooler.close()
