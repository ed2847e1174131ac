"""S2.10: what a client keeps is asked about each time, and is never older than the last change."""

import pytest

from apps.products.models import Category, Product
from apps.products.services import StockLine, receive_stock, reserve_stock, write_review
from tests.factories.products import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mug():
    return ProductFactory(name="Mug", stock=5, is_featured=True, category=CategoryFactory())


def addresses(product):
    return {
        "list": "/api/products/",
        "featured": "/api/products/featured/",
        "categories": "/api/products/categories/",
        "category": "/api/products/categories/kitchen/",
        "category_products": "/api/products/categories/kitchen/products/?page_size=5",
        "detail": f"/api/products/{product.pk}/",
        "reviews": f"/api/products/{product.pk}/reviews/",
    }


def ask(api, address, etag):
    return api.send("GET", address, HTTP_IF_NONE_MATCH=etag)


@pytest.mark.parametrize("name", list(addresses(Product())))
def test_a_copy_that_is_still_right_is_304_without_a_body(api, mug, name):
    address = addresses(mug)[name]
    first = api.send("GET", address)
    assert (first.status_code, first["Cache-Control"]) == (200, "no-cache")
    again = ask(api, address, first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "no-cache"
    assert ask(api, address, 'W/"another"').status_code == 200


def sell_one(mug):
    reserve_stock(lines=[StockLine(mug.pk, None, 1)], reference="A")


def receive_one(mug):
    receive_stock(lines=[StockLine(mug.pk, None, 1)], reference="A")


def hide(mug):
    Product.objects.filter(pk=mug.pk).update(is_active=False)


def reprice(mug):
    Product.objects.filter(pk=mug.pk).update(price=999)


def rename_category(mug):
    Category.objects.update(name="Cooking")


def picture(mug):
    mug.images.create(image="products/a.webp")


@pytest.mark.parametrize("name", ["list", "featured", "category_products", "detail"])
@pytest.mark.parametrize("change", [sell_one, receive_one, reprice, rename_category, picture, hide])
def test_any_change_that_is_shown_changes_the_validator(api, mug, name, change):
    address = addresses(mug)[name]
    before = api.send("GET", address)
    change(mug)
    after = ask(api, address, before["ETag"])
    assert after.status_code == (404 if (name, change) == ("detail", hide) else 200)
    assert after.content != before.content
    assert after.headers.get("ETag") != before["ETag"]


def test_the_last_one_sold_is_gone_from_the_next_answer(api):
    last = ProductFactory(stock=1)
    address = addresses(last)["detail"]
    kept = api.send("GET", address)
    sell_one(last)
    assert ask(api, address, kept["ETag"]).json()["stock_quantity"] == 0


def test_a_change_nobody_sees_leaves_copies_right(api, mug):
    Product.objects.filter(pk=mug.pk).update(cost_per_item=1)
    kept = api.send("GET", "/api/products/")
    ProductFactory(is_active=False)
    Product.objects.filter(pk=mug.pk).update(cost_per_item=2)
    assert ask(api, "/api/products/", kept["ETag"]).status_code == 304


def test_a_new_review_changes_the_list_of_reviews(api, mug, layla):
    address = addresses(mug)["reviews"]
    before = api.send("GET", address)
    write_review(user=layla.user, product_id=mug.pk, words={"rating": 5})
    assert ask(api, address, before["ETag"]).json()["count"] == 1


def test_what_is_refused_may_not_be_kept(api):
    reply = api.send("GET", "/api/products/nothing/")
    assert (reply.status_code, reply["Cache-Control"]) == (404, "no-store")
    assert "ETag" not in reply
