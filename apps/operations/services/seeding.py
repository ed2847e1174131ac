"""The demo shop: loaded once, left alone afterwards.

Each part is one transaction that starts by looking whether it is already there, so a load that was killed is
continued by the next one and nothing is ever loaded twice.
"""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import User
from apps.campaigns.services import import_campaigns
from apps.operations.demo.goods import CATEGORIES, GOODS, TAGS, Good
from apps.operations.demo.pictures import draw_picture
from apps.orders import services as orders
from apps.products.models import Category, Product, ProductImage, ProductVariant, Tag
from apps.products.services import StockLine, receive_stock
from core.clock import now
from core.locks import lock

OPERATOR_EMAIL = "operator@hanout.test"
CAMPAIGN_FILES = Path(__file__).resolve().parent.parent.parent / "campaigns" / "demo"

CUSTOMERS = (
    ("+966500000001", "Layla", "Haddad", "Riyadh"),
    ("+966500000002", "Omar", "Nasser", "Jeddah"),
    ("+966500000003", "Sara", "Aziz", "Dammam"),
    ("+966500000004", "Yusuf", "Karim", "Riyadh"),
)
# Customer, goods with quantities, and whether the money has arrived.
ORDERS = (
    (0, {"KIT-001": 2, "HOM-001": 1}, True),
    (1, {"TEX-002": 1}, True),
    (2, {"KIT-005": 1, "KIT-007": 3, "HOM-004": 1}, True),
    (3, {"TEX-001": 2}, True),
    (0, {"HOM-007": 1, "TEX-003": 2}, False),
)
StepShown = Callable[[int, int], None]


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Loaded:
    """What one run of the seed added."""

    products: int
    customers: int
    orders: int
    campaigns: int

    @property
    def sentence(self) -> str:
        if not (self.products or self.customers or self.orders or self.campaigns):
            return "The demo shop is complete; nothing was changed."
        return (
            f"Demo shop loaded: {self.products} products, {self.customers} customers, {self.orders} orders, "
            f"{self.campaigns} campaign lines."
        )


def seed_demo(*, on_step: StepShown = _unseen) -> Loaded:
    """Load whatever of the demo shop is missing, and say what that was."""
    total = len(GOODS) + 3
    operator()
    products = 0
    categories = _categories()
    for done, good in enumerate(GOODS, start=1):
        products += _product(good, categories[good.category])
        on_step(done, total)
    customers = _customers()
    on_step(len(GOODS) + 1, total)
    placed = _orders()
    on_step(len(GOODS) + 2, total)
    report = import_campaigns(directory=CAMPAIGN_FILES)
    on_step(total, total)
    return Loaded(products, customers, placed, report.published)


def operator() -> tuple[str, str]:
    """The demo operator's email and password, kept in `.hanout/operator.json` for its owner alone."""
    kept: Path = settings.DATA_DIR / "operator.json"
    with transaction.atomic():
        lock("demo-operator")
        user = User.objects.filter(email=OPERATOR_EMAIL).first()
        if user is not None and kept.exists():
            return OPERATOR_EMAIL, str(json.loads(kept.read_text())["password"])
        password = secrets.token_urlsafe(12)
        if user is None:
            User.objects.create_superuser(
                email=OPERATOR_EMAIL, password=password, first_name="Demo", last_name="Operator", role_state="staff"
            )
        else:
            user.set_password(password)
            user.save(update_fields=["password"])
        _keep_private(kept, json.dumps({"email": OPERATOR_EMAIL, "password": password}))
    return OPERATOR_EMAIL, password


def _keep_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _categories() -> dict[str, Category]:
    return {
        slug: Category.objects.get_or_create(
            slug=slug, defaults={"name": name, "description": text, "position": position}
        )[0]
        for position, (slug, (name, text)) in enumerate(CATEGORIES.items())
    }


def _product(good: Good, category: Category) -> bool:
    """Add one product with picture, sizes and stock; False if it is there."""
    if Product.objects.filter(sku=good.sku).exists():
        return False
    picture = ContentFile(draw_picture(shape=good.shape, colour=good.colour))
    with transaction.atomic():
        lock("demo-products")
        product, is_new = Product.objects.get_or_create(
            sku=good.sku,
            defaults={
                "name": good.name,
                "slug": slugify(good.name),
                "category": category,
                "description": good.description,
                "price": good.price,
                "compare_at_price": good.before,
                "is_featured": good.is_featured,
            },
        )
        if is_new:
            image = ProductImage(product=product, alt_text=good.name)
            image.image.save(f"{good.sku.lower()}.webp", picture)
            product.tags.set(_tags(good))
            receive_stock(lines=_stock(good, product), reference="Opening stock")
    return is_new


def _tags(good: Good) -> list[Tag]:
    names = [name for name, skus in TAGS.items() if good.sku in skus]
    return [Tag.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0] for name in names]


def _stock(good: Good, product: Product) -> list[StockLine]:
    if not good.sizes:
        return [StockLine(product.pk, None, good.stock)]
    variants = [
        ProductVariant.objects.create(
            product=product, name=size, sku=f"{good.sku}-{size[0]}", attributes={"size": size}, position=position
        )
        for position, size in enumerate(good.sizes)
    ]
    return [StockLine(product.pk, variant.pk, good.stock // len(variants)) for variant in variants]


def _customers() -> int:
    made = 0
    for phone, first, last, _ in CUSTOMERS:
        made += User.objects.get_or_create(
            phone=phone,
            defaults={
                "first_name": first,
                "last_name": last,
                "role_state": User.RoleState.CLIENT,
                "phone_verified_at": now(),
                "password": "!",
            },
        )[1]
    return made


@transaction.atomic
def _orders() -> int:
    """All of them or none: customers who have ordered before are left alone."""
    lock("demo-orders")
    people = [User.objects.get(phone=phone) for phone, *_ in CUSTOMERS]
    if any(person.orders.exists() for person in people):
        return 0
    skus = dict(Product.objects.values_list("sku", "pk"))
    for number, wanted, is_paid in ORDERS:
        person, city = people[number], CUSTOMERS[number][3]
        address = {
            "full_name": person.full_name,
            "email": "",
            "phone": person.phone,
            "address_line1": "12 Palm Street",
            "address_line2": "",
            "city": city,
            "state": "",
            "country": "SA",
            "postal_code": "11564",
        }
        order = orders.place_order(
            user=person,
            basket=[orders.BasketLine(skus[sku], None, quantity) for sku, quantity in wanted.items()],
            addresses=orders.Addresses(address, address),
        )
        if is_paid:
            orders.mark_paid(order_id=order.pk, actor=None, note="Paid in the demo")
    return len(ORDERS)
