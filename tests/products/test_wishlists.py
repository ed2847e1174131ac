"""S2: wishlists. One's own, of bounded number and length."""

import uuid

import pytest

from apps.products.models import Wishlist, WishlistItem
from tests.factories.products import ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
LIST = "/api/products/wishlist/"


def start(client, name="Summer"):
    reply = client.send("POST", LIST, {"name": name})
    assert reply.status_code == 201, reply.content
    return f"{LIST}{reply.json()['id']}/"


def wish(client, path, product, verb="add_item"):
    return client.send("POST", f"{path}{verb}/", {"product_id": str(product.pk)})


def test_a_wishlist_walks_from_empty_to_full_and_back(layla):
    path = start(layla)
    mug, plate = ProductFactory(name="Mug", stock=2, price=1490), ProductFactory(name="Plate")
    wish(layla, path, mug)
    body = wish(layla, path, plate).json()
    assert [item["product"]["name"] for item in body["items"]] == ["Plate", "Mug"]
    assert body["items"][1]["product"]["price"] == "14.90"
    assert (body["name"], body["item_count"]) == ("Summer", 2)
    assert layla.send("GET", path).json() == body
    assert wish(layla, path, mug).json()["item_count"] == 2  # once
    assert wish(layla, path, plate, "remove_item").json()["item_count"] == 1
    assert wish(layla, path, plate, "remove_item").json()["item_count"] == 1
    cleared = layla.send("POST", f"{path}clear/").json()
    assert (cleared["item_count"], cleared["items"]) == (0, [])
    listed = layla.send("GET", LIST).json()
    assert [(row["name"], row["item_count"]) for row in listed["results"]] == [("Summer", 0)]
    assert layla.send("PATCH", path, {"name": "Winter"}).json()["name"] == "Winter"
    assert layla.send("DELETE", path).status_code == 204
    assert layla.send("GET", path).json()["code"] == "wishlist_not_found"


def test_nobody_else_sees_or_touches_it(layla, omar, staff, api):
    path, mug = start(layla), ProductFactory()
    wish(layla, path, mug)
    body = {"product_id": str(mug.pk), "name": "Mine"}
    for client, status in ((omar, 404), (staff, 404), (api, 401)):
        for method, verb in (
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "add_item/"),
            ("POST", "remove_item/"),
            ("POST", "clear/"),
        ):
            assert client.send(method, path + verb, None if method == "GET" else body).status_code == status
    assert omar.send("GET", LIST).json()["count"] == 0
    assert (Wishlist.objects.get().name, WishlistItem.objects.count()) == ("Summer", 1)


def test_lists_and_wishes_are_bounded(layla):
    lists = [Wishlist(user=layla.user, name=str(number)) for number in range(20)]
    Wishlist.objects.bulk_create(lists)
    reply = layla.send("POST", LIST, {"name": "One more"})
    assert (reply.status_code, reply.json()["code"]) == (409, "too_many_wishlists")
    products = [ProductFactory() for _ in range(201)]
    WishlistItem.objects.bulk_create(WishlistItem(wishlist=lists[0], product=product) for product in products[:200])
    path = f"{LIST}{lists[0].pk}/"
    reply = wish(layla, path, products[200])
    assert (reply.status_code, reply.json()["code"]) == (409, "wishlist_full")
    assert wish(layla, path, products[0]).json()["item_count"] == 200
    assert (Wishlist.objects.count(), WishlistItem.objects.count()) == (20, 200)


def test_what_left_the_shelf_is_not_shown_and_cannot_be_wished_for(layla):
    path, mug = start(layla), ProductFactory()
    wish(layla, path, mug)
    mug.is_active = False
    mug.save()
    assert layla.send("GET", path).json()["items"] == []
    assert wish(layla, start(layla, "Other"), mug).json()["code"] == "product_not_found"
    assert wish(layla, path, ProductFactory.build()).json()["code"] == "product_not_found"
    mug.is_active = True
    mug.save()
    assert len(layla.send("GET", path).json()["items"]) == 1


@pytest.mark.parametrize("name", ["", "  ", "<b></b>", "x" * 101, None, 5])
def test_a_name_that_is_none_is_refused(layla, name):
    assert layla.send("POST", LIST, {"name": name}).status_code == 400
    assert not Wishlist.objects.exists()


def test_an_id_that_names_nothing_is_404_and_no_name_has_a_default(layla):
    assert layla.send("GET", f"{LIST}x/").status_code == layla.send("GET", f"{LIST}{uuid.uuid4()}/").status_code == 404
    assert layla.send("POST", LIST, {}).json()["name"] == "My wishlist"


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("count", [1, 12])
def test_a_wishlist_takes_the_same_queries_however_long(layla, django_assert_num_queries, count):
    path = start(layla)
    for _ in range(count):
        wish(layla, path, ProductFactory(stock=1))
    with django_assert_num_queries(3):  # who asks, the list, what is on it
        layla.send("GET", path)


@pytest.mark.django_db(transaction=True)
def test_lists_started_at_once_are_still_at_most_twenty(layla):
    Wishlist.objects.bulk_create(Wishlist(user=layla.user, name=str(number)) for number in range(18))
    replies = race(lambda n: layla.send("POST", LIST, {"name": str(n)}).status_code, threads=6)
    assert sorted(replies) == [201, 201, 409, 409, 409, 409]
    assert Wishlist.objects.count() == 20
