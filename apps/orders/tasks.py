"""Orders' background jobs and share of the schedule."""

from datetime import time, timedelta
from uuid import UUID

from apps.orders import services
from core.housekeeping import sweep
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


@job("orders.forget_abandoned_carts", daily_at=time(3), queue="low_priority")
def forget_abandoned_carts() -> None:
    sweep(services.stale_carts)


@job("orders.forget_cart")
def forget_cart(user: int) -> None:
    services.forget_cart(user_id=user)
