"""Reads of payments and refunds, in a fixed number of queries."""

from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.payments.models import Payment, Refund


def payments_of(user: User) -> QuerySet[Payment]:
    """One's own; operators see everybody's (S2)."""
    return Payment.objects.visible_to(user)


def payment_of(user: User, payment_id: UUID) -> Payment | None:
    return payments_of(user).prefetch_related("transactions__payment").filter(pk=payment_id).first()


def refunds_of(user: User) -> QuerySet[Refund]:
    """Of one's own payments, whoever asked for them."""
    return Refund.objects.filter(payment__in=payments_of(user)).select_related("payment")
