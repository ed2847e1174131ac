"""The catalogue in the console: counts, pictures and the tree of categories pass the same doors as over HTTP."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.accounts.models import User
from apps.products import queries
from apps.products.models import Category, Product, ProductImage, ProductReview, StockItem, StockMovement
from apps.products.services import StockLine, receive_stock, reserve_stock
from tests.factories.products import CategoryFactory, ProductFactory, VariantFactory
from tests.products.conftest import drawn, files_in, run_jobs, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, operator):
    client.force_login(operator)
    return client


def change(row):
    return reverse(f"admin:products_{row._meta.model_name}_change", args=[row.pk])


def inlines(images=(), **first):
    """The form of a product's page with its pictures as they are, and one new or changed one."""
    fields = {"variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0, "images-INITIAL_FORMS": len(images)}
    for number, image in enumerate(images):
        fields |= {f"images-{number}-id": image.pk, f"images-{number}-position": image.position}
    fields |= {f"images-0-{name}": value for name, value in first.items()}
    return {**fields, "images-TOTAL_FORMS": max(len(images), 1)}


def as_form(product):
    names = ("name", "slug", "sku", "description", "price", "low_stock_threshold", "is_active", "track_inventory")
    return {name: getattr(product, name) for name in names} | {"category": product.category_id}


def test_a_count_is_entered_beside_the_balances_and_lands_in_the_ledger(console, operator):
    item = ProductFactory(stock=5).stock.get()
    assert b"The shelf was counted" in console.get(change(item)).content
    reply = console.post(change(item), {"counted": 3, "reason": "two broke", "on_hand": 99})
    assert reply.status_code == 302, reply.content
    item.refresh_from_db()
    moved = StockMovement.objects.first()
    assert (item.on_hand, moved.kind, moved.reason, moved.actor) == (3, "adjust", "two broke", operator)
    assert queries.stock_differences() == []


def test_a_count_below_what_is_promised_is_refused_in_words(console):
    mug = ProductFactory(stock=5)
    reserve_stock(lines=[StockLine(mug.pk, None, 4)], reference="A")
    reply = console.post(change(mug.stock.get()), {"counted": 3, "reason": "two broke"})
    assert "4 are promised to unpaid orders and 0 wait to be shipped" in reply.content.decode()
    assert StockItem.objects.get().on_hand == 5
    assert not StockMovement.objects.filter(kind="adjust").exists()


def test_who_may_only_look_counts_nothing(client):
    looker = User.objects.create_user(email="looker@shop.test", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_stockitem"))
    client.force_login(looker)
    item = ProductFactory(stock=5).stock.get()
    assert b"The shelf was counted" not in client.get(change(item)).content
    assert client.post(change(item), {"counted": 3, "reason": "x"}).status_code == 403
    assert StockItem.objects.get().on_hand == 5


def test_a_delivery_names_who_received_it_and_the_ledger_is_searched(console, operator):
    mug, plate = ProductFactory(name="Mug", sku="MUG-1"), ProductFactory(name="Plate", sku="PLATE")
    variant = VariantFactory(product=plate, sku="PLATE-L")
    delivery = {"product": mug.pk, "variant": "", "quantity": 7, "reference": "Delivery 12"}
    assert console.post(reverse("admin:products_stockmovement_add"), delivery).status_code == 302
    assert StockMovement.objects.get().actor == operator
    receive_stock(lines=[StockLine(plate.pk, variant.pk, 1)], reference="Delivery 13")
    ledger = reverse("admin:products_stockmovement_changelist")
    for words, found in (("MUG-1", "Delivery 12"), ("PLATE-L", "Delivery 13"), ("delivery 13", "Delivery 13")):
        shown = console.get(ledger, {"q": words}).content.decode()
        assert [text for text in ("Delivery 12", "Delivery 13") if text in shown] == [found]


@pytest.mark.django_db(transaction=True)
def test_a_picture_is_drawn_anew_and_an_exchanged_or_deleted_one_loses_its_file(console, media):
    mug = ProductFactory(category=CategoryFactory())
    form = as_form(mug)
    reply = console.post(change(mug), form | inlines(image=sent(drawn(), name="evil.png"), position=0))
    assert reply.status_code == 302, reply.context["errors"]
    first = ProductImage.objects.get()
    assert files_in(media) == [first.image.name]
    assert first.image.name.endswith(".webp")
    assert "evil" not in first.image.name
    reply = console.post(change(mug), form | inlines([first], image=sent(drawn("GIF"))))
    assert reply.status_code == 302, reply.context["errors"]
    run_jobs()
    second = ProductImage.objects.get()
    assert (files_in(media), second.image.name == first.image.name) == ([second.image.name], False)
    console.post(change(mug), form | inlines([second], alt_text="Mug"))
    run_jobs()
    assert files_in(media) == [second.image.name]
    console.post(change(mug), form | inlines([second], DELETE="on"))
    run_jobs()
    assert (files_in(media), ProductImage.objects.count()) == ([], 0)


@pytest.mark.parametrize("content", [b"<svg/>", drawn("TIFF"), drawn("PNG", size=(5001, 5000))])
def test_what_is_no_picture_is_refused_here_too(console, media, content):
    mug = ProductFactory()
    reply = console.post(change(mug), as_form(mug) | inlines(image=sent(content), position=0))
    assert reply.status_code == 200
    assert not ProductImage.objects.exists()
    assert not media.exists()


def test_a_product_is_deleted_with_its_files_if_it_was_never_stocked(
    console, media, django_capture_on_commit_callbacks
):
    mug, stocked = ProductFactory(), ProductFactory(stock=1)
    for product in (mug, stocked):
        with django_capture_on_commit_callbacks(execute=True):
            console.post(reverse("admin:products_product_delete", args=[product.pk]), {"post": "yes"})
    assert list(Product.objects.all()) == [stocked]


def test_a_category_never_stands_below_itself_here_either(console):
    a = Category.objects.create(name="A", slug="a")
    b = Category.objects.create(name="B", slug="b", parent=a)
    form = {"name": "A", "slug": "a", "position": 0, "is_active": "on"}
    reply = console.post(change(a), form | {"parent": b.pk})
    assert "cannot stand below itself" in reply.content.decode()
    assert Category.objects.get(slug="a").parent is None
    assert console.post(change(b), form | {"name": "B2", "slug": "b", "parent": ""}).status_code == 302
    assert Category.objects.get(slug="b").parent is None


def test_a_review_is_read_and_deleted_but_never_rewritten(console, layla):
    review = ProductReview.objects.create(product=ProductFactory(), user=layla.user, rating=1, comment="Spam")
    assert b"Spam" in console.get(change(review)).content
    assert console.post(change(review), {"comment": "Lovely"}).status_code == 403
    assert console.get(reverse("admin:products_productreview_add")).status_code == 403
    console.post(reverse("admin:products_productreview_delete", args=[review.pk]), {"post": "yes"})
    assert not ProductReview.objects.exists()
