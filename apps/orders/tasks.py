"""Orders' background jobs and share of the schedule."""

from datetime import timedelta
from uuid import UUID

from apps.orders import services
from core.outbox import job


@job("orders.announce_placed")
def announce_placed(order_id: str) -> None:
    services.announce_placed(order_id=UUID(order_id))


@job("orders.plan_expiries", every=timedelta(seconds=20))
def plan_expiries() -> None:
    services.plan_expiries()


@job("orders.expire")
def expire(order_id: str) -> None:
    services.expire_order(order_id=UUID(order_id))


@job("orders.forget_cart")
def forget_cart(user: int) -> None:
    services.forget_cart(user_id=user)
