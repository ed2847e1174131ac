"""S2's payments, under /api/payments/."""

from decimal import Decimal
from typing import Any

from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.accounts.services import require_permission
from apps.payments import queries, schemas, services
from apps.payments.errors import PaymentNotFound, RefundNotFound
from apps.payments.models import Payment, Refund
from core.errors import InvalidInput
from core.idempotency import idempotent
from core.ids import uuid_or_not_found
from core.money import decimals, is_exact, minor
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Payments"], auth=bearer)


@router.get("", response=schemas.PaymentPage, summary="My payments")
def list_payments(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Newest first; operators see everybody's."""
    page = paginate(queries.payments_of(request.auth), query)
    return envelope(request, page, page.rows)


@router.post("create_intent/", response=schemas.IntentOut, summary="Begin to pay for an order")
@idempotent(schemas.IntentOut, apart=True)
def create_intent(request: UserRequest, body: schemas.CreateIntentIn) -> services.Begun:
    """The amount is the order's; its goods are kept already. Asked again, the same payment goes on."""
    return services.begin_payment(
        user=request.auth,
        order_id=body.order_id,
        method_id=body.payment_method_id,
        keep_card=body.save_payment_method,
    )


@router.post("confirm/", response=schemas.PaymentOut, summary="Charge a saved card, or see what became of a payment")
@idempotent(schemas.PaymentOut, apart=True)
def confirm(request: UserRequest, body: schemas.ConfirmIn) -> Payment:
    return services.confirm_payment(user=request.auth, intent=body.payment_intent_id)


@router.get("refunds/", response=schemas.RefundPage, summary="Refunds of my payments")
def list_refunds(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(queries.refunds_of(request.auth), query)
    return envelope(request, page, page.rows)


@router.post("refunds/request_refund/", response={201: schemas.RefundOut}, summary="Ask for money back")
@idempotent(schemas.RefundOut, status=201)
def request_refund(request: UserRequest, body: schemas.RequestRefundIn) -> Status[Refund]:
    """Staff decide; until then the amount counts as gone."""
    payment = _payment(request, body.payment_id.hex)
    refund = services.request_refund(
        user=request.auth,
        payment_id=payment.pk,
        amount=_exactly(body.amount, payment.currency),
        reason=body.reason,
        description=body.description,
    )
    return Status(201, refund)


@router.get("refunds/{refund_id}/", response=schemas.RefundOut, summary="One refund")
def get_refund(request: UserRequest, refund_id: str) -> Refund:
    refund = queries.refunds_of(request.auth).filter(pk=uuid_or_not_found(refund_id)).first()
    if refund is None:
        raise RefundNotFound
    return refund


@router.post("refunds/{refund_id}/process/", response=schemas.RefundOut, summary="Send it back (operators)")
@idempotent(schemas.RefundOut)
def process_refund(request: UserRequest, refund_id: str) -> Refund:
    """Of operators, those who may change refunds in the console."""
    require_permission(request.auth, "payments.change_refund")
    return services.process_refund(refund_id=uuid_or_not_found(refund_id), actor=request.auth)


@router.get("payment-methods/", response=schemas.MethodPage, summary="My saved cards")
def list_methods(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(services.saved_methods(request.auth), query)
    return envelope(request, page, page.rows)


@router.delete("payment-methods/{method_id}/", response={204: None}, summary="Forget a card")
def forget_method(request: UserRequest, method_id: str) -> Status[None]:
    services.forget_method(user=request.auth, method_id=uuid_or_not_found(method_id))
    return Status(204, None)


@router.post("payment-methods/{method_id}/set_default/", response=schemas.MethodOut, summary="Pay with it next time")
def set_default_method(request: UserRequest, method_id: str) -> Any:
    return services.set_default_method(user=request.auth, method_id=uuid_or_not_found(method_id))


@router.get("{payment_id}/", response=schemas.PaymentDetailOut, summary="One payment, with its movements")
def get_payment(request: UserRequest, payment_id: str) -> Payment:
    return _payment(request, payment_id)


def _payment(request: UserRequest, payment_id: str) -> Payment:
    payment = queries.payment_of(request.auth, uuid_or_not_found(payment_id))
    if payment is None:
        raise PaymentNotFound
    return payment


def _exactly(amount: Decimal | None, currency: str) -> int | None:
    if amount is None:
        return None
    if not is_exact(amount, currency):
        raise InvalidInput({"amount": [f"Write it with at most {decimals(currency)} decimals."]})
    return minor(amount, currency)
