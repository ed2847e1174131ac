"""What a phone tells the sandbox in place of Stripe's library; answers only where the shop pays in the sandbox."""

from django.http import HttpRequest
from ninja import Router

from apps.payments import schemas, services
from apps.payments.gateway import Intent

router = Router(tags=["Sandbox payments"], auth=None)


@router.post("{intent}/confirm/", response=schemas.SandboxOut, summary="Pay with a test card")
def confirm(request: HttpRequest, intent: str, body: schemas.SandboxPayIn) -> Intent:
    """4242 4242 4242 4242 is accepted, 4000 0000 0000 0002 declined; docs/payments.md lists the others."""
    return services.sandbox().pay(intent, client_secret=body.client_secret, number=body.card_number)


@router.post("{intent}/authenticate/", response=schemas.SandboxOut, summary="Answer the card's bank")
def answer_bank(request: HttpRequest, intent: str, body: schemas.SandboxAnswerIn) -> Intent:
    return services.sandbox().authenticate(intent, client_secret=body.client_secret, agrees=body.agrees)
