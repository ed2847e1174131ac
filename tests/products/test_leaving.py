"""What is left of somebody who left: no wishlist, and reviews by nobody in particular."""

import pytest

from apps.accounts.callers import Caller
from apps.accounts.errors import TokenRejected
from apps.accounts.models import User
from apps.accounts.services import delete_account
from apps.products.models import ProductReview, Wishlist, WishlistItem
from apps.products.services import add_wish, create_wishlist
from core.outbox import registered_jobs
from tests.factories.products import ProductFactory
from tests.products.conftest import run_jobs
from tests.races import race

pytestmark = pytest.mark.django_db
REVIEWS = "/api/products/reviews/"


def wish_for(user, product, name):
    wishlist = create_wishlist(user=user, name=name)
    return add_wish(user=user, wishlist_id=wishlist.pk, product_id=product.pk)


def test_the_wishlists_of_who_left_go_and_nobody_elses(layla, omar):
    mug = ProductFactory()
    for name in ("Layla's wedding", "Summer"):
        wish_for(layla.user, mug, name)
    wish_for(omar.user, mug, "Mine")
    delete_account(user=layla.user, caller=Caller())
    run_jobs()
    registered_jobs()["products.forget_owner"].handler(user=layla.user.pk)
    assert [(row.user_id, row.name) for row in Wishlist.objects.all()] == [(omar.user.pk, "Mine")]
    assert WishlistItem.objects.count() == 1


def test_a_review_stays_without_its_author(layla, api):
    body = {"product_id": str(ProductFactory().pk), "rating": 4, "title": "Good", "comment": "Holds tea."}
    assert layla.send("POST", REVIEWS, body).json()["user_name"] == "Layla H."
    delete_account(user=layla.user, caller=Caller())
    run_jobs()
    shown = api.send("GET", REVIEWS).json()["results"]
    assert [(row["user_name"], row["rating"], row["comment"]) for row in shown] == [("Customer", 4, "Holds tea.")]
    assert not any("Layla" in str(row) or "Haddad" in str(row) for row in shown)
    assert ProductReview.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_list_started_while_its_account_goes_does_not_outlive_it():
    layla = User.objects.create_user(email="layla@shop.test")
    stale = [User.objects.get(pk=layla.pk) for _ in range(6)]

    def act(number):
        if number == 0:
            return delete_account(user=layla, caller=Caller())
        return create_wishlist(user=stale[number], name=str(number))

    outcomes = race(act, threads=6)
    assert {type(outcome) for outcome in outcomes[1:]} <= {Wishlist, TokenRejected}
    run_jobs()
    assert not Wishlist.objects.exists()
    with pytest.raises(TokenRejected):
        create_wishlist(user=stale[0], name="Late")
    assert not Wishlist.objects.exists()
