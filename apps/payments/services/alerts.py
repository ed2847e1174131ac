"""What staff must know at once: counted, logged, written to those who run the shop."""

import structlog
from prometheus_client import Counter

from apps.accounts.mails import MailRefused, can_mail, send_mail
from apps.accounts.models import User
from apps.orders.models import Order
from core.outbox import enqueue

log = structlog.get_logger(__name__)
ALERTS = Counter("hanout_payment_alerts_total", "Payments that need somebody's attention.")
MOST_MAILS = 20


def tell_staff(*, order: Order, what: str) -> None:
    """Mail every operator about an order, once the caller's transaction commits."""
    tell_staff_of(subject=f"Order {order.number}", what=what)


def tell_staff_of(*, subject: str, what: str) -> None:
    """The same about what belongs to no order; `subject` begins the mail. One job a mail."""
    ALERTS.inc()
    log.warning("payment_needs_attention", subject=subject, what=what)
    if not can_mail():
        return
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(email=None).values_list("email", flat=True)
    for email in staff[:MOST_MAILS]:
        enqueue("payments.mail_staff", to=email, subject=subject, what=what)


def mail_staff(*, to: str, subject: str, what: str) -> None:
    """One mail to one operator; an address that takes none is given up."""
    try:
        send_mail("payment_alert", to=to, facts={"subject": subject, "what": what})
    except MailRefused as error:
        log.warning("mail_given_up", mail="payment_alert", why=str(error))
