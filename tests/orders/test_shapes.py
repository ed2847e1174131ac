"""S2's two shapes of an order, and orders that are sent twice."""

import pytest

from apps.accounts.models import Address, User
from apps.orders.models import CartItem, Order
from apps.products.models import StockItem
from core.models import OutboxJob
from tests.factories.products import ProductFactory

pytestmark = pytest.mark.django_db
HOME = {"full_name": "Nora", "phone": "+966512345678", "address_line1": "1 Palm St", "city": "Riyadh", "country": "SA"}


@pytest.fixture
def mug():
    return ProductFactory(stock=5, price=1000)


@pytest.fixture
def entry(shopper):
    return Address.objects.create(user=User.objects.get(), **HOME, state="", postal_code="12345")


def fill(shopper, mug):
    shopper.send("POST", "/api/orders/cart/add_item/", {"product_id": str(mug.pk), "quantity": 2})


@pytest.mark.parametrize("path", ["/api/orders/", "/api/orders/cart/checkout/"])
def test_the_cart_goes_to_an_address_of_the_book(shopper, mug, entry, path):
    fill(shopper, mug)
    reply = shopper.send("POST", path, {"shipping_address_id": str(entry.pk), "payment_method": "card"})
    assert reply.status_code == 201
    order = reply.json()
    assert order["shipping_address"]["address_line1"] == "1 Palm St"
    assert order["billing_address"] == order["shipping_address"]
    assert order["items"][0]["quantity"] == 2
    assert not CartItem.objects.exists()
    entry.delete()
    assert shopper.get(f"/api/orders/{order['id']}/").json()["shipping_address"]["city"] == "Riyadh"


def test_the_bill_may_go_elsewhere(shopper, mug, entry):
    fill(shopper, mug)
    bill = Address.objects.create(user=User.objects.get(), **{**HOME, "city": "Jeddah"}, state="", postal_code="1")
    body = {"shipping_address_id": str(entry.pk), "billing_same_as_shipping": False, "billing_address_id": str(bill.pk)}
    order = shopper.send("POST", "/api/orders/", body).json()
    assert (order["shipping_address"]["city"], order["billing_address"]["city"]) == ("Riyadh", "Jeddah")


@pytest.mark.parametrize(
    "spoil",
    [
        {"billing_same_as_shipping": False},
        {"payment_method": "cash"},
        {"shipping_address_id": "nonsense"},
        {"customer_notes": "x" * 1001},
    ],
)
def test_what_does_not_fit_orders_nothing(shopper, mug, entry, spoil):
    fill(shopper, mug)
    reply = shopper.send("POST", "/api/orders/", {"shipping_address_id": str(entry.pk), **spoil})
    assert reply.status_code == 400
    assert not Order.objects.exists()
    assert CartItem.objects.count() == 1


def test_a_strangers_address_is_404_and_the_cart_stays(shopper, mug):
    theirs = Address.objects.create(
        user=User.objects.create_user(phone="+966512345670"), **HOME, state="", postal_code="1"
    )
    fill(shopper, mug)
    reply = shopper.send("POST", "/api/orders/", {"shipping_address_id": str(theirs.pk)})
    assert (reply.status_code, reply.json()["code"]) == (404, "address_not_found")
    assert not Order.objects.exists()
    assert CartItem.objects.count() == 1


def test_errors_name_the_fields_of_the_shape_that_was_meant(shopper):
    errors = shopper.send("POST", "/api/orders/", {"items": []}).json()["errors"]
    assert set(errors) == {"items", "shipping_address"}
    errors = shopper.send("POST", "/api/orders/", {"shipping_address_id": 7}).json()["errors"]
    assert set(errors) == {"shipping_address_id"}


def test_an_order_sent_twice_with_a_key_is_placed_once_and_answered_alike(shopper, mug):
    body = {"items": [{"product_id": str(mug.pk), "quantity": 2}], "shipping_address": HOME}
    first, second = (shopper.send("POST", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="tap") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotency-Replayed"] == "true"
    assert Order.objects.count() == 1
    assert StockItem.objects.get().reserved == 2
    assert OutboxJob.objects.filter(name="orders.announce_placed").count() == 1


def test_the_answer_with_a_key_is_the_answer_without(shopper, mug):
    body = {"items": [{"product_id": str(mug.pk), "quantity": 1}], "shipping_address": HOME}
    plain = shopper.send("POST", "/api/orders/", body).json()
    keyed = shopper.send("POST", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="tap").json()
    assert plain.keys() == keyed.keys()
    differs = {"id", "order_number", "items", "created_at", "updated_at", "reserved_until"}
    assert {key: plain[key] for key in plain.keys() - differs} == {key: keyed[key] for key in keyed.keys() - differs}
    assert plain["created_at"][-6:] == keyed["created_at"][-6:]


def test_a_key_with_another_order_is_422_and_a_refused_order_leaves_the_key_free(shopper, mug):
    body = {"items": [{"product_id": str(mug.pk), "quantity": 6}], "shipping_address": HOME}
    assert shopper.send("POST", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="tap").status_code == 409
    body["items"][0]["quantity"] = 1
    assert shopper.send("POST", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="tap").status_code == 201
    body["items"][0]["quantity"] = 2
    reply = shopper.send("POST", "/api/orders/", body, HTTP_IDEMPOTENCY_KEY="tap")
    assert (reply.status_code, reply.json()["code"]) == (422, "idempotency_key_reused")
    assert Order.objects.count() == 1
