"""The catalogue and its stock in the console."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.accounts.models import User
from apps.products import queries, services
from apps.products.forms import CategoryForm, CountForm, ImageForm, ReceiveGoodsForm
from apps.products.models import (
    Category,
    Product,
    ProductImage,
    ProductReview,
    ProductVariant,
    StockItem,
    StockMovement,
    Tag,
)
from apps.products.services.indexing import note_category_changed, note_described, note_tag_changed
from core.money import with_currency


class ImageInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = ProductImage
    form = ImageForm
    extra = 0


class VariantInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    """Sizes and colours; one that was stocked or sold is switched off, never deleted."""

    model = ProductVariant
    extra = 0
    can_delete = False
    fields = ("name", "sku", "price", "is_active", "position")


@admin.register(Category)
class CategoryAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    form = CategoryForm
    list_display = ("name", "slug", "parent", "position", "is_active")
    list_select_related = ("parent",)
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Category, form: object, change: object) -> None:
        super().save_model(request, obj, form, change)
        note_category_changed(obj.pk)


@admin.register(Tag)
class TagAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Tag, form: object, change: object) -> None:
        super().save_model(request, obj, form, change)
        note_tag_changed(obj.pk)


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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: object) -> None:
        super().save_related(request, form, formsets, change)
        note_described([form.instance.pk])

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: object) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is ProductImage:
            changed = [one.initial.get("image") for one in formset.initial_forms if "image" in one.changed_data]
            services.forget_files(str(image) for image in changed)
            services.forget_files(image.image.name for image in formset.deleted_objects)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        services.remove_product(product_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        for product in queryset:
            services.remove_product(product_id=product.pk)

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
    """Balances change through movements only: here by a count of the shelf, never by typing into them."""

    list_display = ("product", "variant", "on_hand", "reserved", "allocated", "available")
    list_select_related = ("product", "variant__product")
    search_fields = ("product__name", "product__sku", "variant__name", "variant__sku")
    form = CountForm
    readonly_fields = ("product", "variant", "on_hand", "reserved", "allocated", "available")
    fieldsets = (
        (None, {"fields": readonly_fields}),
        ("The shelf was counted", {"fields": ("counted", "reason")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: object = None) -> Any:
        """Who may only look has nothing to enter."""
        return self.fieldsets if self.has_change_permission(request) else self.fieldsets[:1]

    def save_model(self, request: HttpRequest, obj: StockItem, form: CountForm, change: object) -> None:
        services.adjust_stock(
            item_id=obj.pk,
            counted=form.cleaned_data["counted"],
            reason=form.cleaned_data["reason"],
            actor=operator_of(request),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(StockMovement)
class StockMovementAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """The ledger; adding a line receives goods, and none is ever changed or deleted."""

    list_display = (
        "created_at",
        "kind",
        "item",
        "on_hand_change",
        "reserved_change",
        "allocated_change",
        "reference",
        "reason",
        "actor",
    )
    list_filter = ("kind",)
    list_select_related = ("item__product", "item__variant__product", "actor")
    search_fields = ("reference", "reason", "item__product__name", "item__product__sku", "item__variant__sku")
    date_hierarchy = "created_at"
    form = ReceiveGoodsForm

    def get_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        delivery = ("product", "variant", "quantity", "reference")
        return delivery if obj is None else self.list_display

    def save_model(self, request: HttpRequest, obj: StockMovement, form: ReceiveGoodsForm, change: object) -> None:
        line = services.receive_stock(
            lines=[form.line()], reference=form.cleaned_data["reference"], actor=operator_of(request)
        )[0]
        obj.pk, obj.item, obj.kind = line.pk, line.item, line.kind

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ProductReview)
class ProductReviewAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """What customers wrote: read here, and deleted where it has no place; never rewritten."""

    list_display = ("product", "rating", "title", "user", "created_at")
    list_filter = ("rating",)
    list_select_related = ("product", "user")
    search_fields = ("product__name", "title", "comment")
    fields = readonly_fields = ("product", "user", "rating", "title", "comment", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def operator_of(request: HttpRequest) -> User | None:
    """Who sits at the console."""
    return request.user if isinstance(request.user, User) else None
