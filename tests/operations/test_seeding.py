import io
import json
import stat

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from apps.accounts.models import User
from apps.campaigns.models import Campaign
from apps.operations.demo.goods import GOODS
from apps.operations.demo.pictures import draw_picture
from apps.operations.services.seeding import operator, seed_demo
from apps.orders.models import Order
from apps.products.models import Product, ProductImage, StockItem
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def counted():
    return [model.objects.count() for model in (User, Product, ProductImage, StockItem, Order, Campaign)]


def test_the_demo_shop_has_thirty_products_with_pictures_in_three_categories():
    loaded = seed_demo()
    assert (loaded.products, loaded.customers, loaded.orders) == (30, 4, 5)
    assert loaded.campaigns >= 6
    assert ProductImage.objects.count() == 30
    assert Product.objects.values("category").distinct().count() == 3


def test_loading_again_changes_nothing():
    seed_demo()
    before = counted()
    assert seed_demo().sentence == "The demo shop is complete; nothing was changed."
    assert counted() == before


def test_every_shape_is_a_picture():
    for good in GOODS:
        picture = Image.open(io.BytesIO(draw_picture(shape=good.shape, colour=good.colour)))
        assert picture.size == (640, 640)
        assert len(picture.getcolors(10**6) or []) > 20


def test_the_operators_password_is_kept_for_its_owner_alone(data_dir):
    email, password = operator()
    kept = data_dir / "operator.json"
    assert json.loads(kept.read_text()) == {"email": email, "password": password}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert User.objects.get(email=email).check_password(password)
    assert operator() == (email, password)


def test_a_lost_password_file_is_replaced_with_a_new_password(data_dir):
    email, first = operator()
    (data_dir / "operator.json").unlink()
    _, second = operator()
    assert second != first
    assert User.objects.get(email=email).check_password(second)


def test_demo_data_never_reaches_another_environment(settings):
    settings.IS_DEVELOPMENT = False
    with pytest.raises(CommandError, match="import_campaigns"):
        call_command("seed")
    assert counted() == [0] * 6


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_load_one_shop():
    outcomes = race(lambda _: seed_demo(), threads=2)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert (Product.objects.count(), Order.objects.count(), StockItem.objects.count()) == (30, 5, 33)
