"""The catalogue and its stock in the console."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.products import queries, services
from apps.products.forms import ReceiveGoodsForm
from apps.products.models import Category, Product, ProductImage, ProductVariant, StockItem, StockMovement, Tag
from core.money import with_currency


class ImageInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = ProductImage
    extra = 0


class VariantInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    """Sizes and colours; one that was stocked or sold is switched off, never deleted."""

    model = ProductVariant
    extra = 0
    can_delete = False
    fields = ("name", "sku", "price", "is_active", "position")


@admin.register(Category)
class CategoryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("name", "slug", "parent", "position", "is_active")
    list_select_related = ("parent",)
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)


@admin.register(Tag)
class TagAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)


@admin.register(Product)
class ProductAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = (
        "name",
        "sku",
        "category",
        "shown_price",
        "shown_available",
        "shown_stock",
        "is_featured",
        "is_active",
    )
    list_filter = ("is_active", "is_featured", "category")
    list_select_related = ("category",)
    search_fields = ("name", "sku")
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("tags",)
    inlines = [ImageInline, VariantInline]

    def get_queryset(self, request: HttpRequest) -> queries.Products:
        return queries.with_stock(super().get_queryset(request))

    @display(description="price", ordering="price")  # type: ignore[untyped-decorator]
    def shown_price(self, product: Product) -> str:
        return with_currency(product.price, settings.SHOP_CURRENCY)

    @display(description="available", ordering="available")  # type: ignore[untyped-decorator]
    def shown_available(self, product: Any) -> int:
        return int(product.available)

    @display(  # type: ignore[untyped-decorator]
        description="stock", label={"fine": "success", "low": "warning", "sold out": "danger", "untracked": "info"}
    )
    def shown_stock(self, product: Any) -> str:
        return str(product.stock_state)


@admin.register(StockItem)
class StockItemAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Balances change through movements only, so they are read here and never typed in."""

    list_display = ("product", "variant", "on_hand", "reserved", "allocated", "available")
    list_select_related = ("product", "variant")
    search_fields = ("product__name", "product__sku")
    fields = readonly_fields = ("product", "variant", "on_hand", "reserved", "allocated")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(StockMovement)
class StockMovementAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """The ledger; adding a line receives goods, and none is ever changed or deleted."""

    list_display = ("created_at", "kind", "item", "on_hand_change", "reserved_change", "allocated_change", "reference")
    list_filter = ("kind",)
    list_select_related = ("item__product", "item__variant__product")
    search_fields = ("reference", "item__product__name", "item__product__sku")
    form = ReceiveGoodsForm

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        delivery = ("product", "variant", "quantity", "reference")
        return delivery if obj is None else self.list_display

    def save_model(self, request: HttpRequest, obj: StockMovement, form: ReceiveGoodsForm, change: object) -> None:
        line = services.receive_stock(lines=[form.line()], reference=form.cleaned_data["reference"])[0]
        obj.pk, obj.item, obj.kind = line.pk, line.item, line.kind

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
