"""Goods leave, come back and are counted; and the proof that the ledger adds up."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.operations.services.seeding import seed_demo
from apps.products import queries
from apps.products.errors import StockBelowPromised, StockItemNotFound, TooMuchStock
from apps.products.models import MAX_ON_HAND, StockItem, StockMovement
from apps.products.services import (
    StockLine,
    adjust_stock,
    allocate_stock,
    receive_stock,
    reserve_stock,
    return_stock,
    ship_stock,
)
from tests.factories.products import ProductFactory, VariantFactory
from tests.races import race

pytestmark = pytest.mark.django_db


def balances(product):
    return StockItem.objects.values_list("on_hand", "reserved", "allocated").get(product=product, variant=None)


def line(product, quantity=1):
    return [StockLine(product.pk, None, quantity)]


def counted(product, number, actor=None):
    return adjust_stock(item_id=product.stock.get().pk, counted=number, reason="stocktaking", actor=actor)


def check_stock(*options):
    out = StringIO()
    try:
        call_command("check_stock", *options, stdout=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def test_goods_set_aside_leave_and_come_back():
    clerk = User.objects.create_user(email="clerk@shop.test")
    mug = ProductFactory(stock=5)
    for move in (reserve_stock, allocate_stock):
        move(lines=line(mug, 2), reference="A")
    ship_stock(lines=line(mug, 2), reference="A", actor=clerk)
    assert balances(mug) == (3, 0, 0)
    return_stock(lines=line(mug), reference="A", actor=clerk, reason="wrong colour")
    assert balances(mug) == (4, 0, 0)
    back, gone = StockMovement.objects.all()[:2]
    assert (gone.kind, gone.on_hand_change, gone.allocated_change, gone.actor) == ("ship", -2, -2, clerk)
    assert (back.kind, back.on_hand_change, back.reason, back.actor) == ("return", 1, "wrong colour", clerk)
    assert queries.stock_differences() == []


def test_nothing_ships_that_was_not_set_aside():
    mug = ProductFactory(stock=5)
    with pytest.raises(IntegrityError), transaction.atomic():
        ship_stock(lines=line(mug), reference="A")
    assert balances(mug) == (5, 0, 0)
    assert not StockMovement.objects.filter(kind="ship").exists()


@pytest.mark.parametrize(("number", "change"), [(7, 2), (3, -2), (5, 0), (0, -5)])
def test_a_count_moves_the_shelf_to_what_was_counted(number, change):
    clerk = User.objects.create_user(email="clerk@shop.test")
    mug = ProductFactory(stock=5)
    moved = counted(mug, number, actor=clerk)
    assert balances(mug) == (number, 0, 0)
    assert (moved.kind, moved.on_hand_change, moved.reason, moved.actor) == ("adjust", change, "stocktaking", clerk)
    assert queries.stock_differences() == []


def test_a_count_below_what_is_promised_is_refused():
    mug = ProductFactory(stock=5)
    reserve_stock(lines=line(mug, 3), reference="A")
    allocate_stock(lines=line(mug, 1), reference="A")
    with pytest.raises(StockBelowPromised) as refused:
        counted(mug, 2)
    assert refused.value.details == {"counted": 2, "reserved": 2, "allocated": 1}
    assert balances(mug) == (5, 2, 1)
    assert not StockMovement.objects.filter(kind="adjust").exists()
    counted(mug, 3)
    assert balances(mug) == (3, 2, 1)


def test_the_ledger_has_room_for_no_more_than_it_can_hold():
    mug = ProductFactory(stock=5)
    with pytest.raises(TooMuchStock):
        receive_stock(lines=line(mug, MAX_ON_HAND), reference="A")
    with pytest.raises(TooMuchStock):
        counted(mug, MAX_ON_HAND + 1)
    with pytest.raises(StockItemNotFound):
        adjust_stock(item_id=0, counted=1, reason="", actor=None)
    assert balances(mug) == (5, 0, 0)
    assert StockMovement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_counting_while_customers_buy_never_breaks_a_promise():
    mug = ProductFactory(stock=40)

    def move(number):
        if number % 4:
            return reserve_stock(lines=line(mug), reference=str(number))
        return counted(mug, 20)

    outcomes = race(move, threads=24)
    assert all(not isinstance(outcome, Exception) for outcome in outcomes), outcomes
    assert balances(mug) == (20, 18, 0)
    assert queries.stock_differences() == []


def test_check_stock_says_that_it_adds_up():
    mug = ProductFactory(stock=5)
    VariantFactory(product=mug, stock=2)
    assert check_stock() == (0, "The stock ledger adds up: 2 stock items agree with their movements.\n")
    assert json.loads(check_stock("--json")[1]) == {"ok": True, "checked": 2, "differences": []}


def test_check_stock_names_what_was_changed_behind_the_ledger():
    ProductFactory(stock=1)
    mug, plate = ProductFactory(sku="MUG", stock=5), ProductFactory(sku="PLATE")
    StockItem.objects.filter(product=mug).update(on_hand=6)
    StockItem.objects.create(product=plate, on_hand=1)
    code, said = check_stock()
    assert code == 1
    assert said.splitlines()[0] == "2 of 3 stock items do not agree with their movements:"
    assert "MUG (item " in said
    assert "on_hand 6, moved 5; reserved 0, moved 0" in said
    code, said = check_stock("--json")
    told = json.loads(said)
    assert (code, told["ok"], [row["sku"] for row in told["differences"]]) == (1, False, ["MUG", "PLATE"])


def test_check_stock_takes_one_statement_for_the_proof(django_assert_num_queries):
    ProductFactory(stock=5)
    with django_assert_num_queries(1):
        assert queries.stock_differences() == []


def test_the_demo_shop_adds_up(settings, tmp_path):
    settings.DATA_DIR = settings.MEDIA_ROOT = tmp_path
    seed_demo()
    code, said = check_stock()
    assert (code, said[:27]) == (0, "The stock ledger adds up: 3"), said
