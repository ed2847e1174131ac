import pytest
from django.db import connection

from apps.products.models import Category, Product, Tag
from apps.products.searching import has_trigrams
from apps.products.services.indexing import (
    note_category_changed,
    note_described,
    note_tag_changed,
    refresh_words,
)
from core.outbox import run_due_jobs
from tests.factories.products import CategoryFactory, ProductFactory, VariantFactory

pytestmark = pytest.mark.django_db


def search(api, q, **filters):
    reply = api.get("/api/products/search/", {"q": q, **filters})
    assert reply.status_code == 200, reply.content
    return reply.json()


def names(api, q, **filters):
    return [row["name"] for row in search(api, q, **filters)["results"]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Coffee cups", "cup"),
        ("Coffee cup", "cups"),
        ("Serving dish", "dishes"),
        ("Jarrón de cerámica", "jarron"),
        ("Jarrón de cerámica", "JARRONES cerámicas"),
        ("Lámpara", "lamparas"),
        ("Straßenlaterne", "strassen"),
        ("سيارة", "سيارات"),
        ("سيارات", "سياره"),
        ("فنجان قهوة", "قهوه"),
        ("فنجان قهوة", "والقهوة"),
        ("القهوة", "قهوة"),
        ("قَهـــوة", "قهوة"),
        ("قهوة", "قَهْوَة"),
        ("كوب أحمر", "احمر"),
        ("مصباح على الطاولة", "علي طاولات"),
        ("Box of ١٢", "12"),
        ("Desert mug", "des mu"),
        ("Olive oil 10.5 l", "10.5"),
        ("Wi-Fi lamp", "wi-fi"),
        ("Wi-Fi lamp", "fi wi lam"),
    ],
)
def test_a_word_is_found_in_each_language_by_its_beginning_and_in_plural(api, name, words):
    ProductFactory(name=name, sku="ONE")
    ProductFactory(name="Something else", sku="TWO")
    assert names(api, words) == [name]
    listed = api.get("/api/products/", {"search": words}).json()["results"]
    assert [row["name"] for row in listed] == [name]


@pytest.mark.parametrize(
    "q",
    [
        *(
            "!!!",
            "' \" \\",
            ":*&|!",
            "a:*",
            "<->",
            "x" * 200,
            "'" * 200,
            "\u064b\u0640",
            "%s %(words)s",
            "½ ﷺ ́",
            "0" * 199,
        ),
        *("foo | (bar", "\\' or 1=1 --", "한국어 हिन्दी 🙂", "{a,b}", '{"a"}', "_", "a_b"),
    ],
)
def test_no_text_makes_a_search_fail(api, q):
    ProductFactory()
    assert search(api, q)["count"] >= 0
    assert api.get("/api/products/", {"search": q}).status_code == 200


def test_no_text_at_all_is_a_mistake_of_the_caller(api):
    assert api.get("/api/products/search/").status_code == 400
    assert api.get("/api/products/search/", {"q": "  "}).json()["errors"]["q"]
    assert api.get("/api/products/search/", {"q": "x" * 201}).status_code == 400


def test_a_name_weighs_more_than_a_category_and_that_more_than_a_description(api):
    ProductFactory(name="Jug", description="Goes with a lamp.")
    ProductFactory(name="Wick", category=CategoryFactory(name="Lamp", slug="lamp"))
    ProductFactory(name="Lamp")
    refresh_words()
    assert names(api, "lamp") == ["Lamp", "Wick", "Jug"]


def test_a_product_is_found_by_its_category_and_tags_together_with_its_name(api):
    mug, plate = ProductFactory(name="Mug"), ProductFactory(name="Plate")
    mug.tags.create(name="Hecho a mano", slug="handmade")
    note_described([mug.pk, plate.pk])
    assert names(api, "kitchen mug") == ["Mug"]
    assert names(api, "mano") == ["Mug"]
    mug.tags.clear()
    assert refresh_words() == 1
    assert refresh_words() == 0
    assert names(api, "mano") == []


def test_a_renamed_category_or_tag_is_found_by_its_new_name_at_once(api):
    mug = ProductFactory(name="Mug")
    tag = mug.tags.create(name="Old", slug="old")
    Category.objects.filter(pk=mug.category_id).update(name="Cocina")
    note_category_changed(mug.category_id)
    assert names(api, "cocina") == ["Mug"]
    Tag.objects.filter(pk=tag.pk).update(name="Hecho")
    note_tag_changed(tag.pk)
    assert names(api, "hechos cocina") == ["Mug"]
    assert names(api, "old") == []


def test_a_renamed_category_of_many_products_is_learned_in_jobs(api, monkeypatch):
    monkeypatch.setattr("apps.products.services.indexing.BATCH", 2)
    monkeypatch.setattr("apps.products.tasks.BATCH", 2)
    kitchen = CategoryFactory()
    mugs = [ProductFactory(name=f"Mug {number}", category=kitchen) for number in range(5)]
    note_described([mug.pk for mug in mugs])
    assert names(api, "kitchen") == []
    run_due_jobs()
    assert len(names(api, "kitchen mug")) == 5


def test_words_kept_for_search_do_not_count_as_an_edit():
    mug = ProductFactory()
    before = Product.objects.get(pk=mug.pk).updated_at
    assert refresh_words() == 1
    assert Product.objects.get(pk=mug.pk).updated_at == before


def test_what_is_hidden_is_not_found(api):
    ProductFactory(name="Mug", is_active=False)
    ProductFactory(name="Mug", category=CategoryFactory(slug="shut", is_active=False))
    assert search(api, "mug")["count"] == 0


def test_pages_of_equal_matches_neither_repeat_nor_skip_one(api):
    made = {ProductFactory(name="Mug").slug for _ in range(7)}
    url, seen = "/api/products/search/?q=mug&page_size=3", []
    while url:
        body = api.get(url.removeprefix("http://testserver")).json()
        seen += [row["slug"] for row in body["results"]]
        url = body["next"]
    assert (len(seen), set(seen), body["count"]) == (7, made, 7)
    assert api.get("/api/products/search/?q=mug&page=9").status_code == 404
    assert [row["price"] for row in search(api, "mug", ordering="price")["results"]] == ["10.00"] * 7


@pytest.fixture
def shelf(db):
    home = CategoryFactory(name="Home", slug="home")
    ProductFactory(name="Red mug", price=1000, stock=2)
    ProductFactory(name="Blue mug", price=2000, compare_at_price=2500)
    ProductFactory(name="Paper mug", price=300, track_inventory=False, category=home)
    shirt = ProductFactory(name="Mug shirt", price=5000, compare_at_price=9000, category=home, stock=5)
    VariantFactory(product=shirt, stock=1)
    ProductFactory(name="Plate", price=1)


def test_the_counts_beside_a_search_say_what_is_in_it(api, shelf):
    body = search(api, "mugs")
    assert body["count"] == 4
    assert body["facets"] == {
        "categories": [
            {"slug": "home", "name": "Home", "count": 2},
            {"slug": "kitchen", "name": "Kitchen", "count": 2},
        ],
        "price": {"min": "3.00", "max": "50.00"},
        "in_stock": 3,
        "on_sale": 2,
    }


def test_a_count_obeys_the_other_filters_and_not_its_own(api, shelf):
    body = search(api, "mug", category="home", in_stock="true", max_price="20")
    assert [row["name"] for row in body["results"]] == ["Paper mug"]
    assert (body["count"], body["facets"]["in_stock"], body["facets"]["on_sale"]) == (1, 1, 0)
    assert body["facets"]["price"] == {"min": "3.00", "max": "50.00"}
    assert [(row["slug"], row["count"]) for row in body["facets"]["categories"]] == [("home", 1), ("kitchen", 1)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"min_price": "10"}, {"Red mug", "Blue mug", "Mug shirt"}),
        ({"max_price": "9.99"}, {"Paper mug"}),
        ({"category": "HOME"}, {"Paper mug", "Mug shirt"}),
        ({"in_stock": "false"}, {"Blue mug"}),
        ({"is_on_sale": "true"}, {"Blue mug", "Mug shirt"}),
        ({"is_on_sale": "false", "in_stock": "true"}, {"Red mug", "Paper mug"}),
    ],
)
def test_a_search_takes_the_filters_of_the_list(api, shelf, filters, expected):
    body = search(api, "mug", **filters)
    assert ({row["name"] for row in body["results"]}, body["count"]) == (expected, len(expected))


def test_all_words_must_be_there(api):
    ProductFactory(name="Desert mug")
    assert api.get("/api/products/", {"search": "desert plate"}).json()["count"] == 0


def test_nothing_found_has_empty_counts(api):
    assert search(api, "mug")["facets"] == {
        "categories": [],
        "price": {"min": None, "max": None},
        "in_stock": 0,
        "on_sale": 0,
    }


def test_a_search_takes_two_queries_however_long(api, django_assert_num_queries):
    for _ in range(15):
        ProductFactory(name="Mug")
    with django_assert_num_queries(2):
        search(api, "mug")


def test_a_typo_is_forgiven_where_the_database_can_compare_words(api):
    if not has_trigrams():
        pytest.skip("this PostgreSQL has no pg_trgm")
    ProductFactory(name="Cardamom coffee pot")
    ProductFactory(name="Plate")
    ProductFactory(name="Cardamon", is_active=False)
    assert names(api, "cardemom") == ["Cardamom coffee pot"]
    assert names(api, "cardemom", max_price="1") == []


def test_the_search_of_the_database_uses_its_index():
    ProductFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT FROM products_product WHERE search_vector @@ products_query('{mug}')")
        assert "product_search" in "".join(row[0] for row in cursor.fetchall())
