"""Payments' background jobs and share of the schedule."""

from datetime import time, timedelta
from uuid import UUID

from apps.payments import services
from apps.payments.gateway import gateway
from core.clock import now
from core.outbox import job

RECONCILED_DAYS = 3


@job("payments.apply_event", queue="high_priority")
def apply_event(event: int) -> None:
    services.apply_event(event=event)


@job("payments.plan_checks", every=timedelta(minutes=1))
def plan_checks() -> None:
    services.plan_checks()


@job("payments.check")
def check(payment: str) -> None:
    services.check_payment(payment_id=UUID(payment))


@job("payments.close", queue="high_priority")
def close(order: str) -> None:
    services.close_payments(order_id=UUID(order))


@job("payments.refund_order", queue="high_priority")
def refund_order(order: str) -> None:
    services.refund_order(order_id=UUID(order))


@job("payments.send_refund", queue="high_priority")
def send_refund(refund: str) -> None:
    services.send_refund(refund_id=UUID(refund))


@job("payments.reconcile", daily_at=time(4, 30))
def reconcile() -> None:
    services.reconcile(since=now() - timedelta(days=RECONCILED_DAYS))


@job("payments.forget_card")
def forget_card(gateway_name: str, card: str) -> None:
    if gateway().name == gateway_name:
        gateway().forget_card(card)


@job("payments.mail_staff", queue="email")
def mail_staff(to: str, order: str, what: str) -> None:
    services.mail_staff(to=to, order=order, what=what)


@job("payments.sandbox_tell", queue="high_priority")
def sandbox_tell(body: str) -> None:
    services.sandbox().tell(body.encode())
