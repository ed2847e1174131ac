import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from apps.products.errors import OutOfStock
from apps.products.models import StockItem, StockMovement
from apps.products.services import (
    StockLine,
    allocate_stock,
    deallocate_stock,
    receive_stock,
    release_stock,
    reserve_stock,
)
from tests.factories.products import ProductFactory, VariantFactory
from tests.races import race

pytestmark = pytest.mark.django_db


def balances(product):
    return StockItem.objects.values_list("on_hand", "reserved", "allocated").get(product=product, variant=None)


def line(product, quantity=1):
    return [StockLine(product.pk, None, quantity)]


def assert_ledger_adds_up():
    for item in StockItem.objects.all():
        sums = item.movements.aggregate(
            on_hand=Sum("on_hand_change"), reserved=Sum("reserved_change"), allocated=Sum("allocated_change")
        )
        assert sums == {"on_hand": item.on_hand, "reserved": item.reserved, "allocated": item.allocated}


def test_goods_go_from_shelf_to_promise_to_parcel_and_back():
    mug = ProductFactory(stock=5)
    reserve_stock(lines=line(mug, 2), reference="A")
    assert balances(mug) == (5, 2, 0)
    allocate_stock(lines=line(mug, 2), reference="A")
    assert balances(mug) == (5, 0, 2)
    deallocate_stock(lines=line(mug, 2), reference="A")
    assert balances(mug) == (5, 0, 0)
    assert_ledger_adds_up()


def test_a_release_undoes_a_promise():
    mug = ProductFactory(stock=1)
    reserve_stock(lines=line(mug), reference="A")
    release_stock(lines=line(mug), reference="A")
    assert balances(mug) == (1, 0, 0)


def test_what_falls_short_is_named_and_nothing_is_promised():
    mug, plate = ProductFactory(stock=5), ProductFactory(stock=1)
    with pytest.raises(OutOfStock) as refused:
        reserve_stock(lines=[*line(mug, 1), *line(plate, 2)], reference="A")
    assert refused.value.details["items"] == [{"product_id": plate.pk, "variant_id": None, "wanted": 2, "available": 1}]
    assert balances(mug) == (5, 0, 0)
    assert not StockMovement.objects.filter(kind="reserve").exists()


def test_lines_that_share_an_item_count_together():
    mug = ProductFactory(stock=3)
    with pytest.raises(OutOfStock):
        reserve_stock(lines=[*line(mug, 2), *line(mug, 2)], reference="A")
    assert balances(mug) == (3, 0, 0)


def test_a_variant_has_a_shelf_of_its_own():
    shirt = ProductFactory()
    small, large = VariantFactory(product=shirt, stock=1), VariantFactory(product=shirt, stock=2)
    reserve_stock(lines=[StockLine(shirt.pk, small.pk, 1)], reference="A")
    assert [item.available for item in StockItem.objects.filter(product=shirt).order_by("pk")] == [0, 2]
    assert large.stock.get().reserved == 0


def test_the_database_itself_refuses_to_oversell():
    mug = ProductFactory(stock=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockItem.objects.filter(product=mug).update(reserved=2)
    assert balances(mug) == (1, 0, 0)


def test_releasing_more_than_was_promised_is_refused():
    mug = ProductFactory(stock=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        release_stock(lines=line(mug), reference="A")
    assert balances(mug) == (1, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_baskets_that_cross_do_not_deadlock():
    mug, plate = ProductFactory(stock=40), ProductFactory(stock=40)

    def reserve(number):
        pair = [mug, plate] if number % 2 else [plate, mug]
        reserve_stock(lines=[StockLine(product.pk, None, 1) for product in pair], reference=str(number))

    assert race(reserve, threads=40) == [None] * 40
    assert balances(mug) == balances(plate) == (40, 40, 0)
    assert_ledger_adds_up()


@pytest.mark.django_db(transaction=True)
def test_deliveries_that_arrive_together_are_all_counted():
    mug = ProductFactory()
    race(lambda number: receive_stock(lines=line(mug, 2), reference=str(number)), threads=20)
    assert balances(mug) == (40, 0, 0)
    assert_ledger_adds_up()
