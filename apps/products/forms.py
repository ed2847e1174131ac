"""The console's forms: deliveries, counts, pictures, the tree of categories."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.products.models import (
    MAX_ON_HAND,
    Category,
    Product,
    ProductImage,
    ProductVariant,
    StockItem,
    StockMovement,
)
from apps.products.services import StockLine, redrawn, require_no_circle
from core.errors import DomainError

MAX_DELIVERY = 1_000_000


class ReceiveGoodsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A delivery of one thing: it becomes a line of the ledger, never a number typed into a balance."""

    product = forms.ModelChoiceField(Product.objects.order_by("name"), widget=UnfoldAdminSelectWidget)
    variant = forms.ModelChoiceField(
        ProductVariant.objects.select_related("product").order_by("product__name", "position"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Needed if the product has variants.",
    )
    quantity = forms.IntegerField(min_value=1, max_value=MAX_DELIVERY, widget=UnfoldAdminIntegerFieldWidget)

    class Meta:
        model = StockMovement
        fields = ("reference",)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        product, variant = typed.get("product"), typed.get("variant")
        if product is not None and variant is None and product.variants.exists():
            raise forms.ValidationError({"variant": "This product is stocked by variant: choose one."})
        if variant is not None and variant.product != product:
            raise forms.ValidationError({"variant": "This is a variant of another product."})
        return typed

    def line(self) -> StockLine:
        """What was delivered, once the form is valid."""
        typed = self.cleaned_data
        return StockLine(typed["product"].pk, typed["variant"].pk if typed["variant"] else None, typed["quantity"])


class CountForm(forms.ModelForm):  # type: ignore[type-arg]
    """What somebody counted on the shelf: it becomes a line of the ledger."""

    counted = forms.IntegerField(
        min_value=0, max_value=MAX_ON_HAND, widget=UnfoldAdminIntegerFieldWidget, help_text="What stands there now."
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="For the ledger.")

    class Meta:
        model = StockItem
        fields = ()

    def clean_counted(self) -> int:
        """Checked under the lock that is held until the count is saved."""
        counted: int = self.cleaned_data["counted"]
        item = StockItem.objects.select_for_update().get(pk=self.instance.pk)
        if counted < item.reserved + item.allocated:
            raise forms.ValidationError(
                f"{item.reserved} are promised to unpaid orders and {item.allocated} wait to be shipped: "
                "cancel orders first, or count again."
            )
        return counted


class ImageForm(forms.ModelForm):  # type: ignore[type-arg]
    """A picture is drawn anew here as well; what a browser says it is counts for nothing."""

    class Meta:
        model = ProductImage
        fields = ("image", "alt_text", "position")

    def clean_image(self) -> Any:
        sent = self.cleaned_data["image"]
        if not isinstance(sent, UploadedFile):
            return sent  # the one that is there
        sent.seek(0)
        try:
            return redrawn(sent)
        except DomainError as error:
            raise forms.ValidationError(error.text) from None


class CategoryForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Category
        fields = ("name", "slug", "description", "parent", "position", "is_active")

    def clean_parent(self) -> Category | None:
        """Holds the tree until the category is saved."""
        parent: Category | None = self.cleaned_data["parent"]
        try:
            require_no_circle(category_id=self.instance.pk, parent_id=parent.pk if parent else None)
        except DomainError as error:
            raise forms.ValidationError(error.text) from None
        return parent
