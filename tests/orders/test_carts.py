import pytest

from apps.accounts.models import User
from apps.orders import services
from apps.orders.errors import CartEmpty, CartFull, CartItemNotFound
from apps.orders.models import CartItem, Order
from apps.orders.services import Addresses
from apps.products.errors import OutOfStock
from core.errors import InvalidInput
from core.housekeeping import delete_stale
from tests.balances import stock
from tests.factories.products import ProductFactory
from tests.races import queue, race

pytestmark = pytest.mark.django_db
HOME = Addresses({"city": "Riyadh"}, {"city": "Riyadh"})


@pytest.fixture
def shopper_user():
    return User.objects.create_user(phone="+966512345678")


def test_the_cart_becomes_an_order_once(shopper_user):
    mug = ProductFactory(stock=5)
    services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=2)
    services.check_out_cart(user=shopper_user, addresses=HOME)
    with pytest.raises(CartEmpty):
        services.check_out_cart(user=shopper_user, addresses=HOME)
    assert Order.objects.count() == 1
    assert stock(mug) == (5, 2, 0)
    assert not CartItem.objects.exists()


def test_a_refused_checkout_leaves_the_cart_as_it_was(shopper_user):
    mug = ProductFactory(stock=1)
    services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=2)
    with pytest.raises(OutOfStock):
        services.check_out_cart(user=shopper_user, addresses=HOME)
    assert CartItem.objects.get().quantity == 2


def test_adding_again_adds_up_to_a_bound(shopper_user):
    mug = ProductFactory(stock=1)
    for _ in range(2):
        services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=500)
    with pytest.raises(InvalidInput):
        services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=1)
    assert CartItem.objects.get().quantity == 1000


def test_a_cart_holds_a_hundred_lines(shopper_user):
    cart = services.open_cart(holder=shopper_user)
    CartItem.objects.bulk_create(CartItem(cart=cart, product=ProductFactory(), quantity=1) for _ in range(100))
    with pytest.raises(CartFull):
        services.add_to_cart(holder=shopper_user, product_id=ProductFactory().pk, variant_id=None, quantity=1)
    assert cart.items.count() == 100


def test_another_customers_line_does_not_exist(shopper_user):
    other = services.add_to_cart(
        holder=User.objects.create_user(phone="+966500000009"),
        product_id=ProductFactory().pk,
        variant_id=None,
        quantity=1,
    )
    with pytest.raises(CartItemNotFound):
        services.remove_from_cart(holder=shopper_user, item_id=other.items.get().pk)
    assert other.items.count() == 1


def test_every_change_moves_the_carts_clock(shopper_user):
    mug, seen = ProductFactory(stock=5), []
    for _ in range(3):
        services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=1)
        seen.append(services.open_cart(holder=shopper_user).updated_at)
    assert seen == sorted(set(seen))


@pytest.mark.django_db(transaction=True)
def test_two_taps_on_checkout_make_one_order():
    user = User.objects.create_user(phone="+966512345678")
    mug = ProductFactory(stock=9)
    services.add_to_cart(holder=user, product_id=mug.pk, variant_id=None, quantity=1)
    race(lambda _: services.check_out_cart(user=user, addresses=HOME), threads=8)
    assert Order.objects.count() == 1
    assert stock(mug) == (9, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_cart_that_is_swept_while_something_is_put_in_is_made_anew(shopper_user):
    mug = ProductFactory(stock=5)
    services.open_cart(holder=shopper_user)
    cart = queue(
        lambda: delete_stale(services.stale_carts, days=0),
        lambda: services.add_to_cart(holder=shopper_user, product_id=mug.pk, variant_id=None, quantity=2),
    )
    assert (CartItem.objects.get().quantity, CartItem.objects.get().cart) == (2, cart)
