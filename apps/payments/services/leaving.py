"""Taking people who left out of their orders.

At once where an order is over and its money at rest. What is still to be shipped, or has money on its way or in
dispute, keeps where it goes until it is over too.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.orders.models import Order
from apps.orders.services import orders_of_who_left, take_person_out
from apps.payments.models import Payment, Refund
from core.clock import now
from core.housekeeping import Stale, chore


@transaction.atomic
def forget_customer(*, user_id: int) -> None:
    """Somebody left: take them out of their orders that are over. May be repeated; the rest is for `stale_traces`."""
    mine = _at_rest().filter(user_id=user_id)
    # Looked at again once they are locked: late money may have brought one back meanwhile.
    held = list(mine.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    take_person_out(mine.filter(pk__in=held))


@chore("traces", "names, streets, phones, emails and notes on orders of people who left; the orders stay")
def stale_traces(days: int | None) -> Iterator[Stale]:
    """On orders that are over; with `days`, of those who left before that."""
    left = _at_rest().filter(user__deleted_at__lte=now() - timedelta(days=days or 0))
    yield Stale(left, remove=take_person_out)


def _at_rest() -> QuerySet[Order]:
    """Orders of people who left that are over, and about whose money nothing is open."""
    moves = Q(charged_at=None, status__in=Payment.OPEN) | Q(dispute=Payment.Dispute.OPEN)
    goes_back = Q(refunds__status__in=[Refund.Status.PENDING, Refund.Status.PROCESSING])
    return orders_of_who_left().exclude(Exists(Payment.objects.filter(moves | goes_back, order=OuterRef("pk"))))
