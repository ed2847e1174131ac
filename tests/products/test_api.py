import pytest

from apps.products.models import ProductImage
from tests.factories.products import CategoryFactory, ProductFactory, VariantFactory

pytestmark = pytest.mark.django_db


def names(reply):
    assert reply.status_code == 200, reply.content
    return [row["name"] for row in reply.json()["results"]]


def test_a_list_row_has_the_documents_fields(api):
    ProductFactory(name="Desert mug", price=1490, compare_at_price=1990, stock=3)
    row = api.send("GET", "/api/products/").json()["results"][0]
    assert row.pop("id")
    assert row == {
        "name": "Desert mug",
        "slug": row["slug"],
        "price": "14.90",
        "currency": "USD",
        "compare_at_price": "19.90",
        "is_on_sale": True,
        "discount_percentage": 25,
        "primary_image": None,
        "category_name": "Kitchen",
        "stock_quantity": 3,
        "is_low_stock": True,
        "is_active": True,
        "is_featured": False,
    }


def test_the_public_sees_neither_cost_nor_hidden_products(api):
    shown = ProductFactory(cost_per_item=500)
    hidden = ProductFactory(is_active=False)
    shut = ProductFactory(category=CategoryFactory(slug="closed", name="Closed", is_active=False))
    assert names(api.send("GET", "/api/products/")) == [shown.name]
    assert names(api.send("GET", "/api/products/?is_active=false")) == []
    assert b"cost" not in api.send("GET", f"/api/products/{shown.pk}/").content
    for product in (hidden, shut):
        assert api.send("GET", f"/api/products/{product.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("min_price=15", ["Plate"]),
        ("max_price=14.99", ["Mug"]),
        ("min_price=10&max_price=20&ordering=price", ["Mug", "Plate"]),
        ("in_stock=true", ["Mug"]),
        ("in_stock=false", ["Plate"]),
        ("is_on_sale=true", ["Plate"]),
        ("is_on_sale=false", ["Mug"]),
        ("is_featured=true", ["Plate"]),
        ("category=kitchen&ordering=name", ["Mug", "Plate"]),
        ("category=KITCHEN&ordering=-name", ["Plate", "Mug"]),
        ("category=garden", []),
        ("ordering=-price", ["Plate", "Mug"]),
        ("search=mu", ["Mug"]),
        ("search=kit-001", ["Mug"]),
        ("search=KIT&ordering=name", ["Mug", "Plate"]),
        ("search=stoneware mug", ["Mug"]),
        ("search=mug plate", []),
        ("search=!!!", []),
        ("search=' | :*", []),
    ],
)
def test_filters_search_and_ordering(api, query, expected):
    ProductFactory(name="Mug", sku="KIT-001", price=1000, description="Heavy stoneware", stock=2)
    ProductFactory(name="Plate", sku="KIT-002", price=2000, compare_at_price=2500, is_featured=True)
    assert names(api.send("GET", f"/api/products/?{query}")) == expected


def test_arabic_and_spanish_words_are_found(api):
    ProductFactory(name="فنجان قهوة")
    ProductFactory(name="Jarrón de cerámica")
    assert names(api.send("GET", "/api/products/?search=قهوة")) == ["فنجان قهوة"]
    assert names(api.send("GET", "/api/products/?search=CERÁM")) == ["Jarrón de cerámica"]


@pytest.mark.parametrize(
    "query",
    [
        "ordering=cost_per_item",
        "page=0",
        "page_size=101",
        "min_price=cheap",
        "min_price=-1",
        "category_id=x",
        "in_stock=perhaps",
    ],
)
def test_a_filter_that_makes_no_sense_is_400_and_names_it(api, query):
    reply = api.send("GET", f"/api/products/?{query}")
    assert reply.status_code == 400
    assert query.split("=")[0] in reply.json()["errors"]


def test_pages_neither_repeat_nor_skip_a_row(api):
    made = {ProductFactory(price=1000).name for _ in range(7)}
    url, seen = "/api/products/?page_size=3&ordering=price", []
    while url:
        body = api.send("GET", url.removeprefix("http://testserver")).json()
        seen += [row["name"] for row in body["results"]]
        url = body["next"]
    assert len(seen) == body["count"] == 7
    assert set(seen) == made
    assert api.send("GET", "/api/products/?page=99").status_code == 404


@pytest.mark.parametrize("count", [1, 15])
def test_a_list_takes_two_queries_however_long(api, django_assert_num_queries, count):
    for _ in range(count):
        ProductFactory(stock=1)
    with django_assert_num_queries(2):
        api.send("GET", "/api/products/")


def test_a_product_page_shows_variants_with_their_own_price_and_stock(api):
    shirt = ProductFactory(name="Shirt", price=3000)
    VariantFactory(product=shirt, name="S", price=2500, stock=2)
    VariantFactory(product=shirt, name="Z", is_active=False)
    body = api.send("GET", f"/api/products/{shirt.pk}/").json()
    assert [(v["name"], v["price"], v["stock_quantity"]) for v in body["variants"]] == [("S", "25.00", 2)]
    assert body["stock_quantity"] == 2
    assert body["category"]["slug"] == "kitchen"


def test_a_product_page_carries_tags_and_what_search_engines_read(api):
    mug = ProductFactory(name="Mug", description="Heavy", meta_title="Buy a mug")
    mug.tags.create(name="Handmade", slug="handmade")
    body = api.send("GET", f"/api/products/{mug.pk}/").json()
    assert [tag["slug"] for tag in body["tags"]] == ["handmade"]
    assert (body["meta_title"], body["meta_description"]) == ("Buy a mug", "Heavy")


def test_products_are_filtered_by_category_id_and_categories_name_their_parent(api):
    kitchen = CategoryFactory()
    cups = CategoryFactory(slug="cups", name="Cups", parent=kitchen)
    ProductFactory(name="Mug", category=cups)
    ProductFactory(name="Plate", category=kitchen)
    assert names(api.send("GET", f"/api/products/?category_id={cups.pk}")) == ["Mug"]
    assert api.send("GET", "/api/products/categories/cups/").json()["parent"] == str(kitchen.pk)


def test_stock_shown_is_stock_that_can_be_bought(api):
    shirt = ProductFactory(name="Shirt", stock=9)
    off, on = VariantFactory(product=shirt, is_active=False, stock=7), VariantFactory(product=shirt, stock=2)
    assert api.send("GET", f"/api/products/{shirt.pk}/").json()["stock_quantity"] == 2
    on.stock.update(on_hand=0)
    assert api.send("GET", f"/api/products/{shirt.pk}/").json()["stock_quantity"] == 0
    assert names(api.send("GET", "/api/products/?in_stock=true")) == []
    assert off.stock.get().available == 7


def test_the_first_picture_is_the_primary_one_with_a_full_address(api):
    mug = ProductFactory()
    for position, name in ((1, "products/b.webp"), (0, "products/a.webp")):
        ProductImage.objects.create(product=mug, image=name, position=position)
    row = api.send("GET", "/api/products/").json()["results"][0]
    assert row["primary_image"] == "http://testserver/media/products/a.webp"
    images = api.send("GET", f"/api/products/{mug.pk}/").json()["images"]
    assert [image["is_primary"] for image in images] == [True, False]


def test_featured_search_and_categories_answer(api):
    ProductFactory(name="Mug", is_featured=True)
    assert [row["name"] for row in api.send("GET", "/api/products/featured/").json()] == ["Mug"]
    assert names(api.send("GET", "/api/products/search/?q=mug")) == ["Mug"]
    assert names(api.send("GET", "/api/products/categories/")) == ["Kitchen"]
    assert api.send("GET", "/api/products/categories/kitchen/").json()["slug"] == "kitchen"
    assert names(api.send("GET", "/api/products/categories/kitchen/products/")) == ["Mug"]
    assert api.send("GET", "/api/products/categories/none/products/").json()["code"] == "category_not_found"
