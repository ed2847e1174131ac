"""Payments' background jobs and share of the schedule."""

from datetime import time, timedelta
from uuid import UUID

from apps.payments import services
from apps.payments.gateway import gateway
from core.clock import now
from core.housekeeping import sweep
from core.outbox import enqueue, job

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


@job("payments.plan_waiting_events", every=timedelta(minutes=5))
def plan_waiting_events() -> None:
    services.plan_waiting_events()


@job("payments.forget_old_events", daily_at=time(3, 20), queue="low_priority")
def forget_old_events() -> None:
    sweep(services.stale_events)


@job("payments.reconcile", daily_at=time(4, 30), queue="low_priority")
def reconcile() -> None:
    """Only lists: each payment is mended by a job of its own, so that one of them holds up no other."""
    for intent, verdict in services.mismatches(since=now() - timedelta(days=RECONCILED_DAYS)):
        if verdict != "agreed":
            enqueue("payments.mend", key=intent, intent=intent)
    services.plan_dispute_checks()


@job("payments.mend")
def mend(intent: str) -> None:
    services.mend_payment(intent=intent)


@job("payments.forget_owner")
def forget_owner(user: int) -> None:
    services.forget_methods(user_id=user)
    services.forget_customer(user_id=user)


@job("payments.forget_traces", daily_at=time(3, 30), queue="low_priority")
def forget_traces() -> None:
    """Orders that were under way when their customer left, and are over by now."""
    sweep(services.stale_traces)


@job("payments.forget_card")
def forget_card(gateway_name: str, card: str) -> None:
    if gateway().name == gateway_name:
        gateway().forget_card(card)


@job("payments.mail_staff", queue="email")
def mail_staff(to: str, subject: str, what: str) -> None:
    services.mail_staff(to=to, subject=subject, what=what)


@job("payments.sandbox_tell", queue="high_priority")
def sandbox_tell(body: str) -> None:
    services.sandbox().tell(body.encode())
