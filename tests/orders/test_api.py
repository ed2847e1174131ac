import re

import pytest

from apps.accounts.models import User
from apps.orders.models import Order
from apps.products.models import StockItem
from tests.factories.products import ProductFactory

pytestmark = pytest.mark.django_db
ADDRESS = {
    "full_name": "Layla Haddad",
    "email": "layla@shop.test",
    "phone": "+966512345678",
    "address_line1": "12 Palm Street",
    "city": "Riyadh",
    "state": "",
    "country": "SA",
    "postal_code": "11564",
}


def order_of(*items, **extra):
    return {"items": list(items), "shipping_address": ADDRESS, **extra}


def item(product, quantity=1):
    return {"product_id": str(product.pk), "quantity": quantity}


def test_an_order_is_placed_with_the_documents_shape(shopper):
    mug = ProductFactory(price=1490, stock=3)
    reply = shopper.send("POST", "/api/orders/", order_of(item(mug, 2), customer_notes="Ring twice"))
    body = reply.json()
    assert reply.status_code == 201
    assert (body["subtotal"], body["tax_amount"], body["shipping_cost"], body["total"]) == (
        "29.80",
        "2.98",
        "10.00",
        "42.78",
    )
    assert (body["status"], body["payment_status"], body["items"][0]["total_price"]) == ("pending", "pending", "29.80")
    assert body["billing_address"] == body["shipping_address"]
    assert body["reserved_until"]
    assert shopper.send("GET", f"/api/products/{mug.pk}/").json()["stock_quantity"] == 1


@pytest.mark.parametrize("quantity", [0, -1, 10**9, "2", 1.5, None, True, [1]])
def test_a_quantity_that_is_none_is_400_and_nothing_moves(shopper, quantity):
    mug = ProductFactory(stock=3)
    reply = shopper.send("POST", "/api/orders/", order_of(item(mug, quantity)))
    assert reply.status_code == 400
    assert "items.0.quantity" in reply.json()["errors"]
    assert not Order.objects.exists()
    assert StockItem.objects.get().reserved == 0


def test_an_order_of_a_hundred_and_one_lines_is_refused(shopper):
    mug = ProductFactory(stock=500)
    reply = shopper.send("POST", "/api/orders/", order_of(*[item(mug)] * 101))
    assert reply.status_code == 400
    assert not Order.objects.exists()


def test_a_tampered_total_changes_nothing(shopper):
    mug = ProductFactory(price=1000, stock=1)
    body = shopper.send("POST", "/api/orders/", order_of(item(mug), total="0.01", payment_status="paid")).json()
    assert (body["total"], body["payment_status"]) == ("21.00", "pending")


def test_out_of_stock_is_409_and_says_what_is_left(shopper):
    mug = ProductFactory(stock=1)
    reply = shopper.send("POST", "/api/orders/", order_of(item(mug, 2)))
    assert reply.status_code == 409
    assert reply.json()["details"]["items"][0]["available"] == 1


def test_the_cart_walks_from_empty_to_ordered(shopper):
    mug = ProductFactory(name="Mug", price=1000, stock=3)
    assert shopper.send("GET", "/api/orders/cart/").json()["items"] == []
    cart = shopper.send("POST", "/api/orders/cart/add_item/", item(mug, 3) | {"variant_id": None}).json()
    line = cart["items"][0]
    assert (line["product_name"], line["total_price"], cart["total"]) == ("Mug", "30.00", "30.00")
    cart = shopper.send("PATCH", "/api/orders/cart/update_item/", {"item_id": line["id"], "quantity": 1}).json()
    assert cart["total"] == "10.00"
    reply = shopper.send("POST", "/api/orders/cart/checkout/", {"shipping_address": ADDRESS})
    assert reply.status_code == 201
    assert shopper.send("GET", "/api/orders/cart/").json()["items"] == []
    again = shopper.send("POST", "/api/orders/cart/checkout/", {"shipping_address": ADDRESS})
    assert (again.status_code, again.json()["code"]) == (409, "cart_empty")


@pytest.mark.parametrize("remove", ["zero", "delete", "clear"])
def test_a_line_leaves_the_cart_in_three_ways(shopper, remove):
    cart = shopper.send("POST", "/api/orders/cart/add_item/", item(ProductFactory(stock=1))).json()
    line = cart["items"][0]["id"]
    match remove:
        case "zero":
            reply = shopper.send("PATCH", "/api/orders/cart/update_item/", {"item_id": line, "quantity": 0})
        case "delete":
            reply = shopper.send("DELETE", f"/api/orders/cart/remove_item/?item_id={line}")
        case _:
            reply = shopper.send("POST", "/api/orders/cart/clear/")
    assert reply.status_code == 200
    assert reply.json()["items"] == []


def test_an_order_is_read_by_its_owner(shopper):
    placed = shopper.send("POST", "/api/orders/", order_of(item(ProductFactory(name="Mug", stock=2), 2))).json()
    read = shopper.send("GET", f"/api/orders/{placed['id']}/").json()
    assert read == placed
    assert [line["product_name"] for line in read["items"]] == ["Mug"]
    assert shopper.send("GET", "/api/orders/history/").json()["results"] == [placed]


def test_an_order_number_has_eight_digits_and_six_characters_that_cannot_be_misread(shopper):
    placed = shopper.send("POST", "/api/orders/", order_of(item(ProductFactory(stock=2)))).json()
    assert re.fullmatch(r"ORD-\d{8}-[2-9BCDFGHJKMNPQRSTVWXYZ]{6}", placed["order_number"])


def test_someone_elses_order_does_not_exist(shopper, sign_in):
    mug = ProductFactory(stock=1)
    order = shopper.send("POST", "/api/orders/", order_of(item(mug))).json()
    stranger = sign_in(User.objects.create_user(phone="+966500000009"))
    for method, path in (("GET", ""), ("POST", "cancel/")):
        assert stranger.send(method, f"/api/orders/{order['id']}/{path}").status_code == 404
    assert stranger.send("GET", "/api/orders/").json()["count"] == 0
    assert Order.objects.get().status == "pending"


def test_a_customer_cancels_once(shopper):
    order = shopper.send("POST", "/api/orders/", order_of(item(ProductFactory(stock=1)))).json()
    assert shopper.send("POST", f"/api/orders/{order['id']}/cancel/").json()["status"] == "cancelled"
    again = shopper.send("POST", f"/api/orders/{order['id']}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_order_state")
    assert StockItem.objects.get().reserved == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_an_order_cannot_be_written_or_deleted(shopper, method):
    order = shopper.send("POST", "/api/orders/", order_of(item(ProductFactory(stock=1)))).json()
    assert shopper.send(method, f"/api/orders/{order['id']}/", {"status": "delivered"}).status_code == 405
    assert Order.objects.get().status == "pending"


def test_without_signing_in_there_is_no_order(api):
    for method, path in (("POST", ""), ("GET", ""), ("POST", "cart/checkout/")):
        assert api.send(method, f"/api/orders/{path}", {}).status_code == 401


@pytest.mark.usefixtures("still_clock")
def test_orders_are_listed_in_a_fixed_number_of_queries(shopper, django_assert_max_num_queries):
    for _ in range(5):
        shopper.send("POST", "/api/orders/", order_of(item(ProductFactory(stock=1)), item(ProductFactory(stock=1))))
    with django_assert_max_num_queries(4):
        assert shopper.send("GET", "/api/orders/").json()["count"] == 5
