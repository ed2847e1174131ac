"""Taking people who left out of their orders.

At once where an order is over and its money at rest. What is still to be shipped, or has money on its way, in dispute
or owed, keeps where it goes until it is over too. What staff pay back by hand no gateway reports, so that ends in time.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.orders.models import Order
from apps.orders.services import orders_of_who_left, take_person_out
from apps.payments.models import Payment, Refund
from core.clock import now
from core.housekeeping import Stale, chore

BY_HAND = timedelta(days=90)


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
    since = now() - BY_HAND
    moves = Q(charged_at=None, status__in=Payment.OPEN) | Q(dispute=Payment.Dispute.OPEN)
    goes_back = Q(refunds__status__in=[Refund.Status.PENDING, Refund.Status.PROCESSING])
    is_owed = Q(charged_at__gt=since, pays_order=False, amount_refunded__lt=F("amount"))
    is_stuck = Q(refunds__status=Refund.Status.FAILED, refunds__settled_at__gt=since)
    unsettled = Payment.objects.filter(moves | goes_back | is_owed | is_stuck, order=OuterRef("pk"))
    return orders_of_who_left().exclude(Exists(unsettled))
