"""Everything that moves money, or says that it moved; one file per flow."""

from apps.payments.services.alerts import mail_staff
from apps.payments.services.leaving import forget_customer, stale_traces
from apps.payments.services.listening import (
    MOST_BYTES,
    apply_event,
    keep_event,
    plan_waiting_events,
    stale_events,
)
from apps.payments.services.methods import forget_method, forget_methods, saved_methods, set_default_method
from apps.payments.services.notices import Envelope, Notice, apply_notice, prove_notice, secrets_of
from apps.payments.services.paying import Begun, begin_payment, confirm_payment
from apps.payments.services.reconciling import (
    check_payment,
    close_payments,
    mend_payment,
    mismatches,
    plan_checks,
    plan_dispute_checks,
)
from apps.payments.services.returning import (
    decline_refund,
    process_refund,
    refund_order,
    refund_payment,
    request_refund,
    send_refund,
)
from apps.payments.services.sandbox import sandbox
from apps.payments.services.settling import look_at_payment, settle_payment

__all__ = [
    "MOST_BYTES",
    "Begun",
    "Envelope",
    "Notice",
    "apply_event",
    "apply_notice",
    "begin_payment",
    "check_payment",
    "close_payments",
    "confirm_payment",
    "decline_refund",
    "forget_customer",
    "forget_method",
    "forget_methods",
    "keep_event",
    "look_at_payment",
    "mail_staff",
    "mend_payment",
    "mismatches",
    "plan_checks",
    "plan_dispute_checks",
    "plan_waiting_events",
    "process_refund",
    "prove_notice",
    "refund_order",
    "refund_payment",
    "request_refund",
    "sandbox",
    "saved_methods",
    "secrets_of",
    "send_refund",
    "set_default_method",
    "settle_payment",
    "stale_events",
    "stale_traces",
]
