"""The console's form for money that goes back."""

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.payments.models import Payment, Refund
from core.ids import is_uuid
from core.money import decimals, is_exact, major, minor

MOST_OFFERED = 200


class RefundForm(forms.ModelForm):  # type: ignore[type-arg]
    """Send money back: all that is left, or a part of it."""

    payment = forms.ModelChoiceField(Payment.objects.none(), widget=UnfoldAdminSelectWidget)
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = str(self.data.get("payment") or self.initial.get("payment") or "")
        field = cast("forms.ModelChoiceField[Payment]", self.fields["payment"])
        field.queryset = _offered(chosen).select_related("order")

    def clean(self) -> dict[str, Any]:
        """The amount as the payment counts it, within what is left of it."""
        typed = super().clean() or {}
        payment, amount = typed.get("payment"), typed.get("amount")
        if payment is None:
            return typed
        left = payment.refundable()
        if amount is not None and not is_exact(amount, payment.currency):
            raise forms.ValidationError({"amount": f"{payment.currency} has {decimals(payment.currency)} decimals."})
        wanted = left if amount is None else minor(amount, payment.currency)
        if not 0 < wanted <= left:
            raise forms.ValidationError({"amount": f"{major(left, payment.currency)} {payment.currency} are left."})
        return {**typed, "amount": wanted}


def _offered(chosen: str) -> QuerySet[Payment]:
    """The payment somebody came for; otherwise the newest of which something is left."""
    charged = Payment.objects.exclude(charged_at=None)
    if chosen:
        return charged.filter(pk=chosen) if is_uuid(chosen) else charged.none()
    promised = Refund.objects.filter(payment=OuterRef("pk")).exclude(status__in=Refund.VOID).order_by()
    gone = Subquery(promised.values("payment").annotate(sum=Sum("amount")).values("sum"))
    newest = charged.annotate(gone=Coalesce(gone, 0)).filter(amount__gt=F("gone")).values("pk")[:MOST_OFFERED]
    return charged.filter(pk__in=newest)
