"""A cart before its holder is known, and what becomes of it when they sign in."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.orders import services
from apps.orders.errors import CartItemNotFound
from apps.orders.guests import Guest
from apps.orders.models import MAX_LINES, MAX_QUANTITY, Cart, CartItem
from core.clock import now
from core.housekeeping import delete_stale
from core.redaction import MASK, forget_concealed, redact
from tests.conftest import Api
from tests.factories.products import ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
CART = "/api/orders/cart/"


@pytest.fixture
def mug():
    return ProductFactory(stock=5, price=1000)


def add(api, product, quantity=1, **headers):
    body = {"product_id": str(product.pk), "quantity": quantity}
    return api.send("POST", f"{CART}add_item/", body, **headers)


def lines(answer):
    return [(line["product_name"], line["quantity"]) for line in answer.json()["items"]]


def test_a_guest_fills_a_cart_and_holds_it_by_its_token(api, mug):
    token = add(api, mug, 2).json()["token"]
    again = add(api, mug, 1, HTTP_X_CART_TOKEN=token)
    assert again.json()["token"] is None
    assert lines(api.get(CART, HTTP_X_CART_TOKEN=token)) == [(mug.name, 3)]
    assert Cart.objects.count() == 1
    assert token.encode() not in bytes(Cart.objects.get().token_digest)


def test_looking_into_no_cart_makes_none(api):
    answer = api.get(CART)
    assert (answer.status_code, answer.json()["id"], answer.json()["items"]) == (200, None, [])
    assert api.get(CART, HTTP_X_CART_TOKEN="guessed").json()["id"] is None
    assert api.send("POST", f"{CART}clear/").status_code == 200
    assert not Cart.objects.exists()


def test_nobody_changes_a_guests_cart_without_its_token(api, shopper, mug):
    token = add(api, mug).json()["token"]
    item = str(CartItem.objects.get().pk)
    for client, headers in ((api, {}), (api, {"HTTP_X_CART_TOKEN": "guessed"}), (shopper, {})):
        body = {"item_id": item, "quantity": 9}
        assert client.send("PATCH", f"{CART}update_item/", body, **headers).status_code == 404
        assert client.send("DELETE", f"{CART}remove_item/?item_id={item}", **headers).status_code == 404
    assert CartItem.objects.get().quantity == 1
    assert api.send("PATCH", f"{CART}update_item/", {"item_id": item, "quantity": 4}, HTTP_X_CART_TOKEN=token).json()
    assert CartItem.objects.get().quantity == 4


def test_signing_in_brings_the_cart_along(api, shopper, mug):
    plate = ProductFactory(stock=5)
    add(shopper, mug, 1)
    token = add(api, mug, 2).json()["token"]
    add(api, plate, 1, HTTP_X_CART_TOKEN=token)
    assert sorted(lines(shopper.get(CART, HTTP_X_CART_TOKEN=token))) == sorted([(mug.name, 3), (plate.name, 1)])
    assert Cart.objects.count() == 1
    # Sent for ever after, as a phone will, it changes nothing more.
    assert sorted(lines(shopper.get(CART, HTTP_X_CART_TOKEN=token))) == sorted([(mug.name, 3), (plate.name, 1)])


def test_a_guest_orders_only_after_signing_in(api, shopper, mug):
    token = add(api, mug, 2).json()["token"]
    body = {"shipping_address": {"full_name": "Nora", "address_line1": "1", "city": "Riyadh", "country": "SA"}}
    assert api.send("POST", f"{CART}checkout/", body, HTTP_X_CART_TOKEN=token).status_code == 401
    assert CartItem.objects.count() == 1
    reply = shopper.send("POST", f"{CART}checkout/", body, HTTP_X_CART_TOKEN=token)
    assert (reply.status_code, reply.json()["items"][0]["quantity"]) == (201, 2)
    assert not CartItem.objects.exists()


def test_an_ended_session_is_told_so_and_not_taken_for_a_guest(mug):
    assert add(Api("nonsense"), mug).status_code == 401
    assert not Cart.objects.exists()


def test_a_merge_stops_at_what_a_cart_can_hold(mug):
    user, guest = User.objects.create_user(phone="+966512345678"), Guest.new()
    mine = services.open_cart(holder=user)
    others = [CartItem(cart=mine, product=ProductFactory(), quantity=1) for _ in range(MAX_LINES - 1)]
    CartItem.objects.bulk_create([*others, CartItem(cart=mine, product=mug, quantity=MAX_QUANTITY - 1)])
    services.add_to_cart(holder=guest, product_id=mug.pk, variant_id=None, quantity=5)
    services.add_to_cart(holder=guest, product_id=ProductFactory().pk, variant_id=None, quantity=5)
    assert services.take_over_cart(user=user, guest=guest)
    assert mine.items.count() == MAX_LINES
    assert mine.items.get(product=mug).quantity == MAX_QUANTITY


def test_carts_of_guests_are_limited_by_address(api, mug):
    statuses = [add(api, mug).status_code for _ in range(61)]
    assert set(statuses[:60]) == {200}
    assert statuses[60] == 429
    assert Cart.objects.count() == 60


@pytest.mark.parametrize("token", ["1", "guessed", "x" * 300, " "])
def test_a_made_up_token_counts_as_none(api, mug, token):
    answer = add(api, mug, HTTP_X_CART_TOKEN=token)
    given = answer.json()["token"]
    assert len(given) >= 43
    assert given != token
    assert api.get(CART, HTTP_X_CART_TOKEN=token).json()["items"] == []
    assert lines(api.get(CART, HTTP_X_CART_TOKEN=given)) == [(mug.name, 1)]
    assert Cart.objects.count() == 1


def test_made_up_tokens_are_limited_by_address_as_well(api, mug):
    statuses = [add(api, mug, HTTP_X_CART_TOKEN=f"made-up-{number}").status_code for number in range(61)]
    assert statuses == [200] * 60 + [429]
    assert Cart.objects.count() == 60


def test_who_has_a_cart_goes_on_filling_it_when_the_limit_is_reached(api, mug):
    token = add(api, mug).json()["token"]
    for _ in range(60):
        add(api, mug)
    assert add(api, mug).status_code == 429
    assert add(api, mug, HTTP_X_CART_TOKEN=token).status_code == 200


def test_no_cart_is_made_by_a_token_that_is_not_ours(mug):
    with pytest.raises(CartItemNotFound):
        services.add_to_cart(holder=Guest.by_token("1"), product_id=mug.pk, variant_id=None, quantity=1)
    assert not Cart.objects.exists()


def test_a_token_is_concealed_and_bounded_whoever_shows_it():
    assert Guest.by_token("x" * 101) == Guest.by_token("x" * 100)
    forget_concealed()
    Guest.by_token("a-token-of-somebody")
    assert redact("a-token-of-somebody") == MASK


def test_carts_nobody_touches_for_a_month_are_forgotten(mug):
    old, fresh = Guest.new(), Guest.new()
    for guest in (old, fresh):
        services.add_to_cart(holder=guest, product_id=mug.pk, variant_id=None, quantity=1)
    Cart.objects.filter(token_digest=old.digest).update(updated_at=now() - timedelta(days=31))
    assert delete_stale(services.stale_carts) == 1
    assert Cart.objects.get().token_digest == fresh.digest


@pytest.mark.django_db(transaction=True)
def test_a_cart_merged_by_many_requests_at_once_is_merged_once():
    user, guest = User.objects.create_user(phone="+966512345678"), Guest.new()
    services.add_to_cart(holder=guest, product_id=ProductFactory(stock=5).pk, variant_id=None, quantity=2)
    outcomes = race(lambda _: services.take_over_cart(user=user, guest=guest), threads=10)
    assert outcomes.count(True) == 1
    assert CartItem.objects.get().quantity == 2
    assert Cart.objects.count() == 1
