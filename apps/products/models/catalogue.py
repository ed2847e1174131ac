"""What the shop sells: categories, products, variants and their pictures."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Func, Index, Q

# Minor units; a full cart of it still fits a database integer.
MAX_PRICE = 10**12


class Category(models.Model):
    """A shelf; shelves nest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=120, unique=True)
    description = models.TextField(max_length=2000, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name", "pk"]
        verbose_name_plural = "categories"
        constraints = [CheckConstraint(condition=~Q(parent=F("id")), name="category_not_its_own_parent")]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word products share across categories."""

    name = models.CharField(max_length=50)
    slug = models.SlugField(max_length=60, unique=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale_to_public(self) -> "ProductQuerySet":
        """What a customer may see."""
        return self.filter(is_active=True, category__is_active=True)


class Product(models.Model):
    """Something we sell; prices are minor units of SHOP_CURRENCY."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=220, unique=True)
    sku = models.CharField("SKU", max_length=64, unique=True)
    description = models.TextField(max_length=10_000, blank=True)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    price = models.PositiveBigIntegerField(
        help_text="Minor units: 1999 is 19.99.", validators=[MinValueValidator(1), MaxValueValidator(MAX_PRICE)]
    )
    compare_at_price = models.PositiveBigIntegerField(null=True, blank=True, help_text="The price before, if reduced.")
    cost_per_item = models.PositiveBigIntegerField(null=True, blank=True, help_text="What it costs us; never shown.")
    track_inventory = models.BooleanField(default=True)
    low_stock_threshold = models.PositiveIntegerField(default=10)
    is_active = models.BooleanField(default=True)
    is_featured = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="products")
    meta_title = models.CharField(max_length=200, blank=True, help_text="For search engines; empty: the name.")
    meta_description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search_words = models.TextField(
        blank=True, default="", db_default="", editable=False
    )  # the names of its category and tags, kept by services.indexing: a generated column sees only its own row
    # How text becomes words is written down in the database (migration 0002), for the column and the query alike.
    search_vector = models.GeneratedField(
        expression=Func("name", "sku", "search_words", "description", function="products_vector"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [
            GinIndex(F("search_vector"), name="product_search"),
            Index(F("created_at").desc(), F("id"), name="product_newest"),
            Index(F("price"), F("id"), name="product_cheapest"),
        ]
        constraints = [CheckConstraint(condition=Q(price__gt=0, price__lte=MAX_PRICE), name="product_price_in_bounds")]

    def __str__(self) -> str:
        return self.name

    def price_of(self, variant: "ProductVariant | None") -> int:
        """What one unit costs: a variant's own price where it has one."""
        return (variant.price if variant else None) or self.price


class ProductImage(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    image = models.ImageField(upload_to="products")
    alt_text = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.alt_text or str(self.image.name)


class ProductVariant(models.Model):
    """A size or colour of a product, with a stock of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    name = models.CharField(max_length=100)
    sku = models.CharField("SKU", max_length=64, unique=True)
    price = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="Minor units; empty: the product's price.",
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PRICE)],
    )
    attributes = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name", "pk"]
        constraints = [
            CheckConstraint(
                condition=Q(price=None) | Q(price__gt=0, price__lte=MAX_PRICE), name="variant_price_in_bounds"
            )
        ]

    def __str__(self) -> str:
        return f"{self.product} · {self.name}"
