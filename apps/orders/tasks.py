"""Orders' background jobs and share of the schedule."""

from datetime import timedelta
from uuid import UUID

from apps.orders import services
from core.outbox import job


@job("orders.announce_placed")
def announce_placed(order_id: str) -> None:
    services.announce_placed(order_id=UUID(order_id))


@job("orders.expire_unpaid", every=timedelta(seconds=20))
def expire_unpaid() -> None:
    services.expire_unpaid_orders()
