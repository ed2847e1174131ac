import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from io import StringIO
from urllib.parse import quote, urlencode

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from apps.products import searching
from apps.products.models import Product, SearchChange
from apps.products.search_index import RebuildRunning, SearchUnavailable, search_index
from apps.products.services.indexing import documents, index_changes, note_changed, note_described
from apps.products.services.search_repairs import rebuild_index, repair_index
from apps.products.tasks import index_noted, index_rest, repair_search
from config.env import ROOT
from core.models import OutboxJob
from core.outbox import run_due_jobs
from tests.factories.products import CategoryFactory, ProductFactory
from tests.opensearch_standin import Mute, OpenSearchStandIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(settings):
    standin = OpenSearchStandIn()
    settings.ELASTICSEARCH_URL = standin.url
    yield standin
    standin.stop()
    assert [refused for refused in standin.refusals if refused.status == 400] == []


@pytest.fixture(autouse=True)
def _rested(monkeypatch):
    monkeypatch.setattr(searching, "breaker", searching.Breaker(searching.REST_SECONDS))
    monkeypatch.setattr("apps.products.tasks._breaker", searching.Breaker(10))


def names(api, q, **filters):
    reply = api.get("/api/products/search/", {"q": q, **filters})
    assert reply.status_code == 200, reply.content
    return [row["name"] for row in reply.json()["results"]]


def fallbacks(reason):
    return REGISTRY.get_sample_value("hanout_search_fallbacks_total", {"reason": reason}) or 0


def assert_index_is_the_shop(engine):
    wanted = {
        str(key): document for key, document in documents(list(Product.objects.values_list("pk", flat=True))).items()
    }
    held = engine.documents()
    assert held.keys() == wanted.keys()
    assert {key for key in wanted if held[key] != wanted[key]} == set()


def test_a_shop_without_an_index_notes_nothing():
    assert search_index() is None
    note_changed([ProductFactory().pk])
    assert not SearchChange.objects.exists()
    assert not OutboxJob.objects.exists()
    assert (index_changes(), rebuild_index(), repair_index()) == (0, 0, 0)


def test_the_index_finds_by_beginning_plural_typo_category_and_tag(api, engine):
    mug, pot = ProductFactory(name="Desert mug"), ProductFactory(name="Cardamom coffee pot", price=5000)
    ProductFactory(name="فنجان قهوة", sku="001-A")
    mug.tags.create(name="Handmade", slug="handmade")
    assert rebuild_index() == 3
    before = fallbacks("failed")
    assert (
        names(api, "mugs") == names(api, "des") == names(api, "kitchen mug") == names(api, "handmade") == ["Desert mug"]
    )
    assert names(api, "cardemom") == names(api, "coffee", min_price=50) == names(api, "cof pot") == [pot.name]
    assert names(api, "القهوة") == names(api, "قهوه") == names(api, "001-a") == ["فنجان قهوة"]
    assert names(api, "zebra") == names(api, "!!!") == []
    assert fallbacks("failed") == before


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"min_price": "15"}, {"Blue mug"}),
        ({"max_price": "14.99"}, {"Red mug"}),
        ({"category": "KITCHEN"}, {"Red mug"}),
        ({"category": "home"}, {"Blue mug"}),
        ({"in_stock": "true"}, {"Red mug"}),
        ({"is_on_sale": "true"}, {"Blue mug"}),
    ],
)
def test_the_filters_reach_the_index_too(api, engine, filters, expected):
    home = CategoryFactory(name="Home", slug="home")
    ProductFactory(name="Red mug", price=1000, stock=1)
    ProductFactory(name="Blue mug", price=2000, compare_at_price=3000, category=home)
    rebuild_index()
    assert set(names(api, "mug", **filters)) == expected
    assert set(names(api, "mug", category_id=home.pk)) == {"Blue mug"}
    assert ("POST", "/products/_search") in engine.asked


def test_what_is_shown_is_the_database_however_stale_the_index(api, engine):
    mug, plate = ProductFactory(name="Mug", price=1000, stock=1), ProductFactory(name="Mug plate")
    rebuild_index()
    Product.objects.filter(pk=mug.pk).update(price=7777, name="Cup")
    Product.objects.filter(pk=plate.pk).update(is_active=False)
    body = api.get("/api/products/search/?q=mug").json()
    assert [(row["name"], row["price"], row["stock_quantity"]) for row in body["results"]] == [("Cup", "77.77", 1)]
    assert (body["count"], body["facets"]["price"]) == (1, {"min": "77.77", "max": "77.77"})


def test_pages_keep_the_order_of_the_index(api, engine):
    for number in range(7):
        ProductFactory(name=f"Mug {number}")
    rebuild_index()
    pages = [names(api, "mug", page=page, page_size=3) for page in (1, 2, 3)]
    assert [name for page in pages for name in page] == names(api, "mug")
    assert [len(set(page)) for page in pages] == [3, 3, 1]
    assert api.get("/api/products/search/?q=mug&page=4&page_size=3").status_code == 404


def test_a_change_reaches_the_index_after_its_transaction_and_not_in_it(engine):
    mug = ProductFactory(name="Mug")
    rebuild_index()
    engine.asked.clear()
    mug.name = "Cup"
    mug.save()
    note_described([mug.pk])
    assert engine.asked == []
    run_due_jobs()
    assert engine.documents()[str(mug.pk)]["name"] == "Cup"
    assert not SearchChange.objects.exists()


def test_a_change_that_was_rolled_back_is_not_told(engine):
    mug = ProductFactory()
    rebuild_index()
    with transaction.atomic():
        note_changed([mug.pk])
        transaction.set_rollback(True)
    assert not SearchChange.objects.exists()
    assert not OutboxJob.objects.exists()


def test_stock_and_visibility_follow(engine):
    mug, plate = ProductFactory(stock=1), ProductFactory()
    rebuild_index()
    assert engine.documents()[str(mug.pk)]["is_in_stock"] is True
    mug.stock.update(on_hand=0)
    Product.objects.filter(pk=plate.pk).update(is_active=False)
    note_changed([mug.pk, plate.pk])
    index_changes()
    assert engine.documents()[str(mug.pk)]["is_in_stock"] is False
    assert str(plate.pk) not in engine.documents()


def test_many_changes_are_one_request_and_the_jobs_that_find_nothing_are_free(engine):
    mugs = [ProductFactory() for _ in range(3)]
    rebuild_index()
    engine.asked.clear()
    for mug in mugs * 3:
        note_changed([mug.pk])
    assert run_due_jobs() == 9
    assert [path for _, path in engine.asked] == ["/products-building/_bulk", "/products/_bulk"]


def test_an_older_copy_that_arrives_late_is_refused(engine):
    mug = ProductFactory(name="New")
    rebuild_index()
    index = search_index()
    document = documents([mug.pk])[mug.pk]
    index.write({mug.pk: {**document, "name": "Old"}}, version=1)
    assert engine.documents()[str(mug.pk)]["name"] == "New"
    index.write({mug.pk: None}, version=10**9)
    index.write({mug.pk: document}, version=10**9 - 1)
    assert engine.documents() == {}


def change(product, name):
    with transaction.atomic():
        Product.objects.filter(pk=product.pk).update(name=name)
        note_changed([product.pk])


@pytest.mark.django_db(transaction=True)
def test_a_change_made_while_a_job_runs_has_a_job_of_its_own(engine):
    mug = ProductFactory(name="One")
    rebuild_index()
    note_changed([mug.pk])

    def rename(method, path):
        engine.trouble = lambda *_: None
        changer = threading.Thread(target=in_thread(lambda: change(mug, "Two")))
        changer.start()
        changer.join()

    engine.trouble = rename
    assert run_due_jobs(limit=1) == 1
    assert OutboxJob.objects.filter(name="products.index").count() == 1
    run_due_jobs()
    assert engine.documents()[str(mug.pk)]["name"] == "Two"


def test_a_version_is_drawn_before_the_product_is_read(engine):
    mug = ProductFactory()
    rebuild_index()
    note_changed([mug.pk])
    for send in (index_changes, rebuild_index):
        with CaptureQueriesContext(connection) as seen:
            send()
        told = [query["sql"] for query in seen if "nextval" in query["sql"] or "AS is_in_stock" in query["sql"]]
        assert ["nextval" in sql for sql in told] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_of_two_jobs_the_one_that_read_first_may_arrive_last(engine):
    mug = ProductFactory(name="One")
    rebuild_index()
    arrived, leave = threading.Event(), threading.Event()

    def hold(method, path):
        engine.trouble = lambda *_: None
        arrived.set()
        leave.wait(10)

    engine.trouble = hold
    change(mug, "One")
    slow = threading.Thread(target=in_thread(index_changes))
    slow.start()
    arrived.wait(10)
    change(mug, "Two")
    assert index_changes() == 1
    leave.set()
    slow.join()
    assert engine.documents()[str(mug.pk)]["name"] == "Two"


def test_while_the_index_is_away_changes_wait_and_nothing_is_given_up(engine):
    mug = ProductFactory(name="Mug")
    rebuild_index()
    engine.trouble = lambda *_: 503
    mug.name = "Cup"
    mug.save()
    note_changed([mug.pk])
    index_noted()
    assert run_due_jobs() == 1
    assert SearchChange.objects.count() == 1
    with pytest.raises(SearchUnavailable):
        index_rest()
    engine.trouble = lambda *_: None
    index_rest()
    assert engine.documents()[str(mug.pk)]["name"] == "Cup"
    assert not SearchChange.objects.exists()
    assert not OutboxJob.objects.filter(state="dead").exists()


def test_a_document_the_index_refuses_is_not_forgotten(engine, monkeypatch):
    mug = ProductFactory()
    rebuild_index()
    note_changed([mug.pk])
    real = engine.bulk_item
    monkeypatch.setattr(engine, "bulk_item", lambda *_: {"index": {"_id": "", "status": 429}})
    with pytest.raises(SearchUnavailable, match="429"):
        index_changes()
    assert SearchChange.objects.count() == 1
    monkeypatch.setattr(engine, "bulk_item", real)
    assert index_changes() == 1


def test_a_repair_finds_what_nobody_announced(engine):
    kept, renamed, gone, hidden = (ProductFactory() for _ in range(4))
    rebuild_index()
    engine.refresh()
    Product.objects.filter(pk=renamed.pk).update(name="Renamed")
    Product.objects.filter(pk=hidden.pk).update(is_active=False)
    gone.delete()
    new = ProductFactory()
    assert repair_index() == 4
    assert set(engine.documents()) == {str(row.pk) for row in (kept, renamed, new)}
    assert_index_is_the_shop(engine)
    engine.refresh()
    assert repair_index() == 0


def test_a_repair_builds_an_index_that_is_not_there(engine):
    mug = ProductFactory()
    repair_search()
    assert set(engine.documents()) == {str(mug.pk)}


def test_a_repair_replaces_an_index_that_another_release_made(engine):
    ProductFactory()
    rebuild_index()
    (first,) = engine.behind("products")
    engine.indices[first].meta = {"made": "otherwise"}
    assert repair_index() == 1
    assert engine.behind("products") != [first]


def test_a_database_older_than_its_index_gets_a_new_one(engine):
    mug = ProductFactory(name="As restored")
    rebuild_index()
    (first,) = engine.behind("products")
    search_index().write({mug.pk: {**documents([mug.pk])[mug.pk], "name": "Lost"}}, version=10**9)
    engine.refresh()
    repair_index()
    assert engine.behind("products") != [first]
    assert_index_is_the_shop(engine)


def test_a_rebuild_swaps_in_one_step_and_leaves_one_index(engine):
    ProductFactory()
    rebuild_index()
    (first,) = engine.behind("products")
    ProductFactory()
    rebuild_index()
    (second,) = engine.behind("products")
    assert list(engine.indices) == [second] != [first]
    assert engine.behind("products-building") == []
    assert engine.asked.count(("POST", "/_aliases")) == 2


@pytest.mark.parametrize("moment", ["_bulk", "_refresh", "_aliases"])
def test_a_rebuild_cut_off_leaves_the_old_index_answering_and_the_next_one_tidies_up(api, engine, moment):
    ProductFactory(name="Mug")
    rebuild_index()
    before = engine.behind("products")
    engine.trouble = lambda _, path: 500 if path.endswith(moment) else None
    with pytest.raises(SearchUnavailable):
        rebuild_index()
    assert engine.behind("products") == before
    assert len(engine.indices) == 2
    assert names(api, "mug") == ["Mug"]
    engine.trouble = lambda *_: None
    rebuild_index()
    assert list(engine.indices) == engine.behind("products") != before


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_rebuild_that_is_killed_changes_nothing_and_keeps_nobody_from_the_next(engine, tmp_path):
    ProductFactory()
    rebuild_index()
    before = engine.behind("products")
    entered, leave = threading.Event(), threading.Event()

    def hold(method, path):
        if path == "/products-building/_bulk":
            entered.set()
            leave.wait(30)

    engine.trouble = hold
    process = subprocess.Popen(
        [sys.executable, "manage.py", "index_products", "--rebuild"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HANOUT_DATA_DIR": str(tmp_path), **this_database(engine)},
    )
    assert entered.wait(30)
    process.kill()
    process.wait()
    leave.set()
    engine.trouble = lambda *_: None
    assert engine.behind("products") == before
    assert len(engine.indices) == 2
    wait_for(rebuild_index)
    assert list(engine.indices) == engine.behind("products") != before


def this_database(engine):
    at = connection.get_connection_params()
    where = urlencode({"host": at["host"], **({"port": at["port"]} if at.get("port") else {})})
    user = quote(f"{at['user']}:{at['password']}" if at.get("password") else at["user"], safe=":")
    return {"DATABASE_URL": f"postgresql://{user}@/{at['dbname']}?{where}", "ELASTICSEARCH_URL": engine.url}


def wait_for(call):
    """The server needs a moment to notice that a client is gone and let go of its lock."""
    for _ in range(100):
        with suppress(RebuildRunning):
            return call()
        time.sleep(0.05)
    raise AssertionError("still locked")


def test_a_change_during_a_rebuild_that_died_goes_on_reaching_the_index_that_answers(engine):
    mug = ProductFactory(name="Mug")
    rebuild_index()
    search_index().start_building()
    Product.objects.filter(pk=mug.pk).update(name="Cup")
    note_changed([mug.pk])
    index_changes()
    assert (
        engine.documents()[str(mug.pk)]["name"] == engine.documents("products-building")[str(mug.pk)]["name"] == "Cup"
    )


def test_the_index_that_answers_need_not_understand_the_documents_of_the_next(engine, monkeypatch):
    mug = ProductFactory()
    rebuild_index()
    (old,) = engine.indices.values()
    del old.fields["tags"]
    rebuild_index()
    assert set(engine.documents()) == {str(mug.pk)}


@pytest.mark.django_db(transaction=True)
def test_two_rebuilds_at_once_are_one(engine):
    ProductFactory()
    entered, leave = threading.Event(), threading.Event()

    def wait(method, path):
        if path.endswith("_bulk"):
            entered.set()
            leave.wait(10)

    engine.trouble = wait
    first = threading.Thread(target=in_thread(rebuild_index))
    first.start()
    entered.wait(10)
    with pytest.raises(RebuildRunning):
        rebuild_index()
    with pytest.raises(CommandError, match="by another process"):
        call_command("index_products", "--rebuild")
    leave.set()
    first.join()
    assert len(engine.indices) == 1


def in_thread(call):
    def run():
        try:
            call()
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
def test_rebuilds_while_the_shop_is_written_to_miss_nothing(engine, monkeypatch):
    monkeypatch.setattr("apps.products.services.search_repairs.BATCH", 20)
    kitchen = CategoryFactory()
    for _ in range(300):
        ProductFactory(category=kitchen)
    rebuild_index()
    stop, written, failures = threading.Event(), [], []
    writers = [threading.Thread(target=in_thread(lambda seed=n: write(kitchen, stop, written, seed))) for n in range(3)]
    workers = [threading.Thread(target=in_thread(lambda: work(stop, failures))) for _ in range(2)]
    engine.trouble = lambda *_: time.sleep(random.uniform(0, 0.02))
    for thread in (*writers, *workers):
        thread.start()
    # Some 200 a second on two cores; how many, and not how fast, is what is asked for here.
    rebuilds = 0
    while rebuilds < 3 or len(written) < 500:
        rebuild_index()
        rebuilds += 1
    stop.set()
    for thread in (*writers, *workers):
        thread.join()
    while run_due_jobs():
        pass
    assert failures == []
    assert not SearchChange.objects.exists()
    assert not OutboxJob.objects.exists()
    assert_index_is_the_shop(engine)


def write(kitchen, stop, written, seed):
    """Add, change, hide, show and delete, as fast as two cores let us but not faster than 100 a second each."""
    chance = random.Random(seed)
    while not stop.is_set():
        pause = time.monotonic() + 0.01
        with transaction.atomic():
            # As the services do: two writers of one product wait for each other.
            chosen = Product.objects.order_by("?").select_for_update(skip_locked=True).first()
            match chance.random():
                case roll if roll < 0.1:
                    note_changed([ProductFactory(category=kitchen).pk])
                case roll if roll < 0.15:
                    key = chosen.pk
                    chosen.delete()
                    note_changed([key])
                case roll:
                    chosen.price, chosen.is_active = chance.randrange(1, 10**6), roll < 0.9
                    chosen.save()
                    note_changed([chosen.pk])
        written.append(chosen)
        time.sleep(max(0.0, pause - time.monotonic()))


def work(stop, failures):
    while not stop.is_set():
        try:
            if not run_due_jobs():
                time.sleep(0.01)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            failures.append(error)
            return


def refusing():
    mute = Mute()
    mute.stop()
    return mute.url


@pytest.mark.parametrize("kind", ["hangs", "refuses", "500", "no index", "nonsense", "timed out", "no such name"])
def test_the_database_answers_in_time_when_the_index_does_not(api, settings, engine, kind, monkeypatch):
    ProductFactory(name="Mug")
    mute = Mute()
    settings.ELASTICSEARCH_URL = {
        "hangs": mute.url,
        "refuses": refusing(),
        "no such name": "http://search.invalid:9200",
    }.get(kind, engine.url)
    if kind == "500":
        engine.trouble = lambda *_: 500
    said = {"nonsense": {"hits": 1}, "timed out": {"timed_out": True, "hits": {"hits": []}}}
    if kind in said:
        monkeypatch.setattr(engine, "search", lambda *_: said[kind])
    before = fallbacks("failed") + fallbacks("timeout")
    api.get("/api/products/")  # the database connection is there already, as in a server
    started = time.monotonic()
    assert names(api, "mugs") == ["Mug"]
    assert time.monotonic() - started < 0.3
    assert fallbacks("failed") + fallbacks("timeout") == before + 1
    started = time.monotonic()
    assert names(api, "mugs") == ["Mug"]
    assert time.monotonic() - started < 0.1
    assert fallbacks("failed") + fallbacks("timeout") == before + 1
    mute.stop()


def test_after_a_rest_one_search_tries_again_and_all_follow(api, engine):
    ProductFactory(name="Mug")
    rebuild_index()
    searching.breaker = searching.Breaker(0.2)
    engine.trouble = lambda *_: 500
    names(api, "mug")
    engine.trouble = lambda *_: None
    engine.asked.clear()
    names(api, "mug")
    assert engine.asked == []
    time.sleep(0.2)
    for _ in range(3):
        assert names(api, "mug") == ["Mug"]
    assert len(engine.asked) == 3


def test_while_it_rests_only_one_of_many_tries():
    breaker = searching.Breaker(0.05)
    assert breaker.allows()
    breaker.note(worked=False)
    assert not breaker.allows()
    time.sleep(0.06)
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.note(worked=True)
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_the_health_of_the_index_degrades_and_does_not_kill(api, engine, settings):
    before = api.get("/health/ready/")
    assert (before.status_code, before.json()["status"]) == (200, "degraded")
    assert before.json()["errors"] == ["elasticsearch: no_index"]
    rebuild_index()
    assert api.get("/health/ready/").json()["checks"]["elasticsearch"] is True
    assert api.get("/health/").json()["checks"]["elasticsearch"]["status"] == "healthy"
    settings.ELASTICSEARCH_URL = refusing()
    ready, report = api.get("/health/ready/"), api.get("/health/")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"]["elasticsearch"] is False
    assert report.json()["status"] == "degraded"
    assert report.json()["checks"]["elasticsearch"] == {"status": "unhealthy", "error": "unreachable"}
    assert api.get("/health/live/").status_code == api.get("/health").status_code == 200


def command(*arguments):
    said = StringIO()
    call_command("index_products", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_says_that_postgresql_searches_by_itself():
    assert "PostgreSQL searches by itself" in command("--rebuild")


def test_the_command_builds_repairs_and_counts(engine):
    for _ in range(3):
        ProductFactory()
    assert command("--rebuild").splitlines() == ["3 of 3 products", "Search index rebuilt: 3 products read."]
    engine.refresh()
    assert command().splitlines()[-1] == "0 products put right."


def test_the_command_says_when_opensearch_is_away(settings):
    settings.ELASTICSEARCH_URL = refusing()
    with pytest.raises(CommandError, match="searches are answered as before"):
        command("--rebuild")
