"""What a customer has spent, against what may be spent."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q, Sum

from apps.accounts.models import User
from apps.accounts.services import require_within_limits
from apps.orders.models import Order
from core.clock import now
from core.locks import lock

DAY, MONTH = timedelta(days=1), timedelta(days=30)
NOT_SPENT = (Order.Status.CANCELLED, Order.Status.REFUNDED)


def require_still_affordable(*, user: User, order: Order) -> None:
    """The same for an order that is about to be paid: since it was placed, its customer's limits may have sunk."""
    require_affordable(user=user, amount=order.total, besides=order.pk)


def require_affordable(*, user: User, amount: int, besides: UUID | None = None) -> None:
    """Raise unless the person may spend `amount` more, in minor units of the shop's currency.

    Counted from orders that were neither cancelled nor paid back, but for `besides`: that one is the amount. Takes the
    lock on the person's orders, so call it where the amount is then recorded: two orders at once do not both fit into
    what is left.
    """
    lock(f"orders-of:{user.pk}")
    user.refresh_from_db(fields=["limits_restricted_until"])
    others = Order.objects.exclude(pk=besides) if besides else Order.objects.all()
    standing = others.filter(user=user).exclude(status__in=NOT_SPENT)
    spent = standing.aggregate(
        today=Sum("total", filter=Q(created_at__gt=now() - DAY), default=0),
        month=Sum("total", filter=Q(created_at__gt=now() - MONTH), default=0),
    )
    require_within_limits(user=user, amount=amount, spent_today=spent["today"], spent_this_month=spent["month"])
