"""The console's form for deliveries."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from apps.products.models import Product, ProductVariant, StockMovement
from apps.products.services import StockLine

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
