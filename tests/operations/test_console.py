"""Every page of the console opens, for a row of every kind, and only for staff."""

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.accounts.models import User
from apps.operations.services.seeding import seed_demo
from apps.orders.models import Order
from apps.products.models import StockItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    seed_demo()


@pytest.fixture
def staff(client, operator):
    client.force_login(operator)
    return client


def place(model, page):
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


def test_each_list_and_a_row_of_each_opens(shop, staff):
    for model in admin.site._registry:
        assert staff.get(reverse(place(model, "changelist"))).status_code == 200, model
        if row := model.objects.first():
            assert staff.get(reverse(place(model, "change"), args=[row.pk])).status_code == 200, model


def test_each_list_can_be_searched(shop, staff):
    for model, page in admin.site._registry.items():
        if page.search_fields:
            assert staff.get(reverse(place(model, "changelist")), {"q": "layla"}).status_code == 200


def test_a_list_of_thirty_products_takes_few_queries(shop, staff, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        staff.get(reverse("admin:products_product_changelist"))


def test_the_front_page_shows_what_needs_a_hand(shop, staff):
    page = staff.get("/admin/").content.decode()
    assert "Waiting for payment" in page
    assert Order.objects.latest("created_at").number in page


def test_customers_do_not_get_in(shop, client):
    client.force_login(User.objects.get(phone="+966500000001"))
    assert client.get("/admin/").status_code == 302
    assert client.get(reverse("admin:orders_order_changelist")).status_code == 302


def test_an_order_is_marked_paid_and_cancelled_from_the_list(shop, staff):
    waiting = Order.objects.get(status="pending")
    for action, status in (("mark_paid", "processing"), ("cancel", "cancelled")):
        staff.post(reverse("admin:orders_order_changelist"), {"action": action, "_selected_action": [str(waiting.pk)]})
        waiting.refresh_from_db()
        assert waiting.status == status
    refused = staff.post(
        reverse("admin:orders_order_changelist"),
        {"action": "mark_paid", "_selected_action": [str(waiting.pk)]},
        follow=True,
    )
    assert "past the point" in refused.content.decode()
    assert not StockItem.objects.filter(product__orderline__order=waiting).exclude(reserved=0).exists()


def test_balances_and_ledger_cannot_be_typed_in(shop, staff):
    item = StockItem.objects.first()
    staff.post(reverse("admin:products_stockitem_change", args=[item.pk]), {"on_hand": 999})
    item.refresh_from_db()
    assert item.on_hand != 999
    assert staff.get(reverse("admin:products_stockmovement_add")).status_code == 403
    assert staff.get(reverse("admin:orders_order_add")).status_code == 403
