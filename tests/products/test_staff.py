"""S2: staff write the catalogue over HTTP; prices in major units, stock through the ledger."""

import uuid

import pytest
from django.contrib.auth.models import Permission

from apps.orders.models import Order
from apps.products import queries
from apps.products.models import Product, ProductVariant, StockItem, StockMovement
from apps.products.services import StockLine, create_product, reserve_stock
from core.errors import DomainError
from tests.factories.products import CategoryFactory, ProductFactory, VariantFactory
from tests.races import race

pytestmark = pytest.mark.django_db
LIST = "/api/products/"


def page(product):
    return f"{LIST}{product.pk}/"


def refusal(reply):
    return reply.status_code, reply.json()["code"]


def mug(category, **changes):
    return {"name": "Desert mug", "sku": "KIT-001", "category_id": str(category.pk), "price": "14.90", **changes}


@pytest.fixture
def kitchen():
    return CategoryFactory()


def test_a_product_is_added_with_its_opening_stock_in_the_ledger(staff, api, clerk, kitchen):
    sent = mug(
        kitchen,
        compare_at_price="19.90",
        cost_per_item=5,
        stock_quantity=7,
        tags=["Handmade", "Gift"],
        is_featured=True,
    )
    reply = staff.send("POST", LIST, sent)
    assert reply.status_code == 201, reply.content
    body = reply.json()
    assert (body["price"], body["compare_at_price"], body["cost_per_item"]) == ("14.90", "19.90", "5.00")
    assert (body["slug"], body["stock_quantity"], body["is_on_sale"]) == ("desert-mug", 7, True)
    assert [tag["slug"] for tag in body["tags"]] == ["gift", "handmade"]
    moved = StockMovement.objects.get()
    assert (moved.kind, moved.on_hand_change, moved.actor) == ("receive", 7, clerk)
    assert queries.stock_differences() == []
    public = api.send("GET", f"{LIST}{body['id']}/").json()
    assert "cost_per_item" not in public
    assert public["stock_quantity"] == 7


def test_one_address_answers_everybody_who_reads_and_staff_who_write(staff, api, layla, kitchen):
    shown = ProductFactory(name="Plate")
    for client in (api, layla, staff):
        assert client.send("GET", LIST).json()["count"] == 1
        assert client.send("GET", page(shown)).json()["name"] == "Plate"
        assert client.send("GET", f"{LIST}categories/kitchen/").status_code == 200
    wrong = staff.send("TRACE", page(shown))
    assert wrong.status_code == 405
    assert set(wrong["Allow"].replace(" ", "").split(",")) >= {"GET", "PUT", "PATCH", "DELETE"}


WRITES = {
    ("POST", ""): "add_product",
    ("PUT", "{id}/"): "change_product",
    ("PATCH", "{id}/"): "change_product",
    ("DELETE", "{id}/"): "delete_product",
    ("POST", "{id}/upload_image/"): "add_productimage",
    ("DELETE", "{id}/images/1/"): "delete_productimage",
    ("POST", "{id}/variants/"): "add_productvariant",
    ("PUT", "{id}/variants/{id}/"): "change_productvariant",
    ("PATCH", "{id}/variants/{id}/"): "change_productvariant",
    ("DELETE", "{id}/variants/{id}/"): "delete_productvariant",
    ("POST", "{id}/receive_stock/"): "add_stockmovement",
    ("POST", "{id}/adjust_stock/"): "change_stockitem",
    ("POST", "categories/"): "add_category",
    ("PUT", "categories/kitchen/"): "change_category",
    ("PATCH", "categories/kitchen/"): "change_category",
    ("DELETE", "categories/kitchen/"): "delete_category",
}


@pytest.mark.parametrize(("method", "path", "permission"), [(*write, name) for write, name in WRITES.items()])
def test_staff_may_over_the_api_what_they_may_in_the_console(staff, clerk, kitchen, method, path, permission):
    address = LIST + path.format(id=ProductFactory(category=kitchen, stock=1).pk)
    given = set(clerk.user_permissions.values_list("codename", flat=True))
    assert permission in given
    clerk.user_permissions.remove(Permission.objects.get(codename=permission))
    before = (Product.objects.count(), StockMovement.objects.count())
    assert refusal(staff.send(method, address, {})) == (403, "not_allowed")
    assert (Product.objects.count(), StockMovement.objects.count()) == before
    clerk.user_permissions.set(Permission.objects.filter(codename=permission))
    assert staff.send(method, address, {}).status_code != 403


@pytest.mark.parametrize("path", ["", "{id}/variants/"])
def test_opening_stock_is_for_who_may_receive_deliveries(staff, clerk, kitchen, path):
    address = LIST + path.format(id=ProductFactory(category=kitchen, sku="BOWL", stock=0).pk)
    clerk.user_permissions.remove(Permission.objects.get(codename="add_stockmovement"))
    sent = mug(kitchen, name="Blue", sku="BLUE", stock_quantity=3)
    before = (Product.objects.count(), ProductVariant.objects.count(), StockMovement.objects.count())
    assert refusal(staff.send("POST", address, sent)) == (403, "not_allowed")
    assert (Product.objects.count(), ProductVariant.objects.count(), StockMovement.objects.count()) == before
    assert staff.send("POST", address, {**sent, "stock_quantity": 0}).status_code == 201


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_customers_may_not_write_and_strangers_are_asked_who_they_are(api, layla, method, path):
    product = ProductFactory(name="Plate", stock=1)
    address = LIST + path.format(id=product.pk)
    for client, status, code in ((api, 401, "not_authenticated"), (layla, 403, "not_allowed")):
        reply = client.send(method, address, {"name": "Mine", "price": "0.01", "quantity": 5, "counted": 5})
        assert (reply.status_code, reply.json()["code"]) == (status, code)
    product.refresh_from_db()
    assert (product.name, product.price, product.is_active) == ("Plate", 1000, True)
    assert StockMovement.objects.count() == Product.objects.count() == 1


def test_a_change_changes_what_is_given_and_nothing_else(staff, kitchen):
    plate = ProductFactory(name="Plate", price=1000, cost_per_item=300, description="Flat")
    body = staff.send("PATCH", page(plate), {"price": "12.5", "is_featured": True}).json()
    assert (body["price"], body["is_featured"], body["name"], body["cost_per_item"]) == ("12.50", True, "Plate", "3.00")
    whole = mug(kitchen, name="Bowl", sku=plate.sku)
    body = staff.send("PUT", page(plate), whole).json()
    assert (body["name"], body["price"], body["description"], body["slug"]) == ("Bowl", "14.90", "Flat", plate.slug)
    assert staff.send("PATCH", page(plate), {"cost_per_item": None}).json()["cost_per_item"] is None
    missing = staff.send("PUT", page(plate), {"name": "Bowl"})
    assert set(missing.json()["errors"]) == {"sku", "category_id", "price"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "0"),
        ("price", "-1"),
        ("price", "cheap"),
        ("price", "19.999"),
        ("price", "NaN"),
        ("price", "1e30"),
        ("price", None),
        ("compare_at_price", "1.001"),
        ("name", " "),
        ("name", None),
        ("name", "x" * 201),
        ("sku", "x" * 65),
        ("slug", "no spaces here"),
        ("slug", None),
        ("category_id", "kitchen"),
        ("category_id", None),
        ("low_stock_threshold", -1),
        ("low_stock_threshold", 2**31),
        ("tags", ["x"] * 21),
        ("tags", ["x" * 51]),
        ("description", "x" * 10_001),
        ("is_active", "perhaps"),
        ("stock_quantity", 5),
    ],
)
def test_a_value_that_makes_no_sense_is_400_and_names_it(staff, field, value):
    plate = ProductFactory(name="Plate", stock=1)
    before = Product.objects.values().get()
    reply = staff.send("PATCH", page(plate), {field: value})
    assert reply.status_code == 400, reply.content
    assert next(iter(reply.json()["errors"])).split(".")[0] == field
    assert Product.objects.values().get() == before
    assert StockItem.objects.get().on_hand == 1


def test_slugs_and_skus_belong_to_one_thing_each(staff, kitchen):
    taken = ProductFactory(slug="plate", sku="KIT-9")
    VariantFactory(product=taken, sku="KIT-9-L")
    for changes, code in (
        ({"slug": "plate"}, "slug_taken"),
        ({"sku": "KIT-9"}, "sku_taken"),
        ({"sku": "KIT-9-L"}, "sku_taken"),
    ):
        reply = staff.send("POST", LIST, mug(kitchen, **changes))
        assert (reply.status_code, reply.json()["code"]) == (409, code)
        bowl = ProductFactory()
        assert staff.send("PATCH", page(bowl), changes).json()["code"] == code
        bowl.delete()
    assert Product.objects.count() == 1


def test_a_name_that_is_used_twice_or_has_no_latin_letters_gets_a_slug_all_the_same(staff, kitchen):
    slugs = [
        staff.send("POST", LIST, mug(kitchen, sku=sku, name=name)).json()["slug"]
        for sku, name in (("A", "Mug"), ("B", "Mug"), ("C", "فنجان"))
    ]
    assert slugs[0] == "mug"
    assert slugs[1].startswith("mug-")
    assert slugs[2].startswith("product-")


def test_names_that_grow_when_they_are_spelled_out_still_fit(staff, kitchen):
    long = "㎒" * 50  # each becomes "mhz"
    body = staff.send("POST", LIST, mug(kitchen, name=long * 4, tags=[long])).json()
    assert len(body["slug"]) <= 220
    assert len(body["tags"][0]["slug"]) <= 60
    assert len(staff.send("POST", f"{LIST}categories/", {"name": long * 2}).json()["slug"]) <= 120


def test_an_unknown_category_or_untracked_stock_is_refused_and_nothing_is_kept(staff, kitchen):
    reply = staff.send("POST", LIST, mug(kitchen, category_id=str(uuid.uuid4())))
    assert (reply.status_code, reply.json()["code"]) == (404, "category_not_found")
    reply = staff.send("POST", LIST, mug(kitchen, track_inventory=False, stock_quantity=1))
    assert (reply.status_code, reply.json()["code"]) == (409, "stock_not_tracked")
    assert not Product.objects.exists()


def test_a_product_nobody_stocked_is_deleted_and_any_other_leaves_the_shelf(staff, api, shopper):
    fresh, stocked, ordered = ProductFactory(), ProductFactory(stock=1), ProductFactory(track_inventory=False)
    line = {"product_id": str(ordered.pk), "quantity": 1}
    address = {"full_name": "L", "phone": "+966512345678", "address_line1": "1", "city": "R", "country": "SA"}
    placed = shopper.send("POST", "/api/orders/", {"items": [line], "shipping_address": address})
    assert placed.status_code == 201, placed.content
    for product in (fresh, stocked, ordered):
        assert staff.send("DELETE", page(product)).status_code == 204
        assert api.send("GET", page(product)).status_code == 404
    assert not Product.objects.filter(pk=fresh.pk).exists()
    assert list(Product.objects.values_list("is_active", flat=True)) == [False, False]
    assert Order.objects.get().items.get().product == ordered
    assert staff.send("DELETE", page(fresh)).json()["code"] == "product_not_found"


def test_variants_are_added_changed_and_removed(staff, api, clerk):
    shirt = ProductFactory(name="Shirt", price=3000)
    path = f"{page(shirt)}variants/"
    small = staff.send("POST", path, {"name": "S", "sku": "S-1", "attributes": {"size": "S"}, "stock_quantity": 3})
    assert small.status_code == 201
    body = small.json()
    assert (body["price"], body["stock_quantity"], body["is_active"]) == ("30.00", 3, True)
    assert StockMovement.objects.get().actor == clerk
    large = staff.send("POST", path, {"name": "L", "sku": "L-1", "price": "35"}).json()
    changed = staff.send("PATCH", f"{path}{large['id']}/", {"price": None, "position": 4}).json()
    assert (changed["price"], changed["position"], changed["name"]) == ("30.00", 4, "L")
    changed = staff.send("PUT", f"{path}{large['id']}/", {"name": "XL", "sku": "XL-1"}).json()
    assert (changed["name"], changed["position"]) == ("XL", 4)
    for variant in (body, large):
        assert staff.send("DELETE", f"{path}{variant['id']}/").status_code == 204
    assert list(ProductVariant.objects.values_list("sku", "is_active")) == [("S-1", False)]
    assert api.send("GET", page(shirt)).json()["variants"] == []
    assert queries.stock_differences() == []


@pytest.mark.parametrize(
    "body",
    [
        {"attributes": {"x" * 51: "y"}},
        {"attributes": {"size": "y" * 201}},
        {"attributes": {str(n): "y" for n in range(21)}},
        {"attributes": {"size": {"deep": 1}}},
        {"position": 40_000},
        {"price": "0"},
        {"name": None},
        {"stock_quantity": 1},
    ],
)
def test_a_variant_that_makes_no_sense_is_refused(staff, body):
    variant = VariantFactory(product=ProductFactory())
    reply = staff.send("PATCH", f"{page(variant.product)}variants/{variant.pk}/", body)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_input")
    assert ProductVariant.objects.get().attributes == {}


def test_a_variant_of_another_product_is_not_found_and_a_taken_sku_is_refused(staff):
    variant, other = VariantFactory(product=ProductFactory()), ProductFactory()
    reply = staff.send("PATCH", f"{page(other)}variants/{variant.pk}/", {"name": "X"})
    assert (reply.status_code, reply.json()["code"]) == (404, "variant_not_found")
    assert staff.send("DELETE", f"{page(other)}variants/{variant.pk}/").status_code == 404
    reply = staff.send("POST", f"{page(other)}variants/", {"name": "X", "sku": variant.sku})
    assert (reply.status_code, reply.json()["code"]) == (409, "sku_taken")
    assert ProductVariant.objects.count() == 1


def test_a_delivery_and_a_count_are_lines_of_the_ledger(staff, clerk):
    plate = ProductFactory()
    reply = staff.send("POST", f"{page(plate)}receive_stock/", {"quantity": 5, "reference": "D-17"})
    assert reply.json() == {"kind": "receive", "on_hand_change": 5, "on_hand": 5, "reserved": 0, "allocated": 0}
    reserve_stock(lines=[StockLine(plate.pk, None, 2)], reference="A")
    reply = staff.send("POST", f"{page(plate)}adjust_stock/", {"counted": 3, "reason": "two broke"})
    assert reply.json() == {"kind": "adjust", "on_hand_change": -2, "on_hand": 3, "reserved": 2, "allocated": 0}
    assert StockMovement.objects.first().actor == clerk
    refused = staff.send("POST", f"{page(plate)}adjust_stock/", {"counted": 1, "reason": "lost"})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock_below_promised")
    assert StockItem.objects.get().on_hand == 3
    assert queries.stock_differences() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("receive_stock/", {"quantity": 0, "reference": "A"}),
        ("receive_stock/", {"quantity": 1_000_001, "reference": "A"}),
        ("receive_stock/", {"quantity": 1}),
        ("adjust_stock/", {"counted": -1, "reason": "A"}),
        ("adjust_stock/", {"counted": 1.5, "reason": "A"}),
        ("adjust_stock/", {"counted": 20_000_001, "reason": "A"}),
        ("adjust_stock/", {"counted": 1, "reason": "x" * 201}),
    ],
)
def test_a_delivery_or_count_that_makes_no_sense_is_refused(staff, path, body):
    assert staff.send("POST", page(ProductFactory()) + path, body).status_code == 400
    assert not StockMovement.objects.exists()


def test_stock_is_entered_where_it_is_kept(staff):
    shirt, untracked = ProductFactory(), ProductFactory(track_inventory=False)
    variant = VariantFactory(product=shirt)
    elsewhere = VariantFactory(product=ProductFactory())
    for product, variant_id, code in (
        (shirt, None, "stocked_by_variant"),
        (shirt, elsewhere.pk, "variant_not_found"),
        (untracked, None, "stock_not_tracked"),
        (ProductFactory.build(), None, "product_not_found"),
    ):
        body = {
            "variant_id": variant_id and str(variant_id),
            "quantity": 1,
            "reference": "A",
            "counted": 1,
            "reason": "A",
        }
        for path in ("receive_stock/", "adjust_stock/"):
            assert staff.send("POST", page(product) + path, body).json()["code"] == code
    assert not StockItem.objects.exists()
    body = {"variant_id": str(variant.pk), "counted": 4, "reason": "first count"}
    assert staff.send("POST", f"{page(shirt)}adjust_stock/", body).json()["on_hand"] == 4


def test_what_was_stocked_before_the_first_variant_is_counted_down_and_never_up(staff):
    shirt = ProductFactory(stock=5)
    variant = VariantFactory(product=shirt)
    path = f"{page(shirt)}adjust_stock/"
    reply = staff.send("POST", path, {"counted": 6, "reason": "found"})
    assert (reply.status_code, reply.json()["code"]) == (409, "stocked_by_variant")
    reply = staff.send("POST", f"{page(shirt)}receive_stock/", {"quantity": 1, "reference": "D-1"})
    assert (reply.status_code, reply.json()["code"]) == (409, "stocked_by_variant")
    assert StockItem.objects.get().on_hand == 5
    assert staff.send("POST", path, {"counted": 2, "reason": "sorted"}).json()["on_hand"] == 2
    assert staff.send("POST", path, {"counted": 0, "reason": "sorted"}).json()["on_hand"] == 0
    assert staff.send("POST", path, {"counted": 1, "reason": "found"}).status_code == 409
    body = {"variant_id": str(variant.pk), "counted": 5, "reason": "sorted"}
    assert staff.send("POST", path, body).json()["on_hand"] == 5
    assert queries.stock_differences() == []


def test_what_is_left_over_and_promised_is_not_counted_away(staff):
    shirt = ProductFactory(stock=5)
    reserve_stock(lines=[StockLine(shirt.pk, None, 2)], reference="A")
    VariantFactory(product=shirt)
    reply = staff.send("POST", f"{page(shirt)}adjust_stock/", {"counted": 1, "reason": "lost"})
    assert (reply.status_code, reply.json()["code"]) == (409, "stock_below_promised")
    assert StockItem.objects.get().on_hand == 5
    shirt.track_inventory = False
    shirt.save()
    reply = staff.send("POST", f"{page(shirt)}adjust_stock/", {"counted": 2, "reason": "sorted"})
    assert (reply.status_code, reply.json()["code"]) == (409, "stock_not_tracked")


@pytest.mark.parametrize(
    ("path", "body"),
    [("receive_stock/", {"quantity": 5, "reference": "D-17"}), ("adjust_stock/", {"counted": 7, "reason": "found"})],
)
def test_a_delivery_or_count_sent_again_with_its_key_counts_once(staff, path, body):
    plate = ProductFactory(stock=2)
    first, second = (staff.send("POST", page(plate) + path, body, HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2))
    assert (first.status_code, first.json()["on_hand"]) == (200, 7)
    assert (second.status_code, second.json()) == (200, first.json())
    assert second["Idempotency-Replayed"] == "true"
    other = staff.send("POST", page(plate) + path, {**body, "reason": "x"}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert StockItem.objects.get().on_hand == 7


def test_a_product_sent_again_with_its_key_is_added_once(staff, kitchen):
    body = mug(kitchen, stock_quantity=3)
    first, second = (staff.send("POST", LIST, body, HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert Product.objects.count() == StockMovement.objects.count() == 1
    shown = staff.send("PATCH", page(Product.objects.get()), {}).json()
    assert {**shown, "updated_at": None} == {**first.json(), "updated_at": None}


@pytest.mark.django_db(transaction=True)
def test_one_of_many_who_take_the_same_sku_has_it(clerk):
    kitchen = CategoryFactory()

    def add(number):
        particulars = {"name": f"Mug {number % 2}", "sku": "KIT-1", "category_id": kitchen.pk, "price": 100}
        return create_product(particulars=particulars, stock=1, actor=clerk)

    outcomes = race(add, threads=8)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert [error.code for error in refused] == ["sku_taken"] * 7
    assert Product.objects.count() == StockMovement.objects.count() == 1
