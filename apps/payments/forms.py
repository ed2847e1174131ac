"""The console's form for money that goes back."""

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.payments.models import Payment, Refund
from core.money import decimals, major, minor


class RefundForm(forms.ModelForm):  # type: ignore[type-arg]
    """Send money back: all that is left, or a part of it."""

    payment = forms.ModelChoiceField(
        Payment.objects.exclude(charged_at=None).select_related("order"), widget=UnfoldAdminSelectWidget
    )
    amount = forms.DecimalField(
        required=False,
        min_value=Decimal("0.001"),
        max_digits=16,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="In whole currency units, such as 12.50; empty: all that is left.",
    )
    reason = forms.ChoiceField(choices=Refund.Reason.choices, widget=UnfoldAdminSelectWidget)
    description = forms.CharField(
        max_length=500, widget=UnfoldAdminTextInputWidget, help_text="Why; the customer sees it."
    )

    class Meta:
        model = Refund
        fields = ("payment", "amount", "reason", "description")

    def clean(self) -> dict[str, Any]:
        """The amount as the payment counts it, within what is left of it."""
        typed = super().clean() or {}
        payment, amount = typed.get("payment"), typed.get("amount")
        if payment is None:
            return typed
        left = payment.refundable()
        if amount is not None and amount != round(amount, decimals(payment.currency)):
            raise forms.ValidationError({"amount": f"{payment.currency} has {decimals(payment.currency)} decimals."})
        wanted = left if amount is None else minor(amount, payment.currency)
        if not 0 < wanted <= left:
            raise forms.ValidationError({"amount": f"{major(left, payment.currency)} {payment.currency} are left."})
        return {**typed, "amount": wanted}
