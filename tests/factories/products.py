import factory
from factory.django import DjangoModelFactory

from apps.products.models import Category, Product, ProductVariant
from apps.products.services import StockLine, receive_stock


class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    name = "Kitchen"
    slug = "kitchen"


class ProductFactory(DjangoModelFactory[Product]):
    """A visible product; `stock=5` puts five on the shelf."""

    class Meta:
        model = Product
        skip_postgeneration_save = True

    name = factory.Sequence("Mug {}".format)
    slug = factory.Sequence("mug-{}".format)
    sku = factory.Sequence("SKU-{}".format)
    category = factory.SubFactory(CategoryFactory)
    price = 1000

    @factory.post_generation
    def stock(self, create, amount, **kwargs):
        if amount:
            receive_stock(lines=[StockLine(self.pk, None, amount)], reference="opening")


class VariantFactory(DjangoModelFactory[ProductVariant]):
    class Meta:
        model = ProductVariant
        skip_postgeneration_save = True

    name = "Large"
    sku = factory.Sequence("VAR-{}".format)

    @factory.post_generation
    def stock(self, create, amount, **kwargs):
        if amount:
            receive_stock(lines=[StockLine(self.product_id, self.pk, amount)], reference="opening")
