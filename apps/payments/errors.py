"""What the till refuses."""

from core.errors import DomainError, NotAuthenticated, NotFound


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    message = "You have no such payment."


class RefundNotFound(NotFound):
    code = "refund_not_found"
    message = "There is no such refund."


class MethodNotFound(NotFound):
    code = "payment_method_not_found"
    message = "You have no such payment method."


class AlreadyPaid(DomainError):
    status = 400
    code = "already_paid"
    message = "This order is paid already."


class NotPayable(DomainError):
    """`details.status` says where the order stands."""

    code = "order_not_payable"
    message = "This order cannot be paid any more. Place it again."


class NotRefundable(DomainError):
    """`details.remaining` says what is left, in major units."""

    code = "not_refundable"
    message = "That is more than what is left of this payment."


class RefundPending(DomainError):
    code = "refund_pending"
    message = "A refund of this payment was asked for already. Staff will look at it."


class PaymentUnderWay(DomainError):
    code = "payment_under_way"
    message = "This payment is being made. Wait a moment to see what becomes of it."


class NotReplayable(DomainError):
    code = "not_replayable"
    message = "Its provider tells once and cannot be asked: what it said is kept, and was booked then."


class RefundSettled(DomainError):
    """`details.status` says where the refund stands."""

    code = "refund_settled"
    message = "This refund is on its way, done or off already."


class CardDeclined(DomainError):
    """`details.reason` is the gateway's word for it."""

    status = 402
    code = "card_declined"
    message = "The card was declined. Try another one."


class PaymentsNotSetUp(DomainError):
    status = 503
    code = "payments_not_set_up"
    message = "This shop cannot take payments at the moment."


class GatewayFailed(DomainError):
    """Whether anything happened there is not known; asking again with the same key is safe."""

    status = 502
    code = "gateway_failed"
    message = "The payment service did not answer. Nothing was charged twice; try again in a moment."


class GatewayRefused(DomainError):
    status = 502
    code = "gateway_refused"
    message = "The payment service did not accept this."


class InvalidWebhook(DomainError):
    status = 400
    code = "invalid_webhook"
    message = "Invalid payload"


class SignatureRejected(DomainError):
    status = 400
    code = "invalid_signature"
    message = "Invalid signature"


class WebhookNotAuthentic(NotAuthenticated):
    code = "webhook_not_authentic"
    message = "The signature or the time of this message is wrong."
