"""S2: staff hang the tree of categories; it never has a circle."""

import uuid

import pytest

from apps.products.errors import CategoryInCircle
from apps.products.models import Category
from apps.products.services import update_category
from tests.factories.products import CategoryFactory, ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
LIST = "/api/products/categories/"


def tree(*slugs):
    """Each below the one before."""
    parent = None
    for slug in slugs:
        parent = Category.objects.create(name=slug.title(), slug=slug, parent=parent)
    return {category.slug: category for category in Category.objects.all()}


def parents():
    return {row.slug: row.parent.slug if row.parent else None for row in Category.objects.select_related("parent")}


def test_a_category_is_added_changed_and_deleted(staff, api):
    home = tree("home")["home"]
    reply = staff.send("POST", LIST, {"name": "Tea & coffee", "parent": str(home.pk), "position": 3})
    assert reply.status_code == 201
    body = reply.json()
    assert (body["slug"], body["parent"], body["is_active"], body["position"]) == ("tea-coffee", str(home.pk), True, 3)
    changed = staff.send("PATCH", f"{LIST}tea-coffee/", {"parent": None, "is_active": False}).json()
    assert (changed["parent"], changed["name"], changed["is_active"]) == (None, "Tea & coffee", False)
    assert api.send("GET", f"{LIST}tea-coffee/").status_code == 404
    replaced = staff.send("PUT", f"{LIST}tea-coffee/", {"name": "Tea", "slug": "tea"}).json()
    assert (replaced["slug"], replaced["position"]) == ("tea", 3)
    assert staff.send("DELETE", f"{LIST}tea/").status_code == 204
    assert list(parents()) == ["home"]


@pytest.mark.parametrize(("moved", "below"), [("a", "a"), ("a", "b"), ("a", "c"), ("b", "c")])
def test_a_category_never_stands_below_itself(staff, moved, below):
    made = tree("a", "b", "c")
    before = parents()
    reply = staff.send("PATCH", f"{LIST}{moved}/", {"parent": str(made[below].pk)})
    assert (reply.status_code, reply.json()["code"]) == (409, "category_in_circle")
    assert parents() == before


def test_a_category_in_use_and_an_unknown_parent_are_refused(staff):
    tree("a", "b")
    ProductFactory(category=CategoryFactory())
    for slug in ("a", "kitchen"):
        reply = staff.send("DELETE", f"{LIST}{slug}/")
        assert (reply.status_code, reply.json()["code"]) == (409, "category_in_use")
    reply = staff.send("POST", LIST, {"name": "C", "parent": str(uuid.uuid4())})
    assert (reply.status_code, reply.json()["code"]) == (404, "category_not_found")
    assert staff.send("DELETE", f"{LIST}nothing/").status_code == 404
    assert set(parents()) == {"a", "b", "kitchen"}


def test_a_slug_belongs_to_one_category_and_cannot_be_made_of_nothing(staff):
    tree("a", "b")
    for method, path, body in (
        ("POST", LIST, {"name": "A"}),
        ("PATCH", f"{LIST}b/", {"slug": "a"}),
        ("POST", LIST, {"name": "شاي"}),
    ):
        reply = staff.send(method, path, body)
        assert (reply.status_code, reply.json()["code"]) == (409, "slug_taken")
    assert staff.send("POST", LIST, {"name": "شاي", "slug": "shay"}).status_code == 201


def test_a_category_may_have_any_slug(staff, api):
    tree("reviews")
    assert api.send("GET", f"{LIST}reviews/").json()["slug"] == "reviews"
    assert staff.send("PATCH", f"{LIST}reviews/", {"name": "Told"}).json()["name"] == "Told"


def test_products_are_found_by_the_new_name_of_their_category(staff, api):
    ProductFactory(name="Mug", category=CategoryFactory())
    assert staff.send("PATCH", f"{LIST}kitchen/", {"name": "Teatime"}).status_code == 200
    assert [row["name"] for row in api.send("GET", "/api/products/?search=teatime").json()["results"]] == ["Mug"]


@pytest.mark.django_db(transaction=True)
def test_two_branches_hung_below_each_other_at_once_make_no_circle():
    for attempt in range(5):
        a, b = (Category.objects.create(name=name, slug=f"{name}{attempt}") for name in "ab")

        def hang(number, a=a, b=b):
            mine, other = (a, b) if number % 2 else (b, a)
            return update_category(slug=mine.slug, changes={"parent_id": other.pk})

        outcomes = race(hang, threads=2)
        assert sum(isinstance(outcome, CategoryInCircle) for outcome in outcomes) == 1, outcomes
